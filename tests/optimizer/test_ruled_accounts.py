"""Promises that hold for every account with rules on the whole of it."""

import itertools
import random
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.optimizer.agreement import compare_ruled, random_data, ruled_data
from tests.optimizer.random_accounts import a_random_ruled_account
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.arrays import sum_by
from trimtab.domain.optimizer.ascent import ascend
from trimtab.domain.optimizer.blocks import Prices, branch_answers, branch_values
from trimtab.domain.optimizer.bound import lower_bound, standing_prices
from trimtab.domain.optimizer.bounds_at_once import lower_bounds
from trimtab.domain.optimizer.capacity import contested_securities
from trimtab.domain.optimizer.clarabel_lane import ClarabelLane
from trimtab.domain.optimizer.errors import RulesClash, SolverStalled
from trimtab.domain.optimizer.objective import evaluate, row_amounts, standing_still
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.regimes import Answered, problems, search_regimes
from trimtab.domain.optimizer.screening import screen
from trimtab.domain.optimizer.wash import washed_whole
from trimtab.domain.proposals import AnalysisOutcome

SEEDS = st.integers(min_value=0, max_value=10**9)


def answered(data: OptimizerData) -> Answered | None:
    """None where the rules cannot all be kept."""
    try:
        return search_regimes(data, [ascend(one, standing_prices(one)) for one in problems(data)])
    except SolverStalled:
        return None


def lawful(data: OptimizerData) -> Answered | None:
    """None as well where a purchase washes every share sold of a lot at a loss.

    Nobody may trade such a list, and rounding closes the lot: bounds and proofs speak of the others.
    """
    best = answered(data)
    if best is None:
        return None
    wasted = washed_whole(data.lots, data.securities.share, best.found.solution.lot_sells)
    return None if wasted.any() else best


def test_the_lane_agrees_with_the_specification_on_random_accounts_with_rules():
    """Objectives of thousands of basis points, such as of accounts that are all one frozen name, to a millionth."""
    every = compare_ruled(range(150))

    assert all(each.disagreement_bp <= 2e-3 + 1e-6 * abs(each.lane_bp or 0.0) for each in every)
    assert sum(each.lane_bp is not None for each in every) > 200


@pytest.mark.covers("X3", "X6")
@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_a_proposal_keeps_every_budget_and_limit_to_the_cent(seed: int):
    request = a_random_ruled_account(seed)
    rules = request.snapshot.settings

    proposal = analyze(request)

    assert proposal.outcome is not AnalysisOutcome.SOLVER_FAILED
    assert proposal.gap_bps >= Decimal("-0.001")
    if proposal.outcome is AnalysisOutcome.OPTIMAL and proposal.certificate is not None:
        net = proposal.short_term_gain + proposal.long_term_gain
        budgets = (
            (proposal.turnover, rules.turnover_limit),
            (proposal.tax, rules.tax_budget),
        )
        assert all(spent <= budget for spent, budget in budgets if budget is not None)
        assert rules.gain_budget is None or net <= rules.gain_budget
        assert rules.tracking_error_limit is None or proposal.after.tracking_error <= rules.tracking_error_limit
        claimed = proposal.certificate.objective_bps - proposal.certificate.bound_bps
        assert proposal.gap_bps <= claimed + Decimal("0.001")


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_no_prices_whatever_give_a_bound_above_the_best_list(seed: int):
    """Weak duality with rows, regimes and limits: at random prices inside and outside their caps."""
    data = ruled_data(seed)
    best = lawful(data)
    if best is None:
        return
    total = evaluate(data, best.found.solution.lot_sells, best.found.solution.buys).total
    rng = random.Random(seed)
    for _ in range(20):
        bounds = [lower_bound(one, random_prices(rng, one)).value for one in problems(data)]
        assert min(bounds) <= total + 1e-8 * (1 + abs(total))


def random_prices(rng: random.Random, data: OptimizerData) -> Prices:
    def some(size: int) -> np.ndarray:
        return np.array([rng.gauss(0, 1) * 10 ** rng.uniform(-4, 1) for _ in range(size)])

    factors = data.securities.loadings.shape[1]
    return Prices(some(factors) / 10, rng.gauss(0, 0.01), some(len(data.rows)), abs(some(1)[0]), abs(some(1)[0]) / 100)


