"""Append-only versions of what feeds and people edit: account settings and models.

What holds on a day as known at a sequence number is what the SQL function `settings_as_of` says. A version
names the one that it replaces, so two writers that read the same one cannot both win.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, text
from sqlalchemy.exc import IntegrityError

from trimtab.db.tables import setting_version
from trimtab.domain.errors import TrimtabError

ACCOUNT_SETTINGS = "account_settings"
MODEL = "model"
RESTRICTION_LIST = "restriction_list"
FEED_ACTOR = "feed:"
"""Versions that a file made carry this and the file's kind as their actor."""

ACCOUNT_COLUMNS: Final = (
    "tracking",
    "tax_sensitivity",
    "harvesting",
    "short_term_rate",
    "long_term_rate",
    "cash_target",
    "cash_reserve",
    "minimum_trade",
    "commission",
)
"""Columns of the accounts file that are settings; the reader refuses a row in which one of them is empty."""

_DEFAULTS = (
    """jsonb_build_object('restrictions', '[]'::jsonb, 'weight_bands', '{}'::jsonb, 'cash_needs', '[]'::jsonb)"""
)

_NEWEST = """
    LEFT JOIN LATERAL (
        SELECT max(v.seq) AS seq FROM setting_version v
        WHERE v.firm_id = :firm AND v.entity = :entity AND v.key = wanted.key) newest ON true"""

# Every statement below writes the values that differ from what holds on the day; all but the accounts' end so.
_WRITE_CHANGED = f"""
    INSERT INTO setting_version (firm_id, entity, key, effective_from, value, actor, reason, supersedes)
    SELECT :firm, :entity, wanted.key, wanted.effective_from, wanted.value, :actor, :reason, newest.seq
    FROM wanted
    LEFT JOIN held ON held.key = wanted.key
    {_NEWEST}
    WHERE wanted.value IS DISTINCT FROM held.value
    ORDER BY wanted.key
"""  # noqa: S608 (constants of this module)
_HELD = "held AS (SELECT * FROM settings_as_of(:entity, :day, 9223372036854775807))"

_ACCOUNTS = f"""
    WITH held AS MATERIALIZED (SELECT * FROM settings_as_of(:entity, :day, 9223372036854775807)),
    kinds AS MATERIALIZED (
        SELECT {", ".join(ACCOUNT_COLUMNS)}, jsonb_build_object(
            'tracking', tracking, 'tax_sensitivity', tax_sensitivity, 'harvesting', harvesting,
            'short_term_rate', trim_scale(short_term_rate)::text,
            'long_term_rate', trim_scale(long_term_rate)::text,
            'cash_target', trim_scale(cash_target)::text,
            'cash_reserve', trim_scale(cash_reserve)::text,
            'minimum_trade', trim_scale(minimum_trade)::text,
            'commission', trim_scale(commission)::text) AS own
        FROM (SELECT DISTINCT {", ".join(ACCOUNT_COLUMNS)} FROM staged) AS each),
    whole AS MATERIALIZED (SELECT kinds.*, {_DEFAULTS} || own AS fresh FROM kinds),
    wanted AS (
        SELECT staged.account_id AS key,
            CASE WHEN held.value IS NULL THEN whole.fresh ELSE held.value || whole.own END AS value
        FROM staged JOIN whole USING ({", ".join(ACCOUNT_COLUMNS)}) LEFT JOIN held ON held.key = staged.account_id
        WHERE (held.value @> whole.own) IS NOT TRUE)
    INSERT INTO setting_version (firm_id, entity, key, effective_from, value, actor, reason, supersedes)
    SELECT :firm, :entity, wanted.key, CAST(:day AS date), wanted.value, :actor, :reason, newest.seq
    FROM wanted {_NEWEST}
    ORDER BY wanted.key"""  # noqa: S608 (constants of this module)
# The same settings are of many accounts: they are put together once. No column is ever null (`feeds.layouts`).
# What holds contains the settings of the file when none of them changes: they are words, so `||` would change nothing.

