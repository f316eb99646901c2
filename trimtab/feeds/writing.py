"""Writes one feed file as its sender would: header, rows, trailer; under a temporary name, then renamed."""

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

Cell = str | int | float | bool | Decimal | date | None

CONTROL_COLUMNS: Mapping[str, str] = {
    "securities": "half_spread_bps",
    "accounts": "cash_reserve",
    "cash_needs": "amount",
    "positions": "quantity",
    "lots": "cost",
    "cash": "settled",
    "sales": "proceeds",
    "prices": "close",
    "models": "weight",
    "provider_models": "weight",
}
"""The column whose exact sum is the trailer's control total; kinds that are not named have the total 0."""


@dataclass(frozen=True, slots=True)
class FeedFile:
    """One delivery: what it is, and its table."""

    kind: str
    source: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Cell]]


def feed_path(drop: Path, firm_id: str, kind: str, business_date: date) -> Path:
    """Where a firm's file of a kind and business date lies."""
    return drop / firm_id / kind / f"{kind}-{business_date:%Y%m%d}.csv"


def done_marker(path: Path) -> Path:
    """The empty file that says that `path` is complete."""
    return path.with_name(path.name + ".done")


def write_feed(feed: FeedFile, drop: Path, firm_id: str, business_date: date, as_of: date) -> Path:
    """Writes `feed` and then its done-marker; returns where."""
    path = feed_path(drop, firm_id, feed.kind, business_date)
    path.parent.mkdir(parents=True, exist_ok=True)
    header = f"#TRIMTAB,{feed.kind},{firm_id},{business_date},{as_of},{feed.source}\n"
    rows = [[_text(cell) for cell in row] for row in feed.rows]
    trailer = trailer_line(feed.kind, feed.columns, rows)
    publish(path, header + csv_text([list(feed.columns), *rows]) + trailer)
    publish(done_marker(path), "")
    return path


def trailer_line(kind: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The last line: number of rows and control total."""
    total = Decimal(0)
    if kind in CONTROL_COLUMNS:
        control = list(columns).index(CONTROL_COLUMNS[kind])
        total = sum((Decimal(row[control]) for row in rows if row[control]), Decimal(0))
    return f"#TRAILER,{len(rows)},{total:f}\n"


def csv_text(rows: Iterable[Sequence[Cell]]) -> str:
    """RFC 4180 quotes, lines ended by LF."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def publish(path: Path, text: str) -> None:
    """Writes under a temporary name that no reader looks at, then renames: a reader sees all of it or nothing."""
    temporary = path.with_name(f".{path.name}.part")
    with temporary.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    return str(cell)
