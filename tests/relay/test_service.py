"""The relay leads alone, restarts what Temporal has forgotten, and tells of processes that fell silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from tests.activities.small_book import FIRM, SmallBook
from tests.servers import FreshDatabase
from trimtab.contracts import Signal, SignalName, StageOutcome, daily_run_workflow_id
from trimtab.db.events import emit, signal
from trimtab.domain.lifecycle import Stage, TerminalState
from trimtab.relay.monitor import Monitor, beat_in
from trimtab.relay.outbox import OutboxRelay
from trimtab.relay.reconciler import Reconciler
from trimtab.relay.service import Relay
from trimtab.relay.starting import schedule_id

DAY = date(2026, 3, 3)


@asynccontextmanager
async def leading(
    database: FreshDatabase, relay_engine: AsyncEngine, app_engine: Engine, client: Client
) -> AsyncIterator[None]:
    stop = asyncio.Event()
    running = asyncio.create_task(Relay(database.relay_url, relay_engine, app_engine, client).run(stop))
    try:
        yield
    finally:
        stop.set()
        await running


async def _until(book: SmallBook, query: str, expected: object) -> None:
    for _ in range(1500):
        with book.transaction() as connection:
            if connection.scalar(text(query)) == expected:
                return
        await asyncio.sleep(0.02)
    pytest.fail(f"{query} did not become {expected}")


async def test_commands_and_events_flow_while_it_leads(
    book: SmallBook,
    database: FreshDatabase,
    relay_engine: AsyncEngine,
    app_engine: Engine,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The commit itself wakes it: its poll would come after an hour."""
    monkeypatch.setattr("trimtab.relay.service.POLL_SECONDS", 3600.0)
    async with leading(database, relay_engine, app_engine, client):
        with book.transaction() as connection:
            emit(connection, FIRM, "A")
            signal(connection, FIRM, "nobody", SignalName.DECIDE, Signal("1"))
        await _until(book, "SELECT count(*) FROM event WHERE event_seq = 1", 1)
        await _until(book, "SELECT count(*) FROM outbox WHERE sent_at IS NOT NULL", 1)


async def test_only_one_relay_leads_and_the_next_takes_over(
    book: SmallBook, database: FreshDatabase, relay_engine: AsyncEngine, app_engine: Engine, client: Client
) -> None:
    locks = (
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    async with leading(database, relay_engine, app_engine, client):
        await _until(book, locks, 1)
        async with leading(database, relay_engine, app_engine, client):
            await asyncio.sleep(0.2)
            with book.transaction() as connection:
                assert connection.scalar(text(locks)) == 1
    await _until(book, locks, 0)


async def test_a_relay_goes_on_when_the_database_cuts_its_connections(
    book: SmallBook, database: FreshDatabase, relay_engine: AsyncEngine, app_engine: Engine, client: Client
) -> None:
    async with leading(database, relay_engine, app_engine, client):
        with psycopg.connect(database.superuser_url, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'trimtab-relay'"
            )
        with book.transaction() as connection:
            emit(connection, FIRM, "A")
        await _until(book, "SELECT count(*) FROM event WHERE event_seq = 1", 1)


@pytest.mark.covers("H6")
async def test_what_temporal_does_not_run_is_started_again(
    app_engine: Engine, relay_engine: AsyncEngine, client: Client, suffix: str
) -> None:
    """Temporal forgot everything: PostgreSQL says what is open."""
    book = SmallBook(app_engine).founded()
    book.opened()
    done = StageOutcome(Stage.INGEST, Stage.RECORD, terminal=TerminalState.HELD, code="PRIOR_ORDER_OPEN")
    book.step(book.ref("A3"), done)
    book.step(book.ref("A3"), StageOutcome(Stage.RECORD, None, terminal=TerminalState.HELD, code=done.code))
    reconciler = Reconciler(app_engine, client)
    assert await reconciler.reconcile(FIRM) == 3  # the day itself and two open accounts
    assert [command for command, _ in book.commands()] == [book.ref(name).workflow_id for name in ("A1", "A2")]
    # Their start is on its way already: asking again adds nothing.
    assert await reconciler.reconcile(FIRM) <= 1
    assert len(book.commands()) == 2
    await OutboxRelay(relay_engine, client).deliver()
    for workflow_id in (book.ref("A1").workflow_id, book.ref("A2").workflow_id, daily_run_workflow_id(FIRM, DAY)):
        handle = client.get_workflow_handle(workflow_id)
        assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
        await handle.terminate("end of the test")


async def test_a_page_at_work_is_not_disturbed(app_engine: Engine, client: Client) -> None:
    """Its accounts are open and have no workflow, and that is right: only what must wait gets one."""
    book = SmallBook(app_engine).founded(lifecycle_pages="always")
    book.opened()
    book.in_review(book.ref("A1"))
    await Reconciler(app_engine, client).reconcile(FIRM)
    assert [command for command, _ in book.commands()] == [book.ref("A1").workflow_id]
    await client.get_workflow_handle(daily_run_workflow_id(FIRM, DAY)).terminate("end of the test")


async def test_a_firm_without_open_rows_asks_temporal_nothing(app_engine: Engine, book: SmallBook) -> None:
    away = await Client.connect("127.0.0.1:1", lazy=True)
    assert await Reconciler(app_engine, away).reconcile(FIRM) == 0


@pytest.mark.covers("A1", "A2")
async def test_a_firm_on_the_market_clock_is_scheduled_once_and_a_pause_of_it_stands(
    app_engine: Engine, client: Client
) -> None:
    SmallBook(app_engine).founded(clock_mode="market")
    await Reconciler(app_engine, client).reconcile(FIRM)
    schedule = client.get_schedule_handle(schedule_id(FIRM))
    await schedule.pause(note="the custodian moves")
    await Reconciler(app_engine, client).reconcile(FIRM)
    described = await schedule.describe()
    assert described.schedule.state.paused
    assert described.schedule.spec.time_zone_name == "America/New_York"
    await schedule.delete()


async def test_a_firm_on_the_stepped_clock_is_not_scheduled(app_engine: Engine, client: Client) -> None:
    SmallBook(app_engine).founded(clock_mode="stepped")
    await Reconciler(app_engine, client).reconcile(FIRM)
    with pytest.raises(RPCError, match="not found"):
        await client.get_schedule_handle(schedule_id(FIRM)).describe()


@pytest.mark.covers("H5")
async def test_a_kind_of_process_that_falls_silent_is_told_once(book: SmallBook, app_engine: Engine) -> None:
    book.opened()
    beat_in(app_engine, [FIRM], "host-1", "worker", "b1")
    beat_in(app_engine, [FIRM], "host-2", "gateway", "b1")
    monitor = Monitor(app_engine)
    assert await monitor.look(FIRM) == 0
    with book.transaction() as connection:
        connection.exec_driver_sql(
            "UPDATE process_heartbeat SET seen_at = seen_at - interval '61 seconds' WHERE kind = 'gateway'"
        )
    for _ in range(2):
        assert await monitor.look(FIRM) == 1
    assert book.alerts() == [("PROCESS_SILENT", "gateway")]
    beat_in(app_engine, [FIRM], "host-2", "gateway", "b1")
    assert await monitor.look(FIRM) == 0
