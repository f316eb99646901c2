"""A gap is believed when the certificate's prices prove it, and refused when it is a millionth of a bp too small."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.optimizer.accounts import LAST_YEAR, a_lot, a_market, a_model, an_input
from tests.optimizer.random_accounts import a_random_account
from tests.optimizer.trade_lists import a_list, violations
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.ascent import ascend
from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.bound import lower_bound as bound_of_arrays
from trimtab.domain.optimizer.bound import standing_prices
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_bound import NO_PROOF, least_on_all_sides, lower_bound
from trimtab.domain.optimizer.checked_gap import objective
from trimtab.domain.optimizer.checked_problem import CheckedProblem, checked_problem
from trimtab.domain.optimizer.checked_risk import CheckedRisk
from trimtab.domain.optimizer.checked_rows import NOTHING
from trimtab.domain.optimizer.conflicts import cash_shortage
from trimtab.domain.optimizer.data import build_data
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.objective import standing_still
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.targets import account_value, prepare_target
from trimtab.domain.proposals import AnalysisOutcome, Certificate, RebalanceProposal, RegimePrices
from trimtab.domain.snapshots import AnalysisInput, TaxYear

SEEDS = st.integers(min_value=0, max_value=10**9)


def a_certificate(factor: float, cash: float, bound_bps: str = "0", objective_bps: str = "0") -> Certificate:
    return Certificate((factor,), cash, {}, {}, 0.0, Decimal(bound_bps), Decimal(objective_bps))


def an_account() -> AnalysisInput:
    """1,000 AAA at 50, cost 50, are half of 100,000; AAA and BBB are wanted half each, and no cash."""
    market = a_market({"AAA": "50", "BBB": "50"})
    request = an_input(
        market,
        a_model({"AAA": "0.5", "BBB": "0.5"}, cash="0"),
        lots=(a_lot("AAA", "1000", "50", name="AAA-old"),),
        cash="50000",
    )
    return replace(
        request,
        snapshot=replace(request.snapshot, settings=replace(request.snapshot.settings, cash_target=Decimal(0))),
    )


# Buying 999 BBB leaves 40.01 of cash after half a spread of 2 bp, and BBB 5 bp below its target:
#   risk 10 (0.16^2 + 0.2^2) 0.0005^2 = 1.64e-7, cost (2 + 5) bp of 0.4995 = 3.4965e-4, cash 0.01 x 0.0004001.
OBJECTIVE = (1.64e-7 + 3.4965e-4 + 0.01 * 4.001e-4) * 1e4
STANDING = (10 * (0.0256 + 0.04) * 0.25 + 0.01 * 0.5) * 1e4

# At a price of 0 of the factor and -0.01 of cash a unit bought of either name costs 7 bp - 0.01 x 1.0002. Its curvature
#   is 20 x 0.04: each would be bought 0.009302 / 0.8 beyond its target. Cash at its target costs -0.01 (0 - 0.5).
UNIT = 0.0007 - 0.01 * 1.0002
BOUND = (2 * -(UNIT**2) / 1.6 + UNIT * 0.5 + 0.005) * 1e4


def proposed(objective: float = OBJECTIVE, bound: float = BOUND, gap: float | None = None) -> RebalanceProposal:
    certificate = a_certificate(0.0, -0.01, f"{bound:.9f}", f"{objective:.9f}")
    return replace(
        a_list(an_account(), buys={"BBB": "999"}),
        certificate=certificate,
        benefit_bps=Decimal(f"{STANDING - OBJECTIVE:.3f}"),
        gap_bps=Decimal(f"{OBJECTIVE - BOUND if gap is None else gap:.3f}"),
    )


def test_a_gap_that_the_prices_prove():
    assert violations(an_account(), proposed()) == []


def test_a_bound_a_little_too_high():
    assert violations(an_account(), proposed(bound=BOUND + 2e-6)) == [
        f"its certificate's prices prove a bound of {BOUND:.7f} bp, not {BOUND + 2e-6:.9f}"
    ]


@pytest.mark.parametrize("off", [-2e-6, 2e-6])
def test_an_objective_that_is_another(off: float):
    assert violations(an_account(), proposed(objective=OBJECTIVE + off)) == [
        f"its objective is {OBJECTIVE:.7f} bp, not {OBJECTIVE + off:.9f}"
    ]


def test_a_gap_smaller_than_what_is_proved():
    smaller = proposed(gap=OBJECTIVE - BOUND - 0.0015)
    assert violations(an_account(), smaller) == [
        f"its gap is {OBJECTIVE - BOUND:.7f} bp at its certificate's prices, not {smaller.gap_bps}"
    ]


def test_a_gap_larger_than_what_is_proved_is_no_fault():
    assert violations(an_account(), proposed(gap=OBJECTIVE - BOUND + 1)) == []


def test_a_benefit_that_is_another():
    off = replace(proposed(), benefit_bps=Decimal(f"{STANDING - OBJECTIVE + 0.002:.3f}"))
    assert violations(an_account(), off) == [f"its benefit is {STANDING - OBJECTIVE:.7f} bp, not {off.benefit_bps}"]


@pytest.mark.parametrize("factor", [(), (0.0, 0.0), (float("nan"),)])
def test_prices_that_are_no_prices_of_this_problem(factor: tuple[float, ...]):
    odd = replace(proposed(), certificate=replace(a_certificate(0, 0), factor=factor))
    assert violations(an_account(), odd) == [
        "its certificate proves nothing: the prices are no numbers, or of another problem"
    ]


def test_standing_still_is_certified_only_by_prices_that_prove_it():
    """At its target the account has nothing to gain but at most what the bound leaves open."""
    market = a_market({"AAA": "50", "BBB": "50"})
    lots = (a_lot("AAA", "1000", "50", LAST_YEAR, name="A"), a_lot("BBB", "1000", "50", LAST_YEAR, name="B"))
    request = an_input(market, a_model({"AAA": "0.5", "BBB": "0.5"}, cash="0"), lots=lots)
    settings_ = replace(request.snapshot.settings, cash_target=Decimal(0))
    request = replace(request, snapshot=replace(request.snapshot, settings=settings_))
    held = a_list(request)

    assert held.outcome is AnalysisOutcome.NO_TRADE
    assert violations(request, replace(held, certificate=a_certificate(0.0, 0.0))) == []
    # At 0.1 a unit of active weight is worth 0.016, and each name would be sold by (0.016 - 0.0007) / 0.8.
    bound = (2 * -(0.0153**2) / 1.6 - 0.1**2 / 40) * 1e4
    assert violations(request, replace(held, certificate=a_certificate(0.1, 0.0))) == [
        f"its certificate's prices prove a bound of {bound:.7f} bp, not 0",
        f"its gap is {-bound:.7f} bp at its certificate's prices, not 0.000",
    ]


def a_netted_year() -> AnalysisInput:
    """1,000 AAA at 100 that cost 60 are the account, wanted half in BBB; 3,000 of long-term gains were realised."""
    market = a_market({"AAA": "100", "BBB": "50"})
    request = an_input(
        market,
        a_model({"AAA": "0.5", "BBB": "0.5"}, cash="0"),
        lots=(a_lot("AAA", "1000", "60", LAST_YEAR, name="AAA-gain"),),
    )
    settings_ = replace(request.snapshot.settings, cash_target=Decimal(0))
    year = TaxYear(long_term_realised=Decimal(3000), short_term_carried=Decimal(2000))
    return replace(request, snapshot=replace(request.snapshot, settings=settings_, tax_year=year))


def test_both_netting_regimes_must_be_proved():
    """Prices that prove one regime say nothing of the other: at a factor price of 5 its bound is far below zero."""
    request = a_netted_year()
    proposal = analyze(request)
    certificate = proposal.certificate
    assert certificate is not None
    assert set(certificate.by_regime) == {"LONG", "SHORT"}
    nothing = RegimePrices((5.0,), 0.0, {}, {}, 0.0, 0.0)

    for regime in ("LONG", "SHORT"):
        unproved = replace(certificate, by_regime={**certificate.by_regime, regime: nothing})
        found = violations(request, replace(proposal, certificate=unproved))
        assert found
        assert found[0].startswith("its certificate's prices prove a bound of")


def test_a_netted_tax_taken_for_a_flat_one_changes_the_objective():
    """Selling 500 AAA gains 20,000 short-term: 2,000 of it uses up the carried loss that saved long-term tax."""
    request = a_netted_year()
    listed = a_list(request, sells={"AAA-gain": "500"}, buys={"BBB": "990"})
    flat = replace(request, snapshot=replace(request.snapshot, tax_year=None))
    other = a_list(flat, sells={"AAA-gain": "500"}, buys={"BBB": "990"})

    assert violations(request, listed) == []
    assert violations(flat, other) == []
    assert listed.tax == Decimal("6700.00")  # of 18,000 short-term at 35 % and 2,000 more long-term at 20 %
    assert other.tax == Decimal("7000.00")
    assert listed.certificate is not None
    assert other.certificate is not None
    # Half of a gain's tax counts: 150 of 300 dollars, of 100,000.
    assert other.certificate.objective_bps - listed.certificate.objective_bps == pytest.approx(Decimal(15))


def a_doubtful_key() -> AnalysisInput:
    """The account of the random seeds below whose wash key is worth as much sold at a loss as bought."""
    return a_random_account(166)


def test_further_prices_prove_what_no_single_ones_do():
    request = a_doubtful_key()
    proposal = analyze(request)
    certificate = proposal.certificate
    assert certificate is not None
    proof = certificate.sides["FIXED"]

    assert violations(request, proposal) == []
    alone = violations(request, replace(proposal, certificate=replace(certificate, sides={})))
    assert [each.split(" bp")[0].rsplit(" ", 1)[0] for each in alone] == [
        "its certificate's prices prove a bound of",
        "its gap is",
    ]
    one_less = replace(certificate, sides={"FIXED": replace(proof, prices=proof.prices[:-1])})
    assert violations(request, replace(proposal, certificate=one_less))
    no_keys = replace(certificate, sides={"FIXED": replace(proof, keys=())})
    assert violations(request, replace(proposal, certificate=no_keys))


def test_a_proof_over_too_many_keys_is_none():
    assert least_on_all_sides([NO_PROOF], [f"K{number}" for number in range(15)]) == float("-inf")


def test_an_answer_without_a_certificate_is_refused():
    bare = replace(proposed(), certificate=None)

    assert violations(an_account(), bare) == ["its outcome is OPTIMAL, yet no certificate proves it"]


def problem_of(request: AnalysisInput) -> CheckedProblem:
    return checked_problem(CheckedAccount(request, a_list(request)), CheckedRisk(request.market))


def the_data(request: AnalysisInput) -> OptimizerData:
    """The arrays, with losses that a purchase washes opened when the cash cannot be had without them."""
    value = account_value(request)
    target, market = prepare_target(request, value), MarketArrays.from_snapshot(request.market)
    data = build_data(request, target, market, value)
    if cash_shortage(data) > 0 and data.cash < data.cash_required:
        return build_data(request, target, market, value, sell_washed_losses=True)
    return data


@settings(max_examples=150, deadline=None)
@given(SEEDS)
def test_no_bound_of_the_arrays_is_above_the_checkers(seed: int):
    """Two derivations of one problem from one input, at random prices and at the best ones."""
    request = a_random_account(seed)
    if account_value(request) == 0:
        return
    data, problem = the_data(request), problem_of(request)
    rng = np.random.default_rng(seed)
    for prices in (
        standing_prices(data),
        ascend(data, standing_prices(data)),
        Prices(rng.normal(0, 0.05, 1), float(rng.normal(0, 0.01))),
    ):
        mine = RegimePrices(tuple(prices.factor.tolist()), prices.cash, {}, {}, 0.0, 0.0)
        ours = lower_bound(problem, (), mine).lowest
        theirs = bound_of_arrays(data, prices).value
        assert theirs == ours or theirs <= ours + 1e-10 * max(1.0, abs(ours))


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_standing_still_is_worth_the_same_in_both(seed: int):
    request = a_random_account(seed)
    if account_value(request) == 0:
        return
    data, problem = the_data(request), problem_of(request)

    assert objective(problem, (), NOTHING) == pytest.approx(standing_still(data).total, abs=1e-11)
