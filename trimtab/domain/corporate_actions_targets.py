"""What an event does to model weights and restriction lists (CA-2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from trimtab.domain.corporate_actions import ActionKind
from trimtab.domain.corporate_actions_events import (
    AnyEvent,
    Distribution,
    Merger,
    TermsIncomplete,
    Unchanged,
    Worthless,
)
from trimtab.domain.money import ZERO
from trimtab.domain.securities import SecurityId

WEIGHT_STEP = Decimal("0.0000000001")


@dataclass(frozen=True, slots=True)
class ModelEffect:
    """A model's weights after an event, fractions. `to_cash` is weight that became cash: its owner is told."""

    weights: Mapping[SecurityId, Decimal]
    to_cash: Decimal = ZERO
    owner_decides: bool = False  # the new weights stand until the model's owner says otherwise


def model_after(
    weights: Mapping[SecurityId, Decimal], event: AnyEvent, prices: Mapping[SecurityId, Decimal]
) -> ModelEffect:
    """A model stored in weights (CA-2). `prices`: dollars a share after the event. Raises TermsIncomplete."""
    name = event.security_id
    weight = weights.get(name)
    if weight is None:
        return ModelEffect(weights)
    if isinstance(event, Distribution):
        return ModelEffect(_divided(weights, event, prices), owner_decides=True)
    if isinstance(event, Merger):
        return _merged(weights, event, prices)
    if isinstance(event, Worthless) or (isinstance(event, Unchanged) and event.kind is not ActionKind.CHAN):
        return ModelEffect({key: each for key, each in weights.items() if key != name}, weight, owner_decides=True)
    return ModelEffect(weights)


def _merged(weights: Mapping[SecurityId, Decimal], event: Merger, prices: Mapping[SecurityId, Decimal]) -> ModelEffect:
    left = {key: each for key, each in weights.items() if key != event.security_id}
    weight = weights[event.security_id]
    if event.stock is None:
        return ModelEffect(left, weight, owner_decides=True)
    acquirer = event.stock.security_id
    ratio = event.stock.ratio
    in_stock = weight
    if event.cash_per_share:
        stock_worth = _price(prices, acquirer) * ratio.numerator / ratio.denominator
        in_stock = (weight * stock_worth / (stock_worth + event.cash_per_share)).quantize(WEIGHT_STEP)
    left[acquirer] = left.get(acquirer, ZERO) + in_stock
    return ModelEffect(left, weight - in_stock, owner_decides=weight != in_stock)


def _divided(
    weights: Mapping[SecurityId, Decimal], event: Distribution, prices: Mapping[SecurityId, Decimal]
) -> dict[SecurityId, Decimal]:
    """w_p = w x Vp / (Vp + r Vc), and the children have the rest by value."""
    weight = weights[event.security_id]
    worth = {
        child.security_id: _price(prices, child.security_id) * child.ratio.numerator / child.ratio.denominator
        for child in event.children
    }
    whole = _price(prices, event.security_id) + sum(worth.values(), ZERO)
    after = dict(weights)
    for child, value in worth.items():
        part = (weight * value / whole).quantize(WEIGHT_STEP)
        after[child] = after.get(child, ZERO) + part
        after[event.security_id] -= part
    return after


def _price(prices: Mapping[SecurityId, Decimal], name: SecurityId) -> Decimal:
    price = prices.get(name, ZERO)
    if price <= 0:
        raise TermsIncomplete(f"no price of {name} after the event")
    return price


def restrictions_after(listed: frozenset[SecurityId], event: AnyEvent) -> frozenset[SecurityId]:
    """A restriction list after an event: children inherit, an acquirer does not (CA-2)."""
    name = event.security_id
    if name not in listed:
        return listed
    if isinstance(event, Distribution):
        return listed | {child.security_id for child in event.children}
    return listed - {name} if isinstance(event, Merger | Worthless) else listed
