"""The arrays that Clarabel reads: min x'Px/2 + c'x with b - Ax in a cone."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from trimtab.domain.optimizer.arrays import Floats, Ints, sum_by
from trimtab.domain.optimizer.csc import Entries, Matrix, diagonal
from trimtab.domain.optimizer.errors import RulesClash
from trimtab.domain.optimizer.problem import OptimizerData, Rows

OBJECTIVE_SCALE = 1e3
"""The solver's tolerances are absolute: at this scale 1e-8 is 1e-7 bp of account value."""

ROUND_OFF = 1e-12

_KEPT_BY_ALL = 1e-9
"""A row that no open trade can move is kept when it is missed by no more than this."""


class RowsLost(RulesClash):
    """No open trade moves a hard row that is missed: along its price the bound rises without end."""

    def __init__(self, prices: Floats) -> None:
        super().__init__("Clarabel was not asked: no open trade can keep a rule on the whole account")
        self.prices = prices  # (r,) 1 at rows above their upper end, -1 at those below their lower one, else 0


class Goal(StrEnum):
    """What is minimised over the hard rules: the objective, or without the limit of risk one thing alone."""

    OBJECTIVE = "OBJECTIVE"
    LEAST_RISK = "LEAST_RISK"  # squared tracking error
    LEAST_MISSED = "LEAST_MISSED"  # what the rows are missed by, at their prices


@dataclass(frozen=True, slots=True, eq=False)
class Free:
    """Which trades are to be decided, and those that a rule has decided."""

    lots: Ints  # (p,) rows of lots
    buys: Ints  # (q,) rows of securities
    sold: Floats  # (m,) decided
    bought: Floats  # (n,) decided


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """b - Ax is zero in the first `equalities` rows, not negative in the next, and from `cap_row` on in a cone."""

    quadratic: Matrix
    linear: Floats
    rows: Matrix
    right: Floats
    equalities: int
    inequalities: int
    cash_row: int
    factor_columns: slice
    above: Ints  # the account's rows that have an upper end here, and where the first of them stands
    above_at: int
    below: Ints
    below_at: int
    cap_row: int | None
    unmoved_prices: Floats  # (r,) of the account's rows that no open trade can move


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """Columns: trades (p sales, then q purchases), active weights of the t sets that they move, k factors, cash.

    A security without substitutes is a set of its own. Rows of sets are those of their first securities.

    The last two are cash above and below its target.
    """

    security: Ints  # (p + q,) row of each trade's security
    sign: Floats  # (p + q,) 1 for sales, -1 for purchases
    traded: Ints  # (t,) rows of sets
    place: Ints  # (n,) the number of each traded security's set among them
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


def _columns(data: OptimizerData, free: Free) -> _Columns:
    n, k = data.securities.loadings.shape
    security = np.concatenate((data.lots.security[free.lots], free.buys))
    block = data.securities.block
    traded = np.flatnonzero(np.bincount(block[security], minlength=n))
    place = np.zeros(n, dtype=np.int64)
    place[traded] = np.arange(len(traded))
    place = place[block]
    sign = np.repeat([1.0, -1.0], [len(free.lots), len(free.buys)])
    return _Columns(security, sign, traded, place, k)


def program(data: OptimizerData, free: Free, goal: Goal) -> Program:
    """Raises RulesClash when a hard row is missed that no open trade can move."""
    columns = _columns(data, free)
    above, below = (end(data.rows, data.lots.security, free) for end in (RowEnds.upper, RowEnds.lower))
    slack_at = columns.cash_at + 2
    entries = Entries(slack_at + above.slacks + below.slacks)
    _add_exposures(entries, data, free, columns)
    cash_row = _add_cash(entries, data, free, columns)
    _add_limits(entries, data, free, columns)
    _add_sums(entries, data, free)
    above_at = above.add(entries, slack_at)
    below_at = below.add(entries, slack_at + above.slacks)
    capped = data.tracking_limit is not None and goal is Goal.OBJECTIVE
    cap_row = _add_cap(entries, data, free, columns) if capped else None
    matrix, right = entries.matrix()
    linear, curvature = _costs(data, free, columns, goal)
    slack_cost = np.concatenate((above.slack_cost, below.slack_cost))
    if goal is Goal.LEAST_RISK:
        slack_cost = np.zeros(len(slack_cost))
    return Program(
        quadratic=diagonal(OBJECTIVE_SCALE * np.concatenate((curvature, np.zeros(len(slack_cost))))),
        linear=OBJECTIVE_SCALE * np.concatenate((linear, slack_cost)),
        rows=matrix,
        right=right,
        equalities=cash_row + 1,
        inequalities=(len(right) if cap_row is None else cap_row) - cash_row - 1,
        cash_row=cash_row,
        factor_columns=slice(columns.factor_at, columns.cash_at),
        above=above.rows,
        above_at=above_at,
        below=below.rows,
        below_at=below_at,
        cap_row=cap_row,
        unmoved_prices=above.unmoved + below.unmoved,
    )


