"""Files that are fetched or uploaded, into the drop folder: under another name, then renamed, then marked."""

import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from trimtab.feeds.drop import DONE_SUFFIX, MOST_BYTES
from trimtab.feeds.errors import FeedRefused


@dataclass(slots=True)
class Arrival:
    """A file that is being written. It is nowhere until `complete`."""

    path: Path
    size: int = 0
    _part: Path = field(init=False)
    _sha: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    _descriptor: int = -1

    def __post_init__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._part = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.part")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(self._part, flags, 0o640)

    @property
    def digest(self) -> str:
        """SHA-256 of what was written."""
        return self._sha.hexdigest()

    def write(self, chunk: bytes) -> None:
        """Raises FeedRefused: FEED_SIZE beyond a gigabyte."""
        self.size += len(chunk)
        if self.size > MOST_BYTES:
            raise FeedRefused("FEED_SIZE", f"{self.path.name} has more than {MOST_BYTES} bytes")
        self._sha.update(chunk)
        left = memoryview(chunk)
        while left:
            left = left[os.write(self._descriptor, left) :]

    def complete(self, moment_ns: int | None = None, marker: str | None = "") -> None:
        """Put the file where it belongs, with a time of the sender's if given, and its done-marker's text."""
        os.fsync(self._descriptor)
        if moment_ns is not None:
            os.utime(self._descriptor, ns=(moment_ns, moment_ns))
        self._part.replace(self.path)
        if marker is not None:
            mark(self.path, marker)

    def close(self) -> None:
        os.close(self._descriptor)
        self._part.unlink(missing_ok=True)


@contextmanager
def arriving(path: Path) -> Iterator[Arrival]:
    """A file to be written; what is not completed leaves nothing behind."""
    arrival = Arrival(path)
    try:
        yield arrival
    finally:
        arrival.close()


async def take(path: Path, chunks: AsyncIterator[bytes], *, marks: bool = True) -> tuple[int, str]:
    """Write an upload, and mark it as done unless it is one of a set. Returns its bytes and their SHA-256.

    Raises FeedRefused.
    """
    with arriving(path) as arrival:
        async for chunk in chunks:
            arrival.write(chunk)
        arrival.complete(marker=arrival.digest + "\n" if marks else None)
        return arrival.size, arrival.digest


def mark(path: Path, text: str) -> None:
    """Make the done-marker, all of it at once."""
    part = path.with_name(f".{path.name}{DONE_SUFFIX}.{secrets.token_hex(4)}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path.with_name(path.name + DONE_SUFFIX))
