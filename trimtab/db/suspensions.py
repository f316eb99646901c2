"""Suspensions: rows that keep an account, or a whole firm, from trading until they are lifted.

Opening and lifting are told in the account's record and as events, in the caller's transaction.
"""

from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from trimtab.db.events import emit
from trimtab.db.records import append_record
from trimtab.db.tables import account_fact, suspension
from trimtab.domain.records import content_hash
from trimtab.domain.suspensions import (
    Suspension,
    SuspensionKind,
    SuspensionScope,
    delivered_suspension,
)

SYSTEM = "trimtab"
ACCOUNTS_FEED = "accounts feed"


def open_suspension(connection: Connection, firm_id: str, wanted: Suspension) -> str | None:
    """Open the suspension unless one of its scope, kind and code is open already; returns its id when it is new."""
    key = [firm_id, wanted.scope, wanted.scope_id, wanted.kind, wanted.code, wanted.since]
    lifted_before = connection.scalars(
        select(suspension.c.suspension_id).where(
            suspension.c.scope == str(wanted.scope),
            suspension.c.scope_id == wanted.scope_id,
            suspension.c.kind == str(wanted.kind),
            suspension.c.code == wanted.code,
            suspension.c.since == wanted.since,
        )
    ).all()
    suspension_id = content_hash([*key, len(lifted_before)])[:32]
    new = connection.execute(
        upsert(suspension)
        .values(
            firm_id=firm_id,
            suspension_id=suspension_id,
            scope=str(wanted.scope),
            scope_id=wanted.scope_id,
            kind=str(wanted.kind),
            code=wanted.code,
            reason=wanted.reason,
            since=wanted.since,
            opened_by=wanted.opened_by,
        )
        .on_conflict_do_nothing()
        .returning(suspension.c.suspension_id)
    ).one_or_none()
    if new is None:
        return None
    _tell(connection, firm_id, "SUSPENSION_OPENED", wanted, suspension_id, wanted.since, wanted.opened_by)
    return suspension_id


def lift_suspension(
    connection: Connection, firm_id: str, suspension_id: str, *, lifted_on: date, lifted_by: str, reason: str
) -> bool:
    """Lift it; False when it was lifted already. Whether the person may is judged by the caller."""
    row = connection.execute(
        update(suspension)
        .where(
            suspension.c.firm_id == firm_id,
            suspension.c.suspension_id == suspension_id,
            suspension.c.lifted_by.is_(None),
        )
        .values(lifted_on=lifted_on, lifted_by=lifted_by, lift_reason=reason)
        .returning(suspension)
    ).one_or_none()
    if row is None:
        return False
    _tell(connection, firm_id, "SUSPENSION_LIFTED", suspension_of(row), suspension_id, lifted_on, lifted_by)
    return True


def open_rows(connection: Connection, scope: SuspensionScope, scope_ids: Collection[str]) -> list[Row[Any]]:
    """The open suspensions of these accounts, or of the firm, oldest first."""
    rows = select(suspension).where(
        suspension.c.scope == str(scope), suspension.c.scope_id.in_(scope_ids), suspension.c.lifted_by.is_(None)
    )
    return list(connection.execute(rows.order_by(suspension.c.since, suspension.c.suspension_id)))


def suspension_of(row: Row[Any]) -> Suspension:
    """The row as the domain's value."""
    return Suspension(
        scope=SuspensionScope(row.scope),
        scope_id=row.scope_id,
        kind=SuspensionKind(row.kind),
        code=row.code,
        reason=row.reason,
        since=row.since,
        opened_by=row.opened_by,
    )


def sync_delivered(connection: Connection, firm_id: str, delivery_id: str, business_date: date) -> None:
    """Open what the accounts file states, and lift the standing ones that it no longer states.

    Suspensions of compliance and advisors stay until such a person lifts them, whatever the file says later.
    """
    rows = select(account_fact.c.account_id, account_fact.c.suspension, account_fact.c.suspension_reason)
    stated = connection.execute(
        rows.where(account_fact.c.delivery_id == delivery_id, account_fact.c.suspension.is_not(None)).order_by(
            account_fact.c.account_id
        )
    ).all()
    still = set()
    for row in stated:
        wanted = delivered_suspension(
            row.account_id, row.suspension, row.suspension_reason or "", business_date, ACCOUNTS_FEED
        )
        if wanted is not None:
            still.add((wanted.scope_id, wanted.code))
            open_suspension(connection, firm_id, wanted)
    standing = select(suspension).where(
        suspension.c.scope == SuspensionScope.ACCOUNT.value,
        suspension.c.kind == SuspensionKind.STANDING.value,
        suspension.c.opened_by == ACCOUNTS_FEED,
        suspension.c.lifted_by.is_(None),
    )
    for row in connection.execute(standing.order_by(suspension.c.scope_id)).all():
        if (row.scope_id, row.code) not in still:
            lift_suspension(
                connection,
                firm_id,
                row.suspension_id,
                lifted_on=business_date,
                lifted_by=ACCOUNTS_FEED,
                reason="the accounts file no longer states it",
            )


def _tell(
    connection: Connection, firm_id: str, kind: str, what: Suspension, suspension_id: str, on: date, actor: str
) -> None:
    body = {
        "suspension_id": suspension_id,
        "scope": what.scope,
        "kind": what.kind,
        "code": what.code,
        "reason": what.reason,
        "actor": actor,
    }
    account_id = what.scope_id if what.scope is SuspensionScope.ACCOUNT else None
    emit(connection, firm_id, kind, business_date=on, account_id=account_id, body=body)
    if account_id is not None:
        append_record(connection, firm_id, account_id, kind, body, business_date=on, actor=actor)
