"""Ancillary fields (D15 to D21): what a firm wants to know of its accounts beyond what the accounts file states.

A firm defines a field once; values are typed, come from a file or from people, and filters name it as `own.<name>`.
Values are kept as plain JSON: exact decimals and dates as text, yes or no as a boolean.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from trimtab.domain.account_facts import FactValue
from trimtab.domain.errors import TrimtabError
from trimtab.domain.fact_fields import FIELDS, OWN, Field, FieldKind, Source, Unit

MOST_FIELDS: Final = 200
MOST_CHOICES: Final = 100
LONGEST_TEXT: Final = 200
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_LABEL: Final = re.compile(r"[a-z][a-z0-9]*( [a-z0-9]+){0,7}")
_NUMBER: Final = re.compile(r"-?\d{1,15}(\.\d{1,8})?")
_READ_AS_SENTENCE: Final = frozenset({"and", "do", "hold", "is", "not", "or"})
"""Words of a filter's sentence: a label that held one could not be told from what follows it."""
_YES_NO: Final = {"yes": True, "true": True, "no": False, "false": False}


class AncillaryError(TrimtabError):
    """A field that cannot be defined so, or a value that is not of the field's type."""

    code = "ANCILLARY_INVALID"


class AncillaryType(StrEnum):
    TEXT = "TEXT"
    NUMBER = "NUMBER"
    DATE = "DATE"
    CHOICE = "CHOICE"
    YES_NO = "YES_NO"


class EnteredBy(StrEnum):
    """Where a field's values come from: a file, or people. Never both, so that neither overwrites the other."""

    FEED = "FEED"
    PERSON = "PERSON"


@dataclass(frozen=True, slots=True)
class AncillaryField:
    """A field of the firm's own. `label` reads well after "the account's"; `unit` is of numbers only."""

    name: str
    label: str
    type: AncillaryType
    entered_by: EnteredBy
    unit: Unit = Unit.NONE
    choices: tuple[str, ...] = ()  # of a CHOICE
    retired: bool = False  # it takes no values any more; those that it had stay

    @property
    def fact_name(self) -> str:
        """How filters name it."""
        return OWN + self.name


AncillaryFields = Mapping[str, AncillaryField]
Stored = str | bool


def require_sound_field(field: AncillaryField, others: AncillaryFields) -> None:
    """Raises AncillaryError with the rule that is broken; `others` are the firm's fields by name."""
    if not _NAME.fullmatch(field.name):
        raise AncillaryError("a name is 1 to 40 small letters, digits and underscores, a letter first")
    if not _LABEL.fullmatch(field.label) or not _READ_AS_SENTENCE.isdisjoint(field.label.split()):
        raise AncillaryError(
            "a label is 1 to 8 words of small letters and digits, none of them " + ", ".join(sorted(_READ_AS_SENTENCE))
        )
    taken = {each.label for each in FIELDS.values()} | {each.label for n, each in others.items() if n != field.name}
    if field.label in taken:
        raise AncillaryError(f"another field is called {field.label}: filters' sentences could not tell them apart")
    if (field.type is AncillaryType.CHOICE) is not bool(field.choices):
        raise AncillaryError("a choice has words to choose from, and no other type has")
    words = field.choices
    if any(not _is_text(word) for word in words) or len(set(words)) < len(words) or len(words) > MOST_CHOICES:
        raise AncillaryError(f"words are 1 to {LONGEST_TEXT} characters, at most {MOST_CHOICES} of them, each once")
    if field.unit is not Unit.NONE and field.type is not AncillaryType.NUMBER:
        raise AncillaryError("only a number has a unit")
    before = others.get(field.name)
    if before is None and len(others) >= MOST_FIELDS:
        raise AncillaryError(f"a firm has at most {MOST_FIELDS} fields of its own: reuse or rename one")
    if before is not None and (before.type, before.unit, before.entered_by) != (
        field.type,
        field.unit,
        field.entered_by,
    ):
        raise AncillaryError("a field keeps its type, its unit and who enters it: define another one, and retire this")


