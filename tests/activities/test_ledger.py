"""The completeness ledger: every account of the roster is where it should be, or an alert names it (H4)."""

import pytest
from sqlalchemy import insert

from tests.activities.small_book import DAY, FIRM, SmallBook
from trimtab.activities.ledger import incomplete, report_incomplete
from trimtab.contracts import EventRef, RunRef, StageOutcome, run_id
from trimtab.db.tables import account
from trimtab.domain.lifecycle import MarketEventKind, Stage, TerminalState

RUN = RunRef(FIRM, run_id(FIRM, DAY), DAY)
CUT_OFF = EventRef(RUN, "e", MarketEventKind.CUT_OFF)
DAY_END = EventRef(RUN, "e", MarketEventKind.DAY_END)


def _late(book: SmallBook, event: EventRef) -> list[str]:
    with book.transaction() as connection:
        return [row.account_id for row in incomplete(connection, event)]


def _finish(book: SmallBook, name: str) -> None:
    outcome = StageOutcome(Stage.INGEST, Stage.RECORD, terminal=TerminalState.HELD, code="PRIOR_ORDER_OPEN")
    book.step(book.ref(name), outcome)
    book.step(book.ref(name), StageOutcome(Stage.RECORD, None, terminal=TerminalState.HELD, code=outcome.code))


def test_after_the_cut_off_reviews_may_wait_and_nothing_else(book: SmallBook) -> None:
    book.opened()
    book.in_review(book.ref("A1"))
    _finish(book, "A2")
    assert _late(book, CUT_OFF) == ["A3"]
    assert _late(book, DAY_END) == ["A1", "A3"]


@pytest.mark.covers("H4")
def test_each_late_or_missing_account_is_named_once(book: SmallBook) -> None:
    book.opened()
    _finish(book, "A2")
    with book.transaction() as connection:
        connection.execute(
            insert(account).values(firm_id=FIRM, account_id="A9", household_id="H2", advisor_id="ann", profile={})
        )
    for _ in range(2):
        with book.transaction() as connection:
            assert report_incomplete(connection, DAY_END) == 3
    assert sorted(book.alerts()) == [("INCOMPLETE_AT_DAY_END", name) for name in ("A1", "A3", "A9")]


def test_a_complete_day_alerts_nobody(book: SmallBook) -> None:
    book.opened()
    for name in ("A1", "A2", "A3"):
        _finish(book, name)
    with book.transaction() as connection:
        assert report_incomplete(connection, DAY_END) == 0
    assert book.alerts() == []
    assert [body["outcomes"] for body in book.events("LEDGER_CHECKED")] == [{"HELD": 3}]
