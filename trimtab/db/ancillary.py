"""A firm's ancillary fields and their values in append-only versions.

A field's definition is a version under its name; an account's values are one version under its id, so that a history
tells who changed what and when. A file sets the fields that files enter, people the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Connection, select

from trimtab.db.settings_versions import held_settings, last_version, newest_seq, write_version
from trimtab.db.tables import setting_version
from trimtab.domain.account_facts import FactValue
from trimtab.domain.ancillary import (
    AncillaryError,
    AncillaryField,
    AncillaryFields,
    EnteredBy,
    Stored,
    facts_of_values,
    filter_fields,
    read_value,
)
from trimtab.domain.fact_fields import FIELDS, Field
from trimtab.domain.records import plain

ANCILLARY_FIELD: Final = "ancillary_field"
ANCILLARY_VALUES: Final = "ancillary_values"
_FIELDS: Final = TypeAdapter(AncillaryField)


def read_field(value: object) -> AncillaryField:
    """A definition from its JSON. Raises pydantic's ValidationError."""
    return _FIELDS.validate_python(value, strict=False)


def fields_on(
    connection: Connection, on: date | None = None, known_seq: int | None = None
) -> dict[str, AncillaryField]:
    """The firm's own fields by name, retired ones too, as they hold on the day; without one, all ever defined."""
    seq = newest_seq(connection) if known_seq is None else known_seq
    held = held_settings(connection, ANCILLARY_FIELD, on or date.max, seq)
    return {name: read_field(value) for name, value in sorted(held.items())}


def catalogue(connection: Connection) -> Mapping[str, Field]:
    """Every field that the firm's filters may name."""
    return filter_fields(fields_on(connection))


def json_of_fields(fields: AncillaryFields) -> dict[str, Any]:
    """Definitions as a run freezes them beside the filters that name them."""
    kept: Any = plain(dict(fields))
    return dict(kept)


def frozen_catalogue(definitions: Mapping[str, Any]) -> Mapping[str, Field]:
    """The fields that frozen filters may name."""
    if not definitions:
        return FIELDS
    return filter_fields({name: read_field(value) for name, value in definitions.items()})


# --- values ---------------------------------------------------------------------------------------------------------


def values_on(connection: Connection, account_id: str, on: date, known_seq: int | None = None) -> dict[str, Stored]:
    """The account's values by field as they hold on the day."""
    seq = newest_seq(connection) if known_seq is None else known_seq
    held = held_settings(connection, ANCILLARY_VALUES, on, seq, [account_id])
    return dict(held.get(account_id, {}))


def ancillary_facts(connection: Connection, account_id: str, on: date) -> dict[str, FactValue] | None:
    """What filters see of the account's own fields; None for a firm that has defined none."""
    seq = newest_seq(connection)
    fields = fields_on(connection, on, seq)
    return facts_of_values(fields, values_on(connection, account_id, on, seq)) if fields else None


def set_value(
    connection: Connection,
    firm_id: str,
    account_id: str,
    name: str,
    text_value: str | None,
    *,
    on: date,
    actor: str,
    reason: str,
) -> int:
    """Append a version with a person's value, None to clear it. Raises AncillaryError and StaleVersion."""
    field = fields_on(connection, on).get(name)
    if field is None or field.retired:
        raise AncillaryError(f"the firm has no field {name}" if field is None else f"{field.label} is retired")
    if field.entered_by is not EnteredBy.PERSON:
        raise AncillaryError(f"{field.label} comes from a file: correct it there")
    value = None if text_value is None else read_value(field, text_value)
    rest = {key: each for key, each in values_on(connection, account_id, on).items() if key != name}
    newest = last_version(connection, ANCILLARY_VALUES, account_id)
    return write_version(
        connection,
        firm_id,
        ANCILLARY_VALUES,
        account_id,
        rest if value is None else {**rest, name: value},
        effective_from=on,
        actor=actor,
        reason=reason,
        supersedes=None if newest is None else int(newest.seq),
    )


@dataclass(frozen=True, slots=True)
class ValueVersion:
    """One change of an account's values."""

    seq: int
    effective_from: date
    recorded_at: datetime
    actor: str
    reason: str
    values: Mapping[str, Stored]


def value_history(connection: Connection, account_id: str) -> list[ValueVersion]:
    """Every version of the account's values, the oldest first."""
    rows = select(setting_version).where(
        setting_version.c.entity == ANCILLARY_VALUES, setting_version.c.key == account_id
    )
    return [
        ValueVersion(row.seq, row.effective_from, row.recorded_at, row.actor, row.reason or "", row.value or {})
        for row in connection.execute(rows.order_by(setting_version.c.seq))
    ]
