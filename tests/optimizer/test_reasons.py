"""Every trade has one main reason whose figures are those of the attribution; what is left has one why-not."""

import re
from datetime import date
from decimal import Decimal

import pytest

from tests.optimizer.accounts import LAST_YEAR, a_lot, a_market, a_model, a_rule, a_security, an_input
from trimtab.domain.account_settings import (
    AccountSettings,
    CashNeed,
    Harvesting,
    RestrictionKind,
    TaxSensitivity,
    Tracking,
    WeightBand,
)
from trimtab.domain.accounts import Registration
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.wording import bps, dollars, listing, percent
from trimtab.domain.orders import Side
from trimtab.domain.proposals import ProposedTrade, ReasonCode, RebalanceProposal, WhyNotCode
from trimtab.domain.securities import SecurityId

EAGER = AccountSettings(tracking=Tracking.LOOSE, harvesting=Harvesting.AGGRESSIVE)


def the_trade(proposal: RebalanceProposal, security_id: str) -> ProposedTrade:
    return next(each for each in proposal.trades if each.security_id == security_id)


def harvesting() -> RebalanceProposal:
    """AAA lies at a loss of $25 a share; BBB is of its class, ZZZ is not."""
    securities = {"ZZZ": a_security("ZZZ", asset_class="BOND")}
    market = a_market({"AAA": "100", "BBB": "100", "ZZZ": "100"}, securities=securities, specific_risk=0.1)
    lots = (a_lot("AAA", "330", "125", LAST_YEAR), a_lot("BBB", "330", "100"), a_lot("ZZZ", "330", "100"))
    model = a_model({"AAA": "0.334", "BBB": "0.333", "ZZZ": "0.333"})
    return analyze(an_input(market, model, lots=lots, cash="1000", settings=EAGER))


@pytest.mark.covers("V3")
def test_a_harvest_says_which_loss_it_realises():
    trade = the_trade(harvesting(), "AAA")

    loss = dollars(trade.quantity * 25)
    assert trade.reasons[0].code is ReasonCode.LOSS_HARVEST
    assert trade.reasons[0].sentence.startswith(f"Selling AAA realises a short-term loss of {loss}; the tax that it")


def test_the_tax_that_a_harvest_saves_is_the_credit_of_the_objective():
    """Aggressive harvesting credits the whole saving: 35 % of 25 a share on an account of 100,000 dollars."""
    trade = the_trade(harvesting(), "AAA")

    assert f"counts {bps(float(trade.quantity) * 25 * 0.35 / 100000)} ($" in trade.reasons[0].sentence


def test_what_is_bought_beyond_its_target_in_the_class_of_a_harvest_stands_in_for_it():
    assert the_trade(harvesting(), "BBB").reasons[0].code is ReasonCode.REPLACEMENT


def test_what_is_bought_beyond_its_target_in_another_class_hedges_risk():
    assert the_trade(harvesting(), "ZZZ").reasons[0].code is ReasonCode.RISK


def test_the_totals_in_the_sentences_sum_to_the_benefit():
    proposal = harvesting()

    totals = [
        float(re.search(r"trade counts (-?[\d.]+) bp of the account", trade.reasons[0].sentence)[1])  # type: ignore[index]
        for trade in proposal.trades
    ]

    assert sum(totals) == pytest.approx(float(proposal.benefit_bps), abs=0.05 * len(totals))


def test_drift_names_weight_and_target():
    market = a_market({"AAA": "100", "BBB": "100"})
    lots = (a_lot("AAA", "600", "100"), a_lot("BBB", "390", "100"))
    request = an_input(
        market, a_model({"AAA": "0.5", "BBB": "0.5"}), lots=lots, cash="1000", registration=Registration.ROTH_IRA
    )

    reason = the_trade(analyze(request), "AAA").reasons[0]

    assert reason.code is ReasonCode.DRIFT
    assert reason.sentence.startswith("AAA is 60.00 % of the account, above its target of 49.50 %; to bring it nearer")