def _costs(data: OptimizerData, free: Free, columns: _Columns, goal: Goal) -> tuple[Floats, Floats]:
    """Linear and quadratic cost of each column but the slacks."""
    held, lots, parameters = data.securities, data.lots, data.parameters
    straight, traded = np.zeros(columns.trades), columns.traded
    if goal is Goal.LEAST_MISSED:
        nothing = np.zeros(columns.cash_at + 2)
        return nothing, nothing
    if goal is Goal.LEAST_RISK:
        curvature = np.concatenate((straight, held.specific_risk[traded] ** 2, np.ones(columns.factors), np.zeros(2)))
        return np.zeros(len(curvature)), curvature
    tax = np.concatenate((lots.tax[free.lots], held.preference[free.buys]))
    unit_cost = tax + (held.half_spread + parameters.churn)[columns.security]
    cash_cost = [parameters.cash_drag, parameters.cash_shortfall]
    linear = np.concatenate((unit_cost, -held.tilt[traded], np.zeros(columns.factors), cash_cost))
    curvature = np.concatenate((straight, held.variance[traded], np.ones(columns.factors), np.zeros(2)))
    return linear, parameters.risk_aversion * curvature


@dataclass(frozen=True, slots=True, eq=False)
class RowEnds:
    """One end of the rows as inequalities over the free trades; the soft ones have a slack each."""

    rows: Ints  # places among the account's rows
    effect: Floats  # (rows, trades), signed so that more is worse
    room: Floats  # how far the amount may still go
    price: Floats  # of one unit beyond; inf: hard
    unmoved: Floats  # (r,) signed price of each row that is missed and that no free trade moves

    @classmethod
    def upper(cls, rows: Rows, security: Ints, free: Free) -> "RowEnds":
        """`security` (m,) is the column of each lot's security in `rows`."""
        return cls._of(rows, security, free, rows.high, rows.price_above, 1.0)

    @classmethod
    def lower(cls, rows: Rows, security: Ints, free: Free) -> "RowEnds":
        return cls._of(rows, security, free, rows.low, rows.price_below, -1.0)

    @classmethod
    def _of(cls, rows: Rows, security: Ints, free: Free, end: Floats, price: Floats, sign: float) -> "RowEnds":
        on_sale, on_purchase = rows.sale_effect(security), rows.purchase_effect
        effect = np.concatenate((on_sale[:, free.lots], on_purchase[:, free.buys]), axis=1)
        room = sign * (end - rows.start - on_sale @ free.sold - on_purchase @ free.bought)
        moved = effect.any(axis=1)
        lost = ~moved & np.isinf(price) & (room < -_KEPT_BY_ALL)
        if lost.any():
            raise RowsLost(np.where(lost, sign, 0.0))
        kept = np.flatnonzero(np.isfinite(end) & (price > 0) & moved)
        missed = ~moved & np.isfinite(price) & (room < 0)
        unmoved = sign * np.where(missed, price, 0.0)
        return cls(kept, sign * effect[kept], room[kept], price[kept], unmoved)

    @property
    def slacks(self) -> int:
        return int(np.isfinite(self.price).sum())

    @property
    def slack_cost(self) -> Floats:
        cost: Floats = self.price[np.isfinite(self.price)]
        return cost

    def add(self, entries: Entries, slack_at: int) -> int:
        """Effect of the trades less the slack stays within the room; the first row's place."""
        row, column = np.nonzero(self.effect)
        entries.add(row, column, self.effect[row, column])
        soft = np.flatnonzero(np.isfinite(self.price))
        entries.add(soft, slack_at + np.arange(len(soft)), -1.0)
        first = entries.put(self.room)
        entries.add(np.arange(len(soft)), slack_at + np.arange(len(soft)), -1.0)
        entries.put(np.zeros(len(soft)))
        return first


