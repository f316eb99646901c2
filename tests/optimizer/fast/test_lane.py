"""What the first lane promises: independence of batch mates, true bounds, no false skip, calm sides, clear refusals."""

import inspect
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from tests.optimizer.accounts import a_lot, a_market, a_model, an_input
from tests.optimizer.agreement import random_data, ruled_data
from tests.optimizer.fast.accounts import alone, market, simulated, universe
from tests.optimizer.random_accounts import a_random_account
from trimtab.domain.account_settings import AccountSettings, GroupBand, GroupKind
from trimtab.domain.incumbents import incumbent_of
from trimtab.domain.optimizer.analysis import analyze, analyze_batch
from trimtab.domain.optimizer.arrays import Floats
from trimtab.domain.optimizer.errors import InvalidAnalysisInput
from trimtab.domain.optimizer.fast.lane import Outcome, solve_batch
from trimtab.domain.optimizer.fast.screen import doing_nothing, standing_prices
from trimtab.domain.optimizer.fast.settling import settled_batch
from trimtab.domain.optimizer.fast.shapes import reasons_against, rounded_up, shape_of, shapes_of, supports
from trimtab.domain.optimizer.fast.warm import WarmStart
from trimtab.domain.optimizer.fast.washed import settle_washed_sales
from trimtab.domain.optimizer.objective import evaluate, standing_still
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.regimes import problems
from trimtab.domain.proposals import Lane, RebalanceProposal
from trimtab.domain.records import content_hash
from trimtab.simulated_accounts import an_account


def lists(outcome: Outcome) -> tuple[bytes, ...]:
    """Everything in an outcome, to the last bit."""
    arrays: list[Floats] = [np.array(outcome.bounds), *(each.factor for each in outcome.prices)]
    if outcome.answered is not None:
        solution = outcome.answered.found.solution
        arrays += [solution.lot_sells, solution.buys]
    return (repr((outcome.declined, outcome.most_to_gain, outcome.lane)).encode(), *(each.tobytes() for each in arrays))


def test_an_account_is_answered_alike_to_the_last_bit_whoever_its_batch_mates_are(monkeypatch):
    datas = [make(seed) for seed in range(25) for make in (random_data, ruled_data)]
    datas += [simulated(seed, names=12) for seed in range(40)]
    together = [lists(each) for each in solve_batch(datas)]

    assert [lists(solve_batch([data])[0]) for data in datas] == together
    assert [lists(each) for each in solve_batch(datas[::-1])][::-1] == together
    assert [lists(each) for each in solve_batch(datas[20:70:3])] == together[20:70:3]

    monkeypatch.setattr("trimtab.domain.optimizer.fast.lane.MOST_AT_ONCE", 4)  # what is left is joined from many
    assert [lists(each) for each in solve_batch(datas)] == together


def test_a_batch_of_requests_gives_the_proposals_of_each_alone():
    requests = [an_account(universe(), 12, 2, seed) for seed in range(12)]

    together = analyze_batch(requests, market())

    assert [content_hash(each) for each in together] == [content_hash(analyze(each, market())) for each in requests]


def test_an_account_that_cannot_be_does_not_fail_its_batch_mates():
    """The second account holds lots beyond its position; the first and the third have their proposals."""
    good = an_account(universe(), 12, 2, 1)
    broken = replace(good, snapshot=replace(good.snapshot, positions=()))

    first, second, third = analyze_batch([good, broken, good], market())

    assert isinstance(first, RebalanceProposal)
    assert isinstance(second, InvalidAnalysisInput)
    assert third == first


@pytest.mark.covers("P2")
def test_no_account_is_skipped_that_a_full_solve_would_trade():
    """At every tolerance from a tenth to twenty bp of account value."""
    skipped = 0
    for seed in range(80):
        data = simulated(seed, names=12, drift=0.02)
        tolerance = float(np.geomspace(1e-5, 2e-3, 80)[seed])
        data = replace(data, parameters=replace(data.parameters, tolerance=tolerance))
        outcome = solve_batch([data])[0]
        if outcome.most_to_gain is None:
            continue
        skipped += 1
        batch = alone(data)
        sides = np.zeros(batch.packed.active.shape, dtype=np.int64)
        _, settled = settle_washed_sales(batch, settled_batch(batch.packed, standing_prices(batch.packed), sides))
        gained = float((doing_nothing(batch.packed) - settled.objective)[0])
        assert gained <= outcome.most_to_gain + 1e-10
        assert outcome.most_to_gain < tolerance
    assert skipped >= 5


@pytest.mark.covers("P2")
def test_no_random_list_that_keeps_the_rules_is_better_than_the_bound():
    rng = np.random.default_rng(7)
    for seed in range(15):
        data = simulated(seed, names=10)
        bound = min(solve_batch([data])[0].bounds)
        for _ in range(40):
            lot_sells, buys = a_random_list(data, rng)
            assert evaluate(data, lot_sells, buys).total >= bound - 1e-12


