"""What the profile says becomes the settings that the optimizer reads."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from trimtab.domain.account_settings import (
    AccountSettings,
    CashNeed,
    ForcedHarvest,
    GroupBand,
    GroupKind,
    Harvesting,
    HarvestSeason,
    Restriction,
    RestrictionKind,
    TaxSensitivity,
    Tracking,
    WeightBand,
)
from trimtab.domain.profile.applied import ProfileFacts, applied
from trimtab.domain.profile.distributions import required_distribution
from trimtab.domain.profile.levels import Layer, LayerKey, Said, effective
from trimtab.domain.profile.registry import LANGUAGE
from trimtab.domain.profile.statements import Level
from trimtab.domain.restriction_lists import ListRule, RestrictionList
from trimtab.domain.securities import SecurityId, SecurityKind

IBM = SecurityId("IBM")
ON = date(2026, 5, 4)
FACTS = ProfileFacts(
    ON, account_value=Decimal(500_000), settled_cash=Decimal(5_000), prices={IBM: Decimal(250)}, tier="GOLD"
)


def with_profile(*sentences: str, facts: ProfileFacts = FACTS, base: AccountSettings | None = None) -> AccountSettings:
    said = [LANGUAGE.parse(sentence) for sentence in sentences]
    layer = Layer(LayerKey(Level.ACCOUNT, "A1"), {LANGUAGE.place(each): Said(each, 1) for each in said})
    return applied(base or AccountSettings(), effective([layer]), facts)


def test_without_a_decision_the_files_settings_stay():
    base = AccountSettings(cash_target=Decimal("0.07"))

    assert applied(base, effective([]), FACTS) is base


@pytest.mark.parametrize(
    ("sentence", "changed"),
    [
        ("Follow the target closely.", {"tracking": Tracking.TIGHT}),
        ("Keep tracking error at or below 3 % a year.", {"tracking_error_limit": Decimal("0.03")}),
        ("Hold at most 150 securities.", {"maximum_names": 150}),
        ("Keep 2 % in cash.", {"cash_target": Decimal("0.02")}),
        ("Hold back $12,500 that must not be invested.", {"cash_reserve": Decimal(12_500)}),
        ("Make no trade below $900, unless it closes a position.", {"minimum_trade": Decimal(900)}),
        ("Leave no position smaller than $400.", {"minimum_holding": Decimal(400)}),
        ("Pay $4.95 for each order.", {"commission": Decimal("4.95")}),
        ("Tax short-term gains at 40.8 %.", {"short_term_rate": Decimal("0.408")}),
        ("Tax long-term gains at 23.8 %.", {"long_term_rate": Decimal("0.238")}),
        ("Weigh the tax on gains in full.", {"tax_sensitivity": TaxSensitivity.HIGH}),
        ("Harvest losses eagerly.", {"harvesting": Harvesting.AGGRESSIVE}),
        (
            "Harvest losses of 20 % of basis in January, falling to 5 % by December.",
            {"harvest_season": HarvestSeason(Decimal("0.2"), Decimal("0.05"))},
        ),
        ("Turn over at most 10 % in one rebalance.", {"turnover_limit": Decimal("0.1")}),
        ("Never buy IBM.", {"restrictions": (Restriction(RestrictionKind.NEVER_BUY, IBM),)}),
        ("Never sell IBM.", {"restrictions": (Restriction(RestrictionKind.NEVER_SELL, IBM),)}),
        ("Never hold IBM.", {"restrictions": (Restriction(RestrictionKind.NEVER_HOLD, IBM),)}),
        ("Never trade IBM.", {"restrictions": (Restriction(RestrictionKind.NEVER_TRADE, IBM),)}),
        ("Hold 2 % to 10 % of IBM.", {"weight_bands": {IBM: WeightBand(Decimal("0.02"), Decimal("0.1"))}}),
        # 100 shares of 250 dollars are 25,000 of 500,000 dollars
        ("Own at least 100 shares of IBM.", {"weight_bands": {IBM: WeightBand(Decimal("0.05"))}}),
        ("Expect IBM to return -1.5 % a year beyond its risk.", {"tilts": {IBM: Decimal("-0.015")}}),
        (
            "Hold 0 % to 25 % in sector Consumer Staples.",
            {"group_bands": (GroupBand(GroupKind.SECTOR, "Consumer Staples", Decimal(0), Decimal("0.25")),)},
        ),
        (
            "Hold 30 % to 60 % in asset class US_LARGE.",
            {"group_bands": (GroupBand(GroupKind.ASSET_CLASS, "US_LARGE", Decimal("0.3"), Decimal("0.6")),)},
        ),
        ("Sell no lot younger than 30 days.", {"minimum_holding_days": 30}),
        ("Pay out $40,000 on 2026-05-14.", {"cash_needs": (CashNeed(Decimal(40_000), date(2026, 5, 14)),)}),
        ("Pay out $40,000 on 2026-05-15.", {}),  # eleven days away: cash is raised ten days before
        ("Pay out $2,000 on day 10 of every month.", {"cash_needs": (CashNeed(Decimal(2_000), date(2026, 5, 10)),)}),
        ("Set no limit on turnover.", {"turnover_limit": None}),
    ],
)
@pytest.mark.covers("C1")
def test_a_sentence_becomes_its_field_of_the_settings(sentence: str, changed: dict[str, object]):
    assert with_profile(sentence) == replace(AccountSettings(), **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sentence", "left"),
    [
        ("Cause at most $12,000 of tax a year, released all at once.", 11_000),
        ("Cause at most $12,000 of tax a year, released quarter by quarter.", 5_000),  # May: two of four quarters
        ("Cause at most $12,000 of tax a year, released month by month.", 4_000),  # five of twelve months
        ("Cause tax of at most 2 % of the account's value a year, released all at once.", 9_000),
    ],
)
@pytest.mark.covers("X3")
def test_a_tax_budget_is_what_is_left_of_what_was_released(sentence: str, left: int):
    """2,000 of short-term gains at 35 % and 1,500 of long-term gains at 20 % have caused 1,000 of tax this year."""
    facts = replace(FACTS, short_term_realised=Decimal(2_000), long_term_realised=Decimal(1_500))

    assert with_profile(sentence, facts=facts).tax_budget == left


def test_losses_of_one_term_lower_the_tax_on_gains_of_the_other():
    """6,000 long-term less 1,000 short-term losses: 5,000 at 20 % is 1,000."""
    facts = replace(FACTS, short_term_realised=Decimal(-1_000), long_term_realised=Decimal(6_000))

    budget = with_profile("Cause at most $3,000 of tax a year, released all at once.", facts=facts).tax_budget

    assert budget == 2_000


@pytest.mark.covers("X4")
def test_a_forced_harvest_asks_for_what_is_missing_and_then_preserves_it():
    sentence = "Realise $20,000 of net losses and preserve them until 2026-12-31."
    begun = replace(FACTS, short_term_realised=Decimal(-8_000))
    done = replace(FACTS, short_term_realised=Decimal(-21_000))
    over = replace(FACTS, on=date(2027, 1, 4))

    assert with_profile(sentence, facts=begun).forced_harvest == ForcedHarvest(Decimal(12_000), date(2026, 12, 31))
    assert with_profile(sentence, facts=done).forced_harvest is None
    assert with_profile(sentence, facts=done).gain_budget == 0
    assert with_profile(sentence, facts=over) == AccountSettings()


def test_tax_withheld_raises_the_cash_for_a_payment():
    """10,000 net at 20 % withheld are 12,500."""
    settings = with_profile("Pay out $10,000 on 2026-05-08.", "Withhold 20 % of every payment for tax.")

    assert settings.cash_needs == (CashNeed(Decimal(12_500), date(2026, 5, 8)),)


@pytest.mark.parametrize(
    ("born", "year", "balance", "expected"),
    [
        (date(1953, 6, 1), 2026, "500000", "18867.92"),  # 73: / 26.5
        (date(1951, 6, 1), 2026, "812345.67", "33022.18"),  # 75: / 24.6
        (date(1954, 6, 1), 2026, "500000", "0"),  # 72: born in 1954 it starts at 73
        (date(1960, 1, 1), 2034, "500000", "0"),  # 74: born in 1960 it starts at 75
        (date(1960, 1, 1), 2035, "24600", "1000.00"),
        (date(1900, 1, 1), 2026, "200", "100.00"),
    ],
)
def test_a_required_distribution_is_the_balance_over_the_uniform_lifetime_period(born, year, balance, expected):
    assert required_distribution(born, year, Decimal(balance)) == Decimal(expected)


def test_a_required_distribution_is_a_payment():
    sentence = (
        "Pay out by 2026-05-11 the required minimum distribution of an owner born on 1953-06-01"
        " who had $500,000 at the end of the year before."
    )

    assert with_profile(sentence).cash_needs == (CashNeed(Decimal("18867.92"), date(2026, 5, 11)),)


SCHEDULE = (
    "Pay $9 for each order of any security in tier ANY at custodian ANY.",
    "Pay $4 for each order of any security in tier GOLD at custodian ANY.",
    "Pay $2 for each order of an ETF in tier GOLD at custodian ANY.",
    "Pay $1 for each order of an ETF in tier GOLD at custodian Schwab.",
)


@pytest.mark.parametrize(
    ("tier", "more", "stock", "etf", "fund"),
    [
        ("BRONZE", (), "9", "9", "9"),
        ("GOLD", (), "4", "2", "4"),
        ("GOLD", ("The account is held at custodian Schwab.",), "4", "1", "4"),
        ("BRONZE", ("Pay $0 for each order of a fund in tier ANY at custodian Schwab.",), "9", "9", "9"),
        ("GOLD", ("Pay $7 for each order.",), "7", "7", "7"),  # a price for each order goes before the schedule
    ],
)
def test_the_schedules_closest_row_is_the_price_of_an_order_of_each_kind(tier, more, stock, etf, fund):
    settings = with_profile(*SCHEDULE, *more, facts=replace(FACTS, tier=tier))

    prices = [settings.commission_of(kind) for kind in (SecurityKind.STOCK, SecurityKind.ETF, SecurityKind.FUND)]
    assert prices == [Decimal(stock), Decimal(etf), Decimal(fund)]


def test_a_kind_that_no_row_prices_pays_what_the_file_says():
    file = AccountSettings(commission=Decimal("4.95"))

    settings = with_profile("Pay $20 for each order of a fund in tier ANY at custodian ANY.", base=file)

    assert settings.commission == settings.commission_of(SecurityKind.ETF) == Decimal("4.95")
    assert settings.commission_by_kind == {SecurityKind.FUND: Decimal(20)}
    assert settings.dearest_commission == 20


def test_a_price_of_each_order_lifts_the_schedule_that_the_day_began_with():
    """As when an account is analysed again under other settings."""
    day = with_profile("Pay $20 for each order of a fund in tier ANY at custodian ANY.")

    assert with_profile("Pay $7 for each order.", base=day) == AccountSettings(commission=Decimal(7))


def test_one_price_of_all_kinds_is_no_schedule():
    kinds = ("a stock", "an ETF", "a fund")
    rows = (f"Pay $3 for each order of {kind} in tier ANY at custodian ANY." for kind in kinds)

    assert with_profile(*rows) == AccountSettings(commission=Decimal(3))


@pytest.mark.covers("X6")
def test_a_plan_waits_its_days_unless_a_payment_needs_cash():
    plan = ("Turn over at most 10 % in one rebalance.", "Wait 30 days between rebalances.", "Never hold IBM.")
    traded = replace(FACTS, last_traded_on=date(2026, 4, 5))  # 29 days ago

    waiting = with_profile(*plan, facts=traded)
    again = with_profile(*plan, facts=replace(traded, last_traded_on=date(2026, 4, 4)))
    paying = with_profile(*plan, "Pay out $1,000 on 2026-05-08.", facts=traded)

    assert (waiting.turnover_limit, waiting.restricted(RestrictionKind.NEVER_HOLD)) == (0, frozenset())
    assert waiting.restricted(RestrictionKind.NEVER_BUY) == {IBM}
    assert again.turnover_limit == paying.turnover_limit == Decimal("0.1")


def test_a_paused_account_asks_for_nothing():
    paused = with_profile("Do not trade before 2026-05-05.", "Pay out $1,000 on 2026-05-08.", "Hold 2 % to 9 % of IBM.")

    assert (paused.turnover_limit, paused.cash_needs, paused.weight_bands) == (0, (), {})
    assert with_profile("Do not trade before 2026-05-04.") == AccountSettings()


TOBACCO = RestrictionList("Tobacco", 3, date(2026, 4, 30), (SecurityId("MO"), SecurityId("PM")), by_choice=True)
LISTED = replace(FACTS, lists={"Tobacco": TOBACCO})


@pytest.mark.covers("X1")
def test_a_screen_bars_what_is_on_its_list_today_and_says_which_version():
    no_buys, sold = (
        with_profile(sentence, facts=LISTED)
        for sentence in ("Buy nothing on list Tobacco.", "Buy nothing on list Tobacco, and sell what is held.")
    )

    assert no_buys.restricted(RestrictionKind.NEVER_BUY) == {"MO", "PM"}
    assert sold.restricted(RestrictionKind.NEVER_HOLD) == {"MO", "PM"}
    assert {rule.reason for rule in sold.restrictions} == {"list Tobacco, version 3 of 2026-04-30"}
    assert with_profile("Do not screen by list Tobacco.", facts=LISTED).restrictions == ()


@pytest.mark.covers("D4")
def test_what_a_client_wishes_cannot_undo_a_list_that_binds_the_account():
    bound = replace(LISTED, bound={"Tobacco": ListRule.NEVER_HOLD})

    for wish in ("Do not screen by list Tobacco.", "Buy nothing on list Tobacco.", "Keep 3 % in cash."):
        assert with_profile(wish, facts=bound).restricted(RestrictionKind.NEVER_HOLD) == {"MO", "PM"}
    assert applied(AccountSettings(), effective([]), bound).restricted(RestrictionKind.NEVER_HOLD) == {"MO", "PM"}


def test_what_the_account_never_sells_no_list_sells():
    """Neither a list that binds it nor one that it screens by: the name is only no longer bought."""
    wishes = ("Never sell MO.", "Buy nothing on list Tobacco, and sell what is held.")

    settings = with_profile(*wishes, facts=LISTED)

    assert settings.restricted(RestrictionKind.NEVER_HOLD) == {"PM"}
    assert settings.restricted(RestrictionKind.NEVER_BUY) == {"MO"}


def test_a_paused_account_sells_nothing_for_a_list():
    bound = replace(LISTED, bound={"Tobacco": ListRule.NEVER_HOLD})

    paused = with_profile("Do not trade before 2026-05-05.", facts=bound)

    assert paused.restricted(RestrictionKind.NEVER_HOLD) == set()
    assert paused.restricted(RestrictionKind.NEVER_BUY) == {"MO", "PM"}
