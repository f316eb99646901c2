"""MT564, the ISO 15022 notification of a corporate action: a subset, one row for each message of the file.

Read: 20C::CORP, 23G, 22F::CAEV, 22F::CAMV, 25D::PROC, 35B, 98A::XDTE (or 98C), EFFD, RDTE and PAYD, and of the default
option 92D::ADEX, NEWO and ADSR, 92F::GRSS and 90B::OFFR. Decimals have a comma. Other fields are passed over.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from trimtab.feeds.content import Ask, Cells, Content
from trimtab.feeds.errors import FeedRefused
from trimtab.feeds.forms.events import COLUMNS, Event, cells_of
from trimtab.feeds.lines import LineSource

_BEGIN = re.compile(r"\{4:\s*$")
_TYPE = re.compile(r"\{2:[IO](\d{3})")
_FIELD = re.compile(r":(\d{2}[A-Z]):(.*)", re.DOTALL)
_QUALIFIED = re.compile(r":?(?P<name>[A-Z0-9]{4})/(?P<scheme>[^/]*)/(?P<value>.*)", re.DOTALL)
_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")
_AMOUNT = re.compile(r"(?:[A-Z]{4}/)?(?P<currency>[A-Z]{3})(?P<amount>[\d,]+)")
_LONGEST_MESSAGE = 10_000  # lines


@dataclass(slots=True)
class _Message:
    """The fields of a message, in order: tag, qualifier, value, and the sequences that they stand in."""

    line: int
    fields: list[tuple[str, str, str, tuple[str, ...]]] = field(default_factory=list)

    def first(self, tag: str, qualifier: str, sequence: str | None = None) -> str:
        """The first value under a tag and qualifier, in a sequence where one is named."""
        for name, known, value, within in self.fields:
            if (name, known) == (tag, qualifier) and (sequence is None or sequence in within):
                return value
        return ""


def open_mt564(stream: BinaryIO, ask: Ask) -> Content:
    """Raises FeedRefused, also while its rows are read: FEED_TRUNCATED for a message without its end."""
    return Content(COLUMNS, _rows(stream, ask))


def _rows(stream: BinaryIO, ask: Ask) -> Iterator[tuple[int, Cells]]:
    number = 0
    for message in _messages(LineSource(stream)):
        number += 1
        yield message.line, cells_of(_event(message), ask.business_date)
    if not number:
        raise FeedRefused("FEED_EMPTY", "the file holds no message")


def _messages(lines: LineSource) -> Iterator[_Message]:
    open_since, held = 0, list[str]()
    for number, raw in enumerate(lines, start=1):
        line = raw.rstrip("\n").rstrip()
        if not open_since:
            if not line or line == "$":
                continue
            _expect_564(line, number)
            open_since, held = number, []
        elif line.startswith("-}"):
            yield _parsed(open_since, held)
            open_since = 0
        elif line.startswith(":") or not held:
            held.append(line)
        else:
            held[-1] += "\n" + line
        if len(held) > _LONGEST_MESSAGE:
            raise FeedRefused("FEED_SIZE", f"the message of line {open_since} has more than {_LONGEST_MESSAGE} lines")
    if open_since:
        raise FeedRefused("FEED_TRUNCATED", f"the message that begins in line {open_since} has no end")


def _expect_564(line: str, number: int) -> None:
    kind = _TYPE.search(line)
    if kind is None or _BEGIN.search(line) is None:
        raise FeedRefused("FEED_SCHEMA", f"line {number} does not begin a message")
    if kind[1] != "564":
        raise FeedRefused("FEED_SCHEMA", f"line {number} begins an MT{kind[1]}, not an MT564")


def _parsed(number: int, lines: list[str]) -> _Message:
    message, within = _Message(number), list[str]()
    for line in lines:
        found = _FIELD.fullmatch(line)
        if found is None:
            raise FeedRefused("FEED_SCHEMA", f"the message of line {number} has a field without its tag")
        tag, content = found[1], found[2]
        if tag == "16R":
            within.append(content)
            if content in ("CAOPTN", "SECMOVE", "CASHMOVE"):
                within[-1] = f"{content}#{sum(1 for each in message.fields if each[0] == '16R')}"
            message.fields.append(("16R", "", content, tuple(within)))
        elif tag == "16S":
            if not within or within.pop().partition("#")[0] != content:
                raise FeedRefused("FEED_SCHEMA", f"the message of line {number} ends {content}, which is not open")
        else:
            qualified = _QUALIFIED.fullmatch(content)
            tag = "98A" if tag == "98C" else tag  # with a time of day, which is not read
            name, value = (qualified["name"], qualified["value"]) if qualified else ("", content)
            message.fields.append((tag, name, value.strip(), tuple(within)))
    if within:
        raise FeedRefused("FEED_TRUNCATED", f"the message of line {number} leaves {within[-1]} open")
    return message


def _event(message: _Message) -> Event:
    option = _default_option(message)
    amount = _AMOUNT.match(message.first("92F", "GRSS", option) or message.first("90B", "OFFR", option))
    return Event(
        event_id=message.first("20C", "CORP"),
        message=message.first("23G", ""),
        kind=message.first("22F", "CAEV"),
        security=_security(message, "USECU"),
        ex_on=_date(message.first("98A", "XDTE") or message.first("98A", "EFFD")),
        record_on=_date(message.first("98A", "RDTE")),
        pay_on=_date(message.first("98A", "PAYD", option)),
        additional=_rate(message.first("92D", "ADEX", option) or message.first("92D", "ADSR", option)),
        new_to_old=_rate(message.first("92D", "NEWO", option)),
        new_security=_security(message, option),
        cash_per_share=_decimal(amount["amount"]) if amount else "",
        cash_currency=amount["currency"] if amount else "",
        mandatory=message.first("22F", "CAMV") in ("MAND", ""),
        # Neither alone is enough: a complete event may be unconfirmed. The standard has one code for both.
        confirmed=message.first("25D", "PROC") == "COMP",
    )


def _default_option(message: _Message) -> str:
    """The sequence of the option that applies without an instruction; the first when none says so."""
    options = list(dict.fromkeys(each for *_, within in message.fields for each in within if each.startswith("CAOPTN")))
    default = (each for each in options if message.first("17B", "DFLT", each) == "Y")
    return next(default, options[0] if options else "CAOPTN")


def _security(message: _Message, sequence: str) -> tuple[str, str, str]:
    """CUSIP, ISIN and ticker of a sequence's first 35B."""
    text = next((value for tag, _, value, within in message.fields if tag == "35B" and sequence in within), "")
    first, *rest = text.split("\n")
    isin = first.removeprefix("ISIN ").strip() if first.startswith("ISIN ") else ""
    others = [first, *rest]
    cusip = next((line.removeprefix("/US/").strip() for line in others if line.startswith("/US/")), "")
    ticker = next((line.removeprefix("/TS/").strip() for line in others if line.startswith("/TS/")), "")
    return cusip, isin, ticker


def _date(text: str) -> str:
    return _DATE.sub(r"\1-\2-\3", text[:8])


def _rate(text: str) -> tuple[str, str] | None:
    first, slash, second = text.partition("/")
    return (_decimal(first), _decimal(second)) if slash else None


def _decimal(text: str) -> str:
    """SWIFT's decimal comma, which may end the number: "3," is 3."""
    whole, comma, part = text.partition(",")
    return f"{whole}.{part}" if comma and part else whole
