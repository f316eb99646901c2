"""Get or compute: a stage's work is done once, and every move has one record and one event."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.activities.small_book import BUILD, SmallBook
from trimtab.contracts import AccountDayRef, StageOutcome
from trimtab.db.records import verify_chains
from trimtab.db.stages import OutOfStep, StageResult, adopt, get_or_compute, how_it_ended, newest_result
from trimtab.db.tables import account_day
from trimtab.domain.lifecycle import Stage, Standstill, TerminalState

INGESTED = StageOutcome(Stage.INGEST, Stage.VALIDATE)


def _ingest(book: SmallBook, ref: AccountDayRef, inputs: object, calls: list[object]) -> StageOutcome:
    def compute() -> StageResult:
        calls.append(inputs)
        return StageResult(INGESTED, {"holdings": "h1"})

    with book.transaction() as connection:
        return get_or_compute(connection, ref, Stage.INGEST, inputs, compute, build=BUILD)


def test_a_repeated_stage_adopts_its_first_result(book: SmallBook) -> None:
    book.opened()
    ref, calls = book.ref(), list[object]()
    assert [_ingest(book, ref, {"n": 1}, calls) for _ in range(3)] == [INGESTED] * 3
    assert calls == [{"n": 1}]
    assert book.records(ref) == ["STAGE_INGEST"]
    assert [body["next"] for body in book.events("STAGE_CHANGED")] == ["validate"]


def test_two_workers_at_once_compute_one_result(book: SmallBook) -> None:
    """Activities run at least once: the account-day's lock lets one compute and the other adopt."""
    book.opened()
    ref, calls = book.ref(), list[object]()
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda _: _ingest(book, ref, {"n": 1}, calls), range(8)))
    assert results == [INGESTED] * 8
    assert len(calls) == 1
    assert book.records(ref) == ["STAGE_INGEST"]


def test_a_stage_that_is_passed_is_adopted_whatever_its_inputs_are_now(book: SmallBook) -> None:
    book.opened()
    ref, calls = book.ref(), list[object]()
    _ingest(book, ref, {"n": 1}, calls)
    assert _ingest(book, ref, {"n": 2}, calls) == INGESTED
    assert calls == [{"n": 1}]


def test_a_stage_visited_again_with_equal_inputs_is_not_computed_again_but_recorded_again(book: SmallBook) -> None:
    book.opened()
    ref, calls = book.ref(), list[object]()
    _ingest(book, ref, {"n": 1}, calls)
    book.step(ref, StageOutcome(Stage.VALIDATE, Stage.INGEST))
    assert _ingest(book, ref, {"n": 1}, calls) == INGESTED
    assert calls == [{"n": 1}]
    assert book.records(ref) == ["STAGE_INGEST", "STAGE_VALIDATE", "STAGE_INGEST"]
    assert book.day(ref).stage == "validate"


def test_a_stage_that_is_not_reached_is_an_error(book: SmallBook) -> None:
    book.opened()
    with book.transaction() as connection, pytest.raises(OutOfStep):
        adopt(connection, book.ref(), Stage.FILTER)


def test_a_failed_stage_leaves_nothing_behind(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()

    def compute() -> StageResult:
        raise ValueError("a defect")

    with pytest.raises(ValueError, match="a defect"), book.transaction() as connection:
        get_or_compute(connection, ref, Stage.INGEST, {}, compute)
    assert (book.day(ref).stage, book.records(ref), book.events("STAGE_CHANGED")) == ("ingest", [], [])


def test_a_superseded_attempt_ends_without_a_state(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    with book.transaction() as connection:
        connection.execute(account_day.update().values(current=False))
    with book.transaction() as connection:
        outcome = get_or_compute(connection, ref, Stage.INGEST, {}, lambda: StageResult(INGESTED))
    assert (outcome.next, outcome.terminal, outcome.code) == (None, None, "SUPERSEDED")


def test_how_the_day_ended_is_what_its_last_stage_said(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    book.suspended(ref)
    with book.transaction() as connection:
        assert how_it_ended(connection, ref) is None
    held = StageOutcome(Stage.INGEST, Stage.RECORD, terminal=TerminalState.HELD, code="PRIOR_ORDER_OPEN")
    other = book.ref("A2")
    book.step(other, held)
    with book.transaction() as connection:
        ended = how_it_ended(connection, other)
        assert ended is not None
        assert ended.outcome == held
        newest = newest_result(connection, ref, Stage.VALIDATE)
        assert newest is not None
        assert newest.outcome.next == Standstill.SUSPENDED


@pytest.mark.covers("R1", "R2")
def test_the_records_of_a_day_form_one_chain(book: SmallBook) -> None:
    book.opened()
    book.in_review(book.ref())
    with book.transaction() as connection:
        assert verify_chains(connection) == (4, [])
