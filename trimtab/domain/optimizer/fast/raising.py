"""Better prices before any solve: Newton steps on the duals, smoothed over the wash branches, of a whole batch.

They serve twice. The bound there proves of most accounts that need no trade that they need none: a bound holds at
whatever prices come out, so nothing is solved and nothing has to be trusted. And of the others they tell the sides
from which the solve starts.
"""

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints
from trimtab.domain.optimizer.fast.closed_form import Branching
from trimtab.domain.optimizer.fast.newton import climb
from trimtab.domain.optimizer.fast.packed import Packed
from trimtab.domain.optimizer.fast.packing import Batch
from trimtab.domain.optimizer.fast.partly_washed import bounded_at
from trimtab.domain.optimizer.fast.pieces import Pieces
from trimtab.domain.optimizer.fast.retaxing import on_pieces
from trimtab.domain.optimizer.fast.screen import bound_at
from trimtab.domain.optimizer.fast.sides import ANNEALING_STEPS, TEMPERATURES


def raised(batch: Batch, pieces: Pieces | None, prices: Floats, bound: Floats, enough: Floats) -> tuple[Floats, Floats]:
    """From `prices` (A, k + r) with their `bound` (A,): the better ones, and theirs.

    An account is left alone once its bound is above `enough` (A,). Partly washed lots are taxed as on the pieces that
    are best at the prices so far; the bounds are those of their true tax.
    """
    best = _Best(batch, pieces, prices.copy(), bound.copy())
    for temperature, arrived in TEMPERATURES:
        rows = np.flatnonzero(best.bound <= enough)
        if len(rows):
            best.climb(rows, temperature, arrived)
    return best.prices, best.bound


class _Best:
    """The best prices so far, (A, k + r), their bounds, (A,), and which pieces are best there, (P,)."""

    def __init__(self, batch: Batch, pieces: Pieces | None, prices: Floats, bound: Floats) -> None:
        self._batch, self._pieces = batch, pieces
        self.prices, self.bound = prices, bound
        self._chosen: Flags = np.zeros(0, dtype=np.bool_)
        if pieces is not None:
            self._chosen = pieces.flagged(bounded_at(batch.packed, pieces, prices).chosen)

    def climb(self, rows: Ints, temperature: float, arrived: float) -> None:
        """Some accounts' smoothed duals, on the best pieces."""
        here = self._batch if len(rows) == self._batch.accounts else self._batch.take(rows)
        mine = self._pieces.of(rows) if self._pieces is not None else None
        if self._pieces is None or mine is None:
            prices = self._climbed(here.packed, rows, temperature, arrived)
            self._offer(rows, prices, bound_at(here.packed, prices))
            return
        at, _ = self._pieces.among(rows)
        on = on_pieces(here, mine.take(np.flatnonzero(self._chosen[at])))
        prices = self._climbed(on.packed, rows, temperature, arrived)
        there = bounded_at(here.packed, mine, prices)
        better = self._offer(rows, prices, there.value)[mine.account]
        self._chosen[at[better]] = mine.flagged(there.chosen)[better]

    def _climbed(self, packed: Packed, rows: Ints, temperature: float, arrived: float) -> Floats:
        way = Branching(temperature)
        return climb(packed, self.prices[rows], way, most_steps=ANNEALING_STEPS, arrived=arrived).answers.prices

    def _offer(self, rows: Ints, prices: Floats, bound: Floats) -> Flags:
        """Take prices (q, k + r) whose bound (q,) is better, and tell which are."""
        better = bound > self.bound[rows]
        self.prices[rows[better]], self.bound[rows[better]] = prices[better], bound[better]
        return better
