"""What a vendor's action or a move of a close must be confirmed for, in numbers of real days."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from trimtab.domain.corporate_actions import ActionKind
from trimtab.domain.corporate_actions_doubts import (
    Doubt,
    SecondSource,
    VendorAction,
    action_doubts,
    closes_move,
    confirmed,
    move_doubt,
)
from trimtab.domain.securities import SecurityId

D = Decimal
EBAY = SecurityId("EBAY")
PAYPAL = VendorAction(EBAY, date(2015, 7, 20), dividend=D("38.37"))


@pytest.mark.parametrize(
    ("ratio", "doubts"),
    [
        ("4", ()),
        ("1/20", ()),
        ("1589/1000", (Doubt.ODD_RATIO,)),
        ("1054/1000", (Doubt.ODD_RATIO,)),
        ("8757/10000", (Doubt.ODD_RATIO,)),
    ],
)
def test_a_split_with_an_odd_ratio_waits(ratio: str, doubts: tuple[Doubt, ...]) -> None:
    assert action_doubts(VendorAction(EBAY, date(2020, 4, 3), Fraction(ratio)), D(100)) == doubts


def test_paypal_booked_as_a_dividend_of_ebay_waits_until_it_is_confirmed() -> None:
    assert action_doubts(PAYPAL, D("66.29")) == (Doubt.LARGE_DIVIDEND,)
    assert confirmed(Doubt.LARGE_DIVIDEND, [ActionKind.SOFF])
    assert not confirmed(Doubt.LARGE_DIVIDEND, [])


def test_a_rename_and_a_merger_confirm_no_odd_ratio() -> None:
    assert not confirmed(Doubt.ODD_RATIO, [ActionKind.CHAN, ActionKind.MRGR])
    assert confirmed(Doubt.ODD_RATIO, [ActionKind.CHAN, ActionKind.SOFF])


def test_prices_that_did_not_follow_a_split_are_confirmed_by_nothing() -> None:
    assert not confirmed(Doubt.NOT_IN_PRICES, list(ActionKind))


def test_a_tenth_of_the_close_is_not_above_a_tenth() -> None:
    assert action_doubts(VendorAction(EBAY, date(2020, 1, 2), dividend=D("6.00")), D("60.00")) == ()


@pytest.mark.parametrize(
    ("before", "close", "ratio", "doubt"),
    [
        ("100", "139", "1", None),
        ("100", "141", "1", Doubt.PRICE_SPIKE),
        ("100", "59", "1", Doubt.PRICE_SPIKE),
        ("100", "50.2", "1", Doubt.SPLIT_SUSPECTED),
        ("100", "66.5", "1", Doubt.SPLIT_SUSPECTED),  # 3:2, although the move is below 40 %
        ("499.23", "129.04", "4", None),
        ("499.23", "499.00", "4", Doubt.NOT_IN_PRICES),
    ],
)
def test_moves_of_the_close(before: str, close: str, ratio: str, doubt: Doubt | None) -> None:
    assert move_doubt(D(before), D(close), Fraction(ratio)) is doubt


def test_an_announced_dividend_is_not_read_as_a_move() -> None:
    assert move_doubt(D(100), D(55), dividend=D(45)) is None
    assert move_doubt(D(100), D(55)) is Doubt.PRICE_SPIKE


def test_a_second_source_with_the_same_move_and_no_split_closes_the_doubt() -> None:
    assert closes_move(D(100), D(50), SecondSource(D(200), D("100.5"), has_split=False))
    assert not closes_move(D(100), D(50), SecondSource(D(200), D("100.5"), has_split=True))
    assert not closes_move(D(100), D(50), SecondSource(D(200), D(190), has_split=False))
    assert not closes_move(D(100), D(50), None)
