"""The drop folder: a delivery is one file or a set of files, ready when its done-marker stands beside it.

One file: `<drop>/<firm>/<kind>/<kind>-<YYYYMMDD>.csv` and `<same name>.done`, which may be empty or hold the file's
SHA-256. A set: every file that the marker `<kind>-<YYYYMMDD>.done` lists, one line each as sha256sum writes it.
Names and folders are the source's to change.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from io import BufferedReader
from pathlib import Path

from trimtab.feeds.errors import FeedRefused, StillArriving
from trimtab.feeds.layouts import LAYOUTS, FeedKind
from trimtab.feeds.sources import FirmSources, Source

MOST_BYTES = 1 << 30
MOST_FILES = 20_000  # of one set
DONE_SUFFIX = ".done"
_LONGEST_MARKER = 4 << 20  # bytes
_CHECKSUM = re.compile(r"(?P<digest>[0-9a-f]{64})(?: [ *](?P<name>.+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class DroppedFile:
    """A delivery with its done-marker: one look at its names, nothing of it read yet."""

    kind: FeedKind
    path: Path  # the file, or the marker of a set
    size: int  # bytes
    source: Source
    marker: Path

    @property
    def name(self) -> str:
        return self.path.name


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a delivery, and the checksum that its marker gives it, if any."""

    path: Path
    expected: str | None = None


def file_name(kind: FeedKind, business_date: date) -> str:
    return f"{kind}-{business_date:%Y%m%d}.csv"


def pending(drop: Path, firm_id: str, business_date: date, sources: FirmSources) -> list[DroppedFile]:
    """The day's deliveries that carry a done-marker, in loading order; what is still being written is none."""
    found = (_dropped(drop / firm_id, kind, business_date, sources.of(kind)) for kind in FeedKind)
    return [file for file in found if file is not None]


def unmarked(drop: Path, firm_id: str, business_date: date, sources: FirmSources) -> list[FeedKind]:
    """Kinds of which something is there without its done-marker: still arriving."""
    return [kind for kind in FeedKind if _arriving(drop / firm_id, kind, business_date, sources.of(kind))]


def place_of(drop: Path, firm_id: str, kind: FeedKind, business_date: date, source: Source) -> tuple[Path, Path]:
    """Where the day's delivery lies (of a set: its folder), and its done-marker."""
    folder = drop / firm_id / source.folder_of(kind)
    if source.is_set:
        return folder, folder / f"{kind}-{business_date:%Y%m%d}{DONE_SUFFIX}"
    path = folder / source.file_name(kind, business_date)
    return path, path.with_name(path.name + DONE_SUFFIX)


def parts(file: DroppedFile, business_date: date) -> list[Part]:
    """The delivery's files in the order of their names. Raises FeedRefused for a marker that is none, StillArriving."""
    lines = _marker_lines(file.marker)
    if not file.source.is_set:
        checksums = [_checksum(line) for line in lines]
        if any(name not in (None, file.name) for _, name in checksums) or len(checksums) > 1:
            raise FeedRefused("FEED_SIGNATURE", f"the done-marker of {file.name} is of another file")
        return [Part(file.path, checksums[0][0] if checksums else None)]
    if not lines and not LAYOUTS[file.kind].may_be_empty:
        raise FeedRefused("FEED_EMPTY", f"{file.name} lists no file")
    if len(lines) > MOST_FILES:
        raise FeedRefused("FEED_SIZE", f"{file.name} lists {len(lines)} files; at most {MOST_FILES} are read")
    return sorted((_listed(file, line, business_date) for line in lines), key=lambda part: part.path.name)


def _listed(file: DroppedFile, line: str, business_date: date) -> Part:
    digest, name = _checksum(line)
    if name is None:
        raise FeedRefused("FEED_SIGNATURE", f"{file.name} does not name each file after its checksum")
    if "/" in name or "\\" in name or name.startswith("."):
        raise FeedRefused("FEED_PATH", f"{file.name} names {name[:80]!r}, which is no plain file name")
    if not file.source.holds(file.kind, business_date, name):
        raise FeedRefused("FEED_SCHEMA", f"{file.name} names {name[:80]!r}, which is not of the day's delivery")
    path = file.marker.with_name(name)
    if not path.exists() and not path.is_symlink():
        raise StillArriving(f"{name} is listed and has not come")
    return Part(path, digest)


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """The file's bytes. Raises FeedRefused for a link or a huge file, StillArriving when it changed meanwhile."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise StillArriving(f"{path.name} was taken away while it was read") from None
    except OSError as error:
        if path.is_symlink():
            raise FeedRefused("FEED_PATH", f"{path.name} is a link, not a file") from error
        raise
    with os.fdopen(descriptor, "rb") as stream:
        before = os.fstat(descriptor)
        if before.st_size > MOST_BYTES:
            raise FeedRefused("FEED_SIZE", f"{path.name} has {before.st_size} bytes; at most {MOST_BYTES} are read")
        yield stream
        after = os.fstat(descriptor)
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise StillArriving(f"{path.name} changed while it was read")


def _marker_lines(marker: Path) -> list[str]:
    with opened(marker) as stream:
        text = stream.read(_LONGEST_MARKER + 1)
    if len(text) > _LONGEST_MARKER:
        raise FeedRefused("FEED_SIZE", f"the done-marker {marker.name} is too long")
    return [line for line in text.decode("utf-8", "replace").splitlines() if line.strip()]


def _checksum(line: str) -> tuple[str, str | None]:
    found = _CHECKSUM.fullmatch(line.rstrip())
    if found is None:
        raise FeedRefused("FEED_SIGNATURE", "the done-marker is neither empty nor a list of SHA-256 checksums")
    return found["digest"], found["name"]


def _dropped(home: Path, kind: FeedKind, business_date: date, source: Source) -> DroppedFile | None:
    place, marker = place_of(home.parent, home.name, kind, business_date, source)
    if not marker.exists():
        return None
    path = marker if source.is_set else place
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return DroppedFile(kind, path, status.st_size, source, marker)


def _arriving(home: Path, kind: FeedKind, business_date: date, source: Source) -> bool:
    place, marker = place_of(home.parent, home.name, kind, business_date, source)
    if not source.is_set:
        return place.exists() and not marker.exists()
    if not place.is_dir() or marker.exists():
        return False
    return any(source.holds(kind, business_date, each.name) for each in place.iterdir())
