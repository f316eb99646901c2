"""The non-convex rules by sequential fixing: solve, close a side, solve again.

First the wash branches: a key is either sold at a loss or bought on one day. Then lots that a purchase washes in part.
Then the minimum trade: trades below half of it are dropped, the rest gets a chance to absorb them, then those below the
whole. Then the smallest position.
"""

from dataclasses import replace

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, sum_by
from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.errors import SolverStalled
from trimtab.domain.optimizer.lot_merging import MergedLots
from trimtab.domain.optimizer.names import price_of_names, with_fewer_names
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.relaxation import Relaxation, Solution
from trimtab.domain.optimizer.small_positions import settle_small_positions
from trimtab.domain.optimizer.wash_sides import DUST, Found, Sides, settle_wash_sides
from trimtab.domain.optimizer.washed_sales import settle_washed_sales


def search(data: OptimizerData, prices: Prices, relaxation: Relaxation | None = None) -> Found:
    """The best trades found, starting from the sides that `prices` favour. Raises SolverStalled without an answer."""
    relaxation = relaxation or MergedLots(data)
    return finish(data, relaxation, settle_wash_sides(data, relaxation, prices))


def finish(data: OptimizerData, relaxation: Relaxation, found: Found) -> Found:
    """The rules that are settled after the wash sides, one after the other."""
    found = settle_washed_sales(data, relaxation, found)
    if found.problem is not data:  # on pieces of the tax of lots washed in part
        relaxation = MergedLots(found.problem)
    if data.most_names is None:
        return settle_small_positions(data, drop_small_trades(data, relaxation, found))
    few = with_fewer_names(data, found)
    few = drop_small_trades(few.problem, MergedLots(few.problem), few)
    few = settle_small_positions(few.problem, few)
    certified = replace(few, bound=found.bound, prices=found.prices)  # theirs is of a smaller problem
    for prices in (few.prices, found.prices, few.solution.prices, found.solution.prices):
        certified = certified.with_prices(data, price_of_names(data, prices))
    return certified


def yesterdays_names(data: OptimizerData, relaxation: Relaxation, found: Found) -> Found | None:
    """The best trades in the names of yesterday's list, each on its side; None when they can be no answer today.

    A minimum trade makes a small difference in price a large one in trades; this is the list that avoids it.
    """
    if data.yesterday is None or not data.yesterday.any():
        return None
    held = data.securities  # what a rule demands today stays open, whatever was traded yesterday
    sold, bought = (data.yesterday < 0) | (held.sell_minimum > 0), (data.yesterday > 0) | (held.buy_minimum > 0)
    sides = Sides(found.sides.lots & sold[data.lots.security], found.sides.buys & bought)
    try:
        solution = relaxation.solve(sides.lots, sides.buys)
    except SolverStalled:  # the rules demand other trades today
        return None
    return replace(found, solution=solution, sides=sides)


def drop_small_trades(data: OptimizerData, relaxation: Relaxation, found: Found) -> Found:
    """Close securities whose trade would be too small, and solve again without them."""
    kept = np.ones(len(data.securities.ids), dtype=np.bool_)
    for share in (0.5, 1.0, 1.0):
        small = _small(data, found.solution, share) & kept
        if not small.any():
            continue
        kept = kept & ~small
        try:
            solution = relaxation.solve(found.sides.lots & kept[data.lots.security], found.sides.buys & kept)
        except SolverStalled:  # the cash cannot be raised without these: rounding lifts them to the minimum
            break
        found = replace(found, solution=solution).with_prices(data, solution.prices)
    return found


def _small(data: OptimizerData, solution: Solution, share: float) -> Flags:
    """Trades below `share` of the minimum that neither close a position nor are demanded by a rule, (n,)."""
    held = data.securities
    sells = sum_by(data.lots.security, solution.lot_sells, len(held.ids))
    traded = sells + solution.buys
    closing = (sells > 0) & (sells >= held.holding - held.share - DUST)
    demanded = (held.sell_minimum > 0) | (held.buy_minimum > 0)
    small: Flags = (traded > DUST) & (traded < share * held.minimum_trade - DUST) & ~closing & ~demanded
    return small
