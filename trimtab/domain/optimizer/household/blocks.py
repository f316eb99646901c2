"""The joint bound: each security's best answer to given prices, in each way that it may go, in closed form.

A security is sold wherever that is cheapest, or bought wherever that is cheapest, never both on one day: selling it
here to buy it there moves nothing but fees (X8). What a rule demands of an account is done in any case. A wash key
is not sold at a loss in one account and bought in another, IRAs included (IRC 1091, Rev. Rul. 2008-5).
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sum_by
from trimtab.domain.optimizer.bound import Branches, cash_term
from trimtab.domain.optimizer.household.problem import HouseholdData
from trimtab.domain.optimizer.problem import cumulative_before, fill

_ROUND_OFF = 1e-12


class Way(IntEnum):
    """Which way a security goes."""

    SELL = 0  # any lot may be sold, nothing is bought
    KEEP = 1  # lots at a gain may be sold, nothing is bought
    BUY = 2  # it may be bought, nothing is sold


@dataclass(frozen=True, slots=True, eq=False)
class JointPrices:
    """Prices of the coupling rows: `factor` (k,) of active factor exposure, `cash` (A,) of each account's cash."""

    factor: Floats
    cash: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """Least and most of each trade: sales by lot (m,), purchases by pair (P,)."""

    least_sold: Floats
    most_sold: Floats
    least_bought: Floats
    most_bought: Floats


@dataclass(frozen=True, slots=True, eq=False)
class JointBound:
    """What the household's value is at least, by wash key, and each security's best way on either side (n,)."""

    branches: Branches
    sold_way: Ints
    bought_way: Ints

    def ways(self, buying: Flags, wash_key: Ints) -> Ints:
        """The way of each security, (n,), when the keys (n_keys,) are on these sides."""
        return np.where(buying[wash_key], self.bought_way, self.sold_way)


