"""Breaks delivered files in the ways of the bad-input catalogue, for tests and rehearsals.

The functions that change content keep the rest as a careful sender would leave it: the trailer counts what is
there and the done-marker stays. Those that break the envelope break nothing else. Numbers in brackets are
the catalogue's cases. Paths are those of the .csv files that `deliver` returns.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from trimtab.demo.drop import csv_text, done_marker, publish, trailer_line
from trimtab.demo.errors import NothingToBreak
from trimtab.demo.universe import invented_cusip

Where = Mapping[str, str]
"""Values by column that pick rows: {"account_id": "A00001", "symbol": "GRY1"}."""


@dataclass(frozen=True, slots=True)
class _Table:
    kind: str
    header: str  # the first line, without its end
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def place(self, column: str) -> int:
        if column not in self.columns:
            raise NothingToBreak(f"{self.kind} has no column {column}; it has {', '.join(self.columns)}")
        return self.columns.index(column)

    def picked(self, where: Where) -> set[int]:
        """Numbers of the rows that match; at least one."""
        wanted = {self.place(column): value for column, value in where.items()}
        found = {
            number
            for number, row in enumerate(self.rows)
            if all(row[place] == value for place, value in wanted.items())
        }
        if not found:
            raise NothingToBreak(f"{self.kind} has no row with {dict(where)}")
        return found


# -- content --------------------------------------------------------------------------------------------------


def set_field(path: Path, where: Where, column: str, value: str) -> int:
    """Writes `value` into `column` of every row that matches; returns how many.

    A zero price [01], a security nobody knows [17], a short position [65], lots that do not sum [66], a market
    value that is not quantity times price [72], an account without a model, closed, suspended or without
    discretion [93].
    """
    table = _read(path)
    picked, place = table.picked(where), table.place(column)
    rows = [
        (*row[:place], value, *row[place + 1 :]) if number in picked else row for number, row in enumerate(table.rows)
    ]
    _write(path, replace(table, rows=tuple(rows)))
    return len(picked)


def remove_rows(path: Path, where: Where) -> int:
    """Leaves out every row that matches, such as the price of a held security [03]; returns how many."""
    table = _read(path)
    picked = table.picked(where)
    _write(path, replace(table, rows=tuple(row for i, row in enumerate(table.rows) if i not in picked)))
    return len(picked)


def add_row(path: Path, values: Where) -> None:
    """Adds a row; columns that are not named stay empty. A band with minimum above maximum is case [92]."""
    table = _read(path)
    for column in values:
        table.place(column)
    row = tuple(values.get(column, "") for column in table.columns)
    _write(path, replace(table, rows=(*table.rows, row)))


def repeat_rows(path: Path, where: Where) -> None:
    """Every row that matches comes a second time, at the end."""
    table = _read(path)
    again = tuple(table.rows[number] for number in sorted(table.picked(where)))
    _write(path, replace(table, rows=table.rows + again))


def make_unknown(path: Path, where: Where, issuer: int = 898, symbol: str = "NIX1") -> int:
    """The rows that match name a security that is in no master, by a well-formed CUSIP and a symbol [17]."""
    table = _read(path)
    names = {"security_id": "", "symbol": symbol, "cusip": invented_cusip(issuer), "isin": ""}
    picked = table.picked(where)
    rows = [
        tuple(names.get(column, cell) for column, cell in zip(table.columns, row, strict=True)) if i in picked else row
        for i, row in enumerate(table.rows)
    ]
    _write(path, replace(table, rows=tuple(rows)))
    return len(picked)


# -- columns --------------------------------------------------------------------------------------------------


def rename_column(path: Path, old: str, new: str) -> None:
    """[51] The trailer stays as it was."""
    table, trailer = _read(path), _trailer(path)
    place = table.place(old)
    columns = (*table.columns[:place], new, *table.columns[place + 1 :])
    publish(path, f"{table.header}\n{csv_text([columns, *table.rows])}{trailer}\n")


def remove_column(path: Path, column: str) -> None:
    """[51] The column is gone from every row; the trailer stays as it was."""
    table, trailer = _read(path), _trailer(path)
    place = table.place(column)
    kept = [(*row[:place], *row[place + 1 :]) for row in (table.columns, *table.rows)]
    publish(path, f"{table.header}\n{csv_text(kept)}{trailer}\n")


def add_column(path: Path, column: str, value: str = "") -> None:
    """[51] A column that nobody asked for, last, with one value all the way down."""
    table, trailer = _read(path), _trailer(path)
    wider = [(*table.columns, column), *((*row, value) for row in table.rows)]
    publish(path, f"{table.header}\n{csv_text(wider)}{trailer}\n")


def reverse_columns(path: Path) -> None:
    """[50] The same table with its columns in the opposite order."""
    table, trailer = _read(path), _trailer(path)
    publish(path, f"{table.header}\n{csv_text(row[::-1] for row in (table.columns, *table.rows))}{trailer}\n")


# -- envelope -------------------------------------------------------------------------------------------------


def truncate(path: Path, keep: float = 0.5) -> None:
    """[43] Only the first `keep` of the bytes arrived, and the done-marker with them."""
    _rewrite(path, path.read_bytes()[: int(path.stat().st_size * keep)])


def remove_trailer(path: Path) -> None:
    """[43] Every row is there, the last line is not."""
    publish(path, _text(path).removesuffix(_trailer(path) + "\n"))


def miscount(path: Path) -> None:
    """[43] The trailer promises one row more than there is."""
    mark, rows, total = _trailer(path).split(",")
    _replace_trailer(path, f"{mark},{int(rows) + 1},{total}")


def falsify_total(path: Path) -> None:
    """[44] The trailer's control total is one dollar, share or point too high."""
    mark, rows, total = _trailer(path).split(",")
    _replace_trailer(path, f"{mark},{rows},{Decimal(total) + 1:f}")


