"""The paper broker's sessions: logon, orders, status, market events.

One thread and one loop: an order
is checked, journaled with fsync and put in the book without giving way in between, so a logon cannot come
between the check of a session's generation and the journal line.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

import structlog

from trimtab.broker.errors import LineTooLong, ProtocolError, SessionEventDenied, SessionSuperseded
from trimtab.broker.journal import (
    Event,
    JournaledCancel,
    JournaledDoneForDay,
    JournaledExecution,
    JournaledFault,
    JournaledLogonRefusal,
    JournaledOrder,
    JournaledRejection,
)
from trimtab.broker.journal_writer import JournalWriter
from trimtab.broker.paper_book import PaperBook
from trimtab.broker.paper_link import Link
from trimtab.broker.paper_market import PaperMarket
from trimtab.broker.paper_options import Fault, PaperOptions
from trimtab.broker.protocol import (
    CancelOrder,
    CancelRejected,
    Execution,
    ExecutionsSince,
    Heartbeat,
    Logon,
    LogonAccepted,
    LogonRefused,
    Logout,
    LogoutReason,
    MassCancel,
    MassCancelled,
    Message,
    NewOrder,
    OrderAccepted,
    OrderRejected,
    OrderReply,
    ProtocolRefused,
    ReplayDone,
    Report,
    SessionEvent,
    SessionEventDone,
    SessionEventRefused,
    StatusRequest,
)
from trimtab.broker.stream import READ_LIMIT, read_message

LOGON_SECONDS = 10  # a connection that has not logged on by then is closed
STOP_SECONDS = 5

log = structlog.get_logger("trimtab.broker.paper")


class PaperBroker:
    """Serves the sessions of all firms over one journal."""

    def __init__(self, journal: JournalWriter, book: PaperBook, options: PaperOptions, closes_directory: Path) -> None:
        self._journal = journal
        self._book = book
        self._options = options
        self._market = PaperMarket(book, options, closes_directory)
        self._links: dict[str, Link] = {}  # the live session of each firm
        self._connections: dict[Link, asyncio.Task[None]] = {}  # every connection and who serves it
        self._stopped: asyncio.Future[None] | None = None

    async def serve(self, listener: socket.socket) -> None:
        """Serve until SIGTERM or SIGINT. Raises what made it stop, JournalWriteFailed above all."""
        loop = asyncio.get_running_loop()
        self._stopped = loop.create_future()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, self._stop, None)
        server = await asyncio.start_unix_server(self._connected, sock=listener, limit=READ_LIMIT)
        log.info("paper_broker.listening", orders=self._book.orders_taken)
        try:
            await self._stopped
        finally:
            server.close()
            await self._drop_all()

    async def _drop_all(self) -> None:
        for link in self._connections:
            link.drop(LogoutReason.STOPPING)
        if self._connections:
            await asyncio.wait(self._connections.values(), timeout=STOP_SECONDS)

    def _stop(self, failure: Exception | None) -> None:
        if self._stopped is None or self._stopped.done():
            return
        if failure is None:
            self._stopped.set_result(None)
        else:
            self._stopped.set_exception(failure)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(reader, writer)
        task = asyncio.current_task()
        if task is not None:
            self._connections[link] = task
        try:
            if await self._log_on(link):
                await self._converse(link)
        except SessionSuperseded as error:
            log.warning("paper_broker.superseded", firm=link.firm, generation=link.generation, reason=str(error))
        except (ConnectionError, TimeoutError) as error:
            log.info("paper_broker.connection_lost", firm=link.firm, error=str(error))
            link.abort()
        except Exception as error:  # noqa: BLE001 - it is raised again by serve()
            # Book and journal may differ now: stop, and let the journal speak at the next start.
            self._stop(error)
        finally:
            if self._links.get(link.firm) is link:
                del self._links[link.firm]
            link.close()
            self._connections.pop(link, None)

    async def _log_on(self, link: Link) -> bool:
        try:
            async with asyncio.timeout(LOGON_SECONDS):
                message = await read_message(link.reader)
        except ProtocolError as error:
            await link.send([ProtocolRefused(error.code, str(error))])
            return False
        if not isinstance(message, Logon):
            await link.send([Logout(LogoutReason.LOGON_EXPECTED)])
            return False
        event = self._market.log_on(message.firm, message.generation)
        self._record([event])
        if isinstance(event, JournaledLogonRefusal):
            reason = f"the generation must be above {event.highest_generation}"
            await link.send([LogonRefused(event.firm, event.generation, event.highest_generation, reason)])
            return False
        if older := self._links.get(message.firm):
            older.drop(LogoutReason.SUPERSEDED)
        link.firm, link.generation = message.firm, message.generation
        self._links[link.firm] = link
        book = self._book.firm(link.firm)
        await link.send([LogonAccepted(link.firm, link.generation, book.last_cursor, book.closed_through)])
        return True

    async def _converse(self, link: Link) -> None:
        while True:
            try:
                message = await read_message(link.reader)
            except ProtocolError as error:
                await link.send([ProtocolRefused(error.code, str(error))])
                if isinstance(error, LineTooLong):
                    return
                continue
            if message is None or isinstance(message, Logout):
                return
            self._market.require_current(link.firm, link.generation)
            await self._answer(link, message)

    async def _answer(self, link: Link, message: Message) -> None:
        match message:
            case NewOrder():
                await self._new_order(link, message)
            case CancelOrder(client_order_id):
                await self._cancel(link, client_order_id)
            case MassCancel():
                reports = self._record_reports(self._market.cancel(link.firm, None))
                await link.send([*reports, MassCancelled(len(reports))])
            case StatusRequest(client_order_id):
                await link.send([self._book.firm(link.firm).status(client_order_id)])
            case ExecutionsSince(cursor):
                book = self._book.firm(link.firm)
                await link.send([*book.reports[cursor:], ReplayDone(book.last_cursor)])
            case SessionEvent():
                await self._session_event(link, message)
            case Heartbeat():
                await link.send([message])
            case _:
                reason = f"{type(message).__name__} is not a message that a client sends now"
                await link.send([ProtocolRefused(ProtocolError.code, reason)])

    async def _new_order(self, link: Link, order: NewOrder) -> None:
        event = self._market.place(link.firm, link.generation, order)
        if not isinstance(event, JournaledOrder):
            self._record([event])
            await link.send([self._refusal(link, event, order)])
            return
        number = self._book.orders_taken + 1
        self._die_at(Fault.DIE_BEFORE_JOURNAL, number)
        self._record([event])
        self._die_at(Fault.DIE_BEFORE_ACK, number)
        await self._acknowledge(link, OrderAccepted(order.client_order_id, event.broker_order_id))
        self._die_at(Fault.ACK_THEN_DIE, number)

    def _refusal(self, link: Link, event: Event, order: NewOrder) -> OrderReply:
        if isinstance(event, JournaledRejection):
            return OrderRejected(order.client_order_id, event.reason)
        return self._book.firm(link.firm).status(order.client_order_id)

    async def _acknowledge(self, link: Link, accepted: OrderAccepted) -> None:
        copies = 1 if self._options.fault_value(Fault.DUPLICATE_ACK) is None else 2
        delay = self._options.fault_value(Fault.DELAYED_ACK)
        if delay is None:
            await link.send([accepted] * copies)
        else:
            link.send_later(float(delay), [accepted] * copies)

    async def _cancel(self, link: Link, client_order_id: str) -> None:
        reports = self._record_reports(self._market.cancel(link.firm, client_order_id))
        state = self._book.firm(link.firm).status(client_order_id).state
        await link.send(reports or [CancelRejected(client_order_id, state)])

    async def _session_event(self, link: Link, request: SessionEvent) -> None:
        event, business_date = request.event, request.business_date
        try:
            events = self._market.session_event(link.firm, request)
        except SessionEventDenied as error:
            await link.send([SessionEventRefused(event, business_date, str(error)[:500])])
            return
        reports = self._record_reports(events)
        if reports:
            self._die_at(Fault.DIE_BEFORE_REPORTS, 1)
        executions = sum(isinstance(report, Execution) for report in reports)
        last_cursor = self._book.firm(link.firm).last_cursor
        done = SessionEventDone(event, business_date, executions, last_cursor)
        await link.send([*self._misordered(reports), done])

    def _misordered(self, reports: Sequence[Report]) -> list[Report]:
        """The reports as the faults want them delivered."""
        sent = list(reports)
        if self._options.fault_value(Fault.DUPLICATE_REPORTS) is not None:
            sent = [report for report in sent for _ in range(2)]
        if self._options.fault_value(Fault.OUT_OF_ORDER_REPORTS) is not None:
            sent.reverse()
        return sent

    def _record_reports(self, events: Sequence[Event]) -> list[Report]:
        self._record(events)
        return [
            event.report
            for event in events
            if isinstance(event, JournaledExecution | JournaledDoneForDay | JournaledCancel)
        ]

    def _record(self, events: Sequence[Event]) -> None:
        """First the journal, then the book: what the book says is on the disk."""
        self._journal.append(events)
        apply_all(self._book, events)

    def _die_at(self, fault: Fault, number: int) -> None:
        """Die as by kill -9 when the fault is asked for at this number and has not fired in this journal."""
        if self._options.fault_value(fault) == number and fault not in self._book.fired_faults:
            self._record([JournaledFault(fault)])
            _die()


def apply_all(book: PaperBook, events: Iterable[Event]) -> None:
    """Take journaled events into account, in their order."""
    for event in events:
        book.apply(event)


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise SystemExit  # not reached: the kernel delivers SIGKILL before kill() returns