class JointBlocks:
    """Closed-form answers over one household; what does not depend on prices is worked out once."""

    def __init__(self, data: HouseholdData) -> None:
        self._data = data
        lots, pairs = data.lots, data.pairs
        self._all = self._from_front(lots.limit, pairs.sell_limit)
        self._gains = self._from_front(np.where(lots.at_loss, 0.0, lots.limit), pairs.sell_limit)
        self._due_all = self._from_front(self._all, pairs.sell_minimum)
        self._due_gains = self._from_front(self._gains, pairs.sell_minimum)
        due = sum_by(lots.pair, self._due_gains, len(pairs.account))
        n = len(data.variance)
        self._due_buys = np.minimum(pairs.buy_minimum, pairs.buy_limit)
        self._must_buy = sum_by(pairs.security, self._due_buys, n) > 0
        self._must_lose = sum_by(pairs.security, np.maximum(pairs.sell_minimum - due, 0.0), n) > 1e-9
        self.contested = self._contested()

    def _from_front(self, limit: Floats, total: Floats) -> Floats:
        """Sales by lot, (m,), that reach `total`, (P,), cheapest lots first; round-off is nothing."""
        filled = fill(self._data.lots.pair, limit, total)
        return np.where(filled > _ROUND_OFF, filled, 0.0)

    def _contested(self) -> Flags:
        """Wash keys with a lot that may be sold at a loss and a security that may be bought, (n_keys,)."""
        data = self._data
        loses = sum_by(data.wash_key[data.lot_security], data.lots.at_loss & (self._all > 0), data.keys) > 0
        buyable = sum_by(data.wash_key[data.pairs.security], data.pairs.buy_limit > 0, data.keys) > 0
        both: Flags = loses & buyable
        return both

    def trades(self, ways: Ints, kept: Flags | None = None) -> Trades:
        """Limits of each trade when the securities go these `ways` (n,), and only `kept` pairs (P,) may trade."""
        data = self._data
        lot_way, pair_way = ways[data.lot_security], ways[data.pairs.security]
        open_pair = np.ones(len(pair_way), dtype=np.bool_) if kept is None else kept
        least = np.where(lot_way == Way.SELL, self._due_all, self._due_gains)
        most = np.select([lot_way == Way.SELL, lot_way == Way.KEEP], [self._all, self._gains], least)
        most_bought = np.where((pair_way == Way.BUY) & open_pair, data.pairs.buy_limit, self._due_buys)
        return Trades(least, np.where(open_pair[data.lots.pair], most, least), self._due_buys, most_bought)

    def bound(self, prices: JointPrices) -> JointBound:
        """A number that no allowed list of trades is below, at any prices (weak duality)."""
        data = self._data
        drag = data.parameters.cash_drag
        prices = JointPrices(prices.factor, np.maximum(prices.cash, -drag))
        sell = np.where(self._must_buy, np.inf, self._selling(prices, self._all, self._due_all))
        keep = np.where(self._must_buy | self._must_lose, np.inf, self._selling(prices, self._gains, self._due_gains))
        buy = np.where(self._must_lose, np.inf, self._buying(prices))
        free = ~self.contested[data.wash_key]
        sold = np.where(free & (buy < sell), buy, sell)
        bought = np.where(free, sold, np.minimum(keep, buy))
        if_sold, if_bought = (sum_by(data.wash_key, each, data.keys) for each in (sold, bought))
        coupling = -float(prices.factor @ prices.factor) / (2 * data.parameters.risk_aversion)
        coupling += sum(cash_term(part, float(price))[0] for part, price in zip(data.parts, prices.cash, strict=True))
        coupling += float(data.pairs.location @ data.pairs.holding)
        value = float(np.minimum(if_sold, if_bought).sum()) + coupling
        sold_way = np.where(free & (buy < sell), Way.BUY, Way.SELL)
        bought_way = np.where(free, sold_way, np.where(buy <= keep, Way.BUY, Way.KEEP))
        return JointBound(Branches(value, if_sold, if_bought), sold_way, bought_way)

    def _selling(self, prices: JointPrices, limit: Floats, due: Floats) -> Floats:
        """Least value of each security when it is only sold, (n,): lots from the cheapest, in whatever account."""
        data, pairs = self._data, self._data.pairs
        pair, cash_row = data.lots.pair, 1 - pairs.half_spread
        unit = pairs.half_spread + data.parameters.churn - pairs.location - prices.cash[pairs.account] * cash_row
        cost = data.lots.tax + unit[pair]
        start = data.active - sum_by(data.lot_security, due, len(data.variance))
        left, value = self._filled(prices, start, data.lot_security, cost, limit - due)
        return value + sum_by(data.lot_security, cost * due, len(left))

    def _buying(self, prices: JointPrices) -> Floats:
        """Least value of each security when it is only bought (and sold as far as a rule demands), (n,)."""
        data, pairs = self._data, self._data.pairs
        cost = (
            pairs.half_spread
            + data.parameters.churn
            + pairs.location
            + prices.cash[pairs.account] * (1 + pairs.half_spread)
        )
        sale = (
            data.lots.tax
            + (
                pairs.half_spread
                + data.parameters.churn
                - pairs.location
                - prices.cash[pairs.account] * (1 - pairs.half_spread)
            )[data.lots.pair]
        )
        start = data.after(self._due_gains, self._due_buys)
        mirrored = JointPrices(-prices.factor, prices.cash)
        _, value = self._filled(mirrored, -start, pairs.security, cost, pairs.buy_limit - self._due_buys)
        forced = sum_by(pairs.security, cost * self._due_buys, len(start))
        return value + forced + sum_by(data.lot_security, sale * self._due_gains, len(start))

    def _filled(
        self, prices: JointPrices, start: Floats, security: Ints, cost: Floats, limit: Floats
    ) -> tuple[Floats, Floats]:
        """Bring `start` (n,) down by segments of `cost` and `limit`, cheapest first; what is left, and its value."""
        data = self._data
        curvature = data.parameters.risk_aversion * data.variance
        slope = data.loadings @ prices.factor
        order = np.lexsort((cost, security))
        row, unit, most = security[order], cost[order], limit[order]
        wanted = start[row] - (unit - slope[row]) / curvature[row] - cumulative_before(row, most)
        taken = np.clip(wanted, 0.0, most)
        left = start - sum_by(row, taken, len(start))
        value: Floats = curvature / 2 * left**2 + slope * left + sum_by(row, unit * taken, len(start))
        return left, value