_RESTRICTIONS = f"""
    WITH {_HELD}, named AS (
        SELECT s.*, k.security_id FROM staged s
        JOIN known_identifier k ON k.scheme = s.scheme AND k.value = s.security_key),
    rules AS (
        SELECT account_id, jsonb_agg(jsonb_build_object(
            'kind', rule, 'security_id', security_id, 'reason', reason) ORDER BY security_id, rule, reason) AS rules
        FROM named WHERE rule <> 'BAND' GROUP BY account_id),
    bands AS (
        SELECT account_id, jsonb_object_agg(security_id, jsonb_build_object(
            'minimum', trim_scale(minimum)::text, 'maximum', trim_scale(maximum)::text)) AS bands
        FROM named WHERE rule = 'BAND' GROUP BY account_id),
    wanted AS (
        SELECT held.key, CAST(:day AS date) AS effective_from, held.value || jsonb_build_object(
            'restrictions', coalesce(rules.rules, '[]'::jsonb),
            'weight_bands', coalesce(bands.bands, '{{}}'::jsonb)) AS value
        FROM held LEFT JOIN rules ON rules.account_id = held.key LEFT JOIN bands ON bands.account_id = held.key)
    {_WRITE_CHANGED}"""  # noqa: S608 (constants of this module)

_CASH_NEEDS = f"""
    WITH {_HELD}, needs AS (
        SELECT account_id, jsonb_agg(jsonb_build_object(
            'amount', trim_scale(amount)::text, 'due_on', due_on) ORDER BY due_on, amount) AS needs
        FROM staged GROUP BY account_id),
    wanted AS (
        SELECT held.key, CAST(:day AS date) AS effective_from,
            held.value || jsonb_build_object('cash_needs', coalesce(needs.needs, '[]'::jsonb)) AS value
        FROM held LEFT JOIN needs ON needs.account_id = held.key)
    {_WRITE_CHANGED}"""  # noqa: S608 (constants of this module)

_MODELS = f"""
    WITH {_HELD}, lines AS (
        SELECT s.*, s.security_key = 'CASH' AND s.scheme = 'security_id' AS is_cash,
            coalesce(k.security_id, s.security_key) AS security
        FROM staged s LEFT JOIN known_identifier k ON k.scheme = s.scheme AND k.value = s.security_key),
    totals AS (
        SELECT model_id, security, is_cash, sum(weight) AS weight, count(*) AS times
        FROM lines GROUP BY model_id, security, is_cash),
    faults (model_id, fault) AS (
        SELECT model_id, 'a name stands in it twice: ' || min(security) FROM totals WHERE times > 1 GROUP BY model_id
        UNION ALL
        SELECT model_id, 'its rows carry several versions or dates' FROM lines
        GROUP BY model_id HAVING count(DISTINCT (version, effective_on)) > 1
        UNION ALL
        SELECT q.owner, 'line ' || q.line || ' cannot be read: ' || q.message
        FROM jsonb_to_recordset(CAST(:unreadable AS jsonb)) AS q (owner text, line integer, message text)),
    wanted AS (
        SELECT m.model_id AS key, m.effective_on AS effective_from, jsonb_build_object(
            'id', m.model_id, 'version', m.version, 'effective_on', m.effective_on,
            'weights', (SELECT coalesce(jsonb_object_agg(security, trim_scale(weight)::text), '{{}}'::jsonb)
                        FROM totals t WHERE t.model_id = m.model_id AND NOT is_cash),
            'cash_weight', (SELECT trim_scale(weight)::text FROM totals t WHERE t.model_id = m.model_id AND is_cash),
            'faults', (SELECT coalesce(jsonb_agg(fault ORDER BY fault), '[]'::jsonb)
                       FROM faults f WHERE f.model_id = m.model_id)) AS value
        FROM (SELECT model_id, max(version) AS version, max(effective_on) AS effective_on
              FROM lines GROUP BY model_id) m)
    {_WRITE_CHANGED}"""  # noqa: S608 (constants of this module)

