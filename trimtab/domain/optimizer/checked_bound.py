"""Weak duality, computed anew: at a certificate's prices no allowed trade list is worth less than `lower_bound`.

Each security is minimised alone at the prices of what it shares with others; a wash key takes the cheaper of being
sold at a loss and of being bought (docs/formulation.md, section The bound). Written lot by lot, without arrays, so
that it has nothing in common with the kernel that it checks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Final

import numpy as np

from trimtab.domain.optimizer.checked_cells import PricedLeg, least_of_cells
from trimtab.domain.optimizer.checked_netting import FIXED, CheckedRegime
from trimtab.domain.optimizer.checked_problem import CheckedProblem, Leg
from trimtab.domain.optimizer.checked_rows import CheckedRow
from trimtab.domain.proposals import RegimePrices

_ROUND_OFF: Final = 1e-9

NOT_NETTED: Final = CheckedRegime(FIXED)
"""Each gain is taxed at the rate of its own term."""

_MOST_KEYS: Final = 14
"""Keys whose sides a proof may tell apart: 2^14 patterns are enumerated in a millisecond or two."""

PricedLot = tuple[float, float, bool]
"""What a unit sold of a lot costs at the prices, the most that may be sold, and whether it stands at a loss."""


@dataclass(frozen=True, slots=True)
class _Priced:
    """One security at the prices: what its active weight and its trades cost."""

    leg: Leg
    curvature: float  # of its active weight
    slope: float  # price of a unit of active weight
    purchase: float  # cost of a unit bought
    lots: Sequence[PricedLot]  # cheapest first

    def by_selling(self, lots: Sequence[PricedLot], most: float) -> float:
        """The least it can cost when at most so much of these lots is sold, and nothing bought."""
        leg, sold, cost = self.leg, 0.0, 0.0
        if leg.least_bought > 0:
            return inf
        for price, available, _ in lots:
            # One more unit sold saves slope + curvature * (what is left), and costs `price`.
            worth_selling = leg.active + (self.slope - price) / self.curvature
            taken = min(max(worth_selling, leg.least_sold) - sold, available, most - sold)
            if taken <= 0:
                break
            sold, cost = sold + taken, cost + price * taken
        if sold < leg.least_sold - _ROUND_OFF:
            return inf
        return cost + self._active(leg.active - sold)

    def by_buying(self) -> float:
        """The least it can cost when nothing of it is sold."""
        leg = self.leg
        if leg.least_sold > 0:
            return inf
        worth_buying = -(self.purchase + self.slope) / self.curvature - leg.active
        bought = min(max(worth_buying, leg.least_bought), leg.most_bought)
        return self.purchase * bought + self._active(leg.active + bought)

    def either_way(self, lots: Sequence[PricedLot], most: float) -> float:
        """The least it can cost when it may be sold and bought.

        Doing both pays only when the prices make a unit sold and bought back earn something; then at most that much,
        on every unit that may go both ways.
        """
        one_way = min(self.by_selling(lots, most), self.by_buying())
        back_and_forth = lots[0][0] + self.purchase if lots else 0.0
        return one_way + min(back_and_forth, 0.0) * min(most, self.leg.most_bought)

    def _active(self, weight: float) -> float:
        return self.curvature / 2 * weight**2 + self.slope * weight


@dataclass(frozen=True, slots=True)
class Sides:
    """The bound by the sides of the contested wash keys."""

    value: float  # without them
    sold: dict[str, float]  # least cost of each key when it may be sold at a loss and is not bought
    bought: dict[str, float]  # when it may be bought and is not sold at a loss

    @property
    def lowest(self) -> float:
        """With each key on its cheaper side."""
        return self.value + sum([min(self.sold[key], self.bought[key]) for key in self.sold])


def lower_bound(
    problem: CheckedProblem, rows: Sequence[CheckedRow], prices: RegimePrices, regime: CheckedRegime = NOT_NETTED
) -> Sides:
    """A number that the objective of no allowed trade list is below in one tax regime, a fraction of account value.

    Minus infinity when the prices are no numbers, or not as many as the risk model has factors.
    """
    factor, limit = np.array(prices.factor, dtype=np.float64), problem.tracking_limit
    numbers = (prices.cash, prices.cap, *prices.rows.values(), *prices.own_rows.values())
    if len(factor) != problem.loadings.shape[1] or not (np.isfinite(factor).all() and all(map(isfinite, numbers))):
        return Sides(-inf, {}, {})
    cash = max(prices.cash, -problem.parameters.cash_drag)  # below that more cash would always be better
    cap = max(prices.cap, 0.0) if limit is not None else 0.0
    value = _cash_value(problem, cash) - float(factor @ factor) / (2 * (problem.parameters.risk_aversion + 2 * cap))
    value += regime.constant - (cap * limit**2 if limit is not None else 0.0)
    rows = (*rows, *regime.rows)
    row_prices = [row.within_caps(prices.rows.get(row.name, prices.own_rows.get(row.name, 0.0))) for row in rows]
    for row, price in zip(rows, row_prices, strict=True):
        if price != 0:
            value += price * (row.start - (row.high if price > 0 else row.low))
    priced = _priced(problem, rows, row_prices, regime, factor, cash, cap)
    if problem.has_sets:
        legs = (PricedLeg(each.leg, each.curvature, each.slope, each.purchase, each.lots) for each in priced)
        return Sides(value + least_of_cells(legs, problem.contested), {}, {})
    return _by_sides(value, priced, problem.contested)


def least_on_all_sides(every: Sequence[Sides], keys: Sequence[str]) -> float:
    """The least, over all patterns of sides of `keys`, of the highest bound that any of `every` has on the pattern.

    A bound at any prices holds on every pattern, so the highest of several does. Minus infinity for too many keys.
    """
    if len(keys) > _MOST_KEYS:
        return -inf
    best = np.full(2 ** len(keys), -inf)
    for sides in every:
        told_apart = set(keys)
        rest = sum([min(sides.sold[key], sides.bought[key]) for key in sides.sold if key not in told_apart])
        patterns = np.array([sides.value + rest])
        for key in keys:
            patterns = np.concatenate([patterns + sides.sold[key], patterns + sides.bought[key]])
        best = np.maximum(best, patterns)
    return float(best.min())


def _priced(
    problem: CheckedProblem,
    rows: Sequence[CheckedRow],
    row_prices: Sequence[float],
    regime: CheckedRegime,
    factor: np.ndarray,
    cash: float,
    cap: float,
) -> Iterator[_Priced]:
    """Every security at the prices; its lots in the order in which they cost least."""
    active = [(row.members, price) for row, price in zip(rows, row_prices, strict=True) if price and row.members]
    traded, short, long = (
        sum([getattr(row, part) * price for row, price in zip(rows, row_prices, strict=True)])
        for part in ("traded", "short_gain", "long_gain")
    )
    short, long = short + regime.on_short, long + regime.on_long
    churn, resort = problem.parameters.churn + traded, bool(short or long)
    slopes = (problem.loadings @ factor).tolist()
    curvatures = (problem.parameters.risk_aversion * problem.variance + 2 * cap * problem.specific_risk**2).tolist()
    for leg, slope, curvature in zip(problem.legs, slopes, curvatures, strict=True):
        weight = sum([price for members, price in active if leg.security_id in members])
        sale = leg.half_spread + churn - cash * (1 - leg.half_spread) - weight
        lots = [
            (lot.tax + lot.gain * (short if lot.short_term else long) + sale, lot.most, lot.at_loss) for lot in leg.lots
        ]
        if resort:
            lots.sort()
        purchase = leg.half_spread + churn + leg.preference + cash * (1 + leg.half_spread) + weight
        yield _Priced(leg, curvature, slope - leg.tilt, purchase, lots)


def _by_sides(value: float, every: Iterator[_Priced], contested: frozenset[str]) -> Sides:
    """A contested key is on one side with all its securities."""
    sides = Sides(value, dict.fromkeys(contested, 0.0), dict.fromkeys(contested, 0.0))
    free = 0.0
    for priced in every:
        leg, lots = priced.leg, priced.lots
        if leg.key not in contested:
            free += priced.either_way(lots, leg.most_sold)
            continue
        sides.sold[leg.key] += priced.by_selling(lots, leg.most_sold)
        gains = [lot for lot in lots if not lot[2]]
        sides.bought[leg.key] += priced.either_way(gains, leg.sellable([lot for lot in leg.lots if not lot.at_loss]))
    return Sides(value + free, sides.sold, sides.bought)


def _cash_value(problem: CheckedProblem, price: float) -> float:
    """The least of penalty and price over all cash that may be left; linear between the two ends looked at."""
    drag, shortfall = problem.parameters.cash_drag, problem.parameters.cash_shortfall
    ends = (problem.cash_least, max(problem.cash_least, problem.cash_wanted))
    return min(
        [
            max(drag * (cash - problem.cash_wanted), shortfall * (problem.cash_wanted - cash))
            + price * (cash - problem.cash)
            for cash in ends
        ]
    )
