"""Closes from before an event in dollars of the shares after it (CA-2, column Price)."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Final

from trimtab.domain.corporate_actions import PRICE_STEP, CorporateAction, split_price
from trimtab.domain.corporate_actions_events import (
    AnyEvent,
    Distribution,
    ElectiveDividend,
    Received,
    ReturnOfCapital,
    RightsDistribution,
    StockDividend,
    TermsIncomplete,
    effective_on,
)
from trimtab.domain.market import Price
from trimtab.domain.money import ZERO
from trimtab.domain.securities import SecurityId

Prices = Mapping[SecurityId, Price]
_ONE: Final = Fraction(1)


def prices_after(prices: Prices, event: AnyEvent) -> dict[SecurityId, Price]:
    """The closes that are of a day before the event, in the basis after it; later ones stand as they are.

    What is distributed leaves the old shares' price at its own close, or its fair value where it has none, so that
    an account is worth the same before and after. Raises TermsIncomplete when there is neither, or nothing is left.
    """
    price = prices.get(event.security_id)
    after = dict(prices)
    if price is not None and price.as_of < effective_on(event):
        after[event.security_id] = replace(price, close=_close_after(price.close, event, prices))
    return after


def _close_after(close: Decimal, event: AnyEvent, prices: Prices) -> Decimal:
    match event:
        case CorporateAction():
            return split_price(close, event.split_ratio)
        case StockDividend():
            return split_price(close, _ONE + event.additional)
        case ElectiveDividend() if event.stock.security_id == event.security_id:
            return split_price(close, _ONE + event.stock.ratio)
        case Distribution() | RightsDistribution() | ElectiveDividend() | ReturnOfCapital():
            left = (close - _distributed(event, prices)).quantize(PRICE_STEP)
            if left <= 0:
                raise TermsIncomplete(f"{event.event_id} distributes more than {event.security_id} was worth")
            return left
        case _:
            return close


def _distributed(
    event: Distribution | RightsDistribution | ElectiveDividend | ReturnOfCapital, prices: Prices
) -> Decimal:
    """Dollars for each old share."""
    match event:
        case Distribution():
            return sum((_worth(child, prices) for child in event.children), ZERO)
        case RightsDistribution():
            return _worth(event.right, prices)
        case ElectiveDividend():
            return _worth(event.stock, prices)
        case ReturnOfCapital():
            return event.cash_per_share


def _worth(received: Received, prices: Prices) -> Decimal:
    price = prices.get(received.security_id)
    value = price.close if price is not None else received.fair_value
    if value is None or value <= 0:
        raise TermsIncomplete(f"nobody says what {received.security_id} is worth")
    return value * received.ratio.numerator / received.ratio.denominator
