"""A custodian's own file, by a layout: its words, numbers and dates become those of trimtab's CSV.

What does not have the form that the layout gives it is passed on as it is written: the strict reader of the cell
then keeps the row aside and shows the value. Nothing is guessed.
"""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import BinaryIO, Final

from trimtab.feeds.content import Ask, Cells, Claim, Content
from trimtab.feeds.custodian_layouts import CustodianLayout, LayoutInvalid, Place, RowRule, find_layout
from trimtab.feeds.errors import FeedRefused
from trimtab.feeds.lines import LineSource

_US: Final = re.compile(r"(?P<open>\()?(?P<sign>[+-])?\$?(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?P<part>\.\d+)?(?(open)\))")
_IMPLIED: Final = re.compile(r"(?P<sign>[+-])?(?P<digits>\d+)(?P<after>[+-])?")

Change = Callable[[str], str]
Groups = dict[str, str | None]
Cut = Callable[[str, int], Sequence[str]]


def open_layout(stream: BinaryIO, ask: Ask) -> Content:
    """Raises FeedRefused when the file is not as the layout says, also while its rows are read."""
    layout = _layout_of(ask)
    lines = _Lines(LineSource(stream, encoding=layout.encoding))
    title = _of_file_name(layout, ask.file) | _title(layout, lines)
    content = Content(list(layout.columns), iter(()), _as_of(layout, title), layout.name)
    if layout.shape == "fixed":
        content.rows = _fixed_rows(layout, lines, content, title)
    else:
        content.rows = _delimited_rows(layout, lines, content, title)
    if layout.trailer is None:
        content.notes.append(f"the layout {layout.name} has no trailer: a file that is cut after a line is not noticed")
    return content


def _layout_of(ask: Ask) -> CustodianLayout:
    try:
        layout = find_layout(ask.layout or "", ask.home)
    except LayoutInvalid as error:
        raise FeedRefused("FEED_SCHEMA", str(error)) from None
    if layout.kind is not ask.kind:
        raise FeedRefused("FEED_SCHEMA", f"the layout {layout.name} is of {layout.kind}, not of {ask.kind}")
    return layout


class _Lines:
    """The lines with one line of foresight, so that the last one is known as such."""

    def __init__(self, source: LineSource) -> None:
        self._lines = iter(source)
        self.number = 0
        self._next = next(self._lines, None)

    def take(self) -> str | None:
        line = self._next
        if line is not None:
            self.number += 1
            self._next = next(self._lines, None)
        return line

    @property
    def is_last(self) -> bool:
        """Whether nothing but empty lines follows."""
        while self._next is not None and not self._next.strip():
            self._next = next(self._lines, None)
        return self._next is None


def _of_file_name(layout: CustodianLayout, name: str) -> Groups:
    if layout.file_name is None:
        return {}
    found = layout.file_name.match(name)
    if found is None:
        raise FeedRefused("FEED_SCHEMA", f"the file's name is not as the layout {layout.name} says")
    return found.groupdict()


def _title(layout: CustodianLayout, lines: _Lines) -> Groups:
    if layout.title is None:
        return {}
    line = lines.take()
    if line is None:
        raise FeedRefused("FEED_EMPTY", "the file is empty")
    found = layout.title.match(line.rstrip("\n"))
    if found is None:
        raise FeedRefused("FEED_SCHEMA", f"the first line is not that of the layout {layout.name}")
    return found.groupdict()


def _as_of(layout: CustodianLayout, title: Groups) -> date | None:
    if layout.as_of is None:
        return None
    written = title.get("as_of") or ""
    try:
        return datetime.strptime(written, layout.as_of).date()  # noqa: DTZ007 - a day, not a moment
    except ValueError:
        raise FeedRefused("FEED_SCHEMA", f"the first line's day {written[:20]!r} is none") from None


# --- delimited ------------------------------------------------------------------------------------------------------


def _delimited_rows(
    layout: CustodianLayout, lines: _Lines, content: Content, title: Groups
) -> Iterator[tuple[int, Cells]]:
    header = lines.take()
    if header is None:
        raise FeedRefused("FEED_EMPTY", "the file has no line of column names")
    names = [name.strip() for name in _split(header, layout.delimiter, lines.number)]
    at = _positions(layout, names)
    make = _maker(layout, title, lambda place: at[place.source or ""])
    keeps = _keeper(layout, at)
    for line in _body(layout, lines, content):
        cells = _split(line, layout.delimiter, lines.number)
        if len(cells) == len(names):
            if keeps(cells):
                yield lines.number, make(cells)
        else:
            filled = (cells + [""] * len(names))[: len(names)]
            yield lines.number, make(filled)[:-1]  # too short, so that the row's reader refuses it


def _positions(layout: CustodianLayout, names: Sequence[str]) -> dict[str, int]:
    wanted = {place.source for place in layout.columns.values() if place.source is not None}
    wanted |= {rule.column for rule in (*layout.leave_out, *layout.only)}
    at = {name: place for place, name in enumerate(names)}
    missing = sorted(wanted - set(at))
    if missing:
        raise FeedRefused("FEED_SCHEMA", f"the columns {', '.join(missing)} are missing")
    twice = sorted(name for name in wanted if list(names).count(name) > 1)
    if twice:
        raise FeedRefused("FEED_SCHEMA", f"the columns {', '.join(twice)} stand twice")
    return at


def _split(line: str, delimiter: str, number: int) -> Cells:
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise FeedRefused("FEED_ENCODING", f"line {number} cannot be split: {error}") from None


