"""One delivered file, read strictly: envelope, columns, rows, trailer.

    #TRIMTAB,<kind>,<firm id>,<business date>,<as-of date>,<source>
    <columns, in any order>
    <rows>
    #TRAILER,<number of rows>,<control total>

Rows come out in batches as tuples in the order of the layout's names, each with its line number first, so a
file of a million rows is never in memory. A row that cannot be read is kept aside as a QuarantinedRow; a file
that breaks its envelope raises FeedRefused, possibly after some batches: the caller must load all or nothing.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import BinaryIO

from trimtab.domain.records import decimal_text
from trimtab.feeds.errors import FeedRefused, UnreadableValue
from trimtab.feeds.layouts import LAYOUTS, FeedKind, Layout
from trimtab.feeds.lines import LineSource
from trimtab.feeds.rows import Row, RowPlan
from trimtab.feeds.values import EXACT, exact_decimal, read_date, read_text

HEADER_MARK, TRAILER_MARK = "#TRIMTAB", "#TRAILER"
BATCH_ROWS = 5_000
MOST_ROWS = 5_000_000
MOST_QUARANTINED = 10_000


@dataclass(frozen=True, slots=True)
class FeedHeader:
    kind: FeedKind
    firm_id: str
    business_date: date
    as_of: date  # the session that holdings and closes are of
    source: str


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A row that was not loaded, and why. `owner` (an account or a model) and `security_key` say whom it concerns."""

    line: int
    field: str
    value: str
    code: str
    message: str
    owner: str | None = None
    security_key: str | None = None


