"""The client's side of an order session, as the gateway holds it.

Every request waits for its answer; everything that comes without having been asked for (reports above
all) is read with `async for message in session`. A report that answers a request (Cancelled) comes
both ways, so the numbered reports are complete in the iterator. `within` is always in seconds.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from trimtab.broker.errors import (
    BrokerUnavailable,
    LogonDenied,
    ProtocolError,
    ReplyTimeout,
    SessionEventDenied,
    SessionSuperseded,
)
from trimtab.broker.protocol import (
    Cancelled,
    CancelOrder,
    CancelRejected,
    CancelReply,
    ClientMessage,
    ExecutionsSince,
    Heartbeat,
    Logon,
    LogonAccepted,
    LogonRefused,
    Logout,
    LogoutReason,
    MarketEvent,
    MassCancel,
    MassCancelled,
    Message,
    NewOrder,
    OrderAccepted,
    OrderRejected,
    OrderReply,
    OrderStatus,
    ProtocolRefused,
    ReplayDone,
    Report,
    SessionEvent,
    SessionEventDone,
    SessionEventRefused,
    StatusRequest,
    encode,
)
from trimtab.broker.stream import READ_LIMIT, read_message
from trimtab.domain.errors import TrimtabError

CONNECT_SECONDS = 5.0
REPLY_SECONDS = 10.0
EVENT_SECONDS = 60.0  # a close fills and sends a whole day's orders

Reply = TypeVar("Reply")
_ORDER_ANSWERS: tuple[type[OrderReply], ...] = (OrderAccepted, OrderRejected, OrderStatus)
_CANCEL_ANSWERS: tuple[type[CancelReply], ...] = (Cancelled, CancelRejected)
_EVENT_ANSWERS: tuple[type[SessionEventDone | SessionEventRefused], ...] = (
    SessionEventDone,
    SessionEventRefused,
)
Unsolicited = Report | OrderAccepted | OrderRejected | OrderStatus | CancelRejected


class _Waiter(Generic[Reply]):
    """One request that has no answer yet."""

    def __init__(self, subject: str, answers: tuple[type[Reply], ...]) -> None:
        self.reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._subject = subject
        self._answers = answers

    def take(self, message: Message) -> bool:
        """True when this was the answer."""
        if self.reply.done() or _subject(message) != self._subject or not isinstance(message, self._answers):
            return False
        self.reply.set_result(message)
        return True

    def fail(self, failure: TrimtabError) -> None:
        """No answer will come."""
        if not self.reply.done():
            self.reply.set_exception(failure)
            self.reply.exception()  # looked at: a reply that nobody awaits any more must not warn


def _subject(message: Message) -> str:
    """What an answer is about: the client order id, or else the kind of request that has it."""
    subject: str = getattr(message, "client_order_id", "")
    return subject


class BrokerSession:
    """One logged-on connection. Made by `connect`; of no use after an error that is not a reply."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, accepted: LogonAccepted) -> None:
        self.firm = accepted.firm
        self.generation = accepted.generation
        self.last_cursor = accepted.last_cursor  # of the broker's last report at logon
        self.closed_through = accepted.closed_through  # the last date that the broker had closed at logon
        self._reader = reader
        self._writer = writer
        self._waiters: deque[_Waiter[Any]] = deque()
        self._incoming: asyncio.Queue[Unsolicited | None] = asyncio.Queue()  # None ends it
        self._failure: TrimtabError | None = None
        self._closing = False
        self._reading = asyncio.create_task(self._read())

    async def submit_order(self, order: NewOrder) -> "asyncio.Future[OrderReply]":
        """Write the order to the socket and return; the future gives the reply, when it comes.

        Raises MalformedMessage before anything is written, BrokerUnavailable or SessionSuperseded.
        """
        return await self._write(order, _ORDER_ANSWERS)

    async def send_order(self, order: NewOrder, within: float = REPLY_SECONDS) -> OrderReply:
        """Send a block order: OrderAccepted, OrderRejected, or OrderStatus when the broker knows the id.

        After ReplyTimeout or BrokerUnavailable the order may be live: ask for its status, do not send again.
        """
        return await self._ask(order, _ORDER_ANSWERS, within)

    async def request_status(self, client_order_id: str, within: float = REPLY_SECONDS) -> OrderStatus:
        """The broker's state of an order; state UNKNOWN when it has never seen the id."""
        return await self._ask(StatusRequest(client_order_id), (OrderStatus,), within)

    async def cancel(self, client_order_id: str, within: float = REPLY_SECONDS) -> CancelReply:
        """Cancelled, or CancelRejected with the state of an order that is not open."""
        return await self._ask(CancelOrder(client_order_id), _CANCEL_ANSWERS, within)

    async def mass_cancel(self, within: float = REPLY_SECONDS) -> MassCancelled:
        """Cancel every open order of the firm; each Cancelled comes in the iterator before this returns."""
        return await self._ask(MassCancel(), (MassCancelled,), within)

    async def executions_since(self, cursor: int, within: float = EVENT_SECONDS) -> ReplayDone:
        """Have every report after `cursor` sent again; they are in the iterator when this returns.

        A ReplayDone with a cursor below the one asked for means that the broker has lost its journal.
        """
        return await self._ask(ExecutionsSince(cursor), (ReplayDone,), within)

    async def session_event(
        self, event: MarketEvent, business_date: date, within: float = EVENT_SECONDS
    ) -> SessionEventDone:
        """Tell the broker of an open or a close; its reports are in the iterator when this returns.

        Safe to repeat. Raises SessionEventDenied (transient) when there are no closing prices yet.
        """
        reply = await self._ask(SessionEvent(event, business_date), _EVENT_ANSWERS, within)
        if isinstance(reply, SessionEventRefused):
            raise SessionEventDenied(f"{event} of {business_date}: {reply.reason}")
        return reply

    async def heartbeat(self, sequence: int, within: float = REPLY_SECONDS) -> None:
        """Return when the broker has answered."""
        await self._ask(Heartbeat(sequence), (Heartbeat,), within)

    def __aiter__(self) -> AsyncIterator[Unsolicited]:
        return self

    async def __anext__(self) -> Unsolicited:
        """The next report, or a reply that nobody waits for (late or doubled).

        Everything received is handed out first; then StopAsyncIteration after `close`, else the error.
        """
        message = await self._incoming.get()
        if message is not None:
            return message
        self._incoming.put_nowait(None)
        if self._closing or self._failure is None:
            raise StopAsyncIteration
        raise self._failure

    async def close(self) -> None:
        """Log out and close; safe to call twice, and after the connection was lost."""
        self._closing = True
        if self._failure is None:
            self._writer.write(encode(Logout(LogoutReason.DONE)))
        self._writer.close()
        self._fail(BrokerUnavailable("the session is closed"))
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _ask(self, request: ClientMessage, answers: tuple[type[Reply], ...], within: float) -> Reply:
        reply = await self._write(request, answers)
        try:
            async with asyncio.timeout(within):
                return await reply
        except TimeoutError as error:
            name = type(request).__name__
            raise ReplyTimeout(f"no answer to {name} in {within:g} s: it may have been carried out") from error

    async def _write(self, request: ClientMessage, answers: tuple[type[Reply], ...]) -> "asyncio.Future[Reply]":
        line = encode(request)
        if self._failure is not None:
            raise self._failure
        waiter = _Waiter(getattr(request, "client_order_id", ""), answers)
        self._waiters.append(waiter)  # before the write, or a quick answer would find nobody waiting
        self._writer.write(line)
        try:
            await self._writer.drain()
        except ConnectionError as error:
            self._fail(BrokerUnavailable(f"the connection to the broker was lost: {error}"))
        return waiter.reply

    async def _read(self) -> None:
        """Hand out what comes in until the connection ends, then fail whatever still waits."""
        failure: TrimtabError = BrokerUnavailable("the broker has closed the connection")
        try:
            while (message := await read_message(self._reader)) is not None:
                ending = self._ending(message)
                if ending is not None:
                    failure = ending
                    break
                self._hand_out(message)
        except ProtocolError as error:
            failure = error
        self._fail(failure)

    def _ending(self, message: Message) -> TrimtabError | None:
        match message:
            case Logout(LogoutReason.SUPERSEDED):
                return SessionSuperseded(f"a newer session of {self.firm} replaced generation {self.generation}")
            case Logout(reason):
                return BrokerUnavailable(f"the broker has logged out: {reason}")
            case ProtocolRefused(code, reason):
                return ProtocolError(f"the broker refused a message ({code}): {reason}")
            case _:
                return None

    def _hand_out(self, message: Message) -> None:
        taken = next((waiter for waiter in self._waiters if waiter.take(message)), None)
        while self._waiters and self._waiters[0].reply.done():
            self._waiters.popleft()
        if isinstance(message, Report) or (taken is None and isinstance(message, Unsolicited)):
            self._incoming.put_nowait(message)

    def _fail(self, failure: TrimtabError) -> None:
        """The session is over: every waiting request and the iterator learn it, the first reason holds."""
        if self._failure is not None:
            return
        self._failure = failure
        self._writer.close()
        while self._waiters:
            self._waiters.popleft().fail(failure)
        self._incoming.put_nowait(None)


