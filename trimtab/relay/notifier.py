"""Sends alerts out: each at least once by each way, tried again for a day, in the order in which they were raised."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Engine, Row

from trimtab.db.engine import firm_transaction
from trimtab.db.notices import note_notice, unsent_alerts
from trimtab.db.threads import in_thread
from trimtab.relay.outlets import SEVERITIES, Notice, Outlet, OutletFailed

log = structlog.get_logger(__name__)

BATCH: Final = 50
_LONGEST_REST: Final = timedelta(minutes=10)


class Notifier:
    """One of a relay."""

    def __init__(self, engine: Engine, outlets: Sequence[Outlet]) -> None:
        self._engine = engine
        self._outlets = outlets

    async def notify(self, firm_id: str) -> int:
        """Send what has not left yet; returns how many alerts left."""
        return sum([await self._by(firm_id, outlet) for outlet in self._outlets])

    async def _by(self, firm_id: str, outlet: Outlet) -> int:
        sent = 0
        for row in await in_thread(self._unsent, firm_id, outlet):
            now = datetime.now(UTC)
            try:
                await outlet.send(_notice(firm_id, row), now)
            except OutletFailed as failure:
                log.warning("alert not sent", channel=outlet.channel, reason=str(failure))
                again = {"last_error": str(failure), "next_try_at": now + _rest(row.tries + 1)}
                await in_thread(self._note, firm_id, row, outlet, again)
                return sent  # what comes after it would fail alike
            await in_thread(self._note, firm_id, row, outlet, {"sent_at": now, "last_error": None})
            sent += 1
        return sent

    def _unsent(self, firm_id: str, outlet: Outlet) -> list[Row[Any]]:
        severities = SEVERITIES[SEVERITIES.index(outlet.least) :]
        with firm_transaction(self._engine, firm_id) as connection:
            return unsent_alerts(connection, outlet.channel, severities, datetime.now(UTC), BATCH)

    def _note(self, firm_id: str, row: Row[Any], outlet: Outlet, values: dict[str, Any]) -> None:
        with firm_transaction(self._engine, firm_id) as connection:
            note_notice(connection, firm_id, row.alert_id, outlet.channel, tries=row.tries + 1, **values)


def _rest(tries: int) -> timedelta:
    """5 s after the first failure, doubled, at most ten minutes."""
    return min(timedelta(seconds=5 * 2 ** (min(tries, 10) - 1)), _LONGEST_REST)


def _notice(firm_id: str, row: Row[Any]) -> Notice:
    return Notice(
        firm_id=firm_id,
        alert_id=row.alert_id,
        cause=row.cause,
        scope=row.scope,
        business_date=row.business_date.isoformat(),
        severity=row.severity,
        message=row.message,
        raised_at=row.recorded_at,
    )
