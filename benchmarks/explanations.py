"""The figures of docs/explanations.md that no command of trimtab prints.

OPENBLAS_NUM_THREADS=1 python -m benchmarks.explanations [--accounts 40] [--draws 5] [--lots 100]

What it costs to keep yesterday's list: every price is shaken, by 10 and by 50 bp, and the account analysed with the
list of the true prices as yesterday's, and without one. And what a point of the trade-off curve takes.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np

from benchmarks.optimizer import FACTORS, SECURITIES, in_transition
from benchmarks.simulated_accounts import a_universe
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.calm import shaken_days
from trimtab.domain.optimizer.curve import trade_off_curve
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.proposals import AnalysisOutcome
from trimtab.domain.snapshots import AnalysisInput
from trimtab.simulated_accounts import a_book

NOISES_BPS = (Decimal(10), Decimal(50))
CURVES = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=40)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--lots", type=int, default=100, choices=sorted(SECURITIES))
    options = parser.parse_args()
    _, book = a_book(options.accounts)
    requests = list(book)
    print(json.dumps({**figures_of_calm(requests, options.draws), **figures_of_curves(options.lots, CURVES)}, indent=2))


def figures_of_calm(requests: Sequence[AnalysisInput], draws: int) -> dict[str, object]:
    """Basis points of account value by which a list made without yesterday is better, of draws in which both trade."""
    told: dict[str, object] = {}
    for noise in NOISES_BPS:
        lost = np.array([each for request in requests for each in _lost_bps(request, draws, noise)])
        told[f"at_{noise}_bp"] = {
            "accounts": len(requests),
            "draws": len(lost),
            "lost_bps_p95": round(float(np.quantile(lost, 0.95)), 3),
            "lost_bps_most": round(float(lost.max()), 3),
        }
    return told


def _lost_bps(request: AnalysisInput, draws: int, noise_bps: Decimal) -> Iterator[float]:
    proposal = analyze(request)
    for after in shaken_days(request, proposal, draws, noise_bps, seed=0):
        kept = analyze(after)
        fresh = analyze(replace(after, snapshot=replace(after.snapshot, incumbent=None)))
        if kept.outcome is fresh.outcome is AnalysisOutcome.OPTIMAL:
            yield float(max(fresh.benefit_bps - kept.benefit_bps, Decimal(0)))


def figures_of_curves(lots: int, accounts: int) -> dict[str, object]:
    """Milliseconds of processor time a point of seven, the account's arrays included."""
    universe = a_universe(SECURITIES[lots] * 4, factors=FACTORS)
    market = MarketArrays.from_snapshot(universe.market)
    spent = []
    for seed in range(accounts):
        request = in_transition(universe, lots, seed)
        begun = time.process_time()
        points = trade_off_curve(request, market)
        spent.append((time.process_time() - begun) / len(points) * 1e3)
    low, high = np.quantile(spent, [0.1, 0.9])
    return {"curve_lots": lots, "curves": accounts, "ms_a_point": [round(float(each), 2) for each in (low, high)]}


if __name__ == "__main__":
    main()
