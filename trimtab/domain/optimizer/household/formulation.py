"""The specification of the joint problem in cvxpy, each term one named line; section Households of the page.

Nothing that works at night imports it: `lane.py` feeds the same problem to the same solver, and is tested against it.
"""

import cvxpy as cp
import numpy as np
import scipy.sparse as sp
from cvxpy.atoms.affine.binary_operators import multiply
from cvxpy.atoms.affine.hstack import hstack
from cvxpy.atoms.sum_squares import sum_squares

from trimtab.domain.optimizer.arrays import Floats, Ints
from trimtab.domain.optimizer.errors import SolverStalled
from trimtab.domain.optimizer.household.blocks import Trades
from trimtab.domain.optimizer.household.problem import HouseholdData


def least_objective(data: HouseholdData, trades: Trades) -> float:
    """The smallest joint objective in one tax regime (`HouseholdData.under`), each trade between its limits.

    Raises SolverStalled without an answer.
    """
    pairs, lots, parameters = data.pairs, data.lots, data.parameters
    lot_to_pair = _sums(lots.pair, len(pairs.account))  # (P, m)
    pair_to_security = _sums(pairs.security, len(data.variance))  # (n, P)
    pair_to_account = _sums(pairs.account, len(data.cash))  # (A, P)

    lot_sells = cp.Variable(len(lots.pair), name="lot_sells")
    buys = cp.Variable(len(pairs.account), name="buys")
    above = cp.Variable(len(data.cash), nonneg=True, name="cash_above_target")
    below = cp.Variable(len(data.cash), nonneg=True, name="cash_below_target")
    sells = lot_to_pair @ lot_sells
    active = data.active + pair_to_security @ (buys - sells)
    proceeds = pair_to_account @ multiply(1 - pairs.half_spread, sells)
    payments = pair_to_account @ multiply(1 + pairs.half_spread, buys)
    cash = data.cash + proceeds - payments

    active_risk = sum_squares(data.loadings.T @ active) + sum_squares(multiply(np.sqrt(data.variance), active))
    tax_cost = data.lots.tax @ lot_sells
    transaction_cost = (pairs.half_spread + parameters.churn) @ (sells + buys)
    location_cost = pairs.location @ (pairs.holding + buys - sells)
    rows = data.rows
    amounts = rows.start + rows.sale_effect(lots.pair) @ lot_sells + rows.purchase_effect @ buys
    hard_above, hard_below = _ends(rows.high, rows.price_above), _ends(rows.low, rows.price_below)
    soft_above, soft_below = (
        _ends(rows.high, rows.price_above, hard=False),
        _ends(rows.low, rows.price_below, hard=False),
    )
    beyond = cp.Variable(len(soft_above), nonneg=True, name="above_priced_rows")
    missing = cp.Variable(len(soft_below), nonneg=True, name="below_priced_rows")
    row_cost = rows.price_above[soft_above] @ beyond + rows.price_below[soft_below] @ missing
    own_risk = multiply(data.specific_risk, active)
    cash_cost = np.ones(len(data.cash)) @ (parameters.cash_drag * above + parameters.cash_shortfall * below)

    objective = parameters.risk_aversion / 2 * active_risk + tax_cost + transaction_cost + location_cost + cash_cost
    objective += row_cost + data.regimes[0].constant
    constraints = [
        cash == data.cash_target + above - below,
        cash >= data.cash_minimum,  # each account's reserve, withdrawals, floor
        lot_sells >= trades.least_sold,  # never hold, bands
        lot_sells <= trades.most_sold,  # locked lots, the way that the security goes
        buys >= trades.least_bought,  # bands
        buys <= trades.most_bought,  # never buy, wash windows, the way that the security goes
        amounts[hard_above] <= rows.high[hard_above],  # turnover, budgets, bands of groups
        amounts[hard_below] >= rows.low[hard_below],
        amounts[soft_above] - beyond <= rows.high[soft_above],  # netting, a forced harvest
        amounts[soft_below] + missing >= rows.low[soft_below],
    ]
    if data.tracking_limit is not None:
        constraints.append(cp.SOC(cp.Constant(data.tracking_limit), hstack([data.loadings.T @ active, own_risk])))
    problem = cp.Problem(cp.Minimize(1e3 * objective), constraints)
    problem.solve(solver=cp.CLARABEL)  # type: ignore[no-untyped-call]
    if problem.status != cp.OPTIMAL:
        raise SolverStalled(f"Clarabel ended with status {problem.status}")
    return float(objective.value)


def _ends(end: Floats, price: Floats, *, hard: bool = True) -> Ints:
    """Rows that have such an end, hard ones or those with a price."""
    return np.flatnonzero(np.isfinite(end) & (np.isinf(price) if hard else np.isfinite(price) & (price > 0)))


def _sums(rows: Ints, n_rows: int) -> sp.csr_array:
    """0-1 matrix (n_rows, len(rows)) that adds each column to its row."""
    return sp.csr_array((np.ones(len(rows)), (rows, np.arange(len(rows)))), shape=(n_rows, len(rows)))
