"""The account's own target: the model's weights, scaled to what may be invested, without names that cannot be had.

Decimals only. A model name that is not held and cannot be bought for want of a price, of risk exposures, or because
it is frozen gives its weight to its asset class, pro rata (bad-input catalogue, outcome SEC).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from trimtab.domain.money import ZERO
from trimtab.domain.optimizer.errors import InvalidAnalysisInput
from trimtab.domain.proposals import WhyNotCode
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput


@dataclass(frozen=True, slots=True)
class Replaced:
    """A model name whose weight went to others, with the reason in words."""

    weight: Decimal  # fraction of the model
    code: WhyNotCode
    because: str


@dataclass(frozen=True, slots=True)
class PreparedTarget:
    """Weights and cash are fractions of account value; with nothing held away they sum to one (unless the model is
    empty). What is held away counts towards the target: the model is spread over all that is invested, here and there.
    """

    weights: Mapping[SecurityId, Decimal]
    cash_weight: Decimal  # desired: reserve and withdrawals included
    replaced: Mapping[SecurityId, Replaced]

    @property
    def replaced_weight(self) -> Decimal:
        """Fraction of the model that went to other names; above 5 % the account wants a look (MODEL_COVERAGE)."""
        return sum((each.weight for each in self.replaced.values()), ZERO)


def account_value(request: AnalysisInput) -> Decimal:
    """Dollars: positions at the run's closes (at the custodian's value without one) and trade-date cash."""
    snapshot, prices = request.snapshot, request.market.prices
    total = snapshot.cash.trade_date_total
    for position in snapshot.positions:
        price = prices.get(position.security_id)
        total += position.quantity * price.close if price is not None and price.close > 0 else position.market_value
    return total


def untouchable(request: AnalysisInput, security_id: SecurityId) -> tuple[WhyNotCode, str] | None:
    """Why `security_id` must not trade today at all, or None."""
    security = request.market.securities.get(security_id)
    price = request.market.prices.get(security_id)
    reason = request.snapshot.frozen.get(security_id)
    if reason is not None:
        code = WhyNotCode.NO_PRICE if reason == "PRICE_MISSING" else WhyNotCode.FROZEN
        return code, f"it is frozen today ({reason})"
    if security is None or price is None or price.close <= 0:
        return WhyNotCode.NO_PRICE, "it has no price"
    if not security.tradable:
        return WhyNotCode.FROZEN, "it is not tradable"
    if security_id not in request.market.risk_model.securities:
        return WhyNotCode.FROZEN, "it has no risk exposures yet"
    return None


def held_away(request: AnalysisInput) -> dict[SecurityId, Decimal]:
    """Dollars by security of what is held at other custodians."""
    dollars: dict[SecurityId, Decimal] = {}
    for each in request.snapshot.held_away:
        dollars[each.security_id] = dollars.get(each.security_id, ZERO) + each.market_value
    return dollars


def prepare_target(request: AnalysisInput, value: Decimal) -> PreparedTarget:
    """The target of an account worth `value` dollars. Raises InvalidAnalysisInput when model weights are negative."""
    model, settings = request.target, request.snapshot.settings
    weights = {security_id: weight for security_id, weight in model.weights.items() if weight != 0}
    if any(not weight.is_finite() or weight < 0 for weight in weights.values()):
        raise InvalidAnalysisInput(f"model {model.id} has a weight that is negative or no number")
    replaced = _replace(request, weights)
    held_back = min(settings.cash_reserve + settings.cash_needed, value)
    free = value - held_back
    cash = held_back + max(settings.cash_target, model.cash, ZERO) * free
    invested = sum(weights.values(), ZERO)
    if invested == 0 or value <= 0:
        return PreparedTarget(weights={}, cash_weight=Decimal(1), replaced=replaced)
    cash_weight = min(cash / value, Decimal(1))
    elsewhere = sum(held_away(request).values(), ZERO)
    scale = (1 - cash_weight + elsewhere / value) / invested
    return PreparedTarget({each: weight * scale for each, weight in weights.items()}, cash_weight, replaced)


def _replace(request: AnalysisInput, weights: dict[SecurityId, Decimal]) -> dict[SecurityId, Replaced]:
    """Take names that cannot be had out of `weights` and hand theirs on; returns what was taken out, and why."""
    held = {position.security_id for position in request.snapshot.positions if position.quantity > 0}
    held |= held_away(request).keys()
    replaced: dict[SecurityId, Replaced] = {}
    for security_id in sorted(weights):
        blocked = untouchable(request, security_id)
        if blocked is not None and security_id not in held and not _stood_in_for(request, security_id, held):
            replaced[security_id] = Replaced(weights[security_id], *blocked)
    if not replaced:
        return replaced
    for security_id in replaced:
        del weights[security_id]
    by_class: dict[str, Decimal] = {}
    for security_id, entry in replaced.items():
        name = _class_of(request, security_id)
        by_class[name] = by_class.get(name, ZERO) + entry.weight
    for name, orphaned in by_class.items():
        heirs = [each for each in weights if _class_of(request, each) == name] or list(weights)
        estate = sum((weights[each] for each in heirs), ZERO)
        for each in heirs:
            weights[each] += orphaned * weights[each] / estate
    return replaced


def _stood_in_for(request: AnalysisInput, name: SecurityId, held: set[SecurityId]) -> bool:
    """True when a substitute of the model name is held or can be had: then its weight stays with its set (MD-4)."""
    return any(
        each.security_id in held or (each.buyable and untouchable(request, each.security_id) is None)
        for each in request.target.substitutes.get(name, ())
    )


def _class_of(request: AnalysisInput, security_id: SecurityId) -> str:
    security = request.market.securities.get(security_id)
    return security.asset_class if security else ""
