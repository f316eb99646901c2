"""The joint bound: each security's best answer to given prices, in each way that it may go, in closed form.

A security is sold wherever that is cheapest, or bought wherever that is cheapest, never both on one day: selling it
here to buy it there moves nothing but fees (X8). What a rule demands of an account is done in any case. A wash key
is not sold at a loss in one account and bought in another, IRAs included (IRC 1091, Rev. Rul. 2008-5): the securities
of a key that could be are on one side together, every other security is on a side of its own.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from itertools import chain, combinations

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sum_by
from trimtab.domain.optimizer.bound import Branches, cash_term, row_caps, row_slopes
from trimtab.domain.optimizer.household.problem import HouseholdData
from trimtab.domain.optimizer.household.washed_pairs import Chosen, WashedPair, least_on_pieces, washed_pairs
from trimtab.domain.optimizer.problem import cumulative_before, fill
from trimtab.domain.optimizer.washed_pieces import PricedSale

_ROUND_OFF = 1e-12


class Way(IntEnum):
    """Which way a security goes."""

    SELL = 0  # any lot may be sold, nothing is bought
    KEEP = 1  # lots at a gain may be sold, nothing is bought
    BUY = 2  # it may be bought, nothing is sold; what a rule of an account demands is done in any way


def no_names() -> Floats:
    return np.zeros(0)


@dataclass(frozen=True, slots=True, eq=False)
class JointPrices:
    """Prices of what couples the trades, each per unit of household value."""

    factor: Floats  # (k,) of active factor exposure
    cash: Floats  # (A,) of each account's cash
    rows: Floats  # (r,) of one unit more in each row: positive at its upper end
    cap: float = 0.0  # of squared tracking error above its limit
    names: Floats = field(default_factory=no_names)  # (A,) of one name above the most of each account, or none

    def moved(self, ray: "JointPrices", distance: float) -> "JointPrices":
        """These prices, moved so far along `ray`."""
        return JointPrices(
            self.factor + distance * ray.factor,
            self.cash + distance * ray.cash,
            self.rows + distance * ray.rows,
            self.cap + distance * ray.cap,
            self.names,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """Least and most of each trade: sales by lot (m,), purchases by pair (P,)."""

    least_sold: Floats
    most_sold: Floats
    least_bought: Floats
    most_bought: Floats


@dataclass(frozen=True, slots=True, eq=False)
class JointBound:
    """What the household's value is at least, by group, and each security's best way on either side (n,)."""

    branches: Branches  # its keys are the groups of `JointBlocks.group`
    sold_way: Ints
    bought_way: Ints

    def ways(self, buying: Flags, group: Ints) -> Ints:
        """The way of each security, (n,), when the groups (n_groups,) are on these sides."""
        return np.where(buying[group], self.bought_way, self.sold_way)


@dataclass(frozen=True, slots=True, eq=False)
class _Limits:
    """Most that may be sold of each lot, all or gains only, and least that a rule demands of either, (m,) each."""

    all: Floats
    gains: Floats
    due_all: Floats
    due_gains: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Priced:
    """What trades cost at some prices, but for their risk."""

    slope: Floats  # (n,) of one unit of active weight
    curvature: Floats  # (n,)
    sale: Floats  # (m,)
    purchase: Floats  # (P,)
    limits: _Limits  # with each pair's lots in the order of `sale`


class JointBlocks:
    """Closed-form answers over one household in one tax regime; what does not depend on prices is worked out once."""

    def __init__(self, data: HouseholdData) -> None:
        self._data = data
        lots, pairs = data.lots, data.pairs
        self._limits = self._limits_by(lots.tax)
        due = sum_by(lots.pair, self._limits.due_gains, len(pairs.account))
        n = len(data.variance)
        self._due_buys = np.minimum(pairs.buy_minimum, pairs.buy_limit)
        units = np.divide(self._due_buys, pairs.unit, out=np.zeros(len(pairs.unit)), where=pairs.unit > 0)
        # In whole shares a little more than is due is bought: no list may be below the bound for that.
        self._due_in_units = np.clip(np.ceil(units - _ROUND_OFF) * pairs.unit, self._due_buys, pairs.buy_limit)
        self._must_buy = sum_by(pairs.security, self._due_buys, n) > 0
        self._must_lose = sum_by(pairs.security, np.maximum(pairs.sell_minimum - due, 0.0), n) > 1e-9
        self.contested = self._both_ways(lots.at_loss, data.wash_key)
        self._washed = washed_pairs(data)
        own = np.where(self.contested[data.wash_key], data.wash_key, data.keys + np.arange(n))
        _, self.group = np.unique(own, return_inverse=True)  # (n,) of securities that are on one side together
        self.groups = int(self.group.max(initial=-1)) + 1
        self._two_sided = self._both_ways(np.ones(len(lots.pair), dtype=np.bool_), self.group)

    def _limits_by(self, cost: Floats) -> _Limits:
        """Each pair's lots from the front in the order of their `cost` (m,): exact at any prices that give it."""
        lots, pairs = self._data.lots, self._data.pairs
        order = np.lexsort((cost, lots.pair))
        most = self._from_front(order, lots.limit, pairs.sell_limit)
        gains = self._from_front(order, np.where(lots.at_loss, 0.0, lots.limit), pairs.sell_limit)
        return _Limits(
            all=most,
            gains=gains,
            due_all=self._from_front(order, most, pairs.sell_minimum),
            due_gains=self._from_front(order, gains, pairs.sell_minimum),
        )

    def _from_front(self, order: Ints, limit: Floats, total: Floats) -> Floats:
        """Sales by lot, (m,), that reach `total`, (P,), the first in the order first; round-off is nothing."""
        filled = np.zeros(len(limit))
        filled[order] = fill(self._data.lots.pair[order], limit[order], total)
        return np.where(filled > _ROUND_OFF, filled, 0.0)

    def _both_ways(self, lots: Flags, key: Ints) -> Flags:
        """Keys (n,) with one of these `lots` (m,) that may be sold and a security that may be bought, (n_keys,)."""
        data, keys = self._data, int(key.max(initial=-1)) + 1
        sellable = sum_by(key[data.lot_security], lots & (data.lots.limit > 0), keys) > 0
        buyable = sum_by(key[data.pairs.security], data.pairs.buy_limit > 0, keys) > 0
        both: Flags = sellable & buyable
        return both

    def trades(self, ways: Ints, kept: Flags | None = None) -> Trades:
        """Limits of each trade when the securities go these `ways` (n,), and only `kept` pairs (P,) may trade."""
        data, limits = self._data, self._limits
        lot_way, pair_way = ways[data.lot_security], ways[data.pairs.security]
        open_pair = np.ones(len(pair_way), dtype=np.bool_) if kept is None else kept
        least = np.where(lot_way == Way.SELL, limits.due_all, limits.due_gains)
        while_buying = self._sold_while_buying(limits)
        most = np.select([lot_way == Way.SELL, lot_way == Way.KEEP], [limits.all, limits.gains], while_buying)
        most_bought = np.select(
            [pair_way == Way.BUY, pair_way == Way.KEEP],
            [data.pairs.buy_limit, self._bought_while_keeping(self._due_buys)],
            self._bought_while_selling(self._due_buys),
        )
        return Trades(
            least_sold=least,
            most_sold=np.where(open_pair[data.lots.pair], most, least),
            least_bought=self._due_buys,
            most_bought=np.where(open_pair, most_bought, self._due_buys),
        )

    def _sold_while_buying(self, limits: _Limits) -> Floats:
        """What a rule demands, and of groups above their band lots at a gain, (m,)."""
        demanded = self._data.pairs.sale_demanded[self._data.lots.pair]
        return np.where(demanded, limits.gains, limits.due_gains)

    def _bought_while_keeping(self, due: Floats) -> Floats:
        """What is `due` to a rule (P,), and of groups below their band what may be bought, (P,)."""
        pairs = self._data.pairs
        return np.where(pairs.purchase_demanded, pairs.buy_limit, due)

    def _bought_while_selling(self, due: Floats) -> Floats:
        """The same, but of no wash key that may be sold at a loss, (P,)."""
        contested = self.contested[self._data.wash_key][self._data.pairs.security]
        return np.where(contested, due, self._bought_while_keeping(due))

    def bound(self, prices: JointPrices) -> JointBound:
        """A number that no allowed list of trades is below, at any prices (weak duality)."""
        data = self._data
        prices = within_caps(data, prices)
        sell, keep, buy = self._with_names(self._priced(prices), prices.names)
        free = ~self._two_sided[self.group]
        sold = np.where(free & (buy < sell), buy, sell)
        bought = np.where(free, sold, np.minimum(keep, buy))
        if_sold, if_bought = (sum_by(self.group, each, self.groups) for each in (sold, bought))
        value = float(np.minimum(if_sold, if_bought).sum()) + _coupling(data, prices)
        sold_way = np.where(free & (buy < sell), Way.BUY, Way.SELL)
        bought_way = np.where(free, sold_way, np.where(buy <= keep, Way.BUY, Way.KEEP))
        return JointBound(Branches(value, if_sold, if_bought), sold_way, bought_way)

    def cost_of_closing(self, prices: JointPrices, account: int) -> Floats:
        """What each security costs more at `prices` when the account holds none of it, (n,); infinite where it must."""
        at, pairs = self._priced(within_caps(self._data, prices)), self._data.pairs
        keep_all, close = pairs.account < 0, pairs.account == account
        free, closed = (self._by_way(at, each, pieces=False).min(axis=0) for each in (keep_all, close))
        cost: Floats = closed - np.where(np.isfinite(free), free, 0.0)
        return cost

    def _with_names(self, at: _Priced, names: Floats) -> Floats:
        """By way, (3, n): in each account with a price of `names` (A,) a position is closed, or pays the price."""
        account, priced = self._data.pairs.account, np.flatnonzero(names > 0).tolist()
        closings = chain.from_iterable(combinations(priced, size) for size in range(len(priced) + 1))
        each = [
            self._by_way(at, np.isin(account, closed), pieces=not priced) - names[[*closed]].sum()
            for closed in closings
        ]
        least: Floats = np.min(each, axis=0) + names.sum()
        return least

    def _by_way(self, at: _Priced, closed: Flags, *, pieces: bool) -> Floats:
        """The least value of each security in each way, (3, n), when it ends at nothing in `closed` pairs (P,).

        Lots washed in part are on `pieces` of their tax, else on its chords, as they are with a price of names.
        """
        data, limits = self._data, at.limits
        due, contested = limits.due_gains, self.contested[data.wash_key]
        selling, keeping = (
            self._bought_while_selling(self._due_in_units),
            self._bought_while_keeping(self._due_in_units),
        )
        sell = self._value(at, limits.all, limits.due_all, selling, closed)
        if pieces:
            for row, pairs in self._washed.items():
                sell[row] = max(float(sell[row]), self._on_pieces(at, row, pairs)[0])
        keep = self._value(at, limits.gains, due, keeping, closed)
        buy = self._value(at, self._sold_while_buying(limits), due, data.pairs.buy_limit, closed)
        return np.array(
            [
                np.where(self._must_buy & contested, np.inf, sell),
                np.where(self._must_lose, np.inf, keep),
                np.where(self._must_lose, np.inf, buy),
            ]
        )

    def best_pieces(self, prices: JointPrices) -> Chosen:
        """Of all lots that purchases wash in part the pieces on which selling costs least at `prices`."""
        at = self._priced(within_caps(self._data, prices))
        return tuple(each for row, pairs in self._washed.items() for each in self._on_pieces(at, row, pairs)[1])

    def _on_pieces(self, at: _Priced, row: int, pairs: tuple[WashedPair, ...]) -> tuple[float, Chosen]:
        """The least that selling a security costs with lots washed in part on the pieces of their tax."""
        data, limits = self._data, at.limits
        own = [pair.account for pair in pairs]
        account = data.pairs.account[data.lots.pair]
        rest = np.flatnonzero((data.lot_security == row) & ~np.isin(account, own))
        due, most = limits.due_all[rest], limits.all[rest]
        offers = list(zip(at.sale[rest].tolist(), (most - due).tolist(), strict=True))
        active = float(data.active[row] - due.sum())
        sale = PricedSale(active, float(at.curvature[row]), float(at.slope[row]), np.inf)
        return least_on_pieces(pairs, at.sale, sale, offers, float(at.sale[rest] @ due))

    def _closing(self, at: _Priced, most_sold: Floats, least_sold: Floats, closed: Flags) -> tuple[Floats, Flags]:
        """The least sales (m,) that leave nothing of `closed` pairs, and securities (n,) of which that cannot be."""
        data, pairs = self._data, self._data.pairs
        need = np.where(closed, np.maximum(pairs.holding - data.crumb, data.pair_sells(least_sold)), 0.0)
        order = np.lexsort((at.sale, data.lots.pair))
        sold = np.where(closed[data.lots.pair], self._from_front(order, most_sold, need), least_sold)
        stuck = closed & ((data.pair_sells(sold) < need - 1e-9) | (self._due_buys > 0))
        return sold, sum_by(pairs.security, stuck, len(data.variance)) > 0

    def _priced(self, prices: JointPrices) -> _Priced:
        data, pairs, rows = self._data, self._data.pairs, self._data.rows
        cost, cash = pairs.half_spread + data.parameters.churn, prices.cash[pairs.account]
        sale = data.lots.tax + (cost - pairs.location - cash * (1 - pairs.half_spread))[data.lots.pair]
        sale = sale + prices.rows @ rows.sale_effect(data.lots.pair)
        purchase = cost + pairs.location + cash * (1 + pairs.half_spread) + prices.rows @ rows.purchase_effect
        curvature = data.parameters.risk_aversion * data.variance + 2 * prices.cap * data.specific_risk**2
        limits = self._limits_by(sale) if len(rows) else self._limits
        return _Priced(data.loadings @ prices.factor, curvature, sale, purchase, limits)

    def _value(self, at: _Priced, most_sold: Floats, least_sold: Floats, most_bought: Floats, closed: Flags) -> Floats:
        """Least value of each security when so much of it may be sold (m,), and bought (P,), in all accounts, (n,).

        It ends at nothing in `closed` pairs (P,); infinite where that cannot be.

        One list, cheapest first: to buy b of at most u at cost e a unit is to buy u in advance and to sell u - b of it
        again at cost -e, as for equivalence sets (docs/formulation.md).
        """
        data, n = self._data, len(self._data.variance)
        lot_row, pair_row, stuck = data.lot_security, data.pairs.security, np.zeros(n, dtype=np.bool_)
        if closed.any():
            least_sold, stuck = self._closing(at, most_sold, least_sold, closed)
            most_bought = np.where(closed, self._due_buys, most_bought)
        room = most_bought - self._due_buys
        start = data.after(least_sold, most_bought)
        paid = sum_by(lot_row, at.sale * least_sold, n) + sum_by(pair_row, at.purchase * most_bought, n)
        security = np.concatenate((lot_row, pair_row))
        cost = np.concatenate((at.sale, -at.purchase))
        size = np.concatenate((most_sold - least_sold, room))
        order = np.lexsort((cost, security))
        row, unit, most = security[order], cost[order], size[order]
        wanted = start[row] - (unit - at.slope[row]) / at.curvature[row] - cumulative_before(row, most)
        taken = np.clip(wanted, 0.0, most)
        left = start - sum_by(row, taken, n)
        value: Floats = at.curvature / 2 * left**2 + at.slope * left + sum_by(row, unit * taken, n) + paid
        return np.where(stuck, np.inf, value)


