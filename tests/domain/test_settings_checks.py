"""Settings that cannot be obeyed together (case 92)."""

from datetime import date
from decimal import Decimal

import pytest

from tests.domain.factories import a_model, security
from trimtab.domain.account_settings import (
    AccountSettings,
    CashNeed,
    GroupBand,
    GroupKind,
    Restriction,
    RestrictionKind,
    WeightBand,
)
from trimtab.domain.securities import SecurityId, SecurityKind
from trimtab.domain.settings_checks import settings_problems

VTI = SecurityId("VTI")
BND = SecurityId("BND")
MODEL = a_model({"VTI": "0.6", "BND": "0.4"}, cash="0")
MASTER = {VTI: security("VTI", "US_LARGE"), BND: security("BND", "BONDS"), SecurityId("IVV"): security("IVV")}


def band(minimum: str, maximum: str) -> WeightBand:
    return WeightBand(Decimal(minimum), Decimal(maximum))


def a_class(name: str, minimum: str, maximum: str) -> GroupBand:
    return GroupBand(GroupKind.ASSET_CLASS, name, Decimal(minimum), Decimal(maximum))


def never(kind: RestrictionKind, *names: str) -> tuple[Restriction, ...]:
    return tuple(Restriction(kind, SecurityId(name)) for name in names)


def test_the_default_settings_have_no_problem() -> None:
    assert settings_problems(AccountSettings(), MODEL, MASTER) == ()
    assert settings_problems(AccountSettings(), None) == ()


@pytest.mark.parametrize(
    "settings",
    [
        AccountSettings(weight_bands={VTI: band("0.05", "0.03")}),
        AccountSettings(weight_bands={VTI: band("-0.1", "0.5")}),
        AccountSettings(weight_bands={VTI: band("0", "1.1")}),
        AccountSettings(weight_bands={VTI: band("0.6", "1"), BND: band("0.4", "1")}, cash_target=Decimal("0.01")),
        AccountSettings(short_term_rate=Decimal("35")),
        AccountSettings(long_term_rate=Decimal("NaN")),
        AccountSettings(cash_target=Decimal("-0.01")),
        AccountSettings(cash_reserve=Decimal(-1)),
        AccountSettings(minimum_trade=Decimal(-1)),
        AccountSettings(commission=Decimal("Infinity")),
        AccountSettings(commission_by_kind={SecurityKind.FUND: Decimal(-1)}),
        AccountSettings(cash_needs=(CashNeed(Decimal(0), date(2026, 3, 9)),)),
        AccountSettings(
            restrictions=never(RestrictionKind.NEVER_HOLD, "IVV") + never(RestrictionKind.NEVER_SELL, "IVV")
        ),
        AccountSettings(
            restrictions=never(RestrictionKind.NEVER_HOLD, "IVV"),
            weight_bands={SecurityId("IVV"): band("0.1", "1")},
        ),
        AccountSettings(
            restrictions=never(RestrictionKind.NEVER_HOLD, "IVV") + never(RestrictionKind.NEVER_TRADE, "IVV")
        ),
        AccountSettings(restrictions=never(RestrictionKind.NEVER_TRADE, "VTI", "BND")),
        AccountSettings(group_bands=(a_class("US_LARGE", "0.5", "0.4"),)),
        AccountSettings(group_bands=(a_class("US_LARGE", "0.6", "1"), a_class("BONDS", "0.4", "1"))),
        AccountSettings(group_bands=(a_class("MARS", "0", "1"),)),
        AccountSettings(turnover_limit=Decimal("-0.1")),
        AccountSettings(tax_budget=Decimal(-1)),
        AccountSettings(maximum_names=0),
        AccountSettings(restrictions=never(RestrictionKind.NEVER_BUY, "VTI", "BND")),
        AccountSettings(restrictions=never(RestrictionKind.NEVER_HOLD, "BND")),
        AccountSettings(weight_bands={BND: band("0", "0")}),
    ],
)
def test_a_contradiction_is_told_once_in_words(settings: AccountSettings) -> None:
    problems = settings_problems(settings, MODEL, MASTER)
    assert len(problems) == 1
    assert len(problems[0].split()) > 4


def test_a_name_may_be_barred_when_its_class_has_another() -> None:
    two_large = a_model({"VTI": "0.5", "IVV": "0.5"}, cash="0")
    same_class = {name: security(name, "US_LARGE") for name in (VTI, SecurityId("IVV"))}
    settings = AccountSettings(restrictions=never(RestrictionKind.NEVER_HOLD, "VTI"))
    assert settings_problems(settings, two_large, same_class) == ()


def test_a_small_class_may_be_barred() -> None:
    mostly_bonds = a_model({"VTI": "0.05", "BND": "0.95"}, cash="0")
    settings = AccountSettings(restrictions=never(RestrictionKind.NEVER_BUY, "VTI"))
    assert settings_problems(settings, mostly_bonds, MASTER) == ()


def test_a_name_that_is_never_bought_and_never_sold_is_merely_left_alone() -> None:
    both = never(RestrictionKind.NEVER_BUY, "OLD") + never(RestrictionKind.NEVER_SELL, "OLD")
    assert settings_problems(AccountSettings(restrictions=both), MODEL, MASTER) == ()


def test_only_names_with_a_weight_have_to_be_buyable() -> None:
    model = a_model({"VTI": "1", "BND": "0"}, cash="0")
    settings = AccountSettings(restrictions=never(RestrictionKind.NEVER_BUY, "VTI"))
    assert len(settings_problems(settings, model, MASTER)) == 1


def test_a_model_that_does_not_add_up_is_not_blamed_on_the_settings() -> None:
    broken = a_model({"VTI": "0.6"}, cash="0")
    settings = AccountSettings(restrictions=never(RestrictionKind.NEVER_HOLD, "VTI"))
    assert settings_problems(settings, broken, MASTER) == ()