def a_random_list(data: OptimizerData, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Sales of some securities, a part of the proceeds spent on others: nothing is sold and bought, cash only grows."""
    n = len(data.securities.ids)
    selling = rng.random(n) < rng.random()
    lot_sells = data.lots.limit * rng.random(len(data.lots.limit)) * selling[data.lots.security]
    proceeds = float((lot_sells * (1 - data.securities.half_spread[data.lots.security])).sum())
    share = rng.dirichlet(np.ones(n)) * ~selling
    buys = np.minimum(share * proceeds * rng.random() / (1 + data.securities.half_spread), data.securities.buy_limit)
    return lot_sells, buys


def test_gaps_of_accounts_of_forty_lots_stay_below_half_a_basis_point():
    for seed in range(40):
        data = simulated(seed)
        outcome = solve_batch([data])[0]
        if outcome.answered is not None and not data.securities.minimum_trade.any():
            solution = outcome.answered.found.solution
            gap = evaluate(data, solution.lot_sells, solution.buys).total - outcome.answered.bound
            assert -1e-10 <= gap <= 5.1e-5


def test_yesterdays_sides_are_kept_at_ten_basis_points_of_noise_unless_others_gain_more_than_half_a_basis_point():
    """The batch is told which securities were bought and sold; its objective is at most half a bp from the free one."""
    rng, kept = np.random.default_rng(3), 0
    for seed in range(25):
        data = without_minimum_trades(simulated(seed))
        first = solve_batch([data])[0]
        if first.answered is None:
            continue
        net = first.answered.found.solution.buys - sold(data, first)
        sides = np.sign(np.where(np.abs(net) > 1e-6, net, 0.0)).astype(np.int64)
        shaken = shaken_by(data, rng.normal(0.0, 1e-3, len(net)))
        free = solve_batch([shaken])[0]
        calm = solve_batch([shaken], [WarmStart(None, sides)])[0]
        if free.answered is None or calm.answered is None:
            continue
        after = calm.answered.found.solution.buys - sold(shaken, calm)
        kept += int(not (np.sign(np.where(np.abs(after) > 1e-6, after, 0.0)) * sides < 0).any())
        assert objective(shaken, calm) <= objective(shaken, free) + 5.1e-5
    assert kept >= 20


def without_minimum_trades(data: OptimizerData) -> OptimizerData:
    held = data.securities
    return replace(data, securities=replace(held, minimum_trade=np.zeros(len(held.ids))))


def shaken_by(data: OptimizerData, moves: Floats) -> OptimizerData:
    """Every holding's and lot's value changed by its security's move, gains with them."""
    lots, held = data.lots, data.securities
    grown = 1 + moves[lots.security]
    tax = np.where(lots.gain != 0, lots.tax * (1 - (1 - lots.gain) / grown) / lots.gain, lots.tax)
    moved = replace(lots, value=lots.value * grown, limit=lots.limit * grown, tax=tax)
    shaken = replace(data, lots=moved, securities=replace(held, holding=held.holding * (1 + moves)))
    return replace(shaken, regimes=(replace(data.regimes[0], lot_tax=tax),))


def sold(data: OptimizerData, outcome: Outcome) -> Floats:
    assert outcome.answered is not None
    return np.bincount(data.lots.security, outcome.answered.found.solution.lot_sells, len(data.securities.ids))


def objective(data: OptimizerData, outcome: Outcome) -> float:
    assert outcome.answered is not None
    solution = outcome.answered.found.solution
    return evaluate(data, solution.lot_sells, solution.buys).total


def test_yesterdays_prices_prove_what_the_present_holdings_slope_cannot():
    """With the prices of its own optimum an account that has traded is skipped without a solve."""
    screened = 0
    for seed in range(20):
        data = without_minimum_trades(simulated(seed, names=12))
        outcome = solve_batch([data])[0]
        if outcome.answered is None:
            continue
        found = outcome.answered.found
        gained = standing_still(data).total - found.bound
        wide = replace(data, parameters=replace(data.parameters, tolerance=gained * 1.01 + 1e-9))
        told = found.prices
        warm = WarmStart(np.concatenate((told.factor, [told.cash], told.rows)), np.zeros(len(data.securities.ids), int))
        screened += solve_batch([wide], [warm])[0].lane is Lane.SCREEN
    assert screened >= 10


def test_an_account_in_which_nothing_is_worth_trading_is_told_so_without_a_solve():
    """At tolerances of one to thirty bp and holdings a little off target: of those that stay, at most one in fifty."""
    outcomes = []
    for seed in range(60):
        data = simulated(seed, names=12, drift=0.02)
        tolerance = float(np.geomspace(1e-4, 3e-3, 60)[seed])
        outcomes.append(solve_batch([replace(data, parameters=replace(data.parameters, tolerance=tolerance))])[0])
    idle = [each for each in outcomes if each.most_to_gain is not None]

    assert len(idle) >= 10
    assert sum(each.lane is Lane.SCREEN for each in idle) >= 0.98 * len(idle)


def test_yesterdays_prices_beyond_what_a_row_may_cost_prove_nothing_more():
    """A unit of cash at a price of 10 and of -10, far beyond its drag and shortfall: no bound above the true one."""
    for seed in range(40):
        data = simulated(seed, names=12)
        free = solve_batch([data])[0]
        if free.answered is None:
            continue
        factors = free.answered.found.prices.factor
        worth = evaluate(data, free.answered.found.solution.lot_sells, free.answered.found.solution.buys).total
        for cash in (10.0, -10.0):
            warm = WarmStart(np.append(factors, cash), np.zeros(len(data.securities.ids), dtype=np.int64))
            assert max(solve_batch([data], [warm])[0].bounds) <= worth + 1e-10


def test_what_the_kernel_does_not_know_is_named():
    data = random_data(3)
    assert supports(replace(data, tracking_limit=0.02)) == "tracking error limit"
    assert supports(replace(data, most_names=20)) == "maximum names"
    assert solve_batch([replace(data, most_names=20)])[0].declined == "maximum names"


def test_what_is_told_of_many_accounts_at_once_is_what_is_told_of_each():
    """With and without equivalence sets, rows, shared wash keys, demanded trades and limits; and of none at all."""
    datas = [make(seed) for seed in range(40) for make in (random_data, ruled_data)] + [simulated(0)]
    datas += [replace(simulated(1), tracking_limit=0.02), replace(simulated(2), most_names=20)]
    held = simulated(3).securities
    second_of_a_set = np.arange(len(held.ids)) == 1
    datas += [replace(simulated(3), securities=replace(held, block=np.where(second_of_a_set, 0, held.block)))]

    assert reasons_against(datas) == [supports(data) for data in datas]
    assert {"equivalence sets", "tracking error limit", "maximum names", None} <= set(reasons_against(datas))
    problems_ = [problem for data in datas for problem in problems(data)]
    assert shapes_of(problems_) == [shape_of(problem) for problem in problems_]
    assert (reasons_against([]), solve_batch([])) == ([], [])


def test_the_table_of_lanes_names_every_feature_as_the_code_does():
    declining = set(re.findall(r'return "(.*?)"', inspect.getsource(supports))) | {"gap not closed"}
    lanes = (Path(__file__).parents[3] / "docs" / "formulation.md").read_text().split("## Lanes")[1].split("## ")[0]

    assert len(declining) == 6
    assert all(f'"{feature}"' in lanes for feature in declining)
    assert set(re.findall(r'no: "(.*?)"', lanes)) <= declining


def test_sizes_are_rounded_up_by_less_than_half():
    sizes = np.arange(9, 3000)
    fine, coarse = (np.array([rounded_up(int(size), steps) for size in sizes]) for steps in (4, 2))
    assert ((fine >= sizes) & (fine < 1.25 * sizes + 1)).all()
    assert ((coarse >= sizes) & (coarse < 1.5 * sizes + 1)).all()
    assert shape_of(simulated(0)).securities == 20


def test_the_incumbent_of_a_proposal_has_its_net_trades_and_a_price_of_each_factor_row_and_of_cash():
    """600 AAA at $100 and 300 BBB at $50 against 40/60: AAA is sold, BBB bought; one factor, cash and one band."""
    market_ = a_market({"AAA": "100", "BBB": "50"})
    band = GroupBand(GroupKind.ASSET_CLASS, "US", Decimal(0), Decimal("0.99"))
    request = an_input(
        market_,
        a_model({"AAA": "0.4", "BBB": "0.6"}),
        lots=(a_lot("AAA", "600", "80"), a_lot("BBB", "300", "70")),
        cash="25000",
        settings=AccountSettings(group_bands=(band,)),
    )
    incumbent = incumbent_of(analyze(request))
    assert [(each, shares > 0) for each, shares in sorted(incumbent.net_trades.items())] == [("BBB", True)] or [
        (each, shares > 0) for each, shares in sorted(incumbent.net_trades.items())
    ] == [("AAA", False), ("BBB", True)]
    assert len(incumbent.prices) == 2
    assert list(incumbent.row_prices) == ["ASSET_CLASS:US"]


def test_a_random_account_is_named_by_the_lane_that_answered_it():
    lanes = {analyze(a_random_account(seed)).lane for seed in range(30)}
    assert Lane.FAST in lanes
