"""Wash sale rules, taxable and not: what may be bought, what may be sold at a loss, and never both on one day."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from tests.optimizer.accounts import (
    BUSINESS_DATE,
    LAST_YEAR,
    LONG_AGO,
    a_lot,
    a_market,
    a_model,
    a_rule,
    a_security,
    a_window,
    an_input,
)
from trimtab.domain.account_settings import AccountSettings, CashNeed, Harvesting, RestrictionKind, Tracking
from trimtab.domain.accounts import Registration
from trimtab.domain.lots import TaxLot
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.checker import check
from trimtab.domain.optimizer.errors import ProposalRejected
from trimtab.domain.orders import Side
from trimtab.domain.proposals import AnalysisOutcome, RebalanceProposal, WhyNotCode
from trimtab.domain.snapshots import AnalysisInput, WashWindows

TEN_DAYS_AGO = date(2026, 2, 21)
EAGER = AccountSettings(tracking=Tracking.LOOSE, harvesting=Harvesting.AGGRESSIVE)
HALVES = {"AAA": "0.5", "BBB": "0.5"}


def at_a_loss(*lots: TaxLot, settings: AccountSettings = EAGER, **changes: object) -> AnalysisInput:
    """AAA at half of its basis, BBB at its basis, on target but for the lots given."""
    held = lots or (a_lot("AAA", "495", "200", LAST_YEAR), a_lot("BBB", "495", "100"))
    market = a_market({"AAA": "100", "BBB": "100", "CCC": "100"})
    return an_input(market, a_model(HALVES), lots=held, cash="1000", settings=settings, **changes)  # type: ignore[arg-type]


def sides(proposal: RebalanceProposal) -> dict[str, Side]:
    return {trade.security_id: trade.side for trade in proposal.trades}


def why_not(proposal: RebalanceProposal, security_id: str) -> WhyNotCode | None:
    return next((each.code for each in proposal.why_nots if each.security_id == security_id), None)


def test_a_loss_is_harvested_when_nothing_stands_in_the_way():
    assert sides(analyze(at_a_loss())) == {"AAA": Side.SELL, "BBB": Side.BUY}


def test_nothing_is_harvested_when_harvesting_is_off():
    assert analyze(at_a_loss(settings=AccountSettings(harvesting=Harvesting.OFF))).is_empty


def test_nothing_is_harvested_in_an_ira():
    assert analyze(at_a_loss(registration=Registration.TRADITIONAL_IRA)).is_empty


def test_an_open_window_of_a_loss_sale_bars_purchases_of_its_key():
    windows = WashWindows(loss_sales=(a_window("BBB", TEN_DAYS_AGO),))
    lots = (a_lot("AAA", "495", "90"), a_lot("CCC", "495", "90"))

    proposal = analyze(at_a_loss(*lots, wash_windows=windows))

    assert Side.BUY not in {side for name, side in sides(proposal).items() if name == "BBB"}
    assert why_not(proposal, "BBB") is WhyNotCode.WASH_SALE_WINDOW
    assert any("until 2026-03-23" in each.sentence for each in proposal.why_nots)


def test_the_window_bars_an_ira_of_the_household_too():
    windows = WashWindows(loss_sales=(a_window("BBB", TEN_DAYS_AGO, account_id="SPOUSE"),))
    lots = (a_lot("AAA", "990", "90"),)

    proposal = analyze(at_a_loss(*lots, wash_windows=windows, registration=Registration.ROTH_IRA))

    assert "BBB" not in sides(proposal)


def test_a_recent_purchase_keeps_the_loss_of_older_lots():
    windows = WashWindows(purchases=(a_window("AAA", TEN_DAYS_AGO, "495", account_id="SPOUSE"),))

    proposal = analyze(at_a_loss(wash_windows=windows))

    assert proposal.is_empty
    assert why_not(proposal, "AAA") is WhyNotCode.WASH_SALE_WINDOW


def test_a_purchase_does_not_wash_the_sale_of_its_own_shares():
    """Rev. Rul. 56-602: the only recent purchase is the lot that is sold."""
    own = a_lot("AAA", "495", "200", TEN_DAYS_AGO, purchase="P7")
    windows = WashWindows(purchases=(a_window("AAA", TEN_DAYS_AGO, "495", purchase_id="P7"),))

    proposal = analyze(at_a_loss(own, a_lot("BBB", "495", "100"), wash_windows=windows))

    assert sides(proposal)["AAA"] is Side.SELL


def test_another_purchase_of_the_same_day_washes_it():
    own = a_lot("AAA", "495", "200", TEN_DAYS_AGO, purchase="P7")
    windows = WashWindows(
        purchases=(
            a_window("AAA", TEN_DAYS_AGO, "495", purchase_id="P7"),
            a_window("AAA", TEN_DAYS_AGO, "495", purchase_id="P8"),
        )
    )

    assert analyze(at_a_loss(own, a_lot("BBB", "495", "100"), wash_windows=windows)).is_empty


def test_a_gain_is_sold_whatever_was_bought():
    windows = WashWindows(purchases=(a_window("AAA", TEN_DAYS_AGO),))
    lots = (a_lot("AAA", "900", "99.50", LONG_AGO), a_lot("BBB", "90", "100"))

    assert sides(analyze(at_a_loss(*lots, wash_windows=windows)))["AAA"] is Side.SELL


def test_a_withdrawal_opens_losses_that_would_be_washed_and_takes_no_credit_for_them():
    """AAA is all there is to sell: 495 shares, basis 200 each; the loss is real, the tax saved is nil."""
    windows = WashWindows(purchases=(a_window("AAA", TEN_DAYS_AGO, "495"),))
    settings = AccountSettings(
        cash_needs=(CashNeed(Decimal(20000), date(2026, 3, 6)),), harvesting=Harvesting.AGGRESSIVE
    )

    lots = (a_lot("AAA", "495", "200", LAST_YEAR),)
    market, model = a_market({"AAA": "100"}), a_model({"AAA": "1"})
    request = an_input(market, model, lots=lots, cash="1000", settings=settings, wash_windows=windows)

    proposal = analyze(request)

    assert sides(proposal) == {"AAA": Side.SELL}
    assert proposal.after.cash >= 20000
    assert proposal.short_term_gain < 0
    assert proposal.tax == 0


def test_a_name_never_to_be_held_is_sold_although_its_loss_is_washed():
    windows = WashWindows(purchases=(a_window("AAA", TEN_DAYS_AGO, "495"),))
    settings = AccountSettings(restrictions=(a_rule(RestrictionKind.NEVER_HOLD, "AAA"),))

    proposal = analyze(at_a_loss(settings=settings, wash_windows=windows))

    assert sides(proposal)["AAA"] is Side.SELL
    assert proposal.tax == 0


SPOUSE_TODAY = WashWindows(purchases=(a_window("AAA", BUSINESS_DATE, "10", account_id="SPOUSE"),))


def test_a_loss_in_what_the_spouse_buys_today_is_kept_even_where_ten_shares_wash_ten_of_495():
    """Its order would be refused beside the spouse's, so the analysis leaves it; ten days ago it was worth a sale."""
    earlier = WashWindows(purchases=(a_window("AAA", TEN_DAYS_AGO, "10", account_id="SPOUSE"),))
    assert sides(analyze(at_a_loss(wash_windows=earlier)))["AAA"] is Side.SELL

    proposal = analyze(at_a_loss(wash_windows=SPOUSE_TODAY))

    assert proposal.is_empty
    (told,) = [each for each in proposal.why_nots if each.security_id == "AAA"]
    assert told.code is WhyNotCode.WASH_SALE_WINDOW
    assert "another account of the household buys it today" in told.sentence


