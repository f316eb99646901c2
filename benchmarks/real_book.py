"""The demo firm over real data on 2020-12-01: how fast, how near the best, and does the specification agree.

OPENBLAS_NUM_THREADS=1 python -m benchmarks.real_book --data FOLDER [--accounts 1000] [--agreement 50] [--json]
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.firm_requests import market_of, requests_of
from tests.optimizer.agreement import Compared, compared
from trimtab.demo.real_firm import build_real_firm
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.ascent import ascend
from trimtab.domain.optimizer.bound import standing_prices
from trimtab.domain.optimizer.data import build_data
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.screening import screen
from trimtab.domain.optimizer.targets import account_value, prepare_target
from trimtab.domain.proposals import AnalysisOutcome, RebalanceProposal
from trimtab.domain.snapshots import AnalysisInput

LARGEST_DISAGREEMENT_BP = 2e-3


@dataclass(frozen=True, slots=True)
class Agreement:
    """The lane that works at night beside the cvxpy specification, on the accounts' own problems."""

    accounts: int
    disagreement_bp_max: float
    one_answered_alone: int  # problems that only one of the two could solve
    without_an_answer: int  # whose rules cannot be kept, as both say


@dataclass(frozen=True, slots=True)
class Measured:
    """Of the accounts that are analysed. Processor time; gaps in basis points of account value."""

    accounts: int
    lots: int
    lots_p50: float
    lots_max: int
    accounts_a_second: float  # snapshot in, checked proposal with reasons out
    ms_p50: float
    ms_p95: float
    ms_max: float
    outcomes: dict[str, int]
    routes: dict[str, float]  # share of accounts by what settled them
    skipped_share: float  # by a certificate, without a solve
    gap_bp_p50: float  # of accounts that trade
    gap_bp_p95: float
    gap_bp_max: float
    agreement: Agreement | None


def data_of(request: AnalysisInput, market: MarketArrays) -> OptimizerData:
    value = account_value(request)
    return build_data(request, prepare_target(request, value), market, value)


def route(data: OptimizerData, proposal: RebalanceProposal) -> str:
    """What settled the account: a certificate at the present holdings' prices, one after the ascent, or a solve."""
    if proposal.outcome in (AnalysisOutcome.CONFLICT, AnalysisOutcome.SOLVER_FAILED):
        return proposal.outcome.value.lower()
    standing = standing_prices(data)
    if screen(data, standing):
        return "certificate, present prices"
    return "certificate, after ascent" if screen(data, ascend(data, standing)) else "solved"


def measure(requests: Sequence[AnalysisInput], market: MarketArrays, agreement: int) -> Measured:
    analyze(requests[0], market)  # the first pays for imports
    proposals, milliseconds = [], []
    for request in requests:
        started = time.process_time()
        proposals.append(analyze(request, market))
        milliseconds.append((time.process_time() - started) * 1e3)
    datas = [data_of(request, market) for request in requests]
    routes = Counter(route(data, proposal) for data, proposal in zip(datas, proposals, strict=True))
    shares = {name: round(count / len(requests), 4) for name, count in sorted(routes.items())}
    gaps = [float(each.gap_bps) for each in proposals if each.outcome is AnalysisOutcome.OPTIMAL] or [0.0]
    lots = [len(request.snapshot.lots) for request in requests]
    return Measured(
        accounts=len(requests),
        lots=sum(lots),
        lots_p50=float(np.median(lots)),
        lots_max=max(lots),
        accounts_a_second=round(len(requests) / (sum(milliseconds) / 1e3), 1),
        ms_p50=_quantile(milliseconds, 0.5),
        ms_p95=_quantile(milliseconds, 0.95),
        ms_max=_quantile(milliseconds, 1.0),
        outcomes=dict(sorted(Counter(each.outcome.value for each in proposals).items())),
        routes=shares,
        skipped_share=round(sum(share for name, share in shares.items() if name.startswith("certificate")), 4),
        gap_bp_p50=_quantile(gaps, 0.5),
        gap_bp_p95=_quantile(gaps, 0.95),
        gap_bp_max=_quantile(gaps, 1.0),
        agreement=_agreement(datas, agreement) if agreement else None,
    )


def _agreement(datas: Sequence[OptimizerData], accounts: int) -> Agreement:
    """Evenly spread over the book, everything open."""
    places = np.unique(np.linspace(0, len(datas) - 1, min(accounts, len(datas))).astype(int))
    every: list[Compared] = [compared(int(place), datas[place], 1.0) for place in places]
    answered = [each.disagreement_bp for each in every if np.isfinite(each.disagreement_bp)]
    return Agreement(
        accounts=len(every),
        disagreement_bp_max=float(f"{max(answered, default=0.0):.1e}"),
        one_answered_alone=len(every) - len(answered),
        without_an_answer=sum(each.lane_bp is None and each.specification_bp is None for each in every),
    )


def _quantile(values: Sequence[float], share: float) -> float:
    return round(float(np.quantile(values, share)), 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="the directory of market data")
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--agreement", type=int, default=50, help="accounts compared with cvxpy, 20 to 500 ms each")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    firm = build_real_firm(arguments.data, arguments.accounts, arguments.seed)
    market = market_of(firm)
    measured = asdict(measure(list(requests_of(firm, market)), MarketArrays.from_snapshot(market), arguments.agreement))
    if arguments.json:
        print(json.dumps(measured, indent=1))
        return
    for name, value in measured.items():
        print(f"{name:20} {value}")


if __name__ == "__main__":
    main()
