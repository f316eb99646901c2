"""One value of one column: text to Decimal, date, bool, float, word or id. Strict: nothing is guessed.

Decimals are written plainly ("-1234.5"): no exponent, no thousands separator, no trailing sign (case 10).
Values finer than their column are rounded half-even to it (TL-16).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum
from functools import lru_cache

from trimtab.feeds.errors import UnreadableValue

Reader = Callable[[str], object]

_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_WHOLE = re.compile(r"[0-9]{1,9}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")
_LONGEST_TEXT = 400
EXACT = Context(prec=80)
"""Arithmetic of control totals and rounding: more digits than any sum of a file can have."""


def exact_decimal(text: str) -> Decimal:
    """A plain decimal, as many digits as written."""
    written = text.strip()
    if _DECIMAL.fullmatch(written) is None:
        raise UnreadableValue(f"{_shown(text)} is not a plain decimal number")
    return Decimal(written)


@dataclass(frozen=True, slots=True)
class DecimalReader:
    """Reads decimals with at most `integer_digits` before the point, rounded to `places` after it."""

    integer_digits: int
    places: int
    out_of_range: str = ""  # the reason code of too many digits

    def __call__(self, text: str) -> Decimal:
        value = exact_decimal(text)
        if len(text) > self.places and abs(value) >= Decimal(10) ** self.integer_digits:
            raise UnreadableValue(f"{_shown(text)} has more than {self.integer_digits} digits", self.out_of_range)
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and exponent < -self.places:
            return value.quantize(Decimal(1).scaleb(-self.places), rounding=ROUND_HALF_EVEN, context=EXACT)
        return value


decimal_reader = DecimalReader


read_money = decimal_reader(18, 2)
read_basis = decimal_reader(18, 6)
read_quantity = decimal_reader(18, 6, out_of_range="QTY_RANGE")
read_price = decimal_reader(14, 6)
read_weight = decimal_reader(6, 12)
read_basis_points = decimal_reader(6, 4)


@lru_cache(maxsize=65_536)
def read_date(text: str) -> date:
    """An ISO date, YYYY-MM-DD."""
    if _DATE.fullmatch(text) is None:
        raise UnreadableValue(f"{_shown(text)} is not a date (YYYY-MM-DD)")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UnreadableValue(f"{_shown(text)} is not a day of the calendar") from None


def read_instant(text: str) -> datetime:
    """An ISO instant with its zone: 2026-03-02T16:30:00-05:00, or Z for UTC."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise UnreadableValue(f"{_shown(text)} is not an instant (YYYY-MM-DDTHH:MM:SS-05:00)") from None
    if instant.tzinfo is None:
        raise UnreadableValue(f"{_shown(text)} does not say its time zone")
    return instant.astimezone(UTC)


def read_currency(text: str) -> str:
    """A currency's three letters (ISO 4217); the firm's books are in dollars."""
    if _CURRENCY.fullmatch(text) is None:
        raise UnreadableValue(f"{_shown(text)} is not a currency of three capital letters", "PRICE_CCY")
    return text


def read_dollars(text: str) -> str:
    """The currency of an amount: only USD can be counted, for there are no rates of exchange (case 85)."""
    if read_currency(text) != "USD":
        raise UnreadableValue(f"cash in {text}, and there is no rate for it", "FX_MISSING")
    return text


def in_dollars(amount: str, currency: str) -> str:
    """The amount when it is in dollars, or nobody says in what; else with its currency, which no reader of money takes.

    A row that counts euros as dollars is worse than one that is kept aside.
    """
    return f"{amount} {currency}" if amount and currency not in ("", "USD") else amount


def read_boolean(text: str) -> bool:
    if text == "true":
        return True
    if text == "false":
        return False
    raise UnreadableValue(f"{_shown(text)} is neither true nor false")


def read_statistic(text: str) -> float:
    """A finite float, for risk numbers only: money and quantities are never floats."""
    if _NUMBER.fullmatch(text) is None:
        raise UnreadableValue(f"{_shown(text)} is not a number")
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise UnreadableValue(f"{_shown(text)} is not finite")
    return value


def read_whole(text: str) -> int:
    if _WHOLE.fullmatch(text) is None:
        raise UnreadableValue(f"{_shown(text)} is not a whole number")
    return int(text)


def read_id(text: str) -> str:
    """An opaque id: letters, digits and . _ : / - of at most 64 characters, without surrounding spaces."""
    written = text.strip()
    if _ID.fullmatch(written) is None:
        raise UnreadableValue(f"{_shown(text)} is not an id")
    return written


def read_text(text: str) -> str:
    """Free text, kept as it is (case 61: a leading = + - @ is data); control characters are refused."""
    if len(text) > _LONGEST_TEXT:
        raise UnreadableValue(f"text of {len(text)} characters; at most {_LONGEST_TEXT} are read")
    if not text.isprintable() and not text.replace("\n", " ").replace("\t", " ").isprintable():
        raise UnreadableValue("text with control characters")
    return text.strip()


@dataclass(frozen=True, slots=True)
class WordReader:
    """Reads one of some words, as they are written."""

    words: frozenset[str]

    def __call__(self, text: str) -> str:
        if text not in self.words:
            raise UnreadableValue(f"{_shown(text)} is none of {', '.join(sorted(self.words))}")
        return text


def word_reader(*words: str) -> Reader:
    return WordReader(frozenset(words))


def enum_reader(kind: type[StrEnum]) -> Reader:
    return word_reader(*(member.value for member in kind))


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
