"""Drift, active share and tracking error, before and after, and the limit of the last, from the risk model itself."""

from collections.abc import Iterator
from decimal import Decimal
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_problem import CheckedProblem
from trimtab.domain.proposals import AnalysisOutcome, Measures

STEP: Final = 1e-6
"""Weights and risk are published to this step, a hundredth of a basis point, and may be a step off by rounding."""

_ENDS_INSIDE_THE_RULES = (AnalysisOutcome.OPTIMAL, AnalysisOutcome.NO_TRADE)


def measure_violations(account: CheckedAccount, problem: CheckedProblem) -> Iterator[str]:
    """Figures that are not what holdings, target and risk model say, and a tracking error above its limit."""
    proposal, limit = account.proposal, account.settings.tracking_error_limit
    before = np.array([leg.active for leg in problem.legs])
    shares = [float(account.traded.get(leg.security_id, 0)) for leg in problem.legs]
    after = before + np.array([traded * leg.share for traded, leg in zip(shares, problem.legs, strict=True)])
    yield from _wrong(account, problem, "before", before, account.cash_before, proposal.before)
    yield from _wrong(account, problem, "after", after, account.cash_after, proposal.after)
    error = tracking_error(problem, after)
    if limit is not None and error > float(limit) + STEP and proposal.outcome in _ENDS_INSIDE_THE_RULES:
        yield f"the tracking error of {error:.6f} is above its limit of {limit}"


def tracking_error(problem: CheckedProblem, active: NDArray[np.float64]) -> float:
    """Annualised, of active weights (n,), at the risk model's own specific risk."""
    exposure = problem.loadings.T @ active
    return sqrt(float(exposure @ exposure + problem.specific_risk**2 @ problem.by_set(active) ** 2))


def _wrong(
    account: CheckedAccount,
    problem: CheckedProblem,
    when: str,
    active: NDArray[np.float64],
    cash: Decimal,
    stated: Measures,
) -> Iterator[str]:
    off = abs(float(cash / account.value) - problem.cash_wanted)
    drifts = np.abs(problem.by_set(active))
    right = {
        "largest drift": (max(float(drifts.max(initial=0.0)), off), stated.max_drift),
        "active share": ((float(drifts.sum()) + off) / 2, stated.active_share),
        "tracking error": (tracking_error(problem, active), stated.tracking_error),
    }
    for name, (value, published) in right.items():
        if abs(value - float(published)) > STEP:
            yield f"the {name} {when} is {value:.6f}, not {published}"
