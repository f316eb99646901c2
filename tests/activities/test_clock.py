"""The run's clock: it opens on sessions only, ticks in order, and on the stepped clock when the phase has drained."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert, select

from tests.activities.small_book import DAY, FIRM, SmallBook, an_intent
from trimtab.activities.clock import BusinessDateMissing, close_run, next_event, open_run, publish_event, tell_stalled
from trimtab.contracts import DayRequest, EventRef, RunRef, StageOutcome, run_id
from trimtab.db import runs
from trimtab.db.tables import account_day, block, intent, market_event, outbox, run
from trimtab.domain.lifecycle import MarketEventKind, Stage, TerminalState

KINDS = ["RUN_START", "CUT_OFF", "OPEN", "REVIEW_EXPIRY", "RELEASE", "CLOSE", "DAY_END"]


def _next(book: SmallBook, ref: RunRef) -> tuple[str | None, bool]:
    with book.transaction() as connection:
        tick, known = next_event(connection, ref)
    return (None if tick is None else str(tick.kind)), known


def _everybody_stands_still(book: SmallBook) -> None:
    for name in ("A1", "A2", "A3"):
        book.step(book.ref(name), StageOutcome(Stage.INGEST, Stage.RECORD, terminal=TerminalState.HELD, code="X"))
        book.step(book.ref(name), StageOutcome(Stage.RECORD, None, terminal=TerminalState.HELD, code="X"))
    with book.transaction() as connection:
        connection.execute(outbox.update().values(sent_at=datetime.now(UTC)))


def test_a_date_without_a_session_is_one_row_and_nothing_else(book: SmallBook) -> None:
    """Sunday, 1 March 2026."""
    sunday = date(2026, 3, 1)
    with book.transaction() as connection:
        opened = open_run(connection, DayRequest(FIRM, sunday))
        assert not opened.session
        assert connection.scalar(select(run.c.status)) == "NO_SESSION"
        assert connection.execute(select(market_event)).all() == []
        assert connection.execute(select(account_day)).all() == []


def test_a_session_gets_its_events_once(book: SmallBook) -> None:
    for _ in range(2):
        with book.transaction() as connection:
            opened = open_run(connection, DayRequest(FIRM, DAY))
            assert (opened.session, opened.stepped, opened.started) == (True, True, False)
    with book.transaction() as connection:
        rows = connection.execute(select(market_event).order_by(market_event.c.ordinal)).all()
        assert connection.scalar(select(run.c.as_of)) == date(2026, 3, 2)
    assert [row.kind for row in rows] == KINDS
    assert len(book.events("RUN_OPENED")) == 1


def test_a_run_whose_row_was_written_before_keeps_its_own_clock_and_hold(book: SmallBook) -> None:
    ref = RunRef(FIRM, run_id(FIRM, DAY), DAY)
    with book.transaction() as connection:
        runs.insert_run(connection, ref, as_of=date(2026, 3, 2), clock_mode="market", status="OPEN")
        assert not open_run(connection, DayRequest(FIRM, DAY)).stepped
        kinds = list(connection.scalars(select(market_event.c.kind)))
    assert kinds.count("RELEASE") == 25  # every quarter of an hour from 9:30 to 15:15, and one after the expiry


def test_the_schedules_instant_is_read_in_new_york(book: SmallBook) -> None:
    """04:30 UTC on 3 March is still the evening of 2 March there."""
    with book.transaction() as connection:
        opened = open_run(connection, DayRequest(FIRM, scheduled_at=datetime(2026, 3, 3, 4, 30, tzinfo=UTC)))
        assert opened.run.business_date == date(2026, 3, 2)
        with pytest.raises(BusinessDateMissing):
            open_run(connection, DayRequest(FIRM))


def test_the_market_clock_says_how_long_to_sleep(book: SmallBook) -> None:
    far = date(2090, 3, 1)  # a session of the far future, a Wednesday
    ref = RunRef(FIRM, run_id(FIRM, far), far)
    with book.transaction() as connection:
        runs.insert_run(connection, ref, as_of=far, clock_mode="market", status="OPEN")
        runs.insert_market_events(
            connection,
            ref,
            [{"event_id": "e1", "kind": "RUN_START", "ordinal": 1, "at": datetime(2090, 3, 1, tzinfo=UTC)}],
        )
        tick, known = next_event(connection, ref)
    assert known
    assert tick is not None
    assert tick.wait > timedelta(days=10_000)


def test_the_stepped_clock_waits_for_account_days_that_move(book: SmallBook) -> None:
    ref = book.opened()
    assert _next(book, ref) == (None, False)
    _everybody_stands_still(book)
    assert _next(book, ref) == ("RUN_START", True)


def test_it_waits_for_commands_that_are_not_delivered(book: SmallBook) -> None:
    ref = book.opened()
    _everybody_stands_still(book)
    with book.transaction() as connection:
        connection.execute(insert(outbox).values(firm_id=FIRM, kind="signal", workflow_id="w", signal="decide"))
    assert _next(book, ref) == (None, False)


def test_it_waits_while_a_person_holds_it(book: SmallBook) -> None:
    ref = book.opened()
    _everybody_stands_still(book)
    with book.transaction() as connection:
        runs.set_run(connection, ref, hold_before="CUT_OFF")
    book.publish(MarketEventKind.RUN_START)
    assert _next(book, ref) == (None, False)
    with book.transaction() as connection:
        runs.set_run(connection, ref, hold_before=None)
    assert _next(book, ref) == ("CUT_OFF", True)


def test_it_waits_for_a_decision_that_a_lifecycle_is_about_to_answer(book: SmallBook) -> None:
    ref = book.opened()
    for name in ("A2", "A3"):
        book.suspended(book.ref(name))
    digest = book.in_review(book.ref())
    assert _next(book, ref) == ("RUN_START", True)
    book.decide(book.ref(), "APPROVE", digest)
    assert _next(book, ref) == (None, False)


def test_it_waits_for_a_suspension_that_was_lifted(book: SmallBook) -> None:
    ref = book.opened()
    suspensions = [book.suspended(book.ref(name)) for name in ("A1", "A2", "A3")]
    assert _next(book, ref) == ("RUN_START", True)
    book.lift(suspensions[0])
    assert _next(book, ref) == (None, False)


@pytest.mark.parametrize(("status", "due"), [("READY", False), ("SENDING", False), ("SENT", False), ("ACKED", True)])
def test_the_close_waits_for_the_brokers_acknowledgements(book: SmallBook, status: str, due: bool) -> None:
    ref = book.opened()
    _everybody_stands_still(book)
    book.publish(*(MarketEventKind(kind) for kind in KINDS[:5]))
    with book.transaction() as connection:
        connection.execute(
            insert(block).values(
                firm_id=FIRM,
                client_order_id="b1",
                run_id=ref.run_id,
                business_date=DAY,
                release=1,
                broker="paper",
                programme="CORE",
                security_id="S1",
                side="BUY",
                quantity=10,
                status=status,
            )
        )
    assert _next(book, ref) == (("CLOSE", True) if due else (None, False))


def _in_trade(book: SmallBook) -> None:
    with book.transaction() as connection:
        connection.execute(
            account_day.update().where(account_day.c.account_id == "A1").values(terminal_state=None, stage="trade")
        )


def test_the_cut_off_waits_for_an_account_that_has_not_committed_its_orders(book: SmallBook) -> None:
    """Committing them may find a household member's trade of the day, and send the account back to ingest."""
    ref = book.opened()
    _everybody_stands_still(book)
    book.publish(MarketEventKind.RUN_START)
    _in_trade(book)
    assert _next(book, ref) == (None, False)
    with book.transaction() as connection:
        connection.execute(insert(intent).values(an_intent(book.ref(), "0" * 64)))
    assert _next(book, ref) == ("CUT_OFF", True)


