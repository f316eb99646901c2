"""The first lane: many accounts in, for each what was found, a proof that nothing is worth trading, or why neither.

Accounts are sorted into buckets of one shape and solved in batches; an account's answer does not depend on its batch
mates. One process a core runs this: it is single-threaded numpy.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints
from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.capacity import contested_securities
from trimtab.domain.optimizer.fast.closed_form import CHEAPEST, answer
from trimtab.domain.optimizer.fast.packed import Packed
from trimtab.domain.optimizer.fast.packing import Batch, pack, shape_of, supports
from trimtab.domain.optimizer.fast.patterns import search_tail
from trimtab.domain.optimizer.fast.screen import bound_at, doing_nothing, standing_prices
from trimtab.domain.optimizer.fast.sides import Settled, on_sides, settle
from trimtab.domain.optimizer.fast.small_trades import drop_small_trades
from trimtab.domain.optimizer.fast.warm import WarmStart
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.relaxation import Solution
from trimtab.domain.optimizer.screening import NoTradeCertificate
from trimtab.domain.optimizer.wash_sides import Found, Sides

MOST_AT_ONCE = 128
"""Accounts of a batch: more no longer fit the caches, fewer pay more for each call."""

WORTH_OTHER_SIDES = 5e-5
"""Yesterday's sides are kept unless others gain more than half a basis point."""


@dataclass(frozen=True, slots=True)
class Declined:
    """The account belongs to the other lane."""

    reason: str


Answered = Found | NoTradeCertificate | Declined


def solve_batch(datas: Sequence[OptimizerData], warm: Sequence[WarmStart | None] | None = None) -> list[Answered]:
    """What was found for each account, in their order."""
    answered: list[Answered | None] = [None] * len(datas)
    starts = warm or [None] * len(datas)
    for bucket in _buckets(datas, answered):
        batch = pack([datas[index] for index in bucket], shape_of(datas[bucket[0]]))
        for index, each in zip(bucket, _solve(batch, [starts[index] for index in bucket]), strict=True):
            answered[index] = each
    return [each if each is not None else Declined("not asked") for each in answered]


def _buckets(datas: Sequence[OptimizerData], answered: list[Answered | None]) -> Iterator[list[int]]:
    """Places of accounts of one shape, so many at once; those that the kernel does not know are declined."""
    by_shape: dict[object, list[int]] = {}
    for index, data in enumerate(datas):
        unknown = supports(data)
        if unknown is None:
            by_shape.setdefault(shape_of(data), []).append(index)
        else:
            answered[index] = Declined(unknown)
    for places in by_shape.values():
        for start in range(0, len(places), MOST_AT_ONCE):
            yield places[start : start + MOST_AT_ONCE]


def _solve(batch: Batch, starts: Sequence[WarmStart | None]) -> list[Answered]:
    """Screen, then solve what is left."""
    answered: list[Answered | None] = [None] * batch.accounts
    prices, bound = _screened(batch, starts)
    _certify(batch, bound, np.arange(batch.accounts), answered)
    rows = np.array([row for row, each in enumerate(answered) if each is None], dtype=np.int64)
    if len(rows):
        left = batch.take(rows)
        settled = _settled(left, prices[rows], [starts[row] for row in rows])
        np.maximum(settled.bound, bound[rows], out=settled.bound)
        _certify(left, settled.bound, rows, answered)
        _finish(left, settled, rows, answered)
    return [each if each is not None else Declined("not asked") for each in answered]


def _screened(batch: Batch, starts: Sequence[WarmStart | None]) -> tuple[Floats, Floats]:
    """The better of standing and yesterday's prices, (A, k + r), and the bound at them, (A,)."""
    packed = batch.packed
    prices = standing_prices(packed)
    bound = bound_at(packed, prices)
    open_ = doing_nothing(packed) - bound >= batch.tolerance
    known = [start is not None and start.prices is not None for start in starts]
    rows = np.flatnonzero(np.array(known, dtype=np.bool_) & (open_ | ~batch.may_stand_still))
    if len(rows):
        warm = np.stack([batch.packed_prices(int(row), starts[row].prices) for row in rows])
        at_warm = bound_at(packed.take(rows), warm)
        better = at_warm > bound[rows]
        prices[rows[better]] = warm[better]
        bound[rows] = np.maximum(bound[rows], at_warm)
    return prices, bound


