"""A setting as it is stated: one sentence of the firm's language, and nothing that a sentence could not say."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property
from typing import Final

from trimtab.domain.profile.errors import UnknownSentence, WrongValue
from trimtab.domain.profile.slots import Slot, SlotKind

ON: Final = "on"
OFF: Final = "off"


class Group(StrEnum):
    """The twelve groups of the client profile (X1)."""

    TARGET = "TARGET"
    CASH = "CASH"
    TRADE_SIZE_AND_COST = "TRADE_SIZE_AND_COST"
    TAXES = "TAXES"
    TRANSITION_PLAN = "TRANSITION_PLAN"
    NOTE = "NOTE"
    SECURITY_CONSTRAINTS = "SECURITY_CONSTRAINTS"
    SECTOR_CONSTRAINTS = "SECTOR_CONSTRAINTS"
    SOCIAL_SCREENS = "SOCIAL_SCREENS"
    ATTRIBUTES = "ATTRIBUTES"
    SPECIAL_PURPOSE = "SPECIAL_PURPOSE"
    OTHER = "OTHER"


class Level(StrEnum):
    """Where a setting is made, the widest first. The two above FIRM are nobody's decision."""

    DEFAULT = "DEFAULT"
    FILE = "FILE"  # the account's row in the accounts file
    FIRM = "FIRM"
    PROGRAMME = "PROGRAMME"
    ADVISOR = "ADVISOR"
    HOUSEHOLD = "HOUSEHOLD"
    ACCOUNT = "ACCOUNT"


LEVELS: Final = tuple(Level)
DECIDED: Final = (Level.FIRM, Level.PROGRAMME, Level.ADVISOR, Level.HOUSEHOLD, Level.ACCOUNT)


@dataclass(frozen=True, slots=True)
class Statement:
    """What is stated: a setting, its form ("off" lifts it), and the stored values of the sentence's gaps."""

    key: str
    form: str = ON
    values: Mapping[str, str] = field(default_factory=dict)  # gap to stored value, the subject's included

    def decimal(self, name: str) -> Decimal:
        return Decimal(self.values[name])

    def whole(self, name: str) -> int:
        return int(Decimal(self.values[name]))

    def day(self, name: str) -> date:
        return date.fromisoformat(self.values[name])

    @property
    def is_on(self) -> bool:
        return self.form != OFF


@dataclass(frozen=True, eq=False)
class Setting:
    """One setting: a sentence for each of its forms, with gaps. `subject`: gaps that say what it is about."""

    key: str
    group: Group
    forms: Mapping[str, str]  # form to sentence; a gap is {name}
    slots: tuple[Slot, ...]
    effect: str  # what it does, one phrase for the documentation
    default: Statement | None = None  # None: nothing is said about any subject
    subject: tuple[str, ...] = ()
    levels: tuple[Level, ...] = DECIDED
    locked_by_firm: bool = False  # what the firm states, no lower level lifts

    @cached_property
    def slot(self) -> Mapping[str, Slot]:
        return {slot.name: slot for slot in self.slots}

    @cached_property
    def _patterns(self) -> Mapping[str, re.Pattern[str]]:
        return {form: re.compile(self._pattern(text), re.IGNORECASE) for form, text in self.forms.items()}

    def _pattern(self, text: str) -> str:
        parts = re.split(r"\{(\w+)\}", text)
        return "".join(
            f"(?P<{part}>{self.slot[part].pattern})" if place % 2 else re.escape(part)
            for place, part in enumerate(parts)
        )

    def gaps(self, form: str) -> tuple[str, ...]:
        return tuple(re.findall(r"\{(\w+)\}", self.forms[form]))

    def render(self, statement: Statement, names: Mapping[str, str] | None = None) -> str:
        """The statement's one sentence; `names` gives securities the symbols that people know."""
        written = {name: self._written(name, value, names or {}) for name, value in statement.values.items()}
        return self.forms[statement.form].format(**written)

    def _written(self, name: str, value: str, names: Mapping[str, str]) -> str:
        slot = self.slot[name]
        return slot.written(names.get(value, value) if slot.kind is SlotKind.SECURITY else value)

    def match(self, sentence: str) -> Statement | None:
        """The statement of a sentence of this setting; None for any other. Raises WrongValue."""
        for form, pattern in self._patterns.items():
            found = pattern.fullmatch(sentence)
            if found is not None:
                read = {name: self.slot[name].read(value) for name, value in found.groupdict().items()}
                return self.checked(Statement(self.key, form, read))
        return None

    def checked(self, statement: Statement) -> Statement:
        """The statement in canonical form. Raises WrongValue for a value that cannot be, or bounds that cross."""
        if statement.form not in self.forms:
            raise WrongValue(f"{self.key} has no form {statement.form!r}: use one of {', '.join(self.forms)}")
        gaps = self.gaps(statement.form)
        if set(gaps) != set(statement.values):
            raise WrongValue(f"{self.key} needs {', '.join(gaps) or 'no value'}: {self.forms[statement.form]}")
        values = {name: self._in_range(name, statement.values[name]) for name in gaps}
        for low, high in (("low", "high"), ("december", "january"), ("start", "end")):
            if low in values and high in values and _above(values[low], values[high]):
                raise WrongValue(f"{self.key}: {low} is above {high}: swap the two")
        return Statement(self.key, statement.form, values)

    def _in_range(self, name: str, value: str) -> str:
        try:
            return self.slot[name].checked(value)
        except WrongValue as wrong:
            raise WrongValue(f"{self.key}: {wrong}") from None

    def place(self, statement: Statement) -> str:
        """What a statement is about: two statements of one place replace each other."""
        return "|".join((self.key, *(statement.values[name] for name in self.subject)))


def _above(low: str, high: str) -> bool:
    try:
        return Decimal(low) > Decimal(high)
    except ArithmeticError:
        return low > high  # dates


class Language:
    """All settings: their sentences, read and written."""

    def __init__(self, settings: tuple[Setting, ...]) -> None:
        self._settings = {setting.key: setting for setting in settings}

    def __iter__(self) -> Iterator[Setting]:
        return iter(self._settings.values())

    def setting(self, key: str) -> Setting:
        """Raises UnknownSentence."""
        found = self._settings.get(key)
        if found is None:
            near = get_close_matches(key, self._settings, 1, 0.0)
            raise UnknownSentence(f"there is no setting {key!r}: did you mean {near[0]}?")
        return found

    def parse(self, sentence: str) -> Statement:
        """The statement of a sentence. Spaces and the final full stop are forgiven.

        Raises UnknownSentence with the nearest sentence, and WrongValue.
        """
        plain = " ".join(sentence.split())
        readings = (plain, f"{plain}.") if plain and plain[-1] != "." else (plain,)
        for reading in readings:
            for setting in self:
                found = setting.match(reading)
                if found is not None:
                    return found
        raise UnknownSentence(f"no setting says {plain[:120]!r}: the nearest is {self._nearest(plain)!r}")

    def render(self, statement: Statement, names: Mapping[str, str] | None = None) -> str:
        return self.setting(statement.key).render(statement, names)

    def place(self, statement: Statement) -> str:
        return self.setting(statement.key).place(statement)

    def checked(self, statement: Statement) -> Statement:
        """Raises UnknownSentence and WrongValue."""
        return self.setting(statement.key).checked(statement)

    def _nearest(self, sentence: str) -> str:
        texts = [text for setting in self for text in setting.forms.values()]
        return get_close_matches(sentence, texts, 1, 0.0)[0]
