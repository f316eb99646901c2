"""No trade leaves a position below the account's smallest, unless it leaves none: by sequential fixing.

A position that the solution leaves too small is sold out or brought up to the smallest, whichever is nearer, and the
other trades are solved again around it. The bound leaves the rule out: dropping it only enlarges the set of lists.
"""

from dataclasses import replace

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, sum_by
from trimtab.domain.optimizer.clarabel_lane import ClarabelLane
from trimtab.domain.optimizer.errors import SolverStalled
from trimtab.domain.optimizer.problem import OptimizerData, Securities
from trimtab.domain.optimizer.relaxation import Solution
from trimtab.domain.optimizer.wash_sides import DUST, Found

_ROUNDS = 3


def settle_small_positions(data: OptimizerData, found: Found) -> Found:
    """The solution with too small positions fixed; the one given when that has no answer (rounding then mends it)."""
    if not data.securities.minimum_holding.any():
        return found
    fixed = data.securities
    for _ in range(_ROUNDS):
        small = _too_small(data, found.solution)
        if not small.any():
            return found
        fixed = _fixed(data, fixed, found, small)
        traded = _traded(data, found.solution) | small
        try:
            solution = ClarabelLane(replace(data, securities=fixed)).solve(
                found.sides.lots & traded[data.lots.security], found.sides.buys & traded
            )
        except SolverStalled:
            return found
        found = replace(found, solution=solution).with_prices(data, solution.prices)
    return found


def _after(data: OptimizerData, solution: Solution) -> Floats:
    sells = sum_by(data.lots.security, solution.lot_sells, len(data.securities.ids))
    return data.securities.holding - sells + solution.buys


def _traded(data: OptimizerData, solution: Solution) -> Flags:
    traded: Flags = np.abs(_after(data, solution) - data.securities.holding) > DUST
    return traded


def _too_small(data: OptimizerData, solution: Solution) -> Flags:
    """Traded positions that end above nothing (a share, where whole ones trade) and below the smallest, (n,)."""
    held, after = data.securities, _after(data, solution)
    nothing = np.where(held.whole, held.share, 0.0) + DUST
    too_small: Flags = _traded(data, solution) & (after > nothing) & (after < held.minimum_holding - DUST)
    return too_small


def _fixed(data: OptimizerData, held: Securities, found: Found, small: Flags) -> Securities:
    """Limits that leave the `small` positions empty, or at the smallest, or (when neither can be) as they are."""
    after, least = _after(data, found.solution), held.minimum_holding
    free = sum_by(data.lots.security, np.where(found.sides.lots, data.lots.limit, 0.0), len(held.ids))
    sellable = np.minimum(free, held.sell_limit)
    can_close = sellable >= held.holding - np.where(held.whole, held.share, 0.0) - DUST
    can_reach = (held.holding >= least) | (found.sides.buys & (held.buy_limit >= least - held.holding))
    empty = small & can_close & (held.holding > 0) & ((after < least / 2) | ~can_reach)
    reach = small & ~empty & can_reach
    buy_limit = np.where(small & ~reach, 0.0, held.buy_limit)
    sell_limit = np.where(reach, np.minimum(held.sell_limit, np.maximum(held.holding - least, 0.0)), held.sell_limit)
    unchanged = small & ~empty & ~reach & (held.sell_minimum == 0)
    return replace(
        held,
        buy_limit=buy_limit,
        buy_minimum=np.where(reach, np.maximum(held.buy_minimum, least - held.holding), held.buy_minimum),
        sell_limit=np.where(unchanged, 0.0, sell_limit),
        sell_minimum=np.where(empty, sellable, held.sell_minimum),
    )
