"""From a batch's places back to an account's lots, securities and prices."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sum_by
from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.capacity import contested_securities
from trimtab.domain.optimizer.fast.batches import Batch
from trimtab.domain.optimizer.fast.closed_form import Answers
from trimtab.domain.optimizer.fast.sides import Settled
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.relaxation import Solution
from trimtab.domain.optimizer.wash_sides import Found, Sides


def found(batch: Batch, settled: Settled, finished: Settled, row: int) -> Found:
    """One account's trades (`finished`), with the sides and the bound with which it was `settled`."""
    data, packed, answers = batch.datas[row], batch.packed, finished.answers
    n = len(data.securities.ids)
    places = batch.places[row]
    bought = answers.purchase_weight[row, :places] * answers.bought[row, :places] + batch.forced_buys[row, :places]
    security = batch.security[row, :places]
    lot_sells = lots_sold(batch, answers, row)
    buys = sum_by(security, bought, n)
    chosen = np.zeros(n, dtype=np.bool_)
    chosen[security] |= settled.buying[row, packed.head[row, :places]]
    return Found(
        problem=_on_pieces(batch, row),
        solution=Solution(lot_sells, buys, prices_of(batch, answers.prices[row], row)),
        sides=_sides(data, chosen | (buys > 0), _closed(batch, row)),
        bound=float(settled.bound[row]),
        prices=prices_of(batch, settled.proof[row], row),
        further=tuple(prices_of(batch, each, row) for each in settled.further[row]),
    )


def _on_pieces(batch: Batch, row: int) -> OptimizerData:
    """The account's problem, with lots that were solved at their unwashed tax taxed so: what is washed comes on top."""
    data, used = batch.datas[row], batch.lots[row]
    tax, limit = data.lots.tax.copy(), data.lots.limit.copy()
    tax[batch.lot[row, :used]] = batch.packed.lot_tax[row, :used]
    unwashed = tax != data.lots.tax
    if not unwashed.any():
        return data
    most = batch.packed.lot_limit[row, :used] + batch.forced_sales[row, :used]
    limit[batch.lot[row, :used]] = np.where(unwashed[batch.lot[row, :used]], most, limit[batch.lot[row, :used]])
    lots = replace(data.lots, tax=tax, limit=limit, washed=np.where(unwashed, 0.0, data.lots.washed))
    return replace(data, lots=lots, regimes=(replace(data.regimes[0], lot_tax=tax),))


def all_prices(batch: Batch, prices: Floats) -> list[Prices]:
    """`prices_of` of every account of the batch, from its (A, k + r)."""
    k = batch.packed.factors
    factors, rows, place = prices[:, :k].copy(), prices[:, k:].copy(), batch.row
    cash = (-(batch.cash_base + prices[:, k])).tolist()
    used = [len(data.rows) for data in batch.datas]
    return [
        Prices(factors[row], cash[row], rows[row, place[row, :own]] if own else _NO_ROWS)
        for row, own in enumerate(used)
    ]


_NO_ROWS: Floats = np.zeros(0)


def prices_of(batch: Batch, prices: Floats, row: int) -> Prices:
    """One account's prices as its problem states them, from the batch's (k + r,)."""
    k = batch.packed.factors
    place = batch.row[row, : len(batch.datas[row].rows)]
    return Prices(prices[:k].copy(), -float(batch.cash_base[row] + prices[k]), prices[k:][place])


def packed_prices(batch: Batch, prices: Sequence[Floats], rows: Ints) -> Floats:
    """The reverse for some accounts: (q, k + r) from each one's factors, cash and rows, (k + 1 + its rows,)."""
    k = batch.packed.factors
    packed = np.zeros((len(rows), k + batch.packed.rows))
    packed[:, : k + 1] = [each[: k + 1] for each in prices]
    packed[:, k] = -packed[:, k] - batch.cash_base[rows]
    if batch.packed.rows > 1:
        for row, number, each in zip(packed, rows.tolist(), prices, strict=True):
            row[k + batch.row[number, : len(each) - k - 1]] = each[k + 1 :]
    return packed


def yesterdays_sides(batch: Batch, sides: Ints, row: int) -> Ints:
    """Each head's side, (n,), from those of the account's securities, (its n,): 1 bought, -1 sold, 0 unknown."""
    places = batch.places[row]
    by_head = np.zeros(batch.packed.active.shape[1], dtype=np.int64)
    np.add.at(by_head, batch.packed.head[row, :places], sides[batch.security[row, :places]])
    return np.sign(by_head)


def lots_sold(batch: Batch, answers: Answers, row: int) -> Floats:
    """One account's sales by lot, (its m,)."""
    used = batch.lots[row]
    weight = answers.sale_weight[row, batch.packed.lot_security[row, :used]]
    sold = answers.lot_sales[row, :used] * weight + batch.forced_sales[row, :used]
    return sum_by(batch.lot[row, :used], sold, len(batch.datas[row].lots.lots))


def _closed(batch: Batch, row: int) -> Flags:
    closed = np.zeros(len(batch.datas[row].lots.lots), dtype=np.bool_)
    closed[batch.lot[row][batch.closed[row]]] = True
    return closed


def _sides(data: OptimizerData, buying: Flags, closed_lots: Flags) -> Sides:
    """What the branches leave open: no loss of a contested key that is bought, no purchase of one that is not."""
    contested, key = contested_securities(data), data.securities.wash_key
    bought_key = sum_by(key, buying, data.securities.keys) > 0
    on_buying = contested & bought_key[key]
    closed = on_buying[data.lots.security] & data.lots.at_loss
    return Sides(~(closed | closed_lots), ~(contested & ~on_buying) & (data.securities.buy_limit > 0))
