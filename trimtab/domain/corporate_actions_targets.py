"""What an event does to model weights, restriction lists and identifiers (CA-2, CA-6)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
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
from trimtab.domain.errors import TrimtabError
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


def restrictions_after(
    listed: frozenset[SecurityId], event: AnyEvent, *, children_inherit: bool = True, acquirer_inherits: bool = False
) -> frozenset[SecurityId]:
    """A restriction list after an event; the two policies are the firm's (CA-2)."""
    name = event.security_id
    if name not in listed:
        return listed
    if isinstance(event, Distribution):
        return listed | {child.security_id for child in event.children} if children_inherit else listed
    if isinstance(event, Merger):
        moved = {event.stock.security_id} if event.stock is not None and acquirer_inherits else set()
        return (listed - {name}) | moved
    return listed - {name} if isinstance(event, Worthless) else listed


@dataclass(frozen=True, slots=True)
class IdentifierSpan:
    """An identifier of a security, valid on both days and between. Tickers and CUSIPs are reused (CA-6)."""

    security_id: SecurityId
    scheme: str  # TICKER, CUSIP, ISIN
    value: str
    valid_from: date
    valid_to: date | None = None  # None: still valid

    def holds_on(self, on: date) -> bool:
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


class AmbiguousIdentifier(TrimtabError):
    """Raised when an identifier names two securities on one day."""

    code = "ID_CONFLICT"


def named_on(spans: Iterable[IdentifierSpan], scheme: str, value: str, on: date) -> SecurityId | None:
    """The security that an identifier named on a day. Raises AmbiguousIdentifier when there are two."""
    found = {span.security_id for span in spans if (span.scheme, span.value) == (scheme, value) and span.holds_on(on)}
    if len(found) > 1:
        raise AmbiguousIdentifier(f"{scheme} {value} names {', '.join(sorted(found))} on {on}")
    return next(iter(found), None)


def renamed(
    spans: Iterable[IdentifierSpan], security_id: SecurityId, new: Mapping[str, str], on: date
) -> tuple[IdentifierSpan, ...]:
    """CHAN: from `on` a security has other identifiers by scheme; the old ones end the day before, none is lost."""
    after: list[IdentifierSpan] = []
    for span in spans:
        ends = span.security_id == security_id and span.scheme in new and span.holds_on(on)
        after.append(replace(span, valid_to=on - timedelta(days=1)) if ends else span)
    return (*after, *(IdentifierSpan(security_id, scheme, value, on) for scheme, value in sorted(new.items())))
