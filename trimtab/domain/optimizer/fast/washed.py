"""Lots of which a recent purchase washes a part, for a batch: `washed_sales.py` settles them for one account.

The kernel sees the chord of their concave tax. Where the true tax of the solution is above it, the lots are closed, the
accounts solved again, and the better of both kept by the true tax.
"""

from dataclasses import replace

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints
from trimtab.domain.optimizer.fast.packing import Batch
from trimtab.domain.optimizer.fast.reading import lots_sold
from trimtab.domain.optimizer.fast.sides import Settled, on_sides
from trimtab.domain.optimizer.wash import washed_excess

_WORTH_A_SOLVE = 1e-6
"""A tax that is less than this above its chord (a hundredth of a basis point) is left as it is."""

_NOTHING = 1e-8  # of one lot: round-off


def settle_washed_sales(batch: Batch, settled: Settled) -> tuple[Batch, Settled]:
    """The batch with lots closed whose tax the solution understates, where that is better, and its solutions."""
    excess = _excess(batch, settled)
    rows = np.flatnonzero((excess.sum(axis=1) > _WORTH_A_SOLVE) & settled.arrived)
    if not len(rows):
        return batch, settled
    closed = excess[rows] > _NOTHING
    nothing = np.zeros_like(batch.packed.contested[rows])
    smaller = batch.packed.take(rows).without(closed, nothing)
    solved = on_sides(smaller, settled.answers.prices[rows], settled.buying[rows])
    after = solved.objective + _excess(batch.take(rows), solved).sum(axis=1)
    better = np.flatnonzero(solved.arrived & (after < settled.objective[rows] + excess[rows].sum(axis=1)))
    if not len(better):
        return batch, settled
    return _with_closed(batch, settled, rows[better], closed[better], solved.take(better))


def _excess(batch: Batch, settled: Settled) -> Floats:
    """What the true tax of each packed lot's sale is above its chord, (A, m)."""
    excess = np.zeros(batch.packed.lot_limit.shape)
    for row, data in enumerate(batch.datas):
        if data.lots.replacements is not None:
            of_lots = washed_excess(data.lots, data.securities.share, lots_sold(batch, settled.answers, row))
            used = batch.lots[row]
            excess[row, :used] = of_lots[batch.lot[row, :used]]
    return excess


def _with_closed(batch: Batch, settled: Settled, rows: Ints, closed: Flags, solved: Settled) -> tuple[Batch, Settled]:
    """`rows` with their lots `closed`; what bounds all lists stays."""
    every = np.zeros(batch.packed.lot_limit.shape, dtype=np.bool_)
    every[rows] = closed
    smaller = batch.packed.without(every, np.zeros_like(batch.packed.contested))
    settled = settled.take(np.arange(batch.accounts))
    for name in ("bound", "proof", "proved", "further"):
        getattr(solved, name)[:] = getattr(settled, name)[rows]
    settled.replaced(rows, solved)
    return replace(batch, packed=smaller, closed=every), settled
