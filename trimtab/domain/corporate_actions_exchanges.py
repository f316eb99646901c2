"""Events that take the old shares away: mergers, tenders, redemptions, worthlessness. And the door to all events."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import assert_never

from trimtab.domain.corporate_actions import CorporateAction, split_lots
from trimtab.domain.corporate_actions_distributions import (
    child_lot_id,
    distribution,
    elective_dividend,
    return_of_capital,
    rights_distribution,
    rights_exercise,
    rights_lapse,
    stock_dividend,
)
from trimtab.domain.corporate_actions_events import (
    AnyEvent,
    Distribution,
    ElectiveDividend,
    Merger,
    Received,
    ReturnOfCapital,
    RightsDistribution,
    RightsExercise,
    RightsLapse,
    StockDividend,
    Tender,
    TermsIncomplete,
    Treatment,
    Unchanged,
    Worthless,
)
from trimtab.domain.corporate_actions_outcomes import (
    Outcome,
    Realized,
    entitlements,
    of_security,
    pay_fraction,
    replaced,
    sell_all,
    shares,
    sold,
    spread,
)
from trimtab.domain.corporate_actions_pieces import divide
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.money import ZERO, to_cents, to_shares


def apply_event(lots: tuple[TaxLot, ...], event: AnyEvent) -> Outcome:
    """One account's lots after an event. Raises PendingAllocation, TermsIncomplete, NotASplit."""
    match event:
        case CorporateAction():
            return _split(lots, event)
        case StockDividend():
            return stock_dividend(lots, event)
        case ElectiveDividend():
            return elective_dividend(lots, event)
        case Distribution():
            return distribution(lots, event)
        case Merger():
            return merger(lots, event)
        case ReturnOfCapital():
            return return_of_capital(lots, event)
        case Tender():
            return tender(lots, event)
        case RightsDistribution():
            return rights_distribution(lots, event)
        case RightsExercise():
            return rights_exercise(lots, event)
        case RightsLapse():
            return rights_lapse(lots, event)
        case Worthless():
            return worthless(lots, event)
        case Unchanged():
            return Outcome(lots)
        case _:
            assert_never(event)


def _split(lots: tuple[TaxLot, ...], event: CorporateAction) -> Outcome:
    """IRC 305(a), 1223(4): the same basis and dates over the new shares."""
    return pay_fraction(Outcome(split_lots(lots, event)), event.security_id, event.cash_per_share, event.ex_on)


def merger(lots: tuple[TaxLot, ...], event: Merger) -> Outcome:
    """All old shares become cash, stock, or both. Raises TermsIncomplete when the terms do not suffice."""
    held = of_security(lots, event.security_id)
    if not held:
        return Outcome(lots)
    cash = to_cents(shares(held) * event.cash_per_share)
    if event.stock is None:
        if event.cash_per_share <= 0:
            raise TermsIncomplete(f"{event.event_id} pays neither cash nor stock")
        left = replaced(lots, (), event.security_id)
        return Outcome(left, sell_all(held, cash, event.effective_on), cash)
    if event.treatment is Treatment.TAXABLE:
        outcome = _taxable_exchange(lots, held, cash, event, event.stock)
    else:
        outcome = _reorganisation(lots, held, cash, event, event.stock)
    return pay_fraction(outcome, event.stock.security_id, event.stock.price_of_fraction, event.effective_on)


def _reorganisation(
    lots: tuple[TaxLot, ...], held: list[TaxLot], cash: Decimal, event: Merger, stock: Received
) -> Outcome:
    """IRC 354, 356(a) and (c), 358, 1223(1); lot by lot (Rev. Rul. 68-23): gain up to the cash, no loss."""
    realized: list[Realized] = []
    new: list[TaxLot] = []
    for lot, quantity, paid in zip(held, entitlements(held, stock.ratio), spread(cash, held), strict=True):
        gain = _recognized(lot, quantity, paid, stock)
        cost = lot.cost - paid + gain
        new.append(
            replace(
                lot,
                id=child_lot_id(lot.id, stock.security_id),
                security_id=stock.security_id,
                quantity=quantity,
                cost=cost,
                wash_adjustment=min(lot.wash_adjustment, cost),
            )
        )
        if paid:
            realized.append(sold(replace(lot, cost=paid - gain), paid, event.effective_on, gain))
    return Outcome(replaced(lots, new, event.security_id), tuple(realized), cash)


def _recognized(lot: TaxLot, quantity: Decimal, paid: Decimal, stock: Received) -> Decimal:
    """max(0, min(realized gain, boot)), dollars."""
    if not paid:
        return ZERO
    if stock.fair_value is None:
        raise TermsIncomplete(f"no fair value of {stock.security_id}")
    realized = paid + to_cents(quantity * stock.fair_value) - lot.cost
    return max(ZERO, min(realized, paid))


def _taxable_exchange(
    lots: tuple[TaxLot, ...], held: list[TaxLot], cash: Decimal, event: Merger, stock: Received
) -> Outcome:
    """IRC 1001, 1012: sold at cash plus fair value; the new shares are one lot of that day at that value."""
    if stock.fair_value is None:
        raise TermsIncomplete(f"no fair value of {stock.security_id}")
    quantity = sum(entitlements(held, stock.ratio), ZERO)
    value = to_cents(quantity * stock.fair_value)
    new = TaxLot(
        id=LotId(f"{event.event_id}+{held[0].account_id}"),
        account_id=held[0].account_id,
        security_id=stock.security_id,
        quantity=quantity,
        acquired_on=event.effective_on,
        cost=value,
        purchase_id=event.event_id,
        covered=all(lot.covered for lot in held),
    )
    realized = sell_all(held, cash + value, event.effective_on)
    return Outcome(replaced(lots, (new,), event.security_id), realized, cash, basis_added=value)


def tender(lots: tuple[TaxLot, ...], event: Tender) -> Outcome:
    """IRC 1001: of the shares tendered from each lot the accepted part is sold; the rest comes back unchanged."""
    after: dict[LotId, TaxLot | None] = {lot.id: lot for lot in lots}
    pieces = []
    for lot in of_security(lots, event.security_id):
        offered = min(event.tendered.get(lot.id, ZERO), lot.quantity)
        quantity = to_shares(offered * event.accepted.numerator / event.accepted.denominator)
        if quantity > 0:
            piece, after[lot.id] = divide(lot, quantity)
            pieces.append(piece)
    cash = to_cents(shares(pieces) * event.price)
    left = tuple(lot for lot in after.values() if lot is not None)
    return Outcome(left, sell_all(pieces, cash, event.effective_on), cash)


def worthless(lots: tuple[TaxLot, ...], event: Worthless) -> Outcome:
    """IRC 165(g): sold for nothing on the last day of the tax year."""
    held = of_security(lots, event.security_id)
    year_end = date(event.effective_on.year, 12, 31)
    return Outcome(replaced(lots, (), event.security_id), sell_all(held, ZERO, year_end))
