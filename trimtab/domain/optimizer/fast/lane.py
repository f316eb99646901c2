"""The first lane: many accounts in, for each what was found, a proof that nothing is worth trading, or why neither.

Each tax regime of an account is a problem of its own. Problems are sorted into buckets of one shape and screened in
batches; then of each account left the likelier regime is solved, and the other unless its bound proves it losing. An
account's answer does not depend on its batch mates. One process a core runs this: it is single-threaded numpy.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints
from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.fast.packing import Batch, pack
from trimtab.domain.optimizer.fast.partly_washed import bounded, pieces_of
from trimtab.domain.optimizer.fast.reading import found, packed_prices, prices_of, yesterdays_sides
from trimtab.domain.optimizer.fast.relaxation import FastRelaxation
from trimtab.domain.optimizer.fast.screen import bound_at, doing_nothing, standing_prices
from trimtab.domain.optimizer.fast.settling import settled_batch
from trimtab.domain.optimizer.fast.shapes import Shape, shape_of, supports
from trimtab.domain.optimizer.fast.sides import Settled
from trimtab.domain.optimizer.fast.small_trades import drop_small_trades
from trimtab.domain.optimizer.fast.warm import WarmStart
from trimtab.domain.optimizer.fast.washed import settle_washed_sales
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.regimes import Answered
from trimtab.domain.optimizer.search import finish
from trimtab.domain.optimizer.wash_sides import Found
from trimtab.domain.proposals import Lane

MOST_AT_ONCE = 128
"""Problems of a batch: more no longer fit the caches, fewer pay more for each call."""

_TOO_WIDE = 1e-4
"""With a gap above a basis point an account is declined: a pattern of sides may have been given up."""

_LOSING = 1e-6
"""A regime is solved only while its bound is below the best list by more than a hundredth of a basis point."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What the lane says of one account: trades, a proof that none are worth it, or why it belongs to another lane."""

    answered: Answered | None = None
    most_to_gain: float | None = None  # proved below the account's tolerance: trade nothing
    declined: str = ""
    bounds: tuple[float, ...] = ()  # by regime
    prices: tuple[Prices, ...] = ()  # by regime, those that prove the bounds
    further: tuple[tuple[Prices, ...], ...] = ()  # by regime, where it takes several
    lane: Lane = Lane.FAST


def solve_batch(datas: Sequence[OptimizerData], warm: Sequence[WarmStart | None] | None = None) -> list[Outcome]:
    """What was found for each account, in their order."""
    declined = [supports(data) for data in datas]
    asked = [index for index, reason in enumerate(declined) if reason is None]
    starts = warm or [None] * len(datas)
    outcomes = [Outcome(declined=reason or "") for reason in declined]
    if asked:
        desk = _Desk([datas[index] for index in asked], [starts[index] for index in asked])
        for index, outcome in zip(asked, desk.outcomes(), strict=True):
            outcomes[index] = outcome
    return outcomes


_Proof = tuple[Prices, tuple[Prices, ...]]


