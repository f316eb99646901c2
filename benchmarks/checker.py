"""What the independent checker costs: milliseconds of processor time a proposal, rules and certificate apart.

OPENBLAS_NUM_THREADS=1 python -m benchmarks.checker [--accounts 40] [--json]
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from decimal import Decimal

import numpy as np

from benchmarks.simulated_accounts import Universe, a_universe, an_account
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.checker import check
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.proposals import Certificate, RebalanceProposal
from trimtab.domain.snapshots import AnalysisInput

SIZES = {100: (47, 4), 600: (318, 3)}
"""Securities, and lots of each at most, for accounts of about so many lots."""

_REPEATS = 5


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds a proposal, medians; the fastest of a few runs of each."""

    lots: int
    securities: int
    trades: int
    rules_ms: float  # every rule, figure and measure, and the derivation of the problem
    certificate_ms: float  # the objective and the bound beside
    check_ms: float


def fastest(work: Callable[[], None]) -> float:
    """Milliseconds of processor time."""
    times = []
    for _ in range(_REPEATS):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times) * 1e3


def with_prices(request: AnalysisInput, proposal: RebalanceProposal) -> RebalanceProposal:
    """With a certificate that claims nothing false, where the analysis gave none: its bound is far too low."""
    if proposal.certificate is not None:
        return proposal
    factors = len(request.market.risk_model.factors)
    certificate = Certificate((0.0,) * factors, 0.0, {}, {}, 0.0, Decimal(-10000), Decimal(0))
    return replace(proposal, certificate=certificate)


def measure(universe: Universe, lots: int, accounts: int) -> Measured:
    names, lots_each = SIZES[lots]
    market = MarketArrays.from_snapshot(universe.market)
    requests = [an_account(universe, names, lots_each, seed) for seed in range(accounts)]
    proposals = [analyze(request, market) for request in requests]
    rules, whole = [], []
    for request, proposal in zip(requests, proposals, strict=True):
        bare = replace(proposal, certificate=None)
        rules.append(fastest(lambda request=request, bare=bare: check(request, bare)))
        whole.append(fastest(lambda request=request, proposal=proposal: check(request, proposal)))
    return Measured(
        lots=round(float(np.mean([len(request.snapshot.lots) for request in requests]))),
        securities=names,
        trades=round(float(np.mean([len(proposal.trades) for proposal in proposals]))),
        rules_ms=round(float(np.median(rules)), 2),
        certificate_ms=round(float(np.median(whole) - np.median(rules)), 2),
        check_ms=round(float(np.median(whole)), 2),
    )


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
