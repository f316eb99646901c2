"""trimtab's own CSV.

#TRIMTAB,<kind>,<firm id>,<business date>,<as-of date>,<source>
<columns, in any order>
<rows>
#TRAILER,<number of rows>,<control total>
"""

import csv
from collections.abc import Iterator
from datetime import date
from typing import Any, BinaryIO

from trimtab.feeds.content import Ask, Cells, Claim, Content
from trimtab.feeds.errors import FeedRefused, UnreadableValue
from trimtab.feeds.lines import LineSource
from trimtab.feeds.values import exact_decimal, read_date, read_text

HEADER_MARK, TRAILER_MARK = "#TRIMTAB", "#TRAILER"

_Lines = Any  # csv's own reader, which has no name for annotations


def open_trimtab(stream: BinaryIO, ask: Ask) -> Content:
    """Raises FeedRefused when the envelope is not that of the file that the day expects."""
    source = LineSource(stream)
    lines = csv.reader(source, strict=True)
    as_of, name = _header(_next(lines), ask)
    columns = _next(lines)
    if not columns or columns[0] == TRAILER_MARK:
        raise FeedRefused("FEED_EMPTY", "the file has a header and no columns")
    content = Content([cell.strip() for cell in columns], iter(()), as_of, name, exact_columns=True)
    content.rows = _rows(lines, content, source)
    return content


def _next(lines: _Lines) -> Cells | None:
    try:
        found: Cells | None = next(lines, None)
    except csv.Error as error:
        raise _not_csv(lines, error) from None
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


def _rows(lines: _Lines, content: Content, source: LineSource) -> Iterator[tuple[int, Cells]]:
    trailer: Cells | None = None
    count = 0
    try:
        for cells in lines:
            if trailer is not None:
                raise FeedRefused("FEED_TRAILING", "there are lines after the trailer")
            if cells and cells[0] == TRAILER_MARK:
                trailer = cells
                continue
            count += 1
            yield lines.line_num, cells
    except csv.Error as error:
        raise _not_csv(lines, error) from None
    if trailer is None:
        code = "FEED_EMPTY" if count == 0 else "FEED_TRUNCATED"
        raise FeedRefused(code, f"the file ends after {count} rows without its trailer")
    content.claim = _claim(trailer)
    content.notes += [f"normalised {what}" for what in sorted(source.normalised)]


def _claim(trailer: Cells) -> Claim:
    try:
        return Claim(int(exact_decimal(trailer[1])), exact_decimal(trailer[2]), trailer[2])
    except (IndexError, UnreadableValue):
        raise FeedRefused("FEED_TRUNCATED", "the trailer is not #TRAILER,rows,control total") from None


def _not_csv(lines: _Lines, error: csv.Error) -> FeedRefused:
    return FeedRefused("FEED_ENCODING", f"line {lines.line_num} is not valid CSV: {error}")
