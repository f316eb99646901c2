"""Deposits that were announced: never spent before they are there, and told of when they do not come (case 81)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final

NEARLY: Final = Decimal("0.99")
"""Of the amount: a fee of the same evening may hide the rest."""
LAPSES_AFTER: Final = timedelta(days=30)
"""From its date on: an announcement that nobody has taken back by then is no longer watched."""


@dataclass(frozen=True, slots=True)
class Deposit:
    """Money that is to come. `due_on` is the business date whose cash file is to show it."""

    amount: Decimal  # dollars, above zero
    due_on: date
    announced_on: date  # business date: cash that rose before it is none of the deposit


@dataclass(frozen=True, slots=True)
class CashEvening:
    """An account's cash in the file of one business date."""

    business_date: date
    total: Decimal  # dollars, settled and unsettled
    traded: Decimal = Decimal(0)  # dollars that our own trades have brought (or cost) since the file before


def missing_deposits(deposits: Sequence[Deposit], evenings: Sequence[CashEvening], on: date) -> list[Deposit]:
    """Those due by `on` that no evening shows, the earliest first.

    A deposit has come when cash rose by its amount from one file to the next, beyond what our own trades explain;
    one rise stands for one deposit. `evenings`: in the order of days, from a file before the first announcement on
    where there is one. All cash of an account's very first file has come with it, for what was due by then.
    """
    rises = _rises(evenings)
    first = evenings[0].business_date if evenings else date.min
    missing = []
    for deposit in sorted(deposits, key=lambda each: (each.due_on, each.amount)):
        shown = _shown(deposit, rises, first)
        if shown is not None:
            rises[shown] -= deposit.amount
        elif deposit.due_on <= on:
            missing.append(deposit)
    return missing


def _rises(evenings: Sequence[CashEvening]) -> dict[date, Decimal]:
    rises = {evening.business_date: evening.total for evening in evenings[:1]}
    return rises | {now.business_date: now.total - before.total - now.traded for before, now in pairwise(evenings)}


def _shown(deposit: Deposit, rises: Mapping[date, Decimal], first: date) -> date | None:
    """The earliest file whose rise is large enough."""
    for day, rise in rises.items():
        since = max(deposit.announced_on, deposit.due_on) if day == first else deposit.announced_on
        if day >= since and rise >= deposit.amount * NEARLY:
            return day
    return None
