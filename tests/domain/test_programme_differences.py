"""What the firm changed between two moments, in English."""

from datetime import date
from decimal import Decimal

from trimtab.domain.asset_allocations import AllocationId, AssetAllocation, Product, ProductId, ProductKind, ProductSet
from trimtab.domain.model_portfolios import ModelId, ModelPortfolio
from trimtab.domain.model_variants import Cap, Drop, Pin, ReplaceProduct, RescaleScope, Tilt, Variant, VariantId
from trimtab.domain.profile.limits import CustomisationLimits
from trimtab.domain.programme_differences import differences, told
from trimtab.domain.securities import SecurityId

DAY = date(2026, 3, 2)
VTI, VO = SecurityId("VTI"), SecurityId("VO")
GROWTH = AssetAllocation(
    AllocationId("GROWTH"),
    1,
    DAY,
    {"LC": Decimal("0.6"), "BOND": Decimal("0.37")},
    groups={"LC": "EQUITY"},
    cash_weight=Decimal("0.03"),
)


def test_a_new_document_is_told_whole_and_one_that_is_gone_by_its_name():
    assert differences("Allocation", {}, {"GROWTH": GROWTH}) == (
        "Allocation GROWTH is new: the weight of LC is 60 %; the weight of BOND is 37 %; the group of LC is EQUITY; "
        "the weight of cash is 3 %.",
    )
    assert differences("Allocation", {"GROWTH": GROWTH}, {}) == ("Allocation GROWTH is gone.",)


def test_of_a_changed_allocation_only_what_is_new_gone_or_other_is_told():
    """LC from 60 to 30.5 %, bonds out, gold at 66.5 % in, a product set; cash stays at 3 %."""
    after = AssetAllocation(
        AllocationId("GROWTH"),
        2,
        DAY,
        {"LC": Decimal("0.305"), "GOLD": Decimal("0.665")},
        groups={"LC": "EQUITY"},
        cash_weight=Decimal("0.03"),
        product_set="ETF",
    )

    assert differences("Allocation", {"GROWTH": GROWTH}, {"GROWTH": after}) == (
        "Allocation GROWTH: no more the weight of BOND (37 %).",
        "Allocation GROWTH: the weight of LC is 30.5 %, before 60 %.",
        "Allocation GROWTH: the weight of GOLD is 66.5 %, before there was none.",
        "Allocation GROWTH: the product set is ETF, before there was none.",
    )


def test_a_product_is_told_by_its_weights_or_by_the_model_that_gives_them():
    funds = ProductSet(
        "ETF",
        1,
        DAY,
        (
            Product(ProductId("CORE"), "LC", ProductKind.ETF, {VTI: Decimal("0.75"), VO: Decimal("0.25")}),
            Product(ProductId("SLEEVE"), "BOND", ProductKind.UMA_SLEEVE, model_id="ACME-INCOME"),
        ),
    )  # fmt: skip

    assert told(funds) == {
        "product CORE": "ETF for LC of VTI 75 %, VO 25 %",
        "product SLEEVE": "UMA_SLEEVE for BOND by model ACME-INCOME",
    }


def test_every_difference_of_a_variant_is_in_words_and_two_of_a_kind_on_a_class_stand_together():
    variant = Variant(
        VariantId("GROWTH-SMITH"),
        AllocationId("GROWTH"),
        (
            Drop("EM"),
            Drop("GOLD", RescaleScope.GROUP),
            Pin("BOND", Decimal("0.2")),
            Tilt("LC", Decimal("-0.05")),
            Tilt("LC", Decimal("0.01")),
            ReplaceProduct("LC", ProductId("INDEX")),
            Cap("SC", Decimal("0.1")),
        ),
    )

    assert told(variant) == {
        "the parent": "GROWTH",
        "the drop of EM": "over all classes",
        "the drop of GOLD": "within its group",
        "the pin of BOND": "at 20 %",
        "the tilt of LC": "by -5 % and by 1 %",
        "the replace product of LC": "by INDEX",
        "the cap of SC": "at 10 %",
    }


def test_a_providers_model_tells_its_version_and_no_weight():
    model = ModelPortfolio(ModelId("ACME"), 3, DAY, {VTI: Decimal(1)})

    assert told(model) == {"the version": "3", "the first day": "2026-03-02"}


def test_limits_are_told_field_by_field_and_what_is_not_limited_is_left_out():
    limits = CustomisationLimits("core", class_deviations={"EQUITY": Decimal("0.1")}, barred_names=5)

    assert told(limits) == {"class deviations EQUITY": "0.1", "barred names": "5"}
