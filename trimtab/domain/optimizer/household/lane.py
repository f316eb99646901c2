"""The joint problem fed to Clarabel: one risk, a cash balance and the rows of each account, the taxpayer's netting."""

from dataclasses import dataclass

import clarabel
import numpy as np

from trimtab.domain.optimizer.arrays import Floats, Ints, sum_by
from trimtab.domain.optimizer.clarabel_program import Free, RowEnds, RowsLost
from trimtab.domain.optimizer.csc import Entries, Matrix, diagonal
from trimtab.domain.optimizer.errors import RulesClash, SolverStalled
from trimtab.domain.optimizer.household.blocks import JointPrices, Trades
from trimtab.domain.optimizer.household.problem import HouseholdData

_OBJECTIVE_SCALE = 1e3
"""The solver's tolerances are absolute: at this scale 1e-8 is 1e-7 bp of household value."""


_INFEASIBLE = (clarabel.SolverStatus.PrimalInfeasible, clarabel.SolverStatus.AlmostPrimalInfeasible)


class HouseholdClash(RulesClash):
    """The rules cannot all be kept with these sides; along `ray` the bound of any prices rises without end."""

    def __init__(self, message: str, ray: JointPrices) -> None:
        super().__init__(message)
        self.ray = ray


@dataclass(frozen=True, slots=True, eq=False)
class JointSolution:
    """A solved relaxation: weights sold by lot (m,), bought by pair (P,), and the prices of its coupling rows."""

    lot_sells: Floats
    buys: Floats
    prices: JointPrices


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """Columns: p sales, q purchases, t active weights, k factors, cash above its target (A), cash below (A)."""

    lots: Ints  # (p,)
    buys: Ints  # (q,)
    traded: Ints  # (t,) securities
    pair: Ints  # (p + q,) pair of each trade
    sign: Floats  # (p + q,) 1 for sales, -1 for purchases
    factors: int
    accounts: int

    @property
    def active_at(self) -> int:
        return len(self.pair)

    @property
    def factor_at(self) -> int:
        return self.active_at + len(self.traded)

    @property
    def above_at(self) -> int:
        return self.factor_at + self.factors

    @property
    def size(self) -> int:
        return self.above_at + 2 * self.accounts


class JointLane:
    """One household's problem in one tax regime; `solve` answers it with sides closed."""

    def __init__(self, data: HouseholdData) -> None:
        self._data = data

    def solve(self, trades: Trades) -> JointSolution:
        """Solve with trades between `least` and `most` of each.

        Raises SolverStalled without an answer, and its kind HouseholdClash when the rules cannot all be kept.
        """
        try:
            return self._solve(trades)
        except RowsLost as lost:
            k, accounts = self._data.loadings.shape[1], len(self._data.cash)
            raise HouseholdClash(str(lost), JointPrices(np.zeros(k), np.zeros(accounts), lost.prices)) from lost

    def _solve(self, trades: Trades) -> JointSolution:
        data = self._data
        columns = _columns(data, trades)
        free = Free(columns.lots, columns.buys, trades.least_sold, trades.least_bought)
        above, below = (end(data.rows, data.lots.pair, free) for end in (RowEnds.upper, RowEnds.lower))
        rows = Entries(columns.size + above.slacks + below.slacks)
        _add_exposures(rows, data, trades, columns)
        cash_row = _add_cash(rows, data, trades, columns)
        _add_limits(rows, data, trades, columns)
        above_at = above.add(rows, columns.size)
        below_at = below.add(rows, columns.size + above.slacks)
        cap_row = None if data.tracking_limit is None else _add_cap(rows, data, trades, columns)
        matrix, right = rows.matrix()
        slack_cost = _OBJECTIVE_SCALE * np.concatenate((above.slack_cost, below.slack_cost))
        answer = _answer(
            _curvature(data, columns, len(slack_cost)),
            np.concatenate((_linear(data, columns), slack_cost)),
            matrix,
            right,
            cash_row + columns.accounts,
            cap_row,
        )
        point, dual = np.asarray(answer.x, dtype=np.float64), np.asarray(answer.z, dtype=np.float64) / _OBJECTIVE_SCALE
        row_prices = above.unmoved + below.unmoved
        np.add.at(row_prices, above.rows, dual[above_at : above_at + len(above.rows)])
        np.add.at(row_prices, below.rows, -dual[below_at : below_at + len(below.rows)])
        limit, traded = data.tracking_limit, len(columns.traded)
        prices = JointPrices(
            factor=-dual[traded : traded + columns.factors],
            cash=-dual[cash_row : cash_row + columns.accounts],
            rows=row_prices,
            cap=max(float(dual[cap_row]) / (2 * limit), 0.0) if cap_row is not None and limit else 0.0,
        )
        if answer.status in _INFEASIBLE:
            raise HouseholdClash(f"Clarabel ended with status {answer.status}", prices)
        return JointSolution(*_weights(trades, columns, point), prices)