def test_a_trade_that_only_serves_others_says_so():
    """BBB is sold at a small tax to make room; by itself the sale leaves the account less invested than its target."""
    market = a_market({"AAA": "100", "BBB": "100", "CCC": "100"})
    lots = (a_lot("AAA", "340", "100"), a_lot("BBB", "400", "100"))
    model = a_model({"AAA": "0.33", "BBB": "0.33", "CCC": "0.34"})
    proposal = analyze(an_input(market, model, lots=lots, cash="26000", registration=Registration.ROTH_IRA))

    sentences = [trade.reasons[0].sentence for trade in proposal.trades if trade.side is Side.SELL]

    assert any("pays for purchases that count more" in sentence for sentence in sentences)


def test_a_gain_too_dear_to_sell_says_what_it_would_cost():
    """AAA is 2 % above target at a gain of half its price: 2,000 dollars sold cost 2,000 * 0.5 * 20 % = 200 of tax."""
    market = a_market({"AAA": "100", "BBB": "100"}, specific_risk=0.12)
    lots = (a_lot("AAA", "515", "50"), a_lot("BBB", "475", "100"))
    request = an_input(market, a_model({"AAA": "0.5", "BBB": "0.5"}), lots=lots, cash="1000")

    told = {each.security_id: each for each in analyze(request).why_nots}

    assert told["AAA"].code is WhyNotCode.TAX_COST
    assert told["AAA"].sentence == (
        "AAA stays 2.00 % above its target because selling that much would cost $200.00 of tax."
    )


def test_a_drift_too_small_to_trade_is_a_matter_of_the_minimum():
    market = a_market({"AAA": "100", "BBB": "100"})
    lots = (a_lot("AAA", "525", "100"), a_lot("BBB", "465", "100"))
    settings = AccountSettings(minimum_trade=Decimal(4000))
    request = an_input(market, a_model({"AAA": "0.5", "BBB": "0.5"}), lots=lots, cash="1000", settings=settings)

    told = {each.security_id: each.code for each in analyze(request).why_nots}

    assert told == {"AAA": WhyNotCode.MINIMUM_TRADE, "BBB": WhyNotCode.MINIMUM_TRADE}


def test_a_loss_in_what_is_bought_today_is_left_because_the_purchase_would_wash_it():
    market = a_market({"AAA": "100", "BBB": "100"})
    lots = (a_lot("AAA", "300", "111", LAST_YEAR), a_lot("BBB", "690", "100"))
    request = an_input(market, a_model({"AAA": "0.5", "BBB": "0.5"}), lots=lots, cash="1000")

    proposal = analyze(request)

    assert the_trade(proposal, "AAA").side is Side.BUY
    assert [each.code for each in proposal.why_nots if each.security_id == "AAA"] == [WhyNotCode.WASH_SALE_WINDOW]


def test_no_security_has_two_why_nots():
    rules = (a_rule(RestrictionKind.NEVER_BUY, "CCC"), a_rule(RestrictionKind.NEVER_SELL, "AAA"))
    market = a_market({"AAA": "100", "BBB": "100", "CCC": "100"})
    lots = (a_lot("AAA", "800", "125", LAST_YEAR),)
    model = a_model({"AAA": "0.3", "BBB": "0.3", "CCC": "0.4"})
    proposal = analyze(an_input(market, model, lots=lots, cash="20000", settings=AccountSettings(restrictions=rules)))

    named = [each.security_id for each in proposal.why_nots]
    assert named == sorted(set(named))


def test_figures_are_worded_exactly():
    assert (dollars(Decimal("-1234.5")), percent(0.0512), bps(0.000124)) == ("-$1,234.50", "5.12 %", "1.2 bp")
    assert listing(["A", "B", "C"]) == "A, B and C"
    assert listing(list("ABCDEF")) == "A, B, C, D and 2 others"
    assert (bps(-0.000001), bps(-0.00001)) == ("0.0 bp", "-0.1 bp")


