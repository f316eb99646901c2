"""One account's convex problem by the kernel, for the steps that close sides and solve again."""

from dataclasses import replace

import numpy as np

from trimtab.domain.optimizer.arrays import Flags
from trimtab.domain.optimizer.clarabel_lane import ClarabelLane
from trimtab.domain.optimizer.fast.packing import pack
from trimtab.domain.optimizer.fast.reading import found
from trimtab.domain.optimizer.fast.screen import standing_prices
from trimtab.domain.optimizer.fast.shapes import shape_of, supports
from trimtab.domain.optimizer.fast.sides import on_sides
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.relaxation import Solution


class FastRelaxation:
    """A `Relaxation`; what the kernel does not know or cannot reach, Clarabel answers."""

    def __init__(self, data: OptimizerData) -> None:
        self._data = data

    def solve(self, lot_open: Flags, buy_open: Flags) -> Solution:
        """Solve with only the open lots (m,) and securities (n,) tradable. Raises SolverStalled without an answer."""
        data = self._data
        closed = replace(
            data,
            securities=replace(data.securities, buy_limit=np.where(buy_open, data.securities.buy_limit, 0.0)),
            lots=replace(data.lots, limit=np.where(lot_open, data.lots.limit, 0.0)),
        )
        if supports(closed) is None:
            batch = pack([closed], shape_of(closed))
            if not batch.packed.contested.any():
                start = standing_prices(batch.packed)
                settled = on_sides(batch.packed, start, np.zeros_like(batch.packed.contested))
                if settled.arrived[0]:
                    return found(batch, settled, settled, 0).solution
        return ClarabelLane(data).solve(lot_open, buy_open)
