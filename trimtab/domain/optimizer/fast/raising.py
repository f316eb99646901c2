"""Better prices before any solve: Newton steps on the duals, smoothed over the wash branches, of a whole batch.

They serve twice. The bound there proves of most accounts that need no trade that they need none: a bound holds at
whatever prices come out, so nothing is solved and nothing has to be trusted. And of the others they tell the sides
from which the solve starts.
"""

import numpy as np

from trimtab.domain.optimizer.arrays import Floats
from trimtab.domain.optimizer.fast.batches import Batch
from trimtab.domain.optimizer.fast.closed_form import Branching
from trimtab.domain.optimizer.fast.newton import climb
from trimtab.domain.optimizer.fast.packed import Packed
from trimtab.domain.optimizer.fast.partly_washed import bounded_at
from trimtab.domain.optimizer.fast.pieces import Pieces
from trimtab.domain.optimizer.fast.retaxing import on_pieces
from trimtab.domain.optimizer.fast.screen import bound_at
from trimtab.domain.optimizer.fast.sides import ANNEALING_STEPS, TEMPERATURES


def raised(batch: Batch, pieces: Pieces | None, prices: Floats, bound: Floats) -> tuple[Floats, Floats]:
    """From `prices` (A, k + r) with their `bound` (A,): the better ones, and theirs.

    Partly washed lots are taxed as on the `pieces` that are best at `prices`.
    """
    on = batch if pieces is None else on_pieces(batch, pieces.take(np.flatnonzero(pieces.best)))
    return or_better(batch, pieces, prices, bound, _annealed(on.packed, prices))


def or_better(
    batch: Batch, pieces: Pieces | None, prices: Floats, bound: Floats, others: Floats
) -> tuple[Floats, Floats]:
    """The `others` (A, k + r) where their bound is higher, and it; else `prices` and `bound`.

    The bounds are those of the true tax of partly washed lots, and the pieces are told which are best at the others.
    """
    if pieces is None:
        value = bound_at(batch.packed, others)
    else:
        there = bounded_at(batch.packed, pieces, others)
        value = there.value
        pieces.choose(there.chosen, value > bound)
    higher = value > bound
    return np.where(higher[:, None], others, prices), np.where(higher, value, bound)


def _annealed(packed: Packed, prices: Floats) -> Floats:
    for temperature, arrived in TEMPERATURES:
        way = Branching(temperature)
        prices = climb(packed, prices, way, most_steps=ANNEALING_STEPS, arrived=arrived).answers.prices
    return prices
