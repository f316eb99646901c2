"""A step that fails parks its account-day, with one alert, and is given up when its time is over."""

import pytest
from sqlalchemy import insert

from tests.activities.small_book import BUILD, SmallBook, an_intent
from trimtab.activities.blocked import block, give_up
from trimtab.activities.record import record_day
from trimtab.activities.review import review
from trimtab.contracts import AccountDayRef, BlockedStep, StageOutcome
from trimtab.db.tables import blocked_step, intent
from trimtab.domain.lifecycle import Lane, MarketEventKind, Place, Stage, Standstill, TerminalState


def _fault(ref: AccountDayRef, stage: Place = Stage.INGEST, tries: int = 1) -> BlockedStep:
    return BlockedStep(ref, stage, "CONTENT_CHANGED", "deterministic", "the stored content was changed", tries)


def _block(book: SmallBook, fault: BlockedStep) -> StageOutcome:
    with book.transaction() as connection:
        return block(connection, fault)


def _give_up(book: SmallBook, ref: AccountDayRef, stage: Place = Stage.INGEST) -> StageOutcome:
    with book.transaction() as connection:
        return give_up(connection, ref, stage)


@pytest.mark.covers("H6")
def test_a_blocked_step_is_told_once_for_all_accounts(book: SmallBook) -> None:
    book.opened()
    for name in ("A1", "A2"):
        for tries in (1, 2):
            assert _block(book, _fault(book.ref(name), tries=tries)).next == Standstill.BLOCKED
    assert book.alerts() == [("BLOCKED_CONTENT_CHANGED", "ingest")]
    assert len(book.events("BLOCKED")) == 2
    assert book.records(book.ref()) == ["STAGE_BLOCKED"]
    day = book.day(book.ref())
    assert (day.stage, day.blocked_stage) == ("blocked", "ingest")
    with book.transaction() as connection:
        rows = connection.execute(blocked_step.select()).all()
    assert {(row.tries, row.resolved) for row in rows} == {(2, False)}


def test_a_retried_step_that_works_resolves_its_block(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    _block(book, _fault(ref))
    book.step(ref, StageOutcome(Stage.INGEST, Stage.VALIDATE))
    day = book.day(ref)
    assert (day.stage, day.blocked_stage) == ("validate", None)
    with book.transaction() as connection:
        assert connection.execute(blocked_step.select()).one().resolved


def test_it_is_not_given_up_before_its_time_is_over(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    _block(book, _fault(ref))
    book.publish(MarketEventKind.RUN_START)
    assert _give_up(book, ref).next == Standstill.BLOCKED


def test_at_the_cut_off_it_ends_held_with_its_stage(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    _block(book, _fault(ref))
    book.publish(MarketEventKind.CUT_OFF)
    outcome = _give_up(book, ref)
    assert (outcome.next, outcome.terminal, outcome.code) == (Stage.RECORD, TerminalState.HELD, "BLOCKED_INGEST")
    with book.transaction() as connection:
        assert record_day(connection, ref, build=BUILD).terminal is TerminalState.HELD
    day = book.day(ref)
    assert (day.terminal_state, day.terminal_code) == ("HELD", "BLOCKED_INGEST")


def test_committed_orders_are_never_given_up_here(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    digest = book.at_approve(ref, Lane.AUTOMATED)
    book.step(ref, StageOutcome(Stage.APPROVE, Stage.TRADE))
    _block(book, _fault(ref, Stage.TRADE))
    book.publish(MarketEventKind.CLOSE)
    with book.transaction() as connection:
        connection.execute(insert(intent).values(an_intent(ref, digest)))
    assert _give_up(book, ref, Stage.TRADE).next == Standstill.BLOCKED


def test_a_trade_that_was_never_committed_is(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    book.at_approve(ref, Lane.AUTOMATED)
    book.step(ref, StageOutcome(Stage.APPROVE, Stage.TRADE))
    _block(book, _fault(ref, Stage.TRADE))
    book.publish(MarketEventKind.CLOSE)
    assert _give_up(book, ref, Stage.TRADE).code == "BLOCKED_TRADE"


def test_a_review_that_cannot_be_looked_at_expires(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    book.in_review(ref)
    _block(book, _fault(ref, Stage.REVIEW))
    book.publish(MarketEventKind.REVIEW_EXPIRY)
    assert _give_up(book, ref, Stage.REVIEW).terminal is TerminalState.EXPIRED


def test_a_review_that_can_be_looked_at_again_waits_on_in_review(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    book.in_review(ref)
    _block(book, _fault(ref, Stage.REVIEW))
    with book.transaction() as connection:
        assert review(connection, ref, build=BUILD).next == Standstill.REVIEW
    assert (book.day(ref).stage, book.day(ref).blocked_stage) == ("review", None)


def test_record_has_nothing_to_end_and_stays_blocked(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    held = StageOutcome(Stage.INGEST, Stage.RECORD, terminal=TerminalState.HELD, code="PRIOR_ORDER_OPEN")
    book.step(ref, held)
    _block(book, _fault(ref, Stage.RECORD))
    book.publish(MarketEventKind.DAY_END)
    assert _give_up(book, ref, Stage.RECORD).next == Standstill.BLOCKED


def test_a_step_that_worked_after_all_is_not_blocked(book: SmallBook) -> None:
    """Its activity was cut short, but its transaction had committed."""
    book.opened()
    ref = book.ref()
    book.step(ref, StageOutcome(Stage.INGEST, Stage.VALIDATE))
    assert _block(book, _fault(ref)).next is Stage.VALIDATE
    assert book.day(ref).stage == "validate"
    assert book.alerts() == []
