"""Saved filters in their append-only versions: a person's own, the firm's, and changes proposed to the firm's.

The filters that give lanes are firm filters; a run freezes those that hold on its day. A
change waits until a second person decides; approved, it supersedes the version that the proposer saw.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Connection, text

from trimtab.db.settings_versions import StaleVersion, held_settings, last_version, newest_seq, write_version
from trimtab.domain.firm_filters import DEFAULT_FIRM_FILTERS
from trimtab.domain.records import plain

FIRM_FILTER: Final = "firm_filter"
PERSONAL_FILTER: Final = "personal_filter"
CHANGE: Final = "firm_filter_change"


class FilterChangeStatus(StrEnum):
    PROPOSED = "PROPOSED"
    CANARY = "CANARY"  # approved for a share of the accounts: a lane policy on trial
    APPROVED = "APPROVED"
    WITHDRAWN = "WITHDRAWN"  # after its trial
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """A filter that holds on a day. `owner` is a person's id, None for the firm's."""

    name: str
    owner: str | None
    value: Mapping[str, Any]  # JSON of the tree
    note: str
    version: int | None  # None: the one that every firm starts with


@dataclass(frozen=True, slots=True)
class FilterChange:
    """A proposed version of a firm filter or of the lane policy, as `entity` says.

    `value` None withdraws it: one that every firm has is then the starting one.
    """

    change_id: str
    name: str
    effective_from: date
    value: Mapping[str, Any] | None
    reason: str
    proposed_by: tuple[str, ...]  # the persons behind it: none of them may approve it
    supersedes: int | None
    status: FilterChangeStatus = FilterChangeStatus.PROPOSED
    decided_by: str | None = None
    decision_reason: str = ""
    entity: str = FIRM_FILTER
    shadow: Mapping[str, Any] | None = None  # what it would have done on the last days, run when it was proposed
    canary: int | None = None  # percent of the accounts that it is, or was, tried on


_CHANGES: Final = TypeAdapter(FilterChange)


def firm_filters_on(connection: Connection, on: date, known_seq: int | None = None) -> dict[str, SavedFilter]:
    """The firm's filters by name as they hold on the day; those of the lanes are always among them."""
    found = {name: SavedFilter(name, None, value, "", None) for name, value in DEFAULT_FIRM_FILTERS.items()}
    for row in _held(connection, FIRM_FILTER, on, known_seq):
        found[row.key] = SavedFilter(row.key, None, row.value, "", row.seq)
    return dict(sorted(found.items()))


def personal_filters(connection: Connection, person_id: str) -> dict[str, SavedFilter]:
    """The person's own filters by name."""
    several = [(*row.key.rpartition("/")[::2], row) for row in _held(connection, PERSONAL_FILTER, date.max, None)]
    return {
        name: SavedFilter(name, owner, row.value["filter"], row.value.get("note", ""), row.seq)
        for owner, name, row in sorted(several, key=lambda each: each[:2])
        if owner == person_id
    }


def save_personal_filter(
    connection: Connection,
    firm_id: str,
    person_id: str,
    name: str,
    value: Mapping[str, Any] | None,
    *,
    note: str,
    actor: str,
    seen: int | None,
) -> int:
    """Append a version of the person's filter, None to delete it. Raises StaleVersion.

    `seen`: the version that the person saw, None when there was no filter of this name.
    """
    key = f"{person_id}/{name}"
    newest = last_version(connection, PERSONAL_FILTER, key)
    held = None if newest is None or newest.value is None else newest.seq
    if held != seen:
        raise StaleVersion(f"your filter {name} has changed meanwhile: look at it again")
    return write_version(
        connection,
        firm_id,
        PERSONAL_FILTER,
        key,
        None if value is None else {"filter": value, "note": note},
        effective_from=date.min,
        actor=actor,
        reason=note,
        supersedes=None if newest is None else newest.seq,
    )


def last_filter_seq(connection: Connection, entity: str, key: str) -> int | None:
    """The version that a change made now supersedes."""
    row = last_version(connection, entity, key)
    return None if row is None else int(row.seq)


def filter_changes(connection: Connection, entity: str = FIRM_FILTER) -> dict[str, FilterChange]:
    """Every change proposed so far of firm filters (or of another entity), by id, with what became of it."""
    held = held_settings(connection, CHANGE, date.max, newest_seq(connection))
    found = {name: _CHANGES.validate_python(value, strict=False) for name, value in sorted(held.items())}
    return {name: change for name, change in found.items() if change.entity == entity}


def filter_change(connection: Connection, change_id: str) -> tuple[FilterChange, int] | None:
    """The change as it stands, and its version."""
    row = last_version(connection, CHANGE, change_id)
    return None if row is None or row.value is None else (_CHANGES.validate_python(row.value, strict=False), row.seq)


def propose_filter(connection: Connection, firm_id: str, change: FilterChange) -> None:
    """Keep the change until somebody decides on it."""
    _write_change(connection, firm_id, change, "+".join(change.proposed_by), None)


def decide_filter(connection: Connection, firm_id: str, change: FilterChange, seq: int) -> None:
    """Keep the decision that `change` carries; an approved one is written as a version. Raises StaleVersion."""
    actor = change.decided_by or ""
    _write_change(connection, firm_id, change, actor, seq)
    if change.status is FilterChangeStatus.APPROVED:
        write_version(
            connection,
            firm_id,
            change.entity,
            change.name,
            change.value,
            effective_from=change.effective_from,
            actor=actor,
            reason=change.reason,
            supersedes=change.supersedes,
        )


def _write_change(
    connection: Connection, firm_id: str, change: FilterChange, actor: str, supersedes: int | None
) -> None:
    value: Any = plain(change)
    write_version(
        connection,
        firm_id,
        CHANGE,
        change.change_id,
        value,
        effective_from=date.min,
        actor=actor,
        reason=change.decision_reason or change.reason,
        supersedes=supersedes,
    )


def _held(connection: Connection, entity: str, on: date, known_seq: int | None) -> list[Any]:
    seq = newest_seq(connection) if known_seq is None else known_seq
    statement = text("SELECT key, value, seq FROM settings_as_of(:entity, :day, :seq)")
    return list(connection.execute(statement, {"entity": entity, "day": on, "seq": seq}))
