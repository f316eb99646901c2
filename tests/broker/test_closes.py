"""Market events: what a close fills, what it leaves, and that it happens once."""

from decimal import Decimal

import pytest

from tests.broker.paper_process import MONDAY, TUESDAY, PaperProcess, an_order, received
from trimtab.broker.errors import SessionEventDenied
from trimtab.broker.protocol import (
    Cancelled,
    CancelRejected,
    DoneForDay,
    Execution,
    MarketEvent,
    OrderAccepted,
    OrderRejected,
    OrderState,
    RejectReason,
    Report,
    SessionEventDone,
)
from trimtab.broker.session import BrokerSession
from trimtab.domain.orders import Side

OPEN, CLOSE = MarketEvent.OPEN, MarketEvent.CLOSE


async def reports(session: BrokerSession, count: int) -> list[Report]:
    return [message for message in await received(session, count) if isinstance(message, Report)]


async def test_a_close_fills_the_days_orders_at_the_closing_price_once(paper: PaperProcess):
    paper.start()
    paper.write_closes(MONDAY, VTI="250.51", BND="72.40")
    async with await paper.connect(1) as session:
        await session.session_event(OPEN, MONDAY)
        await session.send_order(an_order("A1", "VTI", "100"))
        await session.send_order(an_order("A2", "BND", "12.5", Side.SELL))
        assert await session.session_event(CLOSE, MONDAY) == SessionEventDone(CLOSE, MONDAY, 2, 2)
        first, second = await reports(session, 2)
        lines = len(paper.journal().entries)
        assert await session.session_event(CLOSE, MONDAY) == SessionEventDone(CLOSE, MONDAY, 0, 2)
        assert await session.session_event(OPEN, MONDAY) == SessionEventDone(OPEN, MONDAY, 0, 2)
        assert len(paper.journal().entries) == lines
        status = await session.request_status("A2")
    assert isinstance(first, Execution)
    assert isinstance(second, Execution)
    assert (first.quantity, first.price, first.cum_qty, first.leaves_qty) == (100, Decimal("250.51"), 100, 0)
    assert (second.side, second.security_id, second.quantity) == (Side.SELL, "BND", Decimal("12.5"))
    assert first.exec_id != second.exec_id
    assert (status.state, status.cum_qty, status.avg_price) == (
        OrderState.FILLED,
        Decimal("12.5"),
        Decimal("72.4"),
    )
    summary = paper.summary()
    assert (summary.orders, summary.executions, summary.executed_quantity) == (2, 2, Decimal("112.5"))


async def test_a_partial_fill_is_rounded_down_to_whole_shares_and_the_rest_is_done_for_day(paper: PaperProcess):
    paper.start("--fill-ratio", "0.57", "--fills-per-order", "2")
    paper.write_closes(MONDAY, VTI="10")
    async with await paper.connect(1) as session:
        await session.send_order(an_order("A1", quantity="300"))  # 171: 85 and 86
        await session.send_order(an_order("A2", quantity="1"))  # nothing
        await session.session_event(CLOSE, MONDAY)
        got = await reports(session, 4)
        status = await session.request_status("A1")
    fills = [report for report in got if isinstance(report, Execution)]
    assert [(fill.quantity, fill.cum_qty, fill.leaves_qty) for fill in fills] == [(85, 85, 215), (86, 171, 129)]
    assert [report for report in got if isinstance(report, DoneForDay)] == [
        DoneForDay(3, "A1", "PB00000001", Decimal(171), MONDAY),
        DoneForDay(4, "A2", "PB00000002", Decimal(0), MONDAY),
    ]
    assert (status.state, status.cum_qty, status.leaves_qty) == (OrderState.DONE_FOR_DAY, 171, 0)


async def test_a_security_without_a_usable_close_is_not_filled_and_the_others_are(paper: PaperProcess):
    paper.start()
    paper.write_closes(MONDAY, VTI="10", ZERO="0", BAD="n/a")
    async with await paper.connect(1) as session:
        for number, security_id in enumerate(["NONE", "ZERO", "BAD", "VTI"]):
            await session.send_order(an_order(f"A{number}", security_id))
        assert (await session.session_event(CLOSE, MONDAY)).executions == 1
        states = [(await session.request_status(f"A{number}")).state for number in range(4)]
    assert states == [OrderState.DONE_FOR_DAY] * 3 + [OrderState.FILLED]


async def test_a_limit_trades_only_where_the_close_allows_it(paper: PaperProcess):
    paper.start()
    paper.write_closes(MONDAY, VTI="100")
    async with await paper.connect(1) as session:
        await session.send_order(an_order("BUY-AT", limit="100"))
        await session.send_order(an_order("BUY-BELOW", limit="99.99"))
        await session.send_order(an_order("SELL-AT", side=Side.SELL, limit="100"))
        await session.send_order(an_order("SELL-ABOVE", side=Side.SELL, limit="100.01"))
        await session.session_event(CLOSE, MONDAY)
        fills = [report for report in await reports(session, 4) if isinstance(report, Execution)]
    assert [fill.client_order_id for fill in fills] == ["BUY-AT", "SELL-AT"]


async def test_without_the_file_the_close_waits_and_nothing_is_ended(paper: PaperProcess):
    paper.start()
    async with await paper.connect(1) as session:
        await session.send_order(an_order("A1"))
        with pytest.raises(SessionEventDenied, match=r"closes-2026-03-02.csv is missing"):
            await session.session_event(CLOSE, MONDAY)
        (paper.closes_directory / "closes-2026-03-02.csv").write_text("id,price\nVTI,10\n")
        with pytest.raises(SessionEventDenied, match="needs the columns"):
            await session.session_event(CLOSE, MONDAY)
        paper.write_closes(MONDAY, VTI="10")
        assert (await session.session_event(CLOSE, MONDAY)).executions == 1


