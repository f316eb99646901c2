"""Corporate actions that came and could not be read: whom they concern, until somebody tells of them anew."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, func, select

from trimtab.db.tables import corporate_action_fact, delivery, quarantined_row
from trimtab.domain.corporate_actions_entries import EventEntry
from trimtab.domain.securities import SecurityId

_KIND = "corporate_actions"
_When = tuple[date, datetime]
"""Business date of a file, and when it was loaded."""


def unread_securities(
    connection: Connection,
    after: date,
    until: date,
    names: Mapping[str, SecurityId],
    entries: Iterable[EventEntry],
) -> frozenset[SecurityId]:
    """Securities with a row that was kept aside in a file of a business date after `after` and up to `until`.

    A row is no longer waited for when a later file, or another file of its own day, has one of the security that can be
    read, when a later file of its day does not repeat it, or when two persons entered an event of the security with an
    ex-date from the file's business date on.
    """
    bad = {
        (name, when)
        for row in _rows(connection, quarantined_row, after, until)
        if (name := names.get(row.security_key or "")) is not None and (when := _when(row))
    }
    if not bad:
        return frozenset()
    told: dict[SecurityId, _When] = {}
    for row in _rows(connection, corporate_action_fact, after, until):
        known = row.security_id or names.get(row.security_key)
        if known is not None:
            told[known] = max(told.get(known, _when(row)), _when(row))
    newest = _newest_files(connection, after, until)
    entered = [(entry.security_id, entry.ex_on) for entry in entries]
    return frozenset(
        name
        for name, when in bad
        if newest[when[0]] == when[1]
        and told.get(name, when) <= when
        and not any(security == name and ex_on >= when[0] for security, ex_on in entered)
    )


def _when(row: Row[tuple[object, ...]]) -> _When:
    return row.business_date, row.loaded_at


def _rows(connection: Connection, table: Table, after: date, until: date) -> Iterable[Row[tuple[object, ...]]]:
    same = and_(delivery.c.firm_id == table.c.firm_id, delivery.c.delivery_id == table.c.delivery_id)
    columns = [table.c[name] for name in ("security_id", "security_key") if name in table.c]
    rows = select(*columns, delivery.c.business_date, delivery.c.recorded_at.label("loaded_at")).join(delivery, same)
    return connection.execute(rows.where(_is_of_days(after, until)))


def _newest_files(connection: Connection, after: date, until: date) -> dict[date, datetime]:
    rows = select(delivery.c.business_date, func.max(delivery.c.recorded_at).label("loaded_at")).where(
        _is_of_days(after, until)
    )
    found = connection.execute(rows.group_by(delivery.c.business_date))
    return {row.business_date: row.loaded_at for row in found}


def _is_of_days(after: date, until: date) -> ColumnElement[bool]:
    days = and_(delivery.c.business_date > after, delivery.c.business_date <= until)
    return and_(delivery.c.kind == _KIND, delivery.c.status == "LOADED", days)
