"""The highest point of a batch's duals: damped Newton steps, every account with its own damping and line search.

Accounts that have arrived are set aside as they are, so none depends on its batch mates. Whatever prices come out, the
dual there is a bound: nothing here has to be trusted.
"""

from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints
from trimtab.domain.optimizer.fast.closed_form import Answers, Branching, answer, duality_gap
from trimtab.domain.optimizer.fast.directions import Direction, direction, slope_of
from trimtab.domain.optimizer.fast.packed import Packed

MOST_STEPS = 12
"""An account that needs more is handed to the other lane: it would hold up its batch."""

ARRIVED = 1e-8
"""Gap, or half the promised gain, at which an account has arrived: a ten-thousandth of a basis point."""

_FIRST_DAMPING = 1e-3
_LESS, _MORE, _MOST_DAMPING = 0.15, 6.0, 1.0
_ENOUGH = 1e-3  # share of the promised gain that a full step must bring
_TRIALS = 10
_FLAT = 0.3  # the line search ends where the slope has fallen to this share
_AT_ZERO = 1e-9  # a row price this close to its kink is put on it
_WORTH_COMPACTING = 0.75


@dataclass(frozen=True, slots=True, eq=False)
class Climbed:
    """Where each account's dual was left."""

    answers: Answers
    arrived: Flags  # (A,)
    steps: Ints  # (A,)


def climb(
    packed: Packed, prices: Floats, branching: Branching, *, most_steps: int, arrived: float = ARRIVED
) -> Climbed:
    """Newton's method from `prices` (A, k + r)."""
    k = packed.factors
    prices = prices.copy()
    prices[:, k:] = np.clip(prices[:, k:], packed.least_price, packed.most_price)
    ascent = _Climb(packed, answer(packed, prices, branching), branching, arrived)
    for step in range(most_steps + 1):
        if ascent.set_aside(step, last=step == most_steps):
            break
        ascent.advance()
    return ascent.result


class _Climb:
    """The accounts still on their way."""

    def __init__(self, packed: Packed, answers: Answers, branching: Branching, arrived: float) -> None:
        accounts = packed.accounts
        self._packed, self._answers, self._branching, self._goal = packed, answers, branching, arrived
        self._which = np.arange(accounts)
        self._live = np.ones(accounts, dtype=np.bool_)
        self._damping = np.full(accounts, _FIRST_DAMPING)
        self._promised = np.full(accounts, np.inf)
        # The first answers are written over as accounts arrive: from the first step on they are read no more.
        self.result = Climbed(answers, np.zeros(accounts, dtype=np.bool_), np.zeros(accounts, dtype=np.int64))

    def set_aside(self, step: int, *, last: bool) -> bool:
        """Store the accounts that have arrived, all of them at the `last` step; True when none is left."""
        distance = self._promised if self._branching.temperature else duality_gap(self._packed, self._answers)
        there = self._live & (distance <= self._goal)
        leaving = np.flatnonzero(self._live if last else there)
        if len(leaving):
            which = self._which[leaving]
            every = len(leaving) == len(self._which)
            self.result.answers.replaced(which, self._answers if every else self._answers.take(leaving))
            self.result.arrived[which] = there[leaving]
            self.result.steps[which] = step
            self._live[leaving] = False
        left = int(np.count_nonzero(self._live))
        if left and left < _WORTH_COMPACTING * len(self._live):
            self._keep(np.flatnonzero(self._live))
        return left == 0

    def advance(self) -> None:
        """One step for every account."""
        packed, here = self._packed, self._answers
        way = direction(packed, here, self._branching.temperature, self._damping)
        self._promised = way.slope / 2
        ahead = answer(packed, _moved(packed, here.prices, way, 1.0), self._branching)
        failed = ahead.value < here.value + _ENOUGH * way.slope - 1e-12
        search = np.flatnonzero(failed & self._live)
        if len(search):
            ahead.replaced(search, self._best_along(search, way, ahead))
        self._damping = np.where(failed, np.minimum(self._damping * _MORE, _MOST_DAMPING), self._damping * _LESS)
        self._answers = ahead

    def _best_along(self, search: Ints, way: Direction, ahead: Answers) -> Answers:
        """A good point on the way for accounts whose full step failed: bracket the zero of the slope."""
        packed, branching = self._packed.take(search), self._branching.take(search)
        here = self._answers.take(search)
        way = way.take(search)
        full = ahead.take(search)
        best, worse = full.take(np.arange(len(search))), full.value <= here.value
        best.replaced(worse, here.take(np.flatnonzero(worse)))
        near, far = np.zeros(len(search)), np.ones(len(search))
        slope_near, slope_far = way.slope.copy(), _slope_along(packed, full, way)
        looking = np.ones(len(search), dtype=np.bool_)
        for trial in range(_TRIALS):
            share = _between(near, far, slope_near, slope_far, geometric=trial % 3 == 2)
            tried = answer(packed, _moved(packed, here.prices, way, share[:, None]), branching)
            slope = _slope_along(packed, tried, way)
            better = looking & (tried.value > best.value)
            best.replaced(better, tried.take(np.flatnonzero(better)))
            rising = slope > 0
            near, slope_near = np.where(rising, share, near), np.where(rising, slope, slope_near)
            far, slope_far = np.where(rising, far, share), np.where(rising, slope_far, slope)
            looking = looking & (np.abs(slope) > _FLAT * way.slope)
            if not looking.any():
                break
        return best

    def _keep(self, rows: Ints) -> None:
        self._packed, self._answers = self._packed.take(rows), self._answers.take(rows)
        self._branching = self._branching.take(rows)
        self._which, self._live = self._which[rows], self._live[rows]
        self._damping, self._promised = self._damping[rows], self._promised[rows]


def _moved(packed: Packed, prices: Floats, way: Direction, share: Floats | float) -> Floats:
    """Prices a share of the step further, row prices on their side of zero and in their range."""
    k = packed.factors
    moved: Floats = prices + share * way.step
    rows = moved[:, k:]
    rows = np.minimum(np.maximum(rows, way.lowest), way.highest)
    moved[:, k:] = np.where(np.abs(rows) < _AT_ZERO, 0.0, rows)
    return moved


def _slope_along(packed: Packed, answers: Answers, way: Direction) -> Floats:
    """Slope of the dual at `answers` along the way, (A,)."""
    return np.asarray((slope_of(packed, answers, way.side) * way.step).sum(axis=1))


def _between(near: Floats, far: Floats, slope_near: Floats, slope_far: Floats, *, geometric: bool) -> Floats:
    """A share between both: by the secant of the slopes, now and then by their geometric mean."""
    if geometric:
        return np.sqrt(np.maximum(near, far * 1e-4) * far)
    fall = slope_near - slope_far
    share = np.where(fall > 0, slope_near / np.where(fall > 0, fall, 1.0), 0.5)
    return np.asarray(near + (far - near) * np.clip(share, 0.03, 0.97))
