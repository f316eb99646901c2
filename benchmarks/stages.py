"""Where an account's time goes from input to checked, explained proposal: microseconds of processor time a stage.

OPENBLAS_NUM_THREADS=1 python -m benchmarks.stages [--lots 100] [--accounts 128] [--json]

Two days of the same accounts: a normal one, on which a seventh trades, and their first, on which holdings are off
target by a quarter, every loss is worth harvesting and nearly all trade. Each repeat reads fresh copies of the inputs,
so that nothing is known of an account from the repeat before; the market of the day is shared, as in a run.

"From arrays" is what comes once an account's arrays are there: it is solved, rounded, certified, explained, and then
verified from its input anew, which the checker reads on its own. The whole is that, and the reading of the input, its
hash, its target and its arrays. The benchmark's own copies are collected before the clock starts; garbage of the run
counts.
"""

import argparse
import gc
import json
import pickle
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.normal_day import DAYS, proposed
from benchmarks.optimizer import FACTORS, SECURITIES, in_transition
from benchmarks.simulated_accounts import BUSINESS_DATE, Universe, a_universe
from benchmarks.simulated_days import Day, next_day, the_day_after
from trimtab.domain.optimizer import account_analysis, analysis
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.snapshots import AnalysisInput

REPEATS = 5

STAGES: Mapping[str, Mapping[ModuleType, tuple[str, ...]]] = {
    "read": {analysis: ("require_sound",)},
    "hash": {account_analysis: ("input_hash",)},
    "target": {account_analysis: ("account_value", "prepare_target")},
    "arrays": {account_analysis: ("build_data",)},
    "solve": {analysis: ("solve_batch",)},
    "round": {account_analysis: ("in_whole_shares_at_once", "in_calm_shares")},
    "certify": {analysis: ("lower_bounds",), account_analysis: ("certificate", "certificate_at")},
    "explain": {account_analysis: ("attribute", "with_reasons", "why_nots", "measure", "score", "harvest_note")},
    "verify": {analysis: ("check_batch",)},
}
"""By stage the functions, by the module that calls them, whose time it is."""

BEFORE_ARRAYS = ("read", "hash", "target", "arrays")
"""What an account costs until its arrays are there."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Microseconds of processor time an account, medians of the repeats."""

    day: str
    lots: int
    trading_share: float
    stages: Mapping[str, float]
    whole_us: float
    from_arrays_us: float
    accounts_a_second: float
    accounts_a_second_from_arrays: float


class Clock:
    """Time by stage while it is on."""

    def __init__(self) -> None:
        self.spent = dict.fromkeys(STAGES, 0.0)

    @contextmanager
    def on(self) -> Iterator[None]:
        watched = [
            (module, name, getattr(module, name), stage)
            for stage, modules in STAGES.items()
            for module, names in modules.items()
            for name in names
        ]
        for module, name, function, stage in watched:
            setattr(module, name, self._timed(function, stage))
        try:
            yield
        finally:
            for module, name, function, _ in watched:
                setattr(module, name, function)

    def _timed(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        @wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:
            started = time.process_time()
            try:
                return function(*arguments, **named)
            finally:
                self.spent[stage] += time.process_time() - started

        return timed


def measured(day: str, lots: int, requests: Sequence[AnalysisInput]) -> Measured:
    market = MarketArrays.from_snapshot(requests[0].market)
    runs, trading = [], 0
    for _ in range(REPEATS):
        fresh = [_copy(each) for each in requests]
        gc.collect()
        clock, started = Clock(), time.process_time()
        with clock.on():
            proposals = proposed(fresh, market)
        whole = time.process_time() - started
        from_arrays = whole - sum(clock.spent[name] for name in BEFORE_ARRAYS)
        other = whole - sum(clock.spent.values())
        runs.append({**clock.spent, "other": other, "whole": whole, "from arrays": from_arrays})
        trading = sum(bool(each.trades) for each in proposals)
    of = {name: float(np.median([run[name] for run in runs])) * 1e6 / len(requests) for name in runs[0]}
    whole_us, from_arrays_us = of.pop("whole"), of.pop("from arrays")
    return Measured(
        day=day,
        lots=lots,
        trading_share=round(trading / len(requests), 4),
        stages={name: round(value, 1) for name, value in of.items()},
        whole_us=round(whole_us, 1),
        from_arrays_us=round(from_arrays_us, 1),
        accounts_a_second=round(1e6 / whole_us),
        accounts_a_second_from_arrays=round(1e6 / from_arrays_us),
    )


def _copy(request: AnalysisInput) -> AnalysisInput:
    """The account's own input anew, of the same market."""
    own = pickle.loads(pickle.dumps((request.snapshot, request.target)))
    return replace(request, snapshot=own[0], target=own[1])


def the_days(universe: Universe, lots: int, accounts: int) -> Iterator[Measured]:
    """A normal day, a few days after all have traded, and before it the day on which they do."""
    today = [in_transition(universe, lots, seed) for seed in range(accounts)]
    first, day = list(today), Day(BUSINESS_DATE, universe.market)
    for number in range(DAYS):
        proposals = proposed(today, MarketArrays.from_snapshot(day.market))
        day = next_day(universe, day, seed=1000 + number)
        today = [
            the_day_after(request, proposal, day, seed=1000 * number + place)
            for place, (request, proposal) in enumerate(zip(today, proposals, strict=True))
        ]
    yield measured("normal", lots, today)
    yield measured("all trade", lots, first)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lots", type=int, choices=SECURITIES, default=100, help="lots of an account, about")
    parser.add_argument("--accounts", type=int, default=128)
    parser.add_argument("--json", action="store_true", help="a list of objects instead of the table")
    arguments = parser.parse_args()
    every = list(the_days(a_universe(560, factors=FACTORS), arguments.lots, arguments.accounts))
    if arguments.json:
        print(json.dumps([{name: getattr(each, name) for name in Measured.__slots__} for each in every], indent=1))
        return
    for each in every:
        print(f"{each.day} day, {each.lots} lots, {each.trading_share:.0%} trade")
        for name, value in each.stages.items():
            print(f"  {name:8} {value:8.0f} us  {value / each.whole_us:6.1%}")
        before = " + ".join(BEFORE_ARRAYS)
        print(f"  from arrays {each.from_arrays_us:5.0f} us  {each.accounts_a_second_from_arrays} accounts/s")
        print(f"  whole    {each.whole_us:8.0f} us  {each.accounts_a_second} accounts/s, with {before}")


if __name__ == "__main__":
    main()