class _Bucket:
    """Problems of one shape, packed."""

    def __init__(self, problems: Sequence[OptimizerData], shape: Shape, which: Ints, starts: list[WarmStart | None]):
        self.batch: Batch = pack(problems, shape)
        self.which = which  # places among all problems
        self.starts = starts
        self.prices, self.bound = self._screened()
        self.further: list[tuple[Floats, ...]] = [()] * len(problems)
        self.apart = np.zeros(len(problems))  # gap of the solve, the tax of partly washed lots along its chord
        self.solved: list[tuple[Ints, Batch, Settled]] = []  # rows, their problems, and what was found for them

    def _screened(self) -> tuple[Floats, Floats]:
        """The better of standing and yesterday's prices, (A, k + r), and the bound at them, (A,)."""
        batch, packed = self.batch, self.batch.packed
        prices = standing_prices(packed)
        bound = bound_at(packed, prices)
        short = (doing_nothing(packed) - bound >= batch.tolerance) | ~batch.may_stand_still
        warm = {
            row: packed_prices(batch, start.prices, row)
            for row, start in enumerate(self.starts)
            if short[row] and start is not None and start.prices is not None and start.knows(batch.datas[row])
        }
        if warm:
            rows, at = np.array(list(warm)), np.stack(list(warm.values()))
            value = bound_at(packed.take(rows), at)
            better = value > bound[rows]
            prices[rows[better]], bound[rows[better]] = at[better], value[better]
        self._screen_washed(prices, bound)
        return prices, bound

    def _screen_washed(self, prices: Floats, bound: Floats) -> None:
        """Raise the bound of accounts with partly washed lots to that of their true tax, at the same prices."""
        batch = self.batch
        short = (doing_nothing(batch.packed) - bound >= batch.tolerance) & batch.may_stand_still
        rows = np.flatnonzero(short & [data.lots.replacements is not None for data in batch.datas])
        pieces = pieces_of(batch.take(rows)) if len(rows) else None
        if pieces is not None:
            value = bounded(batch.packed.take(rows), pieces, prices[rows]).value
            bound[rows] = np.maximum(bound[rows], value)

    def proof(self, row: int) -> "_Proof":
        """The best single prices of a problem, and where sides are in doubt the further ones."""
        further = tuple(prices_of(self.batch, each, row) for each in self.further[row])
        return prices_of(self.batch, self.prices[row], row), further

    def solve(self, rows: Ints) -> Settled:
        """The problems in `rows` of the batch."""
        batch = self.batch.take(rows)
        sides = np.zeros(batch.packed.active.shape, dtype=np.int64)
        for row, place in enumerate(rows.tolist()):
            start = self.starts[place]
            if start is not None:
                sides[row] = yesterdays_sides(batch, start.sides, row)
        settled = settled_batch(batch.packed, self.prices[rows], sides)
        self.apart[rows] = settled.gap
        batch, settled = settle_washed_sales(batch, settled)
        settled.raise_bound(np.arange(len(rows)), self.bound[rows], self.prices[rows])
        self.bound[rows], self.prices[rows] = settled.bound, settled.proof
        for row, place in enumerate(rows.tolist()):
            self.further[place] = settled.further[row]
        self.solved.append((rows, batch, settled))
        return settled


