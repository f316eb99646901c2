"""Interactive Brokers' Flex statements: positions, lots, cash, sales and corporate actions.

Read: FlexStatement (toDate), OpenPosition (SUMMARY for positions, LOT for lots), CashReportCurrency in dollars,
Lot with levelOfDetail CLOSED_LOT (sales), CorporateAction. Flex has no covered flag and no wash adjustment: the
source's configuration gives constants for them.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import BinaryIO, Final
from xml.etree.ElementTree import Element

from trimtab.feeds.content import Ask, Cells, Content
from trimtab.feeds.errors import FeedRefused, UnreadableValue
from trimtab.feeds.forms.events import COLUMNS, Event, cells_of
from trimtab.feeds.forms.xml_entries import entries
from trimtab.feeds.layouts import FeedKind
from trimtab.feeds.values import EXACT, exact_decimal, read_date

_STATEMENT: Final = frozenset({"FlexStatement"})
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_SPLIT = re.compile(r"\bSPLIT (?P<new>[\d.]+) FOR (?P<old>[\d.]+)\b")
_RATE = re.compile(r"\b(?P<new>[\d.]+) FOR (?P<old>[\d.]+)\b")
_NAMES = ("cusip", "isin", "symbol")

_KINDS: Final[Mapping[str, str]] = {
    "FS": "SPLF", "RS": "SPLR", "SD": "DVSE", "SO": "SOFF", "TC": "MRGR", "TO": "TEND", "RI": "RHTS", "IC": "CHAN",
    "DW": "DLST", "BM": "REDM",
}  # fmt: skip
"""Flex's types of corporate actions to ISO's; others keep their own name, and the row is kept aside."""


def open_flex(stream: BinaryIO, ask: Ask) -> Content:
    """Raises FeedRefused, also while its rows are read. A corporate actions file may come without a statement."""
    entry, columns, cells = _PARTS[ask.kind]
    found = entries(stream, frozenset({entry}), _STATEMENT)
    if ask.kind is FeedKind.CORPORATE_ACTIONS:
        return Content(columns, _actions(found, ask), None)
    first = next(found, None)
    if first is None or first[0] != "FlexStatement":
        raise FeedRefused("FEED_SCHEMA", "the document holds no FlexStatement")
    as_of = _statement_day(first[1])
    return Content(columns, _rows(found, as_of, cells), as_of)


def _statement_day(statement: Element) -> date:
    try:
        found: date = read_date(_day(statement.get("toDate", "")))
    except UnreadableValue as error:
        raise FeedRefused("FEED_SCHEMA", f"FlexStatement's toDate: {error}") from None
    return found


def _rows(
    found: Iterator[tuple[str, Element]], as_of: date, cells: Callable[[Element], Cells | None]
) -> Iterator[tuple[int, Cells]]:
    number = 0
    for name, element in found:
        if name == "FlexStatement":
            if _statement_day(element) != as_of:
                raise FeedRefused("FEED_STALE_DATE", "the document's statements end on different days")
            continue
        row = cells(element)
        if row is not None:
            number += 1
            yield number, row


def _position(entry: Element) -> Cells | None:
    if entry.get("levelOfDetail", "SUMMARY") != "SUMMARY":
        return None
    return _of(entry, "accountId", *_NAMES, "position", "positionValue")


def _lot(entry: Element) -> Cells | None:
    if entry.get("levelOfDetail") != "LOT":
        return None
    opened, held = _day(entry.get("openDateTime", "")), _day(entry.get("holdingPeriodDateTime", ""))
    tacked = held if held and held != opened else ""
    account, *names = _of(entry, "accountId", *_NAMES)
    lot = entry.get("originatingTransactionID", "")
    return [account, *names, lot, entry.get("position", ""), opened, tacked, entry.get("costBasisMoney", "")]


def _cash(entry: Element) -> Cells | None:
    """Dollars only: a balance in another currency has a line of its own and is not spendable here."""
    if entry.get("currency") != "USD":
        return None
    account, settled = _of(entry, "accountId", "endingSettledCash")
    return [account, settled, _sum(entry.get("endingCash", ""), settled, -1)]


def _closed_lot(entry: Element) -> Cells | None:
    if entry.get("levelOfDetail") != "CLOSED_LOT":
        return None
    account, *names = _of(entry, "accountId", *_NAMES)
    sold, cost = _day(entry.get("tradeDate", "")), entry.get("cost", "")
    quantity = entry.get("quantity", "").removeprefix("-")
    return [account, *names, sold, quantity, _sum(cost, entry.get("fifoPnlRealized", ""), 1), cost]


def _actions(found: Iterator[tuple[str, Element]], ask: Ask) -> Iterator[tuple[int, Cells]]:
    """One row for each event: every account that holds the security tells of it in an entry of its own."""
    number, told = 0, set[str]()
    for name, element in found:
        if name == "FlexStatement":
            continue
        event = _event(element)
        if event.event_id not in told:
            told.add(event.event_id)
            number += 1
            yield number, cells_of(event, ask.business_date)


def _event(entry: Element) -> Event:
    kind, description = entry.get("type", ""), entry.get("description", "")
    rate = _SPLIT.search(description) or _RATE.search(description)
    ex_on = _day(entry.get("reportDate", ""))
    conid, action = entry.get("conid", ""), entry.get("actionID", "")
    cusip, isin, symbol = _of(entry, *_NAMES)
    return Event(
        event_id=action or f"IBKR-{conid}-{ex_on}-{kind}",
        message="NEWM",
        kind=_KINDS.get(kind, kind),
        security=(cusip, isin, symbol),
        ex_on=ex_on,
        new_to_old=(rate["new"], rate["old"]) if rate else None,
        confirmed=True,  # Flex tells what was booked
    )


def _of(entry: Element, *names: str) -> Cells:
    return [entry.get(name, "") for name in names]


def _sum(first: str, second: str, sign: int) -> str:
    """first + sign x second, exact; empty when either cannot be read."""
    try:
        total: Decimal = EXACT.add(exact_decimal(first), sign * exact_decimal(second))
    except UnreadableValue:
        return ""
    return f"{total:f}"


def _day(moment: str) -> str:
    """20240110;093000 and 2024-01-10, 09:30:00 are moments of 2024-01-10."""
    day = re.split(r"[;, T]", moment.strip(), maxsplit=1)[0]
    return _COMPACT.sub(r"\1-\2-\3", day)


_PARTS: Final[Mapping[FeedKind, tuple[str, tuple[str, ...], Callable[[Element], Cells | None]]]] = {
    FeedKind.POSITIONS: ("OpenPosition", ("account_id", *_NAMES, "quantity", "market_value"), _position),
    FeedKind.LOTS: (
        "OpenPosition",
        ("account_id", *_NAMES, "lot_id", "quantity", "acquired_on", "holding_start", "cost"),
        _lot,
    ),
    FeedKind.CASH: ("CashReportCurrency", ("account_id", "settled", "unsettled"), _cash),
    FeedKind.SALES: (
        "Lot",
        ("account_id", *_NAMES, "sold_on", "quantity", "proceeds", "basis"),
        _closed_lot,
    ),
    FeedKind.CORPORATE_ACTIONS: ("CorporateAction", COLUMNS, lambda _: None),
}
