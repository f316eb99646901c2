"""Lots that are all but equal are one column for a lane, and each its own again in its answer.

Neighbours in the order of sale are merged when everything that a rule asks of a lot is equal (security, rate of its
term, at a loss or not, locked or open, any field that `Lots` may get), no purchase washes a part of them, and their
unit costs are within a basis point of the first one's. A merged column has the lots' mean tax and gain; what is sold of
it comes from its lots from the front. Only the lane sees it: bounds, gaps, whole shares and bookings are of the lots.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sum_by
from trimtab.domain.optimizer.clarabel_lane import ClarabelLane
from trimtab.domain.optimizer.problem import Lots, OptimizerData, cumulative_before
from trimtab.domain.optimizer.relaxation import Relaxation, Solution

SAME_COST = 1e-4
"""Unit costs that differ by no more than this fraction of the first lot's count as one."""

_OF_ITS_OWN = frozenset({"lots", "value", "limit", "gain", "tax", "washed", "wash_cost", "replacements"})
"""Fields of `Lots` that are not compared one with another; in any other merged lots must be equal."""


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """An account with all but equal lots as one row, and how to take an answer apart."""

    data: OptimizerData
    group: Ints  # (m,) of each own lot: its row in `data`
    first: Ints  # of each row in `data`: the first of its lots
    limit: Floats  # (m,) what may be sold of each own lot

    def apart(self, solution: Solution) -> Solution:
        """The same sales by own lots, the front of each group first."""
        wanted = solution.lot_sells[self.group] - cumulative_before(self.group, self.limit)
        return replace(solution, lot_sells=np.clip(wanted, 0.0, self.limit))


class MergedLots:
    """One account's problem as a lane of its kind solves it, with fewer lots where some are all but equal."""

    def __init__(self, data: OptimizerData, lane: Callable[[OptimizerData], Relaxation] = ClarabelLane) -> None:
        self._data, self._lane = data, lane

    def solve(self, lot_open: Flags, buy_open: Flags) -> Solution:
        """As the lane does, with only the open lots (m,) and securities (n,) tradable."""
        merged = merge_lots(self._data, lot_open)
        if merged.data is self._data:
            return self._lane(self._data).solve(lot_open, buy_open)
        return merged.apart(self._lane(merged.data).solve(lot_open[merged.first], buy_open))


def merge_lots(data: OptimizerData, lot_open: Flags | None = None) -> Merged:
    """`data` with fewer lots, or itself when no two are alike. Lots open and closed, (m,), are never mixed."""
    lots = data.lots
    of_each = _first_of_group(lots, np.ones(len(lots.lots), dtype=np.bool_) if lot_open is None else lot_open)
    first, group = np.unique(of_each, return_inverse=True)
    limit = lots.limit if lot_open is None else np.where(lot_open, lots.limit, 0.0)
    if len(first) == len(group):
        return Merged(data, group, first, limit)
    share = lots.value / np.maximum(sum_by(group, lots.value, len(first)), 1e-300)[group]
    fewer = _Fewer(group, first, share)
    merged = replace(
        data,
        lots=fewer.lots(lots),
        rows=replace(data.rows, on_sale=fewer.means(data.rows.on_sale)),
        regimes=tuple(
            replace(
                each,
                lot_tax=fewer.mean(each.lot_tax),
                rows=replace(each.rows, on_sale=fewer.means(each.rows.on_sale)),
            )
            for each in data.regimes
        ),
    )
    return Merged(merged, group, first, limit)


@dataclass(frozen=True, slots=True, eq=False)
class _Fewer:
    """Sums and means over groups of lots."""

    group: Ints
    first: Ints
    share: Floats  # (m,) of each lot in the value of its group

    def total(self, amount: Floats) -> Floats:
        return sum_by(self.group, amount, len(self.first))

    def mean(self, amount: Floats) -> Floats:
        return self.total(self.share * amount)

    def means(self, amount: Floats) -> Floats:
        """Of each row of (r, m)."""
        return np.array([self.mean(row) for row in amount]).reshape(len(amount), len(self.first))

    def lots(self, lots: Lots) -> Lots:
        same = {
            item.name: getattr(lots, item.name)[self.first] for item in fields(lots) if item.name not in _OF_ITS_OWN
        }
        return Lots(
            **same,
            lots=tuple(lots.lots[row] for row in self.first),
            value=self.total(lots.value),
            limit=self.total(lots.limit),
            gain=self.mean(lots.gain),
            tax=self.mean(lots.tax),
            washed=self.total(lots.washed),
            wash_cost=self.mean(lots.wash_cost),
            replacements=None,  # a lane reads taxes alone
        )


def _first_of_group(lots: Lots, lot_open: Flags) -> Ints:
    """(m,) the row of the first lot of each lot's group."""
    first = np.arange(len(lots.lots))
    unit_cost = 1.0 - lots.gain  # fraction of the price
    joins = np.flatnonzero(_like_the_one_before(lots, lot_open)) + 1
    near = np.abs(unit_cost[joins] - unit_cost[joins - 1]) <= SAME_COST * unit_cost[joins - 1]
    for row in joins[near].tolist():
        start = int(first[row - 1])
        # From the group's first lot, not from the neighbour: a group must not drift.
        if abs(unit_cost[row] - unit_cost[start]) <= SAME_COST * unit_cost[start]:
            first[row] = start
    return first


def _like_the_one_before(lots: Lots, lot_open: Flags) -> Flags:
    """(m - 1,) of each lot but the first: equal to its neighbour where it must be, no part of either washed."""
    washed_in_part = (lots.washed > 0) & ~lots.void
    like: Flags = ~(washed_in_part[1:] | washed_in_part[:-1]) & (lot_open[1:] == lot_open[:-1])
    like &= (lots.limit[1:] > 0) == (lots.limit[:-1] > 0)
    for item in fields(lots):
        if item.name not in _OF_ITS_OWN:
            values = getattr(lots, item.name)
            like &= values[1:] == values[:-1]
    return like
