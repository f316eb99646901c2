"""Pages: whole households, account-days opened once, and what earlier days left open is closed."""

from datetime import date

import pytest
from sqlalchemy import insert, select

from tests.activities.small_book import BEFORE, DAY, FIRM, SmallBook, an_intent
from trimtab.activities.clock import open_run
from trimtab.activities.pages import open_page, plan_pages
from trimtab.contracts import DayRequest, Page, PlanRequest, RunRef, StageOutcome, run_id
from trimtab.db.tables import account, firm, household, intent
from trimtab.domain.lifecycle import Lane, Stage

RUN = RunRef(FIRM, run_id(FIRM, DAY), DAY)


def _open_page(book: SmallBook, run: RunRef, lifecycles: bool = True) -> list[str]:
    with book.transaction() as connection:
        page = Page(run, 1, ("H1", "H2"), lifecycles)
        return [day.account_day_id for day in open_page(connection, page)]


def test_pages_hold_whole_households(book: SmallBook) -> None:
    """H1 has two accounts, H2 one; a page of two holds H1 alone."""
    book.opened()
    with book.transaction() as connection:
        plan = plan_pages(connection, PlanRequest(RUN, page_size=2, limit=20))
    assert [page.household_ids for page in plan.pages] == [("H1",), ("H2",)]
    assert [page.number for page in plan.pages] == [1, 2]
    assert plan.done


def test_a_household_larger_than_a_page_is_not_split(book: SmallBook) -> None:
    book.opened()
    with book.transaction() as connection:
        plan = plan_pages(connection, PlanRequest(RUN, page_size=1, limit=20))
    assert [page.household_ids for page in plan.pages] == [("H1",), ("H2",)]


def test_planning_goes_on_where_it_stopped(book: SmallBook) -> None:
    book.opened()
    with book.transaction() as connection:
        first = plan_pages(connection, PlanRequest(RUN, page_size=1, limit=1))
        second = plan_pages(connection, PlanRequest(RUN, 1, 1, first.after, first.number))
    assert ([page.household_ids for page in first.pages], first.done) == ([("H1",)], False)
    assert ([page.household_ids for page in second.pages], second.done) == ([("H2",)], True)
    assert second.pages[0].number == 2


@pytest.mark.parametrize(("policy", "lifecycles"), [("always", False), ("never", True), ("auto", True)])
def test_the_firm_says_whether_every_account_has_a_lifecycle(book: SmallBook, policy: str, lifecycles: bool) -> None:
    book.opened()
    with book.transaction() as connection:
        connection.execute(firm.update().values(lifecycle_pages=policy))
        plan = plan_pages(connection, PlanRequest(RUN, 500, 20))
    assert {page.lifecycles for page in plan.pages} == {lifecycles}


def test_many_households_are_planned_without_a_gap(book: SmallBook) -> None:
    book.opened()
    more = [f"I{number:03d}" for number in range(97)]
    with book.transaction() as connection:
        connection.execute(insert(household), [{"firm_id": FIRM, "household_id": each} for each in more])
        connection.execute(
            insert(account),
            [
                {"firm_id": FIRM, "account_id": f"A-{each}", "household_id": each, "advisor_id": "ann", "profile": {}}
                for each in more
            ],
        )
    planned: list[str] = []
    request = PlanRequest(RUN, page_size=4, limit=3)
    while True:
        with book.transaction() as connection:
            plan = plan_pages(connection, request)
        planned += [home for page in plan.pages for home in page.household_ids]
        if plan.done:
            break
        request = PlanRequest(RUN, 4, 3, plan.after, plan.number)
    assert planned == ["H1", "H2", *more]


@pytest.mark.covers("A3")
def test_every_account_gets_one_account_day_and_one_start(book: SmallBook) -> None:
    _bare_run(book, DAY)
    assert _open_page(book, RUN) == [f"{name}-2026-03-03-1" for name in ("A1", "A2", "A3")]
    assert book.commands() == [(book.ref(name).workflow_id, None) for name in ("A1", "A2", "A3")]


def test_a_page_opened_again_starts_nothing_twice(book: SmallBook) -> None:
    tomorrow = date(2026, 3, 4)
    book.opened()
    run = RunRef(FIRM, run_id(FIRM, tomorrow), tomorrow)
    _bare_run(book, tomorrow)
    days = [_open_page(book, run) for _ in range(2)]
    assert days[0] == days[1] == [f"{name}-2026-03-04-1" for name in ("A1", "A2", "A3")]
    starts = [workflow for workflow, signal in book.commands() if signal is None]
    assert starts == [f"account-lifecycle/{FIRM}/{name}/2026-03-04/1" for name in ("A1", "A2", "A3")]
    with book.transaction() as connection:
        assert set(connection.scalars(select(account.c.current_run))) == {run.run_id}


def test_a_page_without_lifecycles_starts_none(book: SmallBook) -> None:
    _bare_run(book, DAY)
    assert len(_open_page(book, RUN, lifecycles=False)) == 3
    assert book.commands() == []


def test_what_yesterday_left_open_ends_as_what_it_waited_for(book: SmallBook) -> None:
    book.opened(BEFORE)
    book.in_review(book.ref("A1", BEFORE))
    book.suspended(book.ref("A2", BEFORE))
    _bare_run(book, DAY)
    _open_page(book, RUN)
    ended = {
        name: (row.terminal_state, row.terminal_code)
        for name in ("A1", "A2", "A3")
        if (row := book.day(book.ref(name, BEFORE)))
    }
    assert ended == {"A1": ("EXPIRED", None), "A2": ("SUSPENDED", "LEFT_OPEN"), "A3": ("HELD", "BLOCKED_INGEST")}
    assert (book.ref("A1", BEFORE).workflow_id, "supersede") in book.commands()


def test_committed_trades_of_yesterday_are_left_to_the_broker(book: SmallBook) -> None:
    book.opened(BEFORE)
    ref = book.ref("A1", BEFORE)
    digest = book.at_approve(ref, Lane.AUTOMATED)
    book.step(ref, StageOutcome(Stage.APPROVE, Stage.TRADE))
    with book.transaction() as connection:
        connection.execute(insert(intent).values(an_intent(ref, digest)))
    _bare_run(book, DAY)
    _open_page(book, RUN)
    assert book.day(ref).terminal_state is None


def _bare_run(book: SmallBook, on: date) -> None:
    with book.transaction() as connection:
        open_run(connection, DayRequest(FIRM, on))
