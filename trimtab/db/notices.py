"""Which alerts have left by which way, and when the others are tried again."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert

from trimtab.db.tables import alert, alert_notice

KEPT_TRYING = timedelta(hours=24)
"""What has not left a day after it was raised stays here: by then people have seen it otherwise."""


def unsent_alerts(
    connection: Connection, channel: str, severities: Collection[str], now: datetime, limit: int
) -> list[Row[Any]]:
    """Alerts of the severities that the channel has not taken and may be tried now, oldest first; with `tries`."""
    mine = and_(
        alert_notice.c.firm_id == alert.c.firm_id,
        alert_notice.c.alert_id == alert.c.alert_id,
        alert_notice.c.channel == channel,
    )
    rows = (
        select(alert, func.coalesce(alert_notice.c.tries, 0).label("tries"))
        .outerjoin(alert_notice, mine)
        .where(
            alert.c.severity.in_(severities),
            alert.c.recorded_at > now - KEPT_TRYING,
            alert_notice.c.sent_at.is_(None),
            or_(alert_notice.c.next_try_at.is_(None), alert_notice.c.next_try_at <= now),
        )
        .order_by(alert.c.recorded_at, alert.c.alert_id)
        .limit(limit)
    )
    return list(connection.execute(rows))


def note_notice(connection: Connection, firm_id: str, alert_id: str, channel: str, **values: Any) -> None:
    """Write how a try went: tries, and sent_at or last_error and next_try_at."""
    connection.execute(
        upsert(alert_notice)
        .values(firm_id=firm_id, alert_id=alert_id, channel=channel, **values)
        .on_conflict_do_update(index_elements=["firm_id", "alert_id", "channel"], set_=values)
    )
