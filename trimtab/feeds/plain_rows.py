"""Many plain lines at once: checked column by column, and handed to COPY as text.

A million rows read cell by cell cost a Python object for each cell. Where every cell of a block plainly has the form
of its column, and therefore the value that the strict reader would give it, the text can go to PostgreSQL as it is.
What is sufficient here is narrower than what the readers accept: a block with any other cell goes the long way.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import repeat
from typing import Final

from trimtab.feeds.errors import UnreadableValue
from trimtab.feeds.identifiers import read_cusip, read_figi, read_isin, read_symbol
from trimtab.feeds.layouts import Column
from trimtab.feeds.rows import ABSENT, RowPlan
from trimtab.feeds.values import (
    DecimalReader,
    Reader,
    WordReader,
    read_boolean,
    read_date,
    read_id,
    read_text,
    read_whole,
)

NULL: Final = "\\N"
_MOST_DIGITS: Final = 12
_ID = r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}"
_PATTERNS: Final[dict[Reader, str]] = {
    read_id: _ID,
    read_boolean: "true|false",
    read_whole: "[0-9]{1,9}",
    read_text: r"[A-Za-z0-9](?:[A-Za-z0-9 .&()/'-]{0,200}[A-Za-z0-9.)])?",
    read_symbol: r"[A-Za-z0-9][A-Za-z0-9./-]{0,23}",
}
_CHECKED: Final = (read_cusip, read_isin, read_figi)
"""Their check digits need arithmetic: each distinct value is read once."""


@dataclass(frozen=True, slots=True)
class CopyText:
    """Rows in the text form of COPY."""

    text: str
    rows: int


_Cells = Sequence[str] | str
"""A column for COPY; a string alone stands in every row."""


@dataclass(frozen=True, slots=True)
class _PlainColumn:
    index: int
    matches: Callable[[str], object]
    default: str | None  # what an empty cell becomes; None: there must be none

    def cells(self, texts: Sequence[str]) -> _Cells | None:
        """The column for COPY; None when a cell is not plain. Where few texts come many times, each is checked once."""
        distinct = set(texts)
        if self.matches("\n".join(distinct if 2 * len(distinct) < len(texts) else texts) + "\n") is None:
            return None
        if len(distinct) == 1:
            return texts[0] or self.default or ""
        if not self.default or "" not in distinct:
            return texts
        return [text or self.default for text in texts]


class _Dates:
    """A column of dates: there are few, and each is read once."""

    def __init__(self, index: int, *, required: bool) -> None:
        self.index = index
        self._known: set[str] = set() if required else {""}

    def cells(self, texts: Sequence[str]) -> _Cells | None:
        """The column for COPY; None when a cell is no date."""
        distinct = set(texts)
        new = distinct - self._known
        try:
            for text in new:
                read_date(text)
        except UnreadableValue:
            return None
        self._known |= new
        if distinct == {""}:
            return NULL
        return texts if "" not in distinct else [text or NULL for text in texts]


@dataclass(frozen=True, slots=True)
class _Absent:
    """A column that the file leaves out: its default, in every row."""

    default: str
    index: int = 0  # of any column: its cells are not looked at

    def cells(self, texts: Sequence[str]) -> _Cells | None:
        return self.default


class PlainRows:
    """The short way for one file's plan, where its columns have one."""

    def __init__(self, plan: RowPlan) -> None:
        self._width = plan.width
        self._control = plan.control
        self._columns = [
            _plain(cell.index, column) for cell, column in zip(plan.cells, plan.layout.columns, strict=True)
        ]
        self._schemes = [(cell.index, cell.name, cell.read) for cell in plan.schemes]
        self._known: dict[str, dict[str, str]] = {cell.name: {"": ""} for cell in plan.schemes}
        self.is_possible = not (plan.layout.floats or plan.layout.may_be_nameless) and all(self._columns)

    def read(self, first: int, lines: Sequence[str]) -> tuple[CopyText, Decimal] | None:
        """The lines for COPY, numbered from `first`, and the sum of their control column; None for the long way."""
        commas = self._width - 1
        if not self.is_possible or lines[-1][-1:] != "\n" or set(map(str.count, lines, repeat(","))) != {commas}:
            return None
        cells = "".join(lines)[:-1].replace("\n", ",").split(",")
        columns = [cells[place :: self._width] for place in range(self._width)]
        out: list[_Cells] = [list(map(str, range(first, first + len(lines))))]
        for column in self._columns:
            checked = None if column is None else column.cells(columns[column.index])
            if checked is None:
                return None
            out.append(checked)
        if self._schemes:
            named = self._named(columns)
            if named is None:
                return None
            out += named
        return CopyText(_copy_text(out, len(lines)), len(lines)), self._total(columns)

    def _named(self, columns: Sequence[Sequence[str]]) -> tuple[_Cells, Sequence[str]] | None:
        """Scheme and key of each row's security: the first identifier that is present decides."""
        count = len(columns[0])
        schemes: _Cells = [""] * count
        keys: Sequence[str] = [""] * count
        for index, name, read in reversed(self._schemes):
            known = self._read_distinct(name, read, columns[index])
            if known is None:
                return None
            texts = columns[index]
            if all(texts):
                schemes, keys = name, [known[text] for text in texts]
                continue
            if isinstance(schemes, str):
                schemes = [schemes] * count
            keys = [known[text] or key for text, key in zip(texts, keys, strict=True)]
            schemes = [name if text else scheme for text, scheme in zip(texts, schemes, strict=True)]
        return (schemes, keys) if isinstance(schemes, str) or all(schemes) else None

    def _read_distinct(self, name: str, read: Reader, texts: Sequence[str]) -> dict[str, str] | None:
        known = self._known[name]
        pattern = None if read in _CHECKED else re.compile(_PATTERNS[read])
        for text in set(texts) - known.keys():
            try:
                value = str(read(text))
            except UnreadableValue:
                return None
            if pattern is not None and pattern.fullmatch(text) is None:
                return None
            known[text] = value
        return known

    def _total(self, columns: Sequence[Sequence[str]]) -> Decimal:
        """Exact also in the ordinary context: some thousand numbers of at most 24 digits have no more than 28."""
        if self._control is None:
            return Decimal(0)
        return sum(map(Decimal, filter(None, columns[self._control])), Decimal(0))


