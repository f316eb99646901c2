"""The sides of a batch: yesterday's where they are known, so that proposals stay calm, else by a search."""

import numpy as np

from trimtab.domain.optimizer.arrays import Floats, Ints
from trimtab.domain.optimizer.fast.closed_form import gains, hardened
from trimtab.domain.optimizer.fast.packed import Packed
from trimtab.domain.optimizer.fast.patterns import search_tail
from trimtab.domain.optimizer.fast.sides import Settled, keep_better, on_sides, settle, settle_near

WORTH_OTHER_SIDES = 5e-5
"""Yesterday's sides are kept unless others gain more than half a basis point."""


def settled_batch(packed: Packed, prices: Floats, sides: Ints, *, annealed: bool = False) -> Settled:
    """From `prices` (A, k + r), `annealed` or not, and yesterday's `sides` (A, n): 1 bought, -1 sold, 0 unknown."""
    search = settle_near if annealed else settle
    known = (packed.contested & (sides != 0)).any(axis=1)
    if not known.any():
        return search_tail(packed, search(packed, prices))
    rows, others = np.flatnonzero(known), np.flatnonzero(~known)
    kept = _kept_sides(packed.take(rows), prices[rows], sides[rows])
    if not len(others):
        return kept
    cold = packed.take(others)
    settled = kept.joined(search_tail(cold, search(cold, prices[others])))
    return settled.take(np.argsort(np.concatenate((rows, others))))


def _kept_sides(packed: Packed, prices: Floats, sides: Ints) -> Settled:
    """Securities without a side of yesterday take the better one at `prices`."""
    at_prices = gains(packed, prices)
    kept = on_sides(packed, prices, np.where(sides == 0, at_prices.if_bought > at_prices.if_sold, sides > 0))
    kept.raise_bound(np.arange(packed.accounts), hardened(packed, at_prices), at_prices.prices)
    rows = np.flatnonzero((kept.gap > WORTH_OTHER_SIDES) | ~kept.arrived)
    if len(rows):
        open_ = packed.take(rows)
        searched = search_tail(open_, settle(open_, kept.answers.prices[rows]))
        keep_better(kept, rows, searched, by=WORTH_OTHER_SIDES)
    return kept
