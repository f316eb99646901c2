"""Reports are handed out in the order of their cursors, each once, and never past one that is missing."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.broker.protocol import DoneForDay, OrderAccepted
from trimtab.gateway.posting import ReportQueue

DAY = date(2026, 3, 3)


def report(cursor: int) -> DoneForDay:
    return DoneForDay(cursor, f"b.{cursor}", f"PB{cursor}", Decimal(0), DAY)


def cursors(queue: ReportQueue, limit: int = 100) -> list[int]:
    return [message.cursor for message in queue.take(limit) if isinstance(message, DoneForDay)]


def test_reports_that_come_last_first_are_handed_out_first_first() -> None:
    queue = ReportQueue(0)
    for cursor in (3, 2, 1):
        queue.add(report(cursor))
    assert cursors(queue) == [1, 2, 3]


def test_nothing_is_handed_out_past_a_report_that_is_missing() -> None:
    queue = ReportQueue(4)
    for cursor in (5, 7, 8):
        queue.add(report(cursor))
    assert cursors(queue) == [5]
    queue.add(report(6))
    assert cursors(queue) == [6, 7, 8]


@pytest.mark.parametrize("already", [1, 4])
def test_what_was_posted_before_is_dropped(already: int) -> None:
    queue = ReportQueue(4)
    queue.add(report(already))
    assert queue.take(10) == []


def test_a_limit_leaves_the_rest_for_the_next_time() -> None:
    queue = ReportQueue(0)
    for cursor in (1, 2, 3):
        queue.add(report(cursor))
    assert [cursors(queue, 2), cursors(queue, 2)] == [[1, 2], [3]]


def test_a_late_acknowledgement_waits_for_no_report() -> None:
    queue = ReportQueue(0)
    late = OrderAccepted("b.1", "PB1")
    queue.add(late)
    assert queue.take(10) == [late]
    assert queue.take(10) == []


@given(st.permutations(range(1, 9)), st.lists(st.integers(1, 8), max_size=8), st.integers(1, 4))
def test_any_order_with_any_repeats_gives_each_once_in_order(order: list[int], again: list[int], limit: int) -> None:
    queue, taken = ReportQueue(0), list[int]()
    for cursor in (*order, *again):
        queue.add(report(cursor))
        taken += cursors(queue, limit)
    while more := cursors(queue, limit):
        taken += more
    assert taken == list(range(1, 9))
