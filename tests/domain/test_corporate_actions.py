"""Splits as scenarios: holdings before, the event, holdings after (CA-5)."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.factories import a_lot
from trimtab.domain.accounts import AccountId, Position
from trimtab.domain.corporate_actions import (
    ActionKind,
    ActionRestated,
    ActionStatus,
    CashInLieu,
    CorporateAction,
    Holdings,
    NotASplit,
    SplitState,
    apply_split,
    effective_splits,
    exact_ratio,
    is_small_rational,
    split_price,
    split_prices,
    split_state,
    times,
)
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.market import Price
from trimtab.domain.securities import SecurityId

AAPL = CorporateAction("E1", 1, ActionKind.SPLF, SecurityId("AAPL"), date(2020, 8, 31), ratio=Fraction(4))
GE = CorporateAction("E2", 1, ActionKind.SPLR, SecurityId("GE"), date(2021, 8, 2), ratio=Fraction(1, 8))


def holdings(name: str, *lots: TaxLot, value: str = "0") -> Holdings:
    shares = sum((lot.quantity for lot in lots), Decimal(0))
    return Holdings(AccountId("A1"), lots, (Position(SecurityId(name), shares, Decimal(value)),))


def test_apple_four_for_one() -> None:
    before = holdings("AAPL", a_lot("L", "25", "4374.25", date(2019, 3, 1), security_id="AAPL"), value="12480.75")

    after = apply_split(before, AAPL)

    (lot,) = after.lots
    assert (lot.quantity, lot.cost, lot.acquired_on, lot.id) == (100, Decimal("4374.25"), date(2019, 3, 1), "L")
    assert after.positions == (Position(SecurityId("AAPL"), Decimal(100), Decimal("12480.75")),)
    assert after.cash_in_lieu == ()
    assert split_price(Decimal("499.23"), Fraction(4)) == Decimal("124.8075")
    assert split_price(Decimal(500), Fraction(4)) == 125  # where the limit of an order would have to go


def test_general_electric_one_for_eight_pays_out_the_fraction() -> None:
    before = holdings("GE", a_lot("L", "1003", "10030", date(2018, 1, 2), security_id="GE"), value="12988.85")

    after = apply_split(before, GE, cash_price=Decimal("103.60"))

    (lot,) = after.lots
    assert (lot.quantity, lot.cost) == (125, Decimal("10000.00"))
    assert after.cash_in_lieu == (
        CashInLieu(
            AccountId("A1"),
            SecurityId("GE"),
            Decimal("0.375"),
            Decimal("38.85"),
            Decimal("30.00"),
            Decimal("8.85"),
            (LotId("L"),),
        ),
    )
    assert after.positions[0] == Position(SecurityId("GE"), Decimal(125), Decimal("12950.00"))


def test_without_a_cash_price_the_fraction_is_kept() -> None:
    after = apply_split(holdings("GE", a_lot("L", "1003", "10030", security_id="GE")), GE)
    assert (after.lots[0].quantity, after.lots[0].cost) == (Decimal("125.375"), 10030)
    priced = apply_split(
        holdings("GE", a_lot("L", "1003", "10030", security_id="GE")), replace(GE, cash_per_share=Decimal("103.60"))
    )
    assert priced.lots[0].quantity == 125


def test_the_fraction_is_the_accounts_not_each_lots_and_comes_from_the_lot_bought_last() -> None:
    # 12 + 13 + 4 = 29 shares make 3.625: 3 are kept. The newest lot has 0.5, so 0.125 come from the one before it.
    before = holdings(
        "GE",
        a_lot("new", "4", "48", date(2021, 5, 3), security_id="GE"),
        a_lot("old", "12", "120", date(2019, 1, 2), security_id="GE"),
        a_lot("mid", "13", "130", date(2020, 1, 2), security_id="GE", wash_adjustment="26"),
    )

    after = apply_split(before, GE, cash_price=Decimal(100))

    assert [(lot.id, lot.quantity, lot.cost, lot.wash_adjustment) for lot in after.lots] == [
        ("old", Decimal("1.5"), 120, 0),
        ("mid", Decimal("1.5"), 120, 24),
    ]
    (paid,) = after.cash_in_lieu
    assert (paid.quantity, paid.proceeds, paid.basis, paid.gain) == (
        Decimal("0.625"),
        Decimal("62.50"),
        Decimal("58.00"),
        Decimal("4.50"),
    )
    assert paid.lot_ids == ("new", "mid")


def test_a_whole_number_of_new_shares_pays_nothing_out() -> None:
    after = apply_split(holdings("GE", a_lot("L", "800", "8000", security_id="GE")), GE, cash_price=Decimal(100))
    assert (after.lots[0].quantity, after.cash_in_lieu) == (100, ())


def test_a_split_touches_no_other_security() -> None:
    other = a_lot("V", "7", "70")
    before = replace(
        holdings("AAPL", a_lot("L", "1", "10", security_id="AAPL"), other),
        positions=(Position(SecurityId("VTI"), Decimal(7), Decimal(70)),),
    )
    after = apply_split(before, AAPL)
    assert other in after.lots
    assert after.positions == before.positions
    unconcerned = holdings("VTI", other)
    assert apply_split(unconcerned, AAPL).lots == unconcerned.lots


def test_the_same_version_is_applied_once_and_another_one_is_refused() -> None:
    once = apply_split(holdings("AAPL", a_lot("L", "25", "100", security_id="AAPL")), AAPL)
    assert apply_split(once, AAPL) == once
    with pytest.raises(ActionRestated):
        apply_split(once, replace(AAPL, version=2, ratio=Fraction(5)))


def test_what_is_no_split_is_not_applied() -> None:
    dividend = CorporateAction("D", 1, ActionKind.DVCA, SecurityId("AAPL"), date(2020, 8, 31))
    for action in (dividend, replace(AAPL, ratio=None), replace(AAPL, ratio=Fraction(0))):
        with pytest.raises(NotASplit):
            apply_split(holdings("AAPL", a_lot("L", "1", "10", security_id="AAPL")), action)


@given(
    st.lists(st.integers(1, 10**9), min_size=1, max_size=9),
    st.fractions(min_value=Fraction(1, 50), max_value=50, max_denominator=50),
)
def test_entitlement_and_basis_are_conserved(millionths: list[int], ratio: Fraction) -> None:
    lots = [
        a_lot(f"L{place}", str(Decimal(quantity) / 10**6), "10.01", date(2020, 1, 1 + place), security_id="AAPL")
        for place, quantity in enumerate(millionths)
    ]
    before = holdings("AAPL", *lots)
    after = apply_split(before, replace(AAPL, ratio=ratio), cash_price=Decimal(3))
    (paid_quantity, paid_basis) = (
        (after.cash_in_lieu[0].quantity, after.cash_in_lieu[0].basis) if after.cash_in_lieu else (0, 0)
    )
    entitled = times(sum((lot.quantity for lot in lots), Decimal(0)), ratio)
    assert sum(lot.quantity for lot in after.lots) + paid_quantity == entitled
    assert sum(lot.cost for lot in after.lots) + paid_basis == sum(lot.cost for lot in lots)
    assert 0 <= paid_quantity < 1
    assert after.positions[0].quantity == sum(lot.quantity for lot in after.lots)


@pytest.mark.parametrize(
    ("ratio", "is_small"),
    [
        ("4", True),
        ("1.5", True),
        ("0.125", True),
        ("0.0666667", True),
        ("20", True),
        ("0.05", True),
        ("1.1", True),
        ("1.589", False),
        ("1.324", False),
        ("1.253", False),
        ("1.054", False),
        ("0.8757", False),
        ("0", False),
        ("-2", False),
    ],
)
def test_odd_ratios_are_spin_offs_or_errors_not_splits(ratio: str, is_small: bool) -> None:
    assert is_small_rational(Fraction(ratio)) is is_small


def test_a_rounded_ratio_is_read_as_what_it_stands_for() -> None:
    assert exact_ratio(Decimal("0.333333"), Decimal(1)) == Fraction(1, 3)
    assert exact_ratio(Decimal("1.333333"), Decimal(1)) == Fraction(4, 3)
    assert exact_ratio(Decimal(1), Decimal(8)) == Fraction(1, 8)
    assert exact_ratio(Decimal("1.589"), Decimal(1)) == Fraction(1589, 1000)
    for new, old in (("0", "1"), ("1", "0"), ("NaN", "1")):
        with pytest.raises(NotASplit):
            exact_ratio(Decimal(new), Decimal(old))


def test_only_confirmed_splits_of_the_day_are_effective_and_odd_ones_wait_for_the_custodian() -> None:
    day = date(2020, 8, 31)
    odd = replace(AAPL, event_id="E3", ratio=Fraction("1.589"))
    found = effective_splits(
        [
            replace(AAPL, version=2, ratio=Fraction(5)),
            AAPL,
            odd,
            replace(AAPL, event_id="E4", ex_on=date(2020, 9, 1)),
            replace(AAPL, event_id="E5", status=ActionStatus.ANNOUNCED),
            replace(AAPL, event_id="E6"),
            replace(AAPL, event_id="E6", version=2, status=ActionStatus.REVERSED),
            CorporateAction("E7", 1, ActionKind.DVCA, SecurityId("AAPL"), day),
        ],
        day,
    )
    assert [(action.event_id, action.version) for action in found.applicable] == [("E1", 2)]
    assert found.doubtful == (odd,)


def test_closes_from_before_the_split_are_divided_and_newer_ones_are_not() -> None:
    day = date(2020, 8, 31)
    aapl = SecurityId("AAPL")
    old = Price(aapl, date(2020, 8, 28), Decimal("499.23"))
    assert split_prices({aapl: old}, [AAPL, GE], day)[aapl].close == Decimal("124.8075")
    new = Price(aapl, day, Decimal("129.04"))
    assert split_prices({aapl: new}, [AAPL], day) == {aapl: new}
    assert split_prices({aapl: old}, [AAPL], date(2020, 8, 28)) == {aapl: old}
    ge = Price(SecurityId("GE"), date(2021, 7, 30), Decimal("12.95"))
    assert split_prices({ge.security_id: ge}, [GE], date(2021, 8, 2))[ge.security_id].close == Decimal("103.6")


@pytest.mark.parametrize(
    ("quantity", "value", "state"),
    [
        ("10", "1869.80", SplitState.BEFORE),  # MKC on the eve of its 2-for-1, close 186.98
        ("20", "1869.80", SplitState.APPLIED),
        ("20", "1872.80", SplitState.APPLIED),
        ("10", "1300", SplitState.UNCLEAR),
        ("10", "0", SplitState.UNCLEAR),
        ("0", "10", SplitState.UNCLEAR),
    ],
)
def test_the_custodians_value_tells_which_shares_it_counts(quantity: str, value: str, state: SplitState) -> None:
    assert split_state(Decimal(quantity), Decimal(value), Decimal("186.98"), Fraction(2)) is state
