"""Which of a price feed's actions can be booked."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from trimtab.demo.real_actions import sort_actions, split_ratio
from trimtab.demo.real_data import RawAction

DAY = date(2020, 4, 3)


def sort_one(kind: str, value: str, before: str | None, after: str | None = None):
    return sort_actions(
        [RawAction(DAY, "XYZ1", kind, Decimal(value))],
        lambda symbol, day: Decimal(before) if before else None,
        (lambda symbol, day: Decimal(after)) if after else None,
    )


@pytest.mark.parametrize(
    ("value", "ratio"),
    [
        ("2", Fraction(2)),
        ("1.5", Fraction(3, 2)),
        ("3.000003", Fraction(3)),
        ("0.333333", Fraction(1, 3)),
        ("0.1", Fraction(1, 10)),
        ("0.05", Fraction(1, 20)),
        ("20", Fraction(20)),
        ("1.25", Fraction(5, 4)),
    ],
)
def test_small_rational_ratios_are_splits(value, ratio):
    assert split_ratio(Decimal(value)) == ratio


@pytest.mark.parametrize("value", ["1.589", "1.324", "1.253", "1.054", "0.8757", "1.017", "1", "0", "-2"])
def test_odd_ratios_are_not(value):
    assert split_ratio(Decimal(value)) is None


def test_a_split_whose_price_followed_is_booked():
    """500.00 to 129.00 is a factor of 3.88; four for one."""
    assert sort_one("SPLIT", "4", "500.00", "129.00").splits == {"XYZ1": [(DAY, Fraction(4))]}


def test_a_reverse_split_on_the_day_of_a_spin_off_is_set_aside():
    """30.50 times three would be 91.50, and the close is 76.00: something else left the company that day."""
    found = sort_one("SPLIT", "0.333333", "30.50", "76.00")
    assert found.splits == {}
    assert found.set_aside == {"XYZ1": [(DAY, "split of 0.333333, while the close went from 30.50 to 76.00")]}


def test_the_morning_of_a_split_knows_no_close_and_goes_by_the_ratio():
    assert sort_one("SPLIT", "2.0", "187.00").splits == {"XYZ1": [(DAY, Fraction(2))]}


def test_a_dividend_below_a_tenth_of_the_price_is_booked_and_from_there_set_aside():
    assert sort_one("DIV", "9.99", "100").dividends == {"XYZ1": [(DAY, Decimal("9.99"))]}
    assert sort_one("DIV", "10", "100").set_aside == {"XYZ1": [(DAY, "dividend of 10 on a close of 100")]}


def test_a_dividend_before_the_first_close_is_set_aside():
    assert sort_one("DIV", "1", None).dividends == {}
