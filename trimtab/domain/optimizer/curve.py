"""The trade-off curve (N18): tax and cost against tracking error, as the price of risk is turned up and down.

The account is solved at its own price of risk; then at several others, everything else fixed, from the tax regime and
the wash sale sides of the first answer and all in one batch. So fixed the problem is convex, and one exchange argument
says that a dearer risk never leaves more of it, nor less paid for having less. Points are before whole shares and
minimum trades.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from trimtab.domain.money import to_cents
from trimtab.domain.optimizer.account_rows import short_term
from trimtab.domain.optimizer.analysis import problem_of
from trimtab.domain.optimizer.arrays import Floats, sum_by
from trimtab.domain.optimizer.bound import standing_prices
from trimtab.domain.optimizer.clarabel_lane import ClarabelLane
from trimtab.domain.optimizer.fast.lane import solve_batch
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.measures import bps_decimal, weight_decimal
from trimtab.domain.optimizer.netting import added_tax
from trimtab.domain.optimizer.objective import evaluate
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.regimes import problems, search_regimes
from trimtab.domain.optimizer.relaxation import Solution
from trimtab.domain.optimizer.wash_sides import Found
from trimtab.domain.snapshots import AnalysisInput

FEWEST_POINTS, MOST_POINTS = 5, 9


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What the account would look like at one price of risk."""

    risk_price: float  # lam
    own: bool  # the price of the account's own setting
    tracking_error: Decimal  # annualised, at the risk model's own specific risks
    tax: Decimal  # dollars paid today, negative when saved
    cost: Decimal  # dollars of spread
    turnover: Decimal  # one-way, a fraction of account value
    risk_bps: Decimal  # half the active variance as the objective has it, bp: never rises with the price of risk
    paid_bps: Decimal  # tax, cost, cash, tilts and rules as the objective counts them, bp: never falls with it


def trade_off_curve(
    request: AnalysisInput, market_arrays: MarketArrays | None = None, *, points: int = 7
) -> tuple[CurvePoint, ...]:
    """`points` (odd, 5 to 9) points, loosest first, each price of risk twice the one before.

    Raises RulesClash for an account in conflict, SolverStalled without an answer, and what `analyze` raises.
    """
    if points not in range(FEWEST_POINTS, MOST_POINTS + 1, 2):
        raise ValueError(f"a curve has 5, 7 or 9 points, not {points}")
    market = market_arrays or MarketArrays.from_snapshot(request.market)
    data = _smooth(problem_of(request, market))
    own = data.parameters.risk_aversion
    fixed = _on_sides(_first_answer(data))
    prices = [own * 2.0**step for step in range(-(points // 2), points // 2 + 1)]
    priced = [_at_price(fixed, price) for price in prices]
    solutions = _solved(priced)
    return tuple(
        _point(request, fixed, solution, price, own=price == own)
        for solution, price in zip(solutions, prices, strict=True)
    )


def _smooth(data: OptimizerData) -> OptimizerData:
    """The problem without minimum trades, and every improvement worth trading."""
    held, n = data.securities, len(data.securities.ids)
    held = replace(held, minimum_trade=np.zeros(n), minimum_holding=np.zeros(n))
    parameters = replace(data.parameters, tolerance=0.0)
    return replace(data, securities=held, parameters=parameters, most_names=None)


def _first_answer(data: OptimizerData) -> Found:
    """Raises SolverStalled without an answer."""
    outcome = solve_batch([data])[0]
    if outcome.answered is not None:
        return outcome.answered.found
    return search_regimes(data, [standing_prices(one) for one in problems(data)]).found


def _on_sides(found: Found) -> OptimizerData:
    """The convex problem of the answer's regime, with its sides closed."""
    problem, sides = found.problem, found.sides
    lots = replace(problem.lots, limit=np.where(sides.lots, problem.lots.limit, 0.0))
    held = replace(problem.securities, buy_limit=np.where(sides.buys, problem.securities.buy_limit, 0.0))
    return replace(problem, lots=lots, securities=held)


def _at_price(data: OptimizerData, price: float) -> OptimizerData:
    return replace(data, parameters=replace(data.parameters, risk_aversion=price))


def _solved(every: Sequence[OptimizerData]) -> list[Solution]:
    """The first lane in one batch; what it declines goes to the other. Raises SolverStalled without an answer."""
    outcomes = solve_batch(list(every))
    return [
        outcome.answered.found.solution
        if outcome.answered is not None
        else ClarabelLane(data).solve(data.lots.limit > 0, data.securities.buy_limit > 0)
        for data, outcome in zip(every, outcomes, strict=True)
    ]


def _point(request: AnalysisInput, data: OptimizerData, solution: Solution, price: float, *, own: bool) -> CurvePoint:
    lot_sells, buys, held = solution.lot_sells, solution.buys, data.securities
    sells = sum_by(data.lots.security, lot_sells, len(buys))
    worth = evaluate(data, lot_sells, buys)
    paid = worth.tax + worth.cost + worth.cash + worth.tilt + worth.rules
    spread = float((held.half_spread * (sells + buys)).sum())
    return CurvePoint(
        risk_price=price,
        own=own,
        tracking_error=weight_decimal(data.squared_tracking_error(data.active + buys - sells) ** 0.5),
        tax=_tax(request, data, lot_sells),
        cost=to_cents(Decimal(repr(spread)) * data.account_value),
        turnover=weight_decimal(float((sells + buys).sum()) / 2),
        risk_bps=bps_decimal(worth.risk / data.parameters.risk_aversion),
        paid_bps=bps_decimal(paid),
    )


def _tax(request: AnalysisInput, data: OptimizerData, lot_sells: Floats) -> Decimal:
    """Dollars that the sales add to the year's tax, washed parts of losses as a mean over their lots."""
    gain = data.lots.counted_gain * lot_sells * data.taxable
    settings, year = request.snapshot.settings, request.snapshot.tax_year
    if year is None:
        return to_cents(Decimal(repr(float(gain @ data.lots.rate))) * data.account_value)
    short = short_term(request, data.lots)
    amounts = [Decimal(repr(float(gain[which].sum()))) * data.account_value for which in (short, ~short)]
    return added_tax(amounts[0], amounts[1], year, settings) if data.taxable else Decimal(0)