class _Desk:
    """All problems, by regime and account, and how far they are."""

    def __init__(self, datas: Sequence[OptimizerData], starts: Sequence[WarmStart | None]) -> None:
        problems = [_problems(data) for data in datas]
        self._problems = [each for several in problems for each in several]
        self._account = np.repeat(np.arange(len(datas)), [len(several) for several in problems])
        self._first = np.searchsorted(self._account, np.arange(len(datas)))
        self._tolerance = np.array([data.tolerance for data in datas])
        self._bound, self._nothing = (np.zeros(len(self._problems)) for _ in range(2))
        self._still, self._solved = (np.zeros(len(self._problems), dtype=np.bool_) for _ in range(2))
        self._objective = np.full(len(self._problems), np.inf)
        self._apart = np.zeros(len(self._problems))
        self._buckets = self._sorted([starts[account] for account in self._account.tolist()])

    def outcomes(self) -> list[Outcome]:
        while (chosen := self._to_solve()).any():
            for bucket in self._buckets:
                rows = np.flatnonzero(chosen[bucket.which])
                if len(rows):
                    settled = bucket.solve(rows)
                    which = bucket.which[rows]
                    self._solved[which] = True
                    self._objective[which] = np.where(settled.arrived, settled.objective, np.inf)
                    self._bound[which] = settled.bound
                    self._apart[which] = bucket.apart[rows]
        return self._told()

    def _sorted(self, starts: list[WarmStart | None]) -> list[_Bucket]:
        by_shape: dict[Shape, list[int]] = {}
        for index, problem in enumerate(self._problems):
            by_shape.setdefault(shape_of(problem), []).append(index)
        buckets = []
        for shape, places in by_shape.items():
            for begin in range(0, len(places), MOST_AT_ONCE):
                which = np.array(places[begin : begin + MOST_AT_ONCE])
                bucket = _Bucket([self._problems[at] for at in which], shape, which, [starts[at] for at in which])
                self._bound[which] = bucket.bound
                self._nothing[which] = doing_nothing(bucket.batch.packed)
                self._still[which] = bucket.batch.may_stand_still
                buckets.append(bucket)
        return buckets

    def _proved(self) -> tuple[Flags, Floats]:
        """Accounts in which nothing is worth trading, and the most that trading could gain, (accounts,)."""
        nothing, bound = (np.minimum.reduceat(each, self._first) for each in (self._nothing, self._bound))
        still = np.logical_or.reduceat(self._still, self._first)
        most = nothing - bound
        return still & (most < self._tolerance), np.maximum(most, 0.0)

    def _to_solve(self) -> Flags:
        """Of each account that is not done the regime of the lowest bound, if it can still win."""
        best = np.minimum.reduceat(self._objective, self._first)[self._account]
        open_ = ~self._solved & ~self._proved()[0][self._account] & (self._bound < best - _LOSING)
        lowest = np.minimum.reduceat(np.where(open_, self._bound, np.inf), self._first)
        return open_ & (self._bound <= lowest[self._account])

    def _told(self) -> list[Outcome]:
        proved, most = self._proved()
        stuck = np.logical_or.reduceat(self._solved & np.isinf(self._objective), self._first) & ~proved
        best, bound = (np.minimum.reduceat(each, self._first) for each in (self._objective, self._bound))
        apart = np.maximum.reduceat(self._apart, self._first)
        stuck |= (best - bound > _TOO_WIDE) & (apart > _TOO_WIDE) & ~proved
        winners = (self._objective == best[self._account]) & ~(proved | stuck)[self._account]
        trades: dict[int, Found] = {}
        prices: dict[int, _Proof] = {}
        for bucket in self._buckets:
            for row, at in enumerate(bucket.which):
                prices[at] = bucket.proof(row)
            for rows, solved, settled in bucket.solved:
                won = np.flatnonzero(winners[bucket.which[rows]])
                if len(won):
                    batch, its = solved.take(won), settled.take(won)
                    finished = drop_small_trades(batch, its)
                    for row, at in enumerate(bucket.which[rows[won]]):
                        trades.setdefault(int(self._account[at]), _finished(batch, its, finished, row))
        return [self._outcome(account, proved, most, stuck, trades, prices) for account in range(len(self._first))]

    def _outcome(
        self,
        account: int,
        proved: Flags,
        most: Floats,
        stuck: Flags,
        trades: dict[int, Found],
        prices: dict[int, _Proof],
    ) -> Outcome:
        end = self._first[account + 1] if account + 1 < len(self._first) else len(self._account)
        mine = slice(self._first[account], end)
        bounds = tuple(float(each) for each in self._bound[mine])
        proofs, further = zip(*(prices[at] for at in range(self._first[account], end)), strict=True)
        if proved[account]:
            lane = Lane.FAST if self._solved[mine].any() else Lane.SCREEN
            return Outcome(None, float(most[account]), "", bounds, proofs, further, lane)
        if stuck[account]:
            return Outcome(declined="gap not closed", bounds=bounds, prices=proofs, further=further)
        return Outcome(Answered(trades[account], bounds, proofs, further), None, "", bounds, proofs, further)


def _problems(data: OptimizerData) -> tuple[OptimizerData, ...]:
    """The problem of each regime."""
    only = data.regimes[0]
    if len(data.regimes) == 1 and not len(only.rows) and only.lot_tax is data.lots.tax:
        return (data,)
    return tuple(data.under(regime) for regime in data.regimes)


def _finished(batch: Batch, settled: Settled, finished: Settled, row: int) -> Found:
    """Trades of one account; one with a smallest position is finished on its own."""
    data = batch.datas[row]
    if data.securities.minimum_holding.any():
        return finish(data, FastRelaxation(data), found(batch, settled, settled, row))
    return found(batch, settled, finished, row)
