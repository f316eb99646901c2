"""The order session's messages: one JSON object per line over a Unix socket.

The client logs on with a generation and sends the rest of the upper half; the broker sends the lower
half. Quantities are shares and positive, prices dollars per share and positive; the side carries the
direction. Reports (Execution, DoneForDay, Cancelled) are numbered by `cursor`, per firm from 1 without a
gap, so a client that knows the last cursor it stored can ask for what it missed.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from trimtab.broker.errors import LineTooLong, MalformedMessage, UnknownMessage
from trimtab.broker.wire import dump_line, from_wire, load_object, to_wire
from trimtab.domain.orders import Side

MAX_LINE_BYTES = 16_384


class OrderType(StrEnum):
    MARKET_ON_CLOSE = "MARKET_ON_CLOSE"
    LIMIT = "LIMIT"


class TimeInForce(StrEnum):
    DAY = "DAY"


class OrderState(StrEnum):
    UNKNOWN = "UNKNOWN"  # the broker has never seen the id
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"
    DONE_FOR_DAY = "DONE_FOR_DAY"  # closed with less than its quantity filled, maybe nothing

    @property
    def is_open(self) -> bool:
        """True while the order may still trade."""
        return self in (OrderState.NEW, OrderState.PARTIALLY_FILLED)


class RejectReason(StrEnum):
    SYMBOL_REFUSED = "SYMBOL_REFUSED"
    SESSION_CLOSED = "SESSION_CLOSED"  # the order's business date is over


class LogoutReason(StrEnum):
    DONE = "DONE"  # the client leaves
    SUPERSEDED = "SUPERSEDED"  # a newer generation of the firm has logged on
    STOPPING = "STOPPING"  # the broker is being stopped
    LOGON_EXPECTED = "LOGON_EXPECTED"  # the first message was not a logon


class MarketEvent(StrEnum):
    OPEN = "OPEN"
    CLOSE = "CLOSE"


# --- from the client ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Logon:
    """The first message of a connection. A generation is used once: each connection brings a higher one."""

    firm: str
    generation: int


@dataclass(frozen=True, slots=True)
class NewOrder:
    """One block order. `poss_resend`: the client may have sent this id before (FIX tag 97)."""

    client_order_id: str
    security_id: str
    symbol: str | None
    side: Side
    quantity: Decimal
    order_type: OrderType
    limit_price: Decimal | None  # with LIMIT, and only then
    time_in_force: TimeInForce
    business_date: date
    poss_resend: bool = False

    def __post_init__(self) -> None:
        if self.quantity <= 0:
            raise MalformedMessage(f"order {self.client_order_id}: quantity {self.quantity} is not positive")
        if (self.limit_price is not None) != (self.order_type is OrderType.LIMIT):
            raise MalformedMessage(f"order {self.client_order_id}: a limit price belongs to LIMIT, and only there")
        if self.limit_price is not None and self.limit_price <= 0:
            raise MalformedMessage(f"order {self.client_order_id}: limit {self.limit_price} is not positive")


@dataclass(frozen=True, slots=True)
class CancelOrder:
    client_order_id: str


@dataclass(frozen=True, slots=True)
class MassCancel:
    """Cancel every open order of the firm."""


@dataclass(frozen=True, slots=True)
class StatusRequest:
    client_order_id: str


@dataclass(frozen=True, slots=True)
class ExecutionsSince:
    """Ask for every report of the firm with a cursor above `cursor` (0: all of them)."""

    cursor: int


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """The firm's market clock has reached this event."""

    event: MarketEvent
    business_date: date


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Sent by the client, answered with the same number."""

    sequence: int


@dataclass(frozen=True, slots=True)
class Logout:
    """From either side: nothing follows it, the connection is closed."""

    reason: LogoutReason


# --- from the broker ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LogonAccepted:
    firm: str
    generation: int
    last_cursor: int  # of the firm's last report, 0 when there is none
    closed_through: date | None  # the last business date whose close was carried out


@dataclass(frozen=True, slots=True)
class LogonRefused:
    firm: str
    generation: int
    highest_generation: int  # a logon must bring a generation above this
    reason: str


@dataclass(frozen=True, slots=True)
class OrderAccepted:
    client_order_id: str
    broker_order_id: str


@dataclass(frozen=True, slots=True)
class OrderRejected:
    client_order_id: str
    reason: RejectReason


@dataclass(frozen=True, slots=True)
class OrderStatus:
    """Answers StatusRequest, and a NewOrder whose id the broker already knows."""

    client_order_id: str
    state: OrderState
    cum_qty: Decimal
    leaves_qty: Decimal  # quantity - cum_qty while open, else 0
    avg_price: Decimal | None  # None while nothing is filled
    broker_order_id: str | None
    reason: RejectReason | None  # with REJECTED


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A report. Answers CancelOrder; MassCancel sends one for each order that it cancelled."""

    cursor: int
    client_order_id: str
    broker_order_id: str
    cum_qty: Decimal
    business_date: date


