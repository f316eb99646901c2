"""Rules that cannot all be kept are an outcome with a note in the user's words, never an exception."""

from datetime import date
from decimal import Decimal

import pytest

from tests.optimizer.accounts import LAST_YEAR, a_lot, a_market, a_model, a_rule, a_security, a_window, an_input
from trimtab.domain.account_settings import AccountSettings, CashNeed, RestrictionKind, WeightBand
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.proposals import AnalysisOutcome
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput, WashWindows

AAA = SecurityId("AAA")


def an_account(settings: AccountSettings, **changes: object) -> AnalysisInput:
    """$100,000: AAA 60 %, BBB 39 %, cash 1 %."""
    market = a_market({"AAA": "100", "BBB": "50"})
    lots = (a_lot("AAA", "600", "80"), a_lot("BBB", "780", "45"))
    arguments: dict[str, object] = {"lots": lots, "cash": "1000", **changes}
    return an_input(market, a_model({"AAA": "0.6", "BBB": "0.4"}), settings=settings, **arguments)  # type: ignore[arg-type]


NEVER_BUY, NEVER_SELL, NEVER_HOLD, NEVER_TRADE = (a_rule(kind, "AAA") for kind in RestrictionKind)


@pytest.mark.parametrize(
    ("settings", "note"),
    [
        (
            AccountSettings(weight_bands={AAA: WeightBand(Decimal("0.05"), Decimal("0.03"))}),
            "The smallest weight of AAA (5.00 %) is above its largest (3.00 %).",
        ),
        (
            AccountSettings(weight_bands={AAA: WeightBand(Decimal("0.8"))}, restrictions=(NEVER_BUY,)),
            "AAA is 60.00 % of the account and must be at least 80.00 %, yet must never be bought.",
        ),
        (
            AccountSettings(weight_bands={AAA: WeightBand(maximum=Decimal("0.5"))}, restrictions=(NEVER_SELL,)),
            "AAA is 60.00 % of the account and must be at most 50.00 %, yet must never be sold.",
        ),
        (
            AccountSettings(weight_bands={AAA: WeightBand(Decimal("0.1"))}, restrictions=(NEVER_HOLD,)),
            "AAA must be at least 10.00 % of the account, yet must never be held.",
        ),
        (
            AccountSettings(restrictions=(NEVER_HOLD, NEVER_SELL)),
            "AAA is 60.00 % of the account and must never be held, yet must never be sold.",
        ),
        (
            AccountSettings(cash_needs=(CashNeed(Decimal(60000), date(2026, 3, 6)),), restrictions=(NEVER_SELL,)),
            "The rules ask for withdrawals of $60,000.00, but at most $39,992.20 of cash can be had: "
            "AAA must never be sold.",
        ),
        (
            AccountSettings(cash_reserve=Decimal(200000)),
            "The rules ask for a cash reserve of $200,000.00, but at most $99,980.20 of cash can be had.",
        ),
    ],
)
def test_the_note_names_the_rules_that_clash(settings: AccountSettings, note: str):
    proposal = analyze(an_account(settings))

    assert (proposal.outcome, proposal.note) == (AnalysisOutcome.CONFLICT, note)
    assert proposal.is_empty


def test_rules_that_do_not_bind_do_not_clash():
    """AAA is above its smallest weight, so that it must not be bought harms nothing."""
    settings = AccountSettings(weight_bands={AAA: WeightBand(Decimal("0.5"))}, restrictions=(NEVER_BUY,))

    assert analyze(an_account(settings)).outcome is AnalysisOutcome.NO_TRADE


def test_what_a_freeze_holds_back_is_named():
    settings = AccountSettings(cash_needs=(CashNeed(Decimal(60000), date(2026, 3, 6)),))

    proposal = analyze(an_account(settings, frozen={"AAA": "PRICE_STALE"}))

    assert proposal.note.endswith("at most $39,992.20 of cash can be had: AAA cannot trade today.")


def test_a_band_that_a_wash_sale_window_keeps_from_being_cured_is_no_conflict():
    settings = AccountSettings(weight_bands={AAA: WeightBand(Decimal("0.8"))})
    windows = WashWindows(loss_sales=(a_window("AAA", date(2026, 2, 21)),))

    assert analyze(an_account(settings, wash_windows=windows)).outcome is not AnalysisOutcome.CONFLICT


def test_one_wash_group_that_must_be_sold_at_a_loss_and_bought_is_a_conflict():
    twins = {each: a_security(each, wash_group="TWINS") for each in ("AAA", "BBB")}
    market = a_market({"AAA": "100", "BBB": "50"}, securities=twins)
    settings = AccountSettings(weight_bands={SecurityId("BBB"): WeightBand(Decimal("0.3"))}, restrictions=(NEVER_HOLD,))
    lots = (a_lot("AAA", "990", "120", LAST_YEAR),)
    request = an_input(market, a_model({"AAA": "0.5", "BBB": "0.5"}), lots=lots, cash="1000", settings=settings)

    proposal = analyze(request)

    assert proposal.note == "AAA and BBB would have to be sold at a loss and bought on one day, which is a wash sale."


def test_a_need_that_only_fractions_of_shares_could_meet_is_a_conflict():
    """$10,000 of one $10,000 share, $500 wanted: the share goes. Half a share cannot."""
    market = a_market({"AAA": "10000"})
    settings = AccountSettings(cash_needs=(CashNeed(Decimal(500), date(2026, 3, 6)),))
    whole = an_input(market, a_model({"AAA": "1"}), lots=(a_lot("AAA", "1", "9000"),), settings=settings)
    half = an_input(market, a_model({"AAA": "1"}), lots=(a_lot("AAA", "0.5", "9000"),), settings=settings)

    assert analyze(whole).after.cash >= 500
    assert analyze(half).outcome is AnalysisOutcome.CONFLICT
