"""The tail: accounts whose gap is still too wide get their patterns of branches enumerated, over a few securities.

At the prices of every solve the dual bounds all patterns at once: its value plus what each security loses by its side
there. So patterns come in the order of their bounds, the best of all solves; those above the objective are out without
a solve, and when the lowest is above it the account's answer is proved.
"""

from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints
from trimtab.domain.optimizer.fast.closed_form import gains, hardened
from trimtab.domain.optimizer.fast.packed import Packed
from trimtab.domain.optimizer.fast.sides import Settled, keep_better, on_sides

WORTH_A_SEARCH = 5e-5
"""Patterns are enumerated while the gap is above half a basis point."""

_IN_DOUBT = 9  # securities, those that lose most by the side they are on; 2^9 patterns
_AT_ONCE = 8  # patterns of one account that are solved side by side
_ROUNDS = 4


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """The dual at `prices` (A, k + r): its value, and what each security saves on either side, (A, n)."""

    prices: Floats
    value: Floats
    selling: Floats
    buying: Floats


def search_tail(packed: Packed, settled: Settled) -> Settled:
    """Better patterns and higher bounds for accounts with too wide a gap; the others stay as they are.

    So do those that have not arrived: the other lane answers one sooner than its patterns are tried here.
    """
    rows = np.flatnonzero(settled.arrived & (settled.gap > WORTH_A_SEARCH))
    if len(rows):
        tail = settled.take(rows)
        _enumerate(packed.take(rows), tail)
        settled.replaced(rows, tail)
    return settled


def _enumerate(packed: Packed, settled: Settled) -> None:
    cuts = [_cut(packed, settled.answers.prices)]
    tried = {(row, settled.buying[row].tobytes()) for row in range(packed.accounts)}
    for _ in range(_ROUNDS):
        jobs: list[tuple[int, Flags]] = []
        for row in np.flatnonzero(settled.gap > WORTH_A_SEARCH):
            jobs += _promising(packed, settled, cuts, int(row), tried)
        if not jobs:
            return
        cuts += _solve(packed, settled, jobs)


def _promising(
    packed: Packed, settled: Settled, cuts: list[_Cut], row: int, tried: set[tuple[int, bytes]]
) -> list[tuple[int, Flags]]:
    """Patterns of one account that could beat its best; its bound rises to the lowest of all patterns'."""
    doubtful = _doubtful(packed, settled, cuts, row)
    patterns = _patterns(len(doubtful))
    bounds = np.max([_bounds(cut, row, doubtful, patterns) for cut in cuts], axis=0)
    if bounds.min() > settled.bound[row]:
        settled.bound[row] = bounds.min()
        settled.further[row] = tuple(cut.prices[row] for cut in cuts)
    jobs: list[tuple[int, Flags]] = []
    for index in np.argsort(bounds, kind="stable"):
        if len(jobs) == _AT_ONCE or bounds[index] >= settled.objective[row] - WORTH_A_SEARCH:
            break
        buying = settled.buying[row].copy()
        buying[doubtful] = patterns[index]
        key = (row, buying.tobytes())
        if key not in tried:
            tried.add(key)
            jobs.append((row, buying))
    return jobs


def _solve(packed: Packed, settled: Settled, jobs: list[tuple[int, Flags]]) -> list[_Cut]:
    """Solve patterns side by side, keep the better ones, and return their cuts, one round of all accounts each."""
    which = np.array([row for row, _ in jobs])
    buying = np.array([sides for _, sides in jobs])
    solved = on_sides(packed.take(which), settled.answers.prices[which], buying)
    turn = _turns(which)
    cuts = []
    for number in range(int(turn.max()) + 1):
        picked = np.flatnonzero(turn == number)
        prices = settled.answers.prices.copy()
        prices[which[picked]] = solved.answers.prices[picked]
        cuts.append(_cut(packed, prices))
        prices = prices.copy()
        prices[which[picked]] = (prices[which[picked]] + settled.answers.prices[which[picked]]) / 2
        cuts.append(_cut(packed, prices))  # the dual is concave: between two good prices it is often higher
        settled.raise_bound(np.arange(packed.accounts), cuts[-1].value, prices)
    for number in range(int(turn.max()) + 1):
        picked = np.flatnonzero(turn == number)
        keep_better(settled, which[picked], solved.take(picked))
    return cuts


def _turns(which: Ints) -> Ints:
    """How many equal entries stand before each entry of a sorted array."""
    first = np.searchsorted(which, which)
    turns: Ints = np.arange(len(which)) - first
    return turns


def _cut(packed: Packed, prices: Floats) -> _Cut:
    at_prices = gains(packed, prices)
    return _Cut(prices, hardened(packed, at_prices), at_prices.if_sold, at_prices.if_bought)


def _doubtful(packed: Packed, settled: Settled, cuts: list[_Cut], row: int) -> Ints:
    """Contested securities that lose most by their present side at the prices of any solve."""
    lost = np.max([_lost(cut, row, settled.buying[row]) for cut in cuts], axis=0)
    lost = np.where(packed.contested[row], lost, 0.0)
    order = np.argsort(-lost, kind="stable")[:_IN_DOUBT]
    return np.sort(order[lost[order] > 0])


def _lost(cut: _Cut, row: int, buying: Flags) -> Floats:
    """What each security saves less on its side than on the better one."""
    lost: Floats = np.maximum(cut.selling[row], cut.buying[row]) - np.where(buying, cut.buying[row], cut.selling[row])
    return lost


def _bounds(cut: _Cut, row: int, securities: Ints, patterns: Flags) -> Floats:
    """The dual if `securities` (q,) were on the sides of each row of `patterns` (p, q); (p,)."""
    selling, buying = cut.selling[row, securities], cut.buying[row, securities]
    lost = np.maximum(selling, buying) - np.where(patterns, buying, selling)
    bounds: Floats = cut.value[row] + lost.sum(axis=1)
    return bounds


def _patterns(securities: int) -> Flags:
    """All patterns of two sides, one a row."""
    numbers = np.arange(2**securities)[:, None]
    patterns: Flags = (numbers >> np.arange(securities)) % 2 == 1
    return patterns
