"""What an event does to one account's shares, lots and cash, and which side of it a custodian's file shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from trimtab.domain.accounts import AccountId
from trimtab.domain.corporate_actions_events import AnyEvent
from trimtab.domain.corporate_actions_exchanges import apply_event
from trimtab.domain.corporate_actions_outcomes import Realized
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.money import ZERO
from trimtab.domain.securities import SecurityId

Shares = Mapping[SecurityId, Decimal]

SAME_SHARES: Final = Decimal("0.0001")
A_FRACTION: Final = Decimal(1)  # shares: custodians pay fractions out days after they book the event


@dataclass(frozen=True, slots=True)
class AccountChange:
    """One account after an event. Shares and cash are those of its positions, basis and gain those of its lots."""

    shares: Shares
    lots: tuple[TaxLot, ...]
    cash: Decimal  # dollars, negative when paid in
    income: Decimal
    realized: tuple[Realized, ...]

    @property
    def gain(self) -> Decimal:
        """Recognized, dollars."""
        return sum((each.gain for each in self.realized), ZERO)


def change(
    account_id: AccountId, held: Shares, lots: Sequence[TaxLot], on_lots: AnyEvent, on_shares: AnyEvent
) -> AccountChange:
    """The account after an event, which `on_lots` and `on_shares` both say: in terms of lots, and of positions.

    They are worked out apart, so that lots that did not sum to the position before do not sum to it after (case 66),
    and accounts that come without lots have their shares changed as well.
    Raises PendingAllocation, TermsIncomplete, NotASplit.
    """
    of_lots = apply_event(tuple(lots), on_lots)
    of_shares = apply_event(position_lots(account_id, held), on_shares)
    return AccountChange(shares_of(of_shares.lots), of_lots.lots, of_shares.cash, of_lots.income, of_lots.realized)


def shares_after(account_id: AccountId, held: Shares, event: AnyEvent) -> Shares:
    """The shares of each security concerned after the event."""
    return shares_of(apply_event(position_lots(account_id, held), event).lots)


def position_lots(account_id: AccountId, held: Shares) -> tuple[TaxLot, ...]:
    """Positions as lots without basis, to count shares with."""
    return tuple(
        TaxLot(LotId(name), account_id, name, quantity, date.min, ZERO)
        for name, quantity in sorted(held.items())
        if quantity > 0
    )


def shares_of(lots: Sequence[TaxLot]) -> dict[SecurityId, Decimal]:
    totals: dict[SecurityId, Decimal] = {}
    for lot in lots:
        totals[lot.security_id] = totals.get(lot.security_id, ZERO) + lot.quantity
    return totals


class CustodianSide(StrEnum):
    """Which side of an event a custodian's file is on."""

    BEFORE = "BEFORE"
    APPLIED = "APPLIED"
    UNCLEAR = "UNCLEAR"


def custodian_side(today: Shares, before: Shares, after: Shares, traded: Shares) -> CustodianSide:
    """Compare today's shares with those before and after the event, each with our own net purchases since (CA-7).

    An exact match decides; else shares that differ from those after the event by less than one are the event's
    with its fraction not paid out yet. Names that an argument leaves out are zero.
    """
    if _farthest(today, after, traded) <= SAME_SHARES:
        return CustodianSide.APPLIED
    if _farthest(today, before, traded) <= SAME_SHARES:
        return CustodianSide.BEFORE
    return CustodianSide.APPLIED if _farthest(today, after, traded) < A_FRACTION else CustodianSide.UNCLEAR


def same_shares(one: Shares, other: Shares) -> bool:
    return _farthest(one, other, {}) <= SAME_SHARES


def _farthest(today: Shares, expected: Shares, traded: Shares) -> Decimal:
    """The largest difference of any security, shares."""
    names = today.keys() | expected.keys() | traded.keys()
    return max(
        (abs(today.get(name, ZERO) - expected.get(name, ZERO) - traded.get(name, ZERO)) for name in names), default=ZERO
    )