def test_the_accounts_own_purchase_of_today_washes_ten_shares_and_no_more():
    own = WashWindows(purchases=(a_window("AAA", BUSINESS_DATE, "10"),))

    assert sides(analyze(at_a_loss(wash_windows=own)))["AAA"] is Side.SELL


def test_a_name_never_to_be_held_stays_for_a_day_while_the_spouse_buys_it_and_the_rest_trades():
    """AAA has to go, and may not today; of BBB, half as heavy again as its target, some is sold."""
    settings = AccountSettings(restrictions=(a_rule(RestrictionKind.NEVER_HOLD, "AAA"),))
    market = a_market({"AAA": "100", "BBB": "100", "CCC": "100"})
    lots = (a_lot("AAA", "100", "200", LAST_YEAR), a_lot("BBB", "880", "99"))
    model = a_model({"BBB": "0.5", "CCC": "0.5"})
    request = an_input(market, model, lots=lots, cash="2000", settings=settings, wash_windows=SPOUSE_TODAY)

    assert sides(analyze(request)) == {"BBB": Side.SELL, "CCC": Side.BUY}
    assert sides(analyze(replace(request, snapshot=replace(request.snapshot, wash_windows=WashWindows())))) == {
        "AAA": Side.SELL,
        "BBB": Side.SELL,
        "CCC": Side.BUY,
    }


