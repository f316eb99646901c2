"""What is expected of each kind on a business date, and how far its absence is escalated."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from trimtab.db.tables import account, account_fact, alert, delivery, delivery_expectation
from trimtab.domain.delivery_watch import Standing

_MODELS = "models"


def expect(connection: Connection, firm_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write what is expected, once: what stands there already stays, with how far it has come."""
    if rows:
        values = [{"firm_id": firm_id, **row} for row in rows]
        connection.execute(upsert(delivery_expectation).on_conflict_do_nothing(), values)


def expectations_on(connection: Connection, dates: Collection[date]) -> list[Row[Any]]:
    """Every kind's expectation of the days."""
    rows = select(delivery_expectation).where(delivery_expectation.c.business_date.in_(dates))
    return list(connection.execute(rows.order_by(delivery_expectation.c.business_date, delivery_expectation.c.kind)))


def locked_expectations(connection: Connection, business_date: date) -> dict[str, Row[Any]]:
    """By kind, locked: one watcher at a time."""
    rows = select(delivery_expectation).where(delivery_expectation.c.business_date == business_date)
    return {row.kind: row for row in connection.execute(rows.order_by(delivery_expectation.c.kind).with_for_update())}


def set_expectation(connection: Connection, business_date: date, kind: str, **values: Any) -> None:
    """Change a kind's standing, its tries, or how it was resolved."""
    connection.execute(
        update(delivery_expectation)
        .where(delivery_expectation.c.business_date == business_date, delivery_expectation.c.kind == kind)
        .values(**values)
    )


def is_escalated(row: Row[Any]) -> bool:
    """Whether somebody was told of the absence, and nothing has ended it."""
    return Standing(row.standing).escalated and row.resolved_at is None


def settle_alerts(connection: Connection, causes: Collection[str], scope: str, business_date: date, by: str) -> int:
    """Acknowledge the open alerts of the causes in the name of what ended them; returns how many."""
    found = connection.execute(
        update(alert)
        .where(
            alert.c.cause.in_(causes),
            alert.c.scope == scope,
            alert.c.business_date == business_date,
            alert.c.acknowledged_by.is_(None),
        )
        .values(acknowledged_by=by)
    )
    return found.rowcount


def accounts_in_need(connection: Connection, business_date: date) -> dict[str, int]:
    """How many accounts need a kind: '' for those that every account needs, 'models' for accounts with a model."""
    newest = (
        select(delivery.c.delivery_id)
        .where(
            delivery.c.kind == "accounts",
            delivery.c.business_date == business_date,
            delivery.c.status == "LOADED",
        )
        .order_by(delivery.c.recorded_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    following = select(func.count()).where(account_fact.c.delivery_id == newest, account_fact.c.model_id.is_not(None))
    everybody = select(func.count()).select_from(account).scalar_subquery()
    row = connection.execute(select(everybody, following.scalar_subquery(), newest.is_not(None))).one()
    return {"": row[0], _MODELS: row[1] if row[2] else row[0]}


def needed_by(kind: str, counts: Mapping[str, int]) -> int:
    """How many accounts cannot be judged without the kind."""
    return counts.get(kind, counts[""])


def due_for_a_try(row: Row[Any] | None, now: datetime) -> bool:
    """Whether a fetch that failed has rested long enough."""
    return row is None or row.next_try_at is None or row.next_try_at <= now
