"""What solving costs: the batched kernel beside Clarabel and the specification in cvxpy, same accounts, same run.

OPENBLAS_NUM_THREADS=1 python -m benchmarks.optimizer [--lots 100] [--accounts 256] [--json]

Processor time, one thread, medians. The accounts are in transition (holdings off target by a quarter), all taxable and
harvesting aggressively: harder than a normal day. All of a size are solved together: with fewer than some hundred each
pays more for numpy's calls, most on a normal day, when only a sixth of them is left to be solved. Where
OPENBLAS_CORETYPE is set, an old kernel is measured: unset it.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from functools import partial
from typing import TypeVar

import numpy as np

from benchmarks import lanes
from benchmarks.normal_day import NormalDay, normal_day
from benchmarks.simulated_accounts import Universe, a_universe, an_account
from trimtab.domain.account_settings import Harvesting
from trimtab.domain.accounts import Registration
from trimtab.domain.money import to_cents
from trimtab.domain.optimizer.arrays import Flags, Floats
from trimtab.domain.optimizer.clarabel_lane import ClarabelLane
from trimtab.domain.optimizer.data import build_data
from trimtab.domain.optimizer.fast.batches import Batch
from trimtab.domain.optimizer.fast.buckets import MOST_AT_ONCE
from trimtab.domain.optimizer.fast.closed_form import CHEAPEST, Answers, duality_gap
from trimtab.domain.optimizer.fast.lane import solve_batch
from trimtab.domain.optimizer.fast.newton import MOST_STEPS, climb
from trimtab.domain.optimizer.fast.packed import Packed
from trimtab.domain.optimizer.fast.packing import pack
from trimtab.domain.optimizer.fast.screen import bound_at, standing_prices
from trimtab.domain.optimizer.fast.settling import settled_batch
from trimtab.domain.optimizer.fast.shapes import Shape, packed_together, shape_of, supports
from trimtab.domain.optimizer.fast.sides import Settled
from trimtab.domain.optimizer.formulation import Specification
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.objective import evaluate
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.regimes import Answered
from trimtab.domain.optimizer.relaxation import Solution
from trimtab.domain.optimizer.targets import account_value, prepare_target
from trimtab.domain.snapshots import AnalysisInput, TaxYear
from trimtab.simulated_accounts import a_reference_book

Result = TypeVar("Result")

SECURITIES = {30: 13, 100: 47, 300: 137, 600: 318}
"""Securities of an account of so many lots."""

FACTORS = 16
REPEATS = 7


@dataclass(frozen=True, slots=True)
class Measured:
    """Microseconds of processor time an account; gaps in basis points of account value.

    `kernel`: the convex problem (no purchase beside a loss that could be sold), arrays in, weights, prices and gap out.
    `branches`: the true problem, cold; `sides`: the same from yesterday's sides and prices. `clarabel` and `cvxpy`:
    the convex problem, building it included. `netting`: the true problem under the year's netting, two regimes of tax
    for each account, cold, from packing to trades.
    """

    lots: int
    securities: int
    accounts: int
    pack_us: float
    screen_us: float  # one bound
    kernel_us: float
    branches_us: float
    sides_us: float
    netting_us: float
    netting_gap_bp_p95: float
    netting_declined_share: float  # of accounts that go to the other lane
    clarabel_us: float
    cvxpy_us: float
    ratio_kernel: float
    ratio_normal_day: float
    kernel_steps: float
    kernel_arrived: float  # share
    kernel_gap_bp_max: float
    contested: float  # wash branches an account
    gap_bp_p50: float  # of the true problem, before whole shares
    gap_bp_p95: float
    gap_bp_max: float
    reference_disagreement_bp_max: float
    declined_share: float  # of accounts that go to the other lane
    normal_day_us: float  # packing, screening and solving what is left
    skipped_share: float
    idle_skipped_share: float  # of the accounts in which nothing is worth trading
    false_skips: int
    trading_share: float
    day_us: float  # the normal day from input to checked, explained proposals
    day_after_arrays_us: float  # of it what comes after an account's arrays are built
    checker_us: float  # of that the independent checker


def timed(work: Callable[[], Result], repeats: int = REPEATS) -> tuple[Result, float]:
    """What `work` gives, and its median microseconds."""
    spent = []
    for _ in range(repeats):
        started = time.process_time()
        result = work()
        spent.append((time.process_time() - started) * 1e6)
    return result, float(np.median(spent))


def measure(lots: int, universe: Universe, accounts: int, references: int) -> Measured:
    market = MarketArrays.from_snapshot(universe.market)
    requests = [in_transition(universe, lots, seed) for seed in range(accounts)]
    datas = [built(request, market) for request in requests]
    known = [data for data in datas if supports(data) is None]
    by_shape = shapes(known)
    batches, pack_us = timed(lambda: [pack(several, shape) for shape, several in by_shape])
    starts = [standing_prices(batch.packed) for batch in batches]
    count = len(known)
    convex = [without_contested_purchases(batch.packed) for batch in batches]
    _, screen_us = timed(lambda: [bound_at(batch.packed, at) for batch, at in zip(batches, starts, strict=True)])
    kernel, kernel_us = timed(
        lambda: [climb(packed, at, CHEAPEST, most_steps=MOST_STEPS) for packed, at in zip(convex, starts, strict=True)]
    )
    cold, branches_us = timed(lambda: settled(batches, starts), 3)
    _, sides_us = timed(lambda: settled(batches, [each.proof for each in cold], cold))
    gaps = np.concatenate([each.gap for each in cold]) * 1e4
    clarabel_us, cvxpy_us, disagreement = beside(batches, [each.answers for each in kernel], references)
    netting, netting_us = timed(partial(solve_batch, [built(netted(each), market) for each in requests]), 3)
    answered = [each.answered for each in netting if each.answered is not None]
    netting_gaps = [(total_of(each) - each.bound) * 1e4 for each in answered]
    day = normal_day(universe, requests)
    return Measured(
        lots=lots,
        securities=SECURITIES[lots],
        accounts=accounts,
        pack_us=round(pack_us / count, 1),
        screen_us=round(screen_us / count, 1),
        kernel_us=round(kernel_us / count, 1),
        branches_us=round(branches_us / count, 1),
        sides_us=round(sides_us / count, 1),
        netting_us=round(netting_us / accounts, 1),
        netting_gap_bp_p95=round(float(np.quantile(netting_gaps, 0.95)), 4),
        netting_declined_share=round(1 - len(answered) / accounts, 4),
        clarabel_us=round(clarabel_us),
        cvxpy_us=round(cvxpy_us),
        ratio_kernel=round(cvxpy_us / (kernel_us / count), 1),
        ratio_normal_day=round(cvxpy_us / day.solving_us, 1),
        kernel_steps=round(float(np.mean(np.concatenate([each.steps for each in kernel]))), 2),
        kernel_arrived=round(float(np.mean(np.concatenate([each.arrived for each in kernel]))), 4),
        kernel_gap_bp_max=worst([duality_gap(p, k.answers) for p, k in zip(convex, kernel, strict=True)]),
        contested=round(float(np.mean(np.concatenate([batch.packed.contested.sum(axis=1) for batch in batches]))), 1),
        gap_bp_p50=round(float(np.quantile(gaps, 0.5)), 4),
        gap_bp_p95=round(float(np.quantile(gaps, 0.95)), 4),
        gap_bp_max=round(float(gaps.max()), 4),
        reference_disagreement_bp_max=float(f"{disagreement:.1e}"),
        declined_share=round(1 - count / accounts, 4),
        **day_fields(day),
    )


def day_fields(day: NormalDay) -> dict[str, float | int]:
    return {
        "normal_day_us": round(day.solving_us, 1),
        "skipped_share": round(day.skipped_share, 4),
        "idle_skipped_share": round(day.idle_skipped_share, 4),
        "false_skips": day.false_skips,
        "trading_share": round(day.trading_share, 4),
        "day_us": round(day.whole_us),
        "day_after_arrays_us": round(day.after_arrays_us),
        "checker_us": round(day.checker_us),
    }


def in_transition(universe: Universe, lots: int, seed: int) -> AnalysisInput:
    """About `lots` lots, holdings off target by a quarter, taxable, every loss worth harvesting."""
    names = SECURITIES[lots]
    request = an_account(universe, names, -(-lots // names), seed, drift=0.25)
    snapshot = request.snapshot
    return replace(
        request,
        snapshot=replace(
            snapshot,
            account=replace(snapshot.account, registration=Registration.INDIVIDUAL),
            settings=replace(snapshot.settings, harvesting=Harvesting.AGGRESSIVE),
        ),
    )


def netted(request: AnalysisInput) -> AnalysisInput:
    """Within a percent of a year without a result, short-term and long-term: both regimes of its tax may win."""
    rng = np.random.default_rng(int(request.snapshot.account.id[1:]))
    value = account_value(request)
    short, long = (Decimal(str(round(each, 5))) * value for each in rng.uniform(-0.01, 0.01, 2))
    year = TaxYear(short_term_realised=to_cents(short), long_term_realised=to_cents(long))
    return replace(request, snapshot=replace(request.snapshot, tax_year=year))


def built(request: AnalysisInput, market: MarketArrays) -> OptimizerData:
    value = account_value(request)
    return build_data(request, prepare_target(request, value), market, value)


def shapes(datas: Sequence[OptimizerData]) -> list[tuple[Shape, list[OptimizerData]]]:
    """Batches as the lane makes them."""
    together = packed_together([shape_of(data) for data in datas], MOST_AT_ONCE)
    return [(shape, [datas[place] for place in places]) for shape, places in together]


def without_contested_purchases(packed: Packed) -> Packed:
    """The convex problem: what could be sold at a loss is not bought."""
    closed = packed.contested.ravel()[packed.head_place].reshape(packed.contested.shape)
    nothing = np.zeros(packed.lot_limit.shape, dtype=np.bool_)
    return replace(packed.without(nothing, closed), contested=np.zeros_like(closed))


def settled(batches: Sequence[Batch], starts: Sequence[Floats], known: Sequence[Settled] = ()) -> list[Settled]:
    """The true problem from `starts`, with the sides of `known` as yesterday's."""
    sides = [np.where(each.buying, 1, -1) for each in known] or [np.zeros(each.packed.active.shape) for each in batches]
    return [
        settled_batch(batch.packed, at, its.astype(np.int64))
        for batch, at, its in zip(batches, starts, sides, strict=True)
    ]