def test_cash_that_is_owed_is_raised_from_a_gain_while_the_spouse_buys_what_stands_at_a_loss():
    """$20,000 are owed and $1,000 are there; AAA could give $49,500 at a loss, BBB gives $19,000 and more at a gain."""
    owed = AccountSettings(cash_needs=(CashNeed(Decimal(20000), date(2026, 3, 6)),), harvesting=Harvesting.AGGRESSIVE)
    lots = (a_lot("AAA", "495", "200", LAST_YEAR), a_lot("BBB", "495", "60"))

    proposal = analyze(at_a_loss(*lots, settings=owed, wash_windows=SPOUSE_TODAY))

    assert sides(proposal) == {"BBB": Side.SELL}
    assert proposal.after.cash >= 20000


def test_cash_that_only_such_a_loss_could_raise_is_a_conflict_for_a_person():
    owed = AccountSettings(cash_needs=(CashNeed(Decimal(20000), date(2026, 3, 6)),))
    lots = (a_lot("AAA", "495", "200", LAST_YEAR),)
    request = an_input(
        a_market({"AAA": "100"}),
        a_model({"AAA": "1"}),
        lots=lots,
        cash="1000",
        settings=owed,
        wash_windows=SPOUSE_TODAY,
    )

    proposal = analyze(request)

    assert (proposal.outcome, proposal.trades) == (AnalysisOutcome.CONFLICT, ())
    assert "a loss in AAA would be a wash sale" in proposal.note


def test_the_checker_refuses_a_loss_in_what_the_spouse_buys_today_whoever_proposes_it():
    request = at_a_loss()
    proposal = analyze(request)
    lot = request.snapshot.lots[0].id

    with pytest.raises(ProposalRejected) as refused:
        check(replace(request, snapshot=replace(request.snapshot, wash_windows=SPOUSE_TODAY)), proposal)

    assert f"lot {lot}: another account of the household has bought its wash key today" in str(refused.value)


def test_one_wash_group_is_never_sold_at_a_loss_and_bought_on_one_day():
    """AAA and BBB are substantially identical; AAA stands at a loss, BBB is short of its target."""
    group = {each: a_security(each, wash_group="TWINS") for each in ("AAA", "BBB")}
    market = a_market({"AAA": "100", "BBB": "100", "CCC": "100"}, securities=group)
    lots = (a_lot("AAA", "700", "200", LAST_YEAR), a_lot("CCC", "290", "100"))
    model = a_model({"AAA": "0.35", "BBB": "0.35", "CCC": "0.3"})

    for settings in (EAGER, AccountSettings(harvesting=Harvesting.OFF, tracking=Tracking.TIGHT)):
        traded = sides(analyze(an_input(market, model, lots=lots, cash="1000", settings=settings)))
        assert (traded.get("AAA"), traded.get("BBB")) != (Side.SELL, Side.BUY)


def test_a_security_short_of_its_target_is_bought_or_harvested_never_both():
    lots = (a_lot("AAA", "250", "104", LAST_YEAR), a_lot("BBB", "740", "100"))

    for harvesting in Harvesting:
        proposal = analyze(at_a_loss(*lots, settings=AccountSettings(harvesting=harvesting)))
        assert len({trade.security_id for trade in proposal.trades}) == len(proposal.trades)
