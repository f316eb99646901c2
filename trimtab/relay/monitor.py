"""Signs of life: every process beats, and the leader tells when a kind of process has fallen silent (H5)."""

from typing import Final

from sqlalchemy import Engine, func, select

from trimtab.db.alerts import raise_alert
from trimtab.db.engine import firm_transaction
from trimtab.db.heartbeats import beat, silent_kinds
from trimtab.db.tables import run
from trimtab.db.threads import in_thread

BEAT_SECONDS: Final = 10.0


class Monitor:
    """Looks at the heartbeats of a firm."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def look(self, firm_id: str) -> int:
        """Raise an alert for each silent kind of process; returns how many are silent."""
        return await in_thread(self._look, firm_id)

    def _look(self, firm_id: str) -> int:
        with firm_transaction(self._engine, firm_id) as connection:
            day = connection.scalar(select(func.max(run.c.business_date)))
            silent = silent_kinds(connection) if day is not None else []
            for kind in silent:
                raise_alert(
                    connection,
                    firm_id,
                    cause="PROCESS_SILENT",
                    scope=kind,
                    business_date=day,
                    message=f"no {kind} has given a sign of life for a minute",
                    severity="CRITICAL",
                )
            return len(silent)


def beat_in(engine: Engine, firm_ids: list[str], process_id: str, kind: str, build: str) -> None:
    """Say in each firm that the process is alive."""
    for firm_id in firm_ids:
        with firm_transaction(engine, firm_id) as connection:
            beat(connection, firm_id, process_id, kind, build)
