"""Joint analysis of simulated households of three accounts: processor time, and how far from the best.

OPENBLAS_NUM_THREADS=1 python -m benchmarks.households [--households 32] [--names 30] [--lots 2] [--json]
"""

import argparse
import json
import time

import numpy as np

from benchmarks.simulated_accounts import a_household, a_universe
from trimtab.domain.optimizer.household.analysis import analyze_household
from trimtab.domain.optimizer.household.build import build_household
from trimtab.domain.optimizer.household.search import search_jointly
from trimtab.domain.optimizer.market_arrays import MarketArrays


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--households", type=int, default=32)
    parser.add_argument("--names", type=int, default=30, help="securities of each account")
    parser.add_argument("--lots", type=int, default=2, help="lots of each security")
    parser.add_argument("--json", action="store_true", help="one object instead of the line")
    options = parser.parse_args()
    measured = measure(options.households, options.names, options.lots)
    if options.json:
        print(json.dumps(measured, indent=1))
    else:
        print("  ".join(f"{name} {value}" for name, value in measured.items()))


def measure(households: int, names: int, lots_each: int) -> dict[str, float]:
    """Milliseconds of processor time a household (medians), gaps in basis points of household value."""
    universe = a_universe(max(200, 2 * names))
    market = MarketArrays.from_snapshot(universe.market)
    analyze_household(a_household(universe, names, lots_each, 0), market)  # the first pays for imports
    searched, analysed, gaps, lots = [], [], [], []
    for seed in range(households):
        request = a_household(universe, names, lots_each, seed)
        data = build_household(request, market).data
        lots.append(len(data.lots.pair))
        started = time.process_time()
        search_jointly(data)
        searched.append(time.process_time() - started)
        started = time.process_time()
        gaps.append(float(analyze_household(request, market).gap_bps))
        analysed.append(time.process_time() - started)
    return {
        "households": households,
        "lots": round(float(np.mean(lots))),
        "search_ms": round(float(np.median(searched)) * 1e3, 1),
        "analyze_ms": round(float(np.median(analysed)) * 1e3, 1),
        "gap_bp_p50": round(float(np.quantile(gaps, 0.5)), 4),
        "gap_bp_p95": round(float(np.quantile(gaps, 0.95)), 4),
        "gap_bp_max": round(max(gaps), 4),
    }


if __name__ == "__main__":
    main()
