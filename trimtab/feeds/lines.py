"""Bytes to lines: strict UTF-8, bounded memory, nothing guessed (case 52)."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from trimtab.feeds.errors import FeedRefused

CHUNK_BYTES = 1 << 20
LONGEST_LINE = 64 * 1024  # characters
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(slots=True)
class LineSource:
    """Lines of one open file, each ending in a line feed except perhaps the last.

    A byte order mark is dropped and CRLF becomes LF. Raises FeedRefused: FEED_ENCODING for anything that is not
    UTF-8 text, FEED_SIZE for a line longer than 64 Ki characters.
    """

    stream: BinaryIO
    encoding: str = "utf-8"
    longest: int = LONGEST_LINE  # characters
    normalised: set[str] = field(default_factory=set)

    def __iter__(self) -> Iterator[str]:
        carry = ""
        for text in self._texts():
            lines = (carry + text).split("\n")
            carry = lines.pop()
            if max(map(len, lines), default=0) > self.longest or len(carry) > self.longest:
                raise FeedRefused("FEED_SIZE", f"a line is longer than {self.longest} characters")
            yield from [line + "\n" for line in lines]
        if carry:
            yield carry

    def _texts(self) -> Iterator[str]:
        """Decoded chunks without carriage returns; a CR at a chunk's end waits for what follows it."""
        decoder = codecs.getincrementaldecoder(self.encoding)("strict")
        held, first = "", True
        while True:
            chunk = self.stream.read(CHUNK_BYTES)
            if first:
                chunk, first = self._without_mark(chunk), False
            if b"\0" in chunk:
                raise FeedRefused("FEED_ENCODING", "the file contains NUL bytes: it is not UTF-8 text")
            try:
                text = held + decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                raise FeedRefused("FEED_ENCODING", f"the file is not {self.encoding.upper()}: {error.reason}") from None
            held = "\r" if text.endswith("\r") and chunk else ""
            yield self._without_returns(text[: len(text) - len(held)])
            if not chunk:
                return

    def _without_mark(self, chunk: bytes) -> bytes:
        if chunk.startswith(_UTF16_MARKS):
            raise FeedRefused("FEED_ENCODING", "the file is UTF-16; trimtab reads UTF-8")
        if chunk.startswith(codecs.BOM_UTF8):
            self.normalised.add("BOM")
            return chunk[len(codecs.BOM_UTF8) :]
        return chunk

    def _without_returns(self, text: str) -> str:
        if "\r" not in text:
            return text
        self.normalised.add("CRLF")
        text = text.replace("\r\n", "\n")
        if "\r" in text:
            raise FeedRefused("FEED_ENCODING", "a carriage return stands without its line feed")
        return text