def _add_exposures(rows: Entries, data: OptimizerData, free: Free, columns: _Columns) -> None:
    """x = h - w + b - E s for what is traded, and y = C'x with the others' part as a number."""
    held, traded, t, k = data.securities, columns.traded, len(columns.traded), columns.factors
    start = held.by_block(data.active + free.bought - sum_by(data.lots.security, free.sold, len(held.ids)))
    active = columns.trades + np.arange(t)
    rows.add(columns.place[columns.security], np.arange(columns.trades), columns.sign)
    rows.add(np.arange(t), active, 1.0)
    rows.put(start[traded])
    kept = np.ones(len(held.ids), dtype=np.bool_)
    kept[traded] = False
    rows.add(np.repeat(np.arange(k), t), np.tile(active, k), -held.loadings[traded].T.ravel())
    rows.add(np.arange(k), columns.factor_at + np.arange(k), 1.0)
    rows.put(held.loadings[kept].T @ start[kept])


def _add_cash(rows: Entries, data: OptimizerData, free: Free, columns: _Columns) -> int:
    """Cash today and what trades bring = target + above - below; the row's place."""
    half_spread = data.securities.half_spread
    decided = ((1 - half_spread[data.lots.security]) * free.sold).sum() - ((1 + half_spread) * free.bought).sum()
    in_one_row = np.zeros(columns.trades, dtype=np.int64)
    rows.add(in_one_row, np.arange(columns.trades), columns.sign - half_spread[columns.security])
    rows.add(np.zeros(2, dtype=np.int64), columns.cash_at + np.arange(2), np.array([-1.0, 1.0]))
    return rows.put(np.array([data.cash_target - data.cash - decided]))


def _add_limits(rows: Entries, data: OptimizerData, free: Free, columns: _Columns) -> None:
    """Each trade between its least and its most; cash above and below not negative, and together above the minimum."""
    held, every = data.securities, np.arange(columns.trades)
    rows.add(every, every, -1.0)
    rows.put(-np.concatenate((np.zeros(len(free.lots)), held.buy_minimum[free.buys])))
    rows.add(every, every, 1.0)
    rows.put(np.concatenate((data.lots.limit[free.lots], held.buy_limit[free.buys])))
    rows.add(np.array([0, 1, 2, 2]), columns.cash_at + np.array([0, 1, 0, 1]), np.array([-1.0, -1.0, -1.0, 1.0]))
    rows.put(np.array([0.0, 0.0, data.cash_target - data.cash_minimum]))


def _add_sums(rows: Entries, data: OptimizerData, free: Free) -> None:
    """Limits on the sum of a security's sales: bands and whole shares above, names never to be held and bands below."""
    held, security = data.securities, data.lots.security[free.lots]
    most = sum_by(security, data.lots.limit[free.lots], len(held.ids))
    for bounded, sign, bound in (
        (most > held.sell_limit + ROUND_OFF, 1.0, held.sell_limit),
        ((most > 0) & (held.sell_minimum > 0), -1.0, -held.sell_minimum),
    ):
        place = np.cumsum(bounded) - 1
        columns = np.flatnonzero(bounded[security])
        rows.add(place[security[columns]], columns, sign)
        rows.put(bound[bounded])


def _add_cap(rows: Entries, data: OptimizerData, free: Free, columns: _Columns) -> int:
    """The length of factor exposures and own risks, those of what does not trade in one number, within the limit."""
    held, traded, k, t = data.securities, columns.traded, columns.factors, len(columns.traded)
    start = held.by_block(data.active + free.bought - sum_by(data.lots.security, free.sold, len(held.ids)))
    kept = np.ones(len(held.ids), dtype=np.bool_)
    kept[traded] = False
    own = float(np.sqrt((held.specific_risk[kept] ** 2) @ start[kept] ** 2))
    rows.add(1 + np.arange(k), columns.factor_at + np.arange(k), -1.0)
    rows.add(1 + k + np.arange(t), columns.trades + np.arange(t), -held.specific_risk[traded])
    return rows.put(np.concatenate(([data.tracking_limit or 0.0], np.zeros(k + t), [own])))
