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

    Partly washed lots are taxed as on the `pieces` that are best at `prices`, and the pieces are told which are best at
    the better ones; the bounds are those of their true tax.
    """
    if pieces is None:
        better = _annealed(batch.packed, prices)
        value = bound_at(batch.packed, better)
    else:
        better = _annealed(on_pieces(batch, pieces.take(np.flatnonzero(pieces.best))).packed, prices)
        there = bounded_at(batch.packed, pieces, better)
        value = there.value
        pieces.choose(there.chosen, value > bound)
    higher = value > bound
    return np.where(higher[:, None], better, prices), np.where(higher, value, bound)


def _annealed(packed: Packed, prices: Floats) -> Floats:
    for temperature, arrived in TEMPERATURES:
        way = Branching(temperature)
        prices = climb(packed, prices, way, most_steps=ANNEALING_STEPS, arrived=arrived).answers.prices
    return prices
