"""What an analysis costs, beside a bare solver call on the same accounts in the same run.

OPENBLAS_NUM_THREADS=1 python -m benchmarks.optimizer [--accounts 20] [--size SIZE] [--json]
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass

import numpy as np

from benchmarks.simulated_accounts import Universe, a_universe, an_account
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.data import build_data
from trimtab.domain.optimizer.formulation import Specification
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.targets import account_value, prepare_target
from trimtab.domain.proposals import AnalysisOutcome, RebalanceProposal
from trimtab.domain.snapshots import AnalysisInput


@dataclass(frozen=True, slots=True)
class Size:
    """A kind of account: how many securities, lots of each, and what it is worth (None: by its seed)."""

    securities: int
    lots_each: int
    value: float | None = None


SIZES = {
    "etf": Size(15, 30),
    "small": Size(47, 2),
    "direct-index": Size(120, 6),
    "sp500": Size(503, 6, 6e6),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds of processor time an account, medians unless said; gaps in basis points of account value."""

    size: str
    accounts: int
    lots: int
    analyze_ms: float
    analyze_ms_p95: float
    relaxation_ms: float  # build the specification in cvxpy and solve it once
    solver_ms: float  # of which Clarabel itself
    ratio_to_solver: float
    traded_share: float
    gap_bp_p50: float  # of accounts that trade
    gap_bp_p95: float


def timed_analysis(request: AnalysisInput, market: MarketArrays) -> tuple[RebalanceProposal, float]:
    started = time.process_time()
    proposal = analyze(request, market)
    return proposal, (time.process_time() - started) * 1e3


def timed_relaxation(request: AnalysisInput, market: MarketArrays) -> tuple[float, float]:
    """Milliseconds of one cvxpy build and solve, and of the solver alone."""
    value = account_value(request)
    data = build_data(request, prepare_target(request, value), market, value)
    everything = np.ones(len(data.lots.lots), dtype=np.bool_), data.securities.buy_limit > 0
    started = time.process_time()
    specification = Specification(data)
    specification.solve(*everything)
    return (time.process_time() - started) * 1e3, specification.solver_seconds * 1e3


def measure(name: str, size: Size, universe: Universe, accounts: int) -> Measured:
    market = MarketArrays.from_snapshot(universe.market)
    requests = [
        an_account(universe, size.securities, size.lots_each, seed, value=size.value) for seed in range(accounts)
    ]
    timed_analysis(requests[0], market)  # the first pays for imports
    proposals, analysis_ms = zip(*(timed_analysis(request, market) for request in requests), strict=True)
    relaxation_ms, solver_ms = zip(*(timed_relaxation(request, market) for request in requests), strict=True)
    traded = [each for each in proposals if each.outcome is AnalysisOutcome.OPTIMAL]
    gaps = [float(each.gap_bps) for each in traded] or [0.0]
    return Measured(
        size=name,
        accounts=accounts,
        lots=round(float(np.mean([len(request.snapshot.lots) for request in requests]))),
        analyze_ms=round(float(np.median(analysis_ms)), 2),
        analyze_ms_p95=round(float(np.quantile(analysis_ms, 0.95)), 2),
        relaxation_ms=round(float(np.median(relaxation_ms)), 2),
        solver_ms=round(float(np.median(solver_ms)), 2),
        ratio_to_solver=round(float(np.median(analysis_ms) / np.median(solver_ms)), 2),
        traded_share=round(len(traded) / accounts, 3),
        gap_bp_p50=round(float(np.quantile(gaps, 0.5)), 3),
        gap_bp_p95=round(float(np.quantile(gaps, 0.95)), 3),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--accounts", type=int, default=20, help="accounts of each size")
    parser.add_argument("--size", choices=SIZES, help="only this size")
    parser.add_argument("--json", action="store_true", help="a list of objects instead of the table")
    arguments = parser.parse_args()
    chosen = {arguments.size: SIZES[arguments.size]} if arguments.size else SIZES
    universe = a_universe(560)
    measured = [measure(name, size, universe, arguments.accounts) for name, size in chosen.items()]
    if arguments.json:
        print(json.dumps([asdict(each) for each in measured], indent=1))
        return
    for each in measured:
        print("  ".join(f"{field} {value}" for field, value in asdict(each).items()))


if __name__ == "__main__":
    main()
