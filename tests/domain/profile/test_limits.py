"""How far a client's wishes may go without an approval (M5a, M5b, MD-8), by hand."""

from decimal import Decimal

import pytest

from tests.domain.factories import a_model, security
from trimtab.domain.account_settings import AccountSettings, GroupBand, GroupKind, Restriction, RestrictionKind
from trimtab.domain.market import RiskExposure, RiskModel
from trimtab.domain.profile.limits import (
    CustomisationLimits,
    targets_beyond,
    tracking_error,
    variant_beyond,
    wished_target,
    wishes_beyond,
)
from trimtab.domain.securities import SecurityId

MODEL = a_model({"VTI": "0.4", "IVV": "0.2", "BND": "0.4"}, cash="0")
MASTER = {
    SecurityId(name): security(name, asset_class) for name, asset_class in (("VTI", "EQ"), ("IVV", "EQ"), ("BND", "FI"))
}
NO_FACTORS = RiskModel(
    "r", MODEL.effective_on, ("market",), ((0.04,),), {name: RiskExposure((1.0,), 0.1) for name in MASTER}
)


def bounds(name: str, low: str, high: str) -> AccountSettings:
    return AccountSettings(group_bands=(GroupBand(GroupKind.ASSET_CLASS, name, Decimal(low), Decimal(high)),))


def barred(*names: str) -> AccountSettings:
    return AccountSettings(
        restrictions=tuple(Restriction(RestrictionKind.NEVER_BUY, SecurityId(name)) for name in names)
    )


@pytest.mark.covers("M5b")
@pytest.mark.parametrize(
    ("low", "high", "is_beyond"),
    [("0", "0.4", False), ("0", "0.39", True), ("0.8", "1", False), ("0.81", "1", True), ("0", "1", False)],
)
def test_a_class_of_sixty_percent_may_move_by_twenty_either_way(low, high, is_beyond):
    limits = CustomisationLimits("ALL", class_deviation=Decimal("0.2"))
    assert bool(wishes_beyond(limits, bounds("EQ", low, high), MODEL, MASTER)) is is_beyond


def test_a_class_may_have_a_limit_of_its_own():
    limits = CustomisationLimits("ALL", Decimal("0.2"), {"FI": Decimal("0.5")})
    assert wishes_beyond(limits, bounds("FI", "0.9", "1"), MODEL, MASTER) == ()
    assert wishes_beyond(limits, bounds("EQ", "0.9", "1"), MODEL, MASTER) == (
        "EQ would have 90 % instead of 60 %: without an approval it may move by 20 %",
    )


def test_only_names_of_the_model_count_as_barred():
    limits = CustomisationLimits("ALL", barred_weight=Decimal("0.3"), barred_names=1)
    assert wishes_beyond(limits, barred("IVV", "XYZ"), MODEL, MASTER) == ()
    assert wishes_beyond(limits, barred("IVV", "VTI"), MODEL, MASTER) == (
        "60 % of the model would be barred: without an approval at most 30 % may be",
        "2 names would be barred: without an approval at most 1 may be",
    )


def test_the_wished_target_gives_a_barred_names_weight_to_its_class_and_keeps_classes_in_their_bounds():
    assert wished_target(barred("IVV"), MODEL, MASTER) == {"VTI": Decimal("0.6"), "BND": Decimal("0.4")}
    assert wished_target(bounds("FI", "0.7", "1"), MODEL, MASTER) == {
        "VTI": Decimal("0.2"),
        "IVV": Decimal("0.1"),
        "BND": Decimal("0.7"),
    }


def test_total_risk_is_the_tracking_error_of_the_wished_target():
    """0.2 moved from IVV to VTI: no market exposure is left, and sqrt(2) * 0.1 * 0.2 is 2.83 %."""
    swapped = {SecurityId("VTI"): 0.2, SecurityId("IVV"): -0.2}
    assert tracking_error(swapped, NO_FACTORS) == pytest.approx(0.02828, abs=1e-5)
    assert tracking_error({SecurityId("VTI"): 0.5}, NO_FACTORS) == pytest.approx(0.5 * (0.04 + 0.01) ** 0.5)
    strict, wide = (CustomisationLimits("ALL", risk_deviation=Decimal(each)) for each in ("0.028", "0.029"))
    assert wishes_beyond(wide, barred("IVV"), MODEL, MASTER, NO_FACTORS) == ()
    assert wishes_beyond(strict, barred("IVV"), MODEL, MASTER, NO_FACTORS) == (
        "the target would have a tracking error of 2.83 % against the model: without an approval at most 2.8 % a year",
    )
    assert targets_beyond(strict, MODEL.weights, MODEL.weights, NO_FACTORS) == ()


def test_a_variants_groups_are_measured_where_a_limit_names_them():
    limits = CustomisationLimits("ALL", class_deviations={"EQUITY": Decimal("0.1")})
    base = {"LC": Decimal("0.4"), "SC": Decimal("0.2"), "FI": Decimal("0.4")}
    own = {"LC": Decimal("0.35"), "SC": Decimal("0.1"), "FI": Decimal("0.55")}
    groups = {"LC": "EQUITY", "SC": "EQUITY"}
    assert variant_beyond(limits, own, base, groups) == (
        "EQUITY would have 45 % instead of 60 %: without an approval it may move by 10 %",
    )
