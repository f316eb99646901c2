"""Lots that are all but equal become one row for the solver, and each its own again afterwards.

Neighbours in the order of sale are merged when everything that a rule asks of a lot is equal (security, rate of its
term, wash sale state, locked or not, any field that `Lots` may get) and their unit costs are within a basis point of
the first one's. The merged row costs what its cheapest lot costs, so every bound of the merged problem is one of the
account's own. Selling some of it takes the lots from the front, in the order in which they stood.
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sum_by
from trimtab.domain.optimizer.problem import Lots, OptimizerData, cumulative_before
from trimtab.domain.optimizer.relaxation import Solution
from trimtab.domain.optimizer.wash_sides import Found, Sides

SAME_COST = 1e-4
"""Unit costs that differ by no more than this fraction of the first lot's count as one."""

_MAY_DIFFER = frozenset({"lots", "value", "limit", "gain", "tax"})
"""Fields of `Lots` in which merged lots may differ; in any other they must be equal."""


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """An account with all but equal lots as one row, and how to take it apart."""

    data: OptimizerData
    group: Ints  # (m,) of each own lot: its row in `data`
    limit: Floats  # (m,) what may be sold of each own lot

    def apart(self, found: Found) -> Found:
        """The same trades and sides by own lots, the front of each group first. The bound holds for them too."""
        wanted = found.solution.lot_sells[self.group]
        sells = np.clip(wanted - cumulative_before(self.group, self.limit), 0.0, self.limit)
        solution = Solution(sells, found.solution.buys, found.solution.prices)
        return replace(found, solution=solution, sides=Sides(found.sides.lots[self.group], found.sides.buys))


def merge_lots(data: OptimizerData) -> Merged:
    """`data` with fewer lots, or itself when no two are alike."""
    lots = data.lots
    first = _first_of_group(lots)
    rows, group = np.unique(first, return_inverse=True)
    if len(rows) == len(first):
        return Merged(data, group, lots.limit)
    value = sum_by(group, lots.value, len(rows))
    merged = Lots(
        **{item.name: getattr(lots, item.name)[rows] for item in fields(lots) if item.name not in _MAY_DIFFER},
        lots=tuple(lots.lots[row] for row in rows),
        value=value,
        limit=sum_by(group, lots.limit, len(rows)),
        gain=sum_by(group, lots.value * lots.gain, len(rows)) / np.where(value > 0, value, 1.0),
        tax=lots.tax[rows],  # lots stand by tax, so the first is the cheapest
    )
    return Merged(replace(data, lots=merged), group, lots.limit)


def _first_of_group(lots: Lots) -> Ints:
    """(m,) the row of the first lot of each lot's group."""
    first = np.arange(len(lots.lots))
    unit_cost = 1.0 - lots.gain  # fraction of the price
    joins = np.flatnonzero(_like_the_one_before(lots)) + 1
    near = np.abs(unit_cost[joins] - unit_cost[joins - 1]) <= SAME_COST * unit_cost[joins - 1]
    for row in joins[near].tolist():
        start = int(first[row - 1])
        # From the group's first lot, not from the neighbour: a group must not drift.
        if abs(unit_cost[row] - unit_cost[start]) <= SAME_COST * unit_cost[start]:
            first[row] = start
    return first


def _like_the_one_before(lots: Lots) -> Flags:
    """(m - 1,) of each lot but the first: equal to its neighbour in all that must be equal."""
    like: Flags = (lots.limit[1:] > 0) == (lots.limit[:-1] > 0)
    for item in fields(lots):
        if item.name not in _MAY_DIFFER:
            values = getattr(lots, item.name)
            like = like & (values[1:] == values[:-1])
    return like
