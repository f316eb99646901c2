"""A bulk change written, or taken back: one transaction, so all of its accounts or none."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import IntegrityError

from trimtab.db.bulk_changes import layer_of_target, members_of
from trimtab.db.profiles import PROFILE, read_layers
from trimtab.db.settings_versions import StaleVersion, newest_seq
from trimtab.domain.profile.bulk import BulkChange, Exemption
from trimtab.domain.profile.levels import LayerKey, exempt_until, stored
from trimtab.domain.profile.statements import Level
from trimtab.faults import fault_at

LONGEST_SECONDS: Final = 300
"""Of one statement over the whole book."""

_WRITE: Final = text(
    """
    INSERT INTO setting_version (firm_id, entity, key, effective_from, value, actor, reason, supersedes)
    SELECT :firm, :entity, wanted.key, :day, CAST(:value AS jsonb), :actor, :reason, newest.seq
    FROM unnest(CAST(:keys AS text[])) AS wanted (key)
    LEFT JOIN LATERAL (
        SELECT max(v.seq) AS seq FROM setting_version v
        WHERE v.firm_id = :firm AND v.entity = :entity AND v.key = wanted.key) newest ON true
    ORDER BY wanted.key
    """
)

_UNDO: Final = text(
    """
    WITH mine AS (
        SELECT v.key, v.effective_from, v.seq FROM setting_version v
        WHERE v.firm_id = :firm AND v.entity = :entity AND v.value->>'change' = :change),
    places AS (SELECT unnest(CAST(:places AS text[])) AS place),
    wanted AS (
        SELECT mine.key, mine.effective_from, jsonb_object_agg(places.place, before.said) AS said
        FROM mine CROSS JOIN places
        LEFT JOIN LATERAL (
            SELECT v.value->'set'->places.place AS said FROM setting_version v
            WHERE v.firm_id = :firm AND v.entity = :entity AND v.key = mine.key AND v.seq < mine.seq
              AND v.effective_from <= mine.effective_from AND jsonb_exists(v.value->'set', places.place)
              AND v.value->>'change' IS DISTINCT FROM :change
            ORDER BY v.effective_from DESC, v.seq DESC LIMIT 1) before ON true
        WHERE NOT EXISTS (
            SELECT FROM setting_version later
            WHERE later.firm_id = :firm AND later.entity = :entity AND later.key = mine.key AND later.seq > mine.seq
              AND jsonb_exists(later.value->'set', places.place))
        GROUP BY mine.key, mine.effective_from)
    INSERT INTO setting_version (firm_id, entity, key, effective_from, value, actor, reason, supersedes)
    SELECT :firm, :entity, wanted.key, greatest(wanted.effective_from, :today),
        jsonb_build_object('set', wanted.said, 'undoes', :change), :actor, :reason, newest.seq
    FROM wanted
    LEFT JOIN LATERAL (
        SELECT max(v.seq) AS seq FROM setting_version v
        WHERE v.firm_id = :firm AND v.entity = :entity AND v.key = wanted.key) newest ON true
    ORDER BY wanted.key
    """
)
# jsonb_exists is the operator ? by its name: the driver takes ? for nothing, people do.


def allow_long_statements(connection: Connection) -> None:
    """For this transaction."""
    connection.execute(
        text("SELECT set_config('statement_timeout', :milliseconds, true)"),
        {"milliseconds": str(LONGEST_SECONDS * 1000)},
    )


def apply(connection: Connection, firm_id: str, change: BulkChange, actor: str) -> int:
    """Write the change's versions and those of its exemptions; returns how many. All in the caller's transaction."""
    key = layer_of_target(change.target)
    exempt = {each.account_id: each for each in change.exemptions}
    if key is not None:
        written = _write(connection, firm_id, [key.text], change, stored(change.changes), change.effective_from, actor)
        written += _write_exemptions_from_layer(connection, firm_id, change, actor)
    else:
        accounts = [_account(name) for name in members_of(connection, change) if name not in exempt]
        written = _write(connection, firm_id, accounts, change, stored(change.changes), change.effective_from, actor)
        written += _write_ends_of_exemptions(connection, firm_id, change, actor)
    fault_at("bulk_change.written")
    return written


def _account(account_id: str) -> str:
    return LayerKey(Level.ACCOUNT, account_id).text


def _write_ends_of_exemptions(connection: Connection, firm_id: str, change: BulkChange, actor: str) -> int:
    """From the day after its last one, the change holds for an exempt account as well."""
    by_end: dict[date, list[str]] = {}
    for each in change.exemptions:
        if each.until is not None:
            by_end.setdefault(each.until + timedelta(days=1), []).append(_account(each.account_id))
    says = stored(change.changes)
    return sum(_write(connection, firm_id, keys, change, says, day, actor) for day, keys in sorted(by_end.items()))


def _write_exemptions_from_layer(connection: Connection, firm_id: str, change: BulkChange, actor: str) -> int:
    """What the firm or the programme says of these places does not count for an exempt account."""
    return sum(
        _write(
            connection,
            firm_id,
            [_account(each.account_id)],
            change,
            dict.fromkeys(change.changes, exempt_until(each.until)),
            change.effective_from,
            actor,
            each,
        )
        for each in change.exemptions
    )


def rewrite_exemption(
    connection: Connection, firm_id: str, change: BulkChange, before: Exemption, exemption: Exemption, today: date
) -> None:
    """An exemption from an applied change with another end: what was written for its old end counts no longer."""
    key, actor = _account(exemption.account_id), "+".join(exemption.granted_by)
    if layer_of_target(change.target) is not None:
        says: dict[str, Any] = dict.fromkeys(change.changes, exempt_until(exemption.until))
        _write(connection, firm_id, [key], change, says, max(today, change.effective_from), actor, exemption)
        return
    layer = LayerKey(Level.ACCOUNT, exemption.account_id)
    own = read_layers(connection, [layer], today, newest_seq(connection)).get(layer)
    stays = {place: own.says[place].what if own and place in own.says else None for place in change.changes}
    if before.until is not None:
        old_end = before.until + timedelta(days=1)
        _write(connection, firm_id, [key], change, stored(stays), old_end, actor, exemption)
    if exemption.until is not None:
        new_end = exemption.until + timedelta(days=1)
        _write(connection, firm_id, [key], change, stored(change.changes), new_end, actor, exemption)


def _write(
    connection: Connection,
    firm_id: str,
    keys: Sequence[str],
    change: BulkChange,
    says: Mapping[str, Any],
    on: date,
    actor: str,
    exemption: Exemption | None = None,
) -> int:
    value = {"set": says, "change": change.change_id}
    if change.preview.beyond_limits:
        value["exception"] = change.change_id
    values = {
        "firm": firm_id,
        "entity": PROFILE,
        "keys": list(keys),
        "day": on,
        "value": json.dumps(value),
        "actor": actor,
        "reason": change.reason if exemption is None else f"exempt: {exemption.reason}",
    }
    return _execute(connection, _WRITE, values)


def _execute(connection: Connection, statement: TextClause, values: Mapping[str, Any]) -> int:
    """Raises StaleVersion when somebody has changed one of these layers at the same time."""
    try:
        with connection.begin_nested():
            return connection.execute(statement, values).rowcount
    except IntegrityError as lost:
        raise StaleVersion("settings of one of these accounts have changed at this moment: try again") from lost


def undo(connection: Connection, firm_id: str, change: BulkChange, actor: str, today: date) -> int:
    """Give each layer back what it said before, and return how many; what was changed again since stays as it is.

    From today on, or from the change's own first day when that is still to come: the past is not rewritten.
    """
    written = _execute(
        connection,
        _UNDO,
        {
            "firm": firm_id,
            "entity": PROFILE,
            "change": change.change_id,
            "places": list(change.changes),
            "today": today,
            "actor": actor,
            "reason": f"undoes: {change.undo_reason}",
        },
    )
    fault_at("bulk_change.undone")
    return written