_WITHDRAWN_MODELS = f"""
    WITH {_HELD}, wanted AS (
        SELECT held.key, held.effective_from, held.value || '{{"withdrawn": true}}'::jsonb AS value
        FROM held JOIN setting_version v ON v.firm_id = :firm AND v.seq = held.seq AND v.actor = :actor
        WHERE held.key NOT IN (SELECT model_id FROM staged))
    {_WRITE_CHANGED}"""  # noqa: S608 (constants of this module)
# A tombstone would bring back the model's version before: it is marked instead.

_LISTS = f"""
    WITH {_HELD}, lines AS (
        SELECT s.*, coalesce(k.security_id, s.security_key) AS security
        FROM staged s LEFT JOIN known_identifier k ON k.scheme = s.scheme AND k.value = s.security_key),
    unreadable AS (
        SELECT * FROM jsonb_to_recordset(CAST(:unreadable AS jsonb)) AS q (owner text, line integer, message text)),
    delivered AS (
        SELECT list_id, jsonb_build_object(
            'id', list_id, 'version', max(version), 'as_of', max(as_of), 'rule', max(rule),
            'by_choice', bool_and(binds = 'BY_CHOICE'), 'reason', max(reason),
            'securities', jsonb_agg(DISTINCT security),
            'content', md5(string_agg(DISTINCT concat_ws(' ', scheme, security_key, rule), ','))) AS value
        FROM lines GROUP BY list_id),
    faults (list_id, fault) AS (
        SELECT list_id, 'its rows carry several versions, dates, rules or bindings' FROM lines
        GROUP BY list_id HAVING count(DISTINCT (version, as_of, rule, binds)) > 1
        UNION ALL
        SELECT d.list_id, 'version ' || (d.value->>'version') || ' came after version ' || (held.value->>'version')
        FROM delivered d JOIN held ON held.key = d.list_id
        WHERE (d.value->>'version')::integer < (held.value->>'version')::integer
        UNION ALL
        SELECT d.list_id, 'version ' || (d.value->>'version') || ' came before with other names'
        FROM delivered d JOIN held ON held.key = d.list_id
        WHERE d.value->>'version' = held.value->>'version' AND d.value->>'content' <> held.value->>'content'
        UNION ALL
        SELECT owner, 'line ' || line || ' cannot be read: ' || message FROM unreadable),
    named AS (SELECT list_id FROM delivered UNION SELECT owner FROM unreadable),
    wanted AS (
        SELECT n.list_id AS key, CAST(:day AS date) AS effective_from,
            jsonb_build_object('id', n.list_id, 'version', 0, 'as_of', CAST(:day AS date), 'securities', '[]'::jsonb)
                || coalesce(held.value, '{{}}'::jsonb) || coalesce(d.value, '{{}}'::jsonb)
                || jsonb_build_object('faults', (SELECT coalesce(jsonb_agg(fault ORDER BY fault), '[]'::jsonb)
                                                 FROM faults f WHERE f.list_id = n.list_id)) AS value
        FROM named n LEFT JOIN delivered d USING (list_id) LEFT JOIN held ON held.key = n.list_id)
    {_WRITE_CHANGED}"""  # noqa: S608 (constants of this module)
# Accounts and programmes that persons have named stay: whom a list binds is the firm's decision. A list of which no
# row could be read, and that was not known before, binds everybody: nobody knows whom it would have bound.


def save_account_settings(connection: Connection, firm_id: str, business_date: date) -> int:
    """Version the settings of the staged accounts that changed; restrictions and cash needs stay. Returns how many.

    An account stands in `staged` once (`roster.save_accounts`).
    """
    return _write(connection, firm_id, _ACCOUNTS, ACCOUNT_SETTINGS, business_date, "accounts")


def save_restrictions(connection: Connection, firm_id: str, business_date: date) -> int:
    """Merge the staged restrictions into the settings of every account; those that it does not name have none."""
    return _write(connection, firm_id, _RESTRICTIONS, ACCOUNT_SETTINGS, business_date, "restrictions")


