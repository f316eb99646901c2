"""Events get their cursor after they are committed: no reader passes one by."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date

import pytest
from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.db.conftest import FIRM, OTHER
from tests.servers import FreshDatabase
from trimtab.contracts import Signal, SignalName
from trimtab.db.engine import RELAY_ROLE, async_engine, firm_transaction, sync_engine
from trimtab.db.events import NewEvent, emit, emit_all, read_events, signal, signal_all
from trimtab.db.tables import event, firm, outbox
from trimtab.relay.sequencer import number_events

pytestmark = pytest.mark.covers("W-E2")

DAY = date(2026, 3, 3)


@pytest.fixture
async def sequencer(database: FreshDatabase, engine: Engine) -> AsyncIterator[AsyncEngine]:
    """The relay's own engine."""
    relay = async_engine(database.relay_url, role=RELAY_ROLE)
    yield relay
    await relay.dispose()


def tell(engine: Engine, *kinds: str, firm_id: str = FIRM) -> None:
    with firm_transaction(engine, firm_id) as connection:
        for kind in kinds:
            emit(connection, firm_id, kind, business_date=DAY)


def read(engine: Engine, after: int, firm_id: str = FIRM) -> list[tuple[int, str]]:
    with firm_transaction(engine, firm_id) as connection:
        return [(row.event_seq, row.kind) for row in read_events(connection, after)]


async def test_what_is_not_numbered_yet_is_not_read(engine: Engine, sequencer: AsyncEngine) -> None:
    tell(engine, "ONE", "TWO")
    assert read(engine, 0) == []
    assert await number_events(sequencer) == 2
    assert read(engine, 0) == [(1, "ONE"), (2, "TWO")]
    assert read(engine, 1) == [(2, "TWO")]


async def test_an_event_that_commits_late_is_numbered_behind_what_was_read_before_it(
    engine: Engine, sequencer: AsyncEngine
) -> None:
    with firm_transaction(engine, FIRM) as slow:
        emit(slow, FIRM, "BEGAN_FIRST", business_date=DAY)  # the lower id
        tell(engine, "COMMITTED_FIRST")
        await number_events(sequencer)
        cursor, _ = read(engine, 0)[-1]
        assert read(engine, 0) == [(1, "COMMITTED_FIRST")]
    await number_events(sequencer)
    assert read(engine, cursor) == [(2, "BEGAN_FIRST")]


async def test_an_event_of_a_transaction_that_failed_takes_no_number(engine: Engine, sequencer: AsyncEngine) -> None:
    with engine.connect() as connection, connection.begin() as outer:
        connection.execute(text("SELECT set_config('trimtab.firm', 'acme', true)"))
        emit(connection, FIRM, "NEVER", business_date=DAY)
        outer.rollback()
    tell(engine, "ONE")
    await number_events(sequencer)
    assert read(engine, 0) == [(1, "ONE")]


async def test_each_firm_has_a_sequence_of_its_own(engine: Engine, sequencer: AsyncEngine) -> None:
    tell(engine, "A1", "A2")
    tell(engine, "B1", firm_id=OTHER)
    await number_events(sequencer)
    assert read(engine, 0) == [(1, "A1"), (2, "A2")]
    assert read(engine, 0, OTHER) == [(1, "B1")]


async def test_two_sequencers_at_once_and_writers_beside_them_leave_no_gap_and_no_double(
    engine: Engine, sequencer: AsyncEngine
) -> None:
    """A reader that follows with its cursor sees every event once, in one order."""
    writers = [asyncio.to_thread(tell, engine, *(f"W{writer}-{n}" for n in range(10))) for writer in range(12)]
    writing = asyncio.gather(*writers)
    seen: list[tuple[int, str]] = []
    while not writing.done() or len(seen) < 120:
        await asyncio.gather(number_events(sequencer), number_events(sequencer))
        seen += await asyncio.to_thread(read, engine, len(seen))
    assert [number for number, _ in seen] == list(range(1, 121))
    assert len({kind for _, kind in seen}) == 120
    with firm_transaction(engine, FIRM) as connection:
        assert connection.scalar(select(firm.c.event_head)) == 120


def test_events_told_together_keep_their_order(connection: Connection) -> None:
    emit_all(connection, FIRM, [NewEvent(f"K{n}", DAY, f"A{n}", body={"n": n}) for n in range(5)])
    emit_all(connection, FIRM, [])
    rows = connection.execute(select(event).order_by(event.c.event_id)).all()
    assert [(row.kind, row.account_id, row.body["n"]) for row in rows] == [(f"K{n}", f"A{n}", n) for n in range(5)]


def test_a_signal_is_a_row_of_the_transaction_that_wrote_it(engine: Engine) -> None:
    with engine.connect() as connection, connection.begin() as outer:
        connection.execute(text("SELECT set_config('trimtab.firm', 'acme', true)"))
        signal(connection, FIRM, "w1", SignalName.ORDERS_DONE, Signal("x"))
        outer.rollback()
    with firm_transaction(engine, FIRM) as connection:
        signal_all(connection, FIRM, SignalName.MARKET, [("w1", Signal("e1", "CLOSE")), ("w2", Signal("e1", "CLOSE"))])
        rows = connection.execute(select(outbox).order_by(outbox.c.outbox_id)).all()
    assert [(row.workflow_id, row.signal, row.body) for row in rows] == [
        ("w1", "market", {"id": "e1", "kind": "CLOSE"}),
        ("w2", "market", {"id": "e1", "kind": "CLOSE"}),
    ]


def test_the_relay_numbers_events_and_may_not_rewrite_them(database: FreshDatabase, engine: Engine) -> None:
    tell(engine, "ONE")
    relay = sync_engine(database.relay_url, role=RELAY_ROLE)
    try:
        with pytest.raises(DBAPIError), relay.begin() as connection:
            connection.execute(text("UPDATE event SET body = '{}'"))
        with pytest.raises(DBAPIError), relay.begin() as connection:
            connection.execute(text("INSERT INTO event (firm_id, kind) VALUES ('acme', 'FORGED')"))
        with relay.begin() as connection:
            assert connection.scalar(select(func.count()).select_from(event)) == 1
    finally:
        relay.dispose()
