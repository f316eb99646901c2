"""What accounts and households are bound by when they are analysed together. Prices are $100 unless said."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.optimizer.accounts import a_lot, a_market, a_model, a_window
from tests.optimizer.households import a_household, a_member
from trimtab.domain.account_settings import AccountSettings, CashNeed, ForcedHarvest, GroupBand, GroupKind, WeightBand
from trimtab.domain.accounts import Registration
from trimtab.domain.households import HouseholdInput, HouseholdProposal
from trimtab.domain.optimizer.errors import InvalidAnalysisInput, ProposalRejected
from trimtab.domain.optimizer.household.analysis import analyze_household
from trimtab.domain.optimizer.household.checker import check_household
from trimtab.domain.orders import Side
from trimtab.domain.proposals import AnalysisOutcome, ReasonCode
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import HeldAway, TaxYear, WashWindows

MARKET = a_market({"AAA": "100", "BBB": "100"}, market_risk=0.0)
MODEL = a_model({"AAA": "0.5", "BBB": "0.5"})
IRA = Registration.TRADITIONAL_IRA


def sold(proposal: HouseholdProposal, account: int) -> Decimal:
    """Dollars sold in one account."""
    return sum((each.notional for each in proposal.legs[account].trades if each.side is Side.SELL), Decimal(0))


def two_iras(**settings: object) -> HouseholdInput:
    """Two IRAs of $50,000 each, all AAA but 1 % cash: half of each would be sold, $24,600 in all but the spread."""
    own = AccountSettings(**settings)  # type: ignore[arg-type]
    first = a_member("I", MARKET, MODEL, lots=(a_lot("AAA", "495", "50"),), cash="500", registration=IRA, settings=own)
    second = a_member("J", MARKET, MODEL, lots=(a_lot("AAA", "495", "50"),), cash="500", registration=IRA)
    return a_household(MARKET, MODEL, first, second)


@pytest.mark.covers("X8")
def test_an_accounts_turnover_limit_holds_for_that_account_and_the_other_trades_instead():
    """4 % of $50,000 is $2,000 a way: half of what is sold and bought. The other account has no limit."""
    free, limited = analyze_household(two_iras()), analyze_household(two_iras(turnover_limit=Decimal("0.04")))

    assert sold(free, 0) > 2000
    assert sold(limited, 0) <= 2000
    assert limited.legs[0].turnover <= Decimal("0.04")
    assert sold(limited, 1) > 40_000
    assert limited.gap_bps < 1


def taxed_pair(**changes: object) -> HouseholdInput:
    """Two taxable accounts, all AAA: T's bought at $60, so a share sold realises $40, taxed at 20 %; U's at $40."""
    settings = AccountSettings(**changes)  # type: ignore[arg-type]
    first = a_member("T", MARKET, MODEL, lots=(a_lot("AAA", "495", "60"),), cash="500", settings=settings)
    second = a_member("U", MARKET, MODEL, lots=(a_lot("AAA", "495", "40"),), cash="500")
    return a_household(MARKET, MODEL, first, second)


def test_an_accounts_gain_budget_and_tax_budget_hold_for_it():
    """$1,000 of gain is 25 shares; $100 of tax at 20 % is $500 of gain, 12 shares."""
    free = analyze_household(taxed_pair())
    by_gain = analyze_household(taxed_pair(gain_budget=Decimal(1000)))
    by_tax = analyze_household(taxed_pair(tax_budget=Decimal(100)))

    assert free.legs[0].long_term_gain > 1000
    assert Decimal(900) <= by_gain.legs[0].long_term_gain <= 1000
    assert Decimal(80) <= by_tax.legs[0].tax <= 100
    assert max(by_gain.gap_bps, by_tax.gap_bps) < 1


def test_a_band_of_a_class_that_is_broken_in_one_account_is_mended_there():
    """The taxable account holds 80 % US; at most 50 % are allowed there, whatever the household would like."""
    market = a_market({"AAA": "100", "BND": "100"}, market_risk=0.0)
    market = replace(
        market, securities={**market.securities, "BND": replace(market.securities["BND"], asset_class="BOND")}
    )
    model = a_model({"AAA": "0.9", "BND": "0.1"})
    settings = AccountSettings(group_bands=(GroupBand(GroupKind.ASSET_CLASS, "US", maximum=Decimal("0.5")),))
    banded = a_member(
        "I",
        market,
        model,
        lots=(a_lot("AAA", "400", "50"), a_lot("BND", "95", "90")),
        cash="500",
        registration=IRA,
        settings=settings,
    )
    other = a_member("J", market, model, cash="50000", registration=IRA)

    proposal = analyze_household(a_household(market, model, banded, other))

    held = Decimal(400) * 100 - sold(proposal, 0)
    assert held / 50_000 <= Decimal("0.507")  # the band's tolerance and a share
    assert {each.side for each in proposal.legs[1].trades if each.security_id == "AAA"} == {Side.BUY}


def test_a_name_that_one_account_must_hold_is_bought_there_while_another_sells_what_the_model_has_not():
    """I is to hold at least 10 % of CCC, 50 shares; J holds 495 of it, all at a gain that no tax is due on."""
    market = a_market({"AAA": "100", "BBB": "100", "CCC": "100"}, market_risk=0.0)
    band = AccountSettings(weight_bands={SecurityId("CCC"): WeightBand(Decimal("0.1"), Decimal("0.3"))})
    first = a_member("I", market, MODEL, lots=(a_lot("AAA", "495", "50"),), cash="500", registration=IRA, settings=band)
    second = a_member("J", market, MODEL, lots=(a_lot("CCC", "495", "50"),), cash="500", registration=IRA)

    proposal = analyze_household(a_household(market, MODEL, first, second))

    trades = [{(each.security_id, each.side): each.quantity for each in leg.trades} for leg in proposal.legs]
    assert trades[0]["CCC", Side.BUY] == 50
    assert trades[1]["CCC", Side.SELL] == 495
    assert proposal.gap_bps < 1


def names_held(household: HouseholdInput, proposal: HouseholdProposal, account: int) -> set[str]:
    quantity = {each.security_id: each.quantity for each in household.accounts[account].positions}
    for trade in proposal.legs[account].trades:
        signed = trade.quantity if trade.side is Side.BUY else -trade.quantity
        quantity[trade.security_id] = quantity.get(trade.security_id, Decimal(0)) + signed
    return {each for each, held in quantity.items() if held > 0}


def thirds(most: int | None, tilt: str = "0") -> HouseholdInput:
    """Two IRAs at a target of a third each, all three names in both; I may hold so many names."""
    market = a_market({"AAA": "100", "BBB": "100", "CCC": "100"}, market_risk=0.0)
    model = a_model({"AAA": "0.34", "BBB": "0.33", "CCC": "0.33"})
    lots = (a_lot("AAA", "168", "50"), a_lot("BBB", "163", "50"), a_lot("CCC", "164", "50"))
    few = AccountSettings(maximum_names=most, tilts={SecurityId("BBB"): Decimal(tilt)})
    first = a_member("I", market, model, lots=lots, cash="500", registration=IRA, settings=few)
    second = a_member("J", market, model, lots=lots, cash="500", registration=IRA)
    return a_household(market, model, first, second)


@pytest.mark.covers("X8")
def test_an_account_holds_no_more_names_than_it_may_and_the_other_makes_up_for_it():
    """I closes one of three names, BBB, which it likes least, and J buys what the household then lacks of it."""
    free, limited = thirds(None, "-0.01"), thirds(2, "-0.01")
    stands, proposal = analyze_household(free), analyze_household(limited)

    assert names_held(free, stands, 0) == {"AAA", "BBB", "CCC"}
    assert names_held(limited, proposal, 0) == {"AAA", "CCC"}
    (sale,) = [each for each in proposal.legs[0].trades if each.side is Side.SELL]
    assert sale.quantity == 163
    assert sale.reasons[0].code is ReasonCode.RESTRICTION
    assert sale.reasons[0].sentence.startswith("Account I holds 3 securities and may hold 2: BBB")
    assert {(each.security_id, each.side) for each in proposal.legs[1].trades} >= {("BBB", Side.BUY)}
    assert proposal.certificate.by_regime["FIXED"].names["I"] > 0
    assert proposal.gap_bps < 2


def test_an_account_opens_no_more_names_than_it_may():
    """All cash, and one name: J buys the others."""
    market, model = a_market({"AAA": "100", "BBB": "100"}, market_risk=0.0), a_model({"AAA": "0.5", "BBB": "0.5"})
    few = AccountSettings(maximum_names=1)
    first = a_member("I", market, model, cash="50000", registration=IRA, settings=few)
    second = a_member("J", market, model, cash="50000", registration=IRA)
    household = a_household(market, model, first, second)

    proposal = analyze_household(household)

    assert len(names_held(household, proposal, 0)) == 1
    assert proposal.after.max_drift < Decimal("0.01")
    assert proposal.gap_bps < 2


def test_names_that_cannot_be_closed_are_no_conflict():
    """I may hold one name, and may sell none of its three."""
    household = thirds(1)
    frozen = {SecurityId(each): "HALTED" for each in ("AAA", "BBB", "CCC")}
    household = replace(household, accounts=(replace(household.accounts[0], frozen=frozen), household.accounts[1]))

    assert analyze_household(household).outcome is AnalysisOutcome.NO_TRADE


def test_losses_of_one_account_net_against_the_gains_of_another():
    """T must sell AAA, at a gain of $40 a share, down to 30 %; U holds 495 CCC, not in the model, at a loss of $40.

    Each lot by itself: 20 % of the sum. In one year the loss takes up the gains, $3,000 of the rest save 35 %, and the
    others are carried on at 10 %.
    """
    market = a_market({"AAA": "100", "BBB": "100", "CCC": "100"}, market_risk=0.0)
    model = a_model({"AAA": "0.3", "BBB": "0.7"})
    gains = a_member("T", market, model, lots=(a_lot("AAA", "495", "60"),), cash="500")
    losses = a_member("U", market, model, lots=(a_lot("CCC", "495", "140"),), cash="500")

    proposal = analyze_household(replace(a_household(market, model, gains, losses), tax_year=TaxYear()))

    gain, loss = (leg.long_term_gain for leg in proposal.legs)
    assert 7000 < gain < 8000
    assert loss == -19_800
    carried = -(gain + loss) - 3000
    assert proposal.tax == (-Decimal("0.35") * 3000 - Decimal("0.10") * carried).quantize(Decimal("0.01"))
    assert proposal.legs[0].tax + proposal.legs[1].tax == (gain + loss) / 5
    assert proposal.gap_bps < 1


def test_a_households_tracking_error_is_capped_whatever_the_tax():
    """High gains and a loose setting would leave it off target; the cap makes it pay the tax (X14)."""
    household = taxed_pair()
    household = replace(household, tracking=household.tracking.LOOSE)
    free = analyze_household(household)
    capped = analyze_household(replace(household, tracking_error_limit=Decimal("0.02")))

    assert free.after.tracking_error > Decimal("0.025")
    assert capped.after.tracking_error <= Decimal("0.02")
    assert capped.tax > free.tax
    assert capped.gap_bps < 1


def test_a_cap_that_cannot_be_reached_is_a_conflict_with_what_can():
    frozen = {SecurityId("AAA"): "HALTED"}
    member = a_member("I", MARKET, MODEL, lots=(a_lot("AAA", "495", "50"),), cash="500", registration=IRA)
    household = a_household(MARKET, MODEL, replace(member, frozen=frozen))

    proposal = analyze_household(replace(household, tracking_error_limit=Decimal("0.01")))

    assert proposal.outcome is AnalysisOutcome.CONFLICT
    assert "to be at most 1.00 %, but no trades that the accounts' rules allow were found to bring it" in proposal.note


def test_what_one_account_holds_elsewhere_counts_towards_the_households_target():
    """$50,000 of BBB at another custodian: the two IRAs' $99,000 of AAA need $24,500 sold, not $49,500."""
    household = two_iras()
    away = replace(household.accounts[0], held_away=(HeldAway(SecurityId("BBB"), Decimal(50_000)),))
    proposal = analyze_household(replace(household, accounts=(away, household.accounts[1])))

    assert Decimal(24_000) < sold(proposal, 0) + sold(proposal, 1) < Decimal(25_000)
    assert proposal.after.max_drift < Decimal("0.005")