def _certify(batch: Batch, bound: Floats, places: Ints, answered: list[Answered | None]) -> None:
    """Answer the accounts for which nothing is worth trading."""
    most = doing_nothing(batch.packed) - bound
    for row in np.flatnonzero(batch.may_stand_still & (most < batch.tolerance)):
        answered[places[row]] = NoTradeCertificate(max(float(most[row]), 0.0))


def _settled(batch: Batch, prices: Floats, starts: Sequence[WarmStart | None]) -> Settled:
    """Yesterday's sides where they are known and no others gain more than half a basis point, else a search."""
    packed = batch.packed
    sides = np.zeros(packed.active.shape, dtype=np.int64)
    for row, start in enumerate(starts):
        if start is not None:
            sides[row, : len(start.sides)] = start.sides
    known = (packed.contested & (sides != 0)).any(axis=1)
    if not known.any():
        return search_tail(packed, settle(packed, prices))
    rows, others = np.flatnonzero(known), np.flatnonzero(~known)
    kept = _kept_sides(packed.take(rows), prices[rows], sides[rows])
    if not len(others):
        return kept
    cold = packed.take(others)
    return kept.joined(search_tail(cold, settle(cold, prices[others]))).take(np.argsort(np.concatenate((rows, others))))


def _kept_sides(packed: Packed, prices: Floats, sides: Ints) -> Settled:
    at_prices = answer(packed, prices, CHEAPEST)
    buying = np.where(sides == 0, at_prices.purchase_weight > 0, sides > 0)
    kept = on_sides(packed, prices, buying)
    rows = np.flatnonzero((kept.gap > WORTH_OTHER_SIDES) | ~kept.arrived)
    if len(rows):
        open_ = packed.take(rows)
        found = search_tail(open_, settle(open_, kept.answers.prices[rows]))
        bound = np.maximum(found.bound, kept.bound[rows])
        kept.bound[rows] = found.bound[:] = bound
        better = (found.objective < kept.objective[rows] - WORTH_OTHER_SIDES) | ~kept.arrived[rows]
        kept.replaced(rows[better], found.take(np.flatnonzero(better)))
    return kept


def _finish(batch: Batch, settled: Settled, places: Ints, answered: list[Answered | None]) -> None:
    """Answer the accounts that trade."""
    finished = drop_small_trades(batch, settled)
    for row in range(batch.accounts):
        if answered[places[row]] is None:
            answered[places[row]] = _found(batch, settled, finished, row)


def _found(batch: Batch, settled: Settled, finished: Settled, row: int) -> Found | Declined:
    if not settled.arrived[row]:
        return Declined("not converged")
    data = batch.datas[row]
    n, m = len(data.securities.ids), len(data.lots.lots)
    sold = finished.answers.lot_sales[row, :m]
    sold = sold * finished.answers.sale_weight[row, batch.packed.lot_security[row, :m]] + batch.forced_sales[row, :m]
    lot_sells = np.zeros(m)
    lot_sells[batch.lot_order[row, :m]] = sold
    buys = finished.answers.purchase_weight[row, :n] * finished.answers.bought[row, :n] + batch.forced_buys[row, :n]
    buying = settled.buying[row, :n] | (buys > 0)
    return Found(
        Solution(lot_sells, buys, _prices(batch, finished.answers.prices[row], row)),
        _sides(data, buying),
        float(settled.bound[row]),
    )


def _prices(batch: Batch, prices: Floats, row: int) -> Prices:
    k = batch.packed.factors
    return Prices(prices[:k], -float(batch.cash_base[row] + prices[k]))


def _sides(data: OptimizerData, buying: Flags) -> Sides:
    """What the branches leave open: no loss of a contested security that is bought, no purchase of one that is not."""
    contested = contested_securities(data)
    closed = (contested & buying)[data.lots.security] & data.lots.at_loss
    return Sides(~closed, ~(contested & ~buying) & (data.securities.buy_limit > 0))
