"""From accounts to a batch: shapes on a fixed grid, then padded arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sum_by
from trimtab.domain.optimizer.capacity import contested_securities
from trimtab.domain.optimizer.fast.packed import HARD_PRICE, Packed, lot_starts
from trimtab.domain.optimizer.problem import OptimizerData, fill

_FAR = 1e3
"""Stands for an interval's end that does not exist; amounts are fractions of account value."""


@dataclass(frozen=True, slots=True, order=True)
class Shape:
    """The bucket of an account: its sizes rounded up to a grid, so that its arithmetic never depends on its mates."""

    securities: int
    lots: int
    factors: int
    rows: int


def shape_of(data: OptimizerData) -> Shape:
    """The bucket of one account under one regime (`OptimizerData.under`)."""
    n, k = data.securities.loadings.shape
    return Shape(
        securities=_rounded_up(n, 4),
        lots=_rounded_up(len(data.lots.lots), 2),
        factors=k,
        rows=1 + (_rounded_up(len(data.rows), 2) if len(data.rows) else 0),
    )


def _rounded_up(size: int, steps: int) -> int:
    """The next size of a grid with so many steps an octave, at least 8."""
    if size <= 8:
        return 8
    step = 2 ** (int(size - 1).bit_length() - 1) // steps
    return -(-size // step) * step


def supports(data: OptimizerData) -> str | None:
    """None when the kernel knows everything that the account asks for, else the first feature that it does not."""
    if data.tracking_limit is not None:
        return "tracking error limit"
    if data.most_names is not None:
        return "maximum names"
    if len(data.regimes) > 1 or any(_differs_by_lot(data, regime.rows.on_sale) for regime in data.regimes):
        return "netting"
    if _differs_by_lot(data, data.rows.on_sale):
        return "gain budget"
    if _shares_contested_keys(data):
        return "wash key of several securities"
    return None


def _differs_by_lot(data: OptimizerData, on_sale: Floats) -> bool:
    """Whether two lots of one security count differently in a row."""
    if not len(on_sale):
        return False
    security = data.lots.security
    same = security[1:] == security[:-1]
    return bool((on_sale[:, 1:] != on_sale[:, :-1])[:, same].any())


def _shares_contested_keys(data: OptimizerData) -> bool:
    held = data.securities
    if len(np.unique(held.wash_key)) == len(held.wash_key):
        return False
    contested = held.wash_key[contested_securities(data)]
    return len(np.unique(contested)) < len(contested)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Accounts of one shape, packed, and what it takes to read their answers."""

    datas: tuple[OptimizerData, ...]
    packed: Packed
    forced_sales: Floats  # (A, m) sold because a rule demands it
    forced_buys: Floats  # (A, n)
    lot_order: Ints  # (A, m) place of each packed lot in its account
    may_stand_still: Flags  # (A,) an empty trade list breaks no hard rule
    tolerance: Floats  # (A,) improvement below which nothing is traded
    cash_base: Floats  # (A,) what a unit of cash costs beside the price of its row
    demanded: Flags  # (A, n) a rule demands a trade
    smallest: Floats  # (A, n) trades below are not worth sending
    whole_position: Floats  # (A, n) a sale of so much closes the position, and may be small

    @property
    def accounts(self) -> int:
        return len(self.datas)

    def take(self, accounts: Ints) -> "Batch":
        """Only `accounts`."""
        others = {each.name: getattr(self, each.name)[accounts] for each in fields(self)[2:]}
        return Batch(tuple(self.datas[each] for each in accounts), self.packed.take(accounts), **others)

    def packed_prices(self, account: int, prices: Floats) -> Floats:
        """Prices of factors, cash and rows, (k + 1 + r of the account,), as the batch states them, (k + r,)."""
        k = self.packed.factors
        stated = np.zeros(k + self.packed.rows)
        stated[: len(prices)] = prices
        stated[k] = -prices[k] - self.cash_base[account]
        return stated


def pack(datas: Sequence[OptimizerData], shape: Shape) -> Batch:
    """Pad accounts of one shape. Each must have passed `supports`."""
    return _Packing(tuple(datas), shape).batch()


class _Packing:
    """All accounts' securities and lots one after the other (N and M in all), before they are padded.

    What rules demand is traded first, and the rest stated as a trade beyond it: that is exact, since demanded sales
    take the cheapest lots and a security that must be bought is not sold.
    """

    def __init__(self, datas: tuple[OptimizerData, ...], shape: Shape) -> None:
        self._datas, self._shape = datas, shape
        self._account, self._place = _places([len(data.securities.ids) for data in datas], shape.securities)
        self._lot_account, self._lot_place = _places([len(data.lots.lots) for data in datas], shape.lots)
        self._aversion = self._parameter("risk_aversion")
        self._cash_rows()
        self._lots()
        self._demanded_trades()

    def batch(self) -> Batch:
        n, m = self._shape.securities, self._shape.lots
        packed = Packed(
            aversion=self._aversion,
            constant=self._constant(),
            loadings=self._by_security(self._loadings),
            curvature=self._by_security(self._curvature, 1.0),
            give=self._by_security(1 / self._curvature, 1.0),
            active=self._by_security(self._active),
            exposure=self._exposure,
            sale_cost=self._by_security(self._sale_cost),
            purchase_cost=self._by_security(self._purchase_cost),
            buy_limit=self._by_security(self._buy_limit),
            on_sale=self._by_security(self._on_sale),
            on_purchase=self._by_security(self._on_purchase),
            low=self._low,
            high=self._high,
            least_price=self._least_price,
            most_price=self._most_price,
            lot_security=self._by_lot(self._security - n * self._lot_account, n - 1),
            lot_limit=self._by_lot(self._limit),
            lot_start=np.zeros((0, m)),
            lot_tax=self._by_lot(self._tax),
            contested=self._by_security(self._contested()),
        )
        starts = lot_starts(packed.lot_security, packed.lot_limit, packed.lot_tax, packed.give)
        return Batch(
            datas=self._datas,
            packed=replace(packed, lot_start=starts),
            forced_sales=self._by_lot(self._forced_sales),
            forced_buys=self._by_security(self._forced_buys),
            lot_order=self._by_lot(self._order),
            may_stand_still=self._may_stand_still(),
            tolerance=self._parameter("tolerance"),
            cash_base=self._cash_base,
            demanded=self._by_security((self._held("sell_minimum") > 0) | (self._forced_buys > 0)),
            smallest=self._by_security(self._held("minimum_trade")),
            whole_position=self._by_security(self._held("holding") - self._held("share")),
        )

    def _cash_rows(self) -> None:
        """Costs, and the coupling rows.

        Cash is the first row: missing the target costs `base` a unit of cash, more than the target the difference of
        both prices on top, less than the minimum is not allowed.
        """
        half_spread, tilt = self._held("half_spread"), self._held("tilt")
        churn = self._parameter("churn")[self._account]
        drag, shortfall = self._parameter("cash_drag"), self._parameter("cash_shortfall")
        cash, least, target = (
            np.array([getattr(data, name) for data in self._datas]) for name in ("cash", "cash_minimum", "cash_target")
        )
        below = least < target
        self._cash_base = np.where(below, -shortfall, drag)
        self._cash_cost = self._cash_base * (cash - target)
        base = self._cash_base[self._account]
        self._sale_cost = half_spread + churn + tilt + base * (1 - half_spread)
        self._purchase_cost = half_spread + churn - tilt - base * (1 + half_spread)
        accounts, rows = len(self._datas), self._shape.rows
        self._on_sale, self._on_purchase = (np.zeros((len(half_spread), rows)) for _ in range(2))
        self._on_sale[:, 0], self._on_purchase[:, 0] = 1 - half_spread, -(1 + half_spread)
        self._low, self._high, self._least_price, self._most_price = (np.zeros((accounts, rows)) for _ in range(4))
        self._low[:, 0] = least - cash
        self._high[:, 0] = np.where(below, target - cash, _FAR)
        self._least_price[:, 0] = -HARD_PRICE
        self._most_price[:, 0] = np.where(below, drag + shortfall, 0.0)
        if rows > 1:
            for account, data in enumerate(self._datas):
                self._add_rows(account, data)

    def _add_rows(self, account: int, data: OptimizerData) -> None:
        """The account's own rows; what one unit sold adds is the same for all lots of a security."""
        rows, used = data.rows, slice(1, 1 + len(data.rows))
        mine = np.flatnonzero(self._account == account)
        sale = np.zeros((len(rows), len(mine)))
        sale[:, data.lots.security] = rows.on_sale
        self._on_sale[mine, used] = (sale - rows.on_active).T
        self._on_purchase[mine, used] = rows.purchase_effect.T
        self._low[account, used] = np.maximum(rows.low - rows.start, -_FAR)
        self._high[account, used] = np.minimum(rows.high - rows.start, _FAR)
        self._least_price[account, used] = np.where(np.isinf(rows.low), 0.0, -np.minimum(rows.price_below, HARD_PRICE))
        self._most_price[account, used] = np.where(np.isinf(rows.high), 0.0, np.minimum(rows.price_above, HARD_PRICE))

    def _lots(self) -> None:
        """Lots in the order in which they are sold, none beyond what its security may sell."""
        self._security = self._lot("security") + self._shape.securities * self._lot_account
        self._tax = self._lot("tax")
        starts = np.cumsum([0] + [len(data.lots.lots) for data in self._datas])
        self._order = np.arange(len(self._tax)) - starts[self._lot_account]
        self._limit, self._loss = self._lot("limit"), self._lot("at_loss")
        if ((self._tax[1:] < self._tax[:-1]) & (self._security[1:] == self._security[:-1])).any():
            order = np.lexsort((self._tax, self._security))
            for name in ("_tax", "_order", "_limit", "_loss"):
                setattr(self, name, getattr(self, name)[order])
        most = self._spread(self._held("sell_limit"))
        self._limit = fill(self._security, self._limit, most)

    def _demanded_trades(self) -> None:
        active = np.concatenate([data.active for data in self._datas])
        least_sold, self._forced_buys = self._held("sell_minimum"), self._held("buy_minimum")
        self._buy_limit = np.where(least_sold > 0, 0.0, self._held("buy_limit") - self._forced_buys)
        self._limit = np.where(self._spread(self._forced_buys)[self._security] > 0, 0.0, self._limit)
        self._forced_sales = fill(self._security, self._limit, self._spread(least_sold))
        self._limit = self._limit - self._forced_sales
        self._forced_sold = self._by_place(self._forced_sales)
        self._active = active - self._forced_sold + self._forced_buys
        moved = self._forced_sold[:, None] * self._on_sale + self._forced_buys[:, None] * self._on_purchase
        shift = np.zeros_like(self._low)
        np.add.at(shift, self._account, moved)
        self._low, self._high = self._low - shift, self._high - shift

    def _constant(self) -> Floats:
        """Objective of the demanded trades alone, rows apart."""
        accounts = len(self._datas)
        self._loadings = np.concatenate([data.securities.loadings for data in self._datas])
        self._curvature = self._aversion[self._account] * self._held("variance")
        active = self._by_security(self._active)
        self._exposure = np.matmul(active[:, None, :], self._by_security(self._loadings))[:, 0]
        start = np.concatenate([data.active for data in self._datas])
        linear = self._curvature / 2 * self._active**2 - self._held("tilt") * start
        linear += self._sale_cost * self._forced_sold + self._purchase_cost * self._forced_buys
        tax = sum_by(self._lot_account, self._tax * self._forced_sales, accounts)
        regimes = np.array([data.regimes[0].constant for data in self._datas])
        factor = self._aversion / 2 * (self._exposure**2).sum(axis=1)
        return factor + sum_by(self._account, linear, accounts) + tax + regimes + self._cash_cost

    def _contested(self) -> Flags:
        """Securities that could gain by being sold and bought on one day: they do the one or the other."""
        best = np.full(len(self._datas) * self._shape.securities, np.inf)
        open_ = self._limit > 0
        np.minimum.at(best, self._security[open_], self._tax[open_])
        round_trip = self._on_sale + self._on_purchase
        least = np.minimum(round_trip * self._least_price[self._account], round_trip * self._most_price[self._account])
        cheapest = best[self._place] + self._sale_cost + self._purchase_cost + least.sum(axis=1)
        contested: Flags = (cheapest < 0) & (self._buy_limit > 0)
        return contested

    def _may_stand_still(self) -> Flags:
        """As `OptimizerData.may_stand_still` has it."""
        cash, required = (np.array([getattr(data, name) for data in self._datas]) for name in ("cash", "cash_required"))
        demanded = (self._held("sell_minimum") != 0) | (self._held("buy_minimum") != 0)
        broken = (self._high < 0) & (self._most_price >= HARD_PRICE)
        broken |= (self._low > 0) & (self._least_price <= -HARD_PRICE)
        still: Flags = cash >= required
        return still & ~broken[:, 1:].any(axis=1) & (sum_by(self._account, demanded, len(cash)) == 0)

    def _held(self, name: str) -> Floats:
        return np.concatenate([getattr(data.securities, name) for data in self._datas])

    def _lot(self, name: str) -> Floats:
        return np.concatenate([getattr(data.lots, name) for data in self._datas])

    def _parameter(self, name: str) -> Floats:
        return np.array([getattr(data.parameters, name) for data in self._datas])

    def _by_security(self, values: Any, padding: float = 0.0) -> Any:
        """(N, ...) padded to (A, n, ...)."""
        return _padded(values, self._place, len(self._datas), self._shape.securities, padding)

    def _by_lot(self, values: Any, padding: float = 0.0) -> Any:
        """(M,) padded to (A, m)."""
        return _padded(values, self._lot_place, len(self._datas), self._shape.lots, padding)

    def _spread(self, values: Floats) -> Floats:
        """(N,) at its places in the flattened (A, n)."""
        spread: Floats = self._by_security(values).ravel()
        return spread

    def _by_place(self, amount: Floats) -> Floats:
        """Sums of (M,) by security, (N,)."""
        return sum_by(self._security, amount, len(self._datas) * self._shape.securities)[self._place]


def _padded(values: Any, place: Ints, accounts: int, width: int, padding: float) -> Any:
    padded = np.full((accounts * width, *values.shape[1:]), padding, dtype=values.dtype)
    padded[place] = values
    return padded.reshape(accounts, width, *values.shape[1:])


def _places(sizes: Sequence[int], width: int) -> tuple[Ints, Ints]:
    """For accounts of so many rows: the account of each, and where it goes in the flattened (A, width) array."""
    account = np.repeat(np.arange(len(sizes)), sizes)
    before = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    return account, account * width + np.arange(len(account)) - before[account]
