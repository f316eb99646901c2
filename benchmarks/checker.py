"""What the independent checker costs: milliseconds of processor time a proposal, the certificate's part apart.

OPENBLAS_NUM_THREADS=1 python -m benchmarks.checker [--accounts 40] [--json]
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np

from benchmarks.simulated_accounts import Universe, a_universe, an_account
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_gap import gap_violations
from trimtab.domain.optimizer.checked_problem import checked_problem
from trimtab.domain.optimizer.checked_risk import CheckedRisk
from trimtab.domain.optimizer.checker import check
from trimtab.domain.optimizer.market_arrays import MarketArrays

SIZES = {100: (47, 4), 600: (318, 3)}
"""Securities, and lots of each at most, for accounts of about so many lots."""

_REPEATS = 5


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds a proposal, medians; the fastest of a few runs of each."""

    lots: int
    securities: int
    trades: int
    derive_ms: float  # the problem from the input
    certificate_ms: float  # the objective and the bound at the certificate's prices, beside
    check_ms: float  # everything
    check_ms_p95: float


def fastest(work: Callable[[], object]) -> float:
    """Milliseconds of processor time."""
    times = []
    for _ in range(_REPEATS):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times) * 1e3


def measure(universe: Universe, lots: int, accounts: int) -> Measured:
    names, lots_each = SIZES[lots]
    market = MarketArrays.from_snapshot(universe.market)
    requests = [an_account(universe, names, lots_each, seed) for seed in range(accounts)]
    proposals = [analyze(request, market) for request in requests]
    derived, proved, whole = [], [], []
    for request, proposal in zip(requests, proposals, strict=True):
        account, risk = CheckedAccount(request, proposal), CheckedRisk(request.market)
        problem = checked_problem(account, risk)
        derived.append(fastest(partial(checked_problem, CheckedAccount(request, proposal), risk)))
        proved.append(fastest(lambda account=account, problem=problem: list(gap_violations(account, problem))))
        whole.append(fastest(partial(check, request, proposal)))
    return Measured(
        lots=round(float(np.mean([len(request.snapshot.lots) for request in requests]))),
        securities=names,
        trades=round(float(np.mean([len(proposal.trades) for proposal in proposals]))),
        derive_ms=median(derived),
        certificate_ms=median(proved),
        check_ms=median(whole),
        check_ms_p95=round(float(np.quantile(whole, 0.95)), 2),
    )


def median(values: list[float]) -> float:
    return round(float(np.median(values)), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--accounts", type=int, default=40, help="accounts of each size")
    parser.add_argument("--json", action="store_true", help="a list of objects instead of the table")
    arguments = parser.parse_args()
    universe = a_universe(560)
    measured = [measure(universe, lots, arguments.accounts) for lots in SIZES]
    if arguments.json:
        print(json.dumps([asdict(each) for each in measured], indent=1))
        return
    for each in measured:
        print("  ".join(f"{field} {value}" for field, value in asdict(each).items()))


if __name__ == "__main__":
    main()
