"""Event numbers are consecutive and follow commits: a cursor never passes an event that comes later."""

import asyncio

import psycopg
import pytest
from sqlalchemy import Engine, select
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.activities.small_book import FIRM, SmallBook
from tests.servers import FreshDatabase
from trimtab.db.engine import firm_transaction, libpq_url
from trimtab.db.events import EVENTS_CHANNEL, emit, read_events
from trimtab.db.tables import event, firm
from trimtab.relay.sequencer import number_events


def _emit(book: SmallBook, *kinds: str) -> None:
    with book.transaction() as connection:
        for kind in kinds:
            emit(connection, FIRM, kind)


async def test_committed_events_get_consecutive_numbers(book: SmallBook, relay_engine: AsyncEngine) -> None:
    _emit(book, "A", "B")
    assert await number_events(relay_engine) == 2
    _emit(book, "C")
    assert await number_events(relay_engine) == 1
    assert await number_events(relay_engine) == 0
    with book.transaction() as connection:
        assert [(row.kind, row.event_seq) for row in read_events(connection, 0)] == [("A", 1), ("B", 2), ("C", 3)]
        assert connection.scalar(select(firm.c.event_head)) == 3


@pytest.mark.covers("D14")
async def test_an_event_that_commits_late_is_not_skipped(
    book: SmallBook, app_engine: Engine, relay_engine: AsyncEngine
) -> None:
    """Its id is lower than one that a reader has seen; its number is not."""
    with firm_transaction(app_engine, FIRM) as slow:
        emit(slow, FIRM, "SLOW")
        _emit(book, "QUICK")
        await number_events(relay_engine)
        with book.transaction() as connection:
            seen = read_events(connection, 0)
        assert [row.kind for row in seen] == ["QUICK"]
    await number_events(relay_engine)
    with book.transaction() as connection:
        later = read_events(connection, seen[-1].event_seq)
        ids = dict(connection.execute(select(event.c.kind, event.c.event_id)).all())
    assert [row.kind for row in later] == ["SLOW"]
    assert ids["SLOW"] < ids["QUICK"]


async def test_many_writers_and_two_sequencers_leave_no_gap(
    book: SmallBook, app_engine: Engine, relay_engine: AsyncEngine
) -> None:
    async def write(number: int) -> None:
        await asyncio.to_thread(_emit, book, *(f"{number}-{each}" for each in range(5)))

    async def sequence() -> None:
        for _ in range(15):
            await number_events(relay_engine)
            await asyncio.sleep(0.005)

    await asyncio.gather(*(write(number) for number in range(20)), sequence(), sequence())
    await number_events(relay_engine)
    with book.transaction() as connection:
        rows = read_events(connection, 0, limit=1000)
    assert [row.event_seq for row in rows] == list(range(1, 101))
    assert len({row.kind for row in rows}) == 100


async def test_listeners_are_told_the_firm_and_the_last_number_only(
    book: SmallBook, relay_engine: AsyncEngine, database: FreshDatabase
) -> None:
    async with await psycopg.AsyncConnection.connect(libpq_url(database.app_url), autocommit=True) as listener:
        await listener.execute(f"LISTEN {EVENTS_CHANNEL}")
        _emit(book, "A", "B", "C")
        await number_events(relay_engine)
        told = [note.payload async for note in listener.notifies(timeout=5, stop_after=1)]
    assert told == [f"{FIRM}:3"]
