"""The pages' documents: each costs a fixed number of statements, whatever it shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import parse, validate

from tests.graphql.api import CARL, OLGA, SCHEMA, Api
from tests.graphql.firms import ON, Book
from tests.graphql.pages import operations, page_document
from tests.graphql.test_night import deliver, end, suspend
from tests.graphql.test_queue_and_history import add_attempt, add_orders
from tests.graphql.test_steps_and_alerts import block
from trimtab.db.alerts import raise_alert
from trimtab.domain.suspensions import SuspensionKind


@pytest.mark.parametrize("name", operations())
def test_every_document_of_the_pages_fits_the_schema(name):
    assert validate(SCHEMA._schema, parse(page_document(name))) == []


async def cost(api: Api, who, name: str, **variables) -> int:
    await api.data(who, page_document(name), variables)
    return len(api.statements)


async def test_accounts(api: Api, book: Book):
    book.add_review("A00")
    wanted = {"search": "", "first": 50}
    of_one = await cost(api, CARL, "Accounts", **wanted)
    for number in range(1, 50):
        book.add_account(f"A{number:02d}")
    assert await cost(api, CARL, "Accounts", **wanted) == of_one == 4  # firm, accounts, latest days, suspensions


async def test_the_days_of_an_account(api: Api, book: Book):
    waiting = book.add_review("A1")
    wanted = {"account": "A1", "first": 50}
    of_one = await cost(api, CARL, "HistoryDays", **wanted)
    for attempt in range(2, 51):
        add_attempt(book, waiting.ref, attempt)
    # Firm, account, days, latest day, suspensions.
    assert await cost(api, CARL, "HistoryDays", **wanted) == of_one == 5


async def test_one_day_of_an_account(api: Api, book: Book):
    book.add_securities()
    waiting = book.add_review("A1")
    add_orders(book, waiting.ref, waiting.proposal_hash)
    wanted = {"account": "A1", "on": ON.isoformat()}
    of_one = await cost(api, CARL, "HistoryDay", **wanted)
    for attempt in range(2, 11):
        add_attempt(book, waiting.ref, attempt)
    assert await cost(api, CARL, "HistoryDay", **wanted) == of_one
    # Firm, account, days; passes, snapshots, proposals, people, decisions, securities, intents, blocks, executions,
    # allocations, blocked steps, records.
    assert of_one == 15


async def test_one_day_as_known_costs_no_more(api: Api, book: Book):
    waiting = book.add_review("A1")
    add_orders(book, waiting.ref, waiting.proposal_hash)
    wanted = {"account": "A1", "on": ON.isoformat()}
    now = await cost(api, CARL, "HistoryDay", **wanted)
    assert await cost(api, CARL, "HistoryDay", **wanted, knownAt="2100-01-01T00:00:00+00:00") <= now


async def test_the_night(api: Api, book: Book):
    end(book, "A00", "TRADED", "FULL")
    of_one = await cost(api, OLGA, "Night")
    for number in range(1, 50):
        end(book, f"A{number:02d}", "TRADED", "FULL")
        suspend(book, f"A{number:02d}", SuspensionKind.DATA, f"CODE_{number}")
        deliver(book, "prices", f"LOADED_{number}")
    # Firm, run, counts, without a day, work, deliveries, their due times, accounts in need, clock, suspensions.
    assert await cost(api, OLGA, "Night") == of_one == 10


async def test_blocked_steps_alerts_and_suspended_accounts(api: Api, book: Book):
    def one_more(number: int) -> None:
        block(book, f"A{number:02d}", "analyze")
        suspend(book, f"A{number:02d}", SuspensionKind.DATA, "PRICE_ZERO")
        scope = f"account/A{number:02d}"
        book.write(lambda one: raise_alert(one, "firm-a", cause="X", scope=scope, business_date=ON, message="x"))

    wanted = {
        "BlockedSteps": {"first": 50},
        "NightAlerts": {"on": ON.isoformat(), "unacknowledged": True, "first": 50},
        "SuspendedAccounts": {"kind": "DATA", "code": "PRICE_ZERO", "first": 50},
    }
    one_more(0)
    of_one = {name: await cost(api, OLGA, name, **variables) for name, variables in wanted.items()}
    for number in range(1, 50):
        one_more(number)
    assert {name: await cost(api, OLGA, name, **variables) for name, variables in wanted.items()} == of_one
    assert of_one == {"BlockedSteps": 3, "NightAlerts": 3, "SuspendedAccounts": 2}


async def test_who_is_signed_in(api: Api, book: Book):
    of_one = await cost(api, OLGA, "Viewer")
    for number in range(50):
        book.add_account(f"A{number:02d}")
    assert await cost(api, OLGA, "Viewer") == of_one == 2  # firm, person


async def test_the_verification_of_an_accounts_records(api: Api, book: Book):
    waiting = book.add_review("A1")
    wanted = {"account": "A1"}
    of_one = await cost(api, CARL, "VerifyRecords", **wanted)
    for attempt in range(2, 51):
        add_attempt(book, waiting.ref, attempt)
    assert await cost(api, CARL, "VerifyRecords", **wanted) == of_one


async def test_the_dates_of_the_night(api: Api, book: Book):
    book.add_review("A1")
    assert await cost(api, OLGA, "NightRuns") == 2


async def test_the_review_queue(api: Api, book: Book):
    book.add_securities()
    wanted = {"first": 50, "sort": {"by": "WAITING", "descending": False}}
    book.add_review("A00")
    of_one = await cost(api, OLGA, "ReviewQueue", **wanted)
    of_summary = await cost(api, OLGA, "ReviewSummary")
    for number in range(1, 50):
        book.add_review(f"A{number:02d}")
    assert await cost(api, OLGA, "ReviewQueue", **wanted) == of_one
    assert await cost(api, OLGA, "ReviewSummary") == of_summary
    # Firm, days; market events, proposals, passes, accounts, the firm's limit, decisions, versions.
    assert of_one == 9
    assert of_summary == 5  # firm, run, lanes, reasons, market events


async def test_one_review_among_fifty(api: Api, book: Book):
    book.add_securities()
    waiting = book.add_review("A00")
    seen = {"id": waiting.ref.account_day_id}
    changes = {**seen, "seenHash": waiting.proposal_hash, "seenVersion": waiting.version}
    of_one = [await cost(api, OLGA, "Review", **seen), await cost(api, OLGA, "QueueDay", **seen)]
    of_changes = await cost(api, OLGA, "ReviewChanges", **changes)
    for number in range(1, 50):
        book.add_review(f"A{number:02d}")
    assert [await cost(api, OLGA, "Review", **seen), await cost(api, OLGA, "QueueDay", **seen)] == of_one
    assert await cost(api, OLGA, "ReviewChanges", **changes) == of_changes
    # As the queue, and snapshots, suspensions, people, securities, classes' targets.
    assert of_one == [14, 9]
    assert of_changes == 5


def test_every_question_of_the_pages_has_its_cost_pinned_here():
    """Mutations are one decision each; every query's name stands in a test above."""
    here = Path(__file__).read_text(encoding="utf-8")
    questions = [name for name in operations() if page_document(name).startswith("query")]
    assert [name for name in questions if f'"{name}"' not in here] == []
