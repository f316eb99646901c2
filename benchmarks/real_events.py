"""The curated real events as the domain's, applied to synthetic lots."""

import csv
from collections import Counter
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from trimtab.domain.accounts import AccountId
from trimtab.domain.corporate_actions import ActionKind, CorporateAction, exact_ratio
from trimtab.domain.corporate_actions_events import (
    Allocation,
    AnyEvent,
    Distribution,
    Merger,
    Received,
    TermsIncomplete,
    Treatment,
    Unchanged,
)
from trimtab.domain.corporate_actions_exchanges import apply_event
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.securities import SecurityId

Row = dict[str, str]
PRICE_OF_FRACTION = Decimal("40.00")
"""Dollars a share for fractions: the file has none, and basis does not depend on it."""


def read_real_events(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def apply_real_events(path: Path) -> dict[str, object]:
    """Counts by kind, and what waits by its reason code. Raises AssertionError when a cent or a date is lost."""
    rows = read_real_events(path)
    applied: Counter[str] = Counter()
    waiting: dict[str, str] = {}
    for row in rows:
        siblings = [each for each in rows if _same_distribution(each, row)]
        if siblings and siblings[0] is not row:
            continue  # applied with the first child of that day
        lots = synthetic_lots(row["old_ticker"])
        try:
            event = event_of(row, siblings)
            outcome = apply_event(lots, event)
        except TrimtabError as error:
            waiting[row["event_id"]] = error.code
            continue
        if not outcome.conserves(lots):
            raise AssertionError(f"{row['event_id']} loses basis")
        _check_dates(event, outcome.lots, lots)
        applied[row["caev"]] += max(1, len(siblings))
    return {"rows": len(rows), "applied": dict(applied), "waiting": waiting}


def synthetic_lots(ticker: str) -> tuple[TaxLot, ...]:
    """Three lots that no ratio divides evenly."""
    terms = (("101", "8000.01"), ("33.333333", "1234.57"), ("7", "0.10"))
    days = (date(2008, 2, 29), date(2009, 12, 31), date(2010, 6, 15))
    return tuple(
        TaxLot(LotId(f"L{i}"), AccountId("A1"), SecurityId(ticker), Decimal(quantity), day, Decimal(cost))
        for i, ((quantity, cost), day) in enumerate(zip(terms, days, strict=True))
    )


def _same_distribution(one: Row, other: Row) -> bool:
    keys = ("caev", "old_ticker", "effective_date")
    return one["caev"] == "SOFF" and all(one[key] == other[key] for key in keys)


def _check_dates(event: AnyEvent, after: tuple[TaxLot, ...], before: tuple[TaxLot, ...]) -> None:
    wanted = {lot.acquired_on for lot in before}
    if isinstance(event, Merger) and event.treatment is Treatment.TAXABLE:
        wanted = {event.effective_on}
    if not {lot.acquired_on for lot in after} <= wanted:
        raise AssertionError(f"{event.event_id} changes holding dates")


def event_of(row: Row, siblings: list[Row]) -> AnyEvent:
    """A row as an event; distributions with all of the day's children. Raises TrimtabError on missing terms."""
    name, on = SecurityId(row["old_ticker"]), date.fromisoformat(row["effective_date"])
    head = (row["event_id"], 1, name, on)
    match row["caev"]:
        case "SPLF" | "SPLR":
            kind = ActionKind(row["caev"])
            return CorporateAction(row["event_id"], 1, kind, name, on, _ratio(row), PRICE_OF_FRACTION)
        case "SOFF" | "DVSE":
            return _distribution(row, siblings or [row])
        case "MRGR" | "REDM":
            cash = Decimal(row["cash_per_old"] or 0)
            stock = _received(row) if row["new_ticker"] else None
            return Merger(*head, treatment=_treatment(row), cash_per_share=cash, stock=stock)
        case _:
            return Unchanged(*head, kind=ActionKind(row["caev"]))


def _distribution(row: Row, children: list[Row]) -> Distribution:
    name, on = SecurityId(row["old_ticker"]), date.fromisoformat(row["effective_date"])
    allocation = None
    if all(each["basis_pct_new"] for each in children):
        weights = {name: Decimal(row["basis_pct_old"])}
        weights |= {SecurityId(each["new_ticker"]): Decimal(each["basis_pct_new"]) for each in children}
        allocation = Allocation(weights, row["fmv_used"] or "percentages", row["source"])
    received = tuple(_received(each) for each in children)
    return Distribution(row["event_id"], 1, name, on, received, allocation=allocation)


def _received(row: Row) -> Received:
    value = row["fmv_used"].split(" ")[0]
    fair_value = Decimal(value) if row["caev"] == "MRGR" and value else None
    return Received(SecurityId(row["new_ticker"]), _ratio(row), PRICE_OF_FRACTION, fair_value)


def _ratio(row: Row) -> Fraction:
    return exact_ratio(Decimal(row["new_per_old"]), Decimal(1))


def _treatment(row: Row) -> Treatment:
    """Raises TermsIncomplete where the file does not say it, or names something received that it does not value."""
    said = row["tax"].lower()
    if "cvr" in said or not ("368" in said or "taxable" in said):
        raise TermsIncomplete(f"the tax treatment of {row['event_id']} is {said!r}")
    return Treatment.TAX_FREE if said.startswith(("368", "nontaxable")) else Treatment.TAXABLE
