"""An ancillary file's values into versions of the accounts' own fields: what is typed right, row by row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import orjson
from sqlalchemy import Connection, text

from trimtab.db.ancillary import ANCILLARY_VALUES, fields_on
from trimtab.db.settings_versions import FEED_ACTOR
from trimtab.domain.ancillary import AncillaryError, EnteredBy, Stored, read_value

_ROWS_AT_A_TIME: Final = 5_000


@dataclass(frozen=True, slots=True)
class UnreadableValue:
    """A row of a file that sets nothing. `account_id` None: the row's field is at fault, not the account's value."""

    line: int
    column: str
    value: str
    message: str
    account_id: str | None


_WRITE = text(
    f"""
    WITH wanted AS (SELECT each.key, each.value FROM jsonb_each(CAST(:changes AS jsonb)) each),
    held AS (SELECT * FROM settings_as_of('{ANCILLARY_VALUES}', :day, 9223372036854775807)),
    merged AS (
        SELECT wanted.key, jsonb_strip_nulls(coalesce(held.value, '{{}}'::jsonb) || wanted.value) AS value,
            held.value AS before
        FROM wanted LEFT JOIN held ON held.key = wanted.key)
    INSERT INTO setting_version (firm_id, entity, key, effective_from, value, actor, reason, supersedes)
    SELECT :firm, '{ANCILLARY_VALUES}', merged.key, :day, merged.value, :actor, :reason, newest.seq
    FROM merged
    LEFT JOIN LATERAL (
        SELECT max(v.seq) AS seq FROM setting_version v
        WHERE v.firm_id = :firm AND v.entity = '{ANCILLARY_VALUES}' AND v.key = merged.key) newest ON true
    WHERE merged.value IS DISTINCT FROM coalesce(merged.before, '{{}}'::jsonb)
    ORDER BY merged.key
    """  # noqa: S608 (constants of this module)
)


@dataclass(frozen=True, slots=True)
class SavedValues:
    accounts: frozenset[str]  # of which some value was read
    wrong: tuple[UnreadableValue, ...]


def save_staged_values(connection: Connection, firm_id: str, on: date) -> SavedValues:
    """Version the staged rows (account_id, field, value) that change something; tells which set nothing.

    A row without a value clears the field; what the file does not name stays.
    """
    fields, wrong = fields_on(connection, on), list[UnreadableValue]()
    changes: dict[str, dict[str, Stored | None]] = {}
    for row in connection.execute(text("SELECT line, account_id, field, value FROM staged ORDER BY line")):
        field = fields.get(row.field)
        if field is None or field.retired or field.entered_by is not EnteredBy.FEED:
            problem = "the firm has no field of that name that files set"
            wrong.append(UnreadableValue(row.line, "field", row.field, problem, None))
            continue
        try:
            value = None if row.value is None else read_value(field, row.value)
        except AncillaryError as error:
            wrong.append(UnreadableValue(row.line, "value", row.value, str(error), row.account_id))
            continue
        changes.setdefault(row.account_id, {})[row.field] = value
    for part in _parts(sorted(changes)):
        _write_values(connection, firm_id, on, {name: changes[name] for name in part})
    return SavedValues(frozenset(changes), tuple(wrong))


def _write_values(
    connection: Connection, firm_id: str, on: date, changes: Mapping[str, Mapping[str, Stored | None]]
) -> None:
    told = {"actor": f"{FEED_ACTOR}ancillary", "reason": f"the ancillary file of {on.isoformat()}"}
    connection.execute(_WRITE, {"firm": firm_id, "day": on, "changes": orjson.dumps(changes).decode(), **told})


def _parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), _ROWS_AT_A_TIME):
        yield names[start : start + _ROWS_AT_A_TIME]