@settings(max_examples=40, deadline=None)
@example(1781761)  # its relaxation sells ten shares of a lot of which ten are washed
@given(SEEDS)
def test_newton_never_lowers_the_bound_and_closes_the_gap_of_accounts_without_wash_sides(seed: int):
    data = ruled_data(seed)
    best = lawful(data)
    if best is None:
        return
    for one in problems(data):
        start = standing_prices(one)
        assert lower_bound(one, ascend(one, start)).value >= lower_bound(one, start).value
    total = evaluate(data, best.found.solution.lot_sells, best.found.solution.buys).total
    assert best.bound <= total + 1e-8 * (1 + abs(total))


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_widening_every_rule_on_the_whole_account_never_costs_more_than_the_gap(seed: int):
    data = ruled_data(seed)
    rows = data.rows
    wider = replace(data, rows=replace(rows, low=rows.low - 0.05, high=rows.high + 0.05))

    narrow, wide = lawful(data), answered(wider)

    if narrow is not None:
        assert wide is not None
        before = evaluate(data, narrow.found.solution.lot_sells, narrow.found.solution.buys).total
        after = evaluate(wider, wide.found.solution.lot_sells, wide.found.solution.buys).total
        assert after <= before + (after - wide.bound) + 1e-7 * (1 + abs(before))


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_a_certified_account_could_not_have_gained_more_by_a_full_solve(seed: int):
    data = ruled_data(seed)
    proof = screen(data, *(ascend(one, standing_prices(one)) for one in problems(data)))
    best = lawful(data)
    if proof is None or best is None:
        return
    total = evaluate(data, best.found.solution.lot_sells, best.found.solution.buys).total
    assert standing_still(data).total - total <= proof.most_to_gain + 1e-8 * (1 + abs(total))


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_solutions_keep_hard_rows_before_they_are_rounded(seed: int):
    data = ruled_data(seed)
    best = answered(data)
    if best is None:
        return
    solution = best.found.solution
    sold = sum_by(data.lots.security, solution.lot_sells, len(data.securities.ids))

    assert data.rows.excess(row_amounts(data, solution.lot_sells, solution.buys)).max(initial=0.0) <= 1e-6
    if data.tracking_limit is not None:
        squared = data.squared_tracking_error(data.active + solution.buys - sold)
        assert squared <= data.tracking_limit**2 * (1 + 1e-5)


@pytest.mark.parametrize("seed", [782, 818])
def test_budgets_hold_where_a_purchase_washes_the_first_shares_sold_of_a_lot(seed: int):
    """Both sell part of a lot of which ten shares are washed: they are among those sold, not a share of them."""
    request = a_random_ruled_account(seed)

    proposal = analyze(request)

    assert request.snapshot.wash_windows.purchases
    assert proposal.outcome is AnalysisOutcome.OPTIMAL
    if request.snapshot.settings.tax_budget is not None:
        assert proposal.tax <= request.snapshot.settings.tax_budget


@pytest.mark.parametrize("seed", [770, 7601])
def test_rules_that_clash_on_every_side_of_the_wash_keys_are_a_conflict_and_no_failure(seed: int):
    """Four keys, sixteen patterns of sides: none can be kept in either regime."""
    request = a_random_ruled_account(seed)
    data = ruled_data(seed)
    contested, key = contested_securities(data), data.securities.wash_key
    keys = np.unique(key[contested])

    assert analyze(request).outcome is AnalysisOutcome.CONFLICT
    assert len(keys) == 4
    for one, bits in itertools.product(problems(data), range(16)):
        bought = np.zeros(data.securities.keys, dtype=bool)
        bought[keys] = [bits >> place & 1 for place in range(4)]
        lots_open = ~(contested[data.lots.security] & bought[key[data.lots.security]] & data.lots.at_loss)
        with pytest.raises(RulesClash):
            ClarabelLane(one).solve(lots_open, ~(contested & ~bought[key]))


def test_a_bound_and_standing_still_are_told_as_the_answers_and_an_empty_list_are():
    """What is computed without the answers themselves, and without a list, is the same number to the last bit."""
    contested = 0
    for seed in range(60):
        data = ruled_data(seed)
        one = data.under(data.regimes[-1])
        contested += bool(contested_securities(one).any())
        standing = standing_prices(one)
        for names in (0.0, 1e-3):
            prices = replace(standing, cash=0.002, names=names)
            for values, answers in zip(branch_values(one, prices), branch_answers(one, prices), strict=True):
                assert values.tolist() == answers.value.tolist()
        nothing = np.zeros(len(data.lots.lots)), np.zeros(len(data.securities.ids))
        assert standing_still(data).total == evaluate(data, *nothing).total
    assert contested > 10


def test_bounds_of_many_accounts_at_once_are_those_of_each_to_the_last_bit():
    every, contested = [], 0
    for seed in range(80):
        data = random_data(seed) if seed % 4 else ruled_data(seed)
        one = data.under(data.regimes[0])
        contested += bool(contested_securities(one).any())
        standing = standing_prices(one)
        every += [(one, standing), (one, replace(standing, cash=0.003, cap=0.5, factor=standing.factor * 0.7))]

    for at_once, (data, prices) in zip(lower_bounds(every), every, strict=True):
        alone = lower_bound(data, prices, along_chords=True)
        assert at_once.value == alone.value
        assert at_once.if_sold.tolist() == alone.if_sold.tolist()
        assert at_once.if_bought.tolist() == alone.if_bought.tolist()
    assert contested > 10
