"""Is the claimed gap true? The list's objective and the lower bound at the certificate's prices, both computed anew."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Final

import numpy as np

from trimtab.domain.lots import LotId
from trimtab.domain.money import ZERO
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_bound import lower_bound
from trimtab.domain.optimizer.checked_problem import CheckedProblem
from trimtab.domain.orders import Side
from trimtab.domain.proposals import AnalysisOutcome, Certificate
from trimtab.domain.securities import SecurityId

GAP_TOLERANCE_BPS: Final = 1e-6
"""Basis points by which a claim may be too good: two roads to one sum of floats differ by less."""

_ROUNDING_BPS: Final = 0.0005
"""Gaps and benefits are published to a thousandth of a basis point: half of one may be lost in rounding."""

_CERTIFIED = (AnalysisOutcome.OPTIMAL, AnalysisOutcome.NO_TRADE)


def gap_violations(account: CheckedAccount, problem: CheckedProblem) -> Iterator[str]:
    """One sentence for each claim of optimality that does not hold."""
    proposal = account.proposal
    if proposal.outcome in _CERTIFIED and proposal.certificate is not None:
        yield from _claims(account, problem, proposal.certificate)


def _claims(account: CheckedAccount, problem: CheckedProblem, certificate: Certificate) -> Iterator[str]:
    proposal = account.proposal
    bound = lower_bound(problem, certificate) * 1e4
    if not isfinite(bound):
        yield "its certificate proves nothing: the prices are no numbers, or of another problem"
        return
    published = _published(account)
    closed = published.sold.keys() - {lot.id for leg in problem.legs for lot in leg.lots}
    if closed:
        yield f"its certificate says nothing of a list that sells lot {min(closed)}, which is closed to sales"
        return
    here, standing = objective(problem, published) * 1e4, objective(problem, TradeList({}, {}, 0)) * 1e4
    if abs(here - float(certificate.objective_bps)) > GAP_TOLERANCE_BPS:
        yield f"its objective is {here:.7f} bp, not {certificate.objective_bps}"
    if float(certificate.bound_bps) > bound + GAP_TOLERANCE_BPS:
        yield f"its certificate's prices prove a bound of {bound:.7f} bp, not {certificate.bound_bps}"
    if float(proposal.gap_bps) < here - bound - _ROUNDING_BPS - GAP_TOLERANCE_BPS:
        yield f"its gap is {here - bound:.7f} bp at its certificate's prices, not {proposal.gap_bps}"
    if abs(float(proposal.benefit_bps) - (standing - here)) > _ROUNDING_BPS + GAP_TOLERANCE_BPS:
        yield f"its benefit is {standing - here:.7f} bp, not {proposal.benefit_bps}"


@dataclass(frozen=True, slots=True)
class TradeList:
    """A trade list in shares."""

    sold: Mapping[LotId, Decimal]
    bought: Mapping[SecurityId, float]
    orders: int


def _published(account: CheckedAccount) -> TradeList:
    trades = account.proposal.trades
    return TradeList(
        sold={sale.lot_id: sale.quantity for trade in trades for sale in trade.lot_sales},
        bought={trade.security_id: float(trade.quantity) for trade in trades if trade.side is Side.BUY},
        orders=len(trades),
    )


def objective(problem: CheckedProblem, trades: TradeList) -> float:
    """What a list is worth, less is better, a fraction of account value; costs before they are rounded to the cent."""
    parameters, cash = problem.parameters, problem.cash - trades.orders * problem.commission
    cost = trades.orders * problem.commission
    active = []
    washed = problem.washes.matched(trades.sold)
    for leg in problem.legs:
        bought, sold = trades.bought.get(leg.security_id, 0.0) * leg.share, 0.0
        for lot in leg.lots:
            weight = float(trades.sold.get(lot.id, ZERO)) * leg.share
            sold += weight
            cost += lot.tax * weight
            if lot.washed > 0 or washed.get(lot.id, ZERO) > 0:  # above the mean: the first shares sold are washed
                cost += lot.wash_cost * (float(washed.get(lot.id, ZERO)) * leg.share - lot.washed / lot.most * weight)
        cost += (leg.half_spread + parameters.churn) * (sold + bought)
        cash += (1 - leg.half_spread) * sold - (1 + leg.half_spread) * bought
        active.append(leg.active + bought - sold)
    weights = np.array(active)
    exposure = problem.loadings.T @ weights
    risk = parameters.risk_aversion / 2 * float(exposure @ exposure + problem.variance @ weights**2)
    off = cash - problem.cash_wanted
    return risk + cost + max(parameters.cash_drag * off, -parameters.cash_shortfall * off)