def within_caps(data: HouseholdData, prices: JointPrices) -> JointPrices:
    """The nearest prices at which the bound is not minus infinity."""
    lowest, highest = row_caps(data.rows)
    names = prices.names if len(prices.names) else np.zeros(len(data.cash))
    return JointPrices(
        factor=prices.factor,
        cash=np.maximum(prices.cash, -data.parameters.cash_drag),
        rows=np.clip(prices.rows, lowest, highest),
        cap=max(prices.cap, 0.0) if data.tracking_limit is not None else 0.0,
        names=np.where(np.isfinite(data.most_names), np.maximum(names, 0.0), 0.0),
    )


def _coupling(data: HouseholdData, prices: JointPrices) -> float:
    """What cash, factor exposures, rows and the limit of risk add to the bound at `prices` inside their caps."""
    value = -float(prices.factor @ prices.factor) / (2 * (data.parameters.risk_aversion + 2 * prices.cap))
    value += sum(cash_term(part, float(price))[0] for part, price in zip(data.parts, prices.cash, strict=True))
    value += float(data.pairs.location @ data.pairs.holding) + data.regimes[0].constant
    value += float(prices.rows @ row_slopes(data.rows, prices.rows))
    limited = np.isfinite(data.most_names)
    value -= float(prices.names[limited] @ data.most_names[limited])
    return value - prices.cap * (data.tracking_limit or 0.0) ** 2
