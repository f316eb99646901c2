"""What stood at an instant of the past, of rows that move: told by the records and events of their moves."""

from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import Connection, Row, and_, exists, or_, select

from trimtab.db.tables import account_day, event, record, suspension

_LIFTED = "SUSPENSION_LIFTED"


def attempt_as_known(connection: Connection, day: Row[Any], at: datetime) -> Row[Any] | None:
    """The account-day, current unless a later attempt had been opened by then; None when it was not opened itself."""
    if day.recorded_at > at:
        return None
    mine = (account_day.c.account_id == day.account_id, account_day.c.business_date == day.business_date)
    later = exists().where(*mine, account_day.c.attempt > day.attempt, account_day.c.recorded_at <= at)
    superseded = connection.scalar(select(later))
    return cast("Row[Any]", SimpleNamespace(_mapping=day._mapping, **{**day._mapping, "current": not superseded}))


def suspensions_open_at(connection: Connection, firm_id: str, account_id: str, at: datetime) -> list[Row[Any]]:
    """Those of the account and of the whole firm that stood open at the instant, oldest first.

    When an account's was lifted is told by its record, when the firm's was by the event.
    """
    of_account = and_(suspension.c.scope == "ACCOUNT", suspension.c.scope_id == account_id)
    of_firm = and_(suspension.c.scope == "FIRM", suspension.c.scope_id == firm_id)
    told = exists().where(record.c.account_id == account_id, *_lifting(record.c, at))
    emitted = exists().where(*_lifting(event.c, at))
    stood = or_(suspension.c.lifted_by.is_(None), and_(of_account, ~told), and_(of_firm, ~emitted))
    rows = select(suspension).where(suspension.c.recorded_at <= at, or_(of_account, of_firm), stood)
    return list(connection.execute(rows.order_by(suspension.c.recorded_at, suspension.c.suspension_id)))


def _lifting(columns: Any, at: datetime) -> tuple[Any, ...]:
    """Of a row of records or events: it lifts the suspension, and was written by then."""
    same = columns.body["suspension_id"].astext == suspension.c.suspension_id
    return columns.kind == _LIFTED, same, columns.recorded_at <= at
