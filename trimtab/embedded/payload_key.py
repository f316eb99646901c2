"""The key that encrypts Temporal's payloads on one machine: made on first start, readable by its owner only."""

import base64
import os
import secrets
from pathlib import Path

from trimtab.embedded.errors import StateDirUnusable

_KEY_BYTES = 32


def ensure_payload_key(state_dir: Path) -> Path:
    """The file with the key (32 bytes, URL-safe base64), created if missing.

    Raises StateDirUnusable when others may read it or it is no key: histories encrypted with a lost key
    cannot be read again, so it is never replaced.
    """
    path = state_dir / "payload.key"
    if not path.exists():
        _create(path)
    if path.stat().st_mode & 0o077:
        raise StateDirUnusable(f"{path} is readable by others: chmod 600 {path}")
    if not _is_key(path.read_bytes().strip()):
        raise StateDirUnusable(f"{path} does not hold {_KEY_BYTES} bytes in base64: restore it from a backup")
    return path


def _is_key(text: bytes) -> bool:
    try:
        return len(base64.urlsafe_b64decode(text)) == _KEY_BYTES
    except ValueError:
        return False


def _create(path: Path) -> None:
    """Written under another name first: a kill in between must not leave an empty key."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
