"""How far the rules on the whole account can be kept, found before anything is optimised.

The rules on single names are separable and tell for themselves (`conflicts.py`). Rows couple them: one solve that
minimises what is missed tells whether all can be kept. Bands found broken, and losses to be preserved, are then
asked for as far as the others allow; any other row that must be missed is a conflict, and so is a tracking error that
cannot be reached.
"""

from dataclasses import dataclass, replace

import numpy as np

from trimtab.domain.optimizer.account_rows import PRESERVED
from trimtab.domain.optimizer.arrays import Flags, Floats, sum_by
from trimtab.domain.optimizer.clarabel_lane import ClarabelLane
from trimtab.domain.optimizer.clarabel_program import Goal
from trimtab.domain.optimizer.objective import row_amounts
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.relaxation import Solution

_MISSED = 1e-7
"""A row missed by less is kept: the solver's round-off."""

_MARGIN = 1e-5
"""Given beyond what can be attained, so that the problem keeps an interior."""

_FIRST, _LAST = 1.0, 0.01
"""What a unit missed counts for rows that cannot yield, and for bands found broken, which can."""


@dataclass(frozen=True, slots=True, eq=False)
class Attainable:
    """The data with broken bands loosened to what can be attained, or what clashes."""

    data: OptimizerData
    clashing: tuple[str, ...] = ()  # names of rows that must be missed
    least_tracking_error: float | None = None  # when its limit cannot be reached


def attain(data: OptimizerData) -> Attainable:
    """Nothing to do for an account that may stand still. Raises SolverStalled without an answer."""
    if data.may_stand_still:
        return Attainable(data)
    hard = np.isinf(data.rows.price_above) | np.isinf(data.rows.price_below)
    if hard.any():
        broken = data.rows.excess(data.rows.start) > 0
        broken |= np.array([name == PRESERVED for name in data.rows.names])
        solution = _solve(_softened(data, broken), Goal.LEAST_MISSED)
        missed = data.rows.excess(row_amounts(data, solution.lot_sells, solution.buys))
        clashing = hard & ~broken & (missed > _MISSED)
        if clashing.any():
            return Attainable(data, tuple(name for name, clash in zip(data.rows.names, clashing, strict=True) if clash))
        data = _loosened(data, broken & (missed > _MISSED), missed + _MARGIN)
    least = _least_tracking_error(data)
    if data.tracking_limit is not None and least > data.tracking_limit:
        return Attainable(data, least_tracking_error=least)
    return Attainable(data)


def _solve(data: OptimizerData, goal: Goal) -> Solution:
    everything = np.ones(len(data.lots.lots), dtype=np.bool_), data.securities.buy_limit > 0
    return ClarabelLane(data, goal).solve(*everything)


def _softened(data: OptimizerData, broken: Flags) -> OptimizerData:
    """Hard rows at a price, priced rows left out."""
    count = np.where(broken, _LAST, _FIRST)
    rows = data.rows
    return replace(
        data,
        rows=replace(
            rows,
            price_above=np.where(np.isinf(rows.price_above), count, 0.0),
            price_below=np.where(np.isinf(rows.price_below), count, 0.0),
        ),
    )


def _loosened(data: OptimizerData, where: Flags, by: Floats) -> OptimizerData:
    rows = data.rows
    low, high = np.where(where, rows.low - by, rows.low), np.where(where, rows.high + by, rows.high)
    # Such a band is missed anyhow: in whole shares all that is asked is that it is not missed by more than before.
    still_missed = np.maximum(np.maximum(rows.start - high, low - rows.start), 0.0)
    slack = np.where(where, np.maximum(np.maximum(rows.slack, still_missed), by), rows.slack)
    return replace(data, rows=replace(rows, low=low, high=high, slack=slack))


def _least_tracking_error(data: OptimizerData) -> float:
    """Annualised, over all hard rules but the wash sides; zero without a limit."""
    if data.tracking_limit is None:
        return 0.0
    solution = _solve(data, Goal.LEAST_RISK)
    sold = sum_by(data.lots.security, solution.lot_sells, len(data.securities.ids))
    return float(data.squared_tracking_error(data.active + solution.buys - sold) ** 0.5)
