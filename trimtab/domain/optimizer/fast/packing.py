"""From accounts to a batch of padded arrays."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sum_by
from trimtab.domain.optimizer.fast.batches import Batch
from trimtab.domain.optimizer.fast.layouts import side_by_side
from trimtab.domain.optimizer.fast.packed import (
    BOTH,
    HARD_PRICE,
    SELLING,
    Packed,
    first_lots,
    lot_starts,
    padded,
    sums_before,
)
from trimtab.domain.optimizer.fast.row_packing import pack_rows
from trimtab.domain.optimizer.fast.shapes import Shape
from trimtab.domain.optimizer.problem import OptimizerData


def pack(datas: Sequence[OptimizerData], shape: Shape) -> Batch:
    """Pad accounts of one shape, each in one regime. Each must have passed `supports`."""
    return _Packing(tuple(datas), shape).batch()


class _Packing:
    """All accounts' places and lots one after the other (N and M in all), before they are padded.

    What rules demand is traded first, and the rest stated as a trade beyond it: that is exact while the order of the
    lots is fixed, since demanded sales take the cheapest lots and a security that must be bought is not sold.
    """

    def __init__(self, datas: tuple[OptimizerData, ...], shape: Shape) -> None:
        self._datas, self._shape = datas, shape
        self._securities = [data.securities for data in datas]
        self._columns: dict[str, Floats] = {}
        layout = side_by_side(datas, shared=shape.shared)
        self._source, self._lot_source = layout.source, layout.lot_source
        self._account, self._lot_account = layout.account, layout.lot_account
        self._number = layout.place
        self._place = self._account * shape.securities + layout.place
        self._lot_place = self._lot_account * shape.lots + layout.lot_number
        self._at, self._lot_at = layout.security, layout.lot
        self._branch, self._head, self._own = layout.branch, layout.head, layout.own
        self._security = layout.lot_place + shape.securities * self._lot_account
        self._lot_security = self._by_lot(layout.lot_place, shape.securities - 1)
        self._lot_first = first_lots(self._lot_security)
        self._aversion = self._parameter("risk_aversion")
        self._curvature = self._aversion[self._account] * self._held("variance")
        self._rows = pack_rows(datas, shape, self._account, self._at, self._lot_account, self._lot_at)
        self._lots()
        self._costs()
        self._demanded_trades()

    def batch(self) -> Batch:
        heads = np.tile(np.arange(self._shape.securities), (len(self._datas), 1))
        heads.ravel()[self._place] = self._head
        return Batch(
            datas=self._datas,
            packed=self._packed(heads),
            forced_sales=self._by_lot(self._forced_sales),
            forced_buys=self._by_place(self._forced_buys),
            places=np.bincount(self._account, minlength=len(self._datas)),
            lots=np.bincount(self._lot_account, minlength=len(self._datas)),
            security=self._by_place(self._at),
            lot=self._by_lot(self._lot_at),
            closed=np.zeros((len(self._datas), self._shape.lots), dtype=np.bool_),
            row=self._rows.place,
            may_stand_still=self._may_stand_still(),
            tolerance=np.array([data.tolerance for data in self._datas]),
            cash_base=self._cash_base,
            demanded=self._by_place((self._held("sell_minimum") > 0) | (self._held("buy_minimum") > 0)),
            smallest=self._by_place(self._held("minimum_trade")),
            whole_position=self._by_place(self._held("holding") - self._held("share")),
        )

    def _packed(self, heads: Ints) -> Packed:
        rows, loadings = self._rows, self._loadings()
        active = self._by_place(self._active)
        exposure = np.matmul(self._by_place(np.where(self._own, self._active, 0.0))[:, None, :], loadings)[:, 0]
        packed = Packed(
            aversion=self._aversion,
            constant=self._constant() + self._aversion / 2 * (exposure**2).sum(axis=1),
            loadings=loadings,
            curvature=self._by_place(self._curvature, 1.0),
            give=self._by_place(1 / self._curvature, 1.0),
            active=active,
            exposure=exposure,
            sale_cost=self._by_place(self._sale_cost),
            purchase_cost=self._by_place(self._purchase_cost),
            buy_limit=self._by_place(self._buy_limit),
            on_sale=self._by_place(rows.on_sale),
            on_purchase=self._by_place(rows.on_purchase),
            low=rows.low - self._shift,
            high=rows.high - self._shift,
            least_price=rows.least_price,
            most_price=rows.most_price,
            lot_security=self._lot_security,
            lot_first=self._lot_first,
            lot_limit=self._by_lot(self._limit),
            lot_start=np.zeros((len(self._datas), self._shape.lots)),
            lot_tax=self._by_lot(self._tax),
            lot_on_row=self._by_lot(rows.lot_on_row),
            least_sold=self._by_place(self._least_sold),
            most_sold=self._by_place(self._held("sell_limit")),
            contested=self._by_place(self._contested()),
            head=heads,
            branch=self._by_place(self._branch),
            shared=self._shape.shared,
        )
        return replace(packed, lot_start=lot_starts(packed, packed.lot_limit, packed.lot_tax))

    def _loadings(self) -> Floats:
        """(A, n, k)"""
        if self._shape.shared:
            loadings: Floats = self._by_place(self._of_securities("loadings"))
            return loadings
        loadings = np.zeros((len(self._datas), self._shape.securities, self._shape.factors))
        for row, each in enumerate(self._securities):
            loadings[row, : len(each.ids)] = each.loadings
        return loadings

    def _lots(self) -> None:
        """Lots in the order in which they are sold; with a fixed order none beyond what its security may sell."""
        self._tax, self._limit = self._lot("tax"), self._lot("limit")
        if ((self._tax[1:] < self._tax[:-1]) & (self._security[1:] == self._security[:-1])).any():
            order = np.lexsort((self._tax, self._security))
            self._tax, self._limit, self._lot_at = self._tax[order], self._limit[order], self._lot_at[order]
            self._rows = replace(self._rows, lot_on_row=self._rows.lot_on_row[order])
        if not self._shape.lot_rows:
            self._limit = self._filled(self._held("sell_limit"))

    def _filled(self, total: Floats) -> Floats:
        """Sales by lot, (M,), that reach `total`, (N,), from the front of each security.

        Summed account by account: the last bit of a running sum over all of them would depend on the batch.
        """
        if not total.any():
            return np.zeros(len(self._limit))
        before = sums_before(first_lots(self._by_lot(self._security, -1)), self._by_lot(self._limit)).ravel()[
            self._lot_place
        ]
        total = self._spread(total)[self._security]
        filled: Floats = np.where(total > 0, np.clip(total - before, 0.0, self._limit), 0.0)
        return filled

    def _costs(self) -> None:
        """Of one unit sold and bought, (N,). Missing the cash target costs `cash_base` a unit, see `row_packing`."""
        half_spread, tilt = self._held("half_spread"), self._held("tilt")
        churn = self._parameter("churn")[self._account]
        self._cash_base = self._rows.cash_base
        base = self._cash_base[self._account]
        self._sale_cost = half_spread + churn + tilt + base * (1 - half_spread)
        self._purchase_cost = half_spread + churn + self._held("preference") - tilt - base * (1 + half_spread)

    def _demanded_trades(self) -> None:
        least_sold, self._forced_buys = self._held("sell_minimum"), self._held("buy_minimum")
        no_purchase = (least_sold > 0) | (self._branch == SELLING)
        self._buy_limit = np.where(no_purchase, 0.0, self._held("buy_limit") - self._forced_buys)
        self._limit = np.where(self._spread(self._forced_buys)[self._security] > 0, 0.0, self._limit)
        self._least_sold = least_sold if self._shape.lot_rows else np.zeros_like(least_sold)
        self._forced_sales = self._filled(least_sold - self._least_sold)
        self._limit = self._limit - self._forced_sales
        self._forced_sold = sum_by(self._security, self._forced_sales, self._sizes)[self._place]
        start = self._held("holding") + self._held("away") - self._held("target")
        self._active = start - self._forced_sold + self._forced_buys
        rows = self._rows
        moved = self._forced_sold[:, None] * rows.on_sale + self._forced_buys[:, None] * rows.on_purchase
        self._shift = np.zeros_like(rows.low)
        np.add.at(self._shift, self._account[moved.any(axis=1)], moved[moved.any(axis=1)])

    def _constant(self) -> Floats:
        """Objective of the demanded trades alone, (A,), without factor risk and what rows charge."""
        accounts = len(self._datas)
        linear = self._curvature / 2 * self._active**2 - self._held("tilt") * (self._active + self._forced_sold)
        linear += self._held("tilt") * self._forced_buys
        linear += self._sale_cost * self._forced_sold + self._purchase_cost * self._forced_buys
        tax = sum_by(self._lot_account, self._tax * self._forced_sales, accounts)
        regimes = np.array([data.regimes[0].constant for data in self._datas])
        own = sum_by(self._account, np.where(self._own, linear, 0.0), accounts)
        constant: Floats = own + tax + regimes + self._rows.cash_cost
        return constant

    def _contested(self) -> Flags:
        """Places that could gain by selling and buying on one day, and heads of shared keys: the one or the other."""
        rows = self._rows
        best = np.full(self._sizes, np.inf)
        open_ = self._limit > 0
        first_lot_row = rows.least_price.shape[1] - self._shape.lot_rows
        lot_account = self._lot_account
        by_lot = _least(
            rows.lot_on_row, rows.least_price[lot_account, first_lot_row:], rows.most_price[lot_account, first_lot_row:]
        )
        np.minimum.at(best, self._security[open_], (self._tax + by_lot)[open_])
        round_trip = _least(
            rows.on_sale + rows.on_purchase, rows.least_price[self._account], rows.most_price[self._account]
        )
        cheapest = best[self._place] + self._sale_cost + self._purchase_cost + round_trip
        alone: Flags = (cheapest < 0) & (self._buy_limit > 0) & (self._branch == BOTH)
        if not self._shape.shared:
            return alone
        head: Flags = (self._branch != BOTH) & (self._head == self._number)
        return alone | head

    def _may_stand_still(self) -> Flags:
        """As `OptimizerData.may_stand_still` has it."""
        cash, required = (np.array([getattr(data, name) for data in self._datas]) for name in ("cash", "cash_required"))
        demanded = (self._held("sell_minimum") != 0) | (self._held("buy_minimum") != 0)
        rows = self._rows
        broken = (rows.high < 0) & (rows.most_price >= HARD_PRICE)
        broken |= (rows.low > 0) & (rows.least_price <= -HARD_PRICE)
        still: Flags = cash >= required
        still &= ~broken[:, 1:].any(axis=1) & (sum_by(self._account, demanded, len(cash)) == 0)
        return still

    @property
    def _sizes(self) -> int:
        return len(self._datas) * self._shape.securities

    def _held(self, name: str) -> Floats:
        """(N,)"""
        if name not in self._columns:
            self._columns[name] = self._of_securities(name)
        return self._columns[name]

    def _of_securities(self, name: str) -> Any:
        """(N, ...)"""
        values = np.concatenate([getattr(each, name) for each in self._securities])
        return values[self._source] if self._shape.shared else values

    def _lot(self, name: str) -> Floats:
        """(M,)"""
        values: Floats = np.concatenate([getattr(data.lots, name) for data in self._datas])
        return values[self._lot_source] if self._shape.shared else values

    def _parameter(self, name: str) -> Floats:
        return np.array([getattr(data.parameters, name) for data in self._datas])

    def _by_place(self, values: Any, padding: float = 0.0) -> Any:
        """(N, ...) padded to (A, n, ...)."""
        return padded(values, self._place, len(self._datas), self._shape.securities, padding)

    def _by_lot(self, values: Any, padding: float = 0.0) -> Any:
        """(M, ...) padded to (A, m, ...)."""
        return padded(values, self._lot_place, len(self._datas), self._shape.lots, padding)

    def _spread(self, values: Floats) -> Floats:
        """(N,) at its places in the flattened (A, n)."""
        spread: Floats = self._by_place(values).ravel()
        return spread


def _least(amount: Floats, least_price: Floats, most_price: Floats) -> Floats:
    """The least that amounts (..., r) cost at prices in between, (...,)."""
    least: Floats = np.minimum(amount * least_price, amount * most_price).sum(axis=-1)
    return least
