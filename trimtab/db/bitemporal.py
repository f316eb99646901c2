"""What was delivered about a day, as it was known at an instant. A corrected file adds a delivery and changes none."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select, text

from trimtab.db.facts import FACT_TABLES
from trimtab.db.tables import delivery, metadata, setting_version

_OWN: Final = ("firm_id", "delivery_id")

SETTINGS_OF: Final[Mapping[str, str]] = {
    "models": "model",
    "restrictions": "account_settings",
    "restriction_lists": "restriction_list",
    "cash_needs": "account_settings",
    "ancillary": "ancillary_values",
}
"""Kinds whose rows become versions of settings, and the entity that they are versions of."""


def delivery_known(connection: Connection, kind: str, as_of: date, known_at: datetime) -> Row[Any] | None:
    """The delivery that told of the day: the newest session up to it, and of that the last one known at the instant.

    `as_of` is the session that holdings and closes are of, not the business date that they were delivered for.
    """
    rows = select(delivery).where(
        delivery.c.kind == kind,
        delivery.c.status == "LOADED",
        delivery.c.as_of <= as_of,
        delivery.c.recorded_at <= known_at,
    )
    newest = rows.order_by(delivery.c.as_of.desc(), delivery.c.recorded_at.desc()).limit(1)
    return connection.execute(newest).one_or_none()


def facts_known(
    connection: Connection,
    told_by: Row[Any],
    *,
    account_id: str | None = None,
    security: str | None = None,
    after_line: int = 0,
    limit: int,
) -> list[dict[str, Any]]:
    """Rows of a delivery from the line after `after_line`, of one account or one security where such are named.

    `security` is the firm's own id, or the identifier as it was delivered.
    """
    table = metadata.tables[FACT_TABLES[told_by.kind].name]
    columns = [column for column in table.columns if column.name not in _OWN]
    rows = select(*columns).where(table.c.delivery_id == told_by.delivery_id, table.c.line > after_line)
    if account_id is not None:
        rows = rows.where(table.c.account_id == account_id)
    if security is not None:
        names = [table.c[name] for name in ("security_id", "security_key") if name in table.c]
        condition = names[0] == security
        for name in names[1:]:
            condition = condition | (name == security)
        rows = rows.where(condition)
    return [dict(row._mapping) for row in connection.execute(rows.order_by(table.c.line).limit(limit))]


def setting_known(connection: Connection, entity: str, key: str, on: date, known_at: datetime) -> Any:
    """The value that held on the day by the versions known at the instant; None when there was none."""
    newest = select(func.coalesce(func.max(setting_version.c.seq), 0)).where(setting_version.c.recorded_at <= known_at)
    seq = connection.scalar(newest)
    statement = text("SELECT value FROM settings_as_of(:entity, :day, :seq) WHERE key = :key")
    return connection.scalar(statement, {"entity": entity, "day": on, "seq": seq, "key": key})