@dataclass(frozen=True, slots=True)
class CancelRejected:
    """The order is not open; `state` says why (UNKNOWN: no such order)."""

    client_order_id: str
    state: OrderState


@dataclass(frozen=True, slots=True)
class MassCancelled:
    orders: int


@dataclass(frozen=True, slots=True)
class Execution:
    """A report: one fill. `exec_id` is unique over all firms and stays the same when sent again."""

    cursor: int
    exec_id: str
    client_order_id: str
    broker_order_id: str
    security_id: str
    side: Side
    quantity: Decimal
    price: Decimal
    cum_qty: Decimal
    leaves_qty: Decimal
    business_date: date


@dataclass(frozen=True, slots=True)
class DoneForDay:
    """A report: the order is closed with `cum_qty` filled, less than its quantity."""

    cursor: int
    client_order_id: str
    broker_order_id: str
    cum_qty: Decimal
    business_date: date


@dataclass(frozen=True, slots=True)
class ReplayDone:
    """Ends the answer to ExecutionsSince; `cursor` is the firm's last."""

    cursor: int


@dataclass(frozen=True, slots=True)
class SessionEventDone:
    """The event is carried out and its reports were sent before this. A repeated event reports 0 executions."""

    event: MarketEvent
    business_date: date
    executions: int
    last_cursor: int


@dataclass(frozen=True, slots=True)
class SessionEventRefused:
    event: MarketEvent
    business_date: date
    reason: str


@dataclass(frozen=True, slots=True)
class ProtocolRefused:
    """The broker could not read a line; `code` is that of the error (errors.py)."""

    code: str
    reason: str


ClientMessage = (
    Logon | NewOrder | CancelOrder | MassCancel | StatusRequest | ExecutionsSince | SessionEvent | Heartbeat | Logout
)
Report = Execution | DoneForDay | Cancelled
OrderReply = OrderAccepted | OrderRejected | OrderStatus
CancelReply = Cancelled | CancelRejected
BrokerMessage = (
    LogonAccepted
    | LogonRefused
    | OrderReply
    | CancelReply
    | MassCancelled
    | Report
    | ReplayDone
    | SessionEventDone
    | SessionEventRefused
    | ProtocolRefused
    | Heartbeat
    | Logout
)
Message = ClientMessage | BrokerMessage

_TYPES: dict[str, type[Message]] = {
    "logon": Logon,
    "new_order": NewOrder,
    "cancel_order": CancelOrder,
    "mass_cancel": MassCancel,
    "status_request": StatusRequest,
    "executions_since": ExecutionsSince,
    "session_event": SessionEvent,
    "heartbeat": Heartbeat,
    "logout": Logout,
    "logon_accepted": LogonAccepted,
    "logon_refused": LogonRefused,
    "order_accepted": OrderAccepted,
    "order_rejected": OrderRejected,
    "order_status": OrderStatus,
    "cancelled": Cancelled,
    "cancel_rejected": CancelRejected,
    "mass_cancelled": MassCancelled,
    "execution": Execution,
    "done_for_day": DoneForDay,
    "replay_done": ReplayDone,
    "session_event_done": SessionEventDone,
    "session_event_refused": SessionEventRefused,
    "protocol_refused": ProtocolRefused,
}
_NAMES: dict[type[Message], str] = {shape: name for name, shape in _TYPES.items()}


def encode(message: Message) -> bytes:
    """The line of `message`, newline included.

    Raises LineTooLong or MalformedMessage for what the other side would refuse (an empty id, a price with
    more than 12 decimals): found here, before anything is sent, it is the caller's mistake and nothing more.
    """
    line = dump_line({"type": _NAMES[type(message)], **to_wire(message)})
    decode(line)
    return line


def decode(line: bytes) -> Message:
    """The message of one line. Raises LineTooLong, MalformedMessage or UnknownMessage."""
    if len(line) > MAX_LINE_BYTES:
        raise LineTooLong(f"a line of {len(line)} bytes, at most {MAX_LINE_BYTES}")
    data = load_object(line)
    name = data.pop("type", None)
    if not isinstance(name, str):
        raise MalformedMessage("the message has no type")
    shape = _TYPES.get(name)
    if shape is None:
        raise UnknownMessage(f"no message is called {name[:64]!r}")
    return from_wire(shape, data)
