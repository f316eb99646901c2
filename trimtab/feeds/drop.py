"""The drop folder: `<drop>/<firm>/<kind>/<kind>-<YYYYMMDD>.csv`, ready when `<same name>.done` stands beside it."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from io import BufferedReader
from pathlib import Path

from trimtab.feeds.errors import FeedRefused, StillArriving
from trimtab.feeds.layouts import FeedKind

MOST_BYTES = 1 << 30
DONE_SUFFIX = ".done"


@dataclass(frozen=True, slots=True)
class DroppedFile:
    """A file with its done-marker: one look at its name, nothing of it read yet."""

    kind: FeedKind
    path: Path
    size: int  # bytes

    @property
    def name(self) -> str:
        return self.path.name


def file_name(kind: FeedKind, business_date: date) -> str:
    return f"{kind}-{business_date:%Y%m%d}.csv"


def pending(drop: Path, firm_id: str, business_date: date) -> list[DroppedFile]:
    """The day's files that carry a done-marker, in loading order. A file still being written is not among them."""
    found = (_dropped(drop / firm_id / kind / file_name(kind, business_date), kind) for kind in FeedKind)
    return [file for file in found if file is not None]


def unmarked(drop: Path, firm_id: str, business_date: date) -> list[FeedKind]:
    """Kinds whose file is there without its done-marker: still arriving."""
    folder = drop / firm_id
    paths = {kind: folder / kind / file_name(kind, business_date) for kind in FeedKind}
    return [kind for kind, path in paths.items() if path.exists() and not _marker(path).exists()]


@contextmanager
def opened(file: DroppedFile) -> Iterator[BufferedReader]:
    """The file's bytes. Raises FeedRefused for a link or a huge file, StillArriving when it changed meanwhile."""
    try:
        descriptor = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise StillArriving(f"{file.name} was taken away while it was read") from None
    except OSError as error:
        if file.path.is_symlink():
            raise FeedRefused("FEED_PATH", f"{file.name} is a link, not a file") from error
        raise
    with os.fdopen(descriptor, "rb") as stream:
        before = os.fstat(descriptor)
        if before.st_size > MOST_BYTES:
            raise FeedRefused("FEED_SIZE", f"{file.name} has {before.st_size} bytes; at most {MOST_BYTES} are read")
        yield stream
        after = os.fstat(descriptor)
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise StillArriving(f"{file.name} changed while it was read")


def hash_of(file: DroppedFile) -> str:
    """SHA-256 of the file's bytes."""
    with opened(file) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _marker(path: Path) -> Path:
    return path.with_name(path.name + DONE_SUFFIX)


def _dropped(path: Path, kind: FeedKind) -> DroppedFile | None:
    if not _marker(path).exists():
        return None
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return DroppedFile(kind, path, status.st_size)