def beside(batches: Sequence[Batch], kernel: Sequence[Answers], references: int) -> tuple[float, float, float]:
    """Medians of Clarabel and of cvxpy on the convex problem, and the largest disagreement of the kernel with cvxpy."""
    clarabel_us, cvxpy_us, disagreement = [], [], [0.0]
    for row, batch, answers in picked(batches, kernel, references):
        data, n, m = batch.datas[row], batch.places[row], batch.lots[row]
        if batch.packed.branch[row].any():
            continue  # shared wash keys: their convex problem has other limits
        open_lots = np.ones(m, dtype=np.bool_)
        open_buys = ~batch.packed.contested[row, :n] & (data.securities.buy_limit > 0)
        for kind, spent in ((ClarabelLane, clarabel_us), (Specification, cvxpy_us)):
            solution, once = timed(partial(built_and_solved, kind, data, open_lots, open_buys), 1)
            spent.append(once)
        disagreement.append(abs(total(data, solution) - total(data, read(batch, answers, row))) * 1e4)
    return float(np.median(clarabel_us)), float(np.median(cvxpy_us)), max(disagreement)


def built_and_solved(
    kind: type[ClarabelLane] | type[Specification], data: OptimizerData, open_lots: Flags, open_buys: Flags
) -> Solution:
    return kind(data).solve(open_lots, open_buys)


