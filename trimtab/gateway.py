"""The order gateway: the only process that sends orders. `python -m trimtab.gateway`.

One gateway owns a firm's session with a broker, by a lease with a generation. A block goes READY -> SENDING in
a statement that compares the generation, is committed, the lease is checked once more, and only then is it
written to the socket. A block found SENDING by a later generation is never sent blindly: the broker is asked.
"""

import asyncio
import os
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Engine, Row

from trimtab.broker.errors import BrokerUnavailable, LogonDenied, ReplyTimeout, SessionEventDenied, SessionSuperseded
from trimtab.broker.protocol import (
    DoneForDay,
    Execution,
    MarketEvent,
    NewOrder,
    OrderAccepted,
    OrderRejected,
    OrderReply,
    OrderState,
    OrderStatus,
    OrderType,
    TimeInForce,
)
from trimtab.broker.session import BrokerSession, Unsolicited, connect
from trimtab.build import build_id
from trimtab.db.alerts import raise_alert
from trimtab.db.allocations import finish_blocks
from trimtab.db.engine import firm_transaction, sync_engine
from trimtab.db.gateway import (
    LEASE_SECONDS,
    Fill,
    LeaseLost,
    blocks_in_doubt,
    claim_block,
    cursor_of,
    give_up_lease,
    known_blocks,
    next_generation,
    post_fills,
    published_since,
    renew_lease,
    set_block_status,
    set_cursor,
    take_lease,
    take_ready_blocks,
)
from trimtab.db.heartbeats import beat
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lifecycle import MarketEventKind
from trimtab.domain.orders import BlockStatus, Side
from trimtab.logs import configure_logs
from trimtab.settings import Settings, load_settings

log = structlog.get_logger(__name__)

RENEW_SECONDS = 2.0
SAFETY_SECONDS = 2.0
"""A lease that ends sooner than this is not trusted: the write to the socket takes time too."""
POLL_SECONDS = 0.2
BATCH = 100
_MARKET_EVENTS = {MarketEventKind.OPEN: MarketEvent.OPEN, MarketEventKind.CLOSE: MarketEvent.CLOSE}
_STATUS_AFTER = {
    OrderState.NEW: BlockStatus.ACKED,
    OrderState.PARTIALLY_FILLED: BlockStatus.PARTIAL,
    OrderState.FILLED: BlockStatus.ACKED,  # the fills come as executions
    OrderState.DONE_FOR_DAY: BlockStatus.ACKED,
}

Value = TypeVar("Value")


class GatewayMisconfigured(TrimtabError):
    """A setting that the gateway cannot do without is missing."""

    code = "GATEWAY_MISCONFIGURED"


