"""Children follow their parents in everything but their differences. Weights in per cent are fractions of 1."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.domain.asset_allocations import (
    AllocationId,
    AssetAllocation,
    InvalidProgramme,
    Product,
    ProductId,
    ProductKind,
    ProductSet,
    require_sound_allocation,
    require_sound_products,
)
from trimtab.domain.model_variants import (
    Cap,
    Drop,
    Family,
    Pin,
    ReplaceProduct,
    RescaleScope,
    Tilt,
    Variant,
    VariantId,
    target_weights,
)
from trimtab.domain.securities import SecurityId

TODAY = date(2026, 3, 3)
EQUITY = ("LC", "MC", "SC", "RE")


def an_allocation(**weights: str) -> AssetAllocation:
    """Without weights: 60 % equity (LC 30, MC 15, SC 5, RE 10) and 40 % FI."""
    given_weights = weights or {"LC": "0.30", "MC": "0.15", "SC": "0.05", "RE": "0.10", "FI": "0.40"}
    groups = dict.fromkeys(EQUITY, "EQUITY") | {"FI": "BONDS"}
    return AssetAllocation(
        AllocationId("BALANCED"),
        1,
        TODAY,
        {name: Decimal(weight) for name, weight in given_weights.items()},
        {name: group for name, group in groups.items() if name in given_weights},
    )


def a_variant(*differences: object, name: str = "CHILD", parent: str = "BALANCED") -> Variant:
    return Variant(VariantId(name), AllocationId(parent), tuple(differences))  # type: ignore[arg-type]


def a_family(*variants: Variant, allocation: AssetAllocation | None = None) -> Family:
    root = allocation or an_allocation()
    return Family({root.id: root}, {each.id: each for each in variants})


def percents(family: Family, name: str = "CHILD") -> dict[str, float]:
    return {key: round(float(weight) * 100, 2) for key, weight in family.effective(VariantId(name)).weights.items()}


@pytest.mark.covers("M4a")
def test_a_dropped_class_is_shared_out_over_all_that_is_left():
    """Without RE 90 % are left: LC 30/90, MC 15/90, SC 5/90, FI 40/90 (the example of MD-3)."""
    assert percents(a_family(a_variant(Drop("RE")))) == {"LC": 33.33, "MC": 16.67, "SC": 5.56, "FI": 44.44}


@pytest.mark.covers("M4a")
def test_a_dropped_class_may_be_shared_out_inside_its_group_only():
    """Equity keeps its 60 %: RE's 10 % go to LC, MC and SC as 30 : 15 : 5 (the example of MD-3)."""
    family = a_family(a_variant(Drop("RE", RescaleScope.GROUP)))

    assert percents(family) == {"LC": 36.0, "MC": 18.0, "SC": 6.0, "FI": 40.0}


@pytest.mark.covers("M4c")
def test_a_parents_change_reaches_the_child_the_same_day():
    """The parent moves 5 % from MC to LC; the child without RE follows: LC 35/90, MC 10/90."""
    changed = an_allocation(LC="0.35", MC="0.10", SC="0.05", RE="0.10", FI="0.40")

    family = a_family(a_variant(Drop("RE")), allocation=changed)

    assert percents(family) == {"LC": 38.89, "MC": 11.11, "SC": 5.56, "FI": 44.44}


@pytest.mark.covers("M4d")
def test_an_overweight_of_the_parent_reaches_a_child_that_has_dropped_a_class_and_one_that_swapped_a_product():
    """The parent variant tilts LC by 5 % (the others scale by 65/70); both grandchildren have more LC than before."""
    parent = a_variant(Tilt("LC", Decimal("0.05")), name="HOUSE")
    dropped = a_variant(Drop("RE"), name="DROPPED", parent="HOUSE")
    swapped = a_variant(ReplaceProduct("LC", ProductId("DIRECT")), name="SWAPPED", parent="HOUSE")
    family = a_family(parent, dropped, swapped)

    assert percents(family, "HOUSE")["LC"] == 35.0
    assert percents(family, "SWAPPED")["LC"] == 35.0
    assert percents(family, "DROPPED")["LC"] > 33.33
    steps = family.effective(VariantId("DROPPED")).lineage["LC"]
    assert [step.source for step in steps] == ["BALANCED v1", "HOUSE", "DROPPED"]


