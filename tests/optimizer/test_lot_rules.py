"""Rules on single lots and securities: never trade, young lots, redemption fees, round lots, smallest positions."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from tests.optimizer.accounts import LAST_YEAR, a_lot, a_market, a_model, a_rule, a_security, an_input
from trimtab.domain.account_settings import AccountSettings, CashNeed, RestrictionKind, WeightBand
from trimtab.domain.accounts import Registration
from trimtab.domain.lots import TaxLot
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.orders import Side
from trimtab.domain.proposals import AnalysisOutcome, RebalanceProposal, WhyNot, WhyNotCode
from trimtab.domain.securities import Security, SecurityId
from trimtab.domain.snapshots import AnalysisInput

AAA, BBB, CCC = SecurityId("AAA"), SecurityId("BBB"), SecurityId("CCC")
TEN_DAYS_AGO = date(2026, 2, 21)


def drifted(
    settings: AccountSettings | None = None,
    *lots: TaxLot,
    securities: dict[str, Security] | None = None,
    cash: str = "1000",
    weights: dict[str, str] | None = None,
) -> AnalysisInput:
    """An IRA of $100,000 without common risk: AAA 69 % (target 49.5 %) and BBB 30 % (target 49.5 %) at $100."""
    market = a_market({"AAA": "100", "BBB": "100", "CCC": "100"}, securities=securities, market_risk=0.0)
    held = lots or (a_lot("AAA", "690", "80"), a_lot("BBB", "300", "80"))
    model = a_model(weights or {"AAA": "0.5", "BBB": "0.5"})
    return an_input(market, model, lots=held, cash=cash, settings=settings, registration=Registration.ROTH_IRA)


def quantities(proposal: RebalanceProposal) -> dict[str, Decimal]:
    """Shares by security: buys above zero, sales below."""
    return {each.security_id: each.quantity if each.side is Side.BUY else -each.quantity for each in proposal.trades}


def why_not(proposal: RebalanceProposal, security_id: str) -> WhyNot:
    (told,) = [each for each in proposal.why_nots if each.security_id == security_id]
    return told


def test_without_these_rules_195_shares_move():
    """Less the 9 bp that the costs are worth: 1.6 * x = 0.0014, x = 0.09 % of the account, a share."""
    assert quantities(analyze(drifted())) == {"AAA": Decimal(-194), "BBB": Decimal(194)}


def test_a_name_never_to_be_traded_is_neither_sold_nor_bought():
    rules = (a_rule(RestrictionKind.NEVER_TRADE, "AAA"), a_rule(RestrictionKind.NEVER_TRADE, "BBB"))
    proposal = analyze(drifted(AccountSettings(restrictions=rules)))

    assert proposal.outcome is AnalysisOutcome.NO_TRADE
    assert why_not(proposal, "AAA").code is WhyNotCode.NEVER_SELL
    assert why_not(proposal, "BBB").code is WhyNotCode.NEVER_BUY
    assert why_not(proposal, "AAA").sentence == (
        "AAA stays 19.50 % above its target because the account must never trade it."
    )


def test_never_trade_and_a_band_that_asks_for_a_sale_clash():
    settings = AccountSettings(
        restrictions=(a_rule(RestrictionKind.NEVER_TRADE, "AAA"),),
        weight_bands={AAA: WeightBand(maximum=Decimal("0.5"))},
    )

    assert analyze(drifted(settings)).outcome is AnalysisOutcome.CONFLICT


def test_own_at_least_stops_the_sale_at_the_smallest_weight():
    """AAA may fall from 69 % to 60 %: 90 shares go, and buy 90 of BBB."""
    settings = AccountSettings(weight_bands={AAA: WeightBand(minimum=Decimal("0.6"))})

    assert quantities(analyze(drifted(settings)))["AAA"] == -90


def test_own_at_least_buys_a_name_outside_the_model():
    settings = AccountSettings(weight_bands={CCC: WeightBand(minimum=Decimal("0.1"))})

    assert quantities(analyze(drifted(settings)))["CCC"] == 100


# Young lots.


def test_a_lot_is_sold_on_the_day_on_which_it_is_old_enough_and_not_before():
    """Bought on 2026-02-21, ten days before 2026-03-03."""
    lots = (a_lot("AAA", "690", "80", TEN_DAYS_AGO), a_lot("BBB", "300", "80"))

    assert quantities(analyze(drifted(AccountSettings(minimum_holding_days=10), *lots)))["AAA"] == -194
    proposal = analyze(drifted(AccountSettings(minimum_holding_days=11), *lots))
    assert "AAA" not in quantities(proposal)
    assert why_not(proposal, "AAA").code is WhyNotCode.HOLDING_PERIOD
    assert why_not(proposal, "AAA").sentence == (
        "AAA stays 19.50 % above its target because the account sells no lot younger than 11 days; "
        "the first may be sold from 2026-03-04."
    )


def test_a_name_never_to_be_held_stays_while_its_lots_are_too_young_and_nothing_else_waits_for_it():
    """AAA may be sold from 2026-03-23; with the cash that is there BBB is bought."""
    lots = (a_lot("AAA", "300", "80", TEN_DAYS_AGO), a_lot("BBB", "300", "80"))
    settings = AccountSettings(minimum_holding_days=30, restrictions=(a_rule(RestrictionKind.NEVER_HOLD, "AAA"),))

    proposal = analyze(drifted(settings, *lots, cash="40000", weights={"BBB": "1"}))

    assert proposal.outcome is AnalysisOutcome.OPTIMAL
    assert "AAA" not in quantities(proposal)
    assert quantities(proposal)["BBB"] > 300
    assert why_not(proposal, "AAA").code is WhyNotCode.HOLDING_PERIOD


def test_older_lots_are_sold_while_a_young_one_waits():
    lots = (a_lot("AAA", "600", "80", TEN_DAYS_AGO), a_lot("AAA", "90", "80"), a_lot("BBB", "300", "80"))
    proposal = analyze(drifted(AccountSettings(minimum_holding_days=30), *lots))

    assert quantities(proposal)["AAA"] == -90
    assert why_not(proposal, "AAA").sentence.endswith("the first may be sold from 2026-03-23.")


def test_a_fund_with_a_redemption_fee_keeps_its_young_lots():
    lots = (a_lot("AAA", "690", "80", TEN_DAYS_AGO), a_lot("BBB", "300", "80"))
    fund = {"AAA": a_security("AAA", redemption_days=90)}
    proposal = analyze(drifted(None, *lots, securities=fund))

    assert "AAA" not in quantities(proposal)
    assert why_not(proposal, "AAA").code is WhyNotCode.REDEMPTION_WINDOW
    assert "younger than 90 days would pay a redemption fee; the first may be sold from 2026-05-22" in (
        why_not(proposal, "AAA").sentence
    )


def test_the_longer_of_two_periods_counts():
    lots = (a_lot("AAA", "690", "80", TEN_DAYS_AGO), a_lot("BBB", "300", "80"))
    fund = {"AAA": a_security("AAA", redemption_days=9)}
    proposal = analyze(drifted(AccountSettings(minimum_holding_days=12), *lots, securities=fund))

    assert why_not(proposal, "AAA").code is WhyNotCode.HOLDING_PERIOD


def test_the_real_trade_date_counts_not_the_tax_date():
    """A wash sale moved the holding start back to last year; the shares were bought ten days ago all the same."""
    lot = replace(a_lot("AAA", "690", "80", TEN_DAYS_AGO), holding_start=LAST_YEAR)
    proposal = analyze(drifted(AccountSettings(minimum_holding_days=30), lot, a_lot("BBB", "300", "80")))

    assert "AAA" not in quantities(proposal)


def test_cash_that_young_lots_lock_up_is_a_conflict():
    lots = (a_lot("AAA", "990", "80", TEN_DAYS_AGO),)
    need = CashNeed(Decimal(20000), date(2026, 3, 6))
    settings = AccountSettings(minimum_holding_days=30, cash_needs=(need,))

    assert analyze(drifted(settings, *lots)).outcome is AnalysisOutcome.CONFLICT


# Round lots.


ROUND = {each: a_security(each, round_lot=100) for each in ("AAA", "BBB", "CCC")}


def test_trades_are_multiples_of_the_round_lot():
    """194 shares would move: 200 of AAA are sold, and 100 or 200 of BBB bought."""
    traded = quantities(analyze(drifted(securities=ROUND)))

    assert traded["AAA"] == -200
    assert traded["BBB"] % 100 == 0


def test_an_odd_holding_outside_the_model_is_sold_out():
    lots = (a_lot("AAA", "475", "80"), a_lot("BBB", "452", "80"), a_lot("CCC", "63", "80"))

    assert quantities(analyze(drifted(None, *lots, securities=ROUND)))["CCC"] == -63


def test_part_of_an_odd_holding_goes_in_round_lots():
    """137 shares are locked by their age, so 263 are for sale: 200 go, because it cannot be a sale of everything."""
    lots = (a_lot("CCC", "263", "80"), a_lot("CCC", "137", "80", TEN_DAYS_AGO), a_lot("BBB", "590", "80"))
    settings = AccountSettings(minimum_holding_days=30)

    assert quantities(analyze(drifted(settings, *lots, securities=ROUND)))["CCC"] == -200


def test_a_drift_of_less_than_a_round_lot_says_so():
    """AAA is 40 shares above its target of 495: a sale of 100 would miss it by more."""
    lots = (a_lot("AAA", "535", "80"), a_lot("BBB", "455", "80"))
    proposal = analyze(drifted(None, *lots, securities=ROUND))

    assert proposal.is_empty
    assert why_not(proposal, "AAA").code is WhyNotCode.ROUND_LOT
    assert why_not(proposal, "AAA").sentence == (
        "AAA stays 4.00 % above its target because it trades in round lots of 100 shares."
    )


def test_a_withdrawal_is_met_in_round_lots():
    """$20,000 of withdrawals, $1,000 of cash: 191 shares would do, 200 are sold."""
    settings = AccountSettings(cash_needs=(CashNeed(Decimal(20000), date(2026, 3, 6)),))
    proposal = analyze(drifted(settings, a_lot("AAA", "990", "80"), securities=ROUND, weights={"AAA": "1"}))

    assert quantities(proposal) == {"AAA": Decimal(-200)}


# The smallest position.


def test_a_sale_that_would_leave_a_crumb_leaves_nothing():
    """AAA's target is 2 % ($1,980): with positions of $5,000 at least it is sold out."""
    settings = AccountSettings(minimum_holding=Decimal(5000))
    lots = (a_lot("AAA", "190", "80"), a_lot("BBB", "800", "80"))

    proposal = analyze(drifted(settings, *lots, weights={"AAA": "0.02", "BBB": "0.98"}))

    assert quantities(proposal)["AAA"] == -190


