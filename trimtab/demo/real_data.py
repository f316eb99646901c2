"""Reads a directory of market data: raw closes, volumes, actions, index weights and sectors.

The directory holds real data that belong to others. Nothing is written to it and nothing copied from it.
"""

import csv
import gzip
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from trimtab.demo.errors import DataDirectoryUnusable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

HISTORY_FROM = date(2016, 12, 30)  # the session before the first that lots are bought on


@dataclass(frozen=True, slots=True)
class RawAction:
    """A row of an actions file. `value` is new shares per old of a SPLIT, dollars a share of a DIV."""

    ex_on: date
    symbol: str
    kind: str
    value: Decimal


@dataclass(frozen=True, slots=True, eq=False)
class WideTable:
    """One number by session (row) and symbol (column); NaN where the file is empty."""

    sessions: tuple[date, ...]
    symbols: tuple[str, ...]
    values: "Floats"

    def column(self, symbol: str) -> "Floats":
        column: Floats = self.values[:, self.symbols.index(symbol)]
        return column


def read_wide(data: Path, name: str, symbols: frozenset[str] | None = None) -> WideTable:
    """A gzipped table `date,<symbol>,...` from HISTORY_FROM on; all of its symbols, or those wanted."""
    import numpy as np

    with _rows(data, name) as rows:
        header = next(rows, [])
        places = [i for i, cell in enumerate(header) if i and (symbols is None or cell in symbols)]
        sessions: list[date] = []
        values: list[list[float]] = []
        for row in rows:
            if row and row[0] >= HISTORY_FROM.isoformat():
                sessions.append(date.fromisoformat(row[0]))
                values.append([float(row[i]) if row[i] else np.nan for i in places])
    if not sessions or not places:
        raise DataDirectoryUnusable(f"{data / name} has no rows since {HISTORY_FROM}, or none of the symbols wanted")
    return WideTable(
        sessions=tuple(sessions),
        symbols=tuple(header[i] for i in places),
        values=np.array(values),
    )


def read_actions(data: Path, name: str) -> tuple[RawAction, ...]:
    """The splits and dividends since HISTORY_FROM, in the order of the file."""
    with _rows(data, name) as rows:
        next(rows, None)
        return tuple(
            RawAction(date.fromisoformat(day), symbol, kind, Decimal(value))
            for day, symbol, kind, value in rows
            if day > HISTORY_FROM.isoformat()
        )


def read_weights(data: Path, name: str) -> dict[str, Decimal]:
    """Index weights by symbol, as published: fractions that need not sum to one."""
    return {symbol: Decimal(weight) for symbol, weight in _pairs(data, name, "ticker", "weight")}


def read_pairs(data: Path, name: str, key: str, value: str) -> Mapping[str, str]:
    """Two columns of a table, by header."""
    return dict(_pairs(data, name, key, value))


def _pairs(data: Path, name: str, key: str, value: str) -> list[tuple[str, str]]:
    with _rows(data, name) as rows:
        header = next(rows, [])
        if key not in header or value not in header:
            raise DataDirectoryUnusable(f"{data / name} needs the columns {key} and {value}")
        first, second = header.index(key), header.index(value)
        return [(row[first], row[second]) for row in rows if row]


@contextmanager
def _rows(data: Path, name: str) -> Iterator[Iterator[list[str]]]:
    """The file's rows. What cannot be read in them, then or in the caller's block, is the directory's fault."""
    path = data / name
    if not path.is_file():
        raise DataDirectoryUnusable(f"{data} is no directory of market data: {name} is missing")
    with _open(path) as file:
        rows = csv.reader(file)
        try:
            yield rows
        except (OSError, EOFError, ValueError, ArithmeticError, IndexError, csv.Error) as error:
            raise DataDirectoryUnusable(f"{path} cannot be read near line {rows.line_num}: {error}") from error


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")