def test_a_pinned_class_keeps_its_weight_and_the_others_make_room():
    """FI is pinned at 50 %: equity's 60 are scaled to 50."""
    assert percents(a_family(a_variant(Pin("FI", Decimal("0.5"))))) == {
        "LC": 25.0,
        "MC": 12.5,
        "SC": 4.17,
        "RE": 8.33,
        "FI": 50.0,
    }


def test_a_cap_holds_after_the_others_have_been_scaled_up():
    """Without FI, LC would be 50 %; capped at 40 %, the other 60 go to MC, SC and RE as 15 : 5 : 10."""
    family = a_family(a_variant(Drop("FI"), Cap("LC", Decimal("0.4"))))

    assert percents(family) == {"LC": 40.0, "MC": 30.0, "SC": 10.0, "RE": 20.0}


def test_a_difference_whose_class_is_gone_is_an_exception_and_the_rest_still_follows():
    allocation = an_allocation(LC="0.6", FI="0.4")
    family = a_family(a_variant(Drop("RE"), Pin("FI", Decimal("0.3"))), allocation=allocation)

    effective = family.effective(VariantId("CHILD"))

    assert percents(family) == {"LC": 70.0, "FI": 30.0}
    (exception,) = effective.exceptions
    assert exception.difference == Drop("RE")
    assert "RE is not in BALANCED any more" in exception.reason


def test_a_tilt_below_nothing_is_an_exception():
    (exception,) = a_family(a_variant(Tilt("SC", Decimal("-0.06")))).effective(VariantId("CHILD")).exceptions

    assert "SC has 0.05" in exception.reason


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        ((a_variant(parent="NOBODY"),), "ancestor NOBODY does not exist"),
        ((a_variant(parent="OTHER"), a_variant(name="OTHER", parent="CHILD")), "descends from itself"),
        (
            tuple(
                a_variant(name="CHILD" if level == 9 else f"L{level}", parent=f"L{level - 1}" if level else "BALANCED")
                for level in range(10)
            ),
            "more than 8 levels",
        ),
        ((a_variant(Pin("FI", Decimal("0.7")), Pin("LC", Decimal("0.6"))),), "sum to 1.3"),
    ],
)
def test_a_variant_that_cannot_be_says_what_to_change(variants: tuple[Variant, ...], message: str):
    with pytest.raises(InvalidProgramme, match=message):
        a_family(*variants).effective(VariantId("CHILD"))


_CLASSES = st.sampled_from(("LC", "MC", "SC", "RE", "FI"))
_SMALL = st.decimals("0.01", "0.10", places=2)
_DIFFERENCES = st.lists(
    st.one_of(
        st.builds(Drop, _CLASSES),
        st.builds(Pin, _CLASSES, _SMALL),
        st.builds(Tilt, _CLASSES, _SMALL),
        st.builds(Cap, _CLASSES, st.decimals("0.5", "0.9", places=2)),
    ),
    max_size=4,
    unique_by=lambda each: (type(each), each.asset_class),
)


@given(_DIFFERENCES, st.randoms(use_true_random=False))
def test_the_order_in_which_differences_were_entered_never_matters(differences, random):
    shuffled = list(differences)
    random.shuffle(shuffled)
    first, second = (a_family(a_variant(*each)) for each in (differences, shuffled))
    try:
        one = first.effective(VariantId("CHILD"))
    except InvalidProgramme:
        with pytest.raises(InvalidProgramme):
            second.effective(VariantId("CHILD"))
        return

    other = second.effective(VariantId("CHILD"))
    assert one.weights == other.weights
    assert abs(sum(one.weights.values()) - 1) < Decimal("1e-20")


@given(st.lists(_DIFFERENCES, min_size=1, max_size=6))
def test_a_family_worked_out_at_once_equals_each_member_worked_out_alone(generations):
    """Ten thousand variants share what their ancestors come to; none of them may see the others."""
    names = ["BALANCED", *(f"V{number}" for number in range(len(generations)))]
    variants = [
        a_variant(*differences, name=names[number + 1], parent=names[number])
        for number, differences in enumerate(generations)
    ]
    together = a_family(*variants)
    for number, variant in enumerate(variants):
        alone = a_family(*variants[: number + 1])
        try:
            expected = alone.effective(variant.id)
        except InvalidProgramme:
            with pytest.raises(InvalidProgramme):
                together.effective(variant.id)
            return
        assert together.effective(variant.id) == expected


