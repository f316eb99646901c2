"""Promises that hold for every account."""

import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.optimizer.random_accounts import (
    a_random_account,
    a_random_account_beside_a_buyer,
    a_random_priced_account,
)
from trimtab.domain.optimizer.analysis import analyze, proposal_hash
from trimtab.domain.optimizer.ascent import ascend
from trimtab.domain.optimizer.attribution import attribute
from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.bound import lower_bound, standing_prices
from trimtab.domain.optimizer.capacity import contested_securities
from trimtab.domain.optimizer.checker import check
from trimtab.domain.optimizer.clarabel_lane import ClarabelLane
from trimtab.domain.optimizer.conflicts import cash_shortage
from trimtab.domain.optimizer.data import build_data
from trimtab.domain.optimizer.errors import SolverStalled
from trimtab.domain.optimizer.formulation import Specification
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.objective import evaluate, standing_still
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.screening import screen
from trimtab.domain.optimizer.search import search
from trimtab.domain.optimizer.targets import account_value, prepare_target
from trimtab.domain.optimizer.wash_sides import settle_wash_sides
from trimtab.domain.optimizer.why_nots import DRIFT_TOLD
from trimtab.domain.proposals import AnalysisOutcome
from trimtab.domain.snapshots import AnalysisInput

SEEDS = st.integers(min_value=0, max_value=10**9)


def the_data(request: AnalysisInput) -> OptimizerData:
    value = account_value(request) or Decimal(1)
    market = MarketArrays.from_snapshot(request.market)
    return build_data(request, prepare_target(request, value), market, value)


@pytest.mark.covers("P1")
@settings(max_examples=80, deadline=None)
@given(SEEDS, st.sampled_from([a_random_account, a_random_account_beside_a_buyer, a_random_priced_account]))
def test_every_proposal_passes_the_checker(seed: int, kind: Callable[[int], AnalysisInput]):
    request = kind(seed)

    proposal = analyze(request)

    check(request, proposal)
    assert proposal.outcome is not AnalysisOutcome.SOLVER_FAILED
    assert proposal.gap_bps >= Decimal("-0.001")
    told = proposal.outcome is AnalysisOutcome.CONFLICT or account_value(request) == 0
    if request.snapshot.settings.forced_harvest is None:  # else losses that are missing are noted
        assert (proposal.note != "") == told


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_the_order_in_which_an_input_is_listed_does_not_change_the_trades(seed: int):
    request = a_random_account(seed)
    snapshot = request.snapshot
    shuffled = replace(
        request,
        snapshot=replace(snapshot, lots=snapshot.lots[::-1], positions=snapshot.positions[::-1]),
        target=replace(request.target, weights=dict(sorted(request.target.weights.items(), reverse=True))),
    )

    first, second = analyze(request), analyze(shuffled)

    assert (second.trades, second.why_nots, second.gap_bps) == (first.trades, first.why_nots, first.gap_bps)


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_the_same_input_has_the_same_proposal_hash(seed: int):
    request = a_random_account(seed)

    assert proposal_hash(analyze(request)) == proposal_hash(
        analyze(request, MarketArrays.from_snapshot(request.market))
    )


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_no_prices_whatever_give_a_bound_above_a_lawful_trade_list(seed: int):
    """Weak duality: the published list's objective is never below the bound, at any prices."""
    request = a_random_account(seed)
    proposal, data = analyze(request), the_data(request)
    if proposal.outcome is not AnalysisOutcome.OPTIMAL or data.cash < data.cash_required:
        return
    sold = {sale.lot_id: float(sale.quantity) for trade in proposal.trades for sale in trade.lot_sales}
    bought = {each.security_id: float(each.quantity) for each in proposal.trades if not each.lot_sales}
    held = data.securities
    lot_sells = np.array([sold.get(lot.id, 0.0) for lot in data.lots.lots]) * held.share[data.lots.security]
    buys = np.array([bought.get(each, 0.0) for each in held.ids]) * held.share
    total = evaluate(data, lot_sells, buys, as_orders=True).total

    rng = random.Random(seed)
    for _ in range(20):
        factor = np.array([rng.gauss(0, 1) * 10 ** rng.uniform(-4, 0) for _ in range(held.loadings.shape[1])])
        assert lower_bound(data, Prices(factor, rng.gauss(0, 0.01))).value <= total + 1e-9


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_a_certified_account_could_not_have_gained_more_by_a_full_solve(seed: int):
    data = the_data(a_random_account(seed))
    certificate = screen(data, ascend(data, standing_prices(data)))
    if certificate is None:
        return
    found = search(data, ascend(data, standing_prices(data)))
    gained = standing_still(data).total - evaluate(data, found.solution.lot_sells, found.solution.buys).total

    assert gained <= certificate.most_to_gain + 1e-9
    assert certificate.most_to_gain < data.parameters.tolerance


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_contributions_sum_to_the_improvement_of_any_list_and_a_zero_trade_gets_none(seed: int):
    data = the_data(a_random_account(seed))
    rng = np.random.default_rng(seed)
    lot_sells = data.lots.value * rng.random(len(data.lots.lots)) * (rng.random(len(data.lots.lots)) < 0.5)
    buys = rng.random(len(data.securities.ids)) * (rng.random(len(data.securities.ids)) < 0.5)

    parts = attribute(data, lot_sells, buys)

    sold = np.bincount(data.lots.security, lot_sells, len(buys))
    improvement = standing_still(data).total - evaluate(data, lot_sells, buys, as_orders=True).total
    assert abs(parts.total.sum() - improvement) <= 1e-13 + 1e-9 * abs(improvement)
    assert not parts.total[(sold == 0) & (buys == 0)].any()


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_the_sides_of_the_wash_keys_are_the_best_there_are(seed: int):
    """All patterns of sides by brute force: ours is within the gap that it states, and the bound is below all."""
    data = the_data(a_random_account(seed))
    keys = np.unique(data.securities.wash_key[contested_securities(data)])
    if clashing(data) or len(keys) == 0:
        return
    specification = Specification(data)
    found = settle_wash_sides(data, ClarabelLane(data), ascend(data, standing_prices(data)))

    totals = [total for bits in range(2 ** len(keys)) if (total := solved(data, specification, keys, bits)) is not None]

    ours = evaluate(data, found.solution.lot_sells, found.solution.buys).total
    assert found.bound <= min(totals) + 1e-8
    assert ours <= min(totals) + 5e-5 + 1e-8


