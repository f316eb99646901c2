"""What an analysis costs, and its solver's lane beside the specification in cvxpy: same accounts, same run.

OPENBLAS_NUM_THREADS=1 python -m benchmarks.optimizer [--accounts 20] [--size SIZE] [--json]
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from benchmarks.simulated_accounts import Universe, a_universe, an_account
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.ascent import ascend
from trimtab.domain.optimizer.bound import standing_prices
from trimtab.domain.optimizer.clarabel_lane import ClarabelLane
from trimtab.domain.optimizer.data import build_data
from trimtab.domain.optimizer.formulation import Specification
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.objective import evaluate
from trimtab.domain.optimizer.search import search
from trimtab.domain.optimizer.targets import account_value, prepare_target
from trimtab.domain.proposals import AnalysisOutcome
from trimtab.domain.snapshots import AnalysisInput

Result = TypeVar("Result")


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
    """Milliseconds of processor time an account, medians unless said; gaps in basis points of account value.

    Building the problem counts. A search is every solve of an account that trades: wash sides, minimum trades.
    """

    size: str
    accounts: int
    lots: int
    analyze_ms: float  # input in, checked proposal with reasons out
    analyze_ms_p95: float
    lane_ms: float  # one relaxation, Clarabel fed directly
    cvxpy_ms: float  # the same through cvxpy
    ratio_lane: float
    search_lane_ms: float
    search_cvxpy_ms: float
    ratio_search: float
    disagreement_bp_max: float  # of the two relaxations' objectives
    traded_share: float
    gap_bp_p50: float  # of accounts that trade
    gap_bp_p95: float


@dataclass(frozen=True, slots=True)
class Beside:
    """One account solved both ways."""

    lane_ms: float
    cvxpy_ms: float
    search_lane_ms: float
    search_cvxpy_ms: float
    disagreement_bp: float


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """What `work` gives, and its milliseconds."""
    started = time.process_time()
    result = work()
    return result, (time.process_time() - started) * 1e3


def beside(request: AnalysisInput, market: MarketArrays) -> Beside:
    value = account_value(request)
    data = build_data(request, prepare_target(request, value), market, value)
    prices = ascend(data, standing_prices(data))
    lots_open, buys_open = np.ones(len(data.lots.lots), dtype=np.bool_), data.securities.buy_limit > 0
    lane, lane_ms = timed(lambda: ClarabelLane(data).solve(lots_open, buys_open))
    specification, cvxpy_ms = timed(lambda: Specification(data).solve(lots_open, buys_open))
    _, search_lane_ms = timed(lambda: search(data, prices, ClarabelLane(data)))
    _, search_cvxpy_ms = timed(lambda: search(data, prices, Specification(data)))
    totals = [evaluate(data, each.lot_sells, each.buys).total for each in (lane, specification)]
    return Beside(lane_ms, cvxpy_ms, search_lane_ms, search_cvxpy_ms, abs(totals[0] - totals[1]) * 1e4)


def measure(name: str, size: Size, universe: Universe, accounts: int) -> Measured:
    market = MarketArrays.from_snapshot(universe.market)
    requests = [
        an_account(universe, size.securities, size.lots_each, seed, value=size.value) for seed in range(accounts)
    ]
    analyze(requests[0], market)  # the first pays for imports
    beside(requests[0], market)
    proposals, analysis_ms = zip(*(timed(partial(analyze, request, market)) for request in requests), strict=True)
    both = [beside(request, market) for request in requests]
    traded = [each for each in proposals if each.outcome is AnalysisOutcome.OPTIMAL]
    gaps = [float(each.gap_bps) for each in traded] or [0.0]
    lane, cvxpy = median([each.lane_ms for each in both]), median([each.cvxpy_ms for each in both])
    search_lane, search_cvxpy = (
        median([each.search_lane_ms for each in both]),
        median([each.search_cvxpy_ms for each in both]),
    )
    return Measured(
        size=name,
        accounts=accounts,
        lots=round(float(np.mean([len(request.snapshot.lots) for request in requests]))),
        analyze_ms=median(analysis_ms),
        analyze_ms_p95=round(float(np.quantile(analysis_ms, 0.95)), 2),
        lane_ms=lane,
        cvxpy_ms=cvxpy,
        ratio_lane=round(cvxpy / lane, 1),
        search_lane_ms=search_lane,
        search_cvxpy_ms=search_cvxpy,
        ratio_search=round(search_cvxpy / search_lane, 1),
        disagreement_bp_max=float(f"{max(each.disagreement_bp for each in both):.1e}"),
        traded_share=round(len(traded) / accounts, 3),
        gap_bp_p50=round(float(np.quantile(gaps, 0.5)), 3),
        gap_bp_p95=round(float(np.quantile(gaps, 0.95)), 3),
    )


def median(values: Sequence[float]) -> float:
    return round(float(np.median(values)), 2)


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
