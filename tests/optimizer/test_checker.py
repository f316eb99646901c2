"""The checker catches every planted fault, each in one test; the untouched proposal passes."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from tests.optimizer.accounts import LAST_YEAR, a_lot, a_market, a_model, a_rule, a_window, an_input
from trimtab.domain.account_settings import (
    AccountSettings,
    CashNeed,
    Restriction,
    RestrictionKind,
    WeightBand,
)
from trimtab.domain.accounts import CashBalance
from trimtab.domain.lots import HoldingPeriod, LotId
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.checker import check
from trimtab.domain.optimizer.errors import ProposalRejected
from trimtab.domain.orders import Side
from trimtab.domain.proposals import AnalysisOutcome, LotSale, ProposedTrade, RebalanceProposal
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AccountSnapshot, AnalysisInput, WashWindows

TEN_DAYS_AGO = date(2026, 2, 21)


@pytest.fixture(scope="module")
def request_() -> AnalysisInput:
    """AAA is sold (long-term gains first, then a short-term lot), BBB and CCC are bought; DDD lies at a loss."""
    market = a_market({"AAA": "100", "BBB": "50", "CCC": "25", "DDD": "10"})
    lots = (
        a_lot("AAA", "300", "99", name="AAA-long"),
        a_lot("AAA", "400", "90", LAST_YEAR, name="AAA-short"),
        a_lot("DDD", "1000", "30", LAST_YEAR, name="DDD-loss"),
    )
    model = a_model({"AAA": "0.2", "BBB": "0.4", "CCC": "0.3", "DDD": "0.1"})
    rules = (a_rule(RestrictionKind.NEVER_BUY, "DDD"), a_rule(RestrictionKind.NEVER_SELL, "DDD"))
    return an_input(market, model, lots=lots, cash="20000", settings=AccountSettings(restrictions=rules))


@pytest.fixture(scope="module")
def proposal(request_: AnalysisInput) -> RebalanceProposal:
    return analyze(request_)


def violations(request: AnalysisInput, proposal: RebalanceProposal) -> str:
    with pytest.raises(ProposalRejected) as caught:
        check(request, proposal)
    return " | ".join(caught.value.violations)


def the_trade(proposal: RebalanceProposal, security_id: str) -> ProposedTrade:
    return next(each for each in proposal.trades if each.security_id == security_id)


def with_trade(proposal: RebalanceProposal, security_id: str, **changes: object) -> RebalanceProposal:
    changed = replace(the_trade(proposal, security_id), **changes)  # type: ignore[arg-type]
    return replace(
        proposal, trades=tuple(changed if each.security_id == security_id else each for each in proposal.trades)
    )


def with_first_sale(proposal: RebalanceProposal, **changes: object) -> RebalanceProposal:
    first, *rest = the_trade(proposal, "AAA").lot_sales
    return with_trade(proposal, "AAA", lot_sales=(replace(first, **changes), *rest))  # type: ignore[arg-type]


def with_snapshot(request: AnalysisInput, **changes: object) -> AnalysisInput:
    snapshot: AccountSnapshot = replace(request.snapshot, **changes)  # type: ignore[arg-type]
    return replace(request, snapshot=snapshot)


def with_settings(request: AnalysisInput, **changes: object) -> AnalysisInput:
    settings: AccountSettings = replace(request.snapshot.settings, **changes)  # type: ignore[arg-type]
    return with_snapshot(request, settings=settings)


def rule(kind: RestrictionKind, security_id: str) -> tuple[Restriction, ...]:
    return (a_rule(kind, security_id),)


def a_sale(lot_id: str, quantity: str, price: str, unit_cost: str) -> LotSale:
    shares = Decimal(quantity)
    proceeds, basis = shares * Decimal(price), shares * Decimal(unit_cost)
    return LotSale(LotId(lot_id), shares, proceeds, basis, proceeds - basis, HoldingPeriod.SHORT_TERM)


def selling_the_loss(proposal: RebalanceProposal) -> RebalanceProposal:
    """The proposal with 100 shares of DDD sold at a loss of $2,000."""
    sale = a_sale("DDD-loss", "100", "10", "30")
    reasons = proposal.trades[0].reasons
    trade = ProposedTrade(SecurityId("DDD"), Side.SELL, Decimal(100), Decimal(10), Decimal(1000), (sale,), reasons)
    return replace(proposal, trades=(*proposal.trades, trade))


def test_our_own_proposal_passes(request_: AnalysisInput, proposal: RebalanceProposal):
    assert {trade.security_id: trade.side for trade in proposal.trades} == {
        "AAA": Side.SELL,
        "BBB": Side.BUY,
        "CCC": Side.BUY,
    }
    check(request_, proposal)


def test_a_proposal_for_another_account(request_: AnalysisInput, proposal: RebalanceProposal):
    assert "for account A9" in violations(request_, replace(proposal, account_id="A9"))


def test_a_proposal_of_another_day(request_: AnalysisInput, proposal: RebalanceProposal):
    assert "for 2026-03-02" in violations(request_, replace(proposal, business_date=date(2026, 3, 2)))


def test_trades_in_a_proposal_that_has_none(request_: AnalysisInput, proposal: RebalanceProposal):
    held = replace(proposal, outcome=AnalysisOutcome.NO_TRADE)
    assert "its outcome is NO_TRADE, yet it has trades" in violations(request_, held)


def test_an_optimal_proposal_without_trades(request_: AnalysisInput, proposal: RebalanceProposal):
    assert "yet it has no trades" in violations(request_, replace(proposal, trades=()))


def test_a_gap_below_zero(request_: AnalysisInput, proposal: RebalanceProposal):
    assert "is below zero" in violations(request_, replace(proposal, gap_bps=Decimal("-0.5")))


def test_a_security_traded_twice(request_: AnalysisInput, proposal: RebalanceProposal):
    twice = replace(proposal, trades=(*proposal.trades, proposal.trades[0]))
    assert "a security is traded twice" in violations(request_, twice)


def test_a_fraction_of_a_share(request_: AnalysisInput, proposal: RebalanceProposal):
    fraction = with_trade(proposal, "BBB", quantity=Decimal("700.5"), notional=Decimal("35025.00"))
    assert "BBB: 700.5 is not a whole number of shares" in violations(request_, fraction)


def test_a_quantity_of_nothing(request_: AnalysisInput, proposal: RebalanceProposal):
    assert "is not above zero" in violations(request_, with_trade(proposal, "BBB", quantity=Decimal(0)))


def test_a_price_that_is_not_the_close(request_: AnalysisInput, proposal: RebalanceProposal):
    assert "is not the close 50" in violations(request_, with_trade(proposal, "BBB", price=Decimal("49.99")))


def test_a_notional_a_cent_off(request_: AnalysisInput, proposal: RebalanceProposal):
    notional = the_trade(proposal, "BBB").notional + Decimal("0.01")
    assert "is not quantity times price" in violations(request_, with_trade(proposal, "BBB", notional=notional))


def test_a_trade_without_a_reason(request_: AnalysisInput, proposal: RebalanceProposal):
    assert "the trade has no reason" in violations(request_, with_trade(proposal, "BBB", reasons=()))


def test_a_frozen_security(request_: AnalysisInput, proposal: RebalanceProposal):
    frozen = with_snapshot(request_, frozen={SecurityId("BBB"): "PRICE_STALE"})
    assert "BBB: it is frozen (PRICE_STALE)" in violations(frozen, proposal)


def test_a_security_without_a_price(request_: AnalysisInput, proposal: RebalanceProposal):
    prices = {each: price for each, price in request_.market.prices.items() if each != "BBB"}
    unpriced = replace(request_, market=replace(request_.market, prices=prices))
    assert "BBB: it is not tradable, or has no price" in violations(unpriced, proposal)


def test_a_security_that_is_not_tradable(request_: AnalysisInput, proposal: RebalanceProposal):
    halted = replace(request_.market.securities[SecurityId("BBB")], tradable=False)
    securities = {**request_.market.securities, SecurityId("BBB"): halted}
    halted_market = replace(request_, market=replace(request_.market, securities=securities))
    assert "BBB: it is not tradable" in violations(halted_market, proposal)


@pytest.mark.parametrize(
    ("kind", "security_id", "violation"),
    [
        (RestrictionKind.NEVER_BUY, "BBB", "BBB: it must never be bought"),
        (RestrictionKind.NEVER_SELL, "AAA", "AAA: it must never be sold"),
        (RestrictionKind.NEVER_HOLD, "BBB", "BBB: it must never be held"),
        (RestrictionKind.NEVER_HOLD, "DDD", "DDD: 1000 shares stay of a security that must never be held"),
    ],
)
def test_a_restriction(
    request_: AnalysisInput, proposal: RebalanceProposal, kind: RestrictionKind, security_id: str, violation: str
):
    assert violation in violations(with_settings(request_, restrictions=rule(kind, security_id)), proposal)


def test_a_purchase_outside_the_model(request_: AnalysisInput, proposal: RebalanceProposal):
    model = a_model({"AAA": "0.5", "CCC": "0.3", "DDD": "0.2"})
    assert "BBB: it is bought without being in the model" in violations(replace(request_, target=model), proposal)


def test_more_shares_than_are_held(request_: AnalysisInput, proposal: RebalanceProposal):
    positions = tuple(
        replace(each, quantity=Decimal(100)) if each.security_id == "AAA" else each
        for each in request_.snapshot.positions
    )
    assert "shares are sold, 100 are held" in violations(with_snapshot(request_, positions=positions), proposal)


def test_a_trade_below_the_minimum(request_: AnalysisInput, proposal: RebalanceProposal):
    demanding = with_settings(request_, minimum_trade=Decimal(1_000_000))
    assert "is below the minimum trade of 1000000" in violations(demanding, proposal)


def test_a_purchase_that_names_lots(request_: AnalysisInput, proposal: RebalanceProposal):
    lots = the_trade(proposal, "AAA").lot_sales
    assert "a purchase names lots" in violations(request_, with_trade(proposal, "BBB", lot_sales=lots))


def test_lots_that_do_not_sum(request_: AnalysisInput, proposal: RebalanceProposal):
    lots = the_trade(proposal, "AAA").lot_sales[1:]
    found = violations(request_, with_trade(proposal, "AAA", lot_sales=lots))
    assert "the lots do not sum" in found
    assert "the proceeds of the lots do not sum" in found


def test_a_lot_sold_twice(request_: AnalysisInput, proposal: RebalanceProposal):
    first, *rest = the_trade(proposal, "AAA").lot_sales
    assert "a lot is sold twice" in violations(request_, with_trade(proposal, "AAA", lot_sales=(first, first, *rest)))


def test_a_lot_of_another_security(request_: AnalysisInput, proposal: RebalanceProposal):
    assert "lot DDD-loss is not one of its lots" in violations(request_, with_first_sale(proposal, lot_id="DDD-loss"))


def test_more_of_a_lot_than_there_is(request_: AnalysisInput, proposal: RebalanceProposal):
    assert "shares are sold of" in violations(request_, with_first_sale(proposal, quantity=Decimal(5000)))


def test_proceeds_that_are_not_the_lots_share(request_: AnalysisInput, proposal: RebalanceProposal):
    assert "are not its share of the sale" in violations(request_, with_first_sale(proposal, proceeds=Decimal(1)))


def test_a_wrong_basis(request_: AnalysisInput, proposal: RebalanceProposal):
    assert "the basis is" in violations(request_, with_first_sale(proposal, basis=Decimal(1)))


def test_a_wrong_gain(request_: AnalysisInput, proposal: RebalanceProposal):
    assert "is not proceeds less basis" in violations(request_, with_first_sale(proposal, gain=Decimal(1)))


def test_a_wrong_term(request_: AnalysisInput, proposal: RebalanceProposal):
    first = the_trade(proposal, "AAA").lot_sales[0]
    other = next(term for term in HoldingPeriod if term is not first.term)
    assert "its term is not" in violations(request_, with_first_sale(proposal, term=other))


def test_a_purchase_inside_a_wash_sale_window(request_: AnalysisInput, proposal: RebalanceProposal):
    windows = WashWindows(loss_sales=(a_window("BBB", TEN_DAYS_AGO),))
    found = violations(with_snapshot(request_, wash_windows=windows), proposal)
    assert "BBB: it is bought inside the wash sale window" in found


def test_a_loss_that_a_purchase_washes(request_: AnalysisInput, proposal: RebalanceProposal):
    windows = WashWindows(purchases=(a_window("DDD", TEN_DAYS_AGO, "100"),))
    found = violations(with_snapshot(request_, wash_windows=windows), selling_the_loss(proposal))
    assert "lot DDD-loss: a purchase of the last 30 days would wash its loss" in found


def test_a_key_sold_at_a_loss_and_bought_on_one_day(request_: AnalysisInput, proposal: RebalanceProposal):
    twins = {
        each: replace(security, wash_group="TWINS") if each in ("BBB", "DDD") else security
        for each, security in request_.market.securities.items()
    }
    request = replace(request_, market=replace(request_.market, securities=twins))
    assert "TWINS: it is sold at a loss and bought on one day" in violations(request, selling_the_loss(proposal))


def test_a_weight_above_its_band(request_: AnalysisInput, proposal: RebalanceProposal):
    bands = {SecurityId("BBB"): WeightBand(maximum=Decimal("0.1"))}
    assert "is above its largest of 0.1" in violations(with_settings(request_, weight_bands=bands), proposal)


def test_a_weight_below_its_band(request_: AnalysisInput, proposal: RebalanceProposal):
    bands = {SecurityId("DDD"): WeightBand(minimum=Decimal("0.4"))}
    assert "is below its smallest of 0.4" in violations(with_settings(request_, weight_bands=bands), proposal)


def test_cash_below_the_withdrawal(request_: AnalysisInput, proposal: RebalanceProposal):
    needs = (CashNeed(Decimal(5000), date(2026, 3, 6)),)
    found = violations(with_settings(request_, cash_needs=needs), proposal)
    assert "ends below the reserve and withdrawals of 5000" in found


def test_cash_below_its_floor(request_: AnalysisInput, proposal: RebalanceProposal):
    found = violations(with_settings(request_, cash_target=Decimal("0.05")), proposal)
    assert "ends below its floor of 2500.00" in found


@pytest.mark.parametrize("figure", ["short_term_gain", "long_term_gain", "tax", "cost"])
def test_a_sum_a_cent_off(request_: AnalysisInput, proposal: RebalanceProposal, figure: str):
    off = replace(proposal, **{figure: getattr(proposal, figure) + Decimal("0.01")})
    assert f"the {figure.replace('_term_', '-term ')} is" in violations(request_, off)


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("figure", ["cash", "account_value"])
def test_a_measure_a_cent_off(request_: AnalysisInput, proposal: RebalanceProposal, side: str, figure: str):
    measures = getattr(proposal, side)
    off = replace(measures, **{figure: getattr(measures, figure) + Decimal("0.01")})
    assert f"the {figure.replace('_', ' ')} {side} is" in violations(request_, replace(proposal, **{side: off}))


def test_a_wrong_turnover(request_: AnalysisInput, proposal: RebalanceProposal):
    assert "the turnover is" in violations(request_, replace(proposal, turnover=Decimal("0.001")))


def test_cash_that_changed_since(request_: AnalysisInput, proposal: RebalanceProposal):
    found = violations(with_snapshot(request_, cash=CashBalance(Decimal(19000))), proposal)
    assert "the cash before is 19000.00, not 20000.00" in found


def test_every_violation_is_listed(request_: AnalysisInput, proposal: RebalanceProposal):
    with pytest.raises(ProposalRejected) as caught:
        check(request_, replace(proposal, account_id="A9", gap_bps=Decimal(-1), tax=Decimal(1)))
    assert len(caught.value.violations) == 3
    assert caught.value.code == "PROPOSAL_REJECTED"
