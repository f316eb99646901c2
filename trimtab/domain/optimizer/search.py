"""The non-convex rules by sequential fixing: solve, close a side, solve again.

First the wash branches: a key is either sold at a loss or bought on one day. Then the minimum trade: trades below
half of it are dropped, the rest gets a chance to absorb them, then those below the whole.
"""

from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Flags
from trimtab.domain.optimizer.bound import Branches, contested_securities, lower_bound
from trimtab.domain.optimizer.data import OptimizerData
from trimtab.domain.optimizer.errors import SolverStalled
from trimtab.domain.optimizer.formulation import Solution, Specification
from trimtab.domain.optimizer.objective import evaluate

_DUST = 1e-7
"""A weight below this is the solver's noise, not a trade."""

_WORTH_A_FLIP = 5e-5
"""Another solve with other wash branches is tried only when the gap is above half a basis point."""


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
    everything = Sides(np.ones(len(data.lots.lots), dtype=np.bool_), data.securities.buy_limit > 0)
    relaxed = specification.solve(everything.lots, everything.buys)
    branches = lower_bound(data, relaxed.prices)
    contested = contested_securities(data)
    if not contested.any():
        return Found(relaxed, everything, branches.value)
    sides = _close(data, contested, _used_side(data, relaxed, branches))
    best = _solved(data, specification, sides, branches.value)
    branches = lower_bound(data, best.solution.prices)
    other = _close(data, contested, branches.buying)
    best = Found(best.solution, best.sides, max(best.bound, branches.value))
    if _total(data, best) - best.bound < _WORTH_A_FLIP or _same(other, sides):
        return best
    flipped = _solved(data, specification, other, best.bound)
    bound = max(best.bound, lower_bound(data, flipped.solution.prices).value)
    winner = min(best, flipped, key=lambda found: _total(data, found))
    return Found(winner.solution, winner.sides, bound)


def _solved(data: OptimizerData, specification: Specification, sides: Sides, bound: float) -> Found:
    return Found(specification.solve(sides.lots, sides.buys & (data.securities.buy_limit > 0)), sides, bound)


def _total(data: OptimizerData, found: Found) -> float:
    return evaluate(data, found.solution.lot_sells, found.solution.buys).total


def _same(one: Sides, other: Sides) -> bool:
    return bool((one.lots == other.lots).all() and (one.buys == other.buys).all())


def _used_side(data: OptimizerData, relaxed: Solution, branches: Branches) -> Flags:
    """True for keys to be bought: the side that the relaxation used alone, else the cheaper branch, (n_keys,)."""
    keys = len(branches.buying)
    lot_key = data.securities.wash_key[data.lots.security]
    sold = np.bincount(lot_key, relaxed.lot_sells * data.lots.at_loss, keys) > _DUST
    bought = np.bincount(data.securities.wash_key, relaxed.buys, keys) > _DUST
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
    sells = np.bincount(data.lots.security, solution.lot_sells, len(held.ids))
    traded = sells + solution.buys
    closing = (sells > 0) & (sells >= held.holding - held.share - _DUST)
    demanded = (held.sell_minimum > 0) | (held.buy_minimum > 0)
    small: Flags = (traded > _DUST) & (traded < share * held.minimum_trade - _DUST) & ~closing & ~demanded
    return small
