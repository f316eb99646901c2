"""No more names than the account may hold: those that are cheapest to do without are closed, a few at a time.

The bound has the rule with a price a name (`blocks.py`): a security's position is closed, or it pays the price.
"""

from dataclasses import dataclass, replace
from itertools import combinations
from math import comb

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sum_by
from trimtab.domain.optimizer.blocks import Prices, branch_answers
from trimtab.domain.optimizer.bound import lower_bound
from trimtab.domain.optimizer.clarabel_lane import ClarabelLane
from trimtab.domain.optimizer.errors import RulesClash, SolverStalled, TooManyNames
from trimtab.domain.optimizer.objective import evaluate
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.relaxation import Solution
from trimtab.domain.optimizer.wash_sides import DUST, Found, Sides, settle_wash_sides

_FEW_CHOICES = 24
"""So many choices of names are solved one by one; beyond that names are closed in order of what it costs."""

_HALVINGS = 25
_HIGHEST_PRICE = 1.0
"""Of one name: a name is worth less than the whole account."""


def with_fewer_names(data: OptimizerData, found: Found) -> Found:
    """`found` with no more names than allowed, and no new ones left open. Raises TooManyNames when no way is found."""
    if data.most_names is None:
        return found
    closing = _Closing(data, found)
    if closing.too_many > 0 and not closing.choose_among_few():
        while closing.too_many > 0:
            if not closing.close_some():
                raise TooManyNames(f"more than {data.most_names} names cannot be closed")
    return closing.found()


def price_of_names(data: OptimizerData, prices: Prices) -> Prices:
    """`prices` with the price of a name at which the bound, concave in it, is highest."""
    if data.most_names is None:
        return prices
    low, high = 0.0, _HIGHEST_PRICE
    for _ in range(_HALVINGS):
        third = (high - low) / 3
        if _bound(data, prices, low + third) < _bound(data, prices, high - third):
            low += third
        else:
            high -= third
    best = max((0.0, low, high), key=lambda price: _bound(data, prices, price))
    return replace(prices, names=best)


def _bound(data: OptimizerData, prices: Prices, price: float) -> float:
    return lower_bound(data, replace(prices, names=price)).value


@dataclass(slots=True)
class _State:
    problem: OptimizerData
    solution: Solution
    sides: Sides
    shut: Flags  # (n,) names that are closed for good
    kept: Flags  # (n,) names that could not be closed


class _Closing:
    """The search while names are being closed."""

    def __init__(self, data: OptimizerData, found: Found) -> None:
        nothing = np.zeros(len(data.securities.ids), dtype=np.bool_)
        self._data, self._found = data, found
        self._at = _State(data, found.solution, found.sides, nothing, nothing.copy())

    @property
    def too_many(self) -> int:
        return int(self._held().sum()) - (self._data.most_names or 0)

    def choose_among_few(self) -> bool:
        """Solve every choice of names and take the best; False when they are many, or none has an answer."""
        data, held = self._data, self._data.securities
        kept = (held.holding > data.crumb) & ~self._closable()
        open_to = np.flatnonzero(((held.holding > data.crumb) | (held.buy_limit > 0)) & ~kept)
        room = (data.most_names or 0) - int(kept.sum())
        if room < 0 or comb(len(open_to), min(room, len(open_to))) > _FEW_CHOICES:
            return False
        start, best, least = self._at, None, np.inf
        for chosen in combinations(open_to, min(room, len(open_to))):
            self._at = start
            shut = np.setdiff1d(np.flatnonzero(~kept), np.array(chosen, dtype=np.int64))
            if self._solved_without(shut):
                total = evaluate(data, self._at.solution.lot_sells, self._at.solution.buys).total
                best, least = (self._at, total) if total < least else (best, least)
        self._at = best or start
        return best is not None

    def close_some(self) -> bool:
        """Close about half of the names too many, the cheapest; False when no more can be closed."""
        order = self._cheapest()
        if not len(order):
            return False
        count = max((self.too_many + 1) // 2, 1)
        chosen = order[:count]
        if self._solved_without(chosen):
            return True
        if count > 1 and self._solved_without(order[:1]):
            return True
        self._at.kept[order[0]] = True
        return True

    def found(self) -> Found:
        """With names that are neither held nor bought shut, so that rounding opens none."""
        opened = self._held() | (self._data.securities.holding > self._data.crumb)
        problem = _shut(self._at.problem, ~opened)
        sides = replace(self._at.sides, buys=self._at.sides.buys & (problem.securities.buy_limit > 0))
        return replace(self._found, problem=problem, solution=self._at.solution, sides=sides)

    def _held(self) -> Flags:
        data, solution = self._data, self._at.solution
        sold = sum_by(data.lots.security, solution.lot_sells, len(data.securities.ids))
        held: Flags = data.securities.holding - sold + solution.buys > np.maximum(data.crumb, DUST)
        return held

    def _cheapest(self) -> Ints:
        """Names that may be closed, by what it costs at the prices of the solution."""
        cost, held = self._cost_of_closing(), self._held() & ~self._at.shut & ~self._at.kept
        rows = np.flatnonzero(held & self._closable())
        return rows[np.argsort(cost[rows], kind="stable")]

    def _closable(self) -> Flags:
        """Names that may end at nothing."""
        held = self._data.securities
        closable: Flags = (held.sell_limit >= held.holding - self._data.crumb) & (held.buy_minimum == 0)
        return closable

    def _cost_of_closing(self) -> Floats:
        prices = self._at.solution.prices
        free = branch_answers(self._data, replace(prices, names=0.0))
        shut = branch_answers(self._data, replace(prices, names=_HIGHEST_PRICE))
        cost: Floats = np.minimum(shut[0].value, shut[1].value) - np.minimum(free[0].value, free[1].value)
        return cost

    def _solved_without(self, rows: Ints) -> bool:
        names = np.zeros(len(self._at.shut), dtype=np.bool_)
        names[rows] = True
        problem = _shut(self._at.problem, names)
        answer = self._answer(problem)
        if answer is None:
            return False
        self._at = _State(problem, *answer, self._at.shut | names, self._at.kept)
        return True

    def _answer(self, problem: OptimizerData) -> tuple[Solution, Sides] | None:
        """On the present sides of wash sales, or when these bar it on the best others."""
        sides, lane = self._at.sides, ClarabelLane(problem)
        try:
            return lane.solve(sides.lots, sides.buys & (problem.securities.buy_limit > 0)), sides
        except RulesClash:
            pass
        except SolverStalled:
            return None
        try:
            found = settle_wash_sides(problem, lane, self._at.solution.prices)
        except SolverStalled:
            return None
        return found.solution, found.sides


def _shut(data: OptimizerData, names: Flags) -> OptimizerData:
    """The problem in which these names end at nothing."""
    held = data.securities
    owned = names & (held.holding > data.crumb)
    return replace(
        data,
        securities=replace(
            held,
            buy_limit=np.where(names, 0.0, held.buy_limit),
            sell_minimum=np.where(owned, held.sell_limit, held.sell_minimum),
        ),
    )
