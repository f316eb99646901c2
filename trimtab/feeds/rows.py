"""The cells of one line to the values of one row, by the columns that the file's own header names."""

from collections.abc import Sequence
from dataclasses import dataclass

from trimtab.feeds.errors import FeedRefused, UnreadableValue
from trimtab.feeds.layouts import IDENTIFIERS, Layout
from trimtab.feeds.values import Reader, read_id, read_statistic

Row = tuple[object, ...]
"""Line number, then the values of `Layout.names`."""

_OTHER_DELIMITERS = ";\t|"
ABSENT = -1
"""The place of a column that the file leaves out."""


class _CellFault(UnreadableValue):
    """An unreadable cell, with its column."""

    def __init__(self, cause: UnreadableValue, name: str, value: str) -> None:
        super().__init__(str(cause), cause.code)
        self.name, self.value = name, value


@dataclass(frozen=True, slots=True)
class _Cell:
    index: int
    name: str
    read: Reader
    required: bool
    default: object


@dataclass(frozen=True, slots=True)
class RowPlan:
    """Where each value of the layout stands in a line of this file."""

    layout: Layout
    width: int
    cells: tuple[_Cell, ...]
    schemes: tuple[_Cell, ...]  # identifiers, the deciding one first
    factor_cells: tuple[_Cell, ...]
    control: int | None
    ignored: tuple[str, ...]

    @property
    def factors(self) -> tuple[str, ...]:
        return tuple(cell.name for cell in self.factor_cells)

    @classmethod
    def from_columns(cls, layout: Layout, names: Sequence[str]) -> "RowPlan":
        """Raises FeedRefused: FEED_SCHEMA when a column is missing or stands twice, FEED_ENCODING for other CSV."""
        if len(names) == 1 and any(mark in names[0] for mark in _OTHER_DELIMITERS):
            raise FeedRefused("FEED_ENCODING", "the columns are not separated by commas")
        at = {name: index for index, name in enumerate(names)}
        if len(at) != len(names) or "" in at:
            raise FeedRefused("FEED_SCHEMA", "a column's name is empty or stands twice")
        missing = [column.name for column in layout.columns if column.name not in at and not column.omissible]
        if missing:
            raise FeedRefused("FEED_SCHEMA", f"the columns {', '.join(missing)} are missing")
        schemes = _schemes(layout, at)
        known = {column.name for column in layout.columns} | {cell.name for cell in schemes}
        further = tuple(name for name in names if name not in known)
        return cls(
            layout=layout,
            width=len(names),
            cells=tuple(
                _Cell(at.get(column.name, ABSENT), column.name, column.read, column.required, column.default)
                for column in layout.columns
            ),
            schemes=schemes,
            factor_cells=_factor_cells(layout, at, further),
            control=at[layout.control] if layout.control else None,
            ignored=() if layout.floats else further,
        )

    def read(self, texts: Sequence[str], line: int) -> Row:
        """The row's values. Raises UnreadableValue for the first cell that cannot be read."""
        if len(texts) != self.width:
            raise UnreadableValue(f"the line has {len(texts)} cells, not {self.width}")
        values: list[object] = [line]
        for cell in self.cells:
            text = texts[cell.index] if cell.index != ABSENT else ""
            if text:
                try:
                    values.append(cell.read(text))
                except UnreadableValue as error:
                    raise _CellFault(error, cell.name, text) from None
            elif cell.required:
                raise _CellFault(UnreadableValue("the cell is empty"), cell.name, text)
            else:
                values.append(cell.default)
        if self.schemes:
            values += self._security(texts)
        if self.layout.floats:
            values.append(tuple(_factor(cell, texts[cell.index]) for cell in self.factor_cells))
        return tuple(values)

    def fault(self, texts: Sequence[str], error: UnreadableValue) -> tuple[str, str, str]:
        """Column, value and reason code of an unreadable row."""
        code = error.code or self.layout.row_code
        if isinstance(error, _CellFault):
            return error.name, error.value, code
        if self.control is not None and len(texts) == self.width:
            return self.layout.control or "", texts[self.control], code
        return "", "", code

    def owner_of(self, texts: Sequence[str]) -> str | None:
        """The account or model that the row is of, when that much can be read."""
        if not self.layout.owned or len(texts) <= self.cells[0].index:
            return None
        try:
            return str(read_id(texts[self.cells[0].index]))
        except UnreadableValue:
            return None

    def key_of(self, texts: Sequence[str]) -> str | None:
        """The identifier as delivered, valid or not: whom the row concerns."""
        if len(texts) != self.width:
            return None
        cells = self.schemes or self.cells[:1]
        return next((texts[cell.index].strip() for cell in cells if texts[cell.index]), None)

    def _security(self, texts: Sequence[str]) -> tuple[str, object]:
        for cell in self.schemes:
            text = texts[cell.index]
            if text:
                try:
                    return cell.name, cell.read(text)
                except UnreadableValue as error:
                    raise _CellFault(error, cell.name, text) from None
        if self.layout.may_be_nameless:
            return "", None
        raise _CellFault(UnreadableValue("the row names no security", "ID_INVALID"), self.schemes[0].name, "")


def _schemes(layout: Layout, at: dict[str, int]) -> tuple[_Cell, ...]:
    if not layout.identified:
        return ()
    cells = tuple(_Cell(at[name], name, read, False, None) for name, read in IDENTIFIERS.items() if name in at)
    if not cells:
        raise FeedRefused("FEED_SCHEMA", f"none of the columns {', '.join(IDENTIFIERS)} is there")
    return cells


def _factor_cells(layout: Layout, at: dict[str, int], further: tuple[str, ...]) -> tuple[_Cell, ...]:
    """A risk model's factors, by name: exposures and covariance then agree whatever order each file has."""
    if not layout.floats:
        return ()
    if not further:
        raise FeedRefused("FEED_SCHEMA", "the file has no factor columns")
    return tuple(_Cell(at[name], name, read_statistic, True, None) for name in sorted(further))


def _factor(cell: _Cell, text: str) -> object:
    try:
        return cell.read(text)
    except UnreadableValue as error:
        raise _CellFault(error, cell.name, text) from None
