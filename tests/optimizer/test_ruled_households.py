"""Random households with every kind of rule, and the demo firm's, against the specification and the checker."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from benchmarks.firm_requests import market_of, requests_of
from trimtab.demo.firm import build_firm
from trimtab.domain.account_settings import ForcedHarvest, GroupBand, GroupKind
from trimtab.domain.households import HouseholdInput
from trimtab.domain.optimizer.errors import SolverStalled
from trimtab.domain.optimizer.household.analysis import analyze_household
from trimtab.domain.optimizer.household.blocks import JointBlocks, JointPrices, Way
from trimtab.domain.optimizer.household.build import build_household
from trimtab.domain.optimizer.household.formulation import least_objective
from trimtab.domain.optimizer.household.lane import JointLane
from trimtab.domain.optimizer.household.problem import joint_objective
from trimtab.domain.optimizer.household.search import search_jointly
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.proposals import AnalysisOutcome
from trimtab.domain.snapshots import TaxYear
from trimtab.simulated_accounts import Universe, a_universe
from trimtab.simulated_accounts import a_household as a_simulated_household


@pytest.fixture(scope="module")
def universe() -> Universe:
    return a_universe(60)


def ruled(universe: Universe, seed: int, names: int = 15) -> HouseholdInput:
    """A simulated household in which every account may have every rule, and the taxpayer a year."""
    rng, household = np.random.default_rng(seed), a_simulated_household(universe, names, 2, seed)
    accounts = []
    for account in household.accounts:
        rules: dict[str, object] = {}
        if rng.random() < 0.4:
            rules["turnover_limit"] = Decimal(f"{rng.uniform(0.005, 0.1):.3f}")
        if rng.random() < 0.4:
            rules["gain_budget"] = Decimal(int(rng.uniform(0, 5000)))
        if rng.random() < 0.4:
            most = Decimal(f"{rng.uniform(0.05, 0.3):.2f}")
            rules["group_bands"] = (GroupBand(GroupKind.ASSET_CLASS, f"CLASS{rng.integers(8)}", maximum=most),)
        if rng.random() < 0.2:
            rules["forced_harvest"] = ForcedHarvest(Decimal(2000), account.business_date)
        if rng.random() < 0.2:
            rules["tilts"] = {account.positions[0].security_id: Decimal("0.01")}
        accounts.append(replace(account, settings=replace(account.settings, **rules)))
    year = TaxYear(
        short_term_realised=Decimal(int(rng.normal(0, 20_000))),
        long_term_realised=Decimal(int(rng.normal(0, 20_000))),
        long_term_carried=Decimal(max(int(rng.normal(0, 10_000)), 0)),
    )
    return replace(
        household,
        accounts=tuple(accounts),
        tax_year=year if rng.random() < 0.6 else None,
        tracking_error_limit=Decimal(f"{rng.uniform(0.03, 0.08):.3f}") if rng.random() < 0.4 else None,
    )


@pytest.mark.parametrize("seed", range(16))
def test_random_households_with_rules_pass_the_checker_with_a_small_gap(universe: Universe, seed: int):
    proposal = analyze_household(ruled(universe, seed))

    assert proposal.outcome is not AnalysisOutcome.SOLVER_FAILED
    assert Decimal("-0.001") <= proposal.gap_bps < 5
    # What all trades contribute is the household's improvement, netting included.
    value = sum(leg.before.account_value for leg in proposal.legs)
    weighted = sum(leg.benefit_bps * leg.before.account_value for leg in proposal.legs) / value
    assert abs(weighted - proposal.benefit_bps) <= Decimal("0.002")


@pytest.mark.parametrize("seed", range(12))
def test_the_lane_agrees_with_the_specification_under_rules(universe: Universe, seed: int):
    """In each tax regime, whatever way each security goes; and no list is below the bound at the lane's prices."""
    data = build_household(ruled(universe, seed), MarketArrays.from_snapshot(universe.market)).data
    ways = np.random.default_rng(seed).choice(list(Way), len(data.variance))
    for one in (data.under(regime) for regime in data.regimes):
        trades = JointBlocks(one).trades(ways)
        try:
            solution = JointLane(one).solve(trades)
        except SolverStalled:
            with pytest.raises(SolverStalled):
                least_objective(one, trades)
            continue
        reached = joint_objective(one, solution.lot_sells, solution.buys)
        assert reached.total - reached.washed == pytest.approx(least_objective(one, trades), abs=2e-7)
        assert JointBlocks(one).bound(solution.prices).branches.value <= reached.total + 1e-9


@pytest.mark.parametrize("seed", range(6))
def test_no_prices_of_rules_give_a_bound_above_what_is_reached(universe: Universe, seed: int):
    """In the true problem, the least of its regimes, at random prices of factors, cash, rows and the cap."""
    data = build_household(ruled(universe, seed, names=6), MarketArrays.from_snapshot(universe.market)).data
    rng = np.random.default_rng(seed)
    try:
        found = search_jointly(data)
    except SolverStalled:
        return
    reached = joint_objective(data, found.solution.lot_sells, found.solution.buys).total
    for one in (data.under(regime) for regime in data.regimes):
        for _ in range(10):
            prices = JointPrices(
                rng.normal(0, 0.1, data.loadings.shape[1]),
                rng.normal(0, 0.01, len(data.cash)),
                rng.normal(0, 0.1, len(one.rows)),
                abs(float(rng.normal(0, 5))),
            )
            under = joint_objective(one, found.solution.lot_sells, found.solution.buys).total
            assert JointBlocks(one).bound(prices).branches.value <= under + 1e-9
    assert found.bound <= reached + 1e-9


def test_every_household_of_the_demo_firm_is_answered():
    """Two and more accounts with the firm's own settings and windows: one has rules that clash (case of the roster)."""
    firm = build_firm(accounts=30, seed=20, business_date=date(2026, 11, 20))
    market = market_of(firm)
    arrays, members = MarketArrays.from_snapshot(market), {}
    for request in requests_of(firm, market):
        members.setdefault(request.snapshot.account.household_id, []).append(request)
    outcomes = []
    for household_id, requests in members.items():
        target = replace(requests[0].target, substitutes={})
        accounts = tuple(each.snapshot for each in requests)
        if len(accounts) > 1:
            proposal = analyze_household(HouseholdInput(household_id, accounts, target, market), arrays)
            outcomes.append(proposal.outcome)
            assert proposal.gap_bps < 5
            assert (proposal.outcome is AnalysisOutcome.CONFLICT) == ("GRY1" in proposal.note)

    assert len(outcomes) >= 6
    assert outcomes.count(AnalysisOutcome.CONFLICT) == 1