def test_a_tilt_of_one_account_is_followed_there():
    """Both names are at target. AAA is expected to return 5 % more: J alone buys more of it."""
    lots = (a_lot("AAA", "247", "100"), a_lot("BBB", "248", "100"))
    tilted = AccountSettings(tilts={SecurityId("AAA"): Decimal("0.05")})
    plain = a_member("I", MARKET, MODEL, lots=lots, cash="500", registration=IRA)
    fond = a_member("J", MARKET, MODEL, lots=lots, cash="500", registration=IRA, settings=tilted)

    proposal = analyze_household(a_household(MARKET, MODEL, plain, fond))

    assert {(each.security_id, each.side) for each in proposal.legs[1].trades} >= {("AAA", Side.BUY)}
    assert not any(each.security_id == "AAA" and each.side is Side.BUY for each in proposal.legs[0].trades)


def test_a_forced_harvest_that_falls_short_is_noted_on_its_leg():
    harvest = ForcedHarvest(Decimal(5000), MARKET.as_of.replace(month=12))
    proposal = analyze_household(taxed_pair(forced_harvest=harvest))

    assert "$5,000.00 are missing" in proposal.legs[0].note
    assert sum((leg.long_term_gain for leg in proposal.legs[:1]), Decimal(0)) <= 0


