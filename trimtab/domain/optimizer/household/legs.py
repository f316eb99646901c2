"""From joint weights to each account's whole-share trades, one account after the other.

An account is rounded as if it were alone, with what the others hold by then as part of its target: so its last
shares are chosen for the household's risk, and the parts of all trades still add up to the household's improvement.
"""

from dataclasses import dataclass, replace

import numpy as np

from trimtab.domain.optimizer.arrays import Floats, sum_by
from trimtab.domain.optimizer.attribution import Contributions, attribute
from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.booking import Booked, book, sold_weights
from trimtab.domain.optimizer.household.build import Household
from trimtab.domain.optimizer.household.found import JointFound
from trimtab.domain.optimizer.household.netting import own_regimes
from trimtab.domain.optimizer.household.problem import HouseholdData
from trimtab.domain.optimizer.objective import commissions
from trimtab.domain.optimizer.problem import FRACTION_UNITS, OptimizerData, Securities
from trimtab.domain.optimizer.relaxation import Solution
from trimtab.domain.optimizer.rounding import round_trades
from trimtab.domain.optimizer.sale_order import in_order_of_sale
from trimtab.domain.optimizer.wash_sides import Found, Sides
from trimtab.domain.optimizer.whole_shares import missed_rules, row_excess
from trimtab.domain.snapshots import AnalysisInput


@dataclass(frozen=True, slots=True, eq=False)
class Leg:
    """One account's booked trades, what each of its securities contributes, and the arrays that both are about."""

    booked: Booked
    data: OptimizerData
    parts: Contributions
    lot_sells: Floats  # (m_a,)
    buys: Floats  # (n_a,)
    missed: tuple[str, ...]  # rules of the account that whole shares do not keep
    excess: Floats  # (r_a,) by how much they miss the account's rows

    @property
    def commissions(self) -> float:
        """A weight of the household."""
        sells = sum_by(self.data.lots.security, self.lot_sells, len(self.buys))
        return commissions(self.data, sells, self.buys)


def round_legs(household: Household, requests: tuple[AnalysisInput, ...], found: JointFound) -> tuple[Leg, ...]:
    """The legs in the order of the accounts; those yet to be rounded count with the joint solution's weights."""
    data, solution = household.data, found.solution
    lot_sells, buys = solution.lot_sells.copy(), solution.buys.copy()
    done_sells, done_buys = np.zeros(len(lot_sells)), np.zeros(len(buys))
    legs = []
    for number, (request, (pairs, lots)) in enumerate(zip(requests, data.slices(), strict=True)):
        rounder = _Rounder(data, found, number, pairs, lots)
        booked = rounder.booked(request, lot_sells, buys)
        alone = rounder.before(lot_sells, buys)
        lot_sells[lots], buys[pairs] = sold_weights(alone, booked)
        ruled = replace(alone, rows=data.parts[number].rows, tracking_limit=None)
        missed = missed_rules(ruled, booked, lot_sells[lots], buys[pairs])
        excess = row_excess(ruled, booked, lot_sells[lots], buys[pairs])
        attributed = rounder.after_the_others(done_sells, done_buys)
        parts = attribute(attributed, lot_sells[lots], buys[pairs])
        legs.append(Leg(booked, attributed, parts, lot_sells[lots], buys[pairs], missed, excess))
        done_sells[lots], done_buys[pairs] = lot_sells[lots], buys[pairs]
    return tuple(legs)