def save_cash_needs(connection: Connection, firm_id: str, business_date: date) -> int:
    """Merge the staged cash needs into the settings of every account; those that it does not name have none."""
    return _write(connection, firm_id, _CASH_NEEDS, ACCOUNT_SETTINGS, business_date, "cash_needs")


def save_models(
    connection: Connection, firm_id: str, business_date: date, unreadable: Sequence[Mapping[str, Any]]
) -> int:
    """Version the staged models that changed, and withdraw those of this feed that are no longer in it.

    A model keeps what is wrong with its rows under 'faults', and an identifier that the master does not know
    stands for itself. `unreadable`: owner (the model's id), line and message of rows that were quarantined.
    """
    faults = json.dumps([dict(row) for row in unreadable])
    saved = _write(connection, firm_id, _MODELS, MODEL, business_date, "models", unreadable=faults)
    return saved + _write(connection, firm_id, _WITHDRAWN_MODELS, MODEL, business_date, "models")


def save_lists(
    connection: Connection, firm_id: str, business_date: date, unreadable: Sequence[Mapping[str, Any]]
) -> int:
    """Version the staged restriction lists that changed; one that the file does not name stays as it was.

    A list keeps what is wrong with its delivery under 'faults'. `unreadable` as in `save_models`, of lists.
    """
    faults = json.dumps([dict(row) for row in unreadable])
    return _write(connection, firm_id, _LISTS, RESTRICTION_LIST, business_date, "restriction_lists", unreadable=faults)


def newest_seq(connection: Connection) -> int:
    """The firm's last version: what is known now."""
    return int(connection.scalar(text("SELECT coalesce(max(seq), 0) FROM setting_version")) or 0)


def held_settings(
    connection: Connection, entity: str, business_date: date, seq: int, keys: Sequence[str] | None = None
) -> dict[str, Mapping[str, Any]]:
    """What holds on the day as known at `seq`, by key; of `keys` only, when given."""
    statement = "SELECT key, value FROM settings_as_of(:entity, :day, :seq)"
    values: dict[str, Any] = {"entity": entity, "day": business_date, "seq": seq}
    if keys is not None:
        statement += " WHERE key = ANY(:keys)"
        values["keys"] = list(keys)
    return {row.key: row.value for row in connection.execute(text(statement), values)}


class StaleVersion(TrimtabError):
    """Somebody else has written a version since the one that this change was made from."""

    code = "STALE_VERSION"


def last_version(connection: Connection, entity: str, key: str) -> Row[Any] | None:
    """The newest version of one key, whatever day it is effective from; None when there is none."""
    return connection.execute(
        select(setting_version)
        .where(setting_version.c.entity == entity, setting_version.c.key == key)
        .order_by(setting_version.c.seq.desc())
        .limit(1)
    ).one_or_none()


def write_version(
    connection: Connection,
    firm_id: str,
    entity: str,
    key: str,
    value: Mapping[str, Any] | None,
    *,
    effective_from: date,
    actor: str,
    reason: str,
    supersedes: int | None,
) -> int:
    """Append a version (None is a tombstone) and return its sequence number. Raises StaleVersion."""
    row = {
        "firm_id": firm_id,
        "entity": entity,
        "key": key,
        "effective_from": effective_from,
        "value": value,
        "actor": actor,
        "reason": reason,
        "supersedes": supersedes,
    }
    try:
        with connection.begin_nested():
            written = connection.execute(insert(setting_version).values(row).returning(setting_version.c.seq))
            return int(written.scalar_one())
    except IntegrityError as lost:
        raise StaleVersion(f"{entity} {key} has changed meanwhile: look at it again") from lost


def _write(
    connection: Connection, firm_id: str, statement: str, entity: str, business_date: date, kind: str, **more: Any
) -> int:
    values = {
        "firm": firm_id,
        "entity": entity,
        "day": business_date,
        "actor": f"{FEED_ACTOR}{kind}",
        "reason": f"the {kind} file of {business_date.isoformat()}",
        **more,
    }
    return connection.execute(text(statement), values).rowcount
