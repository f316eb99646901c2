"""The order in which lots are sold once rows on gains have moved their costs.

Without such rows the data's own order, cheapest tax first, is right at any prices. With them the prices of the
solution say what each lot costs; and where a budget makes two lots of one security equally dear, the solution sells
a part of each, which no order alone can say: then the earlier ones are capped at what the solution sells of them.
"""

from dataclasses import dataclass, replace

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sum_by
from trimtab.domain.optimizer.blocks import sale_costs
from trimtab.domain.optimizer.objective import evaluate, row_amounts
from trimtab.domain.optimizer.problem import FIXED, OptimizerData, Regime, Rows, fill
from trimtab.domain.optimizer.wash import in_rows
from trimtab.domain.optimizer.wash_sides import DUST, Found, Sides

_LOT_ARRAYS = ("security", "value", "limit", "gain", "rate", "tax", "at_loss", "void", "washed", "wash_cost")

_AS_GOOD = 1e-8  # a ten-thousandth of a basis point


@dataclass(frozen=True, slots=True, eq=False)
class OrderedSales:
    """The data and the solution with lots in the order of sale, and the most to be sold of each, (m,)."""

    data: OptimizerData
    found: Found
    caps: Floats  # inf but for lots sold in part before others


def in_order_of_sale(data: OptimizerData, found: Found) -> OrderedSales:
    """`data` in one regime. Lots of one security by their cost at the solution's prices."""
    if data.regimes[0].name == FIXED and not _unequal(data):
        return OrderedSales(data, found, np.full(len(data.lots.lots), np.inf))
    cost = sale_costs(data, found.solution.prices)
    ordered, there = _reordered(data, found, np.lexsort((cost, data.lots.security)))
    total = sum_by(ordered.lots.security, there.solution.lot_sells, len(ordered.securities.ids))
    filled = fill(ordered.lots.security, np.where(there.sides.lots, ordered.lots.limit, 0.0), total)
    if _as_good(ordered, filled, there):
        return OrderedSales(ordered, there, np.full(len(filled), np.inf))
    sold = found.solution.lot_sells
    part = (sold > DUST) & (sold < data.lots.limit - DUST)
    rank = np.where(part, 1, np.where(sold > DUST, 0, 2))
    order = np.lexsort((cost, rank, data.lots.security))
    ordered, there = _reordered(data, found, order)
    return OrderedSales(ordered, there, _caps(ordered.lots.security, part[order], there.solution.lot_sells))


def _unequal(data: OptimizerData) -> bool:
    """True when some row treats two lots of one security differently."""
    security, effect = data.lots.security, data.rows.on_sale
    same = security[1:] == security[:-1]
    return bool((effect[:, 1:] != effect[:, :-1])[:, same].any())


def _as_good(data: OptimizerData, lot_sells: Floats, found: Found) -> bool:
    solved = found.solution
    excess = data.rows.excess(row_amounts(data, lot_sells, solved.buys))
    allowed = data.rows.excess(row_amounts(data, solved.lot_sells, solved.buys)) + _AS_GOOD
    worse = evaluate(data, lot_sells, solved.buys).total - evaluate(data, solved.lot_sells, solved.buys).total
    return worse <= _AS_GOOD and bool((excess <= allowed).all())


def _caps(security: Ints, part: Flags, sold: Floats) -> Floats:
    """What is sold of each lot that is sold in part and is not its security's last such."""
    last = np.zeros(len(part), dtype=np.bool_)
    places = np.flatnonzero(part)
    if len(places):
        last[places] = np.append(security[places][1:] != security[places][:-1], True)
    caps: Floats = np.where(part & ~last, sold, np.inf)
    return caps


def _reordered(data: OptimizerData, found: Found, order: Ints) -> tuple[OptimizerData, Found]:
    lots = data.lots
    arrays = {name: getattr(lots, name)[order] for name in _LOT_ARRAYS}
    replacements = in_rows(lots.replacements, order)
    moved = replace(lots, lots=tuple(lots.lots[index] for index in order), replacements=replacements, **arrays)
    regimes = tuple(_regime(each, order) for each in data.regimes)
    solution = replace(found.solution, lot_sells=found.solution.lot_sells[order])
    sides = Sides(found.sides.lots[order], found.sides.buys)
    return (
        replace(data, lots=moved, rows=_rows(data.rows, order), regimes=regimes),
        replace(found, solution=solution, sides=sides),
    )


def _rows(rows: Rows, order: Ints) -> Rows:
    return replace(rows, on_sale=rows.on_sale[:, order])


def _regime(regime: Regime, order: Ints) -> Regime:
    return replace(regime, lot_tax=regime.lot_tax[order], rows=_rows(regime.rows, order))


def reorder_like(data: OptimizerData, ordered: OptimizerData) -> OptimizerData:
    """`data`, in all its regimes, with lots in the order of `ordered`."""
    if data.lots.lots is ordered.lots.lots:
        own = {name: getattr(data.lots, name) for name in ("tax", "limit", "washed")}
        return replace(data, lots=replace(ordered.lots, **own))
    place = {lot.id: row for row, lot in enumerate(data.lots.lots)}
    order = np.array([place[lot.id] for lot in ordered.lots.lots], dtype=np.int64)
    own = {name: getattr(data.lots, name)[order] for name in ("tax", "limit", "washed")}
    lots = replace(ordered.lots, **own)
    regimes = tuple(_regime(each, order) for each in data.regimes)
    return replace(data, lots=lots, rows=_rows(data.rows, order), regimes=regimes)
