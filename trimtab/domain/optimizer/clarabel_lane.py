"""The problem of `docs/formulation.md`, fed to Clarabel directly; `formulation.py` says the same in cvxpy and tests it.

What is closed, or fixed by a rule, is left out of the arrays instead of being bounded to a point: the problem gets
smaller with each side that the search closes, and keeps an interior. Without cvxpy and scipy a worker starts in a
fraction of the time, and building takes less than solving.
"""

from dataclasses import dataclass

import clarabel
import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sum_by
from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.csc import Entries, Matrix, diagonal
from trimtab.domain.optimizer.errors import SolverStalled
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.relaxation import Solution

_OBJECTIVE_SCALE = 1e3
"""The solver's tolerances are absolute: at this scale 1e-8 is 1e-7 bp of account value."""

_SETTINGS: dict[str, object] = {
    "verbose": False,
    "max_threads": 1,
    "direct_solve_method": "qdldl",
    "presolve_enable": False,
    "max_iter": 100,
    "time_limit": 20.0,
}
_ROUND_OFF = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class _Free:
    """Which trades are to be decided, and those that a rule has decided."""

    lots: Ints  # (p,) rows of lots
    buys: Ints  # (q,) rows of securities
    sold: Floats  # (m,) decided
    bought: Floats  # (n,) decided


@dataclass(frozen=True, slots=True, eq=False)
class _Program:
    """min x'Px/2 + c'x with b - Ax zero in the first `equalities` rows, not negative in the others."""

    quadratic: Matrix
    linear: Floats
    rows: Matrix
    right: Floats
    equalities: int
    cash_row: int
    factor_columns: slice


class ClarabelLane:
    """One account's problem; `solve` answers it with sides closed."""

    def __init__(self, data: OptimizerData) -> None:
        self._data = data

    def solve(self, lot_open: Flags, buy_open: Flags) -> Solution:
        """Solve with only the open lots (m,) and securities (n,) tradable. Raises SolverStalled without an answer."""
        data = self._data
        free = _free(data, lot_open, buy_open)
        program = _program(data, free)
        answer = self._answer(program)
        point, p, q = np.asarray(answer.x, dtype=np.float64), len(free.lots), len(free.buys)
        lot_sells, buys = free.sold.copy(), free.bought.copy()
        lot_sells[free.lots] = np.clip(point[:p], 0.0, data.lots.limit[free.lots])
        buys[free.buys] = np.clip(point[p : p + q], 0.0, data.securities.buy_limit[free.buys])
        factor = data.parameters.risk_aversion * point[program.factor_columns]
        return Solution(lot_sells, buys, Prices(factor, -float(answer.z[program.cash_row]) / _OBJECTIVE_SCALE))

    def _answer(self, program: _Program) -> clarabel.DefaultSolution:
        """Without iterative refinement, which costs a third; with it when that gave no answer, or "infeasible"."""
        for refined in (False, True):
            settings = clarabel.DefaultSettings()
            for name, value in _SETTINGS.items():
                setattr(settings, name, value)
            settings.iterative_refinement_enable = refined
            inequalities = len(program.right) - program.equalities
            cones = [clarabel.ZeroConeT(program.equalities), clarabel.NonnegativeConeT(inequalities)]
            solver = clarabel.DefaultSolver(
                program.quadratic, program.linear, program.rows, program.right, cones, settings
            )
            answer = solver.solve()
            status = answer.status
            if status == clarabel.SolverStatus.Solved:
                return answer
        if status == clarabel.SolverStatus.AlmostSolved:  # how accurate it is, the bound tells
            return answer
        raise SolverStalled(f"Clarabel ended with status {status}")


