"""Trades too small to send: those below half the minimum are dropped, the rest solved again, then those below it.

`search.drop_small_trades` does the same for one account.
"""

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, sum_by
from trimtab.domain.optimizer.fast.packing import Batch
from trimtab.domain.optimizer.fast.sides import Settled, on_sides
from trimtab.domain.optimizer.wash_sides import DUST

_ROUNDS = (0.5, 1.0, 1.0)


def drop_small_trades(batch: Batch, settled: Settled) -> Settled:
    """The settled accounts without small trades; an account that needs one (for its cash) keeps them."""
    settled = settled.take(np.arange(batch.accounts))
    packed = batch.packed
    dropped = np.zeros_like(packed.contested)
    giving_up = ~settled.arrived
    for share in _ROUNDS:
        small = _small(batch, settled, share) & ~dropped & ~giving_up[:, None]
        rows = np.flatnonzero(small.any(axis=1))
        if not len(rows):
            continue
        dropped[rows] |= small[rows]
        lots = np.take_along_axis(dropped[rows], packed.lot_security[rows], axis=1)
        smaller = packed.take(rows).without(lots, dropped[rows])
        solved = on_sides(smaller, settled.answers.prices[rows], settled.buying[rows])
        giving_up[rows] = ~solved.arrived
        solved.bound[:] = settled.bound[rows]
        settled.replaced(rows[solved.arrived], solved.take(np.flatnonzero(solved.arrived)))
    return settled


def net_trades(batch: Batch, settled: Settled) -> tuple[Floats, Floats]:
    """Sold and bought by security, (A, n) each, with what rules demand."""
    packed, answers = batch.packed, settled.answers
    demanded = sum_by(packed.lot_place, batch.forced_sales.ravel(), packed.active.size).reshape(packed.active.shape)
    return answers.sale_weight * answers.sold + demanded, answers.purchase_weight * answers.bought + batch.forced_buys


def _small(batch: Batch, settled: Settled, share: float) -> Flags:
    """Trades below `share` of the minimum that neither close a position nor are demanded by a rule, (A, n)."""
    sold, bought = net_trades(batch, settled)
    traded = sold + bought
    closing = (sold > 0) & (sold >= batch.whole_position - DUST)
    small: Flags = (traded > DUST) & (traded < share * batch.smallest - DUST) & ~closing & ~batch.demanded
    return small
