"""The first lane: many accounts in, for each what was found, a proof that nothing is worth trading, or why neither.

Each tax regime of an account is a problem of its own. Problems are packed into buckets of one shape and screened in
batches, at prices that are known and then at better ones. Of each account left the likelier regime is solved, and the
other only if lists may be found there that the first one's bound rules out: its prices tell most of the time. An
account's answer does not depend on its batch mates. One process a core runs this: it is single-threaded numpy.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints
from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.fast.batches import Batch, joined
from trimtab.domain.optimizer.fast.buckets import MOST_AT_ONCE, Bucket, Proof
from trimtab.domain.optimizer.fast.other_regime import carried_over
from trimtab.domain.optimizer.fast.pieces import Pieces
from trimtab.domain.optimizer.fast.raising import or_better, raised
from trimtab.domain.optimizer.fast.reading import found, packed_prices, prices_of
from trimtab.domain.optimizer.fast.relaxation import FastRelaxation
from trimtab.domain.optimizer.fast.screen import within_range
from trimtab.domain.optimizer.fast.shapes import Pool, packed_together, reasons_against, shapes_of
from trimtab.domain.optimizer.fast.sides import Settled
from trimtab.domain.optimizer.fast.small_trades import drop_small_trades
from trimtab.domain.optimizer.fast.solving import Solved, solved
from trimtab.domain.optimizer.fast.warm import WarmStart
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.regimes import Answered
from trimtab.domain.optimizer.search import finish
from trimtab.domain.optimizer.wash_sides import Found
from trimtab.domain.proposals import Lane

_TOO_WIDE = 1e-4
"""With a gap above a basis point an account is declined: a pattern of sides may have been given up."""

_LOSING = 1e-6
"""A regime is worth a step only while its bound is a hundredth of a basis point below the best list."""

_AS_HIGH = 1e-8
"""Nor is one whose bound is that of a solved regime but for round-off: the account's gap is not its doing."""


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
    declined = reasons_against(datas)
    asked = [index for index, reason in enumerate(declined) if reason is None]
    starts = warm or [None] * len(datas)
    outcomes = [Outcome(declined=reason or "") for reason in declined]
    if asked:
        desk = _Desk([datas[index] for index in asked], [starts[index] for index in asked])
        for index, outcome in zip(asked, desk.outcomes(), strict=True):
            outcomes[index] = outcome
    return outcomes


