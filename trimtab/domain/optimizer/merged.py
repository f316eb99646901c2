"""The bound of accounts with equivalence sets: one list of all that a set's members may sell and buy.

Members share their risk, so only what the set weighs counts. A purchase is a sale of nothing written backwards: to buy
b of at most u at cost e a unit is to sell u - b of a phantom lot at cost -e, and e u in advance. Then one list, sorted
by cost, is filled from the front, and each set's best answer has a closed form again, with any number of members.

A wash key that may be sold at a loss or bought is on one side. Keys and sets that share securities form a cell, and a
cell takes the best of the patterns of sides of its keys; beyond `_KEYS_A_CELL` keys stay open on both sides, which
only lowers the bound.
"""

from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sum_by
from trimtab.domain.optimizer.blocks import Priced, Prices, priced_at
from trimtab.domain.optimizer.capacity import contested_securities
from trimtab.domain.optimizer.problem import OptimizerData, cumulative_before

_KEYS_A_CELL = 5
"""Patterns of so many keys are tried: 2^5 passes over the lots."""


@dataclass(frozen=True, slots=True, eq=False)
class CellValues:
    """What the cells are worth at least, in all, and by the side of each wash key, (n_keys,)."""

    total: float
    if_sold: Floats
    if_bought: Floats
    cell: Ints  # (n_keys,) the cell of each key


def cell_values(data: OptimizerData, prices: Prices) -> CellValues:
    """The least that each cell costs at `prices`; infinite where a rule cannot be kept."""
    held, contested = data.securities, contested_securities(data)
    cell = _cells(data, contested)
    place = _places(held.wash_key, cell, contested, held.keys)
    priced = priced_at(data, prices)
    used = np.where(place < _KEYS_A_CELL, place, -1)
    patterns = 2 ** (int(used.max(initial=-1)) + 1)
    bought = (np.arange(patterns)[:, None] >> np.maximum(used, 0)) % 2 == 1  # (patterns, keys)
    values = np.array([sum_by(cell, _sets(data, priced, contested, used, each), len(cell)) for each in bought])
    key_cell = np.zeros(held.keys, dtype=np.int64)
    key_cell[held.wash_key] = cell
    of_key = values[:, key_cell]
    sold_side, bought_side = (np.where((used >= 0) & (bought != side), np.inf, of_key) for side in (False, True))
    return CellValues(float(values.min(axis=0).sum()), sold_side.min(axis=0), bought_side.min(axis=0), key_cell)


def _cells(data: OptimizerData, contested: Flags) -> Ints:
    """The lowest row that each security is tied to, by its set or by a contested wash key, (n,)."""
    held = data.securities
    cell = np.arange(len(held.ids))
    while True:
        tied = cell
        for group, members in ((held.block, np.ones(len(cell), dtype=np.bool_)), (held.wash_key, contested)):
            lowest = np.full(len(cell), len(cell))
            np.minimum.at(lowest, group[members], tied[members])
            tied = np.where(members, lowest[group], tied)
        if (tied == cell).all():
            return tied
        cell = tied


def _places(key: Ints, cell: Ints, contested: Flags, keys: int) -> Ints:
    """The number of each contested key among those of its cell, (n_keys,); -1 for others."""
    place, seen = np.full(keys, -1), dict[int, int]()
    for row in np.flatnonzero(contested).tolist():
        if place[key[row]] < 0:
            place[key[row]] = seen.get(int(cell[row]), 0)
            seen[int(cell[row])] = int(place[key[row]]) + 1
    return place


def _sets(data: OptimizerData, priced: Priced, contested: Flags, used: Ints, bought: Flags) -> Floats:
    """The least that each set costs with contested keys on their sides, at the row of its first member, (n,)."""
    held, lots, order, n = data.securities, data.lots, priced.order, len(data.securities.ids)
    decided = contested & (used >= 0)[held.wash_key]
    on_bought_side = bought[held.wash_key]
    row = lots.security
    open_lots = ~(lots.at_loss & (decided & on_bought_side)[row])
    limit = np.where(open_lots, lots.limit, 0.0)[order]
    before = cumulative_before(row, limit)
    most = np.clip(held.sell_limit[row] - before, 0.0, limit)
    due = np.clip(held.sell_minimum[row] - before, 0.0, most)
    buy_limit = np.where(decided & ~on_bought_side, 0.0, held.buy_limit)
    short = (sum_by(row, due, n) < held.sell_minimum - 1e-9) | (buy_limit < held.buy_minimum - 1e-9)
    optional = np.maximum(buy_limit - held.buy_minimum, 0.0)
    start = held.by_block(data.active - sum_by(row, due, n) + held.buy_minimum + optional)
    sale_cost = priced.sale_cost[order]
    paid = sum_by(row, sale_cost * due, n) + priced.purchase_cost * (held.buy_minimum + optional)

    block = np.concatenate((held.block[row], held.block))
    cost = np.concatenate((sale_cost, -priced.purchase_cost))
    size = np.concatenate((most - due, optional))
    merged = np.lexsort((cost, block))
    block, cost, size = block[merged], cost[merged], size[merged]
    wanted = start[block] - (cost - priced.slope[block]) / priced.curvature[block]
    sold = np.clip(wanted - cumulative_before(block, size), 0.0, size)
    left = start - sum_by(block, sold, n)
    value = priced.curvature / 2 * left**2 + priced.slope * left + sum_by(block, cost * sold, n) + held.by_block(paid)
    return np.where(held.by_block(short.astype(np.float64)) > 0, np.inf, value)
