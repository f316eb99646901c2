"""Changes beyond the customisation limits: each waits under its own key, and is written once another person agrees.

Append-only, as every version: an exception's decision is a newer version of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection

from trimtab.db.profile_changes import Changes
from trimtab.db.profiles import change_layer
from trimtab.db.settings_versions import held_settings, last_version, newest_seq, write_version
from trimtab.domain.profile.levels import LayerKey, read_changes, stored

EXCEPTION: Final = "settings_exception"


class ExceptionStatus(StrEnum):
    PROPOSED = "PROPOSED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True)
class WantedChange:
    """What a person wants of one layer."""

    key: LayerKey
    changes: Changes
    effective_from: date
    actor: str
    reason: str
    seen: int | None = None


@dataclass(frozen=True, slots=True)
class SettingsException:
    """A change beyond the limits that waits, or waited, for an approval."""

    exception_id: str
    wanted: WantedChange
    beyond: tuple[str, ...]
    proposed_by: tuple[str, ...]
    advisor_id: str
    status: ExceptionStatus = ExceptionStatus.PROPOSED
    decided_by: str | None = None
    decision_reason: str = ""


def write_change(connection: Connection, firm_id: str, wanted: WantedChange, exception: str | None = None) -> int:
    """The change as a version of its layer; `exception`: under which it was approved. Raises StaleVersion."""
    return change_layer(
        connection,
        firm_id,
        wanted.key,
        wanted.changes,
        effective_from=wanted.effective_from,
        actor=wanted.actor,
        reason=wanted.reason,
        seen=wanted.seen,
        exception=exception,
    )


def write_exception(connection: Connection, firm_id: str, exception: SettingsException, supersedes: int | None) -> None:
    wanted = exception.wanted
    document = {
        "key": wanted.key.text,
        "changes": stored(wanted.changes),
        "effective_from": wanted.effective_from.isoformat(),
        "actor": wanted.actor,
        "reason": wanted.reason,
        "seen": wanted.seen,
        "beyond": list(exception.beyond),
        "proposed_by": list(exception.proposed_by),
        "advisor_id": exception.advisor_id,
        "status": exception.status.value,
        "decided_by": exception.decided_by,
        "decision_reason": exception.decision_reason,
    }
    write_version(
        connection,
        firm_id,
        EXCEPTION,
        exception.exception_id,
        document,
        effective_from=date.min,
        actor=exception.decided_by or wanted.actor,
        reason=exception.decision_reason or wanted.reason,
        supersedes=supersedes,
    )


def exception_of(connection: Connection, exception_id: str) -> tuple[SettingsException, int] | None:
    """The exception as it stands, and its version."""
    row = last_version(connection, EXCEPTION, exception_id)
    return None if row is None else (_exception(exception_id, row.value), int(row.seq))


def exceptions(connection: Connection) -> list[SettingsException]:
    """Every exception asked for so far, by id."""
    held = held_settings(connection, EXCEPTION, date.max, newest_seq(connection))
    return [_exception(name, value) for name, value in sorted(held.items())]


def _exception(exception_id: str, value: Mapping[str, Any]) -> SettingsException:
    wanted = WantedChange(
        LayerKey.of(value["key"]),
        read_changes(value["changes"]),
        date.fromisoformat(value["effective_from"]),
        value["actor"],
        value["reason"],
        value["seen"],
    )
    return SettingsException(
        exception_id,
        wanted,
        tuple(value["beyond"]),
        tuple(value["proposed_by"]),
        value["advisor_id"],
        ExceptionStatus(value["status"]),
        value["decided_by"],
        value["decision_reason"],
    )
