"""The problem of `docs/formulation.md`, fed to Clarabel directly; `formulation.py` says the same in cvxpy and tests it.

What is closed, or fixed by a rule, is left out of the arrays (`clarabel_program.py`) instead of being bounded to a
point: the problem gets smaller with each side that the search closes, and keeps an interior. Without cvxpy and scipy
a worker starts in a fraction of the time, and building takes less than solving.
"""

import clarabel
import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, sum_by
from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.clarabel_program import OBJECTIVE_SCALE, ROUND_OFF, Free, Goal, Program, program
from trimtab.domain.optimizer.errors import OutOfTime, RulesClash, SolverStalled
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.relaxation import Solution
from trimtab.domain.optimizer.time_budget import seconds_left

_SETTINGS: dict[str, object] = {
    "verbose": False,
    "max_threads": 1,
    "direct_solve_method": "qdldl",
    "presolve_enable": False,
    "max_iter": 100,
}


class ClarabelLane:
    """One account's problem in one tax regime (`OptimizerData.under`); `solve` answers it with sides closed."""

    def __init__(self, data: OptimizerData, goal: Goal = Goal.OBJECTIVE) -> None:
        self._data, self._goal = data, goal

    def solve(self, lot_open: Flags, buy_open: Flags) -> Solution:
        """Solve with only the open lots (m,) and securities (n,) tradable.

        Raises SolverStalled without an answer, its kind RulesClash when the rules cannot all be kept, and OutOfTime.
        """
        data = self._data
        free = _free(data, lot_open, buy_open)
        arrays = program(data, free, self._goal)
        answer = self._answer(arrays)
        point, p, q = np.asarray(answer.x, dtype=np.float64), len(free.lots), len(free.buys)
        lot_sells, buys = free.sold.copy(), free.bought.copy()
        lot_sells[free.lots] = np.clip(point[:p], 0.0, data.lots.limit[free.lots])
        buys[free.buys] = np.clip(point[p : p + q], 0.0, data.securities.buy_limit[free.buys])
        return Solution(lot_sells, buys, self._prices(arrays, point, np.asarray(answer.z, dtype=np.float64)))

    def _prices(self, arrays: Program, point: Floats, dual: Floats) -> Prices:
        limit = self._data.tracking_limit
        dual = dual / OBJECTIVE_SCALE
        cap = 0.0 if arrays.cap_row is None or not limit else max(float(dual[arrays.cap_row]) / (2 * limit), 0.0)
        loose = self._data.parameters.risk_aversion + 2 * cap
        rows = arrays.unmoved_prices.copy()
        np.add.at(rows, arrays.above, dual[arrays.above_at : arrays.above_at + len(arrays.above)])
        np.add.at(rows, arrays.below, -dual[arrays.below_at : arrays.below_at + len(arrays.below)])
        return Prices(loose * point[arrays.factor_columns], -float(dual[arrays.cash_row]), rows, cap)

    def _answer(self, arrays: Program) -> clarabel.DefaultSolution:
        """Without iterative refinement, which costs a third; with it when that gave no answer, or "infeasible"."""
        for refined in (False, True):
            settings = clarabel.DefaultSettings()
            for name, value in _SETTINGS.items():
                setattr(settings, name, value)
            settings.iterative_refinement_enable = refined
            settings.time_limit = seconds_left()
            cones = [clarabel.ZeroConeT(arrays.equalities), clarabel.NonnegativeConeT(arrays.inequalities)]
            if arrays.cap_row is not None:
                cones.append(clarabel.SecondOrderConeT(len(arrays.right) - arrays.cap_row))
            solver = clarabel.DefaultSolver(arrays.quadratic, arrays.linear, arrays.rows, arrays.right, cones, settings)
            answer = solver.solve()
            status = answer.status
            if status == clarabel.SolverStatus.Solved:
                return answer
        if status == clarabel.SolverStatus.AlmostSolved:  # how accurate it is, the bound tells
            return answer
        if status in (clarabel.SolverStatus.PrimalInfeasible, clarabel.SolverStatus.AlmostPrimalInfeasible):
            raise RulesClash(f"Clarabel ended with status {status}")
        if status == clarabel.SolverStatus.MaxTime:
            raise OutOfTime("the time for the account was over before Clarabel had an answer")
        raise SolverStalled(f"Clarabel ended with status {status}")


def _free(data: OptimizerData, lot_open: Flags, buy_open: Flags) -> Free:
    """Open trades, less those of securities that a rule wants sold or bought as far as they are open."""
    held, lots = data.securities, data.lots
    sale_limit = np.where(lot_open, lots.limit, 0.0)
    buy_limit = np.where(buy_open, held.buy_limit, 0.0)
    most = sum_by(lots.security, sale_limit, len(held.ids))
    if (held.sell_minimum > most + 1e-9).any() or (held.buy_minimum > buy_limit + 1e-9).any():
        raise RulesClash("Clarabel was not asked: a rule demands a trade that is closed")
    all_sold = (held.sell_minimum > 0) & (held.sell_minimum >= most - ROUND_OFF)
    all_bought = (held.buy_minimum > 0) & (held.buy_minimum >= buy_limit - ROUND_OFF)
    return Free(
        lots=np.flatnonzero((sale_limit > 0) & ~all_sold[lots.security]),
        buys=np.flatnonzero((buy_limit > 0) & ~all_bought),
        sold=np.where(all_sold[lots.security], sale_limit, 0.0),
        bought=np.where(all_bought, buy_limit, 0.0),
    )
