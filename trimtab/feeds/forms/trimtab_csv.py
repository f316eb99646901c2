"""trimtab's own CSV.

#TRIMTAB,<kind>,<firm id>,<business date>,<as-of date>,<source>
<columns, in any order>
<rows>
#TRAILER,<number of rows>,<control total>
"""

import csv
from collections.abc import Iterator
from datetime import date
from itertools import chain, islice
from typing import Any, BinaryIO

from trimtab.feeds.content import Ask, Cells, Claim, Content
from trimtab.feeds.errors import FeedRefused, UnreadableValue
from trimtab.feeds.lines import LineSource
from trimtab.feeds.values import exact_decimal, read_date, read_text

BLOCK_LINES = 5_000
HEADER_MARK, TRAILER_MARK = "#TRIMTAB", "#TRAILER"

_Lines = Any  # csv's own reader, which has no name for annotations


def open_trimtab(stream: BinaryIO, ask: Ask) -> Content:
    """Raises FeedRefused when the envelope is not that of the file that the day expects."""
    source = LineSource(stream)
    rest = iter(source)
    lines = csv.reader(rest, strict=True)
    as_of, name = _header(_next(lines), ask)
    columns = _next(lines)
    if not columns or columns[0] == TRAILER_MARK:
        raise FeedRefused("FEED_EMPTY", "the file has a header and no columns")
    content = Content([cell.strip() for cell in columns], iter(()), as_of, name, exact_columns=True)
    body = _Body(content, source, rest, lines.line_num)
    content.blocks = body.blocks()
    content.rows = (row for block in body.blocks() for row in block.rows())
    return content


def _next(lines: _Lines) -> Cells | None:
    try:
        found: Cells | None = next(lines, None)
    except csv.Error as error:
        raise _not_csv(lines.line_num, error) from None
    return found


def _header(cells: Cells | None, ask: Ask) -> tuple[date, str]:
    if cells is None or cells == []:
        raise FeedRefused("FEED_EMPTY", "the file is empty")
    if cells[0] != HEADER_MARK or len(cells) != 6:
        code = "FEED_ENCODING" if cells[0].startswith(HEADER_MARK) else "FEED_SCHEMA"
        raise FeedRefused(code, f"the first line is not {HEADER_MARK},kind,firm,business date,as-of date,source")
    if cells[1] != ask.kind:
        raise FeedRefused("FEED_SCHEMA", f"the header says {cells[1]!r}; the file stands under {ask.kind}")
    if cells[2] != ask.firm_id:
        raise FeedRefused("FOREIGN_FIRM_DATA", "the header names another firm")
    try:
        business_date, as_of, source = read_date(cells[3]), read_date(cells[4]), read_text(cells[5])
    except UnreadableValue as error:
        raise FeedRefused("FEED_SCHEMA", f"the header's {error}") from None
    if business_date != ask.business_date:
        raise FeedRefused(
            "FEED_STALE_DATE", f"the header is of {business_date}, the file's name of {ask.business_date}"
        )
    return as_of, str(source)


class _Body:
    """The lines after the column names, in blocks, up to the trailer."""

    def __init__(self, content: Content, source: LineSource, rest: Iterator[str], number: int) -> None:
        self._content, self._source = content, source
        self.rest = rest
        self.number = number  # lines that were taken
        self.trailer: Cells | None = None

    def blocks(self) -> Iterator["_Block"]:
        any_lines = False
        while lines := list(islice(self.rest, BLOCK_LINES)):
            any_lines = True
            block = _Block(self, self.number + 1, lines)
            self.number += len(lines)
            yield block
        if self.trailer is None:
            code = "FEED_TRUNCATED" if any_lines else "FEED_EMPTY"
            raise FeedRefused(code, f"the file ends after line {self.number} without its trailer")
        self._content.claim = _claim(self.trailer)
        self._content.notes += [f"normalised {what}" for what in sorted(self._source.normalised)]


class _Block:
    """Lines of the body. A quoted cell may reach into later ones: then this block has all that is left."""

    def __init__(self, body: _Body, first: int, lines: list[str]) -> None:
        self._body = body
        self.first = first
        self.lines = lines
        self._is_quoted = '"' in "".join(lines)
        self.is_plain = not self._is_quoted and body.trailer is None

    def rows(self) -> Iterator[tuple[int, Cells]]:
        body, start = self._body, self.first - 1
        lines = csv.reader(chain(self.lines, body.rest) if self._is_quoted else self.lines, strict=True)
        try:
            for cells in lines:
                if body.trailer is not None:
                    raise FeedRefused("FEED_TRAILING", "there are lines after the trailer")
                if cells and cells[0] == TRAILER_MARK:
                    body.trailer = cells
                    continue
                yield start + lines.line_num, cells
        except csv.Error as error:
            raise _not_csv(start + lines.line_num, error) from None


def _claim(trailer: Cells) -> Claim:
    try:
        return Claim(int(exact_decimal(trailer[1])), exact_decimal(trailer[2]), trailer[2])
    except (IndexError, UnreadableValue):
        raise FeedRefused("FEED_TRUNCATED", "the trailer is not #TRAILER,rows,control total") from None


def _not_csv(line: int, error: csv.Error) -> FeedRefused:
    return FeedRefused("FEED_ENCODING", f"line {line} is not valid CSV: {error}")