# --- fixed width ----------------------------------------------------------------------------------------------------


def _fixed_rows(layout: CustodianLayout, lines: _Lines, content: Content, title: Groups) -> Iterator[tuple[int, Cells]]:
    spans = {place.source or "": place.span for place in layout.columns.values() if place.source is not None}
    for rule in (*layout.leave_out, *layout.only):
        spans[rule.column] = Place.model_validate({"from": rule.column}).span
    order = {source: number for number, source in enumerate(spans)}
    shortest = _shortest(layout)
    make = _maker(layout, title, lambda place: order[place.source or ""])
    keeps = _keeper(layout, order)
    for line in _body(layout, lines, content):
        if layout.details is not None and not line.startswith(layout.details):
            raise FeedRefused("FEED_SCHEMA", f"line {lines.number} does not begin with {layout.details!r}")
        text = line.rstrip("\n")
        cells = [text[span].strip() for span in spans.values()]
        if len(text) < shortest:
            yield lines.number, make(cells)[:-1]  # cut: the row's reader refuses it
        elif keeps(cells):
            yield lines.number, make(cells)


def _shortest(layout: CustodianLayout) -> int:
    """Characters of a whole line: text may lose the blanks at its end, a number or day that is cut is another one."""
    read = [place for place in layout.columns.values() if place.source is not None]
    return max((place.span.stop if place.number or place.date else place.span.start + 1 for place in read), default=0)


# --- both -----------------------------------------------------------------------------------------------------------


def _body(layout: CustodianLayout, lines: _Lines, content: Content) -> Iterator[str]:
    """The lines between header and trailer; the claim of the trailer is kept. Empty lines are none."""
    while (line := lines.take()) is not None:
        if not line.strip():
            continue
        found = None if layout.trailer is None else layout.trailer.match(line.rstrip("\n"))
        if found is None:
            yield line
            continue
        content.claim = _claim(layout, found.groupdict())
        if not lines.is_last:
            raise FeedRefused("FEED_TRAILING", "there are lines after the trailer")
        return
    if layout.trailer is not None:
        raise FeedRefused("FEED_TRUNCATED", "the file ends without its trailer")


def _claim(layout: CustodianLayout, groups: Groups) -> Claim | None:
    rows, total = groups.get("rows"), groups.get("total")
    if rows is None or layout.trailer is None:
        return None
    if total is None:
        return Claim(int(rows))
    text = _implied(total.strip(), layout.trailer.places) if layout.trailer.places else _us(total.strip())
    try:
        return Claim(int(rows), Decimal(text), total.strip())
    except ArithmeticError:
        raise FeedRefused("FEED_TRUNCATED", "the trailer's total is no number") from None


def _maker(layout: CustodianLayout, title: Groups, where: Callable[[Place], int]) -> Callable[[Sequence[str]], Cells]:
    """From the custodian's cells to trimtab's."""
    steps = []
    for place in layout.columns.values():
        fixed = title.get(place.title) if place.title is not None else place.value
        if place.source is None and fixed is None:
            raise FeedRefused("FEED_SCHEMA", f"the first line has no {place.title}")
        steps.append((None if place.source is None else where(place), fixed or "", _change(place)))

    def make(cells: Sequence[str]) -> Cells:
        return [change(fixed if at is None else cells[at].strip()) for at, fixed, change in steps]

    return make


def _keeper(layout: CustodianLayout, at: dict[str, int]) -> Callable[[Sequence[str]], bool]:
    """Whether a row is one of those that the layout reads."""

    def matches(rule: RowRule, cells: Sequence[str]) -> bool:
        return re.fullmatch(rule.matches, cells[at[rule.column]].strip()) is not None

    def keeps(cells: Sequence[str]) -> bool:
        return all(matches(rule, cells) for rule in layout.only) and not any(
            matches(rule, cells) for rule in layout.leave_out
        )

    return keeps


def _change(place: Place) -> Change:
    """How the place's text becomes that of trimtab's CSV."""
    change = _written(place)
    if place.take is None:
        return change
    pattern = re.compile(place.take)

    def taken(text: str) -> str:
        found = pattern.fullmatch(text)
        return change(text if found is None else found[1])

    return taken


def _written(place: Place) -> Change:
    words = place.words

    def signless(text: str) -> str:
        return text.removeprefix("-") if place.magnitude else text

    if place.number == "us":
        return lambda text: signless(_us(words.get(text, text)))
    if place.number == "implied":
        return lambda text: signless(_implied(words.get(text, text), place.places))
    if place.date is not None:
        written = place.date
        return lambda text: _day(words.get(text, text), written)
    return lambda text: signless(words.get(text, text))


def _us(text: str) -> str:
    """$1,234.56, -$500.00 and ($500.00) as plain decimals; "--" and "N/A" are no numbers and stay what they are."""
    found = _US.fullmatch(text)
    if found is None:
        return text
    negative = found["open"] or found["sign"] == "-"
    return ("-" if negative else "") + found["whole"].replace(",", "") + (found["part"] or "")


def _implied(text: str, places: int) -> str:
    """0000123450 with four places is 12.345; the sign may stand before or after."""
    found = _IMPLIED.fullmatch(text)
    if found is None or (found["sign"] and found["after"]):
        return text
    sign = "-" if "-" in (found["sign"], found["after"]) else ""
    return f"{sign}{Decimal(found['digits']).scaleb(-places):f}"


def _day(text: str, written: str) -> str:
    try:
        return datetime.strptime(text, written).date().isoformat()  # noqa: DTZ007 - a day, not a moment
    except ValueError:
        return text