def test_an_overdrawn_account_sells_what_the_household_buys():
    """J owes $300 and holds only BBB, of which the household has too little: J sells some, I buys."""
    rich = a_member("I", MARKET, MODEL, lots=(a_lot("AAA", "495", "50"),), cash="500", registration=IRA)
    overdrawn = a_member("J", MARKET, MODEL, lots=(a_lot("BBB", "100", "50"),), cash="-300")

    proposal = analyze_household(a_household(MARKET, MODEL, rich, overdrawn))

    assert proposal.outcome is AnalysisOutcome.OPTIMAL
    assert {(each.security_id, each.side) for each in proposal.legs[1].trades} == {("BBB", Side.SELL)}
    assert proposal.legs[1].after.cash >= 0
    (sale,) = proposal.legs[1].trades
    assert sale.reasons[0].code is ReasonCode.CASH_NEED
    assert sale.reasons[0].sentence.startswith(
        "BBB is sold in account J, whose cash of -$300.00 must be $0.00 at least."
    )
    assert ("BBB", Side.BUY) in {(each.security_id, each.side) for each in proposal.legs[0].trades}


def test_an_account_worth_less_than_nothing_is_refused():
    household = two_iras()
    owing = a_member("K", MARKET, MODEL, lots=(a_lot("BBB", "1", "50"),), cash="-300")

    with pytest.raises(InvalidAnalysisInput, match="account K is worth less than nothing"):
        analyze_household(replace(household, accounts=(*household.accounts, owing)))