class Gateway:
    """The owner of one firm's order session with one broker."""

    def __init__(self, engine: Engine, firm_id: str, broker: str, broker_socket: Path, *, build: str) -> None:
        self._engine = engine
        self._firm_id = firm_id
        self._broker = broker
        self._socket = broker_socket
        self._build = build
        self._owner = f"{socket.gethostname()}-{os.getpid()}"
        self._generation = 0
        self._held_until = 0.0  # monotonic
        self._announced: set[str] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Own the session whenever it is free, until `stop` is set."""
        while not stop.is_set():
            try:
                if await self._own():
                    await self._hold_session(stop)
                    continue
            except (BrokerUnavailable, SessionSuperseded, LeaseLost, ReplyTimeout) as error:
                log.warning("order session ended", reason=str(error), code=error.code)
            await _pause(stop, 1.0)
        await self._in_database(lambda c: give_up_lease(c, self._broker, self._owner, self._generation))

    async def _own(self) -> bool:
        asked = time.monotonic()
        if self._held_until > asked + SAFETY_SECONDS:
            return True
        taken = await self._in_database(lambda c: take_lease(c, self._firm_id, self._broker, self._owner))
        if taken is None:
            return False
        self._generation, self._held_until = taken, asked + LEASE_SECONDS
        log.info("order session owned", generation=taken)
        return True

    async def _hold_session(self, stop: asyncio.Event) -> None:
        """One connection from logon to its end, with the lease renewed beside it."""
        async with asyncio.timeout(LEASE_SECONDS):
            session = await self._log_on()
        reports: deque[Unsolicited] = deque()
        async with session:
            tasks = [
                asyncio.create_task(self._renew()),
                asyncio.create_task(_receive(session, reports)),
                asyncio.create_task(self._trade(session, reports)),
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
            self._held_until = asked + LEASE_SECONDS
            await asyncio.sleep(RENEW_SECONDS)

    def _renewed(self, connection: Connection) -> None:
        renew_lease(connection, self._broker, self._owner, self._generation)
        beat(connection, self._firm_id, f"gateway-{self._owner}", "gateway", self._build)

    async def _trade(self, session: BrokerSession, reports: deque[Unsolicited]) -> None:
        """The gateway's day: catch up, settle what is in doubt, then send, announce and post."""
        await session.executions_since(await self._in_database(lambda c: cursor_of(c, self._broker)))
        await self._post(reports)
        await self._settle_doubt(session)
        while True:
            busy = await self._send_ready(session)
            busy |= await self._announce(session)
            busy |= await self._post(reports)
            if not busy:
                await asyncio.sleep(POLL_SECONDS)

    async def _settle_doubt(self, session: BrokerSession) -> None:
        """Ask for every block that an earlier generation was sending; send again only what the broker never saw.

        The logon that succeeded proves the older connection dead, so nothing can still be under way on it.
        """
        for row in await self._in_database(lambda c: blocks_in_doubt(c, self._broker, self._generation)):
            status = await session.request_status(row.client_order_id)
            log.warning("block was being sent", client_order_id=row.client_order_id, broker_state=status.state)
            if status.state is OrderState.UNKNOWN:
                await self._in_database(partial(self._claim, row.client_order_id))
                self._require_lease()
                await self._reply(await session.send_order(_order(row, poss_resend=True)))
            else:
                await self._reply(status)

    def _claim(self, client_order_id: str, connection: Connection) -> None:
        claim_block(connection, client_order_id, self._generation)

    async def _send_ready(self, session: BrokerSession) -> bool:
        taken: list[Row[Any]] = await self._in_database(
            lambda c: take_ready_blocks(c, self._broker, self._owner, self._generation, BATCH)
        )
        waiting = []
        for row in taken:
            self._require_lease()
            waiting.append(await session.submit_order(_order(row)))
        replies = [await asyncio.wait_for(reply, 10) for reply in waiting]
        if replies:
            await self._in_database(lambda c: self._take_replies(c, replies))
        return bool(taken)

    async def _announce(self, session: BrokerSession) -> bool:
        """Tell the broker of the market events that its simulated market follows; each is safe to repeat."""
        events = await self._in_database(lambda c: published_since(c, tuple(_MARKET_EVENTS)))
        fresh = [row for row in events if row.event_id not in self._announced]
        for row in fresh:
            try:
                await session.session_event(_MARKET_EVENTS[MarketEventKind(row.kind)], row.business_date)
            except SessionEventDenied as denied:
                await self._in_database(partial(self._alert, "MARKET_EVENT_REFUSED", row.business_date, str(denied)))
                await asyncio.sleep(1)
                return False
            self._announced.add(row.event_id)
        return bool(fresh)

    async def _reply(self, reply: OrderReply) -> None:
        await self._in_database(lambda c: self._take_replies(c, [reply]))

    async def _post(self, reports: deque[Unsolicited]) -> bool:
        batch = [reports.popleft() for _ in range(min(len(reports), BATCH))]
        if batch:
            await self._in_database(lambda c: self._take_reports(c, batch))
        return bool(batch)

    def _take_replies(self, connection: Connection, replies: Sequence[OrderReply]) -> None:
        accepted = [reply.client_order_id for reply in replies if isinstance(reply, OrderAccepted)]
        set_block_status(connection, accepted, BlockStatus.ACKED)
        for reply in replies:
            if isinstance(reply, OrderStatus) and reply.state is not OrderState.REJECTED:
                after = _STATUS_AFTER.get(reply.state, BlockStatus.ACKED)
                set_block_status(connection, [reply.client_order_id], after)
            elif isinstance(reply, OrderRejected | OrderStatus):
                set_block_status(connection, [reply.client_order_id], BlockStatus.REJECTED, str(reply.reason))
                finish_blocks(connection, self._firm_id, [reply.client_order_id])

    def _take_reports(self, connection: Connection, batch: Sequence[Unsolicited]) -> None:
        """Post a batch of reports and the cursor behind it, in one transaction: exactly once."""
        self._take_replies(connection, [m for m in batch if isinstance(m, OrderAccepted | OrderRejected | OrderStatus)])
        fills = [_fill(message) for message in batch if isinstance(message, Execution)]
        done = [message.client_order_id for message in batch if isinstance(message, DoneForDay)]
        touched = sorted({*(fill.client_order_id for fill in fills), *done})
        known = known_blocks(connection, touched)
        for fill in fills:
            if fill.client_order_id not in known:
                self._alert("FILL_FOR_UNKNOWN_ORDER", fill.business_date, fill.client_order_id, connection)
        post_fills(connection, self._firm_id, self._broker, [f for f in fills if f.client_order_id in known])
        after = known_blocks(connection, touched)
        finished = [
            row.client_order_id
            for row in after.values()
            if row.client_order_id in done or row.filled_quantity >= row.quantity
        ]
        finish_blocks(connection, self._firm_id, finished)
        cursors = [message.cursor for message in batch if isinstance(message, Execution | DoneForDay)]
        if cursors:
            set_cursor(connection, self._broker, max(cursors))

    def _alert(self, cause: str, business_date: date, message: str, connection: Connection) -> None:
        raise_alert(
            connection,
            self._firm_id,
            cause=cause,
            scope=self._broker,
            business_date=business_date,
            message=message,
            severity="CRITICAL",
        )

    def _require_lease(self) -> None:
        if time.monotonic() > self._held_until - SAFETY_SECONDS:
            raise LeaseLost("the lease was not renewed in time; nothing more is sent on this session")

    async def _in_database(self, work: Callable[[Connection], Value]) -> Value:
        return await asyncio.to_thread(self._transact, work)

    def _transact(self, work: Callable[[Connection], Value]) -> Value:
        with firm_transaction(self._engine, self._firm_id) as connection:
            return work(connection)


