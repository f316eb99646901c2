"""kill -9 at each point between an order and its answer; the journal says what happened."""

import asyncio
import signal

import pytest

from tests.broker.paper_process import FIRM, MONDAY, PaperProcess, an_order, received
from trimtab.broker.errors import BrokerUnavailable
from trimtab.broker.journal import JournaledRepeat, JournaledTear, orders
from trimtab.broker.protocol import (
    Execution,
    MarketEvent,
    OrderAccepted,
    OrderState,
    OrderStatus,
)

DEDUP = pytest.mark.parametrize(("dedup", "taken"), [("on", 1), ("off", 2)])


async def test_an_order_that_was_journaled_and_not_acknowledged_is_known_after_a_restart(paper: PaperProcess):
    paper.start("--fault", "die-before-ack=2")
    async with await paper.connect(1) as session:
        await session.send_order(an_order("A1"))
        with pytest.raises(BrokerUnavailable):
            await session.send_order(an_order("A2"))
    assert paper.wait() == -signal.SIGKILL
    paper.start("--fault", "die-before-ack=2")  # fires once in the life of a journal
    async with await paper.connect(2) as session:
        assert (await session.request_status("A2")).state is OrderState.NEW
        assert (await session.request_status("A3")).state is OrderState.UNKNOWN
        await session.send_order(an_order("A3"))
    assert [(event.order.client_order_id, event.generation) for event in orders(paper.journal())] == [
        ("A1", 1),
        ("A2", 1),
        ("A3", 2),
    ]


async def test_an_order_that_was_lost_before_the_journal_is_unknown_and_may_be_sent_again(paper: PaperProcess):
    paper.start("--fault", "die-before-journal")
    async with await paper.connect(1) as session:
        with pytest.raises(BrokerUnavailable):
            await session.send_order(an_order("A1"))
    paper.wait()
    paper.start("--fault", "die-before-journal")
    async with await paper.connect(2) as session:
        assert (await session.request_status("A1")).state is OrderState.UNKNOWN
        await session.send_order(an_order("A1", poss_resend=True))
    (taken,) = orders(paper.journal())
    assert taken.order.poss_resend


@DEDUP
async def test_a_retry_that_does_not_ask_first_trades_twice_only_without_dedup(
    paper: PaperProcess, dedup: str, taken: int
):
    paper.start("--fault", "ack-then-die", "--dedup", dedup)
    async with await paper.connect(1) as session:
        assert isinstance(await session.send_order(an_order("A1")), OrderAccepted)
        with pytest.raises(BrokerUnavailable):
            await anext(session)
    paper.wait()
    paper.start("--dedup", dedup)
    async with await paper.connect(2) as session:
        await session.send_order(an_order("A1", poss_resend=True))
    assert paper.summary().orders == taken
    assert paper.summary().duplicates == (("A1",) if taken == 2 else ())


async def test_a_repeated_id_is_answered_with_its_state_even_when_it_says_something_else(paper: PaperProcess):
    paper.start("--reject", "TSLA")
    async with await paper.connect(1) as session:
        await session.send_order(an_order("A1", quantity="100"))
        again = await session.send_order(an_order("A1", quantity="900"))
        await session.send_order(an_order("A2", security_id="TSLA"))
        rejected = await session.send_order(an_order("A2", security_id="VTI"))
    assert isinstance(again, OrderStatus)
    assert (again.state, again.leaves_qty) == (OrderState.NEW, 100)
    assert isinstance(rejected, OrderStatus)
    assert rejected.state is OrderState.REJECTED
    repeats = [event for event in paper.journal().events() if isinstance(event, JournaledRepeat)]
    assert [(event.client_order_id, event.same_terms) for event in repeats] == [("A1", False), ("A2", False)]
    assert paper.summary().orders == 1


async def test_a_torn_last_line_is_dropped_and_reported_and_the_orders_above_it_stay(paper: PaperProcess):
    paper.start()
    async with await paper.connect(1) as session:
        await session.send_order(an_order("A1"))
        await session.send_order(an_order("A2"))
    paper.stop(signal.SIGKILL)
    content = paper.journal_path.read_bytes()
    paper.journal_path.write_bytes(content[:-20])
    paper.start()
    async with await paper.connect(2) as session:
        assert (await session.request_status("A1")).state is OrderState.NEW
        assert (await session.request_status("A2")).state is OrderState.UNKNOWN
        await session.send_order(an_order("A2"))
    last_line = content.splitlines(keepends=True)[-1]
    assert JournaledTear(len(last_line) - 20) in list(paper.journal().events())
    assert (paper.summary().orders, paper.summary().torn_bytes) == (2, 0)


