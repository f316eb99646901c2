"""Weak duality, computed anew: at a certificate's prices no allowed trade list is worth less than `lower_bound`.

Each security is minimised alone at the prices of what it shares with others; a wash key takes the cheaper of being
sold at a loss and of being bought (docs/formulation.md, section The bound). Written lot by lot, without arrays, so
that it has nothing in common with the kernel that it checks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Final

import numpy as np

from trimtab.domain.optimizer.checked_problem import CheckedProblem, Leg, LotLeg
from trimtab.domain.proposals import Certificate

_ROUND_OFF: Final = 1e-9


@dataclass(frozen=True, slots=True)
class _Priced:
    """One security at the prices: what its active weight and its trades cost."""

    leg: Leg
    curvature: float  # of its active weight
    slope: float  # price of a unit of active weight
    cash: float  # what a unit of cash is worth
    churn: float

    def by_selling(self, lots: Sequence[LotLeg]) -> float:
        """The least it can cost when only these lots may be sold, cheapest first, and nothing bought."""
        leg, sold, cost = self.leg, 0.0, 0.0
        if leg.least_bought > 0:
            return inf
        most = leg.sellable(lots)
        for lot in lots:
            price = lot.tax + leg.half_spread + self.churn - self.cash * (1 - leg.half_spread)
            # One more unit sold saves slope + curvature * (what is left), and costs `price`.
            worth_selling = leg.active + (self.slope - price) / self.curvature
            taken = min(max(worth_selling, leg.least_sold) - sold, lot.most, most - sold)
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
        price = leg.half_spread + self.churn + self.cash * (1 + leg.half_spread)
        worth_buying = -(price + self.slope) / self.curvature - leg.active
        bought = min(max(worth_buying, leg.least_bought), leg.most_bought)
        return price * bought + self._active(leg.active + bought)

    def _active(self, weight: float) -> float:
        return self.curvature / 2 * weight**2 + self.slope * weight


def lower_bound(problem: CheckedProblem, certificate: Certificate) -> float:
    """A number that the objective of no allowed trade list is below, a fraction of account value.

    Minus infinity when the prices are no numbers, or not as many as the risk model has factors.
    """
    factor = np.array(certificate.factor, dtype=np.float64)
    if len(factor) != problem.loadings.shape[1] or not (np.isfinite(factor).all() and isfinite(certificate.cash)):
        return -inf
    cash = max(certificate.cash, -problem.parameters.cash_drag)  # below that more cash would always be better
    aversion = problem.parameters.risk_aversion
    slopes = (problem.loadings @ factor).tolist()
    curvatures = (aversion * problem.variance).tolist()
    priced = (
        _Priced(leg, curvature, slope, cash, problem.parameters.churn)
        for leg, curvature, slope in zip(problem.legs, curvatures, slopes, strict=True)
    )
    shared = _cash_value(problem, cash) - float(factor @ factor) / (2 * aversion)
    return _least_by_keys(priced, problem.contested) + shared


def _least_by_keys(every: Iterable[_Priced], contested: frozenset[str]) -> float:
    """Sum of what each key costs at least; one that is contested is on one side with all its securities."""
    free = 0.0
    sold: dict[str, float] = dict.fromkeys(contested, 0.0)
    bought: dict[str, float] = dict.fromkeys(contested, 0.0)
    for priced in every:
        leg = priced.leg
        selling, buying = priced.by_selling(leg.lots), priced.by_buying()
        if leg.key not in contested:
            free += min(selling, buying)
            continue
        sold[leg.key] += selling
        bought[leg.key] += min(priced.by_selling([lot for lot in leg.lots if not lot.at_loss]), buying)
    return free + sum(min(sold[key], bought[key]) for key in contested)


def _cash_value(problem: CheckedProblem, price: float) -> float:
    """The least of penalty and price over all cash that may be left; linear between the two ends looked at."""
    drag, shortfall = problem.parameters.cash_drag, problem.parameters.cash_shortfall
    ends = {problem.cash_least, max(problem.cash_least, problem.cash_wanted)}
    return min(
        max(drag * (cash - problem.cash_wanted), shortfall * (problem.cash_wanted - cash))
        + price * (cash - problem.cash)
        for cash in ends
    )
