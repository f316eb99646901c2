"""The non-convex rules by sequential fixing: solve, close a side, solve again.

First the wash branches: a key is either sold at a loss or bought on one day. Then the minimum trade: trades below
half of it are dropped, the rest gets a chance to absorb them, then those below the whole.
"""

from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, sum_by
from trimtab.domain.optimizer.bound import Branches, Prices, contested_securities, lower_bound
from trimtab.domain.optimizer.errors import SolverStalled
from trimtab.domain.optimizer.formulation import Solution, Specification
from trimtab.domain.optimizer.objective import evaluate
from trimtab.domain.optimizer.problem import OptimizerData

_DUST = 1e-7
"""A weight below this is the solver's noise, not a trade."""

_WORTH_A_FLIP = 5e-5
"""Another solve with other wash branches is tried only when the gap is above half a basis point."""

_MOST_FLIPS = 6

_LEAST_REGRET = 1e-7
"""A key that loses less than this by its side (a thousandth of a basis point) stays on it."""


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """What the wash branches leave open: lots (m,) and securities (n,)."""

    lots: Flags
    buys: Flags


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The best solution before whole shares, its sides, and a number that no allowed trade list is below."""

    solution: Solution
    sides: Sides
    bound: float


def search(data: OptimizerData) -> Found:
    """Raises SolverStalled when even the relaxation has no answer."""
    specification = Specification(data)
    found = _settle_wash_sides(data, specification)
    return _drop_small_trades(data, specification, found)


def _settle_wash_sides(data: OptimizerData, specification: Specification) -> Found:
    """One side for each contested key: the relaxation's, then others while the gap is worth another solve."""
    everything = Sides(np.ones(len(data.lots.lots), dtype=np.bool_), data.securities.buy_limit > 0)
    relaxed = specification.solve(everything.lots, everything.buys)
    branches = lower_bound(data, relaxed.prices)
    contested = contested_securities(data)
    if not contested.any():
        return Found(relaxed, everything, branches.value)
    buying = _used_side(data, relaxed, branches)
    try:
        best = _on_sides(data, specification, contested, buying, branches.value)
    except SolverStalled:  # the cash can only be raised by selling every contested key that need not be bought
        buying = np.isinf(branches.if_sold)
        best = _on_sides(data, specification, contested, buying, branches.value)
    tried = {buying.tobytes()}
    for _ in range(_MOST_FLIPS):
        flips = _flips(data, best, buying, tried) if _total(data, best) - best.bound > _WORTH_A_FLIP else None
        if flips is None:
            return best
        tried.add(flips.tobytes())
        try:
            other = _on_sides(data, specification, contested, flips, best.bound)
        except SolverStalled:  # those sides cannot raise the cash
            continue
        middle = lower_bound(data, _midpoint(best.solution.prices, other.solution.prices)).value
        bound = max(other.bound, middle)
        if _total(data, other) < _total(data, best):
            best, buying = other, flips
        best = Found(best.solution, best.sides, bound)
    return best


def _on_sides(
    data: OptimizerData, specification: Specification, contested: Flags, buying: Flags, bound: float
) -> Found:
    """Solve with each contested key on one side; the bound is the best of the given one and that at the new prices."""
    sides = _close(data, contested, buying)
    solution = specification.solve(sides.lots, sides.buys)
    return Found(solution, sides, max(bound, lower_bound(data, solution.prices).value))


def _flips(data: OptimizerData, best: Found, buying: Flags, tried: set[bytes]) -> Flags | None:
    """Sides not tried yet: all keys that would rather be on the other side at these prices, else one of them.

    At the optimum of fixed sides the gap is the sum of what each key loses by its side, so the largest goes first.
    """
    regret = lower_bound(data, best.solution.prices).regret(buying)
    unhappy = regret > _LEAST_REGRET
    if not unhappy.any():
        return None
    for candidate in (unhappy, *(np.arange(len(regret)) == key for key in np.argsort(-regret)[: unhappy.sum()])):
        flipped: Flags = buying ^ candidate
        if flipped.tobytes() not in tried:
            return flipped
    return None


def _midpoint(one: Prices, other: Prices) -> Prices:
    """The bound is concave in the prices: between two good ones it is often better than at either."""
    return Prices((one.factor + other.factor) / 2, (one.cash + other.cash) / 2)


def _total(data: OptimizerData, found: Found) -> float:
    return evaluate(data, found.solution.lot_sells, found.solution.buys).total


def _used_side(data: OptimizerData, relaxed: Solution, branches: Branches) -> Flags:
    """True for keys to be bought: the side that the relaxation used alone, else the cheaper branch, (n_keys,)."""
    keys = len(branches.buying)
    lot_key = data.securities.wash_key[data.lots.security]
    sold = sum_by(lot_key, relaxed.lot_sells * data.lots.at_loss, keys) > _DUST
    bought = sum_by(data.securities.wash_key, relaxed.buys, keys) > _DUST
    return np.where(sold == bought, branches.buying, bought)


def _close(data: OptimizerData, contested: Flags, buying: Flags) -> Sides:
    key = data.securities.wash_key
    lots_closed = contested[data.lots.security] & buying[key[data.lots.security]] & data.lots.at_loss
    return Sides(~lots_closed, ~(contested & ~buying[key]) & (data.securities.buy_limit > 0))


def _drop_small_trades(data: OptimizerData, specification: Specification, found: Found) -> Found:
    held = data.securities
    kept = np.ones(len(held.ids), dtype=np.bool_)
    bound = found.bound
    for share in (0.5, 1.0, 1.0):
        small = _small(data, found.solution, share) & kept
        if not small.any():
            continue
        kept = kept & ~small
        lots_open = found.sides.lots & kept[data.lots.security]
        try:
            solution = specification.solve(lots_open, found.sides.buys & kept)
        except SolverStalled:  # the cash cannot be raised without these: rounding lifts them to the minimum
            break
        bound = max(bound, lower_bound(data, solution.prices).value)
        found = Found(solution, found.sides, bound)
    return found


def _small(data: OptimizerData, solution: Solution, share: float) -> Flags:
    """Trades below `share` of the minimum that neither close a position nor are demanded by a rule, (n,)."""
    held = data.securities
    sells = sum_by(data.lots.security, solution.lot_sells, len(held.ids))
    traded = sells + solution.buys
    closing = (sells > 0) & (sells >= held.holding - held.share - _DUST)
    demanded = (held.sell_minimum > 0) | (held.buy_minimum > 0)
    small: Flags = (traded > _DUST) & (traded < share * held.minimum_trade - _DUST) & ~closing & ~demanded
    return small
