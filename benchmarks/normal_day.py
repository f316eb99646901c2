"""A normal day after a few days of trading: what screening saves, and what an account costs from input to proposal."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.simulated_accounts import BUSINESS_DATE, Universe
from benchmarks.simulated_days import Day, next_day, the_day_after
from trimtab.domain.optimizer.analysis import analyze_batch
from trimtab.domain.optimizer.checker import check_batch
from trimtab.domain.optimizer.data import build_data
from trimtab.domain.optimizer.fast.lane import solve_batch
from trimtab.domain.optimizer.fast.packing import pack
from trimtab.domain.optimizer.fast.reading import lots_sold
from trimtab.domain.optimizer.fast.screen import doing_nothing, standing_prices
from trimtab.domain.optimizer.fast.settling import settled_batch
from trimtab.domain.optimizer.fast.shapes import shape_of
from trimtab.domain.optimizer.fast.warm import warm_start
from trimtab.domain.optimizer.fast.washed import settle_washed_sales
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.targets import account_value, prepare_target
from trimtab.domain.optimizer.wash import washed_whole
from trimtab.domain.proposals import RebalanceProposal
from trimtab.domain.snapshots import AnalysisInput

DAYS = 3
_REPEATS, _SOLVES = 3, 5


@dataclass(frozen=True, slots=True)
class NormalDay:
    """Microseconds an account, shares of the accounts."""

    solving_us: float  # packing, screening, solving what is left
    skipped_share: float  # certified without a solve: at known prices, or after Newton steps on the smoothed bound
    idle_skipped_share: float  # of the accounts in which no list is worth the tolerance
    trading_share: float
    false_skips: int  # skipped although a full solve finds the tolerance or more
    whole_us: float  # from input to checked, explained proposal
    after_arrays_us: float  # of it what comes after the arrays
    checker_us: float  # of that the checker, on all accounts together as `analyze_batch` asks it


def normal_day(universe: Universe, requests: Sequence[AnalysisInput], days: int = DAYS) -> NormalDay:
    """The accounts trade today, then `days` normal days pass; the last is measured.

    That is soon after a transition: nearly every name was bought within 30 days, so most losses are partly washed.
    """
    day, today = Day(BUSINESS_DATE, universe.market), list(requests)
    for number in range(days):
        proposals = proposed(today, MarketArrays.from_snapshot(day.market))
        day = next_day(universe, day, seed=1000 + number)
        today = [
            the_day_after(request, proposal, day, seed=1000 * number + place)
            for place, (request, proposal) in enumerate(zip(today, proposals, strict=True))
        ]
    return _measured(today, MarketArrays.from_snapshot(day.market))


def proposed(requests: Sequence[AnalysisInput], market: MarketArrays) -> list[RebalanceProposal]:
    proposals = []
    for each in analyze_batch(requests, market):
        if not isinstance(each, RebalanceProposal):
            raise each
        proposals.append(each)
    return proposals


def _measured(requests: Sequence[AnalysisInput], market: MarketArrays) -> NormalDay:
    count = len(requests)
    datas = [_built(each, market) for each in requests]
    starts = [warm_start(data, each.snapshot.incumbent) for data, each in zip(datas, requests, strict=True)]
    build, solving, whole, checking = [], [], [], []
    for _ in range(_REPEATS):  # side by side, so that a busy moment of the machine touches all alike
        build.append(_timed(lambda: [_built(each, market) for each in requests]))
        solving += [_timed(lambda: solve_batch(datas, starts)) for _ in range(_SOLVES)]
        whole.append(_timed(lambda: proposed(requests, market)))
        checking.append(_timed(lambda: check_batch(list(zip(requests, whole[0][0], strict=True)))))
    outcomes = solving[0][0]
    solving_us, whole_us, build_us, checker_us = (
        float(np.median([spent for _, spent in each])) / count for each in (solving, whole, build, checking)
    )
    skipped = [place for place, each in enumerate(outcomes) if each.lane.value == "SCREEN"]
    return NormalDay(
        solving_us=solving_us,
        skipped_share=len(skipped) / count,
        idle_skipped_share=len(skipped) / max(sum(each.most_to_gain is not None for each in outcomes), 1),
        trading_share=sum(bool(each.trades) for each in whole[0][0]) / count,
        false_skips=sum(_worth_trading(datas[place]) for place in skipped),
        whole_us=whole_us,
        after_arrays_us=whole_us - build_us,
        checker_us=checker_us,
    )


def _worth_trading(data: OptimizerData) -> bool:
    """Whether a full solve finds trades worth the account's tolerance, none of them a loss that is washed whole.

    Nobody may send such a sale: rounding closes its lot, and no proof speaks of it.
    """
    packed = pack([data], shape_of(data))
    sides = np.zeros(packed.packed.active.shape, dtype=np.int64)
    batch, settled = settle_washed_sales(packed, settled_batch(packed.packed, standing_prices(packed.packed), sides))
    gained = doing_nothing(packed.packed) - settled.objective
    sold = lots_sold(batch, settled.answers, 0)
    lawful = not washed_whole(data.lots, data.securities.share, sold).any()
    return bool(lawful and settled.arrived[0] and gained[0] > data.parameters.tolerance + 1e-10)


def _built(request: AnalysisInput, market: MarketArrays) -> OptimizerData:
    value = account_value(request)
    return build_data(request, prepare_target(request, value), market, value)


def _timed(work):  # type: ignore[no-untyped-def]
    started = time.process_time()
    result = work()
    return result, (time.process_time() - started) * 1e6
