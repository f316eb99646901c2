"""What an event does to one account: lots after it, cash, sales realised, income; with basis accounted for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from trimtab.domain.corporate_actions import times
from trimtab.domain.corporate_actions_pieces import take_fraction
from trimtab.domain.lots import HoldingPeriod, LotId, TaxLot, holding_period
from trimtab.domain.money import SHARE_STEP, ZERO, split_exactly, to_cents
from trimtab.domain.securities import SecurityId


@dataclass(frozen=True, slots=True)
class Realized:
    """A lot, or part of one, that an event turned into money. Dollars; `gain` is negative for a loss."""

    lot_id: LotId
    security_id: SecurityId
    quantity: Decimal
    proceeds: Decimal
    basis: Decimal
    gain: Decimal  # recognized: proceeds - basis, except where a rule limits it (IRC 356)
    period: HoldingPeriod
    sold_on: date


@dataclass(frozen=True, slots=True)
class Outcome:
    """One account after an event. `income` is dividend income, `cash` what is paid out less what is paid in."""

    lots: tuple[TaxLot, ...]
    realized: tuple[Realized, ...] = ()
    cash: Decimal = ZERO
    income: Decimal = ZERO
    basis_added: Decimal = ZERO  # new basis (income, prices paid, fair value); negative: returned without a sale

    def conserves(self, before: Sequence[TaxLot]) -> bool:
        """Whether every cent of basis is accounted for: kept, realised, added or returned."""
        released = sum((each.basis for each in self.realized), ZERO)
        return basis(before) + self.basis_added == basis(self.lots) + released


def of_security(lots: Sequence[TaxLot], security_id: SecurityId) -> list[TaxLot]:
    return [lot for lot in lots if lot.security_id == security_id]


def shares(lots: Sequence[TaxLot]) -> Decimal:
    return sum((lot.quantity for lot in lots), ZERO)


def basis(lots: Sequence[TaxLot]) -> Decimal:
    """Dollars."""
    return sum((lot.cost for lot in lots), ZERO)


def spread(amount: Decimal, lots: Sequence[TaxLot]) -> list[Decimal]:
    """An account's dollars over its lots by quantity; the parts sum to it (TL-16)."""
    return split_exactly(amount, [lot.quantity for lot in lots])


def entitlements(lots: Sequence[TaxLot], ratio: Fraction) -> list[Decimal]:
    """New shares by lot: the account's entitlement to six places, spread over its lots (CA-4)."""
    old = [lot.quantity for lot in lots]
    return split_exactly(times(sum(old, ZERO), ratio), old, SHARE_STEP)


def sold(lot: TaxLot, proceeds: Decimal, on: date, gain: Decimal | None = None) -> Realized:
    """The whole of `lot` for `proceeds`. `gain`: recognized, where a rule makes it differ from realized."""
    earned = proceeds - lot.cost if gain is None else gain
    return Realized(lot.id, lot.security_id, lot.quantity, proceeds, lot.cost, earned, holding_period(lot, on), on)


def sell_all(lots: Sequence[TaxLot], amount: Decimal, on: date) -> tuple[Realized, ...]:
    """`lots` for `amount` dollars together."""
    if not lots:
        return ()
    return tuple(sold(lot, part, on) for lot, part in zip(lots, spread(amount, lots), strict=True))


def pay_fraction(outcome: Outcome, security_id: SecurityId, price: Decimal | None, on: date) -> Outcome:
    """Cash in lieu: the account's fraction sold at `price` after the full entitlement was received (CA-4)."""
    if price is None:
        return outcome
    left, pieces = take_fraction(outcome.lots, security_id)
    amount = to_cents(shares(pieces) * price)
    realized = sell_all(pieces, amount, on)
    return replace(
        outcome,
        lots=left,
        realized=(*outcome.realized, *realized),
        cash=outcome.cash + amount if pieces else outcome.cash,
    )


def replaced(lots: Sequence[TaxLot], new: Sequence[TaxLot], gone: SecurityId) -> tuple[TaxLot, ...]:
    """`lots` without those of `gone`, and `new` after them."""
    return (*(lot for lot in lots if lot.security_id != gone), *new)
