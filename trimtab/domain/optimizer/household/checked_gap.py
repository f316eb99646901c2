"""Is a household's claimed gap true? Its legs' objective and the bound at its certificate's prices, both anew."""

from collections.abc import Iterator
from dataclasses import replace
from math import isfinite

import numpy as np

from trimtab.domain.households import HouseholdCertificate, HouseholdProposal
from trimtab.domain.optimizer.checked_bound import NOT_NETTED, least_on_all_sides
from trimtab.domain.optimizer.checked_gap import CERTIFIED, false_claims
from trimtab.domain.optimizer.checked_netting import CheckedRegime, gains
from trimtab.domain.optimizer.checked_rows import NOTHING, penalty
from trimtab.domain.optimizer.household.checked_bound import joint_lower_bound
from trimtab.domain.optimizer.household.checked_problem import JointProblem, joint_problem
from trimtab.domain.optimizer.household.checked_whole import CheckedWhole


def joint_gap_violations(whole: CheckedWhole) -> Iterator[str]:
    """One sentence for each claim of optimality that does not hold."""
    proposal = whole.proposal
    if proposal.outcome not in CERTIFIED:
        return
    if proposal.certificate is None:
        yield f"its outcome is {proposal.outcome}, yet no certificate proves it"
        return
    problem = joint_problem(whole)
    for member in problem.members:
        closed = member.published.sold.keys() - {lot.id for leg in member.problem.legs for lot in leg.lots}
        if closed:
            yield f"its certificate says nothing of a list that sells lot {min(closed)}, which is closed to sales"
            return
    yield from _claims(problem, proposal, proposal.certificate)


def _claims(problem: JointProblem, proposal: HouseholdProposal, certificate: HouseholdCertificate) -> Iterator[str]:
    bound = proved(problem, certificate) * 1e4
    if not isfinite(bound):
        yield "its certificate proves nothing: the prices are no numbers, or of another problem"
        return
    here, standing = objective(problem) * 1e4, objective(_without_trades(problem)) * 1e4
    yield from false_claims(proposal, certificate, bound, here, standing)


def proved(problem: JointProblem, certificate: HouseholdCertificate) -> float:
    """The bound that the certificate's prices prove, a fraction of household value: the least of all tax regimes."""
    regimes = problem.year.regimes() if problem.year is not None else (NOT_NETTED,)
    return min([_proved_in(problem, regime, certificate) for regime in regimes])


def _proved_in(problem: JointProblem, regime: CheckedRegime, certificate: HouseholdCertificate) -> float:
    prices, proof = certificate.by_regime.get(regime.name), certificate.sides.get(regime.name)
    if prices is None:
        return -np.inf
    first = joint_lower_bound(problem, prices, regime)
    if proof is None or not isfinite(first.lowest):
        return first.lowest
    groups = problem.groups()
    keys = sorted({groups[each] for each in proof.keys if each in groups})
    every = [first, *(joint_lower_bound(problem, each, regime) for each in proof.prices)]
    return least_on_all_sides(every, keys)


def objective(problem: JointProblem) -> float:
    """What the published legs are worth together, less is better, a fraction of household value."""
    parameters, total = problem.parameters, 0.0
    place = {security_id: row for row, security_id in enumerate(problem.ids)}
    active = problem.active.copy()
    short = long = 0.0
    for member in problem.members:
        own, trades = member.problem, member.published
        cost = member.commissions
        cash = own.cash - cost
        washed = own.washes.matched(trades.sold) if trades.sold else {}
        for leg in own.legs:
            bought, sold = trades.bought.get(leg.security_id, 0.0) * leg.share, 0.0
            for lot in leg.lots if trades.sold else ():
                weight = float(trades.sold.get(lot.id, 0)) * leg.share
                sold += weight
                cost += lot.tax * weight
                if lot.id in washed:  # above the mean: the first shares sold are washed
                    cost += lot.wash_cost * (float(washed[lot.id]) * leg.share - lot.washed * weight)
            cost += (leg.half_spread + parameters.churn) * (sold + bought)
            cost += member.holding_cost[leg.security_id] * (leg.holding + bought - sold)
            cash += (1 - leg.half_spread) * sold - (1 + leg.half_spread) * bought
            active[place[leg.security_id]] += bought - sold
        off = cash - own.cash_wanted
        total += cost + max(parameters.cash_drag * off, -parameters.cash_shortfall * off)
        total += penalty(own, member.rows, trades)
        added = gains(own, trades)
        short, long = short + added[0], long + added[1]
    exposure = problem.loadings.T @ active
    total += parameters.risk_aversion / 2 * float(exposure @ exposure + problem.variance @ active**2)
    return total + (problem.year.added_by(short, long) if problem.year is not None else 0.0)


def _without_trades(problem: JointProblem) -> JointProblem:
    still = tuple(replace(each, published=NOTHING, commissions=0.0) for each in problem.members)
    return replace(problem, members=still)
