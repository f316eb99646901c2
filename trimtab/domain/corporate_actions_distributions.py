"""Events that leave the old shares and add to them: dividends in stock, spin-offs, returns of capital, rights."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from trimtab.domain.corporate_actions import ActionKind, CorporateAction, split_lots, times
from trimtab.domain.corporate_actions_events import (
    Allocation,
    Distribution,
    ElectiveDividend,
    PendingAllocation,
    Received,
    ReturnOfCapital,
    RightsDistribution,
    RightsExercise,
    RightsLapse,
    StockDividend,
    TermsIncomplete,
    Treatment,
)
from trimtab.domain.corporate_actions_outcomes import (
    Outcome,
    basis,
    entitlements,
    of_security,
    pay_fraction,
    replaced,
    shares,
    sold,
    spread,
)
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.money import ZERO, split_exactly, to_cents
from trimtab.domain.securities import SecurityId

RIGHTS_WITHOUT_BASIS = Decimal("0.15")
"""Rights worth less than this fraction of the stock get no basis unless the holder elects it (IRC 307(b))."""


def stock_dividend(lots: tuple[TaxLot, ...], event: StockDividend) -> Outcome:
    """IRC 305(a), 307: more shares over the same basis and dates."""
    ratio = 1 + event.additional
    as_split = CorporateAction(
        event.event_id, event.version, ActionKind.SPLF, event.security_id, event.effective_on, ratio
    )
    outcome = Outcome(split_lots(lots, as_split))
    return pay_fraction(outcome, event.security_id, event.price_of_fraction, event.effective_on)


def elective_dividend(lots: tuple[TaxLot, ...], event: ElectiveDividend) -> Outcome:
    """IRC 305(b)(1), 301: taxed as a dividend at fair value; the new lot has that basis and the payment's date."""
    held = of_security(lots, event.security_id)
    if not held:
        return Outcome(lots)
    quantity, value = _received(held, event.stock)
    new = _new_lot(held[0], event.event_id, event.stock.security_id, quantity, value)
    new = replace(new, acquired_on=event.effective_on)
    outcome = Outcome((*lots, new), income=value, basis_added=value)
    return pay_fraction(outcome, new.security_id, event.stock.price_of_fraction, event.effective_on)


def distribution(lots: tuple[TaxLot, ...], event: Distribution) -> Outcome:
    """Raises PendingAllocation without the allocation that a tax-free one needs, TermsIncomplete without values."""
    held = of_security(lots, event.security_id)
    if not held:
        return Outcome(lots)
    if event.treatment is Treatment.TAXABLE:
        return _taxable_distribution(lots, held, event)
    outcome = Outcome(_with_children(lots, held, event))
    for child in event.children:
        outcome = pay_fraction(outcome, child.security_id, child.price_of_fraction, event.effective_on)
    return outcome


def _with_children(lots: tuple[TaxLot, ...], held: list[TaxLot], event: Distribution) -> tuple[TaxLot, ...]:
    """IRC 355, 358, 1223(1): each lot's basis is divided by relative value; children keep the lot's dates."""
    weights = _weights(event)
    columns = [entitlements(held, child.ratio) for child in event.children]
    parents: dict[LotId, TaxLot] = {}
    children: list[TaxLot] = []
    for index, lot in enumerate(held):
        quantities = [column[index] for column in columns]
        divided = _divide_basis(lot, event.children, quantities, weights)
        parents[lot.id] = divided[0]
        children += divided[1:]
    return (*(parents.get(lot.id, lot) for lot in lots), *children)


def _weights(event: Distribution) -> Mapping[SecurityId, Decimal]:
    allocation = event.allocation
    names = {event.security_id, *(child.security_id for child in event.children)}
    if allocation is None:
        raise PendingAllocation(f"{event.event_id} waits for its basis allocation")
    if set(allocation.weights) != names or any(weight < 0 for weight in allocation.weights.values()):
        raise PendingAllocation(f"the allocation of {event.event_id} does not cover {', '.join(sorted(names))}")
    return allocation.weights


def _divide_basis(
    lot: TaxLot, children: tuple[Received, ...], quantities: list[Decimal], weights: Mapping[SecurityId, Decimal]
) -> list[TaxLot]:
    """The lot and its children. A child too small for a millionth of a share leaves its basis with the lot."""
    given = [(child, quantity) for child, quantity in zip(children, quantities, strict=True) if quantity > 0]
    parts = [weights[lot.security_id], *(weights[child.security_id] for child, _ in given)]
    costs, washes = split_exactly(lot.cost, parts), split_exactly(lot.wash_adjustment, parts)
    divided = [replace(lot, cost=costs[0], wash_adjustment=washes[0])]
    for (child, quantity), cost, wash in zip(given, costs[1:], washes[1:], strict=True):
        new = replace(lot, id=child_lot_id(lot.id, child.security_id), security_id=child.security_id)
        divided.append(replace(new, quantity=quantity, cost=cost, wash_adjustment=wash))
    return divided


def child_lot_id(lot_id: LotId, security_id: SecurityId) -> LotId:
    """The lot of `security_id` that a lot of the old shares gave rise to."""
    return LotId(f"{lot_id}+{security_id}")