async def test_a_damaged_line_in_the_middle_stops_the_start(paper: PaperProcess):
    paper.start()
    async with await paper.connect(1) as session:
        await session.send_order(an_order("A1"))
    paper.stop()
    content = paper.journal_path.read_bytes()
    paper.journal_path.write_bytes(content.replace(b'"generation":1', b'"generation":x', 1))
    _, errors = paper.spawn().communicate(timeout=10)
    assert b"paper broker: " in errors
    assert b"line 1: not a line of JSON" in errors


async def test_fifty_orders_in_flight_at_a_kill_are_each_known_or_unknown_and_never_doubled(paper: PaperProcess):
    paper.start()
    names = [f"A{number:02d}" for number in range(50)]
    async with await paper.connect(1) as session:
        replies = [await session.submit_order(an_order(name)) for name in names]
        await replies[4]
        paper.stop(signal.SIGKILL)
        await asyncio.gather(*replies, return_exceptions=True)
    acknowledged = {name for name, reply in zip(names, replies, strict=True) if reply.exception() is None}
    paper.start()
    async with await paper.connect(2) as session:
        states = {name: (await session.request_status(name)).state for name in names}
        assert {states[name] for name in acknowledged} == {OrderState.NEW}
        for name in names:
            if states[name] is OrderState.UNKNOWN:
                await session.send_order(an_order(name, poss_resend=True))
    summary = paper.summary()
    assert (summary.orders, summary.distinct_orders, summary.duplicates) == (50, 50, ())
    assert len(acknowledged) >= 5


async def test_fills_that_were_journaled_and_never_sent_come_with_the_next_session(paper: PaperProcess):
    paper.start("--fault", "die-before-reports")
    paper.write_closes(MONDAY, VTI="250.5", BND="72")
    async with await paper.connect(1) as session:
        await session.send_order(an_order("A1", "VTI"))
        await session.send_order(an_order("A2", "BND"))
        with pytest.raises(BrokerUnavailable):
            await session.session_event(MarketEvent.CLOSE, MONDAY)
    paper.wait()
    paper.start()
    async with await paper.connect(2) as session:
        assert (session.firm, session.last_cursor, session.closed_through) == (FIRM, 2, MONDAY)
        assert (await session.executions_since(0)).cursor == 2
        fills = await received(session, 2)
        assert (await session.session_event(MarketEvent.CLOSE, MONDAY)).executions == 0
    assert [(fill.cursor, fill.client_order_id) for fill in fills if isinstance(fill, Execution)] == [
        (1, "A1"),
        (2, "A2"),
    ]
    assert paper.summary().executions == 2


@pytest.mark.parametrize("lines_lost", [1, 2, 3, 4])
async def test_a_close_torn_after_any_line_goes_on_without_a_share_too_many(paper: PaperProcess, lines_lost: int):
    paper.start("--fills-per-order", "2")
    paper.write_closes(MONDAY, VTI="10")
    async with await paper.connect(1) as session:
        await session.send_order(an_order("A1", quantity="7"))
        await session.send_order(an_order("A2", quantity="1"))
        await session.session_event(MarketEvent.CLOSE, MONDAY)  # fills 3, 4 and 1, then the session's line
        await session.executions_since(0)
        before = await received(session, 6)
    paper.stop(signal.SIGKILL)
    lines = paper.journal_path.read_bytes().splitlines(keepends=True)
    paper.journal_path.write_bytes(b"".join(lines[:-lines_lost]) + lines[-lines_lost][:9])
    paper.start("--fills-per-order", "2")
    async with await paper.connect(2) as session:
        assert (await session.session_event(MarketEvent.CLOSE, MONDAY)).last_cursor == 3
        await session.executions_since(0)
        executions = await received(session, lines_lost - 1 + 3)
    assert executions[-3:] == before[-3:]
    assert paper.summary().executed_quantity == 8
