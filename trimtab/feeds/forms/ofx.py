"""OFX investment statements, 1.x (SGML) and 2.x (XML): positions, cash and sales of one or more accounts.

Read of each INVSTMTRS: DTASOF, CURDEF, INVACCTFROM/ACCTID, the INVPOS of every position, INVBAL/AVAILCASH, and of
INVTRANLIST DTSTART and the INVSELL of every sale, whose basis is TOTAL less GAIN. Tags of values need no end, as in
OFX 1.x.
"""

import html
import re
from collections.abc import Generator, Iterator
from decimal import Decimal
from typing import BinaryIO, Final
from xml.etree.ElementTree import Element, SubElement

from trimtab.feeds.content import Ask, Cells, Content, refuse_short_history
from trimtab.feeds.errors import FeedRefused, UnreadableValue
from trimtab.feeds.forms.xml_entries import text_at
from trimtab.feeds.layouts import FeedKind
from trimtab.feeds.lines import LineSource
from trimtab.feeds.values import EXACT, exact_decimal, in_dollars, read_date

_TOKEN = re.compile(r"<(?P<end>/?)(?P<name>[A-Z0-9.]{1,40})>(?P<text>[^<]*)")
_DEEPEST = 64
_LONGEST_LINE = 8 << 20
"""Characters: many banks write a whole statement in one line."""
_POSITIONS: Final = frozenset({"POSSTOCK", "POSMF", "POSDEBT", "POSOTHER", "POSOPT"})
_SALES: Final = frozenset({"SELLSTOCK", "SELLMF", "SELLDEBT", "SELLOTHER", "SELLOPT"})
_HEAD: Final = frozenset({"DTASOF", "CURDEF", "INVACCTFROM", "DTSTART"})
_COLUMNS: Final = {
    FeedKind.POSITIONS: ("account_id", "cusip", "isin", "symbol", "quantity", "market_value"),
    FeedKind.CASH: ("account_id", "settled", "unsettled", "currency"),
    FeedKind.SALES: ("account_id", "cusip", "isin", "symbol", "sold_on", "quantity", "proceeds", "basis"),
}
_WANTED: Final = {
    FeedKind.POSITIONS: _POSITIONS,
    FeedKind.CASH: frozenset({"INVBAL"}),
    FeedKind.SALES: _SALES,
}


def open_ofx(stream: BinaryIO, ask: Ask) -> Content:
    """Raises FeedRefused: FEED_SCHEMA for no OFX or no investment statement, FEED_XML for a document type."""
    found = _entries(LineSource(stream, longest=_LONGEST_LINE), _HEAD | _WANTED[ask.kind])
    first = next(((name, element) for name, element in found if name == "DTASOF"), None)
    if first is None:
        raise FeedRefused("FEED_SCHEMA", "the file holds no investment statement")
    as_of = _day(first[1].text or "")
    try:
        known = read_date(as_of)
    except UnreadableValue as error:
        raise FeedRefused("FEED_SCHEMA", f"DTASOF: {error}") from None
    return Content(_COLUMNS[ask.kind], _rows(found, ask, as_of), known)


def _rows(found: Iterator[tuple[str, Element]], ask: Ask, as_of: str) -> Iterator[tuple[int, Cells]]:
    account, currency, number = "", "", 0
    for name, element in found:
        if name == "DTASOF":
            account = currency = ""
            if _day(element.text or "") != as_of:
                raise FeedRefused("FEED_STALE_DATE", "the file's statements are of different days")
        elif name == "CURDEF":
            currency = (element.text or "").strip()
        elif name == "DTSTART":
            refuse_short_history(_day(element.text or ""), ask)
        elif name == "INVACCTFROM":
            account = text_at(element, "ACCTID")
        else:
            number += 1
            yield number, _CELLS[ask.kind](account, currency, element)


def _position(account: str, currency: str, element: Element) -> Cells:
    held = element.find("INVPOS")
    if held is None:
        held = element
    units = text_at(held, "UNITS")
    short = text_at(held, "POSTYPE") == "SHORT" and not units.startswith("-")
    value = in_dollars(text_at(held, "MKTVAL"), _currency(held, currency))
    return [account, *_security(held.find("SECID")), f"-{units}" if short else units, value]


def _cash(account: str, currency: str, element: Element) -> Cells:
    """OFX knows one balance: what is available. Nothing is said of what has not settled."""
    return [account, text_at(element, "AVAILCASH"), "0", currency]


def _sale(account: str, currency: str, element: Element) -> Cells:
    sold = element.find("INVSELL")
    if sold is None:
        sold = element
    total, gain = text_at(sold, "TOTAL"), text_at(sold, "GAIN")
    units = text_at(sold, "UNITS").removeprefix("-")
    security = _security(sold.find("SECID"))
    currency = _currency(sold, currency)
    amounts = [in_dollars(amount, currency) for amount in (total, _less(total, gain))]
    return [account, *security, _day(text_at(sold, "INVTRAN/DTTRADE")), units, *amounts]


