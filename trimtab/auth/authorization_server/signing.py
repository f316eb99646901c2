"""The server's signing key, kept in a file that only its owner can read."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from trimtab.domain.errors import TrimtabError

ALGORITHM: Final = "ES256"


class SigningKeyUnsafe(TrimtabError):
    """The key file is readable by others, or is not a key file."""

    code = "SIGNING_KEY_UNSAFE"


def signing_keys(path: Path) -> KeySet:
    """The keys in the file, which is created on first use; the first signs, all are published.

    To rotate, put a new key in front and drop the old one ten minutes later. Raises SigningKeyUnsafe.
    """
    if not path.exists():
        _create(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise SigningKeyUnsafe(f"{path} is readable by others (mode {mode:o}); run: chmod 600 {path}")
    try:
        keys = KeySet.import_key_set(json.loads(path.read_text(encoding="utf-8")))
    except (JoseError, ValueError, KeyError, TypeError) as fault:
        raise SigningKeyUnsafe(f"{path} holds no signing key; remove it to have a new one made") from fault
    if not all(isinstance(key, ECKey) and key.is_private and key.curve_name == "P-256" for key in keys):
        raise SigningKeyUnsafe(f"{path} must hold private P-256 keys only")
    return keys


def _create(path: Path) -> None:
    key = ECKey.generate_key("P-256", parameters={"use": "sig", "alg": ALGORITHM})
    document = json.dumps(KeySet([key]).as_dict(private=True))
    # Written aside and linked into place: whoever starts at the same time finds a whole file, and the first one wins.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    aside = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(document)
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(aside)
        except FileExistsError:
            return
    finally:
        aside.unlink()