def test_the_day_ends_when_nobody_is_in_trade(book: SmallBook) -> None:
    ref = book.opened()
    _everybody_stands_still(book)
    book.publish(*(MarketEventKind(kind) for kind in KINDS[:6]))
    _in_trade(book)
    with book.transaction() as connection:
        connection.execute(insert(intent).values(an_intent(book.ref(), "0" * 64)))
    assert _next(book, ref) == (None, False)
    with book.transaction() as connection:
        tell_stalled(connection, ref)
    assert book.alerts() == [("CLOCK_STALLED_BEFORE_DAY_END", ref.run_id)]


def test_an_event_is_published_once_and_told_to_whom_it_may_concern(book: SmallBook) -> None:
    ref = book.opened()
    book.in_review(book.ref("A1"))
    book.suspended(book.ref("A2"))
    event = EventRef(ref, f"{ref.run_id}-02-CUT_OFF", MarketEventKind.CUT_OFF)
    with book.transaction() as connection:
        assert publish_event(connection, event)
    with book.transaction() as connection:
        assert not publish_event(connection, event)
    told = [(book.ref(name).workflow_id, "market") for name in ("A2", "A3")]
    assert book.commands() == told  # the review has no business with the cut-off
    assert len(book.events("MARKET_EVENT")) == 1


def test_releases_are_signalled_to_nobody(book: SmallBook) -> None:
    book.opened()
    book.publish(MarketEventKind.OPEN, MarketEventKind.RELEASE)
    assert book.commands() == []


def test_a_closed_run_knows_what_its_stages_took(book: SmallBook) -> None:
    ref = book.opened()
    _everybody_stands_still(book)
    for _ in range(2):
        with book.transaction() as connection:
            close_run(connection, ref)
    with book.transaction() as connection:
        row = runs.run_row(connection, ref)
    assert row.status == "DONE"
    assert {"ingest", "record", "total"} <= set(row.seconds)
    assert [body["outcomes"] for body in book.events("RUN_DONE")] == [{"HELD": 3}]
