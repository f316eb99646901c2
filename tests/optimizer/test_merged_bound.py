"""Accounts with equivalence sets: the lane answers as the specification does, and the bound holds, at any prices."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.optimizer.agreement import answer
from tests.optimizer.random_accounts import a_random_account, with_random_sets
from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.bound import lower_bound, standing_prices
from trimtab.domain.optimizer.capacity import contested_securities
from trimtab.domain.optimizer.clarabel_lane import ClarabelLane
from trimtab.domain.optimizer.conflicts import cash_shortage
from trimtab.domain.optimizer.data import build_data
from trimtab.domain.optimizer.errors import SolverStalled
from trimtab.domain.optimizer.formulation import Specification
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.objective import evaluate
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.targets import account_value, prepare_target
from trimtab.domain.optimizer.wash import washed_excess
from trimtab.domain.optimizer.wash_sides import settle_wash_sides

SEEDS = st.integers(min_value=0, max_value=10**9)


def data_with_sets(seed: int) -> OptimizerData:
    request = with_random_sets(a_random_account(seed), seed)
    value = account_value(request) or 1
    return build_data(request, prepare_target(request, value), MarketArrays.from_snapshot(request.market), value)


def everything(data: OptimizerData) -> tuple[np.ndarray, np.ndarray]:
    return np.ones(len(data.lots.lots), dtype=bool), np.ones(len(data.securities.ids), dtype=bool)


def test_the_lane_agrees_with_the_specification_where_there_are_sets():
    with_sets = answered = 0
    for seed in range(120):
        data = data_with_sets(seed)
        lane, _ = answer(data, ClarabelLane(data), *everything(data))
        specification, _ = answer(data, Specification(data), *everything(data))
        with_sets += data.securities.has_sets
        if lane is None or specification is None:
            assert lane == specification
            continue
        answered += 1
        assert abs(lane - specification) <= 2e-3
    assert with_sets > 60
    assert answered > 80


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_without_wash_branches_the_bound_at_the_solvers_prices_is_the_optimum(seed: int):
    """Strong duality: the merged list is the exact answer of a set, so nothing is lost."""
    data = data_with_sets(seed)
    if cash_shortage(data) > 0 or contested_securities(data).any():
        return
    solution = ClarabelLane(data).solve(*everything(data))

    washed = washed_excess(data.lots, data.securities.share, solution.lot_sells).sum()  # lots washed in part have a gap
    total = evaluate(data, solution.lot_sells, solution.buys).total - washed
    assert lower_bound(data, solution.prices).value == pytest.approx(total, abs=2e-7)


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_the_bound_is_below_every_pattern_of_sides_at_any_prices(seed: int):
    data = data_with_sets(seed)
    keys = np.unique(data.securities.wash_key[contested_securities(data)])
    if cash_shortage(data) > 0 or len(keys) > 4:
        return
    lane = ClarabelLane(data)
    best = min(solved(data, lane, keys, bits) for bits in range(2 ** len(keys)))
    rng = random.Random(seed)

    prices = [standing_prices(data), *(a_price(data, rng) for _ in range(10))]
    assert all(lower_bound(data, each).value <= best + 1e-8 for each in prices)


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_the_sides_found_are_within_their_gap_of_the_best(seed: int):
    data = data_with_sets(seed)
    keys = np.unique(data.securities.wash_key[contested_securities(data)])
    if cash_shortage(data) > 0 or len(keys) > 4:
        return
    lane = ClarabelLane(data)
    found = settle_wash_sides(data, lane, standing_prices(data))
    best = min(solved(data, lane, keys, bits) for bits in range(2 ** len(keys)))

    ours = evaluate(data, found.solution.lot_sells, found.solution.buys).total
    assert found.bound <= best + 1e-7
    assert ours >= best - 1e-8
    assert ours - best <= max(ours - found.bound, 0.0) + 1e-7


def a_price(data: OptimizerData, rng: random.Random) -> Prices:
    k = data.securities.loadings.shape[1]
    return Prices(np.array([rng.gauss(0, 1) * 10 ** rng.uniform(-4, 0) for _ in range(k)]), rng.gauss(0, 0.01))


def solved(data: OptimizerData, lane: ClarabelLane, keys: np.ndarray, bits: int) -> float:
    """The objective with each contested key on the side that its bit says, infinite when that cannot be."""
    bought = np.zeros(data.securities.keys, dtype=bool)
    bought[keys] = [bits >> place & 1 for place in range(len(keys))]
    contested, key = contested_securities(data), data.securities.wash_key
    lots_open = ~(contested[data.lots.security] & bought[key[data.lots.security]] & data.lots.at_loss)
    try:
        solution = lane.solve(lots_open, ~(contested & ~bought[key]))
    except SolverStalled:
        return float("inf")
    return evaluate(data, solution.lot_sells, solution.buys).total
