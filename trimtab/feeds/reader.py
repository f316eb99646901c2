"""One delivered file, read strictly, whatever its form: envelope, columns, rows, trailer.

Rows come out in batches as tuples in the order of the layout's names, each with its line number first, so a
file of a million rows is never in memory. A row that cannot be read is kept aside as a QuarantinedRow; a file
that breaks its envelope raises FeedRefused, possibly after some batches: the caller must load all or nothing.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import BinaryIO, cast

from trimtab.domain.records import decimal_text
from trimtab.feeds.content import Ask, Block, Cells, Claim, Content, OpenForm, completed
from trimtab.feeds.errors import FeedRefused, UnreadableValue
from trimtab.feeds.forms.trimtab_csv import open_trimtab
from trimtab.feeds.layouts import LAYOUTS, FeedKind, Layout
from trimtab.feeds.plain_rows import PlainRows
from trimtab.feeds.rows import Row, RowPlan
from trimtab.feeds.values import EXACT, exact_decimal

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
class HashedStream:
    """A stream that keeps the SHA-256 of what was read of it from its beginning to its end."""

    stream: BinaryIO
    _sha: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def read(self, size: int = -1) -> bytes:
        chunk = self.stream.read(size)
        self._sha.update(chunk)
        return chunk

    @property
    def digest(self) -> str:
        return self._sha.hexdigest()


@dataclass(slots=True)
class FeedReader:
    """Reads one file from an open binary stream. Iterate `batches()` to its end before using the totals."""

    stream: BinaryIO
    kind: FeedKind
    firm_id: str
    business_date: date
    form: OpenForm = open_trimtab
    ask: Ask | None = None  # what the source's configuration adds; None: nothing
    seeks: bool = False  # the form reads here and there in the stream: its hash is not known afterwards
    as_text: bool = False  # blocks of plain rows come as the text of COPY
    header: FeedHeader | None = None
    rows: int = 0  # data lines read, quarantined ones included
    control_total: Decimal = Decimal(0)
    quarantined: list[QuarantinedRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what was normalised or ignored
    factors: tuple[str, ...] = ()  # of a risk file: its factor columns by name
    content_hash: str = ""  # SHA-256 of the file's bytes

    @property
    def layout(self) -> Layout:
        return LAYOUTS[self.kind]

    def batches(self) -> Iterator[list[Row]]:
        """Lists of at most 5,000 rows. Raises FeedRefused as soon as the file proves unusable."""
        for batch in self._batches():
            if not isinstance(batch, str):  # text comes only when asked for
                yield batch

    def copy_batches(self) -> Iterator[list[Row] | str]:
        """As `batches`, with the text of COPY in place of rows where all of a block's rows are plain."""
        self.as_text = True
        return self._batches()

    def _batches(self) -> Iterator[list[Row] | str]:
        ask = self.ask or Ask(self.kind, self.firm_id, self.business_date)
        hashed = HashedStream(self.stream)
        # A form asks a stream for nothing but read(), unless it says that it seeks.
        stream = self.stream if self.seeks else cast(BinaryIO, hashed)
        content = completed(self.form(stream, ask), ask)
        self.header = self._header_of(content, ask)
        plan = self._plan(content)
        if self.as_text and content.blocks is not None:
            yield from self._read_blocks(content.blocks, plan)
        else:
            yield from self._read_rows(content.rows, plan)
        self._check_claim(content.claim)
        if not self.seeks:
            self.content_hash = hashed.digest
        self.notes += content.notes

    def _header_of(self, content: Content, ask: Ask) -> FeedHeader:
        """Raises FeedRefused when no session is known that the file is of, or one that has not come yet."""
        as_of = content.as_of or ask.as_of
        if as_of is None:
            raise FeedRefused("FEED_STALE_DATE", "the file does not say which day it is of")
        if as_of >= self.business_date:
            raise FeedRefused("FEED_STALE_DATE", f"as-of {as_of} is not before the business date {self.business_date}")
        return FeedHeader(self.kind, self.firm_id, self.business_date, as_of, content.source or ask.source)

    def _plan(self, content: Content) -> RowPlan:
        plan = RowPlan.from_columns(self.layout, content.columns)
        self.factors = plan.factors
        if plan.ignored:
            self.notes.append(f"ignored the unknown columns {', '.join(plan.ignored)}")
        return plan

    def _read_blocks(self, blocks: Iterator[Block], plan: RowPlan) -> Iterator[list[Row] | str]:
        plain = PlainRows(plan)
        for block in blocks:
            found = plain.read(block.first, block.lines) if block.is_plain else None
            if found is None:
                yield from self._read_rows(block.rows(), plan)
                continue
            text, total = found
            self._count(text.rows)
            self.control_total = EXACT.add(self.control_total, total)
            yield text.text

    def _count(self, rows: int) -> None:
        self.rows += rows
        if self.rows > MOST_ROWS:
            raise FeedRefused("FEED_SIZE", f"the file has more than {MOST_ROWS} rows")

    def _read_rows(self, rows: Iterator[tuple[int, Cells]], plan: RowPlan) -> Iterator[list[Row]]:
        batch: list[Row] = []
        for line, cells in rows:
            self._count(1)
            self._add_row(cells, plan, line, batch)
            if len(batch) >= BATCH_ROWS:
                yield batch
                batch = []
        if batch:
            yield batch

    def _add_row(self, cells: Cells, plan: RowPlan, line: int, batch: list[Row]) -> None:
        try:
            if plan.control is not None and len(cells) == plan.width:
                text = cells[plan.control]
                if text:
                    self.control_total = EXACT.add(self.control_total, exact_decimal(text))
            batch.append(plan.read(cells, line))
        except UnreadableValue as error:
            self._quarantine(plan, cells, line, error)

    def _quarantine(self, plan: RowPlan, cells: Cells, line: int, error: UnreadableValue) -> None:
        """Raises FeedRefused when the row cannot be laid at anybody's door: then nobody's data is complete."""
        name, value, code = plan.fault(cells, error)
        owner = plan.owner_of(cells)
        if self.layout.owned and owner is None:
            raise FeedRefused("FEED_SCHEMA", f"line {line} names no {self.layout.columns[0].name}: {error}")
        if len(self.quarantined) >= MOST_QUARANTINED:
            raise FeedRefused("FEED_SCHEMA", f"more than {MOST_QUARANTINED} rows cannot be read")
        key = plan.key_of(cells)
        self.quarantined.append(QuarantinedRow(line, name, value[:200], code, str(error), owner, key))

    def _check_claim(self, claim: Claim | None) -> None:
        """Raises FeedRefused when the trailer, where the form has one, says something else than the rows."""
        if claim is not None and claim.rows != self.rows:
            raise FeedRefused("FEED_TRUNCATED", f"the trailer counts {claim.rows} rows; the file has {self.rows}")
        if self.rows == 0 and not self.layout.may_be_empty:
            raise FeedRefused("FEED_EMPTY", "the file has no rows")
        if claim is not None and claim.total is not None and claim.total != self.control_total:
            raise FeedRefused(
                "FEED_TOTAL",
                f"the trailer's control total is {claim.total_text}; the rows sum to"
                f" {decimal_text(self.control_total)}",
            )
