"""A batch from its best prices to trades: on the pieces of partly washed lots and the sides that are best there."""

from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Floats, Ints
from trimtab.domain.optimizer.fast.batches import Batch
from trimtab.domain.optimizer.fast.partly_washed import bounded_at
from trimtab.domain.optimizer.fast.pieces import Pieces
from trimtab.domain.optimizer.fast.retaxing import on_pieces, replaced
from trimtab.domain.optimizer.fast.settling import WORTH_OTHER_SIDES, settled_batch
from trimtab.domain.optimizer.fast.sides import Settled, keep_better
from trimtab.domain.optimizer.fast.washed import settle_true_tax, settle_washed_sales


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """Problems that were solved side by side, on the pieces that are best for each."""

    batch: Batch
    settled: Settled
    apart: Floats  # (A,) gap of the patterns of sides alone, on the pieces on which they were sought

    def take(self, rows: Ints) -> "Solved":
        return Solved(self.batch.take(rows), self.settled.take(rows), self.apart[rows])


def solved(batch: Batch, pieces: Pieces | None, prices: Floats, bound: Floats, sides: Ints) -> Solved:
    """From annealed `prices` (A, k + r), their `bound` (A,), and yesterday's `sides` (A, n)."""
    every = np.arange(batch.accounts)
    on = batch
    if pieces is not None:
        on = on_pieces(batch, pieces.take(np.flatnonzero(pieces.best)))
    settled = settled_batch(on.packed, prices, sides, annealed=True)
    apart = settled.gap.copy()
    if pieces is not None:
        _bounded_by_true_tax(batch, pieces, settled)
    settled.raise_bound(every, bound, prices)
    on, settled = settle_true_tax(batch, pieces, on, settled)
    answer = Solved(on, settled, apart)
    if pieces is not None:
        washed = np.unique(pieces.account)
        # What has not arrived goes to the other lane: along its chords it would hold up the others with all its steps.
        wide = washed[settled.arrived[washed] & (settled.gap[washed] > WORTH_OTHER_SIDES)]
        if len(wide):
            answer = _or_along_chords(answer, wide, batch.take(wide), prices[wide], sides[wide])
    return answer


def _bounded_by_true_tax(batch: Batch, pieces: Pieces, settled: Settled) -> None:
    """The bounds of accounts on pieces, made those of their batch: a piece has fewer lists, its own prove nothing."""
    rows = np.unique(pieces.account)
    value = bounded_at(batch.packed, pieces, settled.answers.prices).value
    settled.bound[rows] = settled.proved[rows] = value[rows]
    settled.proof[rows] = settled.answers.prices[rows]
    for row in rows:
        settled.further[row] = ()


def _or_along_chords(answer: Solved, rows: Ints, batch: Batch, prices: Floats, sides: Ints) -> Solved:
    """Some accounts settled along their chords first, where that is better or bounds more."""
    chords = settled_batch(batch.packed, prices, sides)
    apart = chords.gap.copy()
    on, other = settle_washed_sales(batch, chords)
    settled = answer.settled
    better = np.flatnonzero(other.arrived & ((other.objective < settled.objective[rows]) | ~settled.arrived[rows]))
    keep_better(settled, rows, other, by=0.0)
    answer.apart[rows[better]] = apart[better]
    return Solved(replaced(answer.batch, rows[better], on.take(better)), settled, answer.apart)
