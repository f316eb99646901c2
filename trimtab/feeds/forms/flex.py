"""Interactive Brokers' Flex statements: positions, lots, cash, sales and corporate actions.

Read: FlexStatement (toDate), OpenPosition (SUMMARY for positions, LOT for lots), CashReportCurrency, Lot with
levelOfDetail CLOSED_LOT (sales), CorporateAction (flex_events.py). Flex has no covered flag and no wash adjustment:
the source's configuration gives constants for them. Amounts in another currency than dollars are told as such.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import BinaryIO, Final
from xml.etree.ElementTree import Element

from trimtab.feeds.content import Ask, Cells, Content, refuse_short_history
from trimtab.feeds.errors import FeedRefused, UnreadableValue
from trimtab.feeds.forms.events import COLUMNS
from trimtab.feeds.forms.flex_events import day_of, event_rows
from trimtab.feeds.forms.xml_entries import entries
from trimtab.feeds.layouts import FeedKind
from trimtab.feeds.values import EXACT, exact_decimal, in_dollars, read_date

_STATEMENT: Final = frozenset({"FlexStatement"})
_NAMES = ("cusip", "isin", "symbol")
_SECTIONS: Final[Mapping[FeedKind, str]] = {FeedKind.SALES: "Trades", FeedKind.CORPORATE_ACTIONS: "CorporateActions"}
"""Of kinds that may have no rows: a query without the section would look like a day without news."""


def open_flex(stream: BinaryIO, ask: Ask) -> Content:
    """Raises FeedRefused, also while its rows are read. A corporate actions file may come without a statement."""
    entry, columns, cells = _PARTS[ask.kind]
    section = _SECTIONS.get(ask.kind)
    found = entries(stream, frozenset({entry}), _STATEMENT | ({section} if section else frozenset()))
    if section is not None:
        found = _with_section(found, section)
    if ask.kind is FeedKind.CORPORATE_ACTIONS:
        actions = (element for name, element in found if name == entry)
        return Content(columns, event_rows(actions, ask.business_date), None)
    first = next(found, None)
    if first is None or first[0] != "FlexStatement":
        raise FeedRefused("FEED_SCHEMA", "the document holds no FlexStatement")
    as_of = _statement_day(first[1])
    return Content(columns, _rows(chain([first], found), as_of, cells, ask), as_of)


def _with_section(found: Iterator[tuple[str, Element]], section: str) -> Iterator[tuple[str, Element]]:
    """Statements and entries. Raises FeedRefused at the end when no statement had the section, be it empty."""
    is_there = False
    for name, element in found:
        is_there |= name != "FlexStatement"
        if name != section:
            yield name, element
    if not is_there:
        raise FeedRefused("FEED_SCHEMA", f"no statement has a section {section}: the query must ask for it")


def _statement_day(statement: Element) -> date:
    try:
        found: date = read_date(day_of(statement.get("toDate", "")))
    except UnreadableValue as error:
        raise FeedRefused("FEED_SCHEMA", f"FlexStatement's toDate: {error}") from None
    return found


def _rows(
    found: Iterator[tuple[str, Element]], as_of: date, cells: Callable[[Element], Cells | None], ask: Ask
) -> Iterator[tuple[int, Cells]]:
    number = 0
    for name, element in found:
        if name == "FlexStatement":
            if _statement_day(element) != as_of:
                raise FeedRefused("FEED_STALE_DATE", "the document's statements end on different days")
            refuse_short_history(day_of(element.get("fromDate", "")), ask)
            continue
        row = cells(element)
        if row is not None:
            number += 1
            yield number, row


def _position(entry: Element) -> Cells | None:
    if entry.get("levelOfDetail", "SUMMARY") != "SUMMARY":
        return None
    value = in_dollars(entry.get("positionValue", ""), entry.get("currency", ""))
    return [*_of(entry, "accountId", *_NAMES, "position"), value]


def _lot(entry: Element) -> Cells | None:
    if entry.get("levelOfDetail") != "LOT":
        return None
    opened, held = day_of(entry.get("openDateTime", "")), day_of(entry.get("holdingPeriodDateTime", ""))
    tacked = held if held and held != opened else ""
    account, *names = _of(entry, "accountId", *_NAMES)
    lot = entry.get("originatingTransactionID", "")
    cost = in_dollars(entry.get("costBasisMoney", ""), entry.get("currency", ""))
    return [account, *names, lot, entry.get("position", ""), opened, tacked, cost]


def _cash(entry: Element) -> Cells | None:
    """A line for each currency. Balances of nothing, and the line that adds all of them up, are passed over."""
    account, settled, ending, currency = _of(entry, "accountId", "endingSettledCash", "endingCash", "currency")
    if currency == "BASE_SUMMARY" or (currency != "USD" and not (_is_some(settled) or _is_some(ending))):
        return None
    return [account, settled, _sum(ending, settled, -1), currency]


def _closed_lot(entry: Element) -> Cells | None:
    if entry.get("levelOfDetail") != "CLOSED_LOT":
        return None
    account, *names = _of(entry, "accountId", *_NAMES)
    sold, cost = day_of(entry.get("tradeDate", "")), entry.get("cost", "")
    quantity = entry.get("quantity", "").removeprefix("-")
    currency = entry.get("currency", "")
    proceeds = in_dollars(_sum(cost, entry.get("fifoPnlRealized", ""), 1), currency)
    return [account, *names, sold, quantity, proceeds, in_dollars(cost, currency)]


def _of(entry: Element, *names: str) -> Cells:
    return [entry.get(name, "") for name in names]


def _is_some(amount: str) -> bool:
    """Whether it is another amount than nothing; what cannot be read is."""
    try:
        return exact_decimal(amount or "0") != 0
    except UnreadableValue:
        return True


def _sum(first: str, second: str, sign: int) -> str:
    """first + sign x second, exact; empty when either cannot be read."""
    try:
        total: Decimal = EXACT.add(exact_decimal(first), sign * exact_decimal(second))
    except UnreadableValue:
        return ""
    return f"{total:f}"


_PARTS: Final[Mapping[FeedKind, tuple[str, tuple[str, ...], Callable[[Element], Cells | None]]]] = {
    FeedKind.POSITIONS: ("OpenPosition", ("account_id", *_NAMES, "quantity", "market_value"), _position),
    FeedKind.LOTS: (
        "OpenPosition",
        ("account_id", *_NAMES, "lot_id", "quantity", "acquired_on", "holding_start", "cost"),
        _lot,
    ),
    FeedKind.CASH: ("CashReportCurrency", ("account_id", "settled", "unsettled", "currency"), _cash),
    FeedKind.SALES: (
        "Lot",
        ("account_id", *_NAMES, "sold_on", "quantity", "proceeds", "basis"),
        _closed_lot,
    ),
    FeedKind.CORPORATE_ACTIONS: ("CorporateAction", COLUMNS, lambda _: None),
}