def read_value(field: AncillaryField, text: str) -> Stored:
    """The value as it is kept, of a cell or of what a person entered. Raises AncillaryError."""
    match field.type:
        case AncillaryType.TEXT if _is_text(text):
            return text
        case AncillaryType.NUMBER if _NUMBER.fullmatch(text):
            return f"{Decimal(text).normalize():f}"
        case AncillaryType.DATE:
            try:
                return date.fromisoformat(text).isoformat()
            except ValueError:
                raise AncillaryError(f"{field.label} is a date such as 2026-03-31, not {text[:40]!r}") from None
        case AncillaryType.CHOICE if text in field.choices:
            return text
        case AncillaryType.YES_NO if text.lower() in _YES_NO:
            return _YES_NO[text.lower()]
    wanted = {
        AncillaryType.TEXT: f"a text of 1 to {LONGEST_TEXT} characters",
        AncillaryType.NUMBER: "a number of at most 15 digits, and 8 behind the point",
        AncillaryType.CHOICE: f"one of {', '.join(field.choices)}",
        AncillaryType.YES_NO: "yes or no",
    }
    raise AncillaryError(f"{field.label} is {wanted[field.type]}, not {text[:40]!r}")


def _is_text(text: str) -> bool:
    return 0 < len(text) <= LONGEST_TEXT and text.isprintable()


_KINDS: Final[Mapping[AncillaryType, FieldKind]] = {
    AncillaryType.TEXT: FieldKind.TEXT,
    AncillaryType.NUMBER: FieldKind.NUMBER,
    AncillaryType.DATE: FieldKind.DATE,
    AncillaryType.CHOICE: FieldKind.TEXT,
    AncillaryType.YES_NO: FieldKind.BOOLEAN,
}


def filter_field(field: AncillaryField) -> Field:
    """The field as filters name it."""
    kind = _KINDS[field.type]
    return Field(field.fact_name, kind, field.label, field.unit, field.choices, Source.ANCILLARY)


def filter_fields(fields: AncillaryFields) -> dict[str, Field]:
    """Every field that the firm's filters may name: those of everybody, and its own."""
    return {**FIELDS, **{each.fact_name: filter_field(each) for each in fields.values()}}


def facts_of_values(fields: AncillaryFields, values: Mapping[str, Stored]) -> dict[str, FactValue]:
    """An account's values for its row: numbers as floats. Retired fields and values of fields that are gone are out."""
    return {
        name: float(value) if fields[name].type is AncillaryType.NUMBER else value
        for name, value in values.items()
        if name in fields and not fields[name].retired
    }


def shown_value(field: AncillaryField, value: Stored | None) -> str:
    """A stored value for a person."""
    if value is None:
        return "unknown"
    return ("yes" if value else "no") if isinstance(value, bool) else value


def field_sentence(field: AncillaryField) -> str:
    """For example 'Risk score: a number, from a file.'"""
    kind = {
        AncillaryType.TEXT: "a text",
        AncillaryType.NUMBER: f"a number{f' of {field.unit}' if field.unit else ''}",
        AncillaryType.DATE: "a date",
        AncillaryType.CHOICE: f"one of {', '.join(field.choices)}",
        AncillaryType.YES_NO: "yes or no",
    }[field.type]
    source = "from a file" if field.entered_by is EnteredBy.FEED else "entered by people"
    return f"{field.label.capitalize()}: {kind}, {source}{'; retired' if field.retired else ''}."


def value_differences(fields: AncillaryFields, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """In English what differs between two sets of an account's values."""
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name) and name in fields)
    return tuple(
        f"The {fields[name].label} was {shown_value(fields[name], before.get(name))}"
        f" and is {shown_value(fields[name], after.get(name))}."
        for name in names
    )
