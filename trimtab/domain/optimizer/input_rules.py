"""What an input must be before anything is computed: finite numbers in their ranges, lots inside their positions."""

from collections.abc import Iterator
from decimal import Decimal

from trimtab.domain.calibration import calibration_faults
from trimtab.domain.lots import TaxLot
from trimtab.domain.model_portfolios import UNDECLARED_CASH_LIMIT, WEIGHT_TOLERANCE
from trimtab.domain.money import ZERO
from trimtab.domain.optimizer.errors import InvalidAnalysisInput
from trimtab.domain.rule_checks import (
    LARGEST_AMOUNT,
    held_away_problems,
    incumbent_problems,
    is_amount,
    is_fraction,
    rule_problems,
    security_problems,
    substitute_problems,
    tax_year_problems,
    window_problems,
)
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput, MarketSnapshot

_LOT_TOLERANCE = Decimal("0.0001")

_LOWEST_PRICE, _HIGHEST_PRICE = Decimal(10) ** -6, Decimal(10) ** 9


def require_sound(request: AnalysisInput) -> None:
    """Raises InvalidAnalysisInput with everything that is wrong."""
    wrong = [
        *_positions(request),
        *_lots(request),
        *_settings(request),
        *_model(request),
        *_market(request),
        *_further_facts(request),
        *calibration_faults(request.calibration),
    ]
    if wrong:
        raise InvalidAnalysisInput(f"account {request.snapshot.account.id}: " + "; ".join(wrong))


def _positions(request: AnalysisInput) -> Iterator[str]:
    seen = set()
    for position in request.snapshot.positions:
        if position.security_id in seen:
            yield f"{position.security_id} has two positions"
        seen.add(position.security_id)
        if not (is_amount(position.quantity) and is_amount(abs(position.market_value))):
            yield f"the position in {position.security_id} is {position.quantity} shares"
    cash = request.snapshot.cash.trade_date_total
    if not cash.is_finite():
        yield "cash is not a number"
    elif abs(cash) > LARGEST_AMOUNT:
        yield f"cash is {cash}"


def _lots(request: AnalysisInput) -> Iterator[str]:
    """Lots never exceed their position; shares without lots (some IRAs) are held and not sold."""
    quantity = {each.security_id: each.quantity for each in request.snapshot.positions}
    total: dict[SecurityId, Decimal] = {}
    today = request.snapshot.business_date
    for lot in request.snapshot.lots:
        if not _sound_lot(lot):
            yield f"lot {lot.id} has quantity {lot.quantity} and cost {lot.cost}"
            return
        if lot.acquired_on > today or lot.holding_from > today:
            yield f"lot {lot.id} was acquired on {lot.acquired_on} and counts from {lot.holding_from}"
        total[lot.security_id] = total.get(lot.security_id, ZERO) + lot.quantity
    for security_id, shares in total.items():
        held = quantity.get(security_id, ZERO)
        if not held.is_finite() or shares > held + _LOT_TOLERANCE:
            yield f"the lots of {security_id} sum to {shares} shares, its position to {held}"
    if len({lot.id for lot in request.snapshot.lots}) != len(request.snapshot.lots):
        yield "a lot id appears twice"


def _sound_lot(lot: TaxLot) -> bool:
    return is_amount(lot.quantity) and lot.quantity > 0 and is_amount(lot.cost) and lot.unit_cost <= _HIGHEST_PRICE


def _settings(request: AnalysisInput) -> Iterator[str]:
    settings = request.snapshot.settings
    fractions = {
        "short-term rate": settings.short_term_rate,
        "long-term rate": settings.long_term_rate,
        "cash target": settings.cash_target,
    }
    amounts = {
        "cash reserve": settings.cash_reserve,
        "minimum trade": settings.minimum_trade,
        "commission": settings.commission,
        **{f"commission of {kind}": price for kind, price in settings.commission_by_kind.items()},
        **{f"cash need of {need.due_on}": need.amount for need in settings.cash_needs},
    }
    for security_id, band in settings.weight_bands.items():
        fractions[f"smallest weight of {security_id}"] = band.minimum
        fractions[f"largest weight of {security_id}"] = band.maximum
        if band.minimum > 0 and security_id not in request.market.securities:
            yield f"{security_id}, of which at least {band.minimum} is to be held, is no known security"
    yield from (f"the {name} is {value}" for name, value in fractions.items() if not is_fraction(value))
    yield from (f"the {name} is {value}" for name, value in amounts.items() if not is_amount(value))
    yield from rule_problems(settings, request.market.securities)


def _model(request: AnalysisInput) -> Iterator[str]:
    """Fractions that make one with the cash that the model declares; a small rest counts as cash (case 94)."""
    model = request.target
    cash = model.cash_weight
    faults = [
        *(
            f"the model's weight of {each} is {weight}"
            for each, weight in model.weights.items()
            if not is_fraction(weight)
        ),
        *([] if cash is None or is_fraction(cash) else [f"the model's cash is {cash}"]),
    ]
    yield from faults
    if not faults:
        total = model.invested_weight + (cash or ZERO)
        tolerance = WEIGHT_TOLERANCE * (len(model.weights) + 1)  # each weight may be rounded
        missing = tolerance if cash is not None else UNDECLARED_CASH_LIMIT + tolerance
        if not -missing <= total - 1 <= tolerance:
            yield f"the weights of model {model.id} sum to {total}, not 1"
    yield from substitute_problems(model, request.market.securities)


def _further_facts(request: AnalysisInput) -> Iterator[str]:
    snapshot = request.snapshot
    if snapshot.as_of > snapshot.business_date:
        yield f"its holdings are of {snapshot.as_of}, after the business date {snapshot.business_date}"
    if snapshot.tax_year is not None:
        yield from tax_year_problems(snapshot.tax_year)
    yield from window_problems(snapshot.wash_windows)
    yield from held_away_problems(snapshot.held_away, request.market.securities)
    if snapshot.incumbent is not None:
        yield from incumbent_problems(snapshot.incumbent)


def _market(request: AnalysisInput) -> Iterator[str]:
    listed = (each.security_id for members in request.target.substitutes.values() for each in members)
    held = [position.security_id for position in request.snapshot.positions]
    for security_id in sorted({*request.target.weights, *listed, *held} - _sound_securities(request.market)):
        price = request.market.prices.get(security_id)
        if price is not None and price.close != 0 and not _price(price.close):
            yield f"the price of {security_id} is {price.close}"
        security = request.market.securities.get(security_id)
        if security is not None:
            yield from security_problems(security)


def _sound_securities(market: MarketSnapshot) -> frozenset[SecurityId]:
    """Securities with nothing wrong, known once for all accounts of a market; of the last two markets asked for.

    A snapshot is known by its identity, which is its own for as long as it is kept here, and never changes.
    """
    global _recent
    for known, sound in _recent:
        if known is market:
            return sound
    prices = market.prices
    sound = frozenset(
        [
            each
            for each, security in market.securities.items()
            if (each not in prices or prices[each].close == 0 or _price(prices[each].close))
            and not any(security_problems(security))
        ]
    )
    _recent = ((market, sound), *_recent[:1])  # one assignment: another thread sees all of it or nothing
    return sound


_recent: tuple[tuple[MarketSnapshot, frozenset[SecurityId]], ...] = ()


def _price(value: Decimal) -> bool:
    return value.is_finite() and _LOWEST_PRICE <= value <= _HIGHEST_PRICE
