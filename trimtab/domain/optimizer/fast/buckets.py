"""Problems side by side, packed, and the bounds at prices that are known before anything is solved."""

from collections.abc import Sequence

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints
from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.fast.packing import Batch, pack
from trimtab.domain.optimizer.fast.partly_washed import bounded
from trimtab.domain.optimizer.fast.pieces import pieces_of
from trimtab.domain.optimizer.fast.reading import packed_prices, prices_of, yesterdays_sides
from trimtab.domain.optimizer.fast.screen import bound_at, doing_nothing, standing_prices, within_range
from trimtab.domain.optimizer.fast.shapes import Shape
from trimtab.domain.optimizer.fast.warm import WarmStart
from trimtab.domain.optimizer.problem import OptimizerData

MOST_AT_ONCE = 128
"""Problems of a batch: more no longer fit the caches, fewer pay more for each call."""


Proof = tuple[Prices, tuple[Prices, ...]]


class Bucket:
    """Problems of one shape, with the best prices known of each, and the bound there."""

    def __init__(self, problems: Sequence[OptimizerData], shape: Shape, which: Ints, starts: list[WarmStart | None]):
        self.batch: Batch = pack(problems, shape)
        self.which = which  # places among all problems
        self.prices = standing_prices(self.batch.packed)  # (A, k + r)
        self.bound = bound_at(self.batch.packed, self.prices)  # (A,)
        self.further: list[tuple[Floats, ...]] = [()] * len(problems)
        self._starts = starts
        self._screen()

    def sides(self, row: int) -> Ints:
        """Yesterday's side of each head, (n,)."""
        start = self._starts[row]
        nothing = np.zeros(self.batch.packed.active.shape[1], dtype=np.int64)
        return nothing if start is None else yesterdays_sides(self.batch, start.sides, row)

    def proof(self, row: int) -> Proof:
        """The best single prices of a problem, and where sides are in doubt the further ones."""
        further = tuple(prices_of(self.batch, each, row) for each in self.further[row])
        return prices_of(self.batch, self.prices[row], row), further

    def _screen(self) -> None:
        """Yesterday's prices where those of doing nothing prove too little; then both with the true tax of lots."""
        standing, yesterdays, known = self.prices.copy(), self.prices.copy(), np.zeros(len(self.which), dtype=np.bool_)
        for row in np.flatnonzero(self._short()).tolist():
            start = self._starts[row]
            if start is not None and start.prices is not None and start.knows(self.batch.datas[row]):
                yesterdays[row], known[row] = packed_prices(self.batch, start.prices, row), True
        rows = np.flatnonzero(known)
        if len(rows):
            yesterdays = within_range(self.batch.packed, yesterdays)
            self._raise(rows, bound_at(self.batch.packed.take(rows), yesterdays[rows]), yesterdays[rows])
        self._screen_washed(standing, self._short())
        self._screen_washed(yesterdays, self._short() & known)

    def _screen_washed(self, prices: Floats, asked: Flags) -> None:
        """The bound of accounts with partly washed lots at `prices`, with nothing taxed along a chord."""
        rows = np.flatnonzero(asked & [data.lots.replacements is not None for data in self.batch.datas])
        pieces = pieces_of(self.batch.take(rows)) if len(rows) else None
        if pieces is not None:
            self._raise(rows, bounded(self.batch.packed.take(rows), pieces, prices[rows]).value, prices[rows])

    def _raise(self, rows: Ints, bound: Floats, prices: Floats) -> None:
        better = bound > self.bound[rows]
        self.bound[rows[better]], self.prices[rows[better]] = bound[better], prices[better]

    def _short(self) -> Flags:
        """Accounts in which something may be worth trading, (A,)."""
        batch = self.batch
        return (doing_nothing(batch.packed) - self.bound >= batch.tolerance) | ~batch.may_stand_still
