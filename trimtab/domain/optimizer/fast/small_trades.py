"""Trades too small to send: those below half the minimum are dropped, the rest solved again, then those below it.

`search.drop_small_trades` does the same for one account.
"""

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, sum_by
from trimtab.domain.optimizer.fast.batches import Batch
from trimtab.domain.optimizer.fast.packed import by_lot
from trimtab.domain.optimizer.fast.sides import Settled, on_sides
from trimtab.domain.optimizer.wash_sides import DUST

_ROUNDS = (0.5, 1.0, 1.0)

_NEAR = 1e-7
"""Duality gap at which a round ends: a thousandth of a basis point, far below what whole shares cost."""


def drop_small_trades(batch: Batch, settled: Settled) -> Settled:
    """The settled accounts without small trades; an account that needs one (for its cash) keeps them."""
    settled = settled.take(np.arange(batch.accounts))
    dropped = np.zeros_like(batch.packed.contested)
    giving_up = ~settled.arrived
    for share in _ROUNDS:
        small = _small(batch, settled, share) & ~dropped & ~giving_up[:, None]
        rows = np.flatnonzero(small.any(axis=1))
        if not len(rows):
            continue
        dropped[rows] |= small[rows]
        packed = batch.packed.take(rows)
        smaller = packed.without(by_lot(dropped[rows], packed.lot_security), dropped[rows])
        solved = on_sides(smaller, settled.answers.prices[rows], settled.buying[rows], arrived=_NEAR)
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