def clashing(data: OptimizerData) -> bool:
    return cash_shortage(data) > 0


def solved(data: OptimizerData, specification: Specification, keys: np.ndarray, bits: int) -> float | None:
    """The objective with each contested key on the side that its bit says, None when that cannot be."""
    bought = np.zeros(data.securities.keys, dtype=bool)
    bought[keys] = [bits >> place & 1 for place in range(len(keys))]
    contested, key = contested_securities(data), data.securities.wash_key
    lots_open = ~(contested[data.lots.security] & bought[key[data.lots.security]] & data.lots.at_loss)
    buys_open = ~(contested & ~bought[key])
    try:
        solution = specification.solve(lots_open, buys_open)
    except SolverStalled:
        return None
    return evaluate(data, solution.lot_sells, solution.buys).total


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_better_prices_never_lower_the_bound_and_stay_below_the_best_list(seed: int):
    data = the_data(a_random_account(seed))
    if cash_shortage(data) > 0:
        return
    start = standing_prices(data)
    prices = ascend(data, start)

    found = search(data, prices)

    assert lower_bound(data, prices).value >= lower_bound(data, start).value
    assert lower_bound(data, prices).value <= evaluate(data, found.solution.lot_sells, found.solution.buys).total + 1e-8


@pytest.mark.covers("N4")
@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_every_drift_above_the_threshold_that_no_trade_touches_has_exactly_one_why_not(seed: int):
    request = a_random_account(seed)
    proposal, data = analyze(request), the_data(request)
    if account_value(request) == 0:
        return
    traded = {trade.security_id for trade in proposal.trades}
    drifted = [
        security_id
        for security_id, drift in zip(data.securities.ids, data.active, strict=True)
        if abs(drift) > DRIFT_TOLD and security_id not in traded
    ]

    told = [each.security_id for each in proposal.why_nots]

    assert len(told) == len(set(told))
    assert set(drifted) <= set(told)
