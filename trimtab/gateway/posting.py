"""What the broker answers and reports, as changes of our rows: each within one transaction, each once."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row

from trimtab.broker.protocol import (
    Cancelled,
    CancelRejected,
    DoneForDay,
    Execution,
    OrderAccepted,
    OrderRejected,
    OrderReply,
    OrderState,
    OrderStatus,
    Report,
)
from trimtab.broker.session import Unsolicited
from trimtab.db.alerts import raise_alert
from trimtab.db.allocations import finish_blocks
from trimtab.db.gateway import Fill, blocks_too_late, held_blocks, known_blocks, post_fills, set_block_status
from trimtab.db.order_lease import set_cursor
from trimtab.domain.orders import BlockStatus


def store_replies(connection: Connection, firm_id: str, replies: Sequence[OrderReply]) -> None:
    """Note what the broker said of orders: taken, or refused, which ends the block.

    The state of a known order only says that the broker has it: what was filled comes as executions.
    """
    accepted = [reply.client_order_id for reply in replies if _has_it(reply)]
    set_block_status(connection, accepted, BlockStatus.ACKED)
    rejected = [reply for reply in replies if _is_refusal(reply)]
    for reply in rejected:
        set_block_status(connection, [reply.client_order_id], BlockStatus.REJECTED, _why(reply))
    finish_blocks(connection, firm_id, [reply.client_order_id for reply in rejected])


def _has_it(reply: OrderReply) -> bool:
    known = isinstance(reply, OrderStatus) and reply.state not in (OrderState.UNKNOWN, OrderState.REJECTED)
    return known or isinstance(reply, OrderAccepted)


def _is_refusal(reply: OrderReply) -> bool:
    return isinstance(reply, OrderRejected) or (isinstance(reply, OrderStatus) and reply.state is OrderState.REJECTED)


def _why(reply: OrderReply) -> str:
    reason = reply.reason if isinstance(reply, OrderRejected | OrderStatus) else None
    return str(reason or "")


class ReportQueue:
    """Reports in the order of their cursors, each once, whatever order and how often they come.

    A report waits until all those before it are there: an order's end must not be posted before its fills, nor the
    cursor stored behind a report that is still missing.
    """

    def __init__(self, posted: int) -> None:
        self._posted = posted  # the last cursor handed out
        self._waiting: dict[int, Report] = {}
        self._late_replies: list[OrderReply] = []

    def add(self, message: Unsolicited) -> None:
        if isinstance(message, Report):
            if message.cursor > self._posted:
                self._waiting[message.cursor] = message
        elif not isinstance(message, CancelRejected):  # nothing is cancelled yet
            self._late_replies.append(message)

    def take(self, limit: int) -> list[Unsolicited]:
        """The next messages to post, at most `limit` reports."""
        taken: list[Unsolicited] = [*self._late_replies]
        self._late_replies.clear()
        for _ in range(limit):
            report = self._waiting.pop(self._posted + 1, None)
            if report is None:
                break
            taken.append(report)
            self._posted += 1
        return taken


def store_reports(connection: Connection, firm_id: str, broker: str, batch: Sequence[Unsolicited]) -> None:
    """Post a batch of reports and the cursor behind it, in one transaction: exactly once."""
    late_replies = [each for each in batch if isinstance(each, OrderAccepted | OrderRejected | OrderStatus)]
    store_replies(connection, firm_id, late_replies)
    reports = [each for each in batch if isinstance(each, Report)]
    ended = {report.client_order_id for report in reports if isinstance(report, DoneForDay | Cancelled)}
    known = known_blocks(connection, sorted({report.client_order_id for report in reports}))
    fills = [_fill(report) for report in reports if isinstance(report, Execution)]
    for fill in fills:
        if fill.client_order_id not in known:
            alert(connection, firm_id, fill.client_order_id, "FILL_FOR_UNKNOWN_ORDER", fill.business_date, fill.exec_id)
    for fill in post_fills(connection, firm_id, broker, [fill for fill in fills if fill.client_order_id in known]):
        if known[fill.client_order_id].allocated:
            alert(connection, firm_id, fill.client_order_id, "FILL_AFTER_THE_END", fill.business_date, fill.exec_id)
    after = known_blocks(connection, sorted(known)).values()
    finished = [row.client_order_id for row in after if row.client_order_id in ended or _is_filled(row)]
    finish_blocks(connection, firm_id, finished)
    if reports:
        set_cursor(connection, broker, max(report.cursor for report in reports))


def end_late_blocks(connection: Connection, firm_id: str, broker: str) -> int:
    """End the blocks that were not sent before their market closed; returns how many."""
    late = blocks_too_late(connection, broker)
    if late:
        set_block_status(connection, late, BlockStatus.DONE, "the market closed before it was sent")
        finish_blocks(connection, firm_id, late)
    return len(late)


def tell_of_held_blocks(connection: Connection, firm_id: str, broker: str) -> None:
    """Raise an alert once for blocks that a suspension holds back."""
    for row in held_blocks(connection, broker):
        message = "a suspension covers one of its accounts, or the firm"
        alert(connection, firm_id, row.client_order_id, "BLOCK_HELD_BY_SUSPENSION", row.business_date, message)


def alert(connection: Connection, firm_id: str, scope: str, cause: str, on: date, message: str) -> None:
    """A critical alert about an order, or about the broker's session."""
    raise_alert(connection, firm_id, cause=cause, scope=scope, business_date=on, message=message, severity="CRITICAL")


def _fill(report: Execution) -> Fill:
    return Fill(report.exec_id, report.client_order_id, report.quantity, report.price, report.business_date)


def _is_filled(row: Row[Any]) -> bool:
    return bool(row.filled_quantity >= row.quantity)
