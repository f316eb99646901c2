"""The firms' sequencer: committed events get consecutive numbers, which are the only cursor for readers."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from trimtab.db.engine import async_relay_transaction
from trimtab.db.events import EVENTS_CHANNEL

BATCH: Final = 5_000

_WAITING: Final = text("SELECT DISTINCT firm_id FROM event WHERE event_seq IS NULL")
_HEAD: Final = text("SELECT event_head FROM firm WHERE firm_id = :firm FOR UPDATE")
_NUMBER: Final = text(
    """
    UPDATE event SET event_seq = :head + waiting.place, published_at = clock_timestamp()
    FROM (
        SELECT event_id, row_number() OVER (ORDER BY event_id) AS place
        FROM (
            SELECT event_id FROM event WHERE firm_id = :firm AND event_seq IS NULL ORDER BY event_id LIMIT :most
        ) first
    ) waiting
    WHERE event.firm_id = :firm AND event.event_id = waiting.event_id
    """
)
_ADVANCE: Final = text("UPDATE firm SET event_head = :head WHERE firm_id = :firm")
_TELL: Final = text("SELECT pg_notify(:channel, :payload)")


async def number_events(engine: AsyncEngine) -> int:
    """Number what has been committed since; returns how many events of all firms.

    An event that commits late gets a later number, so no reader's cursor is ever ahead of it.
    """
    async with async_relay_transaction(engine) as connection:
        firms = list((await connection.execute(_WAITING)).scalars())
    numbered = 0
    for firm in firms:
        async with async_relay_transaction(engine) as connection:
            numbered += await _number(connection, firm)
    return numbered


async def _number(connection: AsyncConnection, firm: str) -> int:
    head = (await connection.execute(_HEAD, {"firm": firm})).scalar_one()
    result = await connection.execute(_NUMBER, {"firm": firm, "head": head, "most": BATCH})
    count = int(result.rowcount)
    if count:
        await connection.execute(_ADVANCE, {"firm": firm, "head": head + count})
        await connection.execute(_TELL, {"channel": EVENTS_CHANNEL, "payload": f"{firm}:{head + count}"})
    return count
