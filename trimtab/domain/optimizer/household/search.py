"""Which way each security of the household goes, then the trades too small to send.

As for one account (`wash_sides.py`): the prices of every solve bound every pattern of sides at once, so the next
solve goes to the pattern of the lowest bound, until none can beat the best found.
"""

from dataclasses import replace

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints
from trimtab.domain.optimizer.errors import RulesClash, SolverStalled
from trimtab.domain.optimizer.household.blocks import JointBlocks, JointBound, JointPrices, Trades, Way
from trimtab.domain.optimizer.household.found import JointFound
from trimtab.domain.optimizer.household.lane import HouseholdClash, JointLane, JointSolution
from trimtab.domain.optimizer.household.names import with_fewer_names
from trimtab.domain.optimizer.household.problem import HouseholdData, joint_objective
from trimtab.domain.optimizer.household.washed_sales import with_true_taxes

_DUST = 1e-7
_WORTH_A_SOLVE = 2e-5  # other ways are tried while the gap is above a fifth of a basis point
_MOST_SOLVES = 12
_KEYS_IN_DOUBT = 10
_BEYOND_ALL = 100.0  # an objective, in values of the household, that nothing which can be kept comes to
_DISTANCES = tuple(10.0**power for power in range(-3, 7))


def search_jointly(data: HouseholdData) -> JointFound:
    """The best trades found for the household, in whatever tax regime.

    Raises SolverStalled without an answer, RulesClash when the rules of the household cannot all be kept.
    """
    found: list[JointFound] = []
    stalls: list[SolverStalled] = []
    for regime in data.regimes:
        try:
            found.append(_search_one(data.under(regime)))
        except SolverStalled as stalled:
            stalls.append(stalled)
    if stalls:  # a regime's bound is wanted even where it has no better trades
        raise stalls[0]
    best = min(found, key=lambda each: _worth(data, each))
    bound, prices = min(each.bound for each in found), tuple(each.prices[0] for each in found)
    return replace(best, bound=bound, prices=prices)


def _worth(data: HouseholdData, found: JointFound) -> float:
    return joint_objective(data, found.solution.lot_sells, found.solution.buys).total


def _search_one(data: HouseholdData) -> JointFound:
    """One regime's best trades, in no more names than each account may hold."""
    return with_fewer_names(data, _of_any_names(data), _of_any_names)


def _of_any_names(data: HouseholdData) -> JointFound:
    return with_true_taxes(data, _along_chords(data), _along_chords)


def _along_chords(data: HouseholdData) -> JointFound:
    """With lots that purchases wash in part taxed as they are in `data`."""
    search = _Search(data)
    search.start()
    for _ in range(_MOST_SOLVES):
        if not search.try_most_promising():
            break
    return search.without_small_trades()


