"""The kernel's closed form, bound and optimum against the slow ones, account by account."""

import numpy as np
import pytest

from tests.optimizer.fast.accounts import alone, known_problems, random_sides, simulated
from trimtab.domain.optimizer.arrays import Flags
from trimtab.domain.optimizer.bound import lower_bound
from trimtab.domain.optimizer.clarabel_lane import ClarabelLane
from trimtab.domain.optimizer.errors import SolverStalled
from trimtab.domain.optimizer.fast.batches import Batch
from trimtab.domain.optimizer.fast.closed_form import CHEAPEST, Branching, answer, duality_gap, gains
from trimtab.domain.optimizer.fast.newton import MOST_STEPS, climb
from trimtab.domain.optimizer.fast.packed import BUYING, SELLING
from trimtab.domain.optimizer.fast.packing import pack
from trimtab.domain.optimizer.fast.reading import found, packed_prices, prices_of
from trimtab.domain.optimizer.fast.screen import bound_at, doing_nothing, standing_prices
from trimtab.domain.optimizer.fast.shapes import packed_together, shape_of
from trimtab.domain.optimizer.fast.sides import on_sides
from trimtab.domain.optimizer.formulation import Specification
from trimtab.domain.optimizer.objective import evaluate, standing_still
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.relaxation import Solution
from trimtab.domain.optimizer.wash import washed_excess

PROBLEMS = known_problems(range(120))


def random_prices(batch: Batch, seed: int) -> np.ndarray:
    rng, packed = np.random.default_rng(seed), batch.packed
    rows = rng.normal(0.0, 0.02, (1, packed.rows))
    return np.concatenate(
        (rng.normal(0.0, 0.02, (1, packed.factors)), np.clip(rows, packed.least_price, packed.most_price)), axis=1
    )


def open_sides(batch: Batch, buying: Flags) -> tuple[Flags, Flags]:
    """Lots and purchases of the one account that the branches of `buying` leave open."""
    packed, data = batch.packed, batch.datas[0]
    lots, buys = np.zeros(len(data.lots.lots), dtype=np.bool_), np.zeros(len(data.securities.ids), dtype=np.bool_)
    head = packed.head[0]
    contested, bought = packed.contested[0][head], buying[0][head]
    for lot in range(batch.lots[0]):
        place = packed.lot_security[0, lot]
        on_this_side = bought[place] == (packed.branch[0, place] == BUYING)
        lots[batch.lot[0, lot]] |= not contested[place] or on_this_side
    for place in range(batch.places[0]):
        if packed.branch[0, place] != SELLING:
            buys[batch.security[0, place]] |= not contested[place] or bought[place]
    return lots, buys & (data.securities.buy_limit > 0)


def total(data: OptimizerData, batch: Batch, buying: Flags) -> float | None:
    """The kernel's objective on the sides of `buying`; None where it gives no answer."""
    settled = on_sides(batch.packed, standing_prices(batch.packed), buying)
    if not settled.arrived[0]:
        return None
    return relaxed(data, found(batch, settled, settled, 0).solution)


def relaxed(data: OptimizerData, solution: Solution) -> float:
    """The objective that is solved: with the chord of the tax of lots that a purchase washes in part."""
    excess = washed_excess(data.lots, data.securities.share, solution.lot_sells)
    return evaluate(data, solution.lot_sells, solution.buys).total - float(excess.sum())


def test_the_bound_of_the_kernel_is_that_of_one_account_at_any_prices():
    for seed, data in enumerate(PROBLEMS):
        batch = alone(data)
        prices = random_prices(batch, seed)
        slow = lower_bound(data, prices_of(batch, prices[0], 0)).value
        if np.isfinite(slow):
            assert bound_at(batch.packed, prices)[0] == pytest.approx(slow, abs=1e-12 + 1e-12 * abs(slow))


def test_doing_nothing_costs_what_the_objective_says():
    for data in PROBLEMS:
        batch = alone(data)
        assert batch.may_stand_still[0] == data.may_stand_still
        if data.may_stand_still:
            assert doing_nothing(batch.packed)[0] == pytest.approx(standing_still(data).total, abs=1e-12)


def test_prices_survive_the_way_into_a_batch_and_back():
    for seed, data in enumerate(PROBLEMS[:40]):
        batch = alone(data)
        prices = random_prices(batch, seed)
        told = prices_of(batch, prices[0], 0)
        (back,) = packed_prices(batch, [np.concatenate((told.factor, [told.cash], told.rows))], np.array([0]))
        used = np.concatenate(
            (np.arange(batch.packed.factors + 1), batch.packed.factors + batch.row[0][batch.row[0] >= 0])
        )
        assert back[used] == pytest.approx(prices[0][used], abs=1e-15)


@pytest.mark.covers("P1")
def test_the_kernel_agrees_with_clarabel_on_random_accounts_with_every_rule_it_knows():
    """2e-3 bp of account value, or a millionth of a large objective; those it does not reach go to the other lane."""
    both = missed = 0
    for seed, data in enumerate(PROBLEMS):
        batch = alone(data)
        buying = random_sides(batch, seed)
        mine = total(data, batch, buying)
        try:
            solution = ClarabelLane(data).solve(*open_sides(batch, buying))
        except SolverStalled:
            assert mine is None
            continue
        if mine is None:
            missed += 1
            continue
        both += 1
        slow = relaxed(data, solution)
        assert mine == pytest.approx(slow, abs=2e-7 + 1e-6 * abs(slow))
    assert both > 150
    assert missed <= 0.08 * both


@pytest.mark.covers("P1")
def test_the_kernel_agrees_with_the_specification_on_accounts_of_forty_lots():
    for seed in range(6):
        data = simulated(seed)
        batch = alone(data)
        buying = random_sides(batch, seed)
        mine = total(data, batch, buying)
        solution = Specification(data).solve(*open_sides(batch, buying))
        assert mine == pytest.approx(relaxed(data, solution), abs=2e-7)


def test_newton_arrives_within_its_steps_on_three_hundred_simulated_accounts():
    """On random sides, so that the problem is convex: the duality gap is below a ten-thousandth of a bp."""
    datas = [simulated(seed, names=10 + seed % 8) for seed in range(300)]
    for shape, places in packed_together([shape_of(data) for data in datas], 64):
        batch = pack([datas[place] for place in places], shape)
        branching = Branching(buying=random_sides(batch, len(places)))
        climbed = climb(batch.packed, standing_prices(batch.packed), branching, most_steps=MOST_STEPS)
        assert climbed.arrived.all()
        assert (duality_gap(batch.packed, climbed.answers) <= 1e-8).all()


def test_what_trading_gains_is_what_the_cheapest_answer_saves():
    for seed, problem in enumerate(PROBLEMS[::4]):
        batch = alone(problem)
        prices = random_prices(batch, seed)
        gained, answered = gains(batch.packed, prices), answer(batch.packed, prices, CHEAPEST)
        assert (gained.value == answered.value).all()
        assert (gained.if_sold == answered.if_sold).all()
        assert (gained.if_bought == answered.if_bought).all()


def test_at_a_temperature_the_dual_lies_below_by_at_most_its_logarithm():
    """T log 2 for each contested security (Shapley-Folkman's smooth minimum)."""
    for seed in range(20):
        packed = alone(simulated(seed)).packed
        prices = standing_prices(packed)
        sharp, smooth = answer(packed, prices, CHEAPEST).value, answer(packed, prices, Branching(3e-5)).value
        most = 3e-5 * np.log(2) * packed.contested.sum(axis=1)
        assert (smooth <= sharp + 1e-15).all()
        assert (sharp - smooth <= most + 1e-15).all()