def _weights(trades: Trades, columns: "_Columns", point: Floats) -> tuple[Floats, Floats]:
    """Sales by lot (m,) and purchases by pair (P,)."""
    p, q = len(columns.lots), len(columns.buys)
    lot_sells, buys = trades.least_sold.copy(), trades.least_bought.copy()
    lot_sells[columns.lots] += np.clip(point[:p], 0.0, (trades.most_sold - trades.least_sold)[columns.lots])
    buys[columns.buys] += np.clip(point[p : p + q], 0.0, (trades.most_bought - trades.least_bought)[columns.buys])
    return lot_sells, buys


def _columns(data: HouseholdData, trades: Trades) -> _Columns:
    lots = np.flatnonzero(trades.most_sold > trades.least_sold)
    buys = np.flatnonzero(trades.most_bought > trades.least_bought)
    pair = np.concatenate((data.lots.pair[lots], buys))
    traded = np.unique(data.pairs.security[pair])
    sign = np.repeat([1.0, -1.0], [len(lots), len(buys)])
    return _Columns(lots, buys, traded, pair, sign, data.loadings.shape[1], len(data.cash))


def _curvature(data: HouseholdData, columns: _Columns, slacks: int) -> Matrix:
    curvature = np.zeros(columns.size + slacks)
    curvature[columns.active_at : columns.factor_at] = data.variance[columns.traded]
    curvature[columns.factor_at : columns.above_at] = 1.0
    return diagonal(_OBJECTIVE_SCALE * data.parameters.risk_aversion * curvature)


def _linear(data: HouseholdData, columns: _Columns) -> Floats:
    pairs, parameters = data.pairs, data.parameters
    linear = np.zeros(columns.size)
    trades = len(columns.pair)
    linear[:trades] = (pairs.half_spread + parameters.churn)[columns.pair] - columns.sign * pairs.location[columns.pair]
    linear[: len(columns.lots)] += data.lots.tax[columns.lots]
    linear[columns.above_at : columns.above_at + columns.accounts] = parameters.cash_drag
    linear[columns.above_at + columns.accounts :] = parameters.cash_shortfall
    scaled: Floats = _OBJECTIVE_SCALE * linear
    return scaled


def _add_exposures(rows: Entries, data: HouseholdData, trades: Trades, columns: _Columns) -> None:
    """x = what is held after the least trades - sales + purchases, for what is traded; y = C'x."""
    start = data.after(trades.least_sold, trades.least_bought)
    traded, t, k = columns.traded, len(columns.traded), columns.factors
    place = np.searchsorted(traded, data.pairs.security[columns.pair])
    rows.add(place, np.arange(len(columns.pair)), columns.sign)
    rows.add(np.arange(t), columns.active_at + np.arange(t), 1.0)
    rows.put(start[traded])
    others = np.ones(len(start), dtype=np.bool_)
    others[traded] = False
    active = columns.active_at + np.arange(t)
    rows.add(np.repeat(np.arange(k), t), np.tile(active, k), -data.loadings[traded].T.ravel())
    rows.add(np.arange(k), columns.factor_at + np.arange(k), 1.0)
    rows.put(data.loadings[others].T @ start[others])