def test_a_sale_stops_at_the_smallest_position_when_that_is_nearer():
    """AAA's target is 4 % ($3,960), the smallest position $5,000: 50 shares stay."""
    settings = AccountSettings(minimum_holding=Decimal(5000))
    lots = (a_lot("AAA", "190", "80"), a_lot("BBB", "800", "80"))

    proposal = analyze(drifted(settings, *lots, weights={"AAA": "0.04", "BBB": "0.96"}))

    assert quantities(proposal)["AAA"] == -140


@pytest.mark.parametrize(("weight", "bought"), [("0.02", None), ("0.04", Decimal(50))])
def test_a_purchase_reaches_the_smallest_position_or_is_left(weight: str, bought: Decimal | None):
    settings = AccountSettings(minimum_holding=Decimal(5000))
    lots = (a_lot("AAA", "990", "80"),)

    proposal = analyze(drifted(settings, *lots, weights={"AAA": str(1 - Decimal(weight)), "CCC": weight}))

    assert quantities(proposal).get("CCC") == bought


def test_a_small_position_that_nobody_trades_may_stay():
    """10 shares of CCC are on target; only a trade must not leave a position below the smallest."""
    settings = AccountSettings(minimum_holding=Decimal(5000))
    lots = (a_lot("AAA", "490", "80"), a_lot("BBB", "490", "80"), a_lot("CCC", "10", "80"))

    assert analyze(drifted(settings, *lots, weights={"AAA": "0.495", "BBB": "0.495", "CCC": "0.01"})).is_empty


def test_no_position_after_a_trade_is_below_the_smallest():
    """Every position traded ends at nothing or at $4,000 and more."""
    names = [f"S{number:02}" for number in range(12)]
    market = a_market(dict.fromkeys(names, "40"), market_risk=0.1)
    weights = {name: f"{(number + 1) / 78:.6f}" for number, name in enumerate(names)}
    weights["S11"] = f"{Decimal(weights['S11']) + 1 - sum(map(Decimal, weights.values()))}"
    lots = tuple(a_lot(name, str(60 + 37 * (number * 5 % 12)), "30") for number, name in enumerate(names))
    settings = AccountSettings(minimum_holding=Decimal(4000))
    request = an_input(market, a_model(weights), lots=lots, cash="3000", settings=settings)

    traded = quantities(analyze(request))

    left = {lot.security_id: (lot.quantity + traded.get(lot.security_id, Decimal(0))) * 40 for lot in lots}
    assert traded
    assert all(value == 0 or value >= 4000 for name, value in left.items() if name in traded)
