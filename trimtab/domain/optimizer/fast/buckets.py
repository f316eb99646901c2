"""Problems side by side, packed, and the bounds at prices that are known before anything is solved."""

from collections.abc import Sequence

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints
from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.fast.batches import Batch
from trimtab.domain.optimizer.fast.closed_form import gains, hardened
from trimtab.domain.optimizer.fast.packing import pack
from trimtab.domain.optimizer.fast.partly_washed import bounded, bounded_at
from trimtab.domain.optimizer.fast.pieces import Pieces, pieces_of
from trimtab.domain.optimizer.fast.reading import all_prices, packed_prices, prices_of, yesterdays_sides
from trimtab.domain.optimizer.fast.screen import doing_nothing, standing_prices, within_range
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
        self.bound = np.full(len(which), -np.inf)  # (A,)
        self.nothing = doing_nothing(self.batch.packed)  # (A,) objective without a trade
        self._pieces: Pieces | None = None
        self._cut_up = np.zeros(len(which), dtype=np.bool_)  # accounts of which `_pieces` has all
        self.further: list[tuple[Floats, ...]] = [()] * len(problems)
        self._starts = starts
        self._screen()

    def sides(self, row: int) -> Ints:
        """Yesterday's side of each head, (n,)."""
        start = self._starts[row]
        if start is None or not start.sides.any():
            return np.zeros(self.batch.packed.active.shape[1], dtype=np.int64)
        return yesterdays_sides(self.batch, start.sides, row)

    def proofs(self) -> list[Proof]:
        """The best single prices of each problem, and where sides are in doubt the further ones."""
        further = [tuple(prices_of(self.batch, each, row) for each in its) for row, its in enumerate(self.further)]
        return list(zip(all_prices(self.batch, self.prices), further, strict=True))

    def _screen(self) -> None:
        """At the prices of doing nothing, then at yesterday's, then at both with the true tax of lots."""
        packed = self.batch.packed
        tried = [gains(packed, self.prices)]
        self.bound[:] = hardened(packed, tried[0])
        yesterdays = self._yesterdays_prices()
        if yesterdays is not None:
            tried.append(gains(packed, yesterdays))
            self._offer(yesterdays, hardened(packed, tried[1]))
        pieces = self._cut(self._short())
        if pieces is not None:
            for answers in tried:
                at_prices = bounded(packed, pieces, answers)
                pieces.choose(at_prices.chosen, self._offer(answers.prices, at_prices.value))

    def pieces(self, rows: Ints) -> Pieces | None:
        """Of some accounts, as rows of a batch of only these, ascending; None when none has partly washed lots."""
        if not self._cut_up[rows].all():
            every = np.ones(len(self.which), dtype=np.bool_)
            pieces = self._cut(every)
            if pieces is not None:
                pieces.choose(bounded_at(self.batch.packed, pieces, self.prices).chosen, every)
        return None if self._pieces is None else self._pieces.of(rows)

    def raise_to(self, rows: Ints, prices: Floats, bound: Floats, best: Flags | None) -> None:
        """Take better prices (q, k + r) and bounds (q,) of some accounts, and which of their pieces are best there."""
        self.prices[rows], self.bound[rows] = prices, bound
        if self._pieces is not None and best is not None:
            self._pieces.best[self._pieces.among(rows)[0]] = best

    def _cut(self, asked: Flags) -> Pieces | None:
        self._cut_up = asked
        self._pieces = pieces_of(self.batch, asked) if asked.any() else None
        return self._pieces

    def _yesterdays_prices(self) -> Floats | None:
        """Of accounts that need them, of the others the present ones, (A, k + r); None when none are known."""
        known: list[tuple[int, Floats]] = []
        for row in np.flatnonzero(self._short()).tolist():
            start = self._starts[row]
            if start is not None and start.prices is not None and start.knows(self.batch.datas[row]):
                known.append((row, start.prices))
        if not known:
            return None
        rows, theirs = zip(*known, strict=True)
        prices = self.prices.copy()
        prices[list(rows)] = packed_prices(self.batch, theirs, np.array(rows))
        return within_range(self.batch.packed, prices)

    def _offer(self, prices: Floats, bound: Floats) -> Flags:
        """Take prices (A, k + r) whose bound (A,) is as good or better, and tell which are."""
        better = bound >= self.bound
        self.bound[better], self.prices[better] = bound[better], prices[better]
        return better

    def _short(self) -> Flags:
        """Accounts in which something may be worth trading, (A,)."""
        batch = self.batch
        short: Flags = (self.nothing - self.bound >= batch.tolerance) | ~batch.may_stand_still
        return short
