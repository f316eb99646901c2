"""Settings read as sentences."""

from datetime import date
from decimal import Decimal

import pytest

from trimtab.domain.account_settings import (
    AccountSettings,
    CashNeed,
    ForcedHarvest,
    GroupBand,
    GroupKind,
    Restriction,
    RestrictionKind,
    Tracking,
    WeightBand,
)
from trimtab.domain.accounts import Account, AccountId, HouseholdId, ModelId, PersonId, Registration
from trimtab.domain.profile.registry import LANGUAGE
from trimtab.domain.securities import SecurityId, SecurityKind
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


@pytest.mark.covers("N19")
def test_the_settings_that_every_account_starts_with_are_sentences_of_the_profile():
    told = settings_sentences(an_account(), AccountSettings())
    assert told == [
        "Trades without asking the client.",
        "Follow the target moderately.",
        "Keep 1 % in cash.",
        "Hold back $0 that must not be invested.",
        "Make no trade below $250, unless it closes a position.",
        "Pay $0 for each order.",
        "Tax short-term gains at 35 %.",
        "Tax long-term gains at 20 %.",
        "Weigh the tax on gains by half.",
        "Harvest losses when it costs little.",
    ]
    assert [LANGUAGE.render(LANGUAGE.parse(each)) for each in told[1:]] == told[1:]


def test_everything_that_is_set_has_a_sentence_with_symbols_and_reasons():
    told = settings_sentences(
        an_account(discretionary=False),
        AccountSettings(
            tracking=Tracking.TIGHT,
            cash_needs=(CashNeed(Decimal(40_000), date(2026, 4, 15)),),
            restrictions=(Restriction(RestrictionKind.NEVER_SELL, SecurityId("S1"), "founder's shares"),),
            weight_bands={SecurityId("S2"): WeightBand(Decimal("0.02"), Decimal("0.10"))},
            group_bands=(GroupBand(GroupKind.SECTOR, "Energy", Decimal(0), Decimal("0.1")),),
            tilts={SecurityId("S1"): Decimal("0.01")},
            turnover_limit=Decimal("0.2"),
            tax_budget=Decimal("4200.50"),
            commission=Decimal("4.95"),
            commission_by_kind={SecurityKind.FUND: Decimal(20)},
            forced_harvest=ForcedHarvest(Decimal(9_000), date(2026, 12, 31), short_term_only=True),
            minimum_holding_days=30,
        ),
        {SecurityId("S1"): "ACME"},
    )
    assert told[:3] == [
        "Trades only with the client's consent.",
        "$4,200.50 of tax are left today.",
        "Follow the target closely.",
    ]
    assert set(told[3:]) > {
        "Pay out $40,000 on 2026-04-15.",
        "Never sell ACME.",
        "The rule about ACME has a reason: founder's shares.",
        "Hold 2 % to 10 % of S2.",
        "Hold 0 % to 10 % in sector Energy.",
        "Expect ACME to return 1 % a year beyond its risk.",
        "Turn over at most 20 % in one rebalance.",
        "Pay $4.95 for each order of any security in tier ANY at custodian ANY.",
        "Pay $20 for each order of a fund in tier ANY at custodian ANY.",
        "Realise $9,000 of short-term losses and preserve them until 2026-12-31.",
        "Sell no lot younger than 30 days.",
    }
    assert "Pay $4.95 for each order." not in told  # written back it would go before the schedule


def test_an_account_without_tax_says_so_instead_of_its_rates():
    told = settings_sentences(an_account(Registration.ROTH_IRA), AccountSettings())
    assert "Pays no tax on gains." in told
    assert not any("Tax" in sentence or "losses" in sentence for sentence in told)
