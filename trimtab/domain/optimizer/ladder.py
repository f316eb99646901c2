"""What is asked for when the whole problem has no answer in time: less of it, rung by rung (N12).

REDUCED: one solve in the regime and on the sides that the bound favours, rounded without further improvement.
MINIMUM: only what the account's rules demand, cheapest tax first, and what raises the cash that is owed; no solver.
"""

import numpy as np

from trimtab.domain.optimizer.arrays import Floats
from trimtab.domain.optimizer.ascent import ascend
from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.bound import lower_bound, standing_prices
from trimtab.domain.optimizer.capacity import contested_securities
from trimtab.domain.optimizer.lot_merging import MergedLots
from trimtab.domain.optimizer.problem import OptimizerData, fill
from trimtab.domain.optimizer.regimes import Answered, problems
from trimtab.domain.optimizer.relaxation import Solution
from trimtab.domain.optimizer.wash_sides import Found, Sides


def on_first_sides(data: OptimizerData) -> Answered:
    """Raises SolverStalled without an answer."""
    every, prices = _proved(data)
    bounds = [lower_bound(one, at).value for one, at in zip(every, prices, strict=True)]
    place = int(np.argmin(bounds))
    one, at = every[place], prices[place]
    sides = _favoured(one, at)
    solution = MergedLots(one).solve(sides.lots, sides.buys)
    found = Found(one, solution, sides, bounds[place], at).with_prices(one, solution.prices)
    bounds[place] = found.bound
    best = tuple(found.prices if number == place else each for number, each in enumerate(prices))
    return Answered(found, tuple(bounds), best, ((),) * len(every))


def what_is_demanded(data: OptimizerData) -> Answered:
    """The trades without which a rule is broken; rounding adds the sales that raise the cash owed."""
    every, prices = _proved(data)
    one, at = every[0], prices[0]
    held, lots = one.securities, one.lots
    sides = _favoured(one, at)
    limit: Floats = np.where(sides.lots, lots.limit, 0.0)
    sold = fill(lots.security, limit, held.sell_minimum)
    bounds = tuple(lower_bound(each, its).value for each, its in zip(every, prices, strict=True))
    found = Found(one, Solution(sold, held.buy_minimum.copy(), at), sides, bounds[0], at)
    return Answered(found, bounds, prices, ((),) * len(every))


def _proved(data: OptimizerData) -> tuple[tuple[OptimizerData, ...], tuple[Prices, ...]]:
    """The problem of each regime, and prices near its highest bound."""
    every = problems(data)
    return every, tuple(ascend(one, standing_prices(one)) for one in every)


def _favoured(data: OptimizerData, prices: Prices) -> Sides:
    """Each contested wash key on the side that costs less at the prices."""
    cut, key, contested = lower_bound(data, prices), data.securities.wash_key, contested_securities(data)
    buying = cut.buying[key] & contested
    at_loss_open = ~(buying[data.lots.security] & data.lots.at_loss)
    return Sides(at_loss_open, (data.securities.buy_limit > 0) & (~contested | buying))
