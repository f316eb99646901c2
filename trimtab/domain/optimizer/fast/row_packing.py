"""The coupling rows of a batch: cash, then the accounts' own.

The penalty of cash has two kinks: above its target a unit costs the drag, below it the shortfall, below its minimum
nothing is allowed. As a row it costs minus the shortfall a unit everywhere (`cash_base`), drag and shortfall more above
the target, and is hard at the minimum. With a minimum above the target it costs the drag a unit everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Floats, Ints
from trimtab.domain.optimizer.fast.packed import HARD_PRICE
from trimtab.domain.optimizer.fast.shapes import Shape, differs_by_lot
from trimtab.domain.optimizer.problem import OptimizerData, Rows

_FAR = 1e3
"""Stands for an interval's end that does not exist; amounts are fractions of account value."""


@dataclass(frozen=True, slots=True, eq=False)
class PackedRows:
    """R rows an account: cash, those in which all lots of a security count alike, the others; N places, M lots."""

    cash_base: Floats  # (A,)
    cash_cost: Floats  # (A,) of the present cash at that base
    on_sale: Floats  # (N, R)
    on_purchase: Floats  # (N, R)
    lot_on_row: Floats  # (M, lot rows)
    low: Floats  # (A, R) room below the present amount
    high: Floats  # (A, R)
    least_price: Floats  # (A, R)
    most_price: Floats  # (A, R)
    place: Ints  # (A, R) of the account's own rows, -1 beyond them


def pack_rows(
    datas: Sequence[OptimizerData], shape: Shape, account: Ints, security: Ints, lot_account: Ints, lot: Ints
) -> PackedRows:
    """`account` and `security` of each place (N,), `lot_account` and `lot` of each lot (M,)."""
    accounts, width = len(datas), shape.rows + shape.lot_rows
    drag, shortfall = (np.array([getattr(data.parameters, name) for data in datas]) for name in _CASH_PRICES)
    cash, least, target = (np.array([getattr(data, name) for data in datas]) for name in _CASH)
    below = least < target
    cash_base = np.where(below, -shortfall, drag)
    rows = PackedRows(
        cash_base=cash_base,
        cash_cost=cash_base * (cash - target),
        on_sale=np.zeros((len(account), width)),
        on_purchase=np.zeros((len(account), width)),
        lot_on_row=np.zeros((len(lot), shape.lot_rows)),
        low=np.zeros((accounts, width)),
        high=np.zeros((accounts, width)),
        least_price=np.zeros((accounts, width)),
        most_price=np.zeros((accounts, width)),
        place=np.full((accounts, width), -1),
    )
    half_spread = np.concatenate([data.securities.half_spread for data in datas])
    starts = np.cumsum([0] + [len(data.securities.ids) for data in datas[:-1]])
    half_spread = half_spread[security + starts[account]]
    rows.on_sale[:, 0], rows.on_purchase[:, 0] = 1 - half_spread, -(1 + half_spread)
    rows.low[:, 0] = least - cash
    rows.high[:, 0] = np.where(below, target - cash, _FAR)
    rows.least_price[:, 0] = -HARD_PRICE
    rows.most_price[:, 0] = np.where(below, drag + shortfall, 0.0)
    if width > 1:
        for number, data in enumerate(datas):
            _add(rows, shape, number, data, account, security, lot_account, lot)
    return rows


_CASH = ("cash", "cash_minimum", "cash_target")
_CASH_PRICES = ("cash_drag", "cash_shortfall")


def _add(
    packed: PackedRows,
    shape: Shape,
    number: int,
    data: OptimizerData,
    account: Ints,
    security: Ints,
    lot_account: Ints,
    lot: Ints,
) -> None:
    """The own rows of one account."""
    rows, by_lot = data.rows, differs_by_lot(data)
    column = np.where(by_lot, shape.rows + np.cumsum(by_lot) - 1, np.cumsum(~by_lot))
    packed.place[number, : len(rows)] = column
    mine = slice(*np.searchsorted(account, (number, number + 1)))
    my_lots = slice(*np.searchsorted(lot_account, (number, number + 1)))
    sale = np.zeros((len(rows), len(data.securities.ids)))
    sale[:, data.lots.security] = np.where(by_lot[:, None], 0.0, rows.on_sale)
    packed.on_sale[mine, column] = (sale - rows.on_active)[:, security[mine]].T
    packed.on_purchase[mine, column] = rows.purchase_effect[:, security[mine]].T
    packed.lot_on_row[my_lots, column[by_lot] - shape.rows] = rows.on_sale[by_lot][:, lot[my_lots]].T
    _add_intervals(packed, number, rows, column)


def _add_intervals(packed: PackedRows, number: int, rows: Rows, column: Ints) -> None:
    packed.low[number, column] = np.maximum(rows.low - rows.start, -_FAR)
    packed.high[number, column] = np.minimum(rows.high - rows.start, _FAR)
    dear_below, dear_above = np.minimum(rows.price_below, HARD_PRICE), np.minimum(rows.price_above, HARD_PRICE)
    packed.least_price[number, column] = np.where(np.isinf(rows.low), 0.0, -dear_below)
    packed.most_price[number, column] = np.where(np.isinf(rows.high), 0.0, dear_above)