def _copy_text(columns: Iterable[_Cells], count: int) -> str:
    """Rows of COPY's text form. Neighbours that stand in every row are put together once."""
    folded: list[_Cells] = []
    for column in columns:
        last = folded[-1] if folded else None
        if isinstance(column, str) and isinstance(last, str):
            folded[-1] = f"{last}\t{column}"
        else:
            folded.append(column)
    cells = [repeat(column, count) if isinstance(column, str) else column for column in folded]
    return "\n".join(map("\t".join, zip(*cells, strict=True))) + "\n"


def _plain(index: int, column: Column) -> "_PlainColumn | _Dates | _Absent | None":
    """None when the column's reader, or what an empty cell means, has no plain form."""
    if index == ABSENT:
        return _Absent(_default(column))
    if column.read is read_date:
        return _Dates(index, required=column.required)
    form = _form(column.read)
    if form is None:
        return None
    if column.required:
        return _PlainColumn(index, re.compile(f"(?:(?:{form})\\n)*").fullmatch, None)
    return _PlainColumn(index, re.compile(f"(?:(?:{form})?\\n)*").fullmatch, _default(column))


def _default(column: Column) -> str:
    """What COPY is given for an empty cell."""
    if column.default is None:
        return NULL
    return str(column.default).lower() if isinstance(column.default, bool) else str(column.default)


def _form(read: Reader) -> str | None:
    if isinstance(read, DecimalReader):
        digits = min(read.integer_digits, _MOST_DIGITS)
        return rf"-?[0-9]{{1,{digits}}}(?:\.[0-9]{{1,{read.places}}})?"
    if isinstance(read, WordReader):
        plain = all(re.fullmatch(r"[A-Za-z0-9_]+", word) for word in read.words)
        return "|".join(sorted(read.words)) if plain else None
    return _PATTERNS.get(read)