class _Search:
    """The best ways so far, and the cuts that bound all others."""

    def __init__(self, data: HouseholdData) -> None:
        self._data, self._blocks, self._lane = data, JointBlocks(data), JointLane(data)
        self._cuts: list[JointBound] = []
        self._prices: list[JointPrices] = []
        self._bound = -np.inf
        self._tried: set[bytes] = set()
        self._total = np.inf
        self._ways: Ints
        self._buying: Flags
        self._solution: JointSolution | None = None

    def start(self) -> None:
        """Prices of the relaxation in which everything is open, then the ways that they favour.

        Raises RulesClash when the rules bar both sides of a wash key.
        """
        selling = self._blocks.trades(np.full(len(self._data.variance), Way.SELL))
        everything = Trades(selling.least_sold, selling.most_sold, selling.least_bought, self._data.pairs.buy_limit)
        cut = self._add_cut(self._lane.solve(everything).prices)
        if np.isinf(np.minimum(cut.branches.if_sold, cut.branches.if_bought)).any():
            raise RulesClash("rules demand a sale at a loss in one account and a purchase in another on one day")
        self._buying = cut.branches.buying
        selling_side = np.isinf(cut.branches.if_bought)
        for buying in (cut.branches.buying, ~selling_side & np.isinf(cut.branches.if_sold)):
            if self._try(buying, cut):
                return

    def try_most_promising(self) -> bool:
        """Solve the ways that the newest prices favour, else the pattern of the lowest bound; False at the end."""
        if self._total - self._bound <= _WORTH_A_SOLVE:
            return False
        newest = self._cuts[-1]
        if self._is_new(newest.branches.buying, newest):
            self._try(newest.branches.buying, newest)
            return True
        keys = self._keys_in_doubt()
        patterns = (np.arange(2 ** len(keys))[:, None] >> np.arange(len(keys))) % 2 == 1
        bounds = np.max([cut.branches.with_sides(keys, patterns) for cut in self._cuts], axis=0)
        lowest = int(np.argmin(bounds))
        self._bound = max(self._bound, float(bounds[lowest]))
        buying = self._buying.copy()
        buying[keys] = patterns[lowest]
        # The newest prices may be a ray's, along which securities go ways that no list would.
        advised = next((cut for cut in reversed(self._cuts) if self._is_new(buying, cut)), None)
        if self._total - self._bound <= _WORTH_A_SOLVE or advised is None:
            return False
        self._try(buying, advised)
        return True

    def without_small_trades(self) -> JointFound:
        """Close pairs whose trade is below half the minimum, solve, then below the whole, and solve again."""
        if self._solution is None:
            raise RulesClash("no side of the wash sale keys that was tried keeps all rules")
        data, kept = self._data, np.ones(len(self._data.pairs.account), dtype=np.bool_)
        trades, solution = self._blocks.trades(self._ways), self._solution
        for share in (0.5, 1.0, 1.0):
            small = _small(data, trades, solution, share) & kept
            if not small.any():
                continue
            narrower = self._blocks.trades(self._ways, kept & ~small)
            try:
                solution = self._lane.solve(narrower)
            except SolverStalled:  # the cash cannot be raised without these: rounding lifts them to the minimum
                break
            kept, trades = kept & ~small, narrower
            self._add_cut(solution.prices)
        return JointFound(data, solution, trades, self._bound, (tuple(self._prices),))

    def _keys_in_doubt(self) -> Ints:
        regret = np.max([cut.branches.regret(self._buying) for cut in self._cuts], axis=0)
        order = np.argsort(-regret, kind="stable")[:_KEYS_IN_DOUBT]
        return np.sort(order[regret[order] > 0])

    def _is_new(self, buying: Flags, cut: JointBound) -> bool:
        return cut.ways(buying, self._blocks.group).tobytes() not in self._tried

    def _try(self, buying: Flags, cut: JointBound) -> bool:
        """Solve with these sides, keep the better; False when they have no answer, or a rule bars one of them."""
        ways = cut.ways(buying, self._blocks.group)
        self._tried.add(ways.tobytes())
        if np.isinf(np.where(buying, cut.branches.if_bought, cut.branches.if_sold)).any():
            return False
        try:
            solution = self._lane.solve(self._blocks.trades(ways))
        except HouseholdClash as clash:
            self._add_ray(clash.ray, ways)
            return False
        except SolverStalled:
            return False
        self._add_cut(solution.prices)
        total = joint_objective(self._data, solution.lot_sells, solution.buys).total
        if total < self._total:
            self._total, self._ways, self._buying, self._solution = total, ways, buying, solution
        return True

    def _add_cut(self, prices: JointPrices) -> JointBound:
        cut = self._blocks.bound(prices)
        self._cuts.append(cut)
        self._prices.append(prices)
        self._bound = max(self._bound, cut.branches.value)
        return cut

    def _add_ray(self, ray: JointPrices, ways: Ints) -> None:
        """Prices along which the bound of these sides rises without end: far enough to beat all others."""
        bought = np.zeros(self._blocks.groups, dtype=np.bool_)
        bought[self._blocks.group] = ways != Way.SELL
        highest, furthest = -np.inf, None
        for distance in _DISTANCES:
            prices = self._prices[0].moved(ray, distance)
            cut = self._blocks.bound(prices)
            sides = np.where(bought, cut.branches.if_bought, cut.branches.if_sold)
            worth = cut.branches.value + float((sides - np.minimum(cut.branches.if_sold, cut.branches.if_bought)).sum())
            if worth > highest:
                highest, furthest = worth, prices
            if highest > min(self._total, _BEYOND_ALL):
                break
        if furthest is not None:
            self._add_cut(furthest)


def _small(data: HouseholdData, trades: Trades, solution: JointSolution, share: float) -> Flags:
    """Trades below `share` of the minimum that neither close a position nor are demanded by a rule, (P,)."""
    sells = data.pair_sells(solution.lot_sells)
    size: Floats = sells + solution.buys
    closing = (sells > 0) & (sells >= data.pairs.holding - _DUST)
    demanded = (data.pair_sells(trades.least_sold) > 0) | (trades.least_bought > 0)
    small: Flags = (size > _DUST) & (size < share * data.pairs.minimum_trade - _DUST) & ~closing & ~demanded
    return small
