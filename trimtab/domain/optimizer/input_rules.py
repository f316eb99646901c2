"""What an input must be before anything is computed: finite numbers in their ranges, lots inside their positions."""

from collections.abc import Iterator
from decimal import Decimal

from trimtab.domain.lots import TaxLot
from trimtab.domain.money import ZERO
from trimtab.domain.optimizer.errors import InvalidAnalysisInput
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput

_LOT_TOLERANCE = Decimal("0.0001")


def require_sound(request: AnalysisInput) -> None:
    """Raises InvalidAnalysisInput with everything that is wrong."""
    wrong = [*_positions(request), *_lots(request), *_settings(request), *_market(request)]
    if wrong:
        raise InvalidAnalysisInput(f"account {request.snapshot.account.id}: " + "; ".join(wrong))


def _positions(request: AnalysisInput) -> Iterator[str]:
    seen = set()
    for position in request.snapshot.positions:
        if position.security_id in seen:
            yield f"{position.security_id} has two positions"
        seen.add(position.security_id)
        if not _at_least_zero(position.quantity) or not position.market_value.is_finite():
            yield f"the position in {position.security_id} is {position.quantity} shares"
    if not request.snapshot.cash.trade_date_total.is_finite():
        yield "cash is not a number"


def _lots(request: AnalysisInput) -> Iterator[str]:
    """Lots never exceed their position; shares without lots (some IRAs) are held and not sold."""
    quantity = {each.security_id: each.quantity for each in request.snapshot.positions}
    total: dict[SecurityId, Decimal] = {}
    for lot in request.snapshot.lots:
        if not _sound_lot(lot):
            yield f"lot {lot.id} has quantity {lot.quantity} and cost {lot.cost}"
            return
        total[lot.security_id] = total.get(lot.security_id, ZERO) + lot.quantity
    for security_id, shares in total.items():
        held = quantity.get(security_id, ZERO)
        if not held.is_finite() or shares > held + _LOT_TOLERANCE:
            yield f"the lots of {security_id} sum to {shares} shares, its position to {held}"
    if len({lot.id for lot in request.snapshot.lots}) != len(request.snapshot.lots):
        yield "a lot id appears twice"


def _sound_lot(lot: TaxLot) -> bool:
    return _at_least_zero(lot.quantity) and lot.quantity > 0 and _at_least_zero(lot.cost)


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
        **{f"cash need of {need.due_on}": need.amount for need in settings.cash_needs},
    }
    for security_id, band in settings.weight_bands.items():
        fractions[f"smallest weight of {security_id}"] = band.minimum
        fractions[f"largest weight of {security_id}"] = band.maximum
    yield from (f"the {name} is {value}" for name, value in fractions.items() if not _fraction(value))
    yield from (f"the {name} is {value}" for name, value in amounts.items() if not _at_least_zero(value))


def _market(request: AnalysisInput) -> Iterator[str]:
    weights = request.target.weights
    yield from (
        f"the model's weight of {each} is {weight}" for each, weight in weights.items() if not _fraction(weight)
    )
    for security_id in sorted({*weights, *(position.security_id for position in request.snapshot.positions)}):
        price = request.market.prices.get(security_id)
        if price is not None and not _at_least_zero(price.close):
            yield f"the price of {security_id} is {price.close}"


def _at_least_zero(value: Decimal) -> bool:
    return value.is_finite() and value >= 0


def _fraction(value: Decimal) -> bool:
    return value.is_finite() and 0 <= value <= 1