def _free(data: OptimizerData, lot_open: Flags, buy_open: Flags) -> _Free:
    """Open trades, less those of securities that a rule wants sold or bought as far as they are open."""
    held, lots = data.securities, data.lots
    sale_limit = np.where(lot_open, lots.limit, 0.0)
    buy_limit = np.where(buy_open, held.buy_limit, 0.0)
    most = sum_by(lots.security, sale_limit, len(held.ids))
    if (held.sell_minimum > most + 1e-9).any() or (held.buy_minimum > buy_limit + 1e-9).any():
        raise SolverStalled("Clarabel was not asked: a rule demands a trade that is closed")
    all_sold = (held.sell_minimum > 0) & (held.sell_minimum >= most - _ROUND_OFF)
    all_bought = (held.buy_minimum > 0) & (held.buy_minimum >= buy_limit - _ROUND_OFF)
    return _Free(
        lots=np.flatnonzero((sale_limit > 0) & ~all_sold[lots.security]),
        buys=np.flatnonzero((buy_limit > 0) & ~all_bought),
        sold=np.where(all_sold[lots.security], sale_limit, 0.0),
        bought=np.where(all_bought, buy_limit, 0.0),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """Columns: trades (p sales, then q purchases), active weights of the t securities that they move, k factors, cash.

    The last two are cash above and below its target.
    """

    security: Ints  # (p + q,) row of each trade's security
    sign: Floats  # (p + q,) 1 for sales, -1 for purchases
    traded: Ints  # (t,) rows of securities
    place: Ints  # (n,) a traded security's number among them
    factors: int

    @property
    def trades(self) -> int:
        return len(self.security)

    @property
    def factor_at(self) -> int:
        return self.trades + len(self.traded)

    @property
    def cash_at(self) -> int:
        return self.factor_at + self.factors


def _columns(data: OptimizerData, free: _Free) -> _Columns:
    n, k = data.securities.loadings.shape
    security = np.concatenate((data.lots.security[free.lots], free.buys))
    traded = np.flatnonzero(np.bincount(security, minlength=n))
    place = np.zeros(n, dtype=np.int64)
    place[traded] = np.arange(len(traded))
    sign = np.repeat([1.0, -1.0], [len(free.lots), len(free.buys)])
    return _Columns(security, sign, traded, place, k)


def _program(data: OptimizerData, free: _Free) -> _Program:
    held, lots, parameters = data.securities, data.lots, data.parameters
    columns = _columns(data, free)
    rows = Entries(columns.cash_at + 2)
    _add_exposures(rows, data, free, columns)
    cash_row = _add_cash(rows, data, free, columns)
    _add_limits(rows, data, free, columns)
    _add_sums(rows, data, free)
    matrix, right = rows.matrix()

    tax = np.concatenate((lots.tax[free.lots], np.zeros(len(free.buys))))
    unit_cost = tax + (held.half_spread + parameters.churn)[columns.security]
    unpriced = np.zeros(len(columns.traded) + columns.factors)
    linear = np.concatenate((unit_cost, unpriced, [parameters.cash_drag, parameters.cash_shortfall]))
    straight = np.zeros(columns.trades)
    curvature = np.concatenate((straight, held.variance[columns.traded], np.ones(columns.factors), np.zeros(2)))
    return _Program(
        quadratic=diagonal(_OBJECTIVE_SCALE * parameters.risk_aversion * curvature),
        linear=_OBJECTIVE_SCALE * linear,
        rows=matrix,
        right=right,
        equalities=cash_row + 1,
        cash_row=cash_row,
        factor_columns=slice(columns.factor_at, columns.cash_at),
    )


def _add_exposures(rows: Entries, data: OptimizerData, free: _Free, columns: _Columns) -> None:
    """x = h - w + b - E s for what is traded, and y = C'x with the others' part as a number."""
    held, traded, t, k = data.securities, columns.traded, len(columns.traded), columns.factors
    start = data.active + free.bought - sum_by(data.lots.security, free.sold, len(held.ids))
    active = columns.trades + np.arange(t)
    rows.add(columns.place[columns.security], np.arange(columns.trades), columns.sign)
    rows.add(np.arange(t), active, 1.0)
    rows.put(start[traded])
    kept = np.ones(len(held.ids), dtype=np.bool_)
    kept[traded] = False
    rows.add(np.repeat(np.arange(k), t), np.tile(active, k), -held.loadings[traded].T.ravel())
    rows.add(np.arange(k), columns.factor_at + np.arange(k), 1.0)
    rows.put(held.loadings[kept].T @ start[kept])


def _add_cash(rows: Entries, data: OptimizerData, free: _Free, columns: _Columns) -> int:
    """Cash today and what trades bring = target + above - below; the row's place."""
    half_spread = data.securities.half_spread
    decided = ((1 - half_spread[data.lots.security]) * free.sold).sum() - ((1 + half_spread) * free.bought).sum()
    in_one_row = np.zeros(columns.trades, dtype=np.int64)
    rows.add(in_one_row, np.arange(columns.trades), columns.sign - half_spread[columns.security])
    rows.add(np.zeros(2, dtype=np.int64), columns.cash_at + np.arange(2), np.array([-1.0, 1.0]))
    return rows.put(np.array([data.cash_target - data.cash - decided]))


def _add_limits(rows: Entries, data: OptimizerData, free: _Free, columns: _Columns) -> None:
    """Each trade between its least and its most; cash above and below not negative, and together above the minimum."""
    held, every = data.securities, np.arange(columns.trades)
    rows.add(every, every, -1.0)
    rows.put(-np.concatenate((np.zeros(len(free.lots)), held.buy_minimum[free.buys])))
    rows.add(every, every, 1.0)
    rows.put(np.concatenate((data.lots.limit[free.lots], held.buy_limit[free.buys])))
    rows.add(np.array([0, 1, 2, 2]), columns.cash_at + np.array([0, 1, 0, 1]), np.array([-1.0, -1.0, -1.0, 1.0]))
    rows.put(np.array([0.0, 0.0, data.cash_target - data.cash_minimum]))


def _add_sums(rows: Entries, data: OptimizerData, free: _Free) -> None:
    """Limits on the sum of a security's sales: bands and whole shares above, names never to be held and bands below."""
    held, security = data.securities, data.lots.security[free.lots]
    most = sum_by(security, data.lots.limit[free.lots], len(held.ids))
    for bounded, sign, bound in (
        (most > held.sell_limit + _ROUND_OFF, 1.0, held.sell_limit),
        ((most > 0) & (held.sell_minimum > 0), -1.0, -held.sell_minimum),
    ):
        place = np.cumsum(bounded) - 1
        columns = np.flatnonzero(bounded[security])
        rows.add(place[security[columns]], columns, sign)
        rows.put(bound[bounded])