THREE = {"AAA": "0.4", "BBB": "0.3", "CCC": "0.3"}
DOLLARS = {"AAA": "100", "BBB": "50", "CCC": "25", "DDD": "80"}


def test_a_name_that_weighs_more_than_the_account_is_sold_beside_its_overdraft():
    """400 AAA at $100 less $5,000 that are owed: $40,000 of $35,000."""
    request = an_input(a_market(DOLLARS), a_model(THREE), lots=(a_lot("AAA", "400", "50"),), cash="-5000")
    proposal = analyze(request)

    assert (
        the_trade(proposal, "AAA")
        .reasons[0]
        .sentence.startswith("AAA is 114.29 % of the account, more than the whole of it. In all the trade counts ")
    )
    assert proposal.after.cash > 0


def test_a_trade_that_a_rule_asks_for_is_not_said_to_pay_for_better_ones():
    """Four names where two may be held: BBB on its target is sold whole, at ten times what the purchases are worth."""
    lots = (a_lot("AAA", "400", "90"), a_lot("BBB", "600", "45"), a_lot("CCC", "1200", "20"), a_lot("DDD", "5", "70"))
    rules = AccountSettings(maximum_names=2)
    proposal = analyze(an_input(a_market(DOLLARS), a_model(THREE), lots=lots, cash="1010", settings=rules))

    assert the_trade(proposal, "BBB").reasons[0].counts < 0
    assert the_trade(proposal, "BBB").reasons[0].sentence.endswith("; the rule asks for it all the same.")


def test_a_sale_for_a_withdrawal_is_not_said_to_pay_for_purchases():
    """Of every $100 sold $95 are gain, and 40 % of it is tax that counts whole."""
    rules = AccountSettings(
        cash_needs=(CashNeed(Decimal(15_000), date(2026, 3, 10)),),
        long_term_rate=Decimal("0.4"),
        tax_sensitivity=TaxSensitivity.HIGH,
    )
    request = an_input(
        a_market({"AAA": "100"}), a_model({"AAA": "1"}), lots=(a_lot("AAA", "400", "5"),), settings=rules
    )
    (trade,) = analyze(request).trades

    assert trade.reasons[0].code is ReasonCode.CASH_NEED
    assert trade.reasons[0].sentence.endswith("; the cash must be there all the same.")


def test_a_trade_that_a_demanded_one_brings_about_says_so():
    """DDD is to be 5 % of the account: to pay for it BBB and CCC are sold from their targets."""
    lots = (a_lot("AAA", "400", "50"), a_lot("BBB", "600", "50"), a_lot("CCC", "1200", "20"))
    rules = AccountSettings(weight_bands={SecurityId("DDD"): WeightBand(Decimal("0.05"), Decimal("0.1"))})
    proposal = analyze(an_input(a_market(DOLLARS), a_model(THREE), lots=lots, cash="1010", settings=rules))

    assert the_trade(proposal, "DDD").reasons[0].sentence.endswith("; the rule asks for it all the same.")
    assert (
        the_trade(proposal, "BBB")
        .reasons[0]
        .sentence.endswith("; it goes with trades that the account's rules ask for.")
    )


def test_a_name_that_is_expected_to_return_less_is_said_to_return_less():
    """Both are on target; of AAA 5 % a year less is expected."""
    lots, tilts = (a_lot("AAA", "495", "100"), a_lot("BBB", "495", "100")), {SecurityId("AAA"): Decimal("-0.05")}
    request = an_input(
        a_market({"AAA": "100", "BBB": "100"}), a_model({"AAA": "0.5", "BBB": "0.5"}), lots=lots, cash="1000",
        settings=AccountSettings(tilts=tilts), registration=Registration.ROTH_IRA,
    )  # fmt: skip

    assert (
        the_trade(analyze(request), "AAA")
        .reasons[0]
        .sentence.startswith("AAA is expected to return 5.00 % a year less; to hold less of it counts ")
    )
