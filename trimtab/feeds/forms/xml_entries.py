"""XML as a stream of entries: no document type, no entities, no network, and bounded memory (case 60).

The parser refuses any document type declaration before it is read, which rules out external entities and the
entities that multiply; entries are handed out one by one and forgotten.
"""

from collections.abc import Iterator
from typing import BinaryIO, cast
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from trimtab.feeds.errors import FeedRefused

_DEEPEST = 64


class _Counted:
    """The stream, for a parser that reads as much as it likes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.bytes = 0

    def read(self, size: int = 65_536) -> bytes:
        chunk = self._stream.read(size if 0 < size <= 65_536 else 65_536)
        self.bytes += len(chunk)
        return chunk


class _Walk:
    """Where the parser stands: the open elements, outermost first."""

    def __init__(self) -> None:
        self.path: list[Element] = []

    def enter(self, element: Element) -> None:
        self.path.append(element)
        if len(self.path) > _DEEPEST:
            raise FeedRefused("FEED_SIZE", f"elements are nested more than {_DEEPEST} deep")

    def leave(self) -> None:
        """The element has been looked at: its parent lets go of it."""
        element = self.path.pop()
        if self.path:
            self.path[-1].remove(element)


def entries(
    stream: BinaryIO, names: frozenset[str], heads: frozenset[str] = frozenset()
) -> Iterator[tuple[str, Element]]:
    """(local name, element) of each outermost element with one of the names, complete; namespaces are dropped.

    Of `heads` only the attributes, as soon as the element begins.

    Raises FeedRefused: FEED_XML for a document type, FEED_EMPTY, FEED_TRUNCATED for a document that ends too early,
    FEED_SCHEMA for one that is not well-formed, FEED_SIZE for one nested too deeply.
    """
    counted, walk, inside = _Counted(stream), _Walk(), 0
    try:
        for event, element in iterparse(cast(BinaryIO, counted), ("start", "end"), forbid_dtd=True):
            if event == "start":
                element.tag = local(element.tag)
                walk.enter(element)
                inside += element.tag in names
                if element.tag in heads:
                    yield element.tag, element
                continue
            name = element.tag
            if name in names:
                inside -= 1
                if not inside:
                    yield name, element
            if inside:
                walk.path.pop()  # part of an entry that is not complete yet: kept in it
            else:
                walk.leave()
    except DefusedXmlException:
        raise FeedRefused("FEED_XML", "the document has a document type or entities, which are never read") from None
    except ParseError as error:
        raise _not_xml(error, counted.bytes) from None


def _not_xml(error: ParseError, read: int) -> FeedRefused:
    line, _ = error.position
    if not read:
        return FeedRefused("FEED_EMPTY", "the file is empty")
    text = str(error)
    if "no element found" in text or "unclosed token" in text:
        return FeedRefused("FEED_TRUNCATED", f"the document ends too early, in line {line}")
    if "encoding" in text or "invalid token" in text:
        return FeedRefused("FEED_ENCODING", f"line {line} is not text in the document's encoding")
    if "junk after document element" in text:
        return FeedRefused("FEED_TRAILING", f"there is something after the document, in line {line}")
    return FeedRefused("FEED_SCHEMA", f"line {line} is not well-formed XML")


def local(tag: str) -> str:
    """The name without its namespace."""
    return tag.rpartition("}")[2]


def text_at(element: Element, path: str) -> str:
    """The text at a path of local names, stripped; empty when there is none."""
    found = element.find(path)
    return (found.text or "").strip() if found is not None else ""
