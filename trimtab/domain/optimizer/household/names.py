"""No more names in an account than it may hold: those that are cheapest to do without are closed, a few at a time.

The bound has the rule with a price a name of each such account (`blocks.py`): a position is closed, or pays the price.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sum_by
from trimtab.domain.optimizer.errors import SolverStalled, TooManyNames
from trimtab.domain.optimizer.household.blocks import JointBlocks, JointPrices
from trimtab.domain.optimizer.household.found import JointFound
from trimtab.domain.optimizer.household.problem import HouseholdData
from trimtab.domain.optimizer.problem import OptimizerData

_DUST = 1e-7
_NOTHING = 1e-9  # a price of less is round-off: a hundred-thousandth of a basis point
_PRICED_ACCOUNTS = 4
"""So many accounts have a price a name: with each the bound looks at twice as many patterns of closed positions."""


def with_fewer_names(
    data: HouseholdData, found: JointFound, again: Callable[[HouseholdData], JointFound]
) -> JointFound:
    """`found` in one tax regime, searched `again` until no account holds more names than it may, nor may open more.

    Raises TooManyNames when no way is found.
    """
    if not np.isfinite(data.most_names).any():
        return found
    closing = _Closing(data, found, again)
    while closing.too_many.any():
        closing.close_some()
    few = closing.found()
    tried = (*found.prices[0], *few.prices[0])
    blocks = JointBlocks(data)
    best = sorted(tried, key=lambda prices: -blocks.bound(prices).branches.value)[:2]
    priced = tuple(price_of_names(data, prices) for prices in (*best, few.solution.prices))
    bound = max(found.bound, *(blocks.bound(prices).branches.value for prices in priced))
    return replace(few, bound=bound, prices=((*tried, *priced),))


def price_of_names(data: HouseholdData, prices: JointPrices) -> JointPrices:
    """`prices` with prices of a name that raise the bound, one account after the other.

    A name is worth closing where that costs less than the price: near the cost of the first name too many the bound,
    concave in the price, is highest.
    """
    blocks, names = JointBlocks(data), np.zeros(len(data.cash))
    for account in np.flatnonzero(np.isfinite(data.most_names))[:_PRICED_ACCOUNTS].tolist():
        most = int(data.most_names[account])
        costs = np.sort(blocks.cost_of_closing(prices, account))[::-1][max(most - 1, 0) : most + 2]
        choices = [0.0, *costs[np.isfinite(costs) & (costs > _NOTHING)].tolist()]
        every = [replace(prices, names=np.where(np.arange(len(names)) == account, each, names)) for each in choices]
        names = max(every, key=lambda each: blocks.bound(each).branches.value).names
    return replace(prices, names=names)


class _Closing:
    """The search while names are being closed."""

    def __init__(self, data: HouseholdData, found: JointFound, again: Callable[[HouseholdData], JointFound]) -> None:
        nothing = np.zeros(len(data.pairs.account), dtype=np.bool_)
        self._data, self._found, self._again = data, found, again
        self._shut, self._kept = nothing, nothing.copy()
        owned = sum_by(data.pairs.account, data.pairs.holding > data.crumb, len(data.cash))
        self._had_too_many: Flags = owned > data.most_names

    @property
    def too_many(self) -> Ints:
        """By how many names each account is over what it may hold, (A,)."""
        held = sum_by(self._data.pairs.account, self._held(), len(self._data.cash))
        over: Ints = np.maximum(held - self._data.most_names, 0.0).astype(np.int64)
        return over

    def close_some(self) -> None:
        """Close about half of the names too many of the account with most of them, the cheapest first."""
        account = int(np.argmax(self.too_many))
        order = self._cheapest(account)
        if not len(order):
            raise TooManyNames(f"more than {self._data.most_names[account]:.0f} names cannot be closed")
        count = (int(self.too_many[account]) + 1) // 2
        if not self._solved_without(order[:count]) and not (count > 1 and self._solved_without(order[:1])):
            self._kept[order[0]] = True

    def found(self) -> JointFound:
        """With names that are neither held nor bought shut, so that rounding opens none."""
        data, found = self._data, self._found
        limited = np.isfinite(data.most_names)[data.pairs.account]
        unopened = limited & ~self._held() & ~(data.pairs.holding > data.crumb)
        trades = replace(found.trades, most_bought=np.where(unopened, 0.0, found.trades.most_bought))
        return replace(found, problem=shut(found.problem, unopened), trades=trades)

    def _held(self) -> Flags:
        """Pairs that are held after the trades, (P,)."""
        data, solution = self._data, self._found.solution
        left = data.pairs.holding - data.pair_sells(solution.lot_sells) + solution.buys
        held: Flags = left > np.maximum(data.crumb, _DUST)
        return held

    def _cheapest(self, account: int) -> Ints:
        """Pairs of the account that may be closed, by what it costs at the prices of the solution.

        Where it had not too many to begin with no rule demands a sale: names that it would open stay closed.
        """
        data, pairs = self._data, self._data.pairs
        closable = (pairs.sell_limit >= pairs.holding - data.crumb) & (pairs.buy_minimum == 0)
        if not self._had_too_many[account]:
            closable &= pairs.holding <= data.crumb
        open_to = self._held() & closable & ~self._shut & ~self._kept & (pairs.account == account)
        cost: Floats = JointBlocks(self._data).cost_of_closing(self._found.solution.prices, account)
        rows = np.flatnonzero(open_to)
        return rows[np.argsort(cost[pairs.security[rows]], kind="stable")]

    def _solved_without(self, chosen: Ints) -> bool:
        closed = self._shut.copy()
        closed[chosen] = True
        try:
            self._found = self._again(shut(self._data, closed))
        except SolverStalled:  # or the rules clash without them
            return False
        self._shut = closed
        return True


def shut(data: HouseholdData, closed: Flags) -> HouseholdData:
    """The problem in which `closed` pairs (P,) end at nothing."""
    pairs = data.pairs
    owned = closed & (pairs.holding > data.crumb)
    buy_limit = np.where(closed, 0.0, pairs.buy_limit)
    sell_minimum = np.where(owned, pairs.sell_limit, pairs.sell_minimum)
    parts = tuple(
        _limited(part, buy_limit[own], sell_minimum[own])
        for part, (own, _) in zip(data.parts, data.slices(), strict=True)
    )
    return replace(data, parts=parts, pairs=replace(pairs, buy_limit=buy_limit, sell_minimum=sell_minimum))


def _limited(part: OptimizerData, buy_limit: Floats, sell_minimum: Floats) -> OptimizerData:
    return replace(part, securities=replace(part.securities, buy_limit=buy_limit, sell_minimum=sell_minimum))
