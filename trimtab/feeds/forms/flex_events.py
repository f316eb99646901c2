"""Corporate actions of Interactive Brokers' Flex statements: what was booked, to events.

Each account that holds a security has entries of its own, and an event that exchanges shares has one entry of what
leaves and one of what comes. The description says of which security the event is, in brackets behind its first name;
an entry of another one is of what holders receive: "MMM(US88579Y1010) SPINOFF 1 FOR 4 (SOLV, SOLVENTUM, 83444M101)".
A booking that is taken back has the code Ca; what is booked in its place stands beside it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final
from xml.etree.ElementTree import Element

from trimtab.feeds.content import Cells
from trimtab.feeds.forms.events import Event, Names, cells_of, same_security

_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_SPLIT = re.compile(r"\bSPLIT (?P<new>[\d.]+) FOR (?P<old>[\d.]+)\b")
_RATE = re.compile(r"\b(?P<new>[\d.]+) FOR (?P<old>[\d.]+)\b")
_CASH = re.compile(r"\bFOR (?P<currency>[A-Z]{3}) (?P<amount>[\d.]+) PER SHARE\b")
_SUBJECT = re.compile(r"(?P<symbol>[^()]*)\((?P<name>[A-Z0-9]{9}|[A-Z0-9]{12})\)")
_OWN = re.compile(r".*\((?P<symbol>[^(),]+),.*,\s*(?P<name>[A-Z0-9]{9}|[A-Z0-9]{12})\)\s*")
_NO_NAMES: Final[Names] = ("", "", "")

_KINDS: Final[Mapping[str, str]] = {
    "FS": "SPLF", "RS": "SPLR", "SD": "DVSE", "SO": "SOFF", "TC": "MRGR", "TO": "TEND", "RI": "RHDI", "IC": "CHAN",
    "DW": "DLST", "BM": "REDM",
}  # fmt: skip
"""Flex's types of corporate actions to ISO's; others keep their own name, and the row is kept aside."""
_GIVES: Final = frozenset({"SPLF", "SPLR", "SOFF", "MRGR", "RHDI", "CHAN", "DVSE"})
"""Of these an entry of another security is of what holders receive; of a tender it is where shares wait."""


@dataclass(slots=True)
class _Told:
    """What the entries of one event have said so far."""

    event: Event
    received: dict[Names, None] = field(default_factory=dict)  # in order
    is_booked: bool = False
    is_taken_back: bool = False

    @property
    def message(self) -> str:
        if not self.is_taken_back:
            return "NEWM"
        return "REPL" if self.is_booked else "CANC"


def event_rows(found: Iterable[Element], business_date: date) -> Iterator[tuple[int, Cells]]:
    """A row for each event, or for each security that its holders receive."""
    told: dict[str, _Told] = {}
    for entry in found:
        event, own = _event(entry), own_names(entry)
        each = told.setdefault(event.event_id, _Told(event))
        if event.kind in _GIVES and not same_security(own, event.security):
            each.received[own] = None
        if "Ca" in re.split(r"[;,\s]+", entry.get("code", "")):
            each.is_taken_back = True
        else:
            each.event, each.is_booked = event, True
    number = 0
    for each in told.values():
        for received in each.received or {_NO_NAMES: None}:
            number += 1
            yield number, cells_of(replace(each.event, message=each.message, new_security=received), business_date)


def _event(entry: Element) -> Event:
    kind, description = entry.get("type", ""), entry.get("description", "")
    kind = _KINDS.get(kind, kind)
    rate = _SPLIT.search(description) or _RATE.search(description)
    shares = (rate["new"], rate["old"]) if rate else None
    cash = _CASH.search(description)
    security = _subject(entry)
    return Event(
        event_id=entry.get("actionID", "") or _event_id(entry, security, kind),
        message="NEWM",
        kind=kind,
        security=security,
        ex_on=day_of(entry.get("reportDate", "")),
        # A stock dividend tells the shares that come to those held: 1 FOR 11 leaves twelve for eleven.
        additional=shares if kind == "DVSE" else None,
        new_to_old=None if kind == "DVSE" else shares,
        cash_per_share=cash["amount"] if cash else "",
        cash_currency=cash["currency"] if cash else "",
        confirmed=True,  # Flex tells what was booked
    )


def _event_id(entry: Element, security: Names, kind: str) -> str:
    """Without Flex's own number: a booking and what takes it back have one moment, and other days of report."""
    name = next(filter(None, security), entry.get("conid", ""))
    moment = entry.get("dateTime", "") or entry.get("reportDate", "")
    return f"IBKR-{name}-{day_of(moment)}-{kind}".replace(" ", ".")


def _subject(entry: Element) -> Names:
    """The security that the event is of: the description's first; without one the entry's own."""
    found = _SUBJECT.match(entry.get("description", ""))
    return own_names(entry) if found is None else _by_length(found["name"], found["symbol"].strip())


def own_names(entry: Element) -> Names:
    """CUSIP, ISIN and symbol of the entry itself; older statements have the first two in the description only."""
    cusip, isin, symbol = (entry.get(name, "") for name in ("cusip", "isin", "symbol"))
    found = _OWN.fullmatch(entry.get("description", ""))
    if cusip or isin or found is None:
        return cusip, isin, symbol
    return _by_length(found["name"], symbol)


def _by_length(name: str, symbol: str) -> Names:
    return (name, "", symbol) if len(name) == 9 else ("", name, symbol)


def day_of(moment: str) -> str:
    """20240110;093000 and 2024-01-10, 09:30:00 are moments of 2024-01-10."""
    day = re.split(r"[;, T]", moment.strip(), maxsplit=1)[0]
    return _COMPACT.sub(r"\1-\2-\3", day)