class _Desk:
    """All problems, by regime and account, and how far they are."""

    def __init__(self, datas: Sequence[OptimizerData], starts: Sequence[WarmStart | None]) -> None:
        problems = [_problems(data) for data in datas]
        self._problems = [each for several in problems for each in several]
        self._account = np.repeat(np.arange(len(datas)), [len(several) for several in problems])
        self._first = np.searchsorted(self._account, np.arange(len(datas)))
        last = np.append(self._first[1:], len(self._account)) - 1
        self._other = (self._first + last)[self._account] - np.arange(len(self._account))  # regime; itself if the only
        self._tolerance = np.zeros(len(datas))
        self._bound, self._nothing = (np.zeros(len(self._problems)) for _ in range(2))
        self._still, self._raised, self._solved = (np.zeros(len(self._problems), dtype=np.bool_) for _ in range(3))
        self._objective = np.full(len(self._problems), np.inf)
        self._apart = np.zeros(len(self._problems))  # gap of the sides alone
        self._records: list[tuple[Ints, Solved]] = []
        self._bucket, self._row = (np.zeros(len(self._problems), dtype=np.int64) for _ in range(2))  # of each problem
        self._shape = shapes_of(self._problems)
        self._buckets = self._sorted([starts[account] for account in self._account.tolist()])

    def outcomes(self) -> list[Outcome]:
        while (chosen := self._to_solve()).any():
            fresh = chosen & ~self._raised
            for which in self._batches(fresh if fresh.any() else chosen):
                (self._raise if fresh.any() else self._solve)(which)
        return self._told()

    def _sorted(self, starts: list[WarmStart | None]) -> list[Bucket]:
        """Packed side by side, accounts of about as many lots together."""
        buckets: list[Bucket] = []
        for shape, places in packed_together(self._shape, MOST_AT_ONCE):
            which = np.array(places)
            bucket = Bucket([self._problems[at] for at in places], shape, which, [starts[at] for at in places])
            self._bound[which] = bucket.bound
            self._nothing[which] = bucket.nothing
            self._still[which] = bucket.batch.may_stand_still
            self._tolerance[self._account[which]] = bucket.batch.tolerance
            self._bucket[which], self._row[which] = len(buckets), np.arange(len(which))
            buckets.append(bucket)
        return buckets

    def _batches(self, chosen: Flags) -> Iterator[Ints]:
        """The chosen problems, at most so many at once, each time those that may be solved side by side."""
        pools: dict[Pool, list[int]] = {}
        for index in np.flatnonzero(chosen).tolist():
            pools.setdefault(self._shape[index].pool, []).append(index)
        for places in pools.values():
            which = np.array(places)
            which = which[np.lexsort((self._row[which], self._bucket[which]))]
            yield from (which[begin : begin + MOST_AT_ONCE] for begin in range(0, len(which), MOST_AT_ONCE))

    def _parts(self, which: Ints) -> list[tuple[Bucket, Ints]]:
        """The buckets of problems that stand bucket by bucket, and their rows there."""
        number, row = self._bucket[which], self._row[which]
        return [(self._buckets[each], row[number == each]) for each in np.unique(number).tolist()]

    def _gathered(self, which: Ints) -> tuple[Batch, Pieces | None, Floats, Floats]:
        """One batch of problems of one or several buckets, its pieces, prices and bounds."""
        parts = self._parts(which)
        batch = joined([bucket.batch.take(rows) for bucket, rows in parts])
        prices, bound = ([getattr(bucket, name)[rows] for bucket, rows in parts] for name in ("prices", "bound"))
        pieces = Pieces.joined([(bucket.pieces(rows), len(rows)) for bucket, rows in parts])
        return batch, pieces, np.concatenate(prices), np.concatenate(bound)

    def _raise(self, which: Ints) -> None:
        """Better prices of problems that screening has left."""
        batch, pieces, prices, bound = self._gathered(which)
        self._take(which, pieces, *raised(batch, pieces, prices, bound))
        self._raised[which] = True
        self._carry_over(which)

    def _take(self, which: Ints, pieces: Pieces | None, prices: Floats, bound: Floats) -> None:
        """Prices (A, k + r) and bounds (A,) of problems, and which of their pieces are best there."""
        begin = 0
        for bucket, rows in self._parts(which):
            end = begin + len(rows)
            best = None if pieces is None else pieces.best_of(begin, end)
            bucket.raise_to(rows, prices[begin:end], bound[begin:end], best)
            begin = end
        self._bound[which] = bound

    def _carry_over(self, which: Ints) -> None:
        """Bounds of the other regimes at the prices found for these; one that is as high needs no better prices."""
        netted = which[self._other[which] != which]
        if not len(netted):
            return
        others = np.zeros_like(self._solved)
        others[self._other[netted]] = True
        for unsolved in self._batches(others & self._open()):
            batch, pieces, prices, bound = self._gathered(unsolved)
            self._take(unsolved, pieces, *or_better(batch, pieces, prices, bound, self._carried(unsolved, batch)))
            self._raised[unsolved] |= self._bound[unsolved] >= self._bound[self._other[unsolved]] - _AS_HIGH

    def _carried(self, which: Ints, batch: Batch) -> Floats:
        """Prices of the other regimes as those of `which`, (A, k + r)."""
        carried = []
        for (bucket, row), other in zip(self._places(self._other[which]), batch.datas, strict=True):
            known = prices_of(bucket.batch, bucket.prices[row], row)
            its = carried_over(known, bucket.batch.datas[row], other)
            carried.append(np.concatenate((its.factor, (its.cash,), its.rows)))
        return within_range(batch.packed, packed_prices(batch, carried, np.arange(len(which))))

    def _solve(self, which: Ints) -> None:
        """Problems that better prices have left."""
        batch, pieces, prices, bound = self._gathered(which)
        sides = np.stack([bucket.sides(row) for bucket, row in self._places(which)])
        answer = solved(batch, pieces, prices, bound, sides)
        settled = answer.settled
        for number, (bucket, row) in enumerate(self._places(which)):
            bucket.bound[row], bucket.prices[row] = settled.bound[number], settled.proof[number]
            bucket.further[row] = settled.further[number]
        self._records.append((which, answer))
        self._solved[which] = True
        self._objective[which] = np.where(settled.arrived, settled.objective, np.inf)
        self._bound[which], self._apart[which] = settled.bound, answer.apart
        self._carry_over(which)

    def _places(self, which: Ints) -> list[tuple[Bucket, int]]:
        """Where problems are packed."""
        rows = zip(self._bucket[which].tolist(), self._row[which].tolist(), strict=True)
        return [(self._buckets[number], row) for number, row in rows]

    def _proved(self) -> tuple[Flags, Floats]:
        """Accounts in which nothing is worth trading, and the most that trading could gain, (accounts,)."""
        nothing, bound = (np.minimum.reduceat(each, self._first) for each in (self._nothing, self._bound))
        still = np.logical_or.reduceat(self._still, self._first)
        most = nothing - bound
        return still & (most < self._tolerance), np.maximum(most, 0.0)

    def _open(self) -> Flags:
        """Problems that are not solved and may hold better lists than are known or ruled out, of accounts not done."""
        stuck = self._solved & np.isinf(self._objective)
        done = self._proved()[0] | np.logical_or.reduceat(stuck, self._first)
        limit = np.minimum(self._objective - _LOSING, np.where(self._solved, self._bound, np.inf) - _AS_HIGH)
        open_: Flags = ~(self._solved | done[self._account])
        return open_ & (self._bound < np.minimum.reduceat(limit, self._first)[self._account])

    def _to_solve(self) -> Flags:
        """Of each account that is not done the regime of the lowest bound, if it can still win; of two the first."""
        open_ = self._open()
        bound = np.where(open_, self._bound, np.inf)
        lowest = np.minimum.reduceat(bound, self._first)
        chosen: Flags = open_ & (bound <= lowest[self._account])
        second = self._other < np.arange(len(chosen))
        chosen &= ~(second & chosen[self._other])
        return chosen

    def _told(self) -> list[Outcome]:
        proved, most = self._proved()
        stuck = np.logical_or.reduceat(self._solved & np.isinf(self._objective), self._first) & ~proved
        best, bound = (np.minimum.reduceat(each, self._first) for each in (self._objective, self._bound))
        apart = np.maximum.reduceat(self._apart, self._first)
        stuck |= (best - bound > _TOO_WIDE) & (apart > _TOO_WIDE) & ~proved
        winners = (self._objective == best[self._account]) & ~(proved | stuck)[self._account]
        trades: dict[int, Found] = {}
        prices: dict[int, Proof] = {}
        for bucket in self._buckets:
            prices.update(zip(bucket.which.tolist(), bucket.proofs(), strict=True))
        for which, answer in self._records:
            won = np.flatnonzero(winners[which])
            if len(won):
                batch, its = answer.batch, answer.settled
                if len(won) < len(which):
                    batch, its = batch.take(won), its.take(won)
                finished = drop_small_trades(batch, its)
                for row, at in enumerate(which[won]):
                    trades.setdefault(int(self._account[at]), _finished(batch, its, finished, row))
        gains = [gain if is_proved else None for is_proved, gain in zip(proved.tolist(), most.tolist(), strict=True)]
        return self._outcomes(gains, stuck.tolist(), trades, prices)

    def _outcomes(
        self, gains: list[float | None], stuck: list[bool], trades: dict[int, Found], prices: dict[int, Proof]
    ) -> list[Outcome]:
        """`gains` by account: the most that trading could bring where it is proved to be too little."""
        ends = np.append(self._first[1:], len(self._account)).tolist()
        bound, searched = self._bound.tolist(), np.logical_or.reduceat(self._solved, self._first).tolist()
        outcomes = []
        for account, (begin, end) in enumerate(zip(self._first.tolist(), ends, strict=True)):
            bounds = tuple(bound[begin:end])
            its = [prices[at] for at in range(begin, end)]
            proofs, further = tuple(each for each, _ in its), tuple(each for _, each in its)
            if gains[account] is not None:
                lane = Lane.FAST if searched[account] else Lane.SCREEN
                outcome = Outcome(None, gains[account], "", bounds, proofs, further, lane)
            elif stuck[account]:
                outcome = Outcome(declined="gap not closed", bounds=bounds, prices=proofs, further=further)
            else:
                answered = Answered(trades[account], bounds, proofs, further)
                outcome = Outcome(answered, None, "", bounds, proofs, further)
            outcomes.append(outcome)
        return outcomes


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