def test_a_withdrawal_may_sell_what_recent_purchases_wash():
    """All of T's AAA stand at a loss that J's purchase of 500 shares a week ago washes; T owes $20,000."""
    bought = WashWindows(purchases=(a_window("AAA", MARKET.as_of, "500", account_id="J"),))
    owes = AccountSettings(cash_needs=(CashNeed(Decimal(20_000), MARKET.as_of),))
    payer = a_member(
        "T", MARKET, MODEL, lots=(a_lot("AAA", "495", "120"),), cash="500", settings=owes, wash_windows=bought
    )
    other = a_member("J", MARKET, MODEL, lots=(a_lot("BBB", "495", "100"),), cash="500", registration=IRA)

    proposal = analyze_household(a_household(MARKET, MODEL, payer, other))

    assert proposal.legs[0].after.cash >= 20_000
    assert proposal.legs[0].tax == 0


def test_a_window_that_one_account_has_opened_holds_for_all():
    """Only T's snapshot names the loss sale of AAA: J may not buy it either."""
    window = WashWindows(loss_sales=(a_window("AAA", MARKET.as_of, account_id="T"),))
    seller = a_member("T", MARKET, MODEL, lots=(a_lot("BBB", "495", "100"),), cash="500", wash_windows=window)
    buyer = a_member("J", MARKET, MODEL, cash="50000", registration=IRA)

    proposal = analyze_household(a_household(MARKET, MODEL, seller, buyer))

    assert "AAA" not in {each.security_id for leg in proposal.legs for each in leg.trades}


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda each: replace(each, tax_year=TaxYear()), "a tax year of its own"),
        (lambda each: _with(each, tracking_error_limit=Decimal("0.02")), "a tracking error limit of its own"),
    ],
)
def test_what_the_joint_analysis_does_not_keep_is_refused_by_name(fault, message: str):
    household = two_iras()
    household = replace(household, accounts=(fault(household.accounts[0]), household.accounts[1]))

    with pytest.raises(InvalidAnalysisInput, match=f"account I has {message}"):
        analyze_household(household)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tracking_error_limit": Decimal(0)}, "the tracking error limit is 0"),
        ({"tracking_error_limit": Decimal("NaN")}, "the tracking error limit is NaN"),
        ({"tax_year": TaxYear(ordinary_rate=Decimal(2))}, "the ordinary rate is 2"),
    ],
)
def test_figures_of_the_household_that_cannot_be_are_refused(changes: dict[str, object], message: str):
    with pytest.raises(InvalidAnalysisInput, match=message):
        analyze_household(replace(two_iras(), **changes))  # type: ignore[arg-type]


