"""What the paper broker does with a request: from its book to the events that its journal is to hold.

Nothing here writes or changes anything; paper.py journals the events and then applies them to the book.
"""

from collections.abc import Iterable
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

from trimtab.broker.closes import closes_path, read_closes
from trimtab.broker.errors import SessionSuperseded
from trimtab.broker.journal import (
    Event,
    JournaledCancel,
    JournaledDoneForDay,
    JournaledExecution,
    JournaledLogon,
    JournaledLogonRefusal,
    JournaledOrder,
    JournaledRejection,
    JournaledRepeat,
    JournaledSession,
)
from trimtab.broker.paper_book import FirmBook, PaperBook, WorkingOrder, exec_id, same_terms
from trimtab.broker.paper_options import PaperOptions
from trimtab.broker.protocol import (
    Cancelled,
    DoneForDay,
    Execution,
    MarketEvent,
    NewOrder,
    OrderType,
    RejectReason,
    SessionEvent,
)
from trimtab.domain.money import SHARE_STEP
from trimtab.domain.orders import Side


class PaperMarket:
    """The rules of the paper broker over one book."""

    def __init__(self, book: PaperBook, options: PaperOptions, closes_directory: Path) -> None:
        self._book = book
        self._options = options
        self._closes_directory = closes_directory

    def log_on(self, firm: str, generation: int) -> JournaledLogon | JournaledLogonRefusal:
        """Accept a generation above every earlier one of the firm, refuse any other."""
        highest = self._book.firm(firm).generation
        if generation > highest:
            return JournaledLogon(firm, generation)
        return JournaledLogonRefusal(firm, generation, highest)

    def require_current(self, firm: str, generation: int) -> None:
        """Raise SessionSuperseded when a newer session of the firm has logged on.

        Bytes of a dropped connection may still stand in a buffer: they must buy nothing.
        """
        current = self._book.firm(firm).generation
        if generation != current:
            raise SessionSuperseded(f"generation {generation} of {firm} gave way to {current}")

    def place(
        self, firm: str, generation: int, order: NewOrder
    ) -> JournaledOrder | JournaledRejection | JournaledRepeat:
        """What becomes of a new order."""
        book = self._book.firm(firm)
        known = book.known_order(order.client_order_id)
        if known is not None and self._options.dedup:
            same = same_terms(known, order)
            return JournaledRepeat(firm, generation, order.client_order_id, order.poss_resend, same)
        reason = self._reject_reason(book, order)
        if reason is not None:
            return JournaledRejection(firm, generation, order, reason)
        copy = len(book.orders.get(order.client_order_id, ())) + 1
        return JournaledOrder(firm, generation, f"PB{self._book.orders_taken + 1:08d}", copy, order)

    def cancel(self, firm: str, client_order_id: str | None) -> list[JournaledCancel]:
        """Cancel what is open under this id; every open order of the firm when it is None."""
        book = self._book.firm(firm)
        wanted = [
            working for working in book.open_orders.values() if client_order_id in (None, working.order.client_order_id)
        ]
        return [
            JournaledCancel(
                firm,
                Cancelled(
                    cursor,
                    working.order.client_order_id,
                    working.broker_order_id,
                    working.cum_qty,
                    working.order.business_date,
                ),
            )
            for cursor, working in enumerate(wanted, start=book.last_cursor + 1)
        ]

    def session_event(self, firm: str, request: SessionEvent) -> list[Event]:
        """The events of an open or a close; none when it was carried out before.

        A close fills the orders of its date; both end orders of earlier dates, whose session is gone.
        Raises SessionEventDenied when there is something to fill and no file of closing prices.
        """
        book, today = self._book.firm(firm), request.business_date
        opening = request.event is MarketEvent.OPEN
        if book.is_over(today) or (opening and book.session_date == today):
            return []
        due = [order for order in book.open_orders.values() if order.order.business_date <= today]
        to_fill = [] if opening else [order for order in due if order.order.business_date == today]
        closes = read_closes(closes_path(self._closes_directory, today)) if to_fill else {}
        events: list[Event] = []
        for working in due:
            is_todays = working.order.business_date == today
            if not (opening and is_todays):
                close = closes.get(working.order.security_id) if is_todays else None
                events += self._settle(firm, working, close, book.last_cursor + len(events))
        return [*events, JournaledSession(firm, request.event, today)]

    def _reject_reason(self, book: FirmBook, order: NewOrder) -> RejectReason | None:
        if not self._options.refused_symbols.isdisjoint({order.security_id, order.symbol}):
            return RejectReason.SYMBOL_REFUSED
        return RejectReason.SESSION_CLOSED if book.is_over(order.business_date) else None

    def _settle(self, firm: str, working: WorkingOrder, close: Decimal | None, cursor: int) -> list[Event]:
        """The reports that end an order's day, numbered from `cursor` + 1; without a price only DoneForDay."""
        fills: list[JournaledExecution] = []
        if close is not None and _trades_at(working.order, close):
            fills = self._fills(firm, working, close, cursor)
        cum_qty = fills[-1].report.cum_qty if fills else working.cum_qty
        events: list[Event] = [*fills]
        if cum_qty < working.order.quantity:
            done = DoneForDay(
                cursor=cursor + len(events) + 1,
                client_order_id=working.order.client_order_id,
                broker_order_id=working.broker_order_id,
                cum_qty=cum_qty,
                business_date=working.order.business_date,
            )
            events.append(JournaledDoneForDay(firm, done))
        return events

    def _fills(self, firm: str, working: WorkingOrder, close: Decimal, cursor: int) -> list[JournaledExecution]:
        order, cum_qty, fills = working.order, working.cum_qty, list[JournaledExecution]()
        for number, quantity in enumerate(self._fill_quantities(working), start=1):
            cum_qty += quantity
            fill = Execution(
                cursor=cursor + number,
                exec_id=exec_id(firm, order.client_order_id, working.copy, working.fills + number),
                client_order_id=order.client_order_id,
                broker_order_id=working.broker_order_id,
                security_id=order.security_id,
                side=order.side,
                quantity=quantity,
                price=close,
                cum_qty=cum_qty,
                leaves_qty=order.quantity - cum_qty,
                business_date=order.business_date,
            )
            fills.append(JournaledExecution(firm, fill))
        return fills

    def _fill_quantities(self, working: WorkingOrder) -> list[Decimal]:
        """Shares of each fill still to come: whole ones for a whole order, else to six places.

        Counted from what is filled already, so a close that was torn in the middle goes on without overfill.
        """
        step = Decimal(1) if working.order.quantity == working.order.quantity.to_integral_value() else SHARE_STEP
        target = (working.order.quantity * self._options.fill_ratio).quantize(step, rounding=ROUND_DOWN)
        left = target - working.cum_qty
        pieces = max(1, self._options.fills_per_order - working.fills)
        piece = (left / pieces).quantize(step, rounding=ROUND_DOWN)
        return _positive([*[piece] * (pieces - 1), left - piece * (pieces - 1)])


def _positive(quantities: Iterable[Decimal]) -> list[Decimal]:
    return [quantity for quantity in quantities if quantity > 0]


def _trades_at(order: NewOrder, close: Decimal) -> bool:
    """True when a limit order's limit allows the closing price; an order without a limit always trades."""
    if order.order_type is not OrderType.LIMIT or order.limit_price is None:
        return True
    return close <= order.limit_price if order.side is Side.BUY else close >= order.limit_price
