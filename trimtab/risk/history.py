"""Price history as daily total returns: from CSV (plain or gzipped) or Parquet, wide or long.

Wide: a column `date` and one column a security. Long: columns `date`, `security` (or `ticker`, `symbol`,
`security_id`), `close` and perhaps `volume`. Closes are as traded: an actions file (`date,ticker,type,value`, with
SPLIT in new shares per old and DIV in dollars a share) makes them total returns; adjusted closes need none.
"""

import csv
import gzip
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np

from trimtab.risk.errors import TooLittleHistory, UnreadableHistory
from trimtab.risk.model import Floats

_NAMES: Final = ("security", "ticker", "symbol", "security_id")
LARGEST_RETURN: Final = 1.5
"""A day's return above this, or below minus two thirds, is an action nobody announced: the day counts for nothing."""
LEAST_FALL: Final = -2 / 3


@dataclass(frozen=True, slots=True, eq=False)
class PriceHistory:
    """Closes by session (row) and security (column), NaN where there is none."""

    sessions: tuple[date, ...]
    names: tuple[str, ...]
    closes: Floats
    volumes: Floats | None = None  # shares, in the same shape


def read_history(path: Path) -> PriceHistory:
    """Read a file of closes. Raises UnreadableHistory."""
    rows = _parquet_rows(path) if path.suffix == ".parquet" else _csv_rows(path)
    header = [str(cell) for cell in next(rows, ())]
    if not header or header[0] != "date":
        raise UnreadableHistory(f"{path.name}: the first column is not `date`")
    try:
        if "close" in header:
            return _from_long(header, rows)
        return _from_wide(header, rows)
    except (ValueError, IndexError, TypeError) as error:
        raise UnreadableHistory(f"{path.name}: {error}") from error


def _csv_rows(path: Path) -> Iterator[Sequence[Any]]:
    content = path.read_bytes()
    text = gzip.decompress(content) if path.suffix == ".gz" else content
    yield from csv.reader(io.StringIO(text.decode("utf-8"), newline=""))


def _parquet_rows(path: Path) -> Iterator[Sequence[Any]]:
    from pyarrow import parquet  # 50 MiB of memory, for those who read such a file

    table = parquet.read_table(path)
    names = [name for name in table.column_names if name != "date"]
    columns = [table.column(name).to_pylist() for name in ["date", *names]]
    yield ["date", *names]
    yield from zip(*columns, strict=True)


def _from_wide(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> PriceHistory:
    sessions, values = [], []
    for row in rows:
        sessions.append(_day(row[0]))
        values.append([_number(cell) for cell in row[1 : len(header)]])
    return _sorted(sessions, header[1:], np.array(values, dtype=np.float64).reshape(len(sessions), len(header) - 1))


def _from_long(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> PriceHistory:
    name_at = next(header.index(name) for name in _NAMES if name in header)
    close_at = header.index("close")
    volume_at = header.index("volume") if "volume" in header else None
    closes: dict[tuple[date, str], float] = {}
    volumes: dict[tuple[date, str], float] = {}
    for row in rows:
        key = (_day(row[0]), str(row[name_at]))
        closes[key] = _number(row[close_at])
        if volume_at is not None:
            volumes[key] = _number(row[volume_at])
    sessions = sorted({day for day, _ in closes})
    names = sorted({name for _, name in closes})
    table = _table(closes, sessions, names)
    return PriceHistory(tuple(sessions), tuple(names), table, _table(volumes, sessions, names) if volumes else None)


def _table(values: Mapping[tuple[date, str], float], sessions: Sequence[date], names: Sequence[str]) -> Floats:
    table = np.full((len(sessions), len(names)), np.nan)
    row_of, column_of = {day: i for i, day in enumerate(sessions)}, {name: i for i, name in enumerate(names)}
    for (day, name), value in values.items():
        table[row_of[day], column_of[name]] = value
    return table


def _sorted(sessions: Sequence[date], names: Sequence[str], closes: Floats) -> PriceHistory:
    order = sorted(range(len(sessions)), key=lambda place: sessions[place])
    return PriceHistory(tuple(sessions[place] for place in order), tuple(names), closes[order])


def _day(cell: Any) -> date:
    return cell if isinstance(cell, date) else date.fromisoformat(str(cell)[:10])


def _number(cell: Any) -> float:
    return np.nan if cell is None or cell == "" else float(cell)


def read_volumes(path: Path, history: PriceHistory) -> PriceHistory:
    """The history with volumes of a wide file beside its closes; what that file does not know has none."""
    other = read_history(path)
    table = np.full_like(history.closes, np.nan)
    rows = {day: place for place, day in enumerate(other.sessions)}
    columns = {name: place for place, name in enumerate(other.names)}
    for i, day in enumerate(history.sessions):
        if day in rows:
            for j, name in enumerate(history.names):
                if name in columns:
                    table[i, j] = other.closes[rows[day], columns[name]]
    return PriceHistory(history.sessions, history.names, history.closes, table)


def read_sectors(path: Path) -> dict[str, str]:
    """Security to sector: the first two columns of a CSV with a header."""
    rows = _csv_rows(path)
    next(rows, None)
    return {str(row[0]): str(row[1]) for row in rows if len(row) > 1 and row[1]}


def total_returns(history: PriceHistory, actions: Path | None = None) -> Floats:
    """(days - 1, n_securities): daily, after splits and with dividends; NaN without two closes, or beyond belief."""
    if len(history.sessions) < 2:
        raise TooLittleHistory("one day of closes gives no return")
    closes = np.where(history.closes > 0, history.closes, np.nan)
    ratios, paid = action_factors(actions, history)
    with np.errstate(invalid="ignore"):
        returns = (closes[1:] * ratios[1:] + paid[1:]) / closes[:-1] - 1
        beyond = (returns > LARGEST_RETURN) | (returns < LEAST_FALL)
    return np.where(beyond, np.nan, returns)


def action_factors(actions: Path | None, history: PriceHistory) -> tuple[Floats, Floats]:
    """New shares per old, and dollars paid a share, in the shape of the closes: on the day each action is effective."""
    ratios, paid = np.ones_like(history.closes), np.zeros_like(history.closes)
    if actions is None:
        return ratios, paid
    row_of = {day: place for place, day in enumerate(history.sessions)}
    column_of = {name: place for place, name in enumerate(history.names)}
    rows = _csv_rows(actions)
    next(rows, None)
    for day, name, kind, value, *_ in rows:
        row, column = row_of.get(_day(day)), column_of.get(name)
        if row is None or column is None:
            continue
        if kind == "SPLIT":
            ratios[row, column] *= float(value)
        elif kind == "DIV":
            paid[row, column] += float(value)
    return ratios, paid
