"""A person's favourite filters, and the filters that the person works through on a day, in append-only versions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Connection

from trimtab.db.settings_versions import StaleVersion, last_version, write_version
from trimtab.domain.records import plain

FILTER_ROUTINE: Final = "filter_routine"


@dataclass(frozen=True, slots=True)
class FilterName:
    """A saved filter as a routine names it: the person's own, or the firm's."""

    name: str
    personal: bool


@dataclass(frozen=True, slots=True)
class FilterRoutine:
    """What one person has arranged. It names filters; what they ask is what they ask on the day."""

    favourites: Sequence[FilterName] = ()
    sequence: Sequence[FilterName] = ()  # in the order of the day's work
    version: int | None = None  # None: nothing is arranged yet


_NAMES: Final = TypeAdapter(tuple[FilterName, ...])


def filter_routine(connection: Connection, person_id: str) -> FilterRoutine:
    """The person's routine as it is now."""
    row = last_version(connection, FILTER_ROUTINE, person_id)
    if row is None:
        return FilterRoutine()
    read = _NAMES.validate_python
    return FilterRoutine(read(row.value["favourites"]), read(row.value["sequence"]), int(row.seq))


def save_filter_routine(connection: Connection, firm_id: str, person_id: str, wanted: FilterRoutine, actor: str) -> int:
    """Append the routine as a version after `wanted.version`, the one that the person saw. Raises StaleVersion."""
    if wanted.version != filter_routine(connection, person_id).version:
        raise StaleVersion("your routine has changed meanwhile: look at it again")
    value: Any = plain({"favourites": list(wanted.favourites), "sequence": list(wanted.sequence)})
    return write_version(
        connection,
        firm_id,
        FILTER_ROUTINE,
        person_id,
        value,
        effective_from=date.min,
        actor=actor,
        reason="",
        supersedes=wanted.version,
    )
