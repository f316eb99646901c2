"""A bound proved by several sets of prices, each on the patterns of wash sale sides where it is the best.

At any prices the bound splits by the side of each contested key, so it can be told for every pattern of sides. A key
that is cheaper on the same side at all the prices needs no telling apart: no lowest pattern has it on the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints
from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.bound import Branches, lower_bound, within_caps
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.securities import SecurityId

MOST_KEYS = 10
"""Patterns are told apart over this many keys, those most in doubt: 2^10 sums for each set of prices."""

_ENOUGH = 1e-11
"""A set of prices is kept for what it adds to the bound beyond this: a ten-millionth of a basis point."""


@dataclass(frozen=True, slots=True, eq=False)
class ProvedOnSides:
    """The bound of one regime, one member of each key that is told apart, and the prices that are needed for it."""

    value: float
    members: tuple[SecurityId, ...]
    prices: tuple[Prices, ...]


def proved_on_sides(
    data: OptimizerData, first: tuple[Prices, Branches], others: Sequence[Prices]
) -> ProvedOnSides | None:
    """The least over all patterns of the best bound on each; None when all prices favour the same sides.

    The `first` prices come with their bound.
    """
    further = [within_caps(data, at) for at in others]
    every = [first[0], *further]
    told = told_apart([first[1], *(lower_bound(data, at) for at in further)])
    if told is None:
        return None
    members = [data.securities.ids[int(np.argmax(data.securities.wash_key == key))] for key in told.keys]
    return ProvedOnSides(told.value, tuple(members), tuple(every[place] for place in told.kept))


@dataclass(frozen=True, slots=True, eq=False)
class ToldApart:
    """What several bounds prove together: by the sides of `keys`, with those of the bounds that are `kept`."""

    value: float
    keys: Ints
    kept: tuple[int, ...]


def told_apart(cuts: Sequence[Branches]) -> ToldApart | None:
    """The least over all patterns of the best of the `cuts` on each; None when all of them favour the same sides."""
    keys = _in_doubt(cuts)
    if not len(keys):
        return None
    patterns = _patterns(len(keys))
    bounds = np.array([cut.with_sides(keys, patterns) for cut in cuts])
    kept = _needed(bounds)
    return ToldApart(float(bounds[kept].max(axis=0).min()), keys, tuple(kept))


def _in_doubt(cuts: Sequence[Branches]) -> Ints:
    """Keys that are cheaper sold at some of the prices and cheaper bought at others, those first that matter most."""
    ahead: Floats = np.array([np.minimum(cut.if_bought, 1e6) - np.minimum(cut.if_sold, 1e6) for cut in cuts])
    matters = np.minimum(ahead.max(axis=0), -ahead.min(axis=0))
    order = np.argsort(-matters, kind="stable")[:MOST_KEYS]
    return np.sort(order[matters[order] > 0])


def _needed(bounds: Floats) -> list[int]:
    """Rows of (c, p) whose maximum has the same least value as that of all: one after another where most is missing."""
    whole = float(bounds.max(axis=0).min())
    kept = [int(np.argmax(bounds.min(axis=1)))]
    best: Floats = bounds[kept[0]]
    while float(best.min()) < whole - _ENOUGH:
        kept.append(int(np.argmax(bounds[:, int(np.argmin(best))])))
        best = np.maximum(best, bounds[kept[-1]])
    return kept


def _patterns(keys: int) -> Flags:
    """All 2^keys patterns of two sides, one a row; True is bought."""
    patterns: Flags = (np.arange(2**keys)[:, None] >> np.arange(keys)) % 2 == 1
    return patterns
