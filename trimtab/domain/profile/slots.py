"""The gaps in a setting's sentence: how each kind of value is written, read, stored and bounded.

A stored value is text in canonical form (`domain.records.decimal_text`, ISO dates, a word of a choice), so that equal
settings are equal versions. `written(stored)` and `read(written)` are each other's inverse.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from trimtab.domain.profile.errors import WrongValue
from trimtab.domain.records import decimal_text

LONGEST_NAME: Final = 80
LONGEST_TEXT: Final = 500


class SlotKind(StrEnum):
    """What a gap holds, and in which unit it is written."""

    PERCENT = "PERCENT"  # stored as a fraction: 35 % is 0.35
    DOLLARS = "DOLLARS"
    COUNT = "COUNT"
    DATE = "DATE"
    CHOICE = "CHOICE"
    SECURITY = "SECURITY"  # trimtab's id of a security; people may write any symbol that the master knows
    NAME = "NAME"  # of a sector, class, list, tier or custodian
    TEXT = "TEXT"


@dataclass(frozen=True, slots=True)
class Slot:
    """One gap. `low` and `high` bound percentages (as fractions), dollars and counts, both included."""

    name: str
    kind: SlotKind
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(1)
    words: Mapping[str, str] = field(default_factory=dict)  # CHOICE: what is stored to what is written

    @property
    def pattern(self) -> str:
        """A regular expression of what may stand in the gap; matched without regard to case."""
        if self.kind is SlotKind.CHOICE:
            return "|".join(re.escape(word) for word in sorted(self.words.values(), key=len, reverse=True))
        return _PATTERNS[self.kind]

    def read(self, written: str) -> str:
        """The stored form of what stands in a sentence, not yet checked."""
        match self.kind:
            case SlotKind.PERCENT:
                return decimal_text(Decimal(written.rstrip("% ")) / 100)
            case SlotKind.DOLLARS | SlotKind.COUNT:
                return decimal_text(Decimal(written.replace("$", "").replace(",", "")))
            case SlotKind.CHOICE:
                word = written.lower()
                return next(stored for stored, each in self.words.items() if each.lower() == word)
            case _:
                return written

    def written(self, stored: str) -> str:
        """What stands in the sentence for a stored value."""
        match self.kind:
            case SlotKind.PERCENT:
                return f"{decimal_text(Decimal(stored) * 100)} %"
            case SlotKind.DOLLARS:
                return f"${Decimal(stored):,.2f}".removesuffix(".00")
            case SlotKind.COUNT:
                return f"{int(Decimal(stored)):,}"
            case SlotKind.CHOICE:
                return self.words[stored]
            case _:
                return stored

    def checked(self, stored: str) -> str:
        """The stored value, when it is one. Raises WrongValue, which tells what may stand here."""
        match self.kind:
            case SlotKind.PERCENT | SlotKind.DOLLARS | SlotKind.COUNT:
                return self._number(stored)
            case SlotKind.DATE:
                return _date(self.name, stored)
            case SlotKind.CHOICE:
                if stored not in self.words:
                    raise WrongValue(f"{self.label} is one of {', '.join(self.words)}, not {stored!r}")
                return stored
            case _:
                return self._words(stored)

    @property
    def label(self) -> str:
        return self.name.replace("_", " ")

    def _number(self, stored: str) -> str:
        number = _decimal(self.label, stored)
        if not self.low <= number <= self.high:
            bounds = f"{self.written(decimal_text(self.low))} to {self.written(decimal_text(self.high))}"
            raise WrongValue(f"{self.label} is {self.written(stored)}, and may be {bounds}: give one in that range")
        step = _STEPS[self.kind]
        if number != number.quantize(step):
            raise WrongValue(f"{self.label} is {decimal_text(number)}, finer than {decimal_text(step)}: round it")
        return decimal_text(number)

    def _words(self, stored: str) -> str:
        longest = LONGEST_TEXT if self.kind is SlotKind.TEXT else LONGEST_NAME
        if not stored or len(stored) > longest or not re.fullmatch(self.pattern, stored):
            raise WrongValue(f"{self.label} is 1 to {longest} printable characters, not {stored[:20]!r}")
        return stored


_PATTERNS: Final[Mapping[SlotKind, str]] = {
    SlotKind.PERCENT: r"-?\d{1,9}(?:\.\d{1,9})? ?%",
    SlotKind.DOLLARS: r"\$-?\d[\d,]{0,20}(?:\.\d{1,6})?",
    SlotKind.COUNT: r"\d[\d,]{0,15}",
    SlotKind.DATE: r"\d{4}-\d{2}-\d{2}",
    SlotKind.SECURITY: r"[A-Za-z0-9][A-Za-z0-9._/~=@+-]*",
    SlotKind.NAME: r"[A-Za-z0-9](?:(?:[A-Za-z0-9_.&/'()+-]| (?! ))*[A-Za-z0-9_.)+])?",
    SlotKind.TEXT: r"[^\s\x00-\x1f\x7f](?: ?[^\s\x00-\x1f\x7f])*",
}
_STEPS: Final[Mapping[SlotKind, Decimal]] = {
    SlotKind.PERCENT: Decimal("0.000001"),
    SlotKind.DOLLARS: Decimal("0.01"),
    SlotKind.COUNT: Decimal(1),
}


def _decimal(label: str, stored: str) -> Decimal:
    try:
        number = Decimal(stored)
    except ArithmeticError:
        raise WrongValue(f"{label} is {stored!r}, which is no number") from None
    if not number.is_finite():
        raise WrongValue(f"{label} is {stored}, which is no number")
    return number


def _date(label: str, stored: str) -> str:
    try:
        found = date.fromisoformat(stored)
    except ValueError:
        raise WrongValue(f"{label} is {stored!r}, which is no date: write it as 2026-12-31") from None
    if found.isoformat() != stored:
        raise WrongValue(f"{label} is {stored!r}: write dates as 2026-12-31")
    return stored
