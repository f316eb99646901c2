"""Committed commands reach their workflows in order, at least once, and never before they are committed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import Worker

from tests.activities.small_book import FIRM, SmallBook
from trimtab.activities.pages import hand_over
from trimtab.contracts import Signal, SignalName
from trimtab.db.events import signal
from trimtab.db.tables import outbox
from trimtab.relay.outbox import OutboxRelay
from trimtab.temporal_client import connect

QUEUE = "relay-tests"


@workflow.defn(name="Listener", sandboxed=False)
class Listener:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @workflow.run
    async def run(self, wanted: int) -> list[str]:
        await workflow.wait_condition(lambda: len(self.heard) >= wanted)
        return self.heard

    @workflow.signal(name=SignalName.DECIDE)
    def decide(self, note: Signal) -> None:
        self.heard.append(note.id)


async def _hears(client: Client, workflow_id: str) -> list[str]:
    async with Worker(client, task_queue=QUEUE, workflows=[Listener]):
        heard: list[str] = await client.get_workflow_handle(workflow_id, result_type=list[str]).result()
        return heard


def _unsent(book: SmallBook) -> list[Any]:
    with book.transaction() as connection:
        return list(connection.execute(select(outbox).where(outbox.c.sent_at.is_(None))))


async def test_signals_of_one_workflow_arrive_in_their_order(
    book: SmallBook, relay_engine: AsyncEngine, client: Client, suffix: str
) -> None:
    one, other = f"listener-1-{suffix}", f"listener-2-{suffix}"
    for name, wanted in ((one, 20), (other, 20)):
        await client.start_workflow("Listener", wanted, id=name, task_queue=QUEUE)
    with book.transaction() as connection:
        for number in range(20):
            for name in (one, other):
                signal(connection, FIRM, name, SignalName.DECIDE, Signal(f"{number:02d}"))
    assert await OutboxRelay(relay_engine, client).deliver() == 40
    expected = [f"{number:02d}" for number in range(20)]
    assert await _hears(client, one) == expected
    assert await _hears(client, other) == expected
    assert _unsent(book) == []


async def test_what_is_rolled_back_is_never_sent(book: SmallBook, relay_engine: AsyncEngine, client: Client) -> None:
    with book.transaction() as connection:
        signal(connection, FIRM, "anybody", SignalName.DECIDE, Signal("1"))
        connection.rollback()
    assert await OutboxRelay(relay_engine, client).deliver() == 0


async def test_a_workflow_that_is_not_there_counts_as_delivered(
    book: SmallBook, relay_engine: AsyncEngine, client: Client, suffix: str
) -> None:
    """A command on an account-day without a workflow is complete when its row is."""
    with book.transaction() as connection:
        signal(connection, FIRM, f"nobody-{suffix}", SignalName.DECIDE, Signal("1"))
    assert await OutboxRelay(relay_engine, client).deliver() == 1
    assert _unsent(book) == []


async def test_a_lifecycle_that_runs_already_counts_as_started(
    book: SmallBook, relay_engine: AsyncEngine, client: Client
) -> None:
    book.opened()
    ref = book.ref()
    for _ in range(2):
        with book.transaction() as connection:
            hand_over(connection, ref)
    assert await OutboxRelay(relay_engine, client).deliver() == 2
    assert _unsent(book) == []
    handle = client.get_workflow_handle(ref.workflow_id)
    shown = (await handle.describe()).search_attributes
    assert (shown["Firm"], shown["Account"], shown["Stage"]) == ([FIRM], ["A1"], ["ingest"])
    await handle.terminate("end of the test")


async def test_two_relays_at_once_send_each_row_once(
    book: SmallBook, relay_engine: AsyncEngine, client: Client, suffix: str
) -> None:
    """SKIP LOCKED: a second leader that overlaps the first takes other rows, or none."""
    name = f"listener-{suffix}"
    await client.start_workflow("Listener", 50, id=name, task_queue=QUEUE)
    with book.transaction() as connection:
        for number in range(50):
            signal(connection, FIRM, name, SignalName.DECIDE, Signal(f"{number:02d}"))
    counts = await asyncio.gather(*(OutboxRelay(relay_engine, client).deliver() for _ in range(3)))
    assert sum(counts) == 50
    assert sorted(await _hears(client, name)) == [f"{number:02d}" for number in range(50)]


@asynccontextmanager
async def a_wire_to(target: str) -> AsyncIterator[str]:
    """host:port of a wire to the server that is cut when the block ends."""
    host, _, port = target.rpartition(":")
    open_ends: list[asyncio.StreamWriter] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        open_ends.extend((writer, far_writer))
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer), return_exceptions=True)

    server = await asyncio.start_server(join, "127.0.0.1", 0)
    yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    for end in open_ends:
        end.transport.abort()


async def test_while_temporal_is_away_rows_wait_and_say_why(
    book: SmallBook, relay_engine: AsyncEngine, temporal_target: str
) -> None:
    async with a_wire_to(temporal_target) as wire:
        client = await connect(wire, "default", None, allow_plain=True)
    with book.transaction() as connection:
        for number in range(2):
            signal(connection, FIRM, "somebody", SignalName.DECIDE, Signal(str(number)))
    relay = OutboxRelay(relay_engine, client, call_seconds=0.5)
    assert await relay.deliver() == 2
    first, second = sorted(_unsent(book), key=lambda row: row.outbox_id)
    assert first.tries == 1
    assert first.last_error in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED")
    assert (second.tries, second.last_error) == (0, None)  # behind the first: order is kept
    assert await relay.deliver() == 0  # the workflow rests for a moment


async def test_the_relays_role_sees_nothing_but_its_tables(relay_engine: AsyncEngine, book: SmallBook) -> None:
    async with relay_engine.connect() as connection:
        for table in ("firm", "event", "outbox"):
            await connection.execute(text(f"SELECT count(*) FROM {table}"))
        await connection.rollback()
        for table in ("account", "account_day", "proposal", "decision", "record"):
            with pytest.raises(ProgrammingError, match="permission denied"):
                await connection.execute(text(f"SELECT count(*) FROM {table}"))
            await connection.rollback()
