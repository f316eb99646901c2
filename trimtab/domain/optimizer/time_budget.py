"""How long one account's analysis may take: a tail must not hold up the night (N12).

A solver asks before it starts, and is told how long it may run. The clock is a context variable, since what asks is
far below what sets it; a worker analyses one account at a time.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from trimtab.domain.optimizer.errors import OutOfTime

Clock = Callable[[], float]

SECONDS_AN_ACCOUNT = 20.0
"""A thousand times what an account takes: whoever needs it is stuck."""


@dataclass(frozen=True, slots=True)
class TimeBudget:
    """Seconds for one account, by a clock that only rises."""

    seconds: float = SECONDS_AN_ACCOUNT
    clock: Clock = time.monotonic

    @contextmanager
    def share(self, share: float) -> Iterator[None]:
        """Solvers asked inside end after this share of it."""
        with within(self.seconds * share, self.clock):
            yield


DEFAULT = TimeBudget()


@dataclass(frozen=True, slots=True)
class _Deadline:
    at: float
    clock: Clock


_DEADLINE: ContextVar[_Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def within(seconds: float, clock: Clock = time.monotonic) -> Iterator[None]:
    """Solvers asked inside end after so many seconds; an earlier deadline outside stays."""
    outer, here = _DEADLINE.get(), clock() + seconds
    token = _DEADLINE.set(_Deadline(here if outer is None else min(here, outer.at), clock))
    try:
        yield
    finally:
        _DEADLINE.reset(token)


def seconds_left() -> float:
    """Seconds that a solver may still take. Raises OutOfTime when there are none."""
    deadline = _DEADLINE.get()
    if deadline is None:
        return SECONDS_AN_ACCOUNT
    left = deadline.at - deadline.clock()
    if left <= 0:
        raise OutOfTime("the time for the account was over before the solver had an answer")
    return left
