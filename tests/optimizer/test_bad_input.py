"""Bad input: each a typed error or the right answer, never an exception from inside a solver (issue list)."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from tests.optimizer.accounts import a_lot, a_market, a_model, a_rule, a_security, a_window, an_input
from trimtab.domain.account_settings import (
    AccountSettings,
    ForcedHarvest,
    GroupBand,
    GroupKind,
    Harvesting,
    HarvestSeason,
    RestrictionKind,
    WeightBand,
)
from trimtab.domain.model_portfolios import Substitute
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.checker import check
from trimtab.domain.optimizer.errors import InvalidAnalysisInput
from trimtab.domain.proposals import AnalysisOutcome
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput, HeldAway, Incumbent, TaxYear, WashWindows

AAA, BBB, SUB = SecurityId("AAA"), SecurityId("BBB"), SecurityId("SUB")
NAN, INFINITE, HUGE = Decimal("NaN"), Decimal("Infinity"), Decimal("1e30")


def an_account(settings: AccountSettings | None = None, **changes: object) -> AnalysisInput:
    """$100,000: AAA 60 %, BBB 39 %, cash 1 %; SUB is known and belongs to the class of both."""
    market = a_market({"AAA": "100", "BBB": "50", "SUB": "10"})
    lots = (a_lot("AAA", "600", "80"), a_lot("BBB", "780", "45"))
    request = an_input(market, a_model({"AAA": "0.6", "BBB": "0.4"}), lots=lots, cash="1000", settings=settings)
    return replace(request, snapshot=replace(request.snapshot, **changes))  # type: ignore[arg-type]


def with_model(
    weights: dict[str, str], *, cash: str | None = None, **substitutes: tuple[Substitute, ...]
) -> AnalysisInput:
    sets = {SecurityId(name): members for name, members in substitutes.items()}
    return replace(an_account(), target=replace(a_model(weights, cash), substitutes=sets))


def with_security(**changes: object) -> AnalysisInput:
    request = an_account()
    master = {**request.market.securities, AAA: a_security("AAA", **changes)}  # type: ignore[arg-type]
    return replace(request, market=replace(request.market, securities=master))


def a_band(name: str, minimum: str, maximum: str) -> AccountSettings:
    band = GroupBand(GroupKind.ASSET_CLASS, name, Decimal(minimum), Decimal(maximum))
    return AccountSettings(group_bands=(band,))


def refusal(request: AnalysisInput) -> str:
    with pytest.raises(InvalidAnalysisInput) as caught:
        analyze(request)
    assert caught.value.code == "INVALID_ANALYSIS_INPUT"
    return str(caught.value)


@pytest.mark.parametrize("value", [NAN, INFINITE, Decimal(-1), HUGE])
@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("gain_budget", "gain budget"),
        ("short_term_gain_budget", "short-term gain budget"),
        ("tax_budget", "tax budget"),
        ("minimum_holding", "minimum holding"),
        ("turnover_limit", "turnover limit"),
        ("tracking_error_limit", "tracking error limit"),
    ],
)
def test_a_limit_that_cannot_be_is_refused_by_its_name(field: str, name: str, value: Decimal):
    assert f"the {name} is {value}" in refusal(an_account(AccountSettings(**{field: value})))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        (an_account(AccountSettings(tracking_error_limit=Decimal(0))), "the tracking error limit is 0"),
        (an_account(AccountSettings(maximum_names=0)), "the maximum of names is 0"),
        (an_account(AccountSettings(minimum_holding_days=-1)), "the minimum holding period is -1 days"),
        (an_account(AccountSettings(minimum_holding_days=10**9)), "the minimum holding period is 1000000000 days"),
        (an_account(AccountSettings(tilts={AAA: NAN})), "the tilt of AAA is NaN"),
        (an_account(AccountSettings(tilts={AAA: Decimal(2)})), "the tilt of AAA is 2"),
        (an_account(a_band("US", "NaN", "1")), "the band of asset class US is NaN to 1"),
        (an_account(a_band("US", "0", "1.5")), "the band of asset class US is 0 to 1.5"),
        (
            an_account(a_band("US", "0.9", "0.2")),
            "the smallest weight of asset class US, 0.9, is above its largest, 0.2",
        ),
        (an_account(a_band("MARS", "0", "1")), "no security is of asset class MARS"),
        (
            an_account(AccountSettings(group_bands=(GroupBand(GroupKind.SECTOR, "Enrgy"),))),
            "no security is of sector Enrgy",
        ),
        (
            an_account(AccountSettings(group_bands=a_band("US", "0", "1").group_bands * 2)),
            "asset class US has two bands",
        ),
        (
            an_account(AccountSettings(harvest_season=HarvestSeason(Decimal("0.05"), Decimal("0.20")))),
            "the harvest season falls from 0.05 in January to 0.20 in December",
        ),
        (an_account(AccountSettings(harvest_season=HarvestSeason(NAN))), "the harvest season falls from NaN"),
        (
            an_account(AccountSettings(harvest_season=HarvestSeason(Decimal("0.2"), Decimal(0)))),
            "the harvest season falls from 0.2 in January to 0",
        ),
        (
            an_account(AccountSettings(forced_harvest=ForcedHarvest(Decimal(-5), date(2026, 12, 31)))),
            "the forced harvest asks for losses of -5",
        ),
        (an_account(tax_year=TaxYear(short_term_realised=NAN)), "the short-term gain realised this year is NaN"),
        (an_account(tax_year=TaxYear(long_term_realised=HUGE)), "the long-term gain realised this year is 1E\\+30"),
        (an_account(tax_year=TaxYear(long_term_carried=Decimal(-1))), "the long-term loss carried in is -1"),
        (an_account(tax_year=TaxYear(ordinary_rate=Decimal(35))), "the ordinary rate is 35"),
        (an_account(tax_year=TaxYear(deduction_limit=INFINITE)), "the deduction limit is Infinity"),
        (an_account(tax_year=TaxYear(carried_loss_value=Decimal("-0.1"))), "the value of a carried loss is -0.1"),
        (
            an_account(tax_year=TaxYear(carried_loss_value=Decimal("0.4"))),
            "the value of a carried loss, 0.4, is above the ordinary rate, 0.35",
        ),
        (an_account(held_away=(HeldAway(AAA, NAN),)), "the position held away in AAA is worth NaN"),
        (an_account(held_away=(HeldAway(AAA, Decimal(-1)),)), "the position held away in AAA is worth -1"),
        (
            an_account(held_away=(HeldAway(SecurityId("XXX"), Decimal(1)),)),
            "the position held away in XXX is of no known security",
        ),
        (an_account(incumbent=Incumbent({AAA: NAN})), "the last trade in AAA is NaN shares"),
        (an_account(incumbent=Incumbent({}, (float("nan"),))), "a price of the last analysis is not a number"),
        (
            an_account(wash_windows=WashWindows(purchases=(a_window("AAA", date(2026, 2, 21), "NaN"),))),
            "the wash sale window of AAA of 2026-02-21 is of NaN shares",
        ),
        (with_security(round_lot=0), "the round lot of AAA is 0 shares"),
        (with_security(redemption_days=-3), "the redemption window of AAA is -3 days"),
        (with_security(half_spread_bps=NAN), "half the spread of AAA is NaN bp"),
        (with_model({"AAA": "0.6", "BBB": "0.6"}), "the weights of model M1 sum to 1.2, not 1"),
        (with_model({"AAA": "0.3", "BBB": "0.3"}), "the weights of model M1 sum to 0.6, not 1"),
        (with_model({"AAA": "0.6", "BBB": "0.3"}, cash="0.05"), "the weights of model M1 sum to 0.95, not 1"),
        (with_model({"AAA": "0.6", "BBB": "0.3"}, cash="-0.1"), "the model's cash is -0.1"),
        (with_model({"AAA": "NaN", "BBB": "0.3"}), "the model's weight of AAA is NaN"),
        (
            with_model({"AAA": "0.6", "BBB": "0.4"}, AAA=(Substitute(SUB),), BBB=(Substitute(SUB),)),
            "SUB is a substitute twice in model M1",
        ),
        (
            with_model({"AAA": "0.6", "BBB": "0.4"}, AAA=(Substitute(BBB),)),
            "BBB is a name of model M1 and a substitute in it",
        ),
        (
            with_model({"AAA": "1"}, BBB=(Substitute(SUB),)),
            "BBB has substitutes and is not in model M1",
        ),
        (
            with_model({"AAA": "0.6", "BBB": "0.4"}, AAA=(Substitute(SUB, Decimal(1000)),)),
            "the hurdle of SUB for AAA is 1000 bp",
        ),
        (
            with_model({"AAA": "0.6", "BBB": "0.4"}, AAA=(Substitute(SUB, NAN),)),
            "the hurdle of SUB for AAA is NaN bp",
        ),
    ],
)
def test_a_fact_or_rule_that_cannot_be_is_refused_by_its_name(request_: AnalysisInput, complaint: str):
    assert complaint.replace("\\", "") in refusal(request_)


@pytest.mark.covers("X7")
def test_a_substitute_of_another_asset_class_is_refused():
    request = with_model({"AAA": "0.6", "BBB": "0.4"}, AAA=(Substitute(SUB),))
    master = {**request.market.securities, SUB: a_security("SUB", asset_class="BOND")}

    told = refusal(replace(request, market=replace(request.market, securities=master)))

    assert "SUB is of another asset class than AAA, for which it stands in" in told


@pytest.mark.parametrize("entry", [-0.02, float("nan"), float("inf"), 1e9])
def test_a_covariance_that_is_none_is_refused(entry: float):
    request = an_account()
    risk = replace(request.market.risk_model, factor_covariance=((entry,),))

    assert "the factor covariance" in refusal(replace(request, market=replace(request.market, risk_model=risk)))


def test_weights_rounded_to_six_places_are_taken():
    """Three times 0.333333 are 0.999999."""
    request = with_model({"AAA": "0.333333", "BBB": "0.333333", "SUB": "0.333333"}, cash="0")

    assert analyze(request).outcome is AnalysisOutcome.OPTIMAL


def test_bounds_that_cross_are_a_conflict_in_words():
    settings = AccountSettings(weight_bands={AAA: WeightBand(Decimal("0.5"), Decimal("0.4"))})

    proposal = analyze(an_account(settings))

    assert proposal.outcome is AnalysisOutcome.CONFLICT
    assert proposal.note == "The smallest weight of AAA (50.00 %) is above its largest (40.00 %)."


def test_smallest_weights_of_classes_that_sum_to_more_than_the_account_are_a_conflict():
    """90 % of US and 50 % of BOND: neither alone clashes with anything."""
    bands = tuple(
        GroupBand(GroupKind.ASSET_CLASS, name, Decimal(least)) for name, least in (("US", "0.9"), ("BOND", "0.5"))
    )
    request = an_account(AccountSettings(group_bands=bands))
    master = {**request.market.securities, BBB: a_security("BBB", asset_class="BOND")}

    proposal = analyze(replace(request, market=replace(request.market, securities=master)))

    assert proposal.outcome is AnalysisOutcome.CONFLICT
    assert proposal.is_empty


# Odd, and right.


def test_one_lot_and_nothing_else_is_an_account():
    request = an_input(a_market({"AAA": "100"}), a_model({"AAA": "1"}), lots=(a_lot("AAA", "1", "80"),))

    assert analyze(request).outcome is AnalysisOutcome.NO_TRADE


def test_a_target_equal_to_the_holdings_is_left_alone():
    request = an_account(AccountSettings(cash_target=Decimal("0.01")))
    on_target = replace(request, target=a_model({"AAA": "0.60606061", "BBB": "0.39393939"}))

    assert analyze(on_target).is_empty


def test_everything_restricted_trades_nothing_and_says_why():
    rules = tuple(a_rule(RestrictionKind.NEVER_TRADE, each) for each in ("AAA", "BBB", "SUB"))
    request = replace(an_account(AccountSettings(restrictions=rules)), target=a_model({"SUB": "1"}))

    proposal = analyze(request)

    assert proposal.outcome is AnalysisOutcome.NO_TRADE
    assert [each.security_id for each in proposal.why_nots] == ["AAA", "BBB", "SUB"]


def test_ten_thousand_lots_are_an_account():
    """A lot of one share on each of 10,000 purchases in 20 equal names, half of them at a loss."""
    names = [f"S{number:02}" for number in range(20)]
    market = a_market(dict.fromkeys(names, "100"))
    lots = tuple(
        a_lot(names[number % 20], "1", str(60 + number % 81), date(2020, 1, 1 + number % 28), name=f"L{number:05}")
        for number in range(10_000)
    )
    settings = AccountSettings(harvesting=Harvesting.AGGRESSIVE)
    request = an_input(market, a_model(dict.fromkeys(names, "0.05")), lots=lots, cash="20000", settings=settings)

    proposal = analyze(request)

    check(request, proposal)
    assert proposal.outcome is AnalysisOutcome.OPTIMAL
    assert proposal.gap_bps < 10
