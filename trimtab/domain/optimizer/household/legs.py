"""From joint weights to each account's whole-share trades, one account after the other.

An account is rounded as if it were alone, with what the others hold by then as part of its target: so its last
shares are chosen for the household's risk, and the parts of all trades still add up to the household's improvement.
"""

from dataclasses import dataclass, replace

import numpy as np

from trimtab.domain.optimizer.arrays import Floats, Ints, sum_by
from trimtab.domain.optimizer.attribution import Contributions, attribute
from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.booking import Booked, book, sold_weights
from trimtab.domain.optimizer.household.build import Household
from trimtab.domain.optimizer.household.problem import HouseholdData
from trimtab.domain.optimizer.household.search import JointFound
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.relaxation import Solution
from trimtab.domain.optimizer.rounding import round_trades
from trimtab.domain.optimizer.wash_sides import Found, Sides
from trimtab.domain.snapshots import AnalysisInput


@dataclass(frozen=True, slots=True, eq=False)
class Leg:
    """One account's booked trades, what each of its securities contributes, and the arrays that both are about."""

    booked: Booked
    data: OptimizerData
    parts: Contributions
    lot_sells: Floats  # (m_a,)
    buys: Floats  # (n_a,)


def round_legs(household: Household, requests: tuple[AnalysisInput, ...], found: JointFound) -> tuple[Leg, ...]:
    """The legs in the order of the accounts; those yet to be rounded count with the joint solution's weights."""
    data, solution = household.data, found.solution
    lot_sells, buys = solution.lot_sells.copy(), solution.buys.copy()
    done_sells, done_buys = np.zeros(len(lot_sells)), np.zeros(len(buys))
    legs = []
    for request, part, (pairs, lots) in zip(requests, data.parts, data.slices(), strict=True):
        own = data.pairs.security[pairs]
        alone = _alone(data, part, own, pairs, data.after(lot_sells, buys), data.pair_sells(lot_sells), buys)
        booked = book(request, alone, round_trades(alone, _own(found, alone, pairs, lots)))
        lot_sells[lots], buys[pairs] = sold_weights(alone, booked)
        attributed = _alone(data, part, own, pairs, data.after(done_sells, done_buys), np.zeros(len(buys)), None)
        legs.append(
            Leg(booked, attributed, attribute(attributed, lot_sells[lots], buys[pairs]), lot_sells[lots], buys[pairs])
        )
        done_sells[lots], done_buys[pairs] = lot_sells[lots], buys[pairs]
    return tuple(legs)


def _alone(
    data: HouseholdData,
    part: OptimizerData,
    own: Ints,
    pairs: slice,
    active: Floats,
    pair_sells: Floats,
    buys: Floats | None,
) -> OptimizerData:
    """The account's arrays with a target that leaves it the household's active weights once its own trades are off."""
    traded = np.zeros(len(own)) if buys is None else buys[pairs] - pair_sells[pairs]
    target = part.securities.holding - (active[own] - traded)
    return replace(part, securities=replace(part.securities, target=target))


def _own(found: JointFound, alone: OptimizerData, pairs: slice, lots: slice) -> Found:
    """The account's part of the joint solution; only what the joint search left open may trade."""
    trades, solution = found.trades, found.solution
    sides = Sides(trades.most_sold[lots] > 0, trades.most_bought[pairs] > 0)
    prices = Prices(solution.prices.factor, 0.0)
    own = Solution(solution.lot_sells[lots], solution.buys[pairs], prices)
    return Found(alone, own, sides, found.bound, prices)


def all_trades(data: HouseholdData, legs: tuple[Leg, ...]) -> tuple[Floats, Floats, Ints]:
    """Sales (m,), purchases (P,) and the number of orders of each account (A,)."""
    return (
        np.concatenate([leg.lot_sells for leg in legs]),
        np.concatenate([leg.buys for leg in legs]),
        np.array([len(leg.booked.trades) for leg in legs], dtype=np.int64),
    )


def net_trades(data: HouseholdData, lot_sells: Floats, buys: Floats) -> Floats:
    """Net trade of each of the household's securities, (n,)."""
    net: Floats = sum_by(data.pairs.security, buys - data.pair_sells(lot_sells), len(data.variance))
    return net
