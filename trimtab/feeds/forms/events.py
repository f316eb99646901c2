"""A corporate action as ISO 15022 and ISO 20022 tell it, to the cells of a corporate_actions row.

Rates are of two kinds, and confusing them is the classic fault: "additional for existing" of 3 for 1 leaves four
shares for each old one, "new to old" of 4 for 1 says the same thing. Both become new_shares and old_shares.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from trimtab.feeds.content import Cells
from trimtab.feeds.errors import UnreadableValue
from trimtab.feeds.values import EXACT, exact_decimal, in_dollars

COLUMNS: Final = (
    "event_id", "version", "kind", "cusip", "isin", "symbol", "ex_on", "record_on", "pay_on", "new_shares",
    "old_shares", "new_cusip", "new_isin", "new_symbol", "cash_per_share", "mandatory", "status",
)  # fmt: skip
"""What these forms can say. Columns that trimtab's own layout does not have are left out."""


Names = tuple[str, str, str]
"""CUSIP, ISIN and ticker of a security; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Event:
    """What one notification says, as text; empty where it says nothing."""

    event_id: str
    message: str  # NEWM, REPL, RMDR, ADDB, CANC, WITH
    kind: str  # CAEV
    security: Names
    ex_on: str = ""
    record_on: str = ""
    pay_on: str = ""
    additional: tuple[str, str] | None = None  # further shares of the same security, for how many old ones
    new_to_old: tuple[str, str] | None = None
    new_security: Names = ("", "", "")
    cash_per_share: str = ""
    cash_currency: str = ""
    mandatory: bool = True
    confirmed: bool = False


def same_security(one: Names, other: Names) -> bool:
    """By CUSIP, which an ISIN of the United States and Canada contains; by ticker when there is neither."""
    first, second = _number(one), _number(other)
    if first and second:
        return first == second
    return bool(one[2]) and one[2] == other[2]


def _number(names: Names) -> str:
    cusip, isin, _ = names
    return isin[2:11] if not cusip and isin[:2] in ("US", "CA") else cusip or isin


def cells_of(event: Event, business_date: date) -> Cells:
    """The row's cells, in the order of COLUMNS."""
    new, old = _shares(event)
    renamed = event.new_security if _is_of_another(event) else ("", "", "")
    return [
        event.event_id, _version(event, business_date), event.kind, *event.security, event.ex_on, event.record_on,
        event.pay_on, new, old, *renamed, in_dollars(event.cash_per_share, event.cash_currency),
        "true" if event.mandatory else "false", _status(event),
    ]  # fmt: skip


def _is_of_another(event: Event) -> bool:
    """Whether holders receive another security, or this one under another number."""
    return any(event.new_security) and not same_security(event.new_security, event.security)


def _shares(event: Event) -> tuple[str, str]:
    if event.new_to_old is not None:
        return event.new_to_old
    if event.additional is None:
        return "", ""
    more, old = event.additional
    if event.kind not in ("SPLF", "DVSE", "BONU") or (event.kind != "SPLF" and _is_of_another(event)):
        return more, old  # shares of another company: 1 for 4 is just that
    try:
        return f"{EXACT.add(exact_decimal(more), exact_decimal(old)):f}", old
    except UnreadableValue:
        return more, old  # told by the reader of the cells


def _version(event: Event, business_date: date) -> str:
    """Neither standard numbers its notifications: the first is 1, what replaces it has the day's number, YYMMDD."""
    return "1" if event.message in ("NEWM", "RMDR", "ADDB", "") else f"{business_date:%y%m%d}"


def _status(event: Event) -> str:
    if event.message in ("CANC", "WITH"):
        return "REVERSED"
    return "CONFIRMED" if event.confirmed else "ANNOUNCED"
