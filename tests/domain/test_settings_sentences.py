"""Settings read as sentences."""

from datetime import date
from decimal import Decimal

from trimtab.domain.account_settings import (
    AccountSettings,
    CashNeed,
    Harvesting,
    Restriction,
    RestrictionKind,
    TaxSensitivity,
    Tracking,
    WeightBand,
)
from trimtab.domain.accounts import Account, AccountId, HouseholdId, ModelId, PersonId, Registration
from trimtab.domain.securities import SecurityId
from trimtab.domain.settings_sentences import settings_sentences


def an_account(registration: Registration = Registration.INDIVIDUAL, *, discretionary: bool = True) -> Account:
    return Account(
        AccountId("A1"),
        HouseholdId("H1"),
        PersonId("adv-1"),
        "CORE",
        registration,
        ModelId("balanced"),
        discretionary=discretionary,
    )


def test_the_settings_that_every_account_starts_with_read_as_five_sentences_and_the_smallest_trade():
    assert settings_sentences(an_account(), AccountSettings()) == [
        "Trades without asking the client.",
        "Follows its model at a moderate distance.",
        "Weighs the tax on a gain against what the trade brings; taxed at 35 % short-term and 20 % long-term.",
        "Realises losses when it costs little.",
        "Keeps 1 % in cash.",
        "Makes no trade below $250, unless it closes a position.",
    ]


def test_everything_that_is_set_has_a_sentence_with_symbols_and_reasons():
    told = settings_sentences(
        an_account(discretionary=False),
        AccountSettings(
            tracking=Tracking.TIGHT,
            tax_sensitivity=TaxSensitivity.HIGH,
            harvesting=Harvesting.OFF,
            short_term_rate=Decimal("0.408"),
            long_term_rate=Decimal("0.238"),
            cash_target=Decimal("0.005"),
            cash_reserve=Decimal("12500.50"),
            cash_needs=(CashNeed(Decimal(40_000), date(2026, 4, 15)),),
            minimum_trade=Decimal(0),
            commission=Decimal("4.95"),
            restrictions=(Restriction(RestrictionKind.NEVER_SELL, SecurityId("S1"), "founder's shares"),),
            weight_bands={SecurityId("S2"): WeightBand(Decimal("0.02"), Decimal("0.10"))},
        ),
        {SecurityId("S1"): "ACME"},
    )
    assert told == [
        "Trades only with the client's consent.",
        "Follows its model closely.",
        "Avoids realising gains; taxed at 40.8 % short-term and 23.8 % long-term.",
        "Does not realise losses on purpose.",
        "Keeps 0.5 % in cash.",
        "Holds back $12,500.50 that must not be invested.",
        "Needs $40,000 in cash on 2026-04-15.",
        "Pays $4.95 commission an order.",
        "Never sells ACME (founder's shares).",
        "Holds 2 % to 10 % of S2.",
    ]


def test_an_account_without_tax_says_so_instead_of_its_rates():
    told = settings_sentences(an_account(Registration.ROTH_IRA), AccountSettings())
    assert "Pays no tax on gains." in told
    assert not any("taxed at" in sentence or "losses" in sentence for sentence in told)
