"""Which close of a security counts, and whether it may be traded on (cases 01 to 15)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from trimtab.domain.data_codes import DataCode
from trimtab.domain.findings import Finding, FindingScope, Outcome
from trimtab.domain.securities import SecurityId

UNCHANGED_LIMIT: Final = Decimal("0.30")
MOVED_LIMIT: Final = Decimal("0.02")
LARGE_MOVE: Final = Decimal("0.40")
FEWEST_FOR_FILE_CHECKS: Final = 20
"""With fewer common names than this a share of the file says nothing about the file."""


class PriceStatus(StrEnum):
    """GOOD, or what is wrong. Each fault has the `DataCode` of the same word."""

    GOOD = "GOOD"
    ZERO = "ZERO"
    NEGATIVE = "NEGATIVE"
    MISSING = "MISSING"
    STALE = "STALE"
    CONFLICT = "CONFLICT"
    UNREADABLE = "UNREADABLE"
    OTHER_CURRENCY = "OTHER_CURRENCY"
    STUCK = "STUCK"
    SPIKE = "SPIKE"
    SPLIT_SUSPECTED = "SPLIT_SUSPECTED"
    UNIT = "UNIT"

    @property
    def words(self) -> str:
        """What is wrong with the price, to follow "is"."""
        return _WORDS.get(self.value, self.value.lower().replace("_", " "))


_WORDS: Final[Mapping[str, str]] = {
    "OTHER_CURRENCY": "in another currency, or in none",
    "STUCK": "the same for five sessions in which it traded",
    "SPIKE": "more than 40 % away from the one before, and no second source confirms it",
    "SPLIT_SUSPECTED": "a split's ratio away from the one before, and no second source confirms it",
    "UNIT": "a hundred times the one before, or a hundredth of it: it is in another unit",
}


CODE_OF_STATUS: Final[Mapping[PriceStatus, DataCode]] = {
    PriceStatus.ZERO: DataCode.PRICE_ZERO,
    PriceStatus.NEGATIVE: DataCode.PRICE_NEG,
    PriceStatus.MISSING: DataCode.PRICE_MISSING,
    PriceStatus.STALE: DataCode.PRICE_STALE,
    PriceStatus.CONFLICT: DataCode.PRICE_CONFLICT,
    PriceStatus.UNREADABLE: DataCode.PRICE_PARSE,
    PriceStatus.OTHER_CURRENCY: DataCode.PRICE_CCY,
    PriceStatus.STUCK: DataCode.PRICE_STALE,
    PriceStatus.SPIKE: DataCode.PRICE_SPIKE,
    PriceStatus.SPLIT_SUSPECTED: DataCode.SPLIT_SUSPECTED,
    PriceStatus.UNIT: DataCode.PRICE_UNIT,
}


@dataclass(frozen=True, slots=True)
class Quote:
    """One price row as delivered. `close` is dollars a share; None when the row could not be read."""

    close: Decimal | None
    as_of: date
    source: str = ""
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class JudgedPrice:
    """The close that counts for a security, and whether it may be traded on."""

    status: PriceStatus
    close: Decimal | None  # dollars a share; may be given for a stale price too
    as_of: date | None

    @property
    def is_good(self) -> bool:
        return self.status is PriceStatus.GOOD


MISSING_PRICE: Final = JudgedPrice(PriceStatus.MISSING, None, None)


def judge_price(
    quotes: Sequence[Quote], as_of: date, currency: str = "USD", source_precedence: Sequence[str] = ()
) -> JudgedPrice:
    """Judge all quotes of one security. `as_of` is the session before the business date: older is stale.

    Two different closes of one day conflict, unless they come from sources that `source_precedence` ranks. Quotes in
    another currency are another line of a dual listing and are left out where there is one in the security's own.
    """
    if not quotes:
        return MISSING_PRICE
    quotes = [quote for quote in quotes if quote.currency == currency] or quotes
    newest_on = max(quote.as_of for quote in quotes)
    newest = [quote for quote in quotes if quote.as_of == newest_on]
    if len({(quote.close, quote.currency) for quote in newest}) > 1:
        best = _first_by_precedence(newest, source_precedence)
        if best is None:
            return JudgedPrice(PriceStatus.CONFLICT, None, newest_on)
        newest = [best]
    return JudgedPrice(_status(newest[0], as_of, currency), newest[0].close, newest_on)


def judge_nav(today: JudgedPrice, last_known: JudgedPrice | None, oldest: date) -> JudgedPrice:
    """A fund's net asset value: published late in the evening, so an earlier one stands in (case 16).

    `last_known` is the newest good one of the price files before. One of before `oldest` is stale like any price; how
    old it is otherwise is told to the account (NAV_OLD).
    """
    candidate = last_known if today.status is PriceStatus.MISSING else today
    if candidate is None or candidate.status not in (PriceStatus.GOOD, PriceStatus.STALE) or candidate.as_of is None:
        return today
    if candidate.as_of < oldest:
        return JudgedPrice(PriceStatus.STALE, candidate.close, candidate.as_of)
    return JudgedPrice(PriceStatus.GOOD, candidate.close, candidate.as_of)


def _first_by_precedence(quotes: Sequence[Quote], precedence: Sequence[str]) -> Quote | None:
    for source in precedence:
        of_source = {(quote.close, quote.currency): quote for quote in quotes if quote.source == source}
        if of_source:
            return next(iter(of_source.values())) if len(of_source) == 1 else None
    return None


def _status(quote: Quote, as_of: date, currency: str) -> PriceStatus:
    if quote.close is None or not quote.close.is_finite():
        return PriceStatus.UNREADABLE
    if quote.close == 0:
        return PriceStatus.ZERO
    if quote.close < 0:
        return PriceStatus.NEGATIVE
    if quote.currency != currency:
        return PriceStatus.OTHER_CURRENCY
    if quote.as_of < as_of:
        return PriceStatus.STALE
    return PriceStatus.GOOD


def price_file_findings(
    firm_id: str, previous: Mapping[SecurityId, Decimal], today: Mapping[SecurityId, Decimal]
) -> tuple[Finding, ...]:
    """Faults of a price file as a whole (cases 14, 15): closes of the listed equities in both files.

    `previous` must be adjusted for the corporate actions effective on the day of `today`.
    """
    both = [name for name in today if previous.get(name, Decimal(0)) > 0]
    if len(both) < FEWEST_FOR_FILE_CHECKS:
        return ()
    count = Decimal(len(both))
    unchanged = sum(1 for name in both if today[name] == previous[name])
    moved = sum(1 for name in both if abs(today[name] / previous[name] - 1) > LARGE_MOVE)
    found = []
    if unchanged / count > UNCHANGED_LIMIT:
        message = f"{unchanged} of {len(both)} closes are those of the day before: the file looks like an old one"
        found.append(_stop(DataCode.PRICE_FILE_STALE, firm_id, message))
    if moved / count > MOVED_LIMIT:
        message = f"{moved} of {len(both)} closes moved by more than 40 %: the file looks wrong"
        found.append(_stop(DataCode.PRICE_FILE_SUSPECT, firm_id, message))
    return tuple(found)


def row_count_findings(firm_id: str, kind: str, previous: int, today: int) -> tuple[Finding, ...]:
    """A file that lost more than 10 % of its rows, or grew by more than 50 %, stops the firm (cases 53, 54)."""
    change = f"the {kind} file has {today} rows after {previous} the day before"
    if today * 10 < previous * 9:
        return (_stop(DataCode.FEED_SHRUNK, firm_id, change),)
    if previous > 0 and today * 2 > previous * 3:
        return (_stop(DataCode.FEED_GREW, firm_id, change),)
    return ()


def _stop(code: DataCode, firm_id: str, message: str) -> Finding:
    return Finding(code, FindingScope.FIRM, firm_id, message, Outcome.STOP)