def _add_cash(rows: Entries, data: HouseholdData, trades: Trades, columns: _Columns) -> int:
    """Each account: cash and what trades bring = target + above - below; the first row's place."""
    pairs, accounts = data.pairs, np.arange(columns.accounts)
    least = data.pair_sells(trades.least_sold)
    decided = sum_by(
        pairs.account,
        (1 - pairs.half_spread) * least - (1 + pairs.half_spread) * trades.least_bought,
        columns.accounts,
    )
    account = pairs.account[columns.pair]
    rows.add(account, np.arange(len(columns.pair)), columns.sign - pairs.half_spread[columns.pair])
    rows.add(accounts, columns.above_at + accounts, -1.0)
    rows.add(accounts, columns.above_at + columns.accounts + accounts, 1.0)
    return rows.put(data.cash_target - data.cash - decided)


def _add_limits(rows: Entries, data: HouseholdData, trades: Trades, columns: _Columns) -> None:
    """Trades within their limits; cash above and below not negative, and together above each account's minimum."""
    every, accounts = np.arange(len(columns.pair)), np.arange(columns.accounts)
    above, below = columns.above_at + accounts, columns.above_at + columns.accounts + accounts
    rows.add(every, every, -1.0)
    rows.put(np.zeros(len(every)))
    rows.add(every, every, 1.0)
    most_sold = (trades.most_sold - trades.least_sold)[columns.lots]
    rows.put(np.concatenate((most_sold, (trades.most_bought - trades.least_bought)[columns.buys])))
    for column in (above, below):
        rows.add(accounts, column, -1.0)
        rows.put(np.zeros(columns.accounts))
    rows.add(accounts, above, -1.0)
    rows.add(accounts, below, 1.0)
    rows.put(data.cash_target - data.cash_minimum)


def _add_cap(rows: Entries, data: HouseholdData, trades: Trades, columns: _Columns) -> int:
    """The length of factor exposures and own risks, those of what does not trade in one number, within the limit."""
    traded, k, t = columns.traded, columns.factors, len(columns.traded)
    start = data.after(trades.least_sold, trades.least_bought)
    kept = np.ones(len(start), dtype=np.bool_)
    kept[traded] = False
    own = float(np.sqrt(data.specific_risk[kept] ** 2 @ start[kept] ** 2))
    rows.add(1 + np.arange(k), columns.factor_at + np.arange(k), -1.0)
    rows.add(1 + k + np.arange(t), columns.active_at + np.arange(t), -data.specific_risk[traded])
    return rows.put(np.concatenate(([data.tracking_limit or 0.0], np.zeros(k + t), [own])))


def _answer(
    quadratic: Matrix, linear: Floats, matrix: Matrix, right: Floats, equalities: int, cap_row: int | None
) -> clarabel.DefaultSolution:
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.direct_solve_method = "qdldl"
    settings.presolve_enable = False
    settings.time_limit = 20.0
    ends = len(right) if cap_row is None else cap_row
    cones: list[object] = [clarabel.ZeroConeT(equalities), clarabel.NonnegativeConeT(ends - equalities)]
    if cap_row is not None:
        cones.append(clarabel.SecondOrderConeT(len(right) - cap_row))
    answer = clarabel.DefaultSolver(quadratic, linear, matrix, right, cones, settings).solve()
    if answer.status not in (clarabel.SolverStatus.Solved, clarabel.SolverStatus.AlmostSolved, *_INFEASIBLE):
        raise SolverStalled(f"Clarabel ended with status {answer.status}")
    return answer
