"""One cell of a feed: what is read, and what is refused rather than guessed (cases 10, 19, 20, 61, 71, 75)."""

from datetime import date
from decimal import Decimal

import pytest

from trimtab.feeds.errors import UnreadableValue
from trimtab.feeds.identifiers import describe, read_cusip, read_figi, read_isin, read_symbol
from trimtab.feeds.values import (
    read_boolean,
    read_date,
    read_id,
    read_money,
    read_price,
    read_quantity,
    read_statistic,
    read_text,
    read_whole,
)


@pytest.mark.parametrize(
    "text", ["NaN", "Inf", "1e308", "1,234.56", "12.34-", "N/A", "1_000", "", ".5", "5.", "٣", "0x10"]
)
def test_what_is_not_a_plain_decimal_is_no_number(text):
    with pytest.raises(UnreadableValue):
        read_price(text)


def test_decimals_keep_their_digits_and_are_rounded_half_even_to_their_column():
    assert read_quantity("33.333333333333333") == Decimal("33.333333")
    assert read_money("0.30000000000000004") == Decimal("0.30")
    assert read_money("2.345") == Decimal("2.34")
    assert read_money(" +7.10 ") == Decimal("7.10")
    assert read_quantity("0.000000000001") == 0


def test_a_quantity_with_too_many_digits_has_a_code_of_its_own():
    assert read_quantity("1000000000000") == Decimal(10) ** 12
    with pytest.raises(UnreadableValue) as fault:
        read_quantity("1" + "0" * 18)
    assert fault.value.code == "QTY_RANGE"


def test_only_iso_dates_are_dates():
    assert read_date("2024-02-29") == date(2024, 2, 29)
    for text in ("2023-02-29", "20240229", "29.02.2024", "2024-W09-4", "02/29/2024"):
        with pytest.raises(UnreadableValue):
            read_date(text)


def test_booleans_ids_and_whole_numbers_have_one_spelling():
    assert (read_boolean("true"), read_boolean("false")) == (True, False)
    assert read_id(" A-1/b:2.c_3 ") == "A-1/b:2.c_3"
    assert read_whole("12") == 12
    for read, text in (
        (read_boolean, "True"),
        (read_boolean, "1"),
        (read_id, "a b"),
        (read_id, "x" * 65),
        (read_whole, "-1"),
    ):
        with pytest.raises(UnreadableValue):
            read(text)


def test_risk_numbers_may_have_an_exponent_and_must_be_finite():
    assert read_statistic("1.2e-05") == 1.2e-05
    for text in ("1e999", "nan", "inf", "1,5"):
        with pytest.raises(UnreadableValue):
            read_statistic(text)


def test_a_formula_is_text_like_any_other():
    assert read_text("=1+1") == "=1+1"
    with pytest.raises(UnreadableValue):
        read_text("bell\x07")
    with pytest.raises(UnreadableValue):
        read_text("x" * 401)


def test_a_cusip_is_normalised_when_its_check_digit_proves_it():
    assert read_cusip("037833100") == "037833100"
    assert read_cusip(" 68389x105 ") == "68389X105"
    assert read_cusip("68389X10") == "68389X105"
    assert read_cusip("2824100") == "002824100"


def test_a_cusip_whose_zero_a_spreadsheet_ate_is_not_guessed_when_it_has_two_readings():
    assert read_cusip("037833100")
    with pytest.raises(UnreadableValue, match="two ways"):
        read_cusip("37833100")


@pytest.mark.parametrize("text", ["037833101", "1.23E+08", "0378331", "ABC"])
def test_a_cusip_that_fails_its_check_digit_is_invalid(text):
    with pytest.raises(UnreadableValue) as fault:
        read_cusip(text)
    assert fault.value.code == "ID_INVALID"


@pytest.mark.parametrize(
    ("text", "scheme", "verdict"),
    [
        ("037833100", "cusip", "GOOD"),
        ("037833 101", "cusip", "BAD"),
        ("037990108", "cusip", "OWN"),
        ("037833902", "cusip", "OWN"),
        ("US0378331005", "isin", "GOOD"),
        ("US0378331006", "isin", "BAD"),
        ("BBG000B9XRY4", "figi", "GOOD"),
        ("BRK.B", "symbol", "NONE"),
    ],
)
def test_an_unknown_identifier_is_described_by_its_form_and_its_check_digit(text, scheme, verdict):
    assert describe(text) == (scheme, verdict)


def test_isin_figi_and_symbol():
    assert read_isin("us0378331005") == "US0378331005"
    assert read_figi("BBG000B9XRY4") == "BBG000B9XRY4"
    assert read_symbol(" BRK.B ") == "BRK.B"
    for read, text in (
        (read_isin, "US0378331006"),
        (read_figi, "BBG000B9XRY5"),
        (read_symbol, "TICK\x07"),
        (read_symbol, "x" * 25),
    ):
        with pytest.raises(UnreadableValue) as fault:
            read(text)
        assert fault.value.code == "ID_INVALID"
