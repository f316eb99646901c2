"""Sorts a price feed's actions into splits and dividends that can be booked, and those that cannot.

The feed books spin-offs as splits with odd ratios (1.589) or as dividends of a fifth of the price, and
sometimes as a plain split on the day of a spin-off. Booking one of those would falsify basis: it is set aside.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import log

from trimtab.demo.real_data import RawAction

LARGEST_DENOMINATOR = 10
RATIO_TOLERANCE = Fraction(1, 10_000)  # relative
PRICE_TOLERANCE = 0.15  # |ln(price ratio / split ratio)| of a true split's day (CA-7)
LARGEST_DIVIDEND = Decimal("0.10")  # of the close before


@dataclass(slots=True)
class SortedActions:
    """By symbol, in the order of dates."""

    splits: dict[str, list[tuple[date, Fraction]]] = field(default_factory=dict)
    dividends: dict[str, list[tuple[date, Decimal]]] = field(default_factory=dict)
    set_aside: dict[str, list[tuple[date, str]]] = field(default_factory=dict)  # with the reason


Close = Callable[[str, date], Decimal | None]
"""The close of a symbol on a session; None where there is none."""


def split_ratio(value: Decimal) -> Fraction | None:
    """New shares per old when F = max(value, 1/value) is a small rational p/q, q <= 10, within 1e-4; else None.

    2, 1.5, 3.000003 and 0.333333 are; 1.589, 1.054 and 0.8757 are not (CA-7).
    """
    if value <= 0:
        return None
    exact = Fraction(value)
    upward = max(exact, 1 / exact)
    near = upward.limit_denominator(LARGEST_DENOMINATOR)
    if near == 1 or abs(near / upward - 1) > RATIO_TOLERANCE:
        return None
    return near if exact >= 1 else 1 / near


def sort_actions(actions: Iterable[RawAction], close_before: Close, close_on: Close | None = None) -> SortedActions:
    """Sorts by ratio, by size, and, where `close_on` tells it, by whether the price followed a split.

    Leave `close_on` out for actions of a day whose closes nobody knows yet.
    """
    result = SortedActions()
    for action in actions:
        before = close_before(action.symbol, action.ex_on)
        after = close_on(action.symbol, action.ex_on) if close_on else None
        reason = _fault(action, before, after)
        if reason:
            result.set_aside.setdefault(action.symbol, []).append((action.ex_on, reason))
        elif action.kind == "SPLIT":
            ratio = split_ratio(action.value)
            if ratio:
                result.splits.setdefault(action.symbol, []).append((action.ex_on, ratio))
        else:
            result.dividends.setdefault(action.symbol, []).append((action.ex_on, action.value))
    return result


def _fault(action: RawAction, before: Decimal | None, after: Decimal | None) -> str:
    """Why the action cannot be booked as it stands, or nothing."""
    if action.kind not in ("SPLIT", "DIV"):
        return f"{action.kind} is no kind of action that is known"
    if action.kind == "DIV":
        if before is None or action.value >= LARGEST_DIVIDEND * before:
            return f"dividend of {action.value} on a close of {before}"
        return ""
    ratio = split_ratio(action.value)
    if ratio is None:
        return f"split of {action.value}, which is no small ratio"
    if before and after and abs(log(float(before / after) / float(ratio))) >= PRICE_TOLERANCE:
        return f"split of {action.value}, while the close went from {before} to {after}"
    return ""