class _Rounder:
    """One account of the household, as it is seen when the others' trades are given."""

    def __init__(self, data: HouseholdData, found: JointFound, number: int, pairs: slice, lots: slice) -> None:
        self._data, self._found, self._number, self._pairs, self._lots = data, found, number, pairs, lots
        self._part = data.parts[number]
        self._open = found.problem.parts[number]  # names that the search has shut are shut in it

    def booked(self, request: AnalysisInput, lot_sells: Floats, buys: Floats) -> Booked:
        """Whole shares near the joint solution, in the tax regime that was solved; all trades are (m,) and (P,)."""
        alone = self.before(lot_sells, buys)
        ordered = in_order_of_sale(alone, self._own(alone))
        return book(request, ordered.data, round_trades(ordered.data, ordered.found, ordered.caps))

    def before(self, lot_sells: Floats, buys: Floats) -> OptimizerData:
        """The account before its own trades of (m,) and (P,), after all others, in the regime that was solved."""
        problem = self._found.problem
        others_sells, others_buys = self._without_own(lot_sells, buys)
        regime = next(each for each in self._data.regimes if each.name == problem.regimes[0].name)
        (own,) = own_regimes(replace(self._data, regimes=(regime,)), self._pairs, self._lots, others_sells)
        rows = np.flatnonzero(problem.row_account[: len(self._data.rows)] == self._number)
        tightened = replace(
            self._part.rows, low=problem.rows.low[rows], high=problem.rows.high[rows], slack=problem.rows.slack[rows]
        )
        data = replace(
            self._seen(self._open, others_sells, others_buys), rows=tightened, tracking_limit=problem.tracking_limit
        )
        held = replace(data.securities, buy_limit=self._most_bought(data.securities))
        return replace(data, securities=held, regimes=(own,)).under(own)

    def _most_bought(self, held: Securities) -> Floats:
        """What may be bought, (n_a,): of what others sell only what a rule demands, rounded up to what trades (X8)."""
        trades = self._found.trades
        least, most = trades.least_bought[self._pairs], trades.most_bought[self._pairs]
        unit = held.share * np.where(held.whole, held.round_lot, 1 / FRACTION_UNITS)
        units = np.divide(least, unit, out=np.zeros(len(least)), where=unit > 0)
        due = (least > 0) & (most <= least)
        limit: Floats = np.where(due, np.minimum(held.buy_limit, np.ceil(units - 1e-9) * unit), held.buy_limit)
        return limit

    def after_the_others(self, done_sells: Floats, done_buys: Floats) -> OptimizerData:
        """The account with the regimes of the taxpayer once the accounts before it have traded: for attribution."""
        regimes = own_regimes(self._data, self._pairs, self._lots, done_sells)
        return replace(self._seen(self._part, done_sells, done_buys), regimes=regimes)

    def _without_own(self, lot_sells: Floats, buys: Floats) -> tuple[Floats, Floats]:
        lot_sells, buys = lot_sells.copy(), buys.copy()
        lot_sells[self._lots], buys[self._pairs] = 0.0, 0.0
        return lot_sells, buys

    def _seen(self, part: OptimizerData, others_sells: Floats, others_buys: Floats) -> OptimizerData:
        """The account's arrays with a target that leaves it the household's active weights."""
        data, held = self._data, part.securities
        active = data.after(others_sells, others_buys)
        target = held.holding - active[data.pairs.security[self._pairs]]
        securities = replace(held, target=target, away=np.zeros(len(target)))
        return replace(part, securities=securities, tracking_limit=data.tracking_limit)

    def _own(self, alone: OptimizerData) -> Found:
        """The account's part of the joint solution; only what the joint search left open may trade."""
        found = self._found
        sides = Sides(found.trades.most_sold[self._lots] > 0, found.trades.most_bought[self._pairs] > 0)
        joint = found.solution.prices
        own_rows = (found.problem.row_account == self._number) | (found.problem.row_account == -1)
        prices = Prices(joint.factor, float(joint.cash[self._number]), joint.rows[own_rows], joint.cap)
        own = Solution(found.solution.lot_sells[self._lots], found.solution.buys[self._pairs], prices)
        return Found(alone, own, sides, found.bound, prices)


def all_trades(data: HouseholdData, legs: tuple[Leg, ...]) -> tuple[Floats, Floats, Floats]:
    """Sales (m,), purchases (P,) and the commissions of each account (A,)."""
    return (
        np.concatenate([leg.lot_sells for leg in legs]),
        np.concatenate([leg.buys for leg in legs]),
        np.array([leg.commissions for leg in legs]),
    )


def net_trades(data: HouseholdData, lot_sells: Floats, buys: Floats) -> Floats:
    """Net trade of each of the household's securities, (n,)."""
    net: Floats = sum_by(data.pairs.security, buys - data.pair_sells(lot_sells), len(data.variance))
    return net
