"""What a form makes of one file: its envelope, and rows as cells of text under trimtab's own column names.

Every form ends here, and the same strict readers take it from here: a custodian's file and trimtab's own CSV that
say the same become equal rows, are refused by the same codes, and have the same rows kept aside.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO, Protocol

from trimtab.domain.wash_sales import DAYS_EITHER_SIDE
from trimtab.feeds.errors import FeedRefused
from trimtab.feeds.layouts import IDENTIFIERS, LAYOUTS, FeedKind, Layout

Cells = list[str]
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Ask:
    """What the day expects of a file, and what its source is known to leave out."""

    kind: FeedKind
    firm_id: str
    business_date: date
    as_of: date | None = None  # the session before, where it is known
    source: str = ""
    accounts: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    layout: str | None = None
    home: Path | None = None
    file: str = ""  # the file's name: some say there what they do not say inside

    @property
    def columns(self) -> Layout:
        return LAYOUTS[self.kind]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a file's trailer says of its rows; `total_text` is the control total as written."""

    rows: int
    total: Decimal | None = None
    total_text: str = ""


def refuse_short_history(begins: str, ask: Ask) -> None:
    """Raises FeedRefused for sales that begin, YYYY-MM-DD, when a wash sale window was open already (IRC 1091).

    A statement of one day has no loss of last week, and the account would buy back what it sold. One that does not say
    when it begins is taken.
    """
    needed = f"{ask.business_date - DAYS_EITHER_SIDE}"
    if ask.kind is FeedKind.SALES and _DAY.fullmatch(begins) and begins > needed:
        raise FeedRefused("FEED_SCHEMA", f"the sales begin on {begins}: they must reach back to {needed}")


class Block(Protocol):
    """Some lines of a file that are next to each other."""

    @property
    def first(self) -> int:
        """The number of the first line."""

    @property
    def lines(self) -> Sequence[str]:
        """Each with its line feed."""

    @property
    def is_plain(self) -> bool:
        """Every line is a row, and every comma stands between two cells."""

    def rows(self) -> Iterator[tuple[int, Cells]]:
        """The lines as cells."""


@dataclass(slots=True)
class Content:
    """One open file. `claim` is set once its rows were read to their end, and only by forms that have a trailer."""

    columns: Sequence[str]
    rows: Iterator[tuple[int, Cells]]  # number of the line, or of the entry
    as_of: date | None = None
    source: str = ""
    exact_columns: bool = False  # trimtab's own form: every column must be there, also those whose cells may be empty
    notes: list[str] = field(default_factory=list)
    claim: Claim | None = None
    blocks: Iterator[Block] | None = None  # the same rows, for those who take many lines at once; use one or the other


OpenForm = Callable[[BinaryIO, Ask], Content]


def completed(content: Content, ask: Ask) -> Content:
    """The content with the source's constants, its account numbers translated, and optional columns filled up.

    Of trimtab's own form optional columns must be there: a column that is missing is a mistake of its sender.
    """
    if not content.exact_columns:
        content = _known_columns(content, ask.columns)
    names = list(content.columns)
    own = {column.name for column in ask.columns.columns} | set(IDENTIFIERS)
    # A source of several kinds has the constants of all of them.
    constants = {name: value for name, value in ask.constants.items() if name in own}
    further = [name for name in constants if name not in names]
    known = {*names, *further}
    if not content.exact_columns:
        further += [column.name for column in ask.columns.columns if not column.required and column.name not in known]
    account = names.index("account_id") if ask.accounts and "account_id" in names else None
    if not (further or constants or account is not None):
        return content
    defaults = {at: constants[name] for at, name in enumerate(names) if name in constants}
    tail = [constants.get(name, "") for name in further]
    content.columns, content.blocks = [*names, *further], None
    content.rows = _with_constants(content.rows, len(names), defaults, tail, ask.accounts, account)
    return content


def _with_constants(
    rows: Iterator[tuple[int, Cells]],
    width: int,
    defaults: Mapping[int, str],
    tail: Cells,
    accounts: Mapping[str, str],
    account: int | None,
) -> Iterator[tuple[int, Cells]]:
    for line, cells in rows:
        if len(cells) == width:  # another width is the row's fault, and is told as such
            cells = [cell or defaults.get(at, "") for at, cell in enumerate(cells)]
            if account is not None:
                cells[account] = accounts.get(cells[account], cells[account])
            cells += tail
        yield line, cells


def _known_columns(content: Content, layout: Layout) -> Content:
    """Without what the form can say and the layout has no column for."""
    if layout.floats:
        return content
    known = {column.name for column in layout.columns} | set(IDENTIFIERS)
    places = [at for at, name in enumerate(content.columns) if name in known]
    if len(places) == len(content.columns):
        return content
    rows, width = content.rows, len(content.columns)

    def narrowed() -> Iterator[tuple[int, Cells]]:
        for line, cells in rows:
            yield line, [cells[at] for at in places] if len(cells) == width else cells[: len(places) - 1]

    content.columns, content.rows = [content.columns[at] for at in places], narrowed()
    return content