async def test_a_day_without_orders_closes_without_a_file(paper: PaperProcess):
    paper.start()
    async with await paper.connect(1) as session:
        assert await session.session_event(CLOSE, MONDAY) == SessionEventDone(CLOSE, MONDAY, 0, 0)


async def test_orders_of_a_closed_day_are_rejected_and_the_next_day_ends_what_was_never_closed(paper: PaperProcess):
    paper.start()
    paper.write_closes(TUESDAY, VTI="11")
    async with await paper.connect(1) as session:
        await session.send_order(an_order("MON"))
        await session.send_order(an_order("TUE", business_date=TUESDAY))
        await session.session_event(OPEN, TUESDAY)
        late = await session.send_order(an_order("LATE"))
        await session.session_event(CLOSE, TUESDAY)
        done, fill = await reports(session, 2)
    assert late == OrderRejected("LATE", RejectReason.SESSION_CLOSED)
    assert isinstance(done, DoneForDay)
    assert isinstance(fill, Execution)
    assert (done.client_order_id, done.cum_qty, fill.client_order_id) == ("MON", 0, "TUE")


async def test_a_refused_symbol_is_rejected_with_its_reason(paper: PaperProcess):
    paper.start("--reject", "TSLA")
    async with await paper.connect(1) as session:
        answer = await session.send_order(an_order("A1", "TSLA"))
        assert answer == OrderRejected("A1", RejectReason.SYMBOL_REFUSED)
        status = await session.request_status("A1")
    assert (status.state, status.reason) == (OrderState.REJECTED, RejectReason.SYMBOL_REFUSED)
    assert (paper.summary().orders, paper.summary().rejected) == (0, 1)


async def test_a_cancelled_order_is_not_filled_and_a_closed_one_cannot_be_cancelled(paper: PaperProcess):
    paper.start()
    paper.write_closes(MONDAY, VTI="10")
    async with await paper.connect(1) as session:
        for name in ("A1", "A2", "A3", "A4"):
            await session.send_order(an_order(name))
        assert await session.cancel("A1") == Cancelled(1, "A1", "PB00000001", Decimal(0), MONDAY)
        assert await session.cancel("A1") == CancelRejected("A1", OrderState.CANCELLED)
        assert await session.cancel("A9") == CancelRejected("A9", OrderState.UNKNOWN)
        await session.session_event(CLOSE, MONDAY)
        assert await session.cancel("A2") == CancelRejected("A2", OrderState.FILLED)
        await session.send_order(an_order("B1", business_date=TUESDAY))
        await session.send_order(an_order("B2", business_date=TUESDAY))
        assert (await session.mass_cancel()).orders == 2
        got = await reports(session, 6)
    assert [report.cursor for report in got] == [1, 2, 3, 4, 5, 6]
    assert [type(report) for report in got] == [Cancelled, Execution, Execution, Execution, Cancelled, Cancelled]


async def test_reports_since_a_cursor_have_no_gap_over_days_and_restarts(paper: PaperProcess):
    paper.start()
    paper.write_closes(MONDAY, VTI="10")
    paper.write_closes(TUESDAY, VTI="11")
    async with await paper.connect(1) as session:
        for number in range(300):
            await session.submit_order(an_order(f"M{number}"))
        await session.session_event(CLOSE, MONDAY)
        monday = await reports(session, 300)
    paper.restart()
    async with await paper.connect(2) as session:
        await session.send_order(an_order("T1", business_date=TUESDAY))
        await session.session_event(CLOSE, TUESDAY)
        live = await reports(session, 1)
        assert (await session.executions_since(120)).cursor == 301
        replayed = await reports(session, 181)
        assert (await session.executions_since(301)).cursor == 301
        assert (await session.executions_since(9_999)).cursor == 301  # the caller knows more: see the docstring
    assert [report.cursor for report in replayed] == list(range(121, 302))
    assert replayed == [*monday[120:], *live]


async def test_reports_out_of_order_and_doubled_are_the_same_reports(paper: PaperProcess):
    paper.start("--fault", "out-of-order-reports", "--fault", "duplicate-reports", "--fill-ratio", "0.5")
    paper.write_closes(MONDAY, VTI="10")
    async with await paper.connect(1) as session:
        await session.send_order(an_order("A1"))
        assert (await session.session_event(CLOSE, MONDAY)).executions == 1
        got = await reports(session, 4)
    assert [report.cursor for report in got] == [2, 2, 1, 1]
    assert got[2] == got[3]
    assert paper.summary().executions == 1


async def test_a_doubled_acknowledgement_answers_one_order_and_the_other_is_handed_out(paper: PaperProcess):
    paper.start("--fault", "duplicate-ack")
    async with await paper.connect(1) as session:
        accepted = await session.send_order(an_order("A1"))
        assert await anext(session) == accepted


async def test_a_delayed_acknowledgement_may_come_after_the_fill(paper: PaperProcess):
    paper.start("--fault", "delayed-ack=0.2")
    paper.write_closes(MONDAY, VTI="10")
    async with await paper.connect(1) as session:
        reply = await session.submit_order(an_order("A1"))
        await session.session_event(CLOSE, MONDAY)
        assert isinstance(await anext(session), Execution)
        assert not reply.done()
        assert await reply == OrderAccepted("A1", "PB00000001")
