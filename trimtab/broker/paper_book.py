"""What the paper broker knows, rebuilt from its journal alone: the same `apply` runs live and on restart."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from trimtab.broker.errors import JournalCorrupt
from trimtab.broker.journal import (
    Event,
    JournaledCancel,
    JournaledDoneForDay,
    JournaledExecution,
    JournaledFault,
    JournaledLogon,
    JournaledOrder,
    JournaledRejection,
    JournaledSession,
)
from trimtab.broker.protocol import (
    Execution,
    MarketEvent,
    NewOrder,
    OrderState,
    OrderStatus,
    RejectReason,
    Report,
)

ZERO = Decimal(0)
PRICE_STEP = Decimal("0.00000001")


@dataclass(slots=True)
class WorkingOrder:
    """One order that was taken, and what has become of it."""

    broker_order_id: str
    copy: int
    order: NewOrder
    state: OrderState = OrderState.NEW
    cum_qty: Decimal = ZERO
    notional: Decimal = ZERO  # sum of quantity times price
    fills: int = 0

    @property
    def leaves_qty(self) -> Decimal:
        """Shares that may still be filled; 0 once the order is closed."""
        return self.order.quantity - self.cum_qty if self.state.is_open else ZERO

    @property
    def avg_price(self) -> Decimal | None:
        """Average price of the fills in dollars per share, to eight places; None without a fill."""
        if not self.cum_qty:
            return None
        return (self.notional / self.cum_qty).quantize(PRICE_STEP, rounding=ROUND_HALF_EVEN)

    def take(self, fill: Execution) -> None:
        """Count one fill."""
        self.cum_qty += fill.quantity
        self.notional += fill.quantity * fill.price
        self.fills += 1
        filled = self.cum_qty == self.order.quantity
        self.state = OrderState.FILLED if filled else OrderState.PARTIALLY_FILLED

    def status(self) -> OrderStatus:
        """The order as StatusRequest is answered."""
        return OrderStatus(
            client_order_id=self.order.client_order_id,
            state=self.state,
            cum_qty=self.cum_qty,
            leaves_qty=self.leaves_qty,
            avg_price=self.avg_price,
            broker_order_id=self.broker_order_id,
            reason=None,
        )


@dataclass(slots=True)
class FirmBook:
    """Everything of one firm."""

    generation: int = 0  # of the last accepted logon
    orders: dict[str, list[WorkingOrder]] = field(default_factory=dict)  # by client order id, one per copy
    rejected: dict[str, tuple[NewOrder, RejectReason]] = field(default_factory=dict)
    open_orders: dict[str, WorkingOrder] = field(default_factory=dict)  # by broker order id, oldest first
    reports: list[Report] = field(default_factory=list)  # the one with cursor c stands at c - 1
    session_date: date | None = None  # the latest business date that was opened or closed
    closed_through: date | None = None  # the latest business date that was closed

    @property
    def last_cursor(self) -> int:
        """The cursor of the last report, 0 when there is none."""
        return len(self.reports)

    def known_order(self, client_order_id: str) -> NewOrder | None:
        """The order first sent under this id, taken or rejected."""
        if copies := self.orders.get(client_order_id):
            return copies[0].order
        if refused := self.rejected.get(client_order_id):
            return refused[0]
        return None

    def status(self, client_order_id: str) -> OrderStatus:
        """The state of the last copy traded under this id; UNKNOWN when there was none."""
        if copies := self.orders.get(client_order_id):
            return copies[-1].status()
        refused = self.rejected.get(client_order_id)
        return OrderStatus(
            client_order_id=client_order_id,
            state=OrderState.REJECTED if refused else OrderState.UNKNOWN,
            cum_qty=ZERO,
            leaves_qty=ZERO,
            avg_price=None,
            broker_order_id=None,
            reason=refused[1] if refused else None,
        )

    def is_over(self, business_date: date) -> bool:
        """True when orders of this date come too late: it is closed, or a later one has begun."""
        closed = self.closed_through is not None and business_date <= self.closed_through
        return closed or (self.session_date is not None and business_date < self.session_date)


class PaperBook:
    """All firms' orders. Changed by `apply` only, with events that are already in the journal."""

    def __init__(self) -> None:
        self.firms: dict[str, FirmBook] = {}
        self.orders_taken = 0
        self.fired_faults: set[str] = set()

    def firm(self, firm: str) -> FirmBook:
        """The firm's book, empty when it is new."""
        return self.firms.setdefault(firm, FirmBook())

    def apply(self, event: Event) -> None:
        """Take one journaled event into account."""
        match event:
            case JournaledLogon(firm, generation):
                self.firm(firm).generation = generation
            case JournaledOrder():
                self._take_order(event)
            case JournaledRejection(firm, _, order, reason):
                self.firm(firm).rejected[order.client_order_id] = (order, reason)
            case JournaledExecution(firm, fill):
                self._find(firm, fill).take(fill)
                self._report(firm, fill)
            case JournaledDoneForDay(firm, report):
                self._find(firm, report).state = OrderState.DONE_FOR_DAY
                self._report(firm, report)
            case JournaledCancel(firm, report):
                self._find(firm, report).state = OrderState.CANCELLED
                self._report(firm, report)
            case JournaledSession(firm, market_event, business_date):
                _enter_session(self.firm(firm), market_event, business_date)
            case JournaledFault(fault):
                self.fired_faults.add(fault)
            case _:  # refusals, repeats and tears change nothing
                return

    def _take_order(self, event: JournaledOrder) -> None:
        book = self.firm(event.firm)
        working = WorkingOrder(event.broker_order_id, event.copy, event.order)
        book.orders.setdefault(event.order.client_order_id, []).append(working)
        book.open_orders[event.broker_order_id] = working
        self.orders_taken += 1

    def _find(self, firm: str, report: Report) -> WorkingOrder:
        working = self.firm(firm).open_orders.get(report.broker_order_id)
        if working is None:
            raise JournalCorrupt(f"report {report.cursor} of {firm} is for no open order: {report.broker_order_id}")
        return working

    def _report(self, firm: str, report: Report) -> None:
        book = self.firm(firm)
        book.reports.append(report)
        if not book.open_orders[report.broker_order_id].state.is_open:
            del book.open_orders[report.broker_order_id]


def exec_id(firm: str, client_order_id: str, copy: int, fill_number: int) -> str:
    """The id of a fill: the same fill has the same id whenever it is computed, and no other fill has it."""
    digest = hashlib.sha256(json.dumps([firm, client_order_id, copy, fill_number]).encode())
    return f"PX{digest.hexdigest()[:24]}"


def same_terms(first: NewOrder, second: NewOrder) -> bool:
    """True when the orders differ in nothing but poss_resend."""
    return replace(first, poss_resend=False) == replace(second, poss_resend=False)


def _enter_session(book: FirmBook, event: MarketEvent, business_date: date) -> None:
    book.session_date = max(book.session_date or business_date, business_date)
    if event is MarketEvent.CLOSE:
        book.closed_through = max(book.closed_through or business_date, business_date)
