"""One heartbeat row per process: the night's monitor sees who has fallen silent (H5)."""

from datetime import timedelta

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from trimtab.db.tables import process_heartbeat

SILENT_AFTER = timedelta(seconds=60)


def beat(connection: Connection, firm_id: str, process_id: str, kind: str, build: str) -> None:
    """Say that the process is alive."""
    row = upsert(process_heartbeat).values(firm_id=firm_id, process_id=process_id, kind=kind, build=build)
    connection.execute(
        row.on_conflict_do_update(
            index_elements=["firm_id", "process_id"], set_={"seen_at": func.clock_timestamp(), "build": build}
        )
    )


def silent_kinds(connection: Connection) -> list[str]:
    """Kinds of process of which no instance has beaten for a minute."""
    last = func.max(process_heartbeat.c.seen_at)
    return list(
        connection.scalars(
            select(process_heartbeat.c.kind)
            .group_by(process_heartbeat.c.kind)
            .having(last < func.clock_timestamp() - SILENT_AFTER)
            .order_by(process_heartbeat.c.kind)
        )
    )
