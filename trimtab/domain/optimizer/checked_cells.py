"""The checker's bound of accounts with equivalence sets: sets and wash keys that share a security, taken together."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import inf
from typing import Final

from trimtab.domain.optimizer.checked_legs import Leg
from trimtab.domain.optimizer.checked_sets import Offer, least_of_set

_MOST_KEYS: Final = 5
"""Of a cell with more contested keys the others may go both ways, which only lowers the bound."""

_ROUND_OFF: Final = 1e-9


@dataclass(frozen=True, slots=True)
class PricedLeg:
    """One security at the prices."""

    leg: Leg
    curvature: float
    slope: float
    purchase: float  # cost of a unit bought
    lots: Sequence[tuple[float, float, bool]]  # cost of a unit sold, the most of it, at a loss; cheapest first


@dataclass(frozen=True, slots=True)
class CellLeast:
    """What a cell costs at least, in all and with each of its contested keys on either side."""

    value: float
    sold: Mapping[str, float]
    bought: Mapping[str, float]


def least_by_cells(every: Iterable[PricedLeg], contested: frozenset[str]) -> Iterator[CellLeast]:
    """The least that each cell costs; each contested key is on one side with all its securities."""
    for cell in _cells(list(every), contested):
        yield _least_of_cell(cell, contested)


def _cells(every: list[PricedLeg], contested: frozenset[str]) -> Iterator[list[PricedLeg]]:
    """Securities that are tied by a set or by a contested key, directly or through others."""
    left = every
    while left:
        cell, left = [left[0]], left[1:]
        for member in cell:  # grows while it is walked
            tied = [each for each in left if _tied(member.leg, each.leg, contested)]
            cell.extend(tied)
            left = [each for each in left if each not in tied]
        yield cell


def _tied(one: Leg, other: Leg, contested: frozenset[str]) -> bool:
    return one.of_set == other.of_set or (one.key == other.key and one.key in contested)


def _least_of_cell(cell: list[PricedLeg], contested: frozenset[str]) -> CellLeast:
    keys = sorted({each.leg.key for each in cell} & contested)[:_MOST_KEYS]
    sets: dict[str, list[PricedLeg]] = {}
    for each in cell:
        sets.setdefault(each.leg.of_set, []).append(each)
    value, sold, bought = inf, dict.fromkeys(keys, inf), dict.fromkeys(keys, inf)
    for sides in product((False, True), repeat=len(keys)):
        pattern = dict(zip(keys, sides, strict=True))
        least = sum([_least(members, pattern.get) for members in sets.values()])
        value = min(value, least)
        for key, is_bought in pattern.items():
            side = bought if is_bought else sold
            side[key] = min(side[key], least)
    return CellLeast(value, sold, bought)


def _least(members: list[PricedLeg], bought: Callable[[str], bool | None]) -> float:
    """The least that one set costs when keys are `bought` (True), sold at a loss (False), or either (None)."""
    start, cost = 0.0, 0.0
    sales: list[Offer] = []
    purchases: list[Offer] = []
    for member in members:
        leg, side = member.leg, bought(member.leg.key)
        lots = [lot for lot in member.lots if not (side is True and lot[2])]
        most_bought = 0.0 if side is False else leg.most_bought
        if leg.least_bought > most_bought + _ROUND_OFF:
            return inf
        due = leg.least_sold
        most = min(leg.most_sold, sum([lot[1] for lot in lots]))
        if most < due - _ROUND_OFF:
            return inf
        for price, available, _ in lots:
            taken = min(available, most)
            forced = min(due, taken)
            cost, start = cost + price * forced, start - forced
            sales.append((price, taken - forced))
            most, due = most - taken, due - forced
        purchases.append((member.purchase, most_bought - leg.least_bought))
        cost += member.purchase * leg.least_bought
        start += leg.active + leg.least_bought
    first = members[0]
    return cost + least_of_set(first.curvature, first.slope, start, sales, purchases)