def test_accounts_of_different_rates_do_not_net_in_one_year():
    household = taxed_pair(long_term_rate=Decimal("0.15"))

    with pytest.raises(InvalidAnalysisInput, match="different tax rates"):
        analyze_household(replace(household, tax_year=TaxYear()))


def _with(account, **changes: object):
    return replace(account, settings=replace(account.settings, **changes))


# --- the checker --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forged", "message"),
    [
        (lambda each: replace(each, tax=each.tax - 1), "the household's tax is"),
        (lambda each: replace(each, turnover=each.turnover / 2), "the household's turnover is"),
        (
            lambda each: replace(each, after=replace(each.after, tracking_error=Decimal(0))),
            "the household's tracking error after is",
        ),
        (
            lambda each: replace(each, after=replace(each.after, max_drift=Decimal(0))),
            "the household's largest drift after is",
        ),
        (lambda each: replace(each, before=replace(each.before, cash=Decimal(0))), "the household's cash before is"),
    ],
)
def test_the_checker_computes_the_households_figures_anew(forged, message: str):
    household = replace(taxed_pair(), tax_year=TaxYear())
    proposal = analyze_household(household)

    with pytest.raises(ProposalRejected, match=message):
        check_household(household, forged(proposal))


def test_the_checker_refuses_a_list_above_the_cap():
    household = replace(taxed_pair(), tracking=taxed_pair().tracking.LOOSE)
    proposal = analyze_household(household)

    with pytest.raises(ProposalRejected, match=r"the household's tracking error of .* is above its limit of 0\.01"):
        check_household(replace(household, tracking_error_limit=Decimal("0.01")), proposal)
