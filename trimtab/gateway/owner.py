"""Who owns the firm's order session: the lease, and one connection after another while it is held."""

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as CheckoutTimeout

from trimtab.broker.errors import LogonDenied, SessionSuperseded
from trimtab.broker.session import BrokerSession, connect
from trimtab.db.engine import firm_transaction
from trimtab.db.failures import classify
from trimtab.db.heartbeats import beat
from trimtab.db.order_lease import LEASE_SECONDS, LeaseLost, give_up_lease, next_generation, renew_lease, take_lease
from trimtab.db.threads import in_thread
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lifecycle import ErrorClass
from trimtab.gateway.trading import TradingSession

log = structlog.get_logger(__name__)

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. A lease that ends within `safety` is not trusted: the write to the socket takes time too."""

    lease: float = LEASE_SECONDS
    renew: float = 2.0
    safety: float = 2.0
    poll: float = 0.2
    retry: float = 1.0


class Gateway:
    """The owner of one firm's order session with one broker."""

    def __init__(
        self,
        engine: Engine,
        firm_id: str,
        broker: str,
        broker_socket: Path,
        *,
        build: str,
        timing: Timing | None = None,
    ) -> None:
        self._engine = engine
        self._firm_id = firm_id
        self._broker = broker
        self._socket = broker_socket
        self._build = build
        self._timing = timing or Timing()
        self._owner = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._generation = 0
        self._held_until = 0.0  # monotonic, which goes on while a process is stopped

    async def run(self, stop: asyncio.Event) -> None:
        """Own the session whenever it is free, until `stop` is set. Transient trouble is logged and tried again."""
        while not stop.is_set():
            try:
                if await self._own():
                    await self._hold_session(stop)
                    continue
            except (SessionSuperseded, LeaseLost) as error:
                self._held_until = 0.0
                log.warning("order session lost", reason=str(error), code=error.code)
            except (TrimtabError, DBAPIError, CheckoutTimeout, OSError) as error:
                if classify(error) is not ErrorClass.TRANSIENT:
                    raise
                log.warning("order session ended", reason=type(error).__name__, code=getattr(error, "code", ""))
            await _pause(stop, self._timing.retry)
        await self._in_database(lambda c: give_up_lease(c, self._broker, self._owner, self._generation))

    async def _own(self) -> bool:
        asked = time.monotonic()
        if self._held_until > asked + self._timing.safety:
            return True
        taken = await self._in_database(self._taken)
        if taken is None:
            return False
        self._generation, self._held_until = taken, asked + self._timing.lease
        log.info("order session owned", generation=taken)
        return True

    def _taken(self, connection: Connection) -> int | None:
        self._beat(connection)
        return take_lease(connection, self._firm_id, self._broker, self._owner, self._timing.lease)

    async def _hold_session(self, stop: asyncio.Event) -> None:
        """One connection from logon to its end, with the lease renewed beside it."""
        async with asyncio.timeout(self._timing.lease):
            session = await self._log_on()
        async with session:
            trading = TradingSession(
                session,
                self._in_database,
                self._require_lease,
                firm_id=self._firm_id,
                broker=self._broker,
                owner=self._owner,
                generation=self._generation,
                poll_seconds=self._timing.poll,
            )
            tasks = [
                asyncio.create_task(self._renew()),
                asyncio.create_task(trading.receive()),
                asyncio.create_task(trading.trade()),
                asyncio.create_task(stop.wait()),
            ]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _log_on(self) -> BrokerSession:
        """Each connection brings a generation of its own: the broker drops whatever was before it."""
        above = 0
        while True:
            self._generation = await self._in_database(partial(self._raise_generation, above))
            try:
                return await connect(self._socket, self._firm_id, self._generation)
            except LogonDenied as denied:
                above = denied.highest_generation

    def _raise_generation(self, above: int, connection: Connection) -> int:
        return next_generation(connection, self._broker, self._owner, self._generation, above)

    async def _renew(self) -> None:
        while True:
            asked = time.monotonic()
            await self._in_database(self._renewed)
            self._held_until = asked + self._timing.lease
            await asyncio.sleep(self._timing.renew)

    def _renewed(self, connection: Connection) -> None:
        renew_lease(connection, self._broker, self._owner, self._generation, self._timing.lease)
        self._beat(connection)

    def _beat(self, connection: Connection) -> None:
        beat(connection, self._firm_id, f"gateway-{self._owner}", "gateway", self._build)

    def _require_lease(self) -> None:
        """Raise LeaseLost unless the lease still holds for a while."""
        if time.monotonic() > self._held_until - self._timing.safety:
            raise LeaseLost("the lease was not renewed in time; nothing more is sent on this session")

    async def _in_database(self, work: Callable[[Connection], Value]) -> Value:
        """One transaction on a thread. It is always waited for: the next session must find all of it done."""
        return await in_thread(self._transact, work)

    def _transact(self, work: Callable[[Connection], Value]) -> Value:
        with firm_transaction(self._engine, self._firm_id) as connection:
            return work(connection)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
