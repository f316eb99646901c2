"""A first look at a file: too many bytes, rows, or too long a line is seen before anything is hashed or parsed (58).

A look costs one quick pass. What it found of a file is kept while the file stays as it is, since the drop folder is
looked at every other second.
"""

import hashlib
import threading
from collections import OrderedDict
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Final

from trimtab.feeds.archives import unpacked
from trimtab.feeds.drop import MOST_BYTES, Part, opened
from trimtab.feeds.errors import FeedRefused
from trimtab.feeds.lines import LONGEST_LINE
from trimtab.feeds.reader import MOST_ROWS
from trimtab.feeds.sources import Form

MOST_XML_BYTES: Final = 256 << 20
_CHUNK: Final = 2 * LONGEST_LINE  # bytes: a chunk without any line feed is part of a line that is too long
_OF_LINES: Final = frozenset({Form.TRIMTAB, Form.LAYOUT, Form.MT564})
_OF_TAGS: Final = frozenset({Form.SEMT002, Form.SEEV031, Form.FLEX, Form.OFX})
_KEPT: Final = 4_096

_Key = tuple[str, int, int, int, Form]


class Looks:
    """What was seen of files, while they stay as they are."""

    def __init__(self) -> None:
        self._found: OrderedDict[_Key, str | FeedRefused] = OrderedDict()
        self._lock = threading.Lock()

    def digest(self, path: Path, form: Form) -> str:
        """SHA-256 of a file within the limits. Raises FeedRefused and StillArriving."""
        with opened(path) as stream:
            key = (str(path), *_stamp(path), form)
            with self._lock:
                known = self._found.get(key)
            if known is None:
                known = _look(stream, form)
                with self._lock:
                    self._found[key] = known
                    while len(self._found) > _KEPT:
                        self._found.popitem(last=False)
        if isinstance(known, FeedRefused):
            raise FeedRefused(known.code, str(known))
        return known


def _stamp(path: Path) -> tuple[int, int, int]:
    status = path.lstat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _look(stream: BufferedReader, form: Form) -> str | FeedRefused:
    try:
        if form in _OF_TAGS:
            with unpacked(stream, MOST_XML_BYTES) as (inner, packed):
                _refuse_large(stream if not packed else None, inner)
        elif form in _OF_LINES:
            with unpacked(stream, MOST_BYTES) as (inner, _):
                _refuse_long(inner)
    except FeedRefused as refusal:
        return refusal
    stream.seek(0)
    return hashlib.file_digest(stream, "sha256").hexdigest()


def _refuse_large(plain: BinaryIO | None, inner: BinaryIO) -> None:
    """Documents of tags have no lines to count: their bytes are bounded. Of an archive the directory has said it."""
    if plain is None:
        return
    size = inner.seek(0, 2)
    if size > MOST_XML_BYTES:
        raise FeedRefused("FEED_SIZE", f"the document has {size} bytes; at most {MOST_XML_BYTES} are read")


def _refuse_long(stream: BinaryIO) -> None:
    feeds, most = 0, MOST_ROWS + 1_000  # some lines are no rows
    while chunk := stream.read(_CHUNK):
        found = chunk.count(b"\n")
        if not found and len(chunk) == _CHUNK:
            raise FeedRefused("FEED_SIZE", f"a line is longer than {LONGEST_LINE} characters")
        feeds += found
        if feeds > most:
            raise FeedRefused("FEED_SIZE", f"the file has more than {MOST_ROWS} rows")


LOOKS: Final = Looks()
"""Of this process."""


def hash_of(several: list[Part], form: Form, looks: Looks = LOOKS) -> str:
    """SHA-256 of the only file's bytes, or over the names and hashes of a set.

    Raises FeedRefused: FEED_SIZE beyond a limit, FEED_SIGNATURE for another file than its marker's.
    """
    if sum(part.path.lstat().st_size for part in several if part.path.exists()) > MOST_BYTES:
        raise FeedRefused("FEED_SIZE", f"the delivery has more than {MOST_BYTES} bytes")
    digests = [(part.path.name, _verified(part, form, looks)) for part in several]
    if len(digests) == 1:
        return digests[0][1]
    return hashlib.sha256("".join(f"{digest}  {name}\n" for name, digest in digests).encode()).hexdigest()


def _verified(part: Part, form: Form, looks: Looks) -> str:
    digest = looks.digest(part.path, form)
    if part.expected is not None and digest != part.expected:
        raise FeedRefused("FEED_SIGNATURE", f"{part.path.name} is not the file whose checksum its done-marker gives")
    return digest
