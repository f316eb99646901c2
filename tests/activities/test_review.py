"""What ends the wait in review: a decision row, a suspension, a revised proposal, or the clock."""

import pytest

from tests.activities.small_book import BUILD, SmallBook, a_buy, a_proposal
from trimtab.activities.review import review
from trimtab.contracts import AccountDayRef, StageOutcome
from trimtab.domain.lifecycle import Lane, MarketEventKind, Stage, Standstill, TerminalState


def _look(book: SmallBook, ref: AccountDayRef) -> StageOutcome:
    with book.transaction() as connection:
        return review(connection, ref, build=BUILD)


def test_without_anything_new_it_waits_on_and_writes_nothing(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    book.in_review(ref)
    before = book.day(ref).version
    outcome = _look(book, ref)
    assert (outcome.stage, outcome.next, outcome.lane) == ("review", "review", Lane.REVIEW)
    assert book.day(ref).version == before
    assert book.records(ref)[-1] == "STAGE_FILTER"


def test_an_accepted_approval_goes_on_to_approve(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    digest = book.in_review(ref)
    book.decide(ref, "APPROVE", digest)
    assert _look(book, ref).next is Stage.APPROVE
    assert (book.day(ref).stage, book.records(ref)[-1]) == ("approve", "STAGE_REVIEW")


def test_an_approval_of_another_proposal_does_not_count(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    book.in_review(ref)
    book.decide(ref, "APPROVE", "another-hash")
    assert _look(book, ref).next == Standstill.REVIEW


def test_a_refused_decision_does_not_count(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    digest = book.in_review(ref)
    book.decide(ref, "REJECT", digest, status="REFUSED", refusal="STALE_VERSION")
    assert _look(book, ref).next == Standstill.REVIEW


def test_a_rejection_ends_the_day_with_its_reason(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    book.decide(ref, "REJECT", book.in_review(ref), reason="the client is buying a house")
    outcome = _look(book, ref)
    assert (outcome.next, outcome.terminal) == (Stage.RECORD, TerminalState.REJECTED)
    assert outcome.reason == "the client is buying a house"


def test_the_first_decision_counts(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    digest = book.in_review(ref)
    book.decide(ref, "REJECT", digest)
    book.decide(ref, "APPROVE", digest)
    assert _look(book, ref).terminal is TerminalState.REJECTED


@pytest.mark.parametrize("kind", [MarketEventKind.REVIEW_EXPIRY, MarketEventKind.DAY_END])
def test_a_review_expires_with_the_clock(book: SmallBook, kind: MarketEventKind) -> None:
    book.opened()
    ref = book.ref()
    book.in_review(ref)
    book.publish(MarketEventKind.RUN_START, MarketEventKind.CUT_OFF, MarketEventKind.OPEN)
    assert _look(book, ref).next == Standstill.REVIEW
    book.publish(kind)
    assert _look(book, ref).terminal is TerminalState.EXPIRED


def test_a_decision_made_in_time_counts_though_the_clock_has_passed(book: SmallBook) -> None:
    """It was accepted while the account-day was open: what came first is in the rows, not in the signals' order."""
    book.opened()
    ref = book.ref()
    book.decide(ref, "APPROVE", book.in_review(ref))
    book.publish(MarketEventKind.REVIEW_EXPIRY)
    assert _look(book, ref).next is Stage.APPROVE


def test_a_suspension_takes_the_account_out_of_review(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    book.in_review(ref)
    book.suspend("A1", "COMPLIANCE", "COMPLIANCE")
    outcome = _look(book, ref)
    assert (outcome.next, outcome.code) == (Standstill.SUSPENDED, "COMPLIANCE")


def test_a_suspension_of_another_account_does_not(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    book.in_review(ref)
    book.suspend("A2")
    assert _look(book, ref).next == Standstill.REVIEW


def test_above_the_firms_limit_two_persons_approve(book: SmallBook) -> None:
    """The limit is $250,000: 2,500 shares at $100 stay within it, 2,501 do not."""
    book.opened()
    within, above = book.ref("A1"), book.ref("A2")
    digest = book.in_review(within, a_proposal(within, (a_buy(2_500, 100),)))
    book.decide(within, "APPROVE", digest)
    assert _look(book, within).next is Stage.APPROVE

    digest = book.in_review(above, a_proposal(above, (a_buy(2_501, 100),)))
    book.decide(above, "APPROVE", digest, actor="rob")
    assert _look(book, above).next == Standstill.REVIEW
    book.decide(above, "APPROVE", digest, actor="rob")
    assert _look(book, above).next == Standstill.REVIEW
    book.decide(above, "APPROVE", digest, actor="cora", actor_roles=["compliance"])
    assert _look(book, above).next is Stage.APPROVE


def test_a_refresh_is_answered_once(book: SmallBook) -> None:
    """Back in review with the same proposal, the old decision does not send the account round again."""
    book.opened()
    ref = book.ref()
    book.decide(ref, "REFRESH", book.in_review(ref))
    assert _look(book, ref).next is Stage.INGEST
    assert book.day(ref).stage == "ingest"
    book.in_review(ref)
    assert _look(book, ref).next == Standstill.REVIEW


def test_a_cleared_account_goes_through_the_filters_again(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    book.decide(ref, "CLEAR", book.in_review(ref), actor="cora", actor_roles=["compliance"])
    assert _look(book, ref).next is Stage.FILTER


def test_a_revised_proposal_goes_through_the_filters_again(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    book.in_review(ref)
    with book.transaction() as connection:
        connection.exec_driver_sql("UPDATE account_day SET proposal_hash = 'revised'")
    assert _look(book, ref).next is Stage.FILTER


def test_a_look_repeated_after_its_answer_gives_the_answer(book: SmallBook) -> None:
    """The worker died after the commit: Temporal runs the activity again."""
    book.opened()
    ref = book.ref()
    book.decide(ref, "APPROVE", book.in_review(ref))
    assert [_look(book, ref).next for _ in range(3)] == [Stage.APPROVE] * 3
    assert book.records(ref).count("STAGE_REVIEW") == 1
