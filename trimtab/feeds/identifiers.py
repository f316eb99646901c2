"""CUSIP, ISIN and FIGI as custodians write them, normalised; the check digit decides (cases 19, 20)."""

from enum import StrEnum
from functools import lru_cache

from stdnum import cusip, figi, isin
from stdnum.exceptions import ValidationError

from trimtab.feeds.errors import UnreadableValue

ID_INVALID = "ID_INVALID"
_CUSIP_LENGTH = 9
_ISIN_LENGTH = 12
_USERS_OWN = frozenset(str(number) for number in range(990, 1000))


@lru_cache(maxsize=65_536)
def read_cusip(text: str) -> str:
    """Nine characters with a valid check digit (ID-1).

    Lower case and spaces are normal, and eight characters get their check digit. Seven or eight digits whose
    leading zeros a spreadsheet ate are restored when the check digit proves it and nothing else is possible.
    """
    code = _squeezed(text)
    eaten = len(code) < _CUSIP_LENGTH and code.isdigit() and not code.startswith("0")
    if eaten and cusip.is_valid(code.zfill(_CUSIP_LENGTH)):
        if len(code) == _CUSIP_LENGTH - 1:
            # Eight digits may also be a CUSIP that was written without its check digit: never guess.
            raise UnreadableValue(f"CUSIP {text!r} can be read in two ways", ID_INVALID)
        return code.zfill(_CUSIP_LENGTH)
    try:
        if len(code) == _CUSIP_LENGTH - 1:
            code += cusip.calc_check_digit(code)
        return str(cusip.validate(code))
    except (ValidationError, ValueError):
        raise UnreadableValue(f"CUSIP {text!r} fails its check digit", ID_INVALID) from None


@lru_cache(maxsize=65_536)
def read_isin(text: str) -> str:
    """Twelve characters with country and check digit (ID-2)."""
    try:
        return str(isin.validate(_squeezed(text)))
    except ValidationError:
        raise UnreadableValue(f"ISIN {text!r} fails its check digit", ID_INVALID) from None


@lru_cache(maxsize=65_536)
def read_figi(text: str) -> str:
    """Twelve characters with a valid check digit (ID-3)."""
    try:
        return str(figi.validate(_squeezed(text)))
    except ValidationError:
        raise UnreadableValue(f"FIGI {text!r} fails its check digit", ID_INVALID) from None


def read_symbol(text: str) -> str:
    """A ticker as the source writes it, without surrounding spaces (ID-4)."""
    symbol = text.strip()
    if not symbol.isascii() or not symbol.isprintable() or len(symbol) > 24:
        raise UnreadableValue(f"symbol {text!r} is not a ticker", ID_INVALID)
    return symbol


def _squeezed(text: str) -> str:
    return text.replace(" ", "").upper()


class CheckDigit(StrEnum):
    """What its check digit says about an identifier."""

    GOOD = "GOOD"
    BAD = "BAD"
    OWN = "OWN"  # a CUSIP that users give out themselves: issuers that end in 990 to 999, issues 90 to 99
    NONE = "NONE"  # tickers have none


def describe(text: str) -> tuple[str, CheckDigit]:
    """The scheme that an identifier's form is of, and what its check digit says."""
    code = _squeezed(text)
    if len(code) == _CUSIP_LENGTH and code.isalnum() and any(map(str.isdigit, code)):
        if not cusip.is_valid(code):
            return "cusip", CheckDigit.BAD
        return "cusip", CheckDigit.OWN if _is_users_own(code) else CheckDigit.GOOD
    if len(code) == _ISIN_LENGTH and code.isalnum() and code[:2].isalpha():
        if code[2] == "G" and figi.is_valid(code):
            return "figi", CheckDigit.GOOD
        return "isin", CheckDigit.GOOD if isin.is_valid(code) else CheckDigit.BAD
    return "symbol", CheckDigit.NONE


def _is_users_own(code: str) -> bool:
    return code[3:6] in _USERS_OWN or (code[6] == "9" and code[7].isdigit())
