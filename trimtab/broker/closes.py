"""Closing prices of one business date, as the paper broker reads them: `closes-YYYY-MM-DD.csv`."""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

from trimtab.broker.errors import SessionEventDenied
from trimtab.broker.wire import DECIMAL_TEXT

COLUMNS = ("security_id", "close")


def closes_path(directory: Path, business_date: date) -> Path:
    """Where the closes of a date are."""
    return directory / f"closes-{business_date.isoformat()}.csv"


def read_closes(path: Path) -> dict[str, Decimal]:
    """Closing price in dollars per share by security id.

    A row without a positive price, and a security with two different prices, count as no close: one bad
    row must not stop the others. A file that is missing or has not these columns raises SessionEventDenied.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return _closes(csv.DictReader(file), path)
    except FileNotFoundError as error:
        raise SessionEventDenied(f"there are no closing prices yet: {path.name} is missing") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SessionEventDenied(f"{path.name} cannot be read: {error}") from error


def _closes(rows: "csv.DictReader[str]", path: Path) -> dict[str, Decimal]:
    if not set(COLUMNS) <= set(rows.fieldnames or ()):
        raise SessionEventDenied(f"{path.name} needs the columns {', '.join(COLUMNS)}")
    closes: dict[str, Decimal] = {}
    unusable: set[str] = set()
    for row in rows:
        security_id, text = row["security_id"] or "", (row["close"] or "").strip()
        price = Decimal(text) if DECIMAL_TEXT.fullmatch(text) else Decimal(0)
        if price <= 0 or closes.setdefault(security_id, price) != price:
            unusable.add(security_id)
    return {security_id: price for security_id, price in closes.items() if security_id not in unusable}
