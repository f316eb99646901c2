"""ISO 20022 semt.002, the custody statement of holdings: one position for each balance of the account.

The subset that is read (SctiesBalCtdyRpt): Pgntn, StmtGnlDtls/StmtDtTm, SfkpgAcct/Id, and of each BalForAcct
AggtBal, FinInstrmId, and HldgVal or the market price. Other elements are passed over.
"""

from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from typing import BinaryIO
from xml.etree.ElementTree import Element

from trimtab.feeds.content import Ask, Cells, Content
from trimtab.feeds.errors import FeedRefused, UnreadableValue
from trimtab.feeds.forms.xml_entries import entries, text_at
from trimtab.feeds.values import EXACT, exact_decimal, in_dollars, read_date

_COLUMNS = ("account_id", "cusip", "isin", "symbol", "quantity", "market_value")
_ENTRIES = frozenset({"Pgntn", "StmtGnlDtls", "SfkpgAcct", "BalForAcct", "SubAcctDtls"})
_CENT = Decimal("0.01")


def open_semt002(stream: BinaryIO, ask: Ask) -> Content:
    """Raises FeedRefused: FEED_SCHEMA for another message, FEED_TRUNCATED without its last page."""
    found = entries(stream, _ENTRIES)
    head: dict[str, Element] = {}
    for name, element in found:
        head[name] = element
        if name in ("SfkpgAcct", "BalForAcct"):
            break
    if "StmtGnlDtls" not in head or "SfkpgAcct" not in head:
        raise FeedRefused("FEED_SCHEMA", "the document is no semt.002: it has no statement details and account")
    _refuse_partial(head)
    moment = text_at(head["StmtGnlDtls"], "StmtDtTm/Dt") or text_at(head["StmtGnlDtls"], "StmtDtTm/DtTm")[:10]
    try:
        as_of = read_date(moment)
    except UnreadableValue as error:
        raise FeedRefused("FEED_SCHEMA", f"StmtDtTm: {error}") from None
    account = text_at(head["SfkpgAcct"], "Id")
    return Content(_COLUMNS, _rows(found, account), as_of)


def _refuse_partial(head: dict[str, Element]) -> None:
    """A page that is not the last, and a statement that tells only what has changed, are no holdings."""
    if "Pgntn" in head and text_at(head["Pgntn"], "LastPgInd") != "true":
        raise FeedRefused("FEED_TRUNCATED", "the statement's last page is missing: send it as one message")
    if text_at(head["StmtGnlDtls"], "UpdTp/Cd") not in ("", "COMP"):
        raise FeedRefused("FEED_SCHEMA", "UpdTp is not COMP: the statement tells only what has changed")


def _rows(found: Iterator[tuple[str, Element]], account: str) -> Iterator[tuple[int, Cells]]:
    number = 0
    for name, element in found:
        if name == "SfkpgAcct":
            raise FeedRefused("FEED_SCHEMA", "a second statement follows: send one document for each account")
        if name == "SubAcctDtls":
            raise FeedRefused("FEED_SCHEMA", "SubAcctDtls is not read: send one statement for each account")
        if name == "BalForAcct":
            number += 1
            yield number, _position(element, account)


def _position(balance: Element, account: str) -> Cells:
    quantity = _quantity(balance)
    return [account, *instrument(balance.find("FinInstrmId")), quantity, _value(balance, quantity)]


def instrument(element: Element | None) -> tuple[str, str, str]:
    """CUSIP, ISIN and ticker of a FinInstrmId."""
    if element is None:
        return "", "", ""
    others = {text_at(each, "Tp/Cd") or text_at(each, "Tp/Prtry"): text_at(each, "Id") for each in element}
    nested = {
        text_at(each, "Tp/Cd") or text_at(each, "Tp/Prtry"): text_at(each, "Id") for each in element.iter("OthrId")
    }
    # Some senders put OthrId's Tp beside it.
    beside = {text_at(element, "Tp/Cd"): text_at(element, "OthrId/Id")}
    named = others | nested | beside
    return named.get("CUSP", ""), text_at(element, "ISIN"), named.get("TIKR", "")


def _quantity(balance: Element) -> str:
    """The aggregate balance in units, negative when it is short."""
    for path in ("AggtBal/Qty/Qty/Qty/Unit", "AggtBal/Qty/Qty/Unit", "AggtBal/Qty/Unit"):
        text = text_at(balance, path)
        if text:
            return f"-{text}" if text_at(balance, "AggtBal/ShrtLngInd") == "SHOR" else text
    return ""


def _value(balance: Element, quantity: str) -> str:
    """The custodian's own holding value; else quantity times its market price, to the cent."""
    for path in ("AcctBaseCcyAmts/HldgVal/Amt", "InstrmCcyAmts/HldgVal/Amt"):
        stated = balance.find(path)
        if stated is not None and text_at(balance, path):
            return in_dollars(text_at(balance, path), stated.get("Ccy", ""))
    price = _market_price(balance)
    if price is None:
        return ""
    try:
        value = EXACT.multiply(exact_decimal(quantity), exact_decimal((price.text or "").strip()))
    except UnreadableValue:
        return ""
    amount = f"{value.quantize(_CENT, rounding=ROUND_HALF_EVEN, context=EXACT):f}"
    return in_dollars(amount, price.get("Ccy", ""))


def _market_price(balance: Element) -> Element | None:
    prices = (each for each in balance.iter("PricDtls") if text_at(each, "Tp/Cd") in ("MRKT", ""))
    return next((found for each in prices if (found := each.find("Val/Amt")) is not None and found.text), None)
