"""The relay's life in a worker process: it leads when the advisory lock is free, and stops when it loses it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import psycopg
import structlog
from psycopg import sql
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.service import RPCError

from trimtab.db.engine import async_relay_transaction, libpq_url
from trimtab.db.events import COMMANDS_CHANNEL
from trimtab.relay.monitor import Monitor
from trimtab.relay.notifier import Notifier
from trimtab.relay.outbox import OutboxRelay
from trimtab.relay.outlets import Outlet
from trimtab.relay.reconciler import Reconciler
from trimtab.relay.sequencer import number_events

log = structlog.get_logger(__name__)

LEADER_LOCK: Final = 7_264_614
"""Advisory lock of the one relay of a database."""
POLL_SECONDS: Final = 1.0
SEQUENCE_SECONDS: Final = 0.2
"""Events carry no notification of their own: a commit of each stage would wait for the others' then."""
RECONCILE_SECONDS: Final = 300.0
MONITOR_SECONDS: Final = 15.0
NOTIFY_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = 2.0
_TROUBLE: Final = (psycopg.Error, SQLAlchemyError, RPCError, OSError)


class Relay:
    """Delivers commands, numbers events, restarts what is missing and watches the processes, while it leads."""

    def __init__(
        self,
        relay_url: str,
        relay_engine: AsyncEngine,
        app_engine: Engine,
        client: Client,
        outlets: Sequence[Outlet] = (),
    ) -> None:
        self._url = libpq_url(relay_url)
        self._engine = relay_engine
        self._outbox = OutboxRelay(relay_engine, client)
        self._reconciler = Reconciler(app_engine, client)
        self._monitor = Monitor(app_engine)
        self._notifier = Notifier(app_engine, outlets)
        self._woken = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Lead whenever nobody else does, until `stop` is set."""
        while not stop.is_set():
            try:
                await self._lead(stop)
            except _TROUBLE as error:
                log.warning("relay interrupted", error=type(error).__name__)
            await pause(stop, _RETRY_SECONDS)

    async def _lead(self, stop: asyncio.Event) -> None:
        connection = await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, application_name="trimtab-relay", connect_timeout=10
        )
        async with connection:
            found = await (await connection.execute("SELECT pg_try_advisory_lock(%s)", (LEADER_LOCK,))).fetchone()
            if found is None or not found[0]:
                return
            log.info("relay leads")
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(COMMANDS_CHANNEL)))
            await self._work(connection, stop)

    async def _work(self, connection: psycopg.AsyncConnection[tuple[object, ...]], stop: asyncio.Event) -> None:
        """Runs the duties side by side; the first that fails, such as the lock's connection, ends the leadership."""
        duties = [
            asyncio.create_task(duty)
            for duty in (
                self._listen(connection),
                self._deliver(),
                _every(SEQUENCE_SECONDS, lambda: number_events(self._engine)),
                _every(RECONCILE_SECONDS, self._of_every_firm(self._reconciler.reconcile)),
                _every(MONITOR_SECONDS, self._of_every_firm(self._monitor.look)),
                _every(NOTIFY_SECONDS, self._of_every_firm(self._notifier.notify)),
            )
        ]
        stopping = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait([*duties, stopping], return_when=asyncio.FIRST_COMPLETED)
            for duty in done - {stopping}:
                await duty
        finally:
            for task in (*duties, stopping):
                task.cancel()
            await asyncio.gather(*duties, stopping, return_exceptions=True)

    async def _listen(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        async for _ in connection.notifies():
            self._woken.set()

    async def _deliver(self) -> None:
        while True:
            self._woken.clear()
            while await self._outbox.deliver():
                pass
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                continue

    def _of_every_firm(self, duty: Callable[[str], Awaitable[int]]) -> Callable[[], Awaitable[int]]:
        async def of_all() -> int:
            return sum([await duty(firm) for firm in await firms(self._engine)])

        return of_all


async def firms(engine: AsyncEngine) -> list[str]:
    """Every firm of the database, as only the relay's role may see them."""
    async with async_relay_transaction(engine) as connection:
        return list((await connection.execute(text("SELECT firm_id FROM firm ORDER BY firm_id"))).scalars())


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but not beyond `stop`."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


async def _every(seconds: float, duty: Callable[[], Awaitable[int]]) -> None:
    while True:
        await duty()
        await asyncio.sleep(seconds)
