"""One owner per state directory, by a lock that the kernel drops when the owner dies."""

import fcntl
import os
import time
from pathlib import Path
from typing import Final, Self

from trimtab.embedded.errors import AlreadyRunning

# A reader holds the lock for an instant to see whether there is an owner.
_PATIENCE_SECONDS: Final = 1.0


class OwnerLock:
    """An exclusive flock on `<folder>/owner.lock`; the file holds the owner's process id."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "owner.lock"
        self._descriptor: int | None = None

    def acquire(self) -> Self:
        """Raises AlreadyRunning, naming the owner, when another process holds it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not _locked(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                owner = os.read(descriptor, 32).decode().strip() or "unknown"
                os.close(descriptor)
                raise AlreadyRunning(
                    f"{self._path.parent} is in use by trimtab process {owner}:"
                    " stop it first, or choose another state directory (TRIMTAB_STATE_DIR)"
                )
            time.sleep(0.05)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor
        return self

    def release(self) -> None:
        """Lets the next owner in. The file stays: removing it would let two owners lock two files."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_owned(folder: Path) -> bool:
    """True while some process owns the folder."""
    try:
        descriptor = os.open(folder / "owner.lock", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not _locked(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
