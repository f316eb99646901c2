"""What people do to an account outside of a review reaches its lifecycle from here, through the outbox."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from trimtab.contracts import Signal, SignalName
from trimtab.db.account_days import open_refs
from trimtab.db.events import emit, signal
from trimtab.db.records import NewRecord, append_records
from trimtab.db.tables import alert, delivery, outbox, run, suspension
from trimtab.domain.records import plain
from trimtab.domain.suspensions import SuspensionScope


def business_date(connection: Connection) -> date | None:
    """The firm's newest business date: of a run, else of a delivery. None before the first of either."""
    newest: date | None = connection.scalar(select(func.max(run.c.business_date)))
    if newest is None:
        newest = connection.scalar(select(func.max(delivery.c.business_date)))
    return newest


def suspension_row(connection: Connection, suspension_id: str) -> Row[Any] | None:
    """The suspension, locked."""
    rows = select(suspension).where(suspension.c.suspension_id == suspension_id)
    return connection.execute(rows.with_for_update()).one_or_none()


def open_suspension_row(connection: Connection, account_id: str, kind: str, code: str) -> Row[Any] | None:
    """The account's open suspension of this kind and code."""
    return connection.execute(
        select(suspension).where(
            suspension.c.scope == SuspensionScope.ACCOUNT.value,
            suspension.c.scope_id == account_id,
            suspension.c.kind == kind,
            suspension.c.code == code,
            suspension.c.lifted_by.is_(None),
        )
    ).one_or_none()


def signal_accounts(
    connection: Connection, firm_id: str, account_ids: Sequence[str] | None, name: SignalName, note: Signal
) -> int:
    """Signal the lifecycles of these accounts' open days, of all accounts for None; returns how many there are.

    An account-day without a workflow needs none: its row says everything, and the relay counts an unknown
    workflow as delivered.
    """
    refs = open_refs(connection, firm_id, account_ids=account_ids)
    for ref in refs:
        signal(connection, firm_id, ref.workflow_id, name, note)
    return len(refs)


def retry_blocked(
    connection: Connection, firm_id: str, steps: Sequence[Row[Any]], *, actor: str, reason: str, note: Signal
) -> None:
    """Ask for another try of these blocked steps (rows of `day_pages.blocked_steps`), on the record of each account."""
    if not steps:
        return
    append_records(
        connection,
        firm_id,
        [
            NewRecord(
                row.account_id,
                "STEP_RETRY_ASKED",
                {"stage": row.stage, "error_type": row.error_type, "reason": reason, "request": note.id},
                row.business_date,
                actor,
                row.account_day_id,
            )
            for row in sorted(steps, key=lambda row: (row.account_id, row.business_date))
        ],
    )
    body = plain(note)
    rows = [
        {
            "firm_id": firm_id,
            "kind": "signal",
            "workflow_id": row.workflow_id,
            "signal": SignalName.RETRY_STEP.value,
            "body": body,
        }
        for row in steps
    ]
    connection.execute(insert(outbox), rows)


def alert_row(connection: Connection, alert_id: str) -> Row[Any] | None:
    return connection.execute(select(alert).where(alert.c.alert_id == alert_id)).one_or_none()


def acknowledge(connection: Connection, firm_id: str, alert_id: str, actor: str) -> str:
    """Acknowledge an alert that exists; returns who did it first."""
    changed = connection.execute(
        update(alert)
        .where(alert.c.firm_id == firm_id, alert.c.alert_id == alert_id, alert.c.acknowledged_by.is_(None))
        .values(acknowledged_by=actor)
        .returning(alert)
    ).one_or_none()
    if changed is None:
        return str(connection.scalar(select(alert.c.acknowledged_by).where(alert.c.alert_id == alert_id)))
    body = {"alert_id": alert_id, "cause": changed.cause, "scope": changed.scope, "actor": actor}
    emit(connection, firm_id, "ALERT_ACKNOWLEDGED", business_date=changed.business_date, body=body)
    return actor