async def connect(socket_path: Path, firm: str, generation: int, within: float = CONNECT_SECONDS) -> BrokerSession:
    """Connect and log on. Each connection needs a generation above every earlier one of the firm.

    Raises BrokerUnavailable (transient) when there is no broker or no answer, LogonDenied with the
    highest generation that the broker knows.
    """
    try:
        async with asyncio.timeout(within):
            reader, writer = await asyncio.open_unix_connection(socket_path, limit=READ_LIMIT)
            try:
                accepted = await _log_on(reader, writer, Logon(firm, generation))
            except BaseException:
                writer.close()
                raise
    except (OSError, TimeoutError) as error:  # no socket, nobody behind it, or silence
        raise BrokerUnavailable(f"no paper broker answers at {socket_path}: {error!r}") from error
    return BrokerSession(reader, writer, accepted)


async def _log_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, logon: Logon) -> LogonAccepted:
    writer.write(encode(logon))
    await writer.drain()
    answer = await read_message(reader)
    if isinstance(answer, LogonAccepted):
        return answer
    if isinstance(answer, LogonRefused):
        raise LogonDenied(f"logon of {logon.firm} refused: {answer.reason}", answer.highest_generation)
    if answer is None or isinstance(answer, Logout):
        raise BrokerUnavailable("the broker has closed the connection during the logon")
    raise ProtocolError(f"a logon was answered with {type(answer).__name__}")
