"""The specification: the paper page (`docs/formulation.md`) in cvxpy, each term one named line. Solved by Clarabel.

Read it beside the page. Nothing that works at night imports it: `clarabel_lane.py` feeds the same problem to the same
solver, and its answers are tested against these.

Built once an account. The limits of single lots and securities are parameters, so that the non-convex rules (wash
branches, minimum trades) are settled by closing a side and solving again, without building again.
"""

import warnings

import cvxpy as cp
import numpy as np
import scipy.sparse as sp
from cvxpy.atoms.affine.binary_operators import multiply
from cvxpy.atoms.affine.hstack import hstack
from cvxpy.atoms.sum_squares import sum_squares

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sum_by
from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.errors import SolverStalled
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.relaxation import Solution

_OBJECTIVE_SCALE = 1e3
"""The solver's tolerances are absolute: at this scale 1e-8 is 1e-7 bp of account value."""

_SETTINGS = {
    "max_threads": 1,
    "direct_solve_method": "qdldl",
    "presolve_enable": False,
    "max_iter": 100,
    "time_limit": 20.0,
}
_ANSWERED = (cp.OPTIMAL, cp.OPTIMAL_INACCURATE)


class Specification:
    """One account's problem; `solve` answers it with sides closed."""

    def __init__(self, data: OptimizerData) -> None:
        self._data = data
        self._sellable: Ints = np.flatnonzero(data.lots.limit > 0)
        self._buyable: Ints = np.flatnonzero(data.securities.buy_limit > 0)
        self._sell_limit = cp.Parameter(len(self._sellable), nonneg=True)
        self._buy_limit = cp.Parameter(len(self._buyable), nonneg=True)
        self._build()

    def _build(self) -> None:
        """The page. n securities, m sellable lots, q buyable securities, k factors; weights of account value."""
        held, lots, parameters = self._data.securities, self._data.lots, self._data.parameters
        rows, limit = self._data.rows, self._data.tracking_limit
        sellable, buyable = self._sellable, self._buyable
        n, k = held.loadings.shape
        lot_to_security = _picks(lots.security[sellable], n)  # (n, m)
        buy_to_security = _picks(buyable, n)  # (n, q)

        lot_sells = cp.Variable(len(sellable), name="lot_sells")
        buys = cp.Variable(len(buyable), name="buys")
        first = np.unique(held.block)  # (b,) a set of equivalent securities goes by its first; most have one member
        set_of = _picks(np.searchsorted(first, held.block), len(first))  # (b, n)
        specific_active = cp.Variable(len(first), name="specific_active")  # active weight times specific risk
        factor_active = cp.Variable(k, name="factor_active")
        cash_above = cp.Variable(nonneg=True, name="cash_above_target")
        cash_below = cp.Variable(nonneg=True, name="cash_below_target")
        rows_above = cp.Variable(len(self._data.rows), nonneg=True, name="rows_above_their_intervals")
        rows_below = cp.Variable(len(self._data.rows), nonneg=True, name="rows_below_their_intervals")

        sells_by_security = lot_to_security @ lot_sells
        buys_by_security = buy_to_security @ buys
        active = self._data.active + buys_by_security - sells_by_security
        sale_cost = (held.half_spread + parameters.churn)[lots.security[sellable]]
        purchase_cost = (held.half_spread + parameters.churn + held.preference)[buyable]
        proceeds = (1 - held.half_spread)[lots.security[sellable]] @ lot_sells
        payments = (1 + held.half_spread)[buyable] @ buys

        row_amounts = (
            rows.start
            + rows.on_active @ (buys_by_security - sells_by_security)
            + rows.on_sale[:, sellable] @ lot_sells
            + rows.on_purchase[:, buyable] @ buys
        )

        active_risk = sum_squares(factor_active) + sum_squares(specific_active)
        tax_cost = lots.tax[sellable] @ lot_sells
        transaction_cost = sale_cost @ lot_sells + purchase_cost @ buys
        cash_cost = parameters.cash_drag * cash_above + parameters.cash_shortfall * cash_below
        tilt_cost = -held.tilt @ active
        row_cost = _soft(rows.price_above) @ rows_above + _soft(rows.price_below) @ rows_below

        risk = np.sqrt(held.variance)[first]
        capped = np.flatnonzero(sum_by(lots.security, lots.limit, n) > held.sell_limit + 1e-15)
        due_sales = np.flatnonzero(held.sell_minimum > 0)
        due_buys = np.flatnonzero(held.buy_minimum[buyable] > 0)
        self._cash_balance = self._data.cash + proceeds - payments == self._data.cash_target + cash_above - cash_below
        upper, lower = np.flatnonzero(np.isfinite(rows.high)), np.flatnonzero(np.isfinite(rows.low))
        self._upper, self._lower = upper, lower
        self._above = row_amounts[upper] - rows_above[upper] <= rows.high[upper]
        self._below = row_amounts[lower] + rows_below[lower] >= rows.low[lower]
        own_risk = multiply(held.specific_risk[first] / risk, specific_active)  # the model's own, not floored
        self._tracking = [] if limit is None else [cp.SOC(cp.Constant(limit), hstack([factor_active, own_risk]))]
        constraints = [
            self._cash_balance,
            cash_above - cash_below >= self._data.cash_minimum - self._data.cash_target,  # reserve, withdrawals, floor
            specific_active == multiply(risk, set_of @ active),
            factor_active == (held.loadings[first] / risk[:, None]).T @ specific_active,
            lot_sells >= 0,
            lot_sells <= self._sell_limit,  # locked lots, wash branches, minimum trades
            buys >= 0,
            buys <= self._buy_limit,  # never buy, wash windows, bands, minimum trades
            lot_to_security[capped] @ lot_sells <= held.sell_limit[capped],  # bands, whole shares
            lot_to_security[due_sales] @ lot_sells >= held.sell_minimum[due_sales],  # never hold, bands
            buys[due_buys] >= held.buy_minimum[buyable][due_buys],  # bands
            self._above,  # bands of groups, turnover, budgets, netting
            self._below,
            rows_above[np.isinf(rows.price_above)] == 0,  # hard rows
            rows_below[np.isinf(rows.price_below)] == 0,
            *self._tracking,
        ]
        objective = (
            parameters.risk_aversion / 2 * active_risk + tilt_cost + tax_cost + transaction_cost + cash_cost + row_cost
        )
        self._problem = cp.Problem(
            cp.Minimize(_OBJECTIVE_SCALE * objective), [each for each in constraints if each.size]
        )
        self._lot_sells, self._buys, self._factor_active = lot_sells, buys, factor_active

    def solve(self, lot_open: Flags, buy_open: Flags) -> Solution:
        """Solve with only the open lots (m,) and securities (n,) tradable. Raises SolverStalled without an answer."""
        data = self._data
        self._sell_limit.value = np.where(lot_open, data.lots.limit, 0.0)[self._sellable]
        self._buy_limit.value = np.where(buy_open, data.securities.buy_limit, 0.0)[self._buyable]
        try:
            with warnings.catch_warnings():
                # How accurate an answer is, the bound tells; an answer cut short is refused below.
                warnings.filterwarnings("ignore", message="Solution may be inaccurate")
                self._problem.solve(solver=cp.CLARABEL, warm_start=True, **_SETTINGS)  # type: ignore[no-untyped-call]
        except cp.error.SolverError as stalled:
            raise SolverStalled(f"Clarabel gave no answer: {stalled}") from stalled
        if self._problem.status not in _ANSWERED:
            raise SolverStalled(f"Clarabel ended with status {self._problem.status}")
        lot_sells, buys = np.zeros(len(data.lots.lots)), np.zeros(len(data.securities.ids))
        lot_sells[self._sellable] = np.clip(_values(self._lot_sells), 0.0, _values(self._sell_limit))
        buys[self._buyable] = np.clip(_values(self._buys), 0.0, _values(self._buy_limit))
        return Solution(lot_sells, buys, self._prices())

    def _prices(self) -> Prices:
        limit, rows = self._data.tracking_limit, np.zeros(len(self._data.rows))
        np.add.at(rows, self._upper, _dual(self._above))
        np.add.at(rows, self._lower, -_dual(self._below))
        cap = float(self._tracking[0].dual_value[0][0]) / (2 * limit) / _OBJECTIVE_SCALE if limit else 0.0
        factor = (self._data.parameters.risk_aversion + 2 * cap) * _values(self._factor_active)
        return Prices(factor, -float(self._cash_balance.dual_value) / _OBJECTIVE_SCALE, rows, cap)


def _dual(constraint: cp.Constraint) -> Floats:
    if constraint.size == 0:
        return np.zeros(0)
    dual: Floats = np.asarray(constraint.dual_value, dtype=np.float64) / _OBJECTIVE_SCALE
    return dual


def _soft(price: Floats) -> Floats:
    """Prices of rows that are not hard; zero for those that are."""
    return np.where(np.isfinite(price), price, 0.0)


def _values(expression: cp.Expression) -> Floats:
    return np.asarray(expression.value, dtype=np.float64)


def _picks(rows: Ints, n_rows: int) -> sp.csr_array:
    """0-1 matrix (n_rows, len(rows)) that adds each column to its row."""
    columns = np.arange(len(rows))
    return sp.csr_array((np.ones(len(rows)), (rows, columns)), shape=(n_rows, len(rows)))