@dataclass(slots=True)
class FeedReader:
    """Reads one file from an open binary stream. Iterate `batches()` to its end before using the totals."""

    stream: BinaryIO
    kind: FeedKind
    firm_id: str
    business_date: date
    header: FeedHeader | None = None
    rows: int = 0  # data lines read, quarantined ones included
    control_total: Decimal = Decimal(0)
    quarantined: list[QuarantinedRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what was normalised or ignored
    factors: tuple[str, ...] = ()  # of a risk file: its factor columns by name
    content_hash: str = ""  # SHA-256 of the file's bytes
    _expected_total: Decimal | None = None

    @property
    def layout(self) -> Layout:
        return LAYOUTS[self.kind]

    def batches(self) -> Iterator[list[Row]]:
        """Lists of at most 5,000 rows. Raises FeedRefused as soon as the file proves unusable."""
        source = LineSource(self.stream)
        lines = csv.reader(source, strict=True)
        try:
            self.header = self._read_header(next(lines, None))
            plan = self._read_columns(next(lines, None))
            yield from self._read_rows(lines, plan)
        except csv.Error as error:
            raise FeedRefused("FEED_ENCODING", f"line {lines.line_num} is not valid CSV: {error}") from None
        self.content_hash = source.digest
        self.notes += [f"normalised {what}" for what in sorted(source.normalised)]

    def _read_header(self, cells: list[str] | None) -> FeedHeader:
        if cells is None or cells == []:
            raise FeedRefused("FEED_EMPTY", "the file is empty")
        if cells[0] != HEADER_MARK or len(cells) != 6:
            code = "FEED_ENCODING" if cells[0].startswith(HEADER_MARK) else "FEED_SCHEMA"
            raise FeedRefused(code, f"the first line is not {HEADER_MARK},kind,firm,business date,as-of date,source")
        if cells[1] != self.kind:
            raise FeedRefused("FEED_SCHEMA", f"the header says {cells[1]!r}; the file stands under {self.kind}")
        if cells[2] != self.firm_id:
            raise FeedRefused("FOREIGN_FIRM_DATA", "the header names another firm")
        try:
            business_date, as_of, source = read_date(cells[3]), read_date(cells[4]), read_text(cells[5])
        except UnreadableValue as error:
            raise FeedRefused("FEED_SCHEMA", f"the header's {error}") from None
        if business_date != self.business_date:
            raise FeedRefused(
                "FEED_STALE_DATE", f"the header is of {business_date}, the file's name of {self.business_date}"
            )
        if as_of >= business_date:
            raise FeedRefused("FEED_STALE_DATE", f"as-of {as_of} is not before the business date {business_date}")
        return FeedHeader(self.kind, self.firm_id, business_date, as_of, source)

    def _read_columns(self, cells: list[str] | None) -> RowPlan:
        if not cells or cells[0] == TRAILER_MARK:
            raise FeedRefused("FEED_EMPTY", "the file has a header and no columns")
        plan = RowPlan.from_columns(self.layout, [cell.strip() for cell in cells])
        self.factors = plan.factors
        if plan.ignored:
            self.notes.append(f"ignored the unknown columns {', '.join(plan.ignored)}")
        return plan

    def _read_rows(self, lines: Iterator[list[str]], plan: RowPlan) -> Iterator[list[Row]]:
        batch: list[Row] = []
        trailer: list[str] | None = None
        for cells in lines:
            if trailer is not None:
                raise FeedRefused("FEED_TRAILING", "there are lines after the trailer")
            if cells and cells[0] == TRAILER_MARK:
                trailer = cells
                continue
            self.rows += 1
            if self.rows > MOST_ROWS:
                raise FeedRefused("FEED_SIZE", f"the file has more than {MOST_ROWS} rows")
            self._add_row(cells, plan, lines.line_num, batch)  # type: ignore[attr-defined]
            if len(batch) >= BATCH_ROWS:
                yield batch
                batch = []
        self._check_trailer(trailer)
        if batch:
            yield batch

    def _add_row(self, cells: list[str], plan: RowPlan, line: int, batch: list[Row]) -> None:
        try:
            if plan.control is not None and len(cells) == plan.width:
                text = cells[plan.control]
                if text:
                    self.control_total = EXACT.add(self.control_total, exact_decimal(text))
            batch.append(plan.read(cells, line))
        except UnreadableValue as error:
            self._quarantine(plan, cells, line, error)

    def _quarantine(self, plan: RowPlan, cells: list[str], line: int, error: UnreadableValue) -> None:
        """Raises FeedRefused when the row cannot be laid at anybody's door: then nobody's data is complete."""
        name, value, code = plan.fault(cells, error)
        owner = plan.owner_of(cells)
        if self.layout.owned and owner is None:
            raise FeedRefused("FEED_SCHEMA", f"line {line} names no {self.layout.columns[0].name}: {error}")
        if len(self.quarantined) >= MOST_QUARANTINED:
            raise FeedRefused("FEED_SCHEMA", f"more than {MOST_QUARANTINED} rows cannot be read")
        key = plan.key_of(cells)
        self.quarantined.append(QuarantinedRow(line, name, value[:200], code, str(error), owner, key))

    def _check_trailer(self, trailer: list[str] | None) -> None:
        if trailer is None:
            code = "FEED_EMPTY" if self.rows == 0 else "FEED_TRUNCATED"
            raise FeedRefused(code, f"the file ends after {self.rows} rows without its trailer")
        try:
            count, total = int(exact_decimal(trailer[1])), exact_decimal(trailer[2])
        except (IndexError, UnreadableValue):
            raise FeedRefused("FEED_TRUNCATED", "the trailer is not #TRAILER,rows,control total") from None
        if count != self.rows:
            raise FeedRefused("FEED_TRUNCATED", f"the trailer counts {count} rows; the file has {self.rows}")
        if self.rows == 0 and not self.layout.may_be_empty:
            raise FeedRefused("FEED_EMPTY", "the file has no rows")
        if total != self.control_total:
            raise FeedRefused(
                "FEED_TOTAL",
                f"the trailer's control total is {trailer[2]}; the rows sum to {decimal_text(self.control_total)}",
            )
