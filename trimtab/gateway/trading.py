"""One connection's work: catch up, settle what is in doubt, then send, announce and post until it ends."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Any, Final, Protocol, TypeVar

import structlog
from sqlalchemy import Connection, Row

from trimtab.broker.errors import BrokerUnavailable, ReplyTimeout, SessionEventDenied
from trimtab.broker.protocol import MarketEvent, NewOrder, OrderReply, OrderState, OrderType, TimeInForce
from trimtab.broker.session import REPLY_SECONDS, BrokerSession
from trimtab.db.allocations import finish_blocks
from trimtab.db.gateway import (
    blocks_in_doubt,
    claim_block,
    newest_business_date,
    published_since,
    ready_blocks,
    set_block_status,
    take_ready_blocks,
)
from trimtab.db.order_lease import cursor_of
from trimtab.domain.lifecycle import MarketEventKind
from trimtab.domain.orders import BlockStatus, Side
from trimtab.faults import fault_at
from trimtab.gateway.posting import (
    ReportQueue,
    alert,
    end_late_blocks,
    store_replies,
    store_reports,
    tell_of_held_blocks,
)

log = structlog.get_logger(__name__)

BLOCKS_AT_ONCE: Final = 100
REPORTS_AT_ONCE: Final = 500
_MARKET_EVENTS: Final = {MarketEventKind.OPEN: MarketEvent.OPEN, MarketEventKind.CLOSE: MarketEvent.CLOSE}

Value = TypeVar("Value")


class BrokerForgot(BrokerUnavailable):
    """The broker knows fewer reports than we have posted: it has lost its journal. Nothing is sent to it."""

    code = "BROKER_FORGOT"


class InDatabase(Protocol):
    """Runs work in one transaction of the firm."""

    def __call__(self, work: Callable[[Connection], Value], /) -> Awaitable[Value]: ...


class TradingSession:
    """What the owner of the order session does on one connection, under one generation."""

    def __init__(
        self,
        session: BrokerSession,
        in_database: InDatabase,
        require_lease: Callable[[], None],
        *,
        firm_id: str,
        broker: str,
        owner: str,
        generation: int,
        poll_seconds: float,
    ) -> None:
        self._session = session
        self._in_database = in_database
        self._require_lease = require_lease
        self._firm_id = firm_id
        self._broker = broker
        self._owner = owner
        self._generation = generation
        self._poll_seconds = poll_seconds
        self._reports = ReportQueue(0)
        self._replayed = asyncio.Event()
        self._announced: set[str] = set()

    async def receive(self) -> None:
        """Queue whatever the broker sends unasked, once the queue knows where to go on from."""
        await self._replayed.wait()
        async for message in self._session:
            self._reports.add(message)

    async def trade(self) -> None:
        """The session's whole life; ends by an error only."""
        await self._catch_up()
        await self._settle_doubt()
        while True:
            busy = await self._send_ready()
            busy |= await self._announce()
            busy |= await self._post()
            if not busy:
                await asyncio.sleep(self._poll_seconds)

    async def _catch_up(self) -> None:
        """Have everything reported again that was not posted. Raises BrokerForgot."""
        posted = await self._in_database(lambda c: cursor_of(c, self._broker))
        self._reports = ReportQueue(posted)
        self._replayed.set()
        replay = await self._session.executions_since(posted)
        if replay.cursor < posted:
            reason = f"the broker's last report is {replay.cursor}, and {posted} were posted: its journal was lost"
            await self._in_database(lambda c: self._alert_today(c, "BROKER_FORGOT", reason))
            raise BrokerForgot(reason)
        await asyncio.sleep(0)  # lets `receive` queue what has come
        while await self._post():
            pass

    async def _settle_doubt(self) -> None:
        """Ask for every block that an earlier generation was sending; send again only what the broker never saw.

        The logon that succeeded proves the older connection dead, so nothing can still be under way on it.
        """
        for row in await self._in_database(lambda c: blocks_in_doubt(c, self._broker, self._generation)):
            status = await self._session.request_status(row.client_order_id)
            log.warning("block was being sent", client_order_id=row.client_order_id, broker_state=status.state)
            if status.state is not OrderState.UNKNOWN:
                await self._store([status])
            elif row.closed:
                await self._end_unsent(row.client_order_id)
            else:
                await self._send_again(row)

    async def _send_again(self, row: Row[Any]) -> None:
        block_id = row.client_order_id
        await self._in_database(lambda c: claim_block(c, self._broker, self._owner, self._generation, block_id))
        self._require_lease()
        fault_at("gateway.before_resend")
        await self._store([await self._session.send_order(_order(row, poss_resend=True))])

    async def _end_unsent(self, client_order_id: str) -> None:
        def end(connection: Connection) -> None:
            text = "the market closed before it was sent"
            set_block_status(connection, [client_order_id], BlockStatus.DONE, text)
            finish_blocks(connection, self._firm_id, [client_order_id])

        await self._in_database(end)

    async def _send_ready(self) -> bool:
        """Send up to BLOCKS_AT_ONCE blocks and store the answers; returns whether there were any."""
        taken = await self._in_database(self._take)
        if not taken:
            return False
        fault_at("gateway.after_sending")
        waiting = []
        for row in taken:
            self._require_lease()
            fault_at("gateway.before_write")
            waiting.append(await self._session.submit_order(_order(row)))
            fault_at("gateway.after_write")
        replies = await _answers(waiting)
        fault_at("gateway.before_replies")
        await self._store(replies)
        return True

    def _take(self, connection: Connection) -> list[Row[Any]]:
        if not ready_blocks(connection, self._broker):
            return []
        end_late_blocks(connection, self._firm_id, self._broker)
        tell_of_held_blocks(connection, self._firm_id, self._broker)
        return take_ready_blocks(connection, self._broker, self._owner, self._generation, BLOCKS_AT_ONCE)

    async def _announce(self) -> bool:
        """Tell the broker of the market events that its simulated market follows; each is safe to repeat."""
        events = await self._in_database(lambda c: published_since(c, tuple(_MARKET_EVENTS)))
        fresh = [row for row in events if row.event_id not in self._announced]
        for row in fresh:
            try:
                await self._session.session_event(_MARKET_EVENTS[MarketEventKind(row.kind)], row.business_date)
            except SessionEventDenied as denied:
                await self._refused(row.business_date, str(denied))
                return False
            self._announced.add(row.event_id)
        return bool(fresh)

    async def _refused(self, on: date, reason: str) -> None:
        refused = "MARKET_EVENT_REFUSED"
        await self._in_database(lambda c: alert(c, self._firm_id, self._broker, refused, on, reason))
        await asyncio.sleep(1)

    async def _post(self) -> bool:
        batch = self._reports.take(REPORTS_AT_ONCE)
        if batch:
            await self._in_database(lambda c: store_reports(c, self._firm_id, self._broker, batch))
            fault_at("gateway.after_posting")
        return bool(batch)

    async def _store(self, replies: Sequence[OrderReply]) -> None:
        await self._in_database(lambda c: store_replies(c, self._firm_id, replies))

    def _alert_today(self, connection: Connection, cause: str, message: str) -> None:
        today = newest_business_date(connection)
        if today is not None:
            alert(connection, self._firm_id, self._broker, cause, today, message)


async def _answers(waiting: Sequence["asyncio.Future[OrderReply]"]) -> list[OrderReply]:
    """Every answer. Raises ReplyTimeout; what was not answered is asked for by the next session."""
    done, silent = await asyncio.wait(waiting, timeout=REPLY_SECONDS)
    if silent:
        raise ReplyTimeout(f"{len(silent)} of {len(waiting)} orders have no answer after {REPLY_SECONDS:g} s")
    return [reply.result() for reply in done]


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
