"""Each rule of an account, on small accounts in which it binds."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from tests.optimizer.accounts import BUSINESS_DATE, a_lot, a_market, a_model, a_rule, a_security, an_input
from trimtab.domain.account_settings import AccountSettings, CashNeed, RestrictionKind, WeightBand
from trimtab.domain.accounts import Registration
from trimtab.domain.optimizer.analysis import analyze, replaced_weight
from trimtab.domain.orders import Side
from trimtab.domain.proposals import AnalysisOutcome, ReasonCode, RebalanceProposal, WhyNotCode
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput

PRICES = {"AAA": "100", "BBB": "50", "CCC": "25"}
THIRDS = {"AAA": "0.4", "BBB": "0.3", "CCC": "0.3"}


def drifted(settings: AccountSettings | None = None, **changes: object) -> AnalysisInput:
    """$100,000 in an IRA: AAA 60 % (target 40 %), BBB 15 %, no CCC, 25 % cash."""
    lots = (a_lot("AAA", "600", "80"), a_lot("BBB", "300", "45"))
    arguments: dict[str, object] = {"lots": lots, "cash": "25000", "registration": Registration.ROTH_IRA, **changes}
    return an_input(a_market(PRICES), a_model(THIRDS), settings=settings, **arguments)  # type: ignore[arg-type]


def quantities(proposal: RebalanceProposal) -> dict[str, Decimal]:
    """Shares by security: buys above zero, sales below."""
    return {each.security_id: each.quantity if each.side is Side.BUY else -each.quantity for each in proposal.trades}


def why_not(proposal: RebalanceProposal, security_id: str) -> WhyNotCode:
    (code,) = [each.code for each in proposal.why_nots if each.security_id == security_id]
    return code


def test_without_rules_every_security_moves_to_its_target():
    traded = quantities(analyze(drifted()))

    assert traded["AAA"] < 0 < traded["BBB"]
    assert traded["CCC"] > 0


@pytest.mark.parametrize("kind", [RestrictionKind.NEVER_BUY, RestrictionKind.NEVER_HOLD])
def test_a_barred_name_is_not_bought(kind: RestrictionKind):
    proposal = analyze(drifted(AccountSettings(restrictions=(a_rule(kind, "CCC"),))))

    assert "CCC" not in quantities(proposal)
    assert why_not(proposal, "CCC") is WhyNotCode.NEVER_BUY


def test_a_name_never_to_be_sold_stays():
    proposal = analyze(drifted(AccountSettings(restrictions=(a_rule(RestrictionKind.NEVER_SELL, "AAA"),))))

    assert "AAA" not in quantities(proposal)
    assert why_not(proposal, "AAA") is WhyNotCode.NEVER_SELL


def test_a_name_never_to_be_held_is_sold_whole_whatever_it_costs():
    rule = a_rule(RestrictionKind.NEVER_HOLD, "AAA")
    proposal = analyze(drifted(AccountSettings(restrictions=(rule,)), registration=Registration.INDIVIDUAL))

    assert quantities(proposal)["AAA"] == -600
    (trade,) = [each for each in proposal.trades if each.security_id == "AAA"]
    assert trade.reasons[0].code is ReasonCode.RESTRICTION


def test_a_fraction_of_a_share_is_left_where_only_whole_shares_trade():
    lots = (a_lot("AAA", "600.75", "80"),)
    rule = a_rule(RestrictionKind.NEVER_HOLD, "AAA")

    proposal = analyze(drifted(AccountSettings(restrictions=(rule,)), lots=lots))

    assert quantities(proposal)["AAA"] == -600


def test_fractions_trade_where_they_may_and_a_sale_of_everything_leaves_nothing():
    market = a_market(PRICES, securities={each: a_security(each, whole_shares=False) for each in PRICES})
    settings = AccountSettings(restrictions=(a_rule(RestrictionKind.NEVER_HOLD, "AAA"),))
    request = an_input(
        market, a_model(THIRDS), lots=(a_lot("AAA", "600.123456", "80"),), cash="25000", settings=settings
    )

    assert quantities(analyze(request))["AAA"] == Decimal("-600.123456")


def test_a_frozen_holding_stays_as_it_is_and_says_why():
    proposal = analyze(drifted(frozen={"AAA": "PRICE_STALE"}))

    assert "AAA" not in quantities(proposal)
    assert why_not(proposal, "AAA") is WhyNotCode.FROZEN


def test_a_weight_band_is_kept_against_drift_and_brought_about_when_broken():
    bands = {SecurityId("AAA"): WeightBand(maximum=Decimal("0.3")), SecurityId("BBB"): WeightBand(Decimal("0.35"))}

    traded = quantities(analyze(drifted(AccountSettings(weight_bands=bands))))

    assert 600 + traded["AAA"] <= 300
    assert 300 + traded["BBB"] >= 700


def test_a_band_that_is_exceeded_by_less_than_its_tolerance_forces_nothing():
    """49.52 % of the account in AAA against a largest weight of 49.5 %: 2 bp, the tolerance is 5 bp."""
    market = a_market({"AAA": "100", "BBB": "100"})
    settings = AccountSettings(weight_bands={SecurityId("AAA"): WeightBand(maximum=Decimal("0.495"))})
    lots = (a_lot("AAA", "4952", "80"), a_lot("BBB", "4948", "80"))
    request = an_input(market, a_model({"AAA": "0.5", "BBB": "0.5"}), lots=lots, cash="10000", settings=settings)

    assert analyze(request).outcome is AnalysisOutcome.NO_TRADE


def test_a_withdrawal_raises_cash_above_reserve_and_need():
    need = CashNeed(Decimal(40000), date(2026, 3, 6))
    proposal = analyze(drifted(AccountSettings(cash_needs=(need,), cash_reserve=Decimal(5000))))

    assert proposal.after.cash >= 45000
    (sold,) = [each for each in proposal.trades if each.side is Side.SELL]
    assert sold.reasons[0].code is ReasonCode.CASH_NEED
    assert "$40,000.00 from 2026-03-06" in sold.reasons[0].sentence


def test_purchases_stop_at_half_the_cash_target():
    proposal = analyze(drifted(AccountSettings(cash_target=Decimal("0.10"))))

    assert proposal.after.cash >= 5000


def test_cash_that_a_model_declares_counts_when_it_is_more_than_the_accounts_own():
    request = replace(drifted(), target=a_model({"AAA": "0.4", "BBB": "0.3", "CCC": "0.1"}, cash="0.2"))

    assert abs(analyze(request).after.cash - 20000) < 200


def test_no_trade_is_smaller_than_the_minimum():
    proposal = analyze(drifted(AccountSettings(minimum_trade=Decimal(5000))))

    assert proposal.trades
    assert all(trade.notional >= 5000 for trade in proposal.trades)


def test_a_position_may_be_closed_below_the_minimum_trade():
    """AAA is not in the model: its $1,000 go although trades start at $5,000."""
    market = a_market({"AAA": "100", "BBB": "50"}, market_risk=0.0, specific_risk=0.9)
    lots = (a_lot("AAA", "10", "100"), a_lot("BBB", "1960", "45"))
    settings = AccountSettings(minimum_trade=Decimal(5000), restrictions=(a_rule(RestrictionKind.NEVER_HOLD, "AAA"),))
    request = an_input(market, a_model({"BBB": "1"}), lots=lots, cash="1000", settings=settings)

    assert quantities(analyze(request)) == {"AAA": Decimal(-10)}


def test_a_ticket_that_costs_more_than_the_trade_earns_is_not_sent():
    """With a $400 commission the small purchase of BBB is not worth its ticket; the large ones are."""
    lots = (a_lot("AAA", "600", "80"), a_lot("BBB", "560", "45"))
    settings = AccountSettings(commission=Decimal(400), minimum_trade=Decimal(0))

    traded = quantities(analyze(drifted(settings, lots=lots, cash="12000")))

    assert set(traded) == {"AAA", "CCC"}


def test_a_model_name_without_a_price_hands_its_weight_to_its_class():
    market = a_market({**PRICES, "CCC": "", "DDD": "10"}, securities={"DDD": a_security("DDD", asset_class="BOND")})
    model = a_model({"AAA": "0.3", "BBB": "0.3", "CCC": "0.3", "DDD": "0.1"})
    request = an_input(market, model, cash="100000")

    proposal = analyze(request)

    assert quantities(proposal)["AAA"] == 445  # (0.3 + 0.15) * 99 % of $100,000
    assert why_not(proposal, "CCC") is WhyNotCode.NO_PRICE
    assert replaced_weight(request) == Decimal("0.3")


def test_a_model_name_without_risk_exposures_is_not_bought():
    request = an_input(a_market(PRICES, uncovered=frozenset({"CCC"})), a_model(THIRDS), cash="100000")

    proposal = analyze(request)

    assert "CCC" not in quantities(proposal)
    assert why_not(proposal, "CCC") is WhyNotCode.FROZEN


def test_a_holding_outside_the_model_is_sold_and_never_bought():
    request = replace(drifted(), target=a_model({"BBB": "0.5", "CCC": "0.5"}))

    assert quantities(analyze(request))["AAA"] == -600


def test_shares_without_lots_are_held():
    request = drifted(lots=(a_lot("AAA", "600", "80"),))
    short_of_lots = replace(request.snapshot, lots=(a_lot("AAA", "50", "80"),))

    assert quantities(analyze(replace(request, snapshot=short_of_lots)))["AAA"] == -50


def test_an_account_of_cash_alone_buys_its_model():
    traded = quantities(analyze(an_input(a_market(PRICES), a_model(THIRDS), cash="100000")))

    assert traded == {"AAA": Decimal(396), "BBB": Decimal(594), "CCC": Decimal(1187)}


def test_an_empty_account_does_nothing():
    proposal = analyze(an_input(a_market(PRICES), a_model(THIRDS), cash="0"))

    assert (proposal.outcome, proposal.note) == (AnalysisOutcome.NO_TRADE, "The account is empty.")


def test_everything_restricted_is_no_trade_with_reasons():
    rules = tuple(
        a_rule(kind, each) for each in PRICES for kind in (RestrictionKind.NEVER_BUY, RestrictionKind.NEVER_SELL)
    )

    proposal = analyze(drifted(AccountSettings(restrictions=rules)))

    assert proposal.outcome is AnalysisOutcome.NO_TRADE
    assert {each.security_id for each in proposal.why_nots} == set(PRICES)


def test_a_negative_cash_balance_is_made_good():
    assert analyze(drifted(cash="-3000")).after.cash >= 0


def test_the_business_date_decides_the_term():
    """Bought 2025-03-03: on 2026-03-03, exactly a year later, the sale is still short-term."""
    lots = (a_lot("AAA", "600", "80", date(2025, 3, 3)),)
    proposal = analyze(drifted(lots=lots, cash="0", registration=Registration.INDIVIDUAL))

    assert date(2026, 3, 3) == BUSINESS_DATE
    assert proposal.short_term_gain > 0
    assert proposal.long_term_gain == 0