def _taxable_distribution(lots: tuple[TaxLot, ...], held: list[TaxLot], event: Distribution) -> Outcome:
    """IRC 301: dividend to the extent of earnings, then a return of capital, then gain; children at fair value."""
    received = [(child, *_received(held, child)) for child in event.children]
    worth = sum((value for _, _, value in received), ZERO)
    income = to_cents(worth * event.dividend_part)
    lowered = _lower_basis(lots, held, worth - income, event)
    outcome = replace(lowered, income=income, basis_added=lowered.basis_added + worth)
    for child, quantity, value in received:
        new = _new_lot(held[0], event.event_id, child.security_id, quantity, value)
        outcome = replace(outcome, lots=(*outcome.lots, replace(new, acquired_on=event.effective_on)))
        outcome = pay_fraction(outcome, child.security_id, child.price_of_fraction, event.effective_on)
    return outcome


def _received(held: list[TaxLot], child: Received) -> tuple[Decimal, Decimal]:
    """(shares, dollars at fair value) for the account. Raises TermsIncomplete without a fair value."""
    if child.fair_value is None:
        raise TermsIncomplete(f"no fair value of {child.security_id}")
    quantity = times(shares(held), child.ratio)
    return quantity, to_cents(quantity * child.fair_value)


def _new_lot(model: TaxLot, event_id: str, security_id: SecurityId, quantity: Decimal, cost: Decimal) -> TaxLot:
    return TaxLot(
        id=LotId(f"{event_id}+{model.account_id}+{security_id}"),
        account_id=model.account_id,
        security_id=security_id,
        quantity=quantity,
        acquired_on=model.acquired_on,
        cost=cost,
        covered=model.covered,
    )


def return_of_capital(lots: tuple[TaxLot, ...], event: ReturnOfCapital) -> Outcome:
    """IRC 301(c)(2), (3)(A): tax-free down to zero basis lot by lot, then gain by the lot's term."""
    held = of_security(lots, event.security_id)
    if not held:
        return Outcome(lots)
    amount = to_cents(shares(held) * event.cash_per_share)
    return replace(_lower_basis(lots, held, amount, event), cash=amount)


def _lower_basis(
    lots: tuple[TaxLot, ...], held: list[TaxLot], amount: Decimal, event: ReturnOfCapital | Distribution
) -> Outcome:
    after = {lot.id: lot for lot in lots}
    realized = []
    for lot, paid in zip(held, spread(amount, held), strict=True):
        cost = max(ZERO, lot.cost - paid)
        after[lot.id] = replace(lot, cost=cost, wash_adjustment=min(lot.wash_adjustment, cost))
        if paid > lot.cost:
            realized.append(sold(replace(lot, cost=ZERO), paid - lot.cost, event.effective_on))
    returned = basis(lots) - basis(tuple(after.values()))
    return Outcome(tuple(after.values()), tuple(realized), basis_added=-returned)


def rights_distribution(lots: tuple[TaxLot, ...], event: RightsDistribution) -> Outcome:
    """IRC 307: no basis below 15 % of the stock's value without an election, else by value; the stock's dates."""
    right = event.right
    if right.fair_value is None:
        raise TermsIncomplete(f"no fair value of {right.security_id}")
    rights_worth = right.fair_value * right.ratio.numerator / right.ratio.denominator  # for one share
    small = rights_worth < RIGHTS_WITHOUT_BASIS * event.stock_fair_value
    rights_weight = ZERO if small and not event.elects_allocation else rights_worth
    weights = {event.security_id: event.stock_fair_value, right.security_id: rights_weight}
    return distribution(
        lots,
        Distribution(
            event.event_id,
            event.version,
            event.security_id,
            event.effective_on,
            children=(right,),
            allocation=Allocation(weights, "fair market values", "IRC 307"),
        ),
    )


def rights_exercise(lots: tuple[TaxLot, ...], event: RightsExercise) -> Outcome:
    """IRC 1012, 1223(5): basis is the right's and the price; the period begins on the day of exercise itself."""
    held = of_security(lots, event.security_id)
    if not held:
        return Outcome(lots)
    quantities = entitlements(held, event.shares_per_right)
    price = to_cents(sum(quantities, ZERO) * event.price)
    bought = [
        replace(
            lot,
            id=child_lot_id(lot.id, event.stock_id),
            security_id=event.stock_id,
            quantity=quantity,
            cost=lot.cost + paid,
            acquired_on=event.effective_on,
            holding_start=event.effective_on - timedelta(days=1),
            purchase_id=event.event_id,
        )
        for lot, quantity, paid in zip(held, quantities, spread(price, held), strict=True)
    ]
    return Outcome(replaced(lots, bought, event.security_id), cash=-price, basis_added=price)


def rights_lapse(lots: tuple[TaxLot, ...], event: RightsLapse) -> Outcome:
    """Reg. 1.307-1: rights that lapse have no basis and give no loss; what they had goes back to their lot."""
    lapsed = {lot.id: lot for lot in of_security(lots, event.security_id)}
    kept = []
    for lot in lots:
        if lot.id in lapsed:
            continue
        right = lapsed.get(child_lot_id(lot.id, event.security_id))
        if right is not None:
            wash = lot.wash_adjustment + right.wash_adjustment
            lot = replace(lot, cost=lot.cost + right.cost, wash_adjustment=wash)
        kept.append(lot)
    return Outcome(tuple(kept))
