"""A suspended account-day waits for the end of its suspension, or for the cut-off."""

from tests.activities.small_book import BUILD, SmallBook
from trimtab.activities.suspended import suspended
from trimtab.contracts import AccountDayRef, StageOutcome
from trimtab.domain.lifecycle import MarketEventKind, Stage, Standstill, TerminalState


def _look(book: SmallBook, ref: AccountDayRef) -> StageOutcome:
    with book.transaction() as connection:
        return suspended(connection, ref, build=BUILD)


def test_it_waits_while_the_suspension_stands(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    book.suspended(ref)
    assert _look(book, ref).next == Standstill.SUSPENDED
    assert book.records(ref) == ["STAGE_INGEST", "STAGE_VALIDATE"]


def test_lifted_it_is_validated_again(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    book.lift(book.suspended(ref))
    assert _look(book, ref).next is Stage.VALIDATE
    assert book.day(ref).stage == "validate"


def test_each_lifting_is_answered_once(book: SmallBook) -> None:
    """The fault is still in the data: validation suspends it again, and the old lifting does not free it again."""
    book.opened()
    ref = book.ref()
    book.lift(book.suspended(ref))
    assert _look(book, ref).next is Stage.VALIDATE
    book.step(ref, StageOutcome(Stage.VALIDATE, Standstill.SUSPENDED, code="LOT_MISMATCH"))
    assert _look(book, ref).next == Standstill.SUSPENDED


def test_one_of_two_suspensions_lifted_is_not_enough(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    first = book.suspended(ref)
    book.suspend("A1", "ADVISOR")
    book.lift(first)
    assert _look(book, ref).next == Standstill.SUSPENDED


def test_at_the_cut_off_it_ends_with_the_code_of_its_cause(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    book.suspended(ref, "UNKNOWN_SECURITY")
    book.publish(MarketEventKind.RUN_START)
    assert _look(book, ref).next == Standstill.SUSPENDED
    book.publish(MarketEventKind.CUT_OFF)
    outcome = _look(book, ref)
    assert (outcome.next, outcome.terminal, outcome.code) == (
        Stage.RECORD,
        TerminalState.SUSPENDED,
        "UNKNOWN_SECURITY",
    )
    assert outcome.reason == "lots and position differ"


def test_suspended_after_the_cut_off_it_ends_at_once(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    book.publish(MarketEventKind.CUT_OFF)
    book.suspended(ref)
    assert _look(book, ref).terminal is TerminalState.SUSPENDED


def test_a_refresh_reads_the_account_anew(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    book.suspended(ref)
    book.decide(ref, "REFRESH", "")
    assert _look(book, ref).next is Stage.INGEST


def test_compliance_clears_what_a_filter_suspended(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    digest = book.analysed(ref)
    book.step(ref, StageOutcome(Stage.FILTER, Standstill.SUSPENDED, code="FILTER_SUSPEND"))
    assert _look(book, ref).next == Standstill.SUSPENDED
    book.decide(ref, "CLEAR", digest, actor="cora", actor_roles=["compliance"])
    assert _look(book, ref).next is Stage.FILTER


def test_compliance_does_not_clear_a_suspension_row(book: SmallBook) -> None:
    """Rows are lifted by those who may: clearing the filters is another matter."""
    book.opened()
    ref = book.ref()
    book.suspended(ref)
    book.decide(ref, "CLEAR", "", actor="cora", actor_roles=["compliance"])
    assert _look(book, ref).next == Standstill.SUSPENDED
