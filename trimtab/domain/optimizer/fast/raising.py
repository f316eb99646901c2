"""Better prices before any solve: Newton steps on the duals, smoothed over the wash branches, of a whole batch.

They serve twice. The bound there proves of most accounts that need no trade that they need none: a bound holds at
whatever prices come out, so nothing is solved and nothing has to be trusted. And of the others they tell the sides
from which the solve starts.
"""

import numpy as np

from trimtab.domain.optimizer.arrays import Floats
from trimtab.domain.optimizer.fast.closed_form import Branching
from trimtab.domain.optimizer.fast.newton import climb
from trimtab.domain.optimizer.fast.packing import Batch
from trimtab.domain.optimizer.fast.partly_washed import bounded
from trimtab.domain.optimizer.fast.pieces import Pieces
from trimtab.domain.optimizer.fast.retaxing import on_pieces
from trimtab.domain.optimizer.fast.screen import bound_at, within_range
from trimtab.domain.optimizer.fast.sides import ANNEALING_STEPS, TEMPERATURES


def raised(batch: Batch, pieces: Pieces | None, prices: Floats, bound: Floats, enough: Floats) -> tuple[Floats, Floats]:
    """From `prices` (A, k + r) with their `bound` (A,): the better ones, and theirs.

    An account is left alone once its bound is above `enough` (A,). Partly washed lots are taxed as on the pieces that
    are best at the prices so far; the bounds are those of their true tax.
    """
    prices, bound = prices.copy(), bound.copy()
    for temperature, arrived in TEMPERATURES:
        rows = np.flatnonzero(bound <= enough)
        if not len(rows):
            break
        here = batch.take(rows)
        its = pieces.of(rows) if pieces is not None else None
        on = here if its is None else on_pieces(here, its, prices[rows])
        way = climb(on.packed, prices[rows], Branching(temperature), most_steps=ANNEALING_STEPS, arrived=arrived)
        value = true_bound(here, its, way.answers.prices)
        better = np.flatnonzero(value > bound[rows])
        prices[rows[better]], bound[rows[better]] = way.answers.prices[better], value[better]
    return prices, bound


def true_bound(batch: Batch, pieces: Pieces | None, prices: Floats) -> Floats:
    """At `prices` (A, k + r), (A,): with the true tax of partly washed lots."""
    if pieces is None:
        return bound_at(batch.packed, prices)
    return bounded(batch.packed, pieces, within_range(batch.packed, prices)).value