def empty(path: Path) -> None:
    """[45] Zero bytes, with a done-marker."""
    _rewrite(path, b"")


def leave_header_only(path: Path) -> None:
    """[46] Header and columns, and a trailer that counts no rows."""
    table = _read(path)
    _write(path, replace(table, rows=()))


def deliver_again(path: Path) -> None:
    """[41] The same bytes under the same name once more."""
    _rewrite(path, path.read_bytes())
    publish(done_marker(path), "")


def put_under(path: Path, name: Path) -> None:
    """[47] The bytes of `path`, say yesterday's, under another day's name, with a done-marker."""
    _rewrite(name, path.read_bytes())
    publish(done_marker(name), "")


def withhold(path: Path) -> None:
    """[49] The file never came."""
    path.unlink()
    done_marker(path).unlink(missing_ok=True)


def unmark(path: Path) -> None:
    """[62] The file is there and its done-marker is not: it may still be growing."""
    done_marker(path).unlink()


# -- encoding [52] --------------------------------------------------------------------------------------------


def add_byte_order_mark(path: Path) -> None:
    _rewrite(path, b"\xef\xbb\xbf" + path.read_bytes())


def encode_as(path: Path, encoding: str) -> None:
    """The file in another encoding, `utf-16` or `latin-1`; in latin-1 the sender's name gets an accent."""
    text = _text(path)
    if encoding == "latin-1":
        first, rest = text.split("\n", 1)
        text = f"{first}-ZÜRICH\n{rest}"
    _rewrite(path, text.encode(encoding))


def use_carriage_returns(path: Path, every: int = 1) -> None:
    """Every `every`-th line ends with CR LF: 1 gives a file of Windows, 2 a mix."""
    lines = _text(path).splitlines()
    ended = [line + ("\r\n" if number % every == 0 else "\n") for number, line in enumerate(lines)]
    _rewrite(path, "".join(ended).encode())


def use_semicolons(path: Path) -> None:
    """The wrong delimiter in columns and rows."""
    lines = _text(path).splitlines()
    changed = [lines[0], *(line.replace(",", ";") for line in lines[1:-1]), lines[-1]]
    _rewrite(path, ("\n".join(changed) + "\n").encode())


def insert_bytes(path: Path, row: int, content: bytes) -> None:
    """Puts `content` at the start of data row `row` (from 0): NUL bytes, or an unpaired quote."""
    lines = path.read_bytes().split(b"\n")
    lines[row + 2] = content + lines[row + 2]
    _rewrite(path, b"\n".join(lines))


def append_after_trailer(path: Path, content: bytes = b"A00001,left over\n") -> None:
    """[63]"""
    _rewrite(path, path.read_bytes() + content)


# -- reading and writing --------------------------------------------------------------------------------------


def _read(path: Path) -> _Table:
    lines = list(csv.reader(io.StringIO(_text(path))))
    if len(lines) < 3 or lines[0][0] != "#TRIMTAB" or lines[-1][0] != "#TRAILER":
        raise NothingToBreak(f"{path} is no whole feed file: break its content before its envelope")
    return _Table(
        kind=lines[0][1],
        header=",".join(lines[0]),
        columns=tuple(lines[1]),
        rows=tuple(tuple(row) for row in lines[2:-1]),
    )


def _write(path: Path, table: _Table) -> None:
    trailer = trailer_line(table.kind, table.columns, table.rows)
    publish(path, f"{table.header}\n{csv_text([table.columns, *table.rows])}{trailer}")


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8")


def _trailer(path: Path) -> str:
    return _text(path).splitlines()[-1]


def _replace_trailer(path: Path, trailer: str) -> None:
    publish(path, _text(path).removesuffix(_trailer(path) + "\n") + trailer + "\n")


def _rewrite(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_bytes(content)
    temporary.replace(path)