def _order(row: Row[Any], poss_resend: bool = False) -> NewOrder:
    return NewOrder(
        client_order_id=row.client_order_id,
        security_id=row.security_id,
        symbol=None,
        side=Side(row.side),
        quantity=row.quantity,
        order_type=OrderType.MARKET_ON_CLOSE,
        limit_price=None,
        time_in_force=TimeInForce.DAY,
        business_date=row.business_date,
        poss_resend=poss_resend,
    )


def _fill(message: Execution) -> Fill:
    return Fill(message.exec_id, message.client_order_id, message.quantity, message.price, message.business_date)


async def _receive(session: BrokerSession, reports: deque[Unsolicited]) -> None:
    async for message in session:
        reports.append(message)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def serve(settings: Settings) -> None:
    """Run the gateway of the settings' firm until SIGTERM or Ctrl-C."""
    if settings.database_url is None:
        raise GatewayMisconfigured("set DATABASE_URL: the gateway starts no database of its own")
    engine = sync_engine(
        settings.database_url.get_secret_value(), pool_size=settings.pool_size, application_name="trimtab-gateway"
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    gateway = Gateway(engine, settings.firm, settings.broker, settings.broker_socket, build=build_id())
    if settings.ready_file is not None:
        settings.ready_file.touch()
    try:
        await gateway.run(stop)
    finally:
        engine.dispose()


def main() -> None:
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    asyncio.run(serve(settings))


if __name__ == "__main__":
    main()