def test_descendants_are_all_whom_a_change_reaches():
    family = a_family(
        a_variant(name="A"), a_variant(name="B", parent="A"), a_variant(name="C", parent="B"), a_variant(name="D")
    )

    assert family.descendants(VariantId("A")) == {"B", "C"}
    assert family.descendants(AllocationId("BALANCED")) == {"A", "B", "C", "D"}


PRODUCTS = ProductSet(
    "CORE",
    1,
    TODAY,
    (
        Product(ProductId("LC-ETF"), "LC", ProductKind.ETF, {SecurityId("IVV"): Decimal(1)}),
        Product(
            ProductId("LC-DIRECT"),
            "LC",
            ProductKind.DIRECT_INDEX,
            {SecurityId("AAPL"): Decimal("0.6"), SecurityId("MSFT"): Decimal("0.4")},
        ),
        Product(
            ProductId("FI-ETF"),
            "FI",
            ProductKind.ETF,
            {SecurityId("AGG"): Decimal("0.9"), SecurityId("IVV"): Decimal("0.1")},
        ),
    ),
)


@pytest.mark.covers("M3", "M4b")
def test_one_allocation_serves_any_choice_of_products():
    """60 % LC, 40 % FI: with the ETF 60 % + 4 % IVV and 36 % AGG; with the direct index 36 % AAPL and 24 % MSFT."""
    allocation = an_allocation(LC="0.6", FI="0.4")
    direct = a_variant(ReplaceProduct("LC", ProductId("LC-DIRECT")))
    family = a_family(direct, allocation=allocation)

    with_etf = target_weights(family.effective(AllocationId("BALANCED")), PRODUCTS)
    with_index = target_weights(family.effective(VariantId("CHILD")), PRODUCTS)

    assert with_etf.weights == {"IVV": Decimal("0.64"), "AGG": Decimal("0.36")}
    assert with_index.weights == {
        "AAPL": Decimal("0.36"),
        "MSFT": Decimal("0.24"),
        "AGG": Decimal("0.36"),
        "IVV": Decimal("0.04"),
    }
    assert [origin.product_id for origin in with_etf.origins[SecurityId("IVV")]] == ["FI-ETF", "LC-ETF"]


@pytest.mark.covers("M5a")
def test_a_product_of_another_class_is_refused_with_the_approved_list():
    swapped = a_variant(ReplaceProduct("LC", ProductId("FI-ETF")))
    family = a_family(swapped, allocation=an_allocation(LC="0.6", FI="0.4"))

    with pytest.raises(InvalidProgramme, match=r"FI-ETF for LC is not on its approved list \(LC-ETF, LC-DIRECT\)"):
        target_weights(family.effective(VariantId("CHILD")), PRODUCTS)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"LC": "0.6", "FI": "0.3"}, "sum to 0.9, not 1: change one by 0.1"),
        ({"LC": "1.2", "FI": "-0.2"}, "the weight of LC is 1.2"),
        ({"LC": "NaN", "FI": "0.3"}, "the weight of LC is NaN"),
    ],
)
def test_an_allocation_that_does_not_add_up_is_refused(weights: dict[str, str], message: str):
    with pytest.raises(InvalidProgramme, match=message):
        require_sound_allocation(an_allocation(**weights))


def test_a_product_that_stands_twice_or_does_not_add_up_is_refused():
    twice = replace(PRODUCTS, products=PRODUCTS.products * 2)
    short = replace(PRODUCTS, products=(replace(PRODUCTS.products[0], weights={SecurityId("IVV"): Decimal("0.9")}),))

    with pytest.raises(InvalidProgramme, match="LC-ETF stands twice"):
        require_sound_products(twice)
    with pytest.raises(InvalidProgramme, match=r"sum to 0\.9, not 1"):
        require_sound_products(short)
