"""ISO 20022 seev.031, the notification of a corporate action: one row for each document.

The subset that is read (CorpActnNtfctn): the notification's type and status, event id and type, the underlying
security, ex-, record and payment date, and the rates of the default option. Several documents under one root
element of any name are as many events.
"""

from collections.abc import Iterator
from typing import BinaryIO
from xml.etree.ElementTree import Element

from trimtab.feeds.content import Ask, Cells, Content
from trimtab.feeds.errors import FeedRefused
from trimtab.feeds.forms.events import COLUMNS, Event, cells_of
from trimtab.feeds.forms.semt002 import instrument
from trimtab.feeds.forms.xml_entries import entries, text_at

_ENTRIES = frozenset({"CorpActnNtfctn"})
_ADDITIONAL = ("AddtlQtyForExstgScties", "AddtlQtyForSbcbdRsltntScties")


def open_seev031(stream: BinaryIO, ask: Ask) -> Content:
    """Raises FeedRefused, also while its rows are read."""
    return Content(COLUMNS, _rows(stream, ask))


def _rows(stream: BinaryIO, ask: Ask) -> Iterator[tuple[int, Cells]]:
    number = 0
    for _, element in entries(stream, _ENTRIES):
        number += 1
        yield number, cells_of(_event(element), ask.business_date)
    if not number:
        raise FeedRefused("FEED_SCHEMA", "the document holds no CorpActnNtfctn")


def _event(notice: Element) -> Event:
    option = _default_option(notice)
    security = instrument(notice.find("CorpActnGnlInf/UndrlygScty/FinInstrmId"))
    moved = None if option is None else option.find("SctiesMvmntDtls")
    code = "CorpActnDtls/DtDtls/{}/Dt/Dt"
    return Event(
        event_id=text_at(notice, "CorpActnGnlInf/CorpActnEvtId"),
        message=text_at(notice, "NtfctnGnlInf/NtfctnTp"),
        kind=text_at(notice, "CorpActnGnlInf/EvtTp/Cd"),
        security=security,
        ex_on=text_at(notice, code.format("ExDvddDt")) or text_at(notice, code.format("FctvDt")),
        record_on=text_at(notice, code.format("RcrdDt")),
        pay_on=_pay_on(option),
        additional=next((rate for name in _ADDITIONAL if (rate := _rate(moved, name))), None),
        new_to_old=_rate(moved, "NewToOd"),
        new_security=("", "", "") if moved is None else instrument(moved.find("SctyDtls/FinInstrmId")),
        cash_per_share=_cash(option)[0],
        cash_currency=_cash(option)[1],
        mandatory=text_at(notice, "CorpActnGnlInf/MndtryVlntryEvtTp/Cd") in ("MAND", ""),
        confirmed=_confirmed(notice),
    )


def _confirmed(notice: Element) -> bool:
    """Complete and confirmed; what is only one of them may still change."""
    status = "NtfctnGnlInf/PrcgSts/Cd/"
    return text_at(notice, status + "EvtCmpltnsSts") == "COMP" and text_at(notice, status + "EvtConfSts") == "CONF"


def _default_option(notice: Element) -> Element | None:
    options = notice.findall("CorpActnOptnDtls")
    default = "DfltPrcgOrStgInstr/DfltOptnInd"
    return next((each for each in options if text_at(each, default) == "true"), options[0] if options else None)


def _rate(moved: Element | None, name: str) -> tuple[str, str] | None:
    found = None if moved is None else moved.find(f"RateDtls/{name}/QtyToQty")
    return None if found is None else (_quantity(found, "Qty1"), _quantity(found, "Qty2"))


def _quantity(rate: Element, name: str) -> str:
    return text_at(rate, f"{name}/Unit") or text_at(rate, name)


def _cash(option: Element | None) -> tuple[str, str]:
    """Dollars a share and their currency: the gross dividend, or the price that is paid."""
    if option is None:
        return "", ""
    for path in (
        "CshMvmntDtls/RateAndAmtDtls/GrssDvddRate/Amt",
        "CshMvmntDtls/RateDtls/GrssDvddRate/Amt",
        "CshMvmntDtls/PricDtls/GncCshPricRcvdPerPdct/AmtPric/PricVal",
        "CshMvmntDtls/PricDtls/GncCshPricPdPerPdct/AmtPric/PricVal",
    ):
        found = option.find(path)
        if found is not None:
            return (found.text or "").strip(), found.get("Ccy", "")
    return "", ""


def _pay_on(option: Element | None) -> str:
    if option is None:
        return ""
    paths = ("SctiesMvmntDtls/DtDtls/PmtDt/Dt/Dt", "CshMvmntDtls/DtDtls/PmtDt/Dt/Dt")
    return next((found for path in paths if (found := text_at(option, path))), "")