_CELLS: Final = {FeedKind.POSITIONS: _position, FeedKind.CASH: _cash, FeedKind.SALES: _sale}


def _currency(element: Element, default: str) -> str:
    """Of the entry's amounts: its own CURRENCY, else the statement's. ORIGCURRENCY tells what they were before."""
    return text_at(element, "CURRENCY/CURSYM") or default


def _less(total: str, gain: str) -> str:
    """Empty when either is unknown: a basis is never guessed."""
    try:
        basis: Decimal = EXACT.subtract(exact_decimal(total), exact_decimal(gain))
    except UnreadableValue:
        return ""
    return f"{basis:f}"


def _security(element: Element | None) -> tuple[str, str, str]:
    """CUSIP, ISIN and ticker, by the kind of the unique id."""
    if element is None:
        return "", "", ""
    name, kind = text_at(element, "UNIQUEID"), text_at(element, "UNIQUEIDTYPE").upper()
    return name if kind == "CUSIP" else "", name if kind == "ISIN" else "", name if kind == "TICKER" else ""


def _day(moment: str) -> str:
    """20260510160000.000[-4:EDT] is a moment of 2026-05-10, by the sender's own clock."""
    day = moment.strip()[:8]
    return f"{day[:4]}-{day[4:6]}-{day[6:]}"


# --- the small reader ---------------------------------------------------------------------------------------------


def _entries(lines: LineSource, names: frozenset[str]) -> Iterator[tuple[str, Element]]:
    """(name, element) of each outermost element with one of the names. Raises FeedRefused."""
    tree, begun, loose = _Tree(names), False, ""
    for line in lines:
        if "<!" in line:
            raise FeedRefused("FEED_XML", "the file has a document type or a marked section, which are never read")
        if loose:
            raise FeedRefused("FEED_SCHEMA", f"{loose[:20]!r} stands between tags")
        if not begun and "<OFX>" not in line:
            continue  # the header, of lines or of XML's own declarations
        # XML's own declarations may stand before it on the line.
        loose = yield from _take_line(tree, line if begun else line[line.index("<OFX>") :])
        begun = True
    if not begun:
        raise FeedRefused("FEED_SCHEMA", "the file is no OFX")
    if tree.path:
        raise FeedRefused("FEED_TRUNCATED", f"the file ends inside of {tree.path[0].tag}")


def _take_line(tree: "_Tree", line: str) -> Generator[tuple[str, Element], None, str]:
    """Returns what is left at the line's end that is no tag: a file that is cut ends with such."""
    at = 0
    for token in _TOKEN.finditer(line):
        between = line[at : token.start()].strip()
        if between:
            raise FeedRefused("FEED_SCHEMA", f"{between[:20]!r} stands between tags")
        at = token.end()
        yield from tree.take(token)
    return line[at:].strip()


class _Tree:
    """The open aggregates, outermost first, and what is built of the entries among them."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self.path: list[Element] = []
        self._inside = 0
        self._leaf = ""
        self._over = False

    def take(self, token: "re.Match[str]") -> Iterator[tuple[str, Element]]:
        name, text = token["name"], html.unescape(token["text"].strip())
        if self._over:
            raise FeedRefused("FEED_TRAILING", "there is something after the end of OFX")
        if token["end"]:
            yield from self._end(name)
        elif text:
            yield from self._value(name, text)
        else:
            self._begin(name)

    def _value(self, name: str, text: str) -> Iterator[tuple[str, Element]]:
        self._leaf = name
        leaf = SubElement(self.path[-1], name) if self._inside and self.path else Element(name)
        leaf.text = text
        if name in self._names and not self._inside:
            yield name, leaf

    def _begin(self, name: str) -> None:
        self._leaf = ""
        if len(self.path) >= _DEEPEST:
            raise FeedRefused("FEED_SIZE", f"aggregates are nested more than {_DEEPEST} deep")
        self._inside += name in self._names
        self.path.append(SubElement(self.path[-1], name) if self._inside and self.path else Element(name))

    def _end(self, name: str) -> Iterator[tuple[str, Element]]:
        if name == self._leaf:
            self._leaf = ""
            return
        if all(element.tag != name for element in self.path):
            raise FeedRefused("FEED_SCHEMA", f"{name} ends and has not begun")
        while True:  # an empty value without its end is open still
            element = self.path.pop()
            if element.tag in self._names:
                self._inside -= 1
                if not self._inside:
                    yield element.tag, element
                    _forget(self.path, element)
            if element.tag == name:
                break
        self._over = not self.path


def _forget(path: list[Element], element: Element) -> None:
    if path and element in path[-1]:
        path[-1].remove(element)
