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
from trimtab.domain.optimizer.analysis import analyze_batch
from trimtab.domain.optimizer.attainable import attain
from trimtab.domain.optimizer.data import build_data
from trimtab.domain.optimizer.errors import SolverStalled
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.regimes import problems
from trimtab.domain.optimizer.targets import account_value, prepare_target
from trimtab.domain.proposals import AnalysisOutcome, Lane, RebalanceProposal
from trimtab.domain.snapshots import AnalysisInput

BATCH = 64
"""Accounts solved side by side, as the solver processes take them."""

LARGEST_DISAGREEMENT_BP = 2e-3


@dataclass(frozen=True, slots=True)
class Agreement:
    """The lane that works at night beside the cvxpy specification, on the accounts' own problems."""

    accounts: int
    problems: int  # one for each tax regime
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
    accounts_a_second: float  # in batches: snapshot in, checked proposal with reasons out
    accounts_a_second_alone: float  # one by one, of every tenth account
    alone_ms_p50: float
    alone_ms_p95: float
    alone_ms_max: float
    outcomes: dict[str, int]  # and the codes of accounts that end in an error
    lanes: dict[str, float]  # share of accounts by who settled them; RULES: without prices, by the rules alone
    skipped_share: float  # by a certificate, without a solve
    gap_bp_p50: float  # of accounts that trade
    gap_bp_p95: float
    gap_bp_max: float
    gap_bp_p95_no_ticket: float  # of those that pay no commission: the bound leaves commissions out
    gap_bp_max_no_ticket: float
    agreement: Agreement | None


def data_of(request: AnalysisInput, market: MarketArrays) -> OptimizerData:
    """As it is solved: bands that are broken are asked for as far as the other rules allow."""
    value = account_value(request)
    data = build_data(request, prepare_target(request, value), market, value)
    try:
        return attain(data).data
    except SolverStalled:
        return data


def measure(requests: Sequence[AnalysisInput], market: MarketArrays, agreement: int) -> Measured:
    analyze_batch(requests[:BATCH], market)  # the first pays for imports
    started = time.process_time()
    answers = [
        answer
        for first in range(0, len(requests), BATCH)
        for answer in analyze_batch(requests[first : first + BATCH], market)
    ]
    seconds = time.process_time() - started
    alone = [_alone_ms(request, market) for request in requests[::10]]
    proposals = [each for each in answers if isinstance(each, RebalanceProposal)]
    lanes = Counter(_settled_by(each) for each in proposals)
    shares = {name: round(count / len(requests), 4) for name, count in sorted(lanes.items())}
    gaps = _gaps(proposals)
    no_ticket = {
        request.snapshot.account.id for request in requests if not request.snapshot.settings.dearest_commission
    }
    gaps_no_ticket = _gaps([each for each in proposals if each.account_id in no_ticket])
    lots = [len(request.snapshot.lots) for request in requests]
    outcomes = [each.outcome.value if isinstance(each, RebalanceProposal) else each.code for each in answers]
    return Measured(
        accounts=len(requests),
        lots=sum(lots),
        lots_p50=float(np.median(lots)),
        lots_max=max(lots),
        accounts_a_second=round(len(requests) / seconds, 1),
        accounts_a_second_alone=round(1e3 / float(np.mean(alone)), 1),
        alone_ms_p50=_quantile(alone, 0.5),
        alone_ms_p95=_quantile(alone, 0.95),
        alone_ms_max=_quantile(alone, 1.0),
        outcomes=dict(sorted(Counter(outcomes).items())),
        lanes=shares,
        skipped_share=shares.get(Lane.SCREEN.value, 0.0),
        gap_bp_p50=_quantile(gaps, 0.5),
        gap_bp_p95=_quantile(gaps, 0.95),
        gap_bp_max=_quantile(gaps, 1.0),
        gap_bp_p95_no_ticket=_quantile(gaps_no_ticket, 0.95),
        gap_bp_max_no_ticket=_quantile(gaps_no_ticket, 1.0),
        agreement=_agreement([data_of(each, market) for each in requests], agreement) if agreement else None,
    )


def _alone_ms(request: AnalysisInput, market: MarketArrays) -> float:
    started = time.process_time()
    analyze_batch([request], market)
    return (time.process_time() - started) * 1e3


def _settled_by(proposal: RebalanceProposal) -> str:
    return proposal.lane.value if proposal.certificate is not None else "RULES"


def _gaps(proposals: Sequence[RebalanceProposal]) -> list[float]:
    return [float(each.gap_bps) for each in proposals if each.outcome is AnalysisOutcome.OPTIMAL] or [0.0]


def _agreement(datas: Sequence[OptimizerData], accounts: int) -> Agreement:
    """Evenly spread over the book, everything open, each tax regime."""
    places = np.unique(np.linspace(0, len(datas) - 1, min(accounts, len(datas))).astype(int))
    every: list[Compared] = [
        compared(int(place), problem, 1.0) for place in places for problem in problems(datas[place])
    ]
    answered = [each.disagreement_bp for each in every if np.isfinite(each.disagreement_bp)]
    return Agreement(
        accounts=len(places),
        problems=len(every),
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
