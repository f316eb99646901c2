"""Where Unix sockets stand when the state directory's path is too long for one."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import Final

from trimtab.embedded.errors import StateDirUnusable
from trimtab.embedded.unix_user import UnixUser, can_reach, give

_LONGEST_PATH_BYTES: Final = 107  # sun_path holds 108, one of them the final zero
_PRIVATE: Final = 0o700


def socket_folder(preferred: Path, name: str) -> Path:
    """`preferred`, when a socket `name` fits there; else a short folder, always the same for this path.

    Only computes: `make_private_folder` creates it.
    """
    if len(os.fsencode(preferred / name)) <= _LONGEST_PATH_BYTES:
        return preferred
    digest = hashlib.sha256(os.fsencode(preferred)).hexdigest()[:12]
    return _short_parent() / f"trimtab-{digest}"


def make_private_folder(folder: Path, user: UnixUser | None) -> None:
    """Creates the folder with mode 0700 for `user` (None: this process's).

    Raises StateDirUnusable when somebody else was there first: the parent may be a shared /tmp.
    """
    try:
        folder.mkdir(mode=_PRIVATE)
        give(folder, user)
    except FileExistsError:
        pass
    found = folder.lstat()
    owner = user.uid if user else os.geteuid()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or stat.S_IMODE(found.st_mode) != _PRIVATE:
        raise StateDirUnusable(f"{folder} is not a private folder of ours: remove it")
    if not can_reach(folder, user):
        raise StateDirUnusable(f"{folder} is closed to the database's user: choose a shorter state directory")


def _short_parent() -> Path:
    # Root's runtime folder is closed to the user that the database is demoted to.
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and os.geteuid() != 0 and len(runtime) < 60:
        return Path(runtime)
    shared = Path(tempfile.gettempdir())
    return shared if len(str(shared)) < 60 else Path("/tmp")  # noqa: S108 - see make_private_folder
