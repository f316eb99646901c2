"""Is the claimed gap true? The list's objective and the lower bound at the certificate's prices, both computed anew."""

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Final

import numpy as np

from trimtab.domain.households import HouseholdCertificate, HouseholdProposal
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_bound import NOT_NETTED, least_on_all_sides, lower_bound
from trimtab.domain.optimizer.checked_netting import CheckedRegime, NettedYear, netted_year
from trimtab.domain.optimizer.checked_problem import CheckedProblem
from trimtab.domain.optimizer.checked_rows import (
    NOTHING,
    CheckedRow,
    TradeList,
    checked_rows,
    kept_as_well_as,
    penalty,
)
from trimtab.domain.orders import Side
from trimtab.domain.proposals import AnalysisOutcome, Certificate, RebalanceProposal, RegimePrices

GAP_TOLERANCE_BPS: Final = 1e-6
"""Basis points by which a claim may be too good: two roads to one sum of floats differ by less."""

ROUNDING_BPS: Final = 0.0005
"""Gaps and benefits are published to a thousandth of a basis point: half of one may be lost in rounding."""

_IMPOSSIBLE: Final = 1e-6
"""Of its objective by which a list may seem better than what bounds it: more is no round-off."""

CERTIFIED = (AnalysisOutcome.OPTIMAL, AnalysisOutcome.NO_TRADE)


def gap_violations(account: CheckedAccount, problem: CheckedProblem) -> Iterator[str]:
    """One sentence for each claim of optimality that does not hold."""
    proposal = account.proposal
    if proposal.outcome not in CERTIFIED:
        return
    if proposal.certificate is None:
        yield f"its outcome is {proposal.outcome}, yet no certificate proves it"
        return
    published = published_list(account)
    closed = published.sold.keys() - {lot.id for leg in problem.legs for lot in leg.lots}
    if closed:
        yield f"its certificate says nothing of a list that sells lot {min(closed)}, which is closed to sales"
        return
    yield from _claims(account, problem, published, proposal.certificate)


def _claims(
    account: CheckedAccount, problem: CheckedProblem, published: TradeList, certificate: Certificate
) -> Iterator[str]:
    proposal, rows = account.proposal, checked_rows(account, problem, published)
    year, problem = netted_year(account, problem), kept_as_well_as(problem, published)
    bound = _proved(problem, rows, year, certificate) * 1e4
    if not isfinite(bound):
        yield "its certificate proves nothing: the prices are no numbers, or of another problem"
        return
    here, standing = (objective(problem, rows, trades, year) * 1e4 for trades in (published, NOTHING))
    yield from false_claims(proposal, certificate, bound, here, standing)


def false_claims(
    proposal: RebalanceProposal | HouseholdProposal,
    certificate: Certificate | HouseholdCertificate,
    bound: float,
    here: float,
    standing: float,
) -> Iterator[str]:
    """What is claimed beyond the proved `bound` and the objectives with the trades, `here`, and without: basis points.

    A gap below zero proves that the list is none of those that the bound speaks of.
    """
    below = max(float(certificate.bound_bps) - here, -float(proposal.gap_bps) - ROUNDING_BPS)
    if below > GAP_TOLERANCE_BPS + _IMPOSSIBLE * abs(here):
        yield f"its objective of {here:.7f} bp is {below:.7f} bp below what it says no list within its rules is below"
    if abs(here - float(certificate.objective_bps)) > GAP_TOLERANCE_BPS:
        yield f"its objective is {here:.7f} bp, not {certificate.objective_bps}"
    if float(certificate.bound_bps) > bound + GAP_TOLERANCE_BPS:
        yield f"its certificate's prices prove a bound of {bound:.7f} bp, not {certificate.bound_bps}"
    if float(proposal.gap_bps) < here - bound - ROUNDING_BPS - GAP_TOLERANCE_BPS:
        yield f"its gap is {here - bound:.7f} bp at its certificate's prices, not {proposal.gap_bps}"
    if abs(float(proposal.benefit_bps) - (standing - here)) > ROUNDING_BPS + GAP_TOLERANCE_BPS:
        yield f"its benefit is {standing - here:.7f} bp, not {proposal.benefit_bps}"


def _proved(
    problem: CheckedProblem, rows: Sequence[CheckedRow], year: NettedYear | None, certificate: Certificate
) -> float:
    """The bound that the certificate's prices prove, a fraction of account value: the least of all tax regimes."""
    regimes = year.regimes() if year is not None else (NOT_NETTED,)
    return min([_proved_in(problem, rows, regime, certificate) for regime in regimes])


def _proved_in(
    problem: CheckedProblem, rows: Sequence[CheckedRow], regime: CheckedRegime, certificate: Certificate
) -> float:
    prices, proof = certificate.by_regime.get(regime.name), certificate.sides.get(regime.name)
    first = lower_bound(problem, rows, prices or own_prices(certificate, regime.name), regime)
    if proof is None or not isfinite(first.lowest):
        return first.lowest
    keys = sorted({problem.keys[each] for each in proof.keys if problem.keys.get(each) in problem.contested})
    every = [first, *(lower_bound(problem, rows, each, regime) for each in proof.prices)]
    return least_on_all_sides(every, keys)


def own_prices(certificate: Certificate, regime: str) -> RegimePrices:
    """Of a certificate that tells the prices of the lowest regime only."""
    own_rows = certificate.regime.get(regime, {})
    return RegimePrices(certificate.factor, certificate.cash, certificate.rows, own_rows, certificate.cap, 0.0)


def published_list(account: CheckedAccount) -> TradeList:
    trades = account.proposal.trades
    return TradeList(
        sold={sale.lot_id: sale.quantity for trade in trades for sale in trade.lot_sales},
        bought={trade.security_id: float(trade.quantity) for trade in trades if trade.side is Side.BUY},
        commissions=float(account.commissions / account.value),
    )


def objective(
    problem: CheckedProblem, rows: Sequence[CheckedRow], trades: TradeList, year: NettedYear | None = None
) -> float:
    """What a list is worth, less is better, a fraction of account value; costs before they are rounded to the cent."""
    parameters, cost = problem.parameters, trades.commissions
    cash = problem.cash - cost
    active = []
    washed = problem.washes.matched(trades.sold) if trades.sold else {}
    for leg in problem.legs:
        bought, sold = trades.bought.get(leg.security_id, 0.0) * leg.share, 0.0
        for lot in leg.lots if trades.sold else ():
            weight = float(trades.sold.get(lot.id, 0)) * leg.share
            sold += weight
            cost += lot.tax * weight
            if lot.id in washed:  # above the mean: the first shares sold are washed
                cost += lot.wash_cost * (float(washed[lot.id]) * leg.share - lot.washed * weight)
        after = leg.active + bought - sold
        cost += (leg.half_spread + parameters.churn) * (sold + bought) + leg.preference * bought - leg.tilt * after
        cash += (1 - leg.half_spread) * sold - (1 + leg.half_spread) * bought
        active.append(after)
    weights = np.array(active)
    exposure = problem.loadings.T @ weights
    risk = parameters.risk_aversion / 2 * float(exposure @ exposure + problem.variance @ problem.by_set(weights) ** 2)
    off = cash - problem.cash_wanted
    off_target = max(parameters.cash_drag * off, -parameters.cash_shortfall * off)
    netting = year.added(problem, trades) if year is not None else 0.0
    return risk + cost + off_target + netting + penalty(problem, rows, trades)
