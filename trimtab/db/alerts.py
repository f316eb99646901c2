"""Alerts: at least one and at most one per cause, scope and business day (I16)."""

from datetime import date

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert as upsert

from trimtab.db.events import emit
from trimtab.db.tables import alert
from trimtab.domain.records import content_hash


def raise_alert(
    connection: Connection,
    firm_id: str,
    *,
    cause: str,
    scope: str,
    business_date: date,
    message: str,
    severity: str = "WARNING",
) -> bool:
    """Raise the alert unless it stands already; returns whether it is new."""
    key = content_hash([cause, scope, business_date])[:32]
    new = connection.execute(
        upsert(alert)
        .values(
            firm_id=firm_id,
            alert_id=key,
            cause=cause,
            scope=scope,
            business_date=business_date,
            severity=severity,
            message=message,
        )
        .on_conflict_do_nothing()
        .returning(alert.c.alert_id)
    ).one_or_none()
    if new is None:
        return False
    emit(
        connection,
        firm_id,
        "ALERT_RAISED",
        business_date=business_date,
        body={"cause": cause, "scope": scope, "severity": severity, "message": message},
    )
    return True