def picked(batches: Sequence[Batch], kernel: Sequence[Answers], references: int) -> list[tuple[int, Batch, Answers]]:
    every = [
        (row, batch, answers) for batch, answers in zip(batches, kernel, strict=True) for row in range(len(batch.datas))
    ]
    return every[:: max(len(every) // references, 1)]


def read(batch: Batch, answers: Answers, row: int) -> Solution:
    """The kernel's answer to the convex problem of one account."""
    n, m = batch.places[row], batch.lots[row]
    lots = np.zeros(m)
    lots[batch.lot[row, :m]] = answers.lot_sales[row, :m] + batch.forced_sales[row, :m]
    return Solution(lots, answers.bought[row, :n] + batch.forced_buys[row, :n], None)  # type: ignore[arg-type]


def total_of(answer: Answered) -> float:
    return total(answer.found.problem, answer.found.solution)


def total(data: OptimizerData, solution: Solution) -> float:
    return evaluate(data, solution.lot_sells, solution.buys).total


def worst(gaps: Sequence[Floats]) -> float:
    return float(f"{max(float(each.max()) for each in gaps) * 1e4:.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lots", type=int, choices=SECURITIES, help="only accounts of about so many lots")
    parser.add_argument("--accounts", type=int, default=256, help="accounts of each size, solved together")
    parser.add_argument("--references", type=int, default=24, help="of them also solved by Clarabel and cvxpy")
    parser.add_argument("--json", action="store_true", help="a list of objects instead of the table")
    arguments = parser.parse_args()
    universe = a_universe(560, factors=FACTORS)
    sizes = [arguments.lots] if arguments.lots else list(SECURITIES)
    measured = [measure(lots, universe, arguments.accounts, arguments.references) for lots in sizes]
    if arguments.json:
        print(json.dumps([asdict(each) for each in measured], indent=1))
        return
    for each in measured:
        print("  ".join(f"{field} {value}" for field, value in asdict(each).items()))
    by_lane = lanes.shares(a_reference_book(arguments.accounts))
    print("share of the reference book:  " + "  ".join(f"{name} {share:.2%}" for name, share in by_lane.items()))


if __name__ == "__main__":
    main()
