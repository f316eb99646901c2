"""Whom the database server runs as.

PostgreSQL refuses root. No user is created for it, and the mode of no parent folder is changed.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from trimtab.embedded.errors import StateDirUnusable


@dataclass(frozen=True, slots=True)
class UnixUser:
    """An existing user of the system."""

    name: str
    uid: int
    gid: int


def database_user(data: Path) -> UnixUser | None:
    """None when this process is not root and the server can run as it is; else whom to demote it to.

    Data that exist keep their owner: a system may get its user `postgres` later than its data.
    """
    if os.geteuid() != 0:
        return None
    if data.exists():
        status = data.stat()
        return UnixUser(f"user {status.st_uid}", status.st_uid, status.st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return UnixUser(name, entry.pw_uid, entry.pw_gid)
    raise StateDirUnusable(
        "PostgreSQL does not run as root and this system has no user postgres or nobody:"
        " run trimtab as an ordinary user, or set DATABASE_URL"
    )


def can_reach(folder: Path, user: UnixUser | None) -> bool:
    """True when `user` may enter the folder and each of its parents, by mode bits (ACLs are not read)."""
    if user is None:
        return os.access(folder, os.X_OK)
    return all(_may_enter(part.stat(), user) for part in (folder, *folder.parents))


def give(path: Path, user: UnixUser | None) -> None:
    """Hands a file or folder of ours to the server's user."""
    if user is not None:
        os.chown(path, user.uid, user.gid)


def _may_enter(status: os.stat_result, user: UnixUser) -> bool:
    if status.st_uid == user.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == user.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
