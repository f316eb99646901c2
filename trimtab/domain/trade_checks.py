"""Whether the custodian's file agrees with the trades that we know of (cases 79, 82, 83)."""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from trimtab.domain.data_codes import DataCode
from trimtab.domain.securities import SecurityId

SAME_SHARES: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class OwnFill:
    """What one of our orders bought (positive) or sold (negative) for the account, in shares."""

    security_id: SecurityId
    traded_on: date
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class ReportedSale:
    """A sale as the custodian reports it."""

    security_id: SecurityId
    traded_on: date


@dataclass(frozen=True, slots=True)
class TradeFault:
    code: DataCode
    message: str


def unbooked(
    before: Mapping[SecurityId, Decimal],
    now: Mapping[SecurityId, Decimal],
    fills: Iterable[OwnFill],
    as_of: date,
    changed: Set[SecurityId] = frozenset(),
) -> frozenset[SecurityId]:
    """Securities whose fills are all of `as_of` and not in the custodian's file at all: pending, to be merged (79)."""
    by_security: dict[SecurityId, list[OwnFill]] = {}
    for fill in fills:
        by_security.setdefault(fill.security_id, []).append(fill)
    return frozenset(
        name
        for name, own in by_security.items()
        if name not in changed
        and all(fill.traded_on == as_of for fill in own)
        and sum((fill.quantity for fill in own), Decimal(0)) != 0
        and now.get(name, Decimal(0)) == before.get(name, Decimal(0))
    )


def trade_faults(
    before: Mapping[SecurityId, Decimal],
    now: Mapping[SecurityId, Decimal],
    fills: Iterable[OwnFill],
    reported: Iterable[ReportedSale],
    as_of: date,
    changed: Set[SecurityId] = frozenset(),
) -> Iterator[TradeFault]:
    """Compare shares in two consecutive files, `before` and `now`, with what was traded between them.

    `fills` and `reported` are of the sessions after the earlier file's as-of date, up to `as_of`, that of the later
    one. Securities in `changed` had a corporate action and are left to its own checks. A fill of `as_of` that is not
    booked yet is pending; one of an earlier session should have been. A sale that none of our orders made is foreign.
    """
    by_security: dict[SecurityId, list[OwnFill]] = {}
    for fill in fills:
        by_security.setdefault(fill.security_id, []).append(fill)
    for name, own in sorted(by_security.items()):
        if name not in changed:
            yield from _of_fills(name, now.get(name, Decimal(0)) - before.get(name, Decimal(0)), own, as_of)
    for sale in sorted(set(reported), key=lambda each: (each.security_id, each.traded_on)):
        if not any(fill.quantity < 0 for fill in by_security.get(sale.security_id, ())):
            message = f"a sale of {sale.security_id} on {sale.traded_on} is none of ours"
            yield TradeFault(DataCode.FOREIGN_TRADE, message)


def _of_fills(name: SecurityId, change: Decimal, fills: Iterable[OwnFill], as_of: date) -> Iterator[TradeFault]:
    own = list(fills)
    due = sum((fill.quantity for fill in own), Decimal(0))
    if abs(change - due) <= SAME_SHARES:
        return
    earlier = sum((fill.quantity for fill in own if fill.traded_on < as_of), Decimal(0))
    told = f"the shares of {name} changed by {change} in the custodian's file; our fills come to {due}"
    if earlier != 0 and abs(change) <= SAME_SHARES:
        yield TradeFault(DataCode.FILL_MISSING, told)
    else:
        yield TradeFault(DataCode.PENDING_MISMATCH, told)
