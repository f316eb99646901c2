"""The night: files, progress, outcomes and suspensions in counts, for those who keep it running."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert, update

from tests.graphql.api import ADAM, ANNA, BERT, DORA, FREMD, OLGA, WAREHOUSE, Api
from tests.graphql.firms import ON, Book
from tests.graphql.test_steps_and_alerts import block
from trimtab.contracts import run_id
from trimtab.db.alerts import raise_alert
from trimtab.db.suspensions import open_suspension
from trimtab.db.tables import account_day, delivery, delivery_expectation, market_event, stage_result
from trimtab.domain.suspensions import Suspension, SuspensionKind, SuspensionScope

NIGHT = """
query Night($on: Date) {
  run(businessDate: $on) {
    businessDate roster withoutDay
    outcomeCodes { state code accounts }
    progress { stage passed here blocked seconds }
    feeds {
      kind status waiting rows quarantinedRows reasonCodes message deliveries fileName receivedAt
      controlTotal contentHash accountsWaiting waits awaited { source form standing dueAt tries resolution }
    }
  }
  suspensionCounts { scope kind code suspensions since reason clearedBy mayBeLiftedBy }
}
"""
ALERTS = """
query Alerts($on: Date, $unacknowledged: Boolean!) {
  alerts(businessDate: $on, unacknowledged: $unacknowledged, first: 10) { totalCount edges { node { scope } } }
}
"""


def deliver(book: Book, kind: str, status: str, **values: Any) -> None:
    row = {
        "firm_id": book.firm_id,
        "delivery_id": f"{kind}-{status}",
        "kind": kind,
        "business_date": ON,
        "file_name": f"{kind}.csv",
        "content_hash": f"{kind}-{status}",
        "status": status,
        **values,
    }
    book.write(lambda one: one.execute(insert(delivery).values(**row)))


def end(book: Book, account_id: str, state: str, code: str | None = None) -> None:
    book.add_account(account_id)
    ref = book.add_day(account_id)
    ended = {"terminal_state": state, "terminal_code": code, "stage": "record"}
    book.write(
        lambda one: one.execute(
            update(account_day).where(account_day.c.account_day_id == ref.account_day_id).values(**ended)
        )
    )


def passed(book: Book, account_id: str, stage: str, seconds: float, following: str = "x") -> None:
    row = {
        "firm_id": book.firm_id,
        "run_id": run_id(book.firm_id, ON),
        "account_id": account_id,
        "attempt": 1,
        "stage": stage,
        "input_hash": stage,
        "result": {"seconds": seconds, "outcome": {"next": following}},
        "build": "test",
    }
    book.write(lambda one: one.execute(insert(stage_result).values(**row)))


def suspend(book: Book, account_id: str, kind: SuspensionKind, code: str, reason: str = "why") -> None:
    wanted = Suspension(SuspensionScope.ACCOUNT, account_id, kind, code, reason, ON, "somebody")
    book.write(lambda one: open_suspension(one, book.firm_id, wanted))


async def test_outcomes_open_accounts_and_those_without_a_day_sum_to_the_roster(api: Api, book: Book):
    end(book, "A1", "TRADED", "FULL")
    end(book, "A2", "TRADED", "PARTIAL")
    end(book, "A3", "TRADED", "FULL")
    end(book, "A4", "NO_TRADE")
    block(book, "A5", "analyze")
    book.add_account("A6")
    run = (await api.data(DORA, NIGHT))["run"]
    assert run["outcomeCodes"] == [
        {"state": "TRADED", "code": "FULL", "accounts": 2},
        {"state": "NO_TRADE", "code": None, "accounts": 1},
        {"state": "TRADED", "code": "PARTIAL", "accounts": 1},
    ]
    assert (run["roster"], run["withoutDay"]) == (5, 1)
    stages = {one["stage"]: one for one in run["progress"]}
    assert (stages["ANALYZE"]["here"], stages["ANALYZE"]["blocked"]) == (1, 1)
    assert sum(one["here"] for one in run["progress"]) + 4 == run["roster"]


async def test_progress_counts_each_account_once_and_sums_its_work(api: Api, book: Book):
    for account_id in ("A1", "A2"):
        book.add_account(account_id, advisor="adv-1" if account_id == "A1" else "adv-2")
        book.add_day(account_id)
        passed(book, account_id, "ingest", 0.5)
    passed(book, "A1", "validate", 0.25)
    progress = {one["stage"]: one for one in (await api.data(OLGA, NIGHT))["run"]["progress"]}
    assert list(progress) == ["INGEST", "VALIDATE", "ANALYZE", "FILTER", "REVIEW", "APPROVE", "TRADE", "RECORD"]
    assert progress["INGEST"] == {"stage": "INGEST", "passed": 2, "here": 2, "blocked": 0, "seconds": 1.0}
    assert (progress["VALIDATE"]["passed"], progress["VALIDATE"]["seconds"]) == (1, 0.25)
    passed(book, "A1", "trade", 0.5, following="trade")  # orders are committed: work, and no passing
    trade = (await api.data(OLGA, NIGHT))["run"]["progress"][6]
    assert (trade["passed"], trade["seconds"]) == (0, 0.5)
    of_bert = {one["stage"]: one["passed"] for one in (await api.data(BERT, NIGHT))["run"]["progress"]}
    assert (of_bert["INGEST"], of_bert["VALIDATE"]) == (1, 0)


async def test_every_kind_of_file_has_a_line_whether_or_not_it_came(api: Api, book: Book):
    deliver(book, "prices", "LOADED", row_count=500, detail={"quarantined_rows": 2})
    deliver(book, "lots", "QUARANTINED", reason_codes=["FEED_TOTAL"], message="the total is 9, not 10")
    feeds = {one["kind"]: one for one in (await api.data(DORA, NIGHT))["run"]["feeds"]}
    assert len(feeds) == 13
    prices, lots, cash = feeds["prices"], feeds["lots"], feeds["cash"]
    assert (prices["status"], prices["waiting"], prices["rows"], prices["quarantinedRows"]) == ("LOADED", False, 500, 2)
    assert prices["receivedAt"] is not None
    assert (lots["status"], lots["waiting"], lots["reasonCodes"]) == ("QUARANTINED", True, ["FEED_TOTAL"])
    assert lots["message"] == "the total is 9, not 10"
    assert (cash["status"], cash["waiting"], cash["deliveries"], cash["fileName"]) == ("EXPECTED", True, 0, None)


async def test_a_file_that_had_not_come_by_the_cut_off_is_missing(api: Api, book: Book):
    run = run_id(book.firm_id, ON)
    cut_off = {"firm_id": book.firm_id, "event_id": "cut", "run_id": run, "kind": "CUT_OFF", "ordinal": 9}
    at = {"at": book.rows(market_event)[0].at, "published_at": book.rows(market_event)[0].at}
    book.write(lambda one: one.execute(insert(market_event).values(**cut_off, **at)))
    feeds = {one["kind"]: one["status"] for one in (await api.data(DORA, NIGHT))["run"]["feeds"]}
    assert feeds["cash"] == "MISSING"


@pytest.mark.covers("D12", "H2")
async def test_a_feed_shows_what_is_expected_its_total_and_hash_and_who_waits(api: Api, book: Book):
    for account_id in ("A1", "A2"):
        book.add_account(account_id)
    deliver(book, "cash", "LOADED", row_count=2, control_total=Decimal("97.15"))
    moment = datetime(2026, 3, 2, 9, tzinfo=UTC)
    times = dict.fromkeys(("due_at", "late_at", "urgent_at", "missing_at"), moment)
    for kind in ("cash", "lots"):
        row = {"firm_id": book.firm_id, "business_date": ON, "kind": kind, "source": "BANK", "form": "ofx", **times}
        book.write(
            lambda one, row=row: one.execute(insert(delivery_expectation).values(**row, standing="LATE", tries=2))
        )
    feeds = {one["kind"]: one for one in (await api.data(DORA, NIGHT))["run"]["feeds"]}
    cash, lots, prices = feeds["cash"], feeds["lots"], feeds["prices"]
    assert (cash["controlTotal"], cash["contentHash"], cash["accountsWaiting"]) == ("97.15", "cash-LOADED", 0)
    assert lots["awaited"] == {
        "source": "BANK",
        "form": "ofx",
        "standing": "LATE",
        "dueAt": "2026-03-02T09:00:00+00:00",
        "tries": 2,
        "resolution": None,
    }
    assert (lots["accountsWaiting"], lots["waits"]) == (2, "tax lots: gains, losses and wash sales of every account")
    assert prices["awaited"] is None


async def test_suspensions_are_counted_by_reason_with_who_may_lift_them(api: Api, book: Book):
    for account_id in ("A1", "A2", "A3"):
        book.add_account(account_id, advisor="adv-2" if account_id == "A3" else "adv-1")
    suspend(book, "A1", SuspensionKind.DATA, "PRICE_ZERO", "the price of VTI is 0")
    suspend(book, "A2", SuspensionKind.DATA, "PRICE_ZERO", "the price of VTI is 0")
    suspend(book, "A3", SuspensionKind.STANDING, "CLOSING")
    data, standing = (await api.data(DORA, NIGHT))["suspensionCounts"]
    assert data == {
        "scope": "ACCOUNT",
        "kind": "DATA",
        "code": "PRICE_ZERO",
        "suspensions": 2,
        "since": ON.isoformat(),
        "reason": "the price of VTI is 0",
        "clearedBy": "a price file with a positive close of the previous session for the security",
        "mayBeLiftedBy": ["data_manager"],
    }
    assert (standing["suspensions"], standing["mayBeLiftedBy"]) == (1, [])
    assert [one["code"] for one in (await api.data(BERT, NIGHT))["suspensionCounts"]] == ["CLOSING"]
    listed = '{ suspensions(kind: "DATA", code: "PRICE_ZERO") { edges { node { scopeId } } } }'
    found = (await api.data(DORA, listed))["suspensions"]["edges"]
    assert sorted(edge["node"]["scopeId"] for edge in found) == ["A1", "A2"]


@pytest.mark.covers("E2")
async def test_an_administrator_sees_the_nights_counts_and_no_words_about_an_account(api: Api, book: Book):
    end(book, "A1", "TRADED", "FULL")
    suspend(book, "A1", SuspensionKind.COMPLIANCE, "PAPERWORK", "the client's passport has expired")
    data = await api.data(ADAM, NIGHT)
    assert data["run"]["roster"] == 1
    (counted,) = data["suspensionCounts"]
    assert (counted["code"], counted["suspensions"], counted["reason"]) == ("PAPERWORK", 1, None)
    assert "passport" not in str(data)
    assert (await api.data(FREMD, NIGHT))["run"] is None


async def test_an_integrator_without_accounts_in_scope_sees_no_night(api: Api, book: Book):
    from dataclasses import replace

    answer = await api.send(replace(WAREHOUSE, scopes=frozenset()), NIGHT)
    assert answer["data"] == {"run": None, "suspensionCounts": None}


async def test_alerts_of_a_date_are_counted_over_all_pages(api: Api, book: Book):
    for number in range(12):
        raised_on = ON if number else date(2026, 2, 27)
        book.write(
            lambda one, number=number, raised_on=raised_on: raise_alert(
                one, "firm-a", cause="X", scope=f"feed/{number}", business_date=raised_on, message="x"
            )
        )
    page = (await api.data(ADAM, ALERTS, {"on": ON.isoformat(), "unacknowledged": True}))["alerts"]
    assert (page["totalCount"], len(page["edges"])) == (11, 10)
    assert (await api.data(ANNA, ALERTS, {"unacknowledged": False}))["alerts"]["totalCount"] == 0


async def test_blocked_steps_are_counted_over_all_pages(api: Api, book: Book):
    for number in range(3):
        block(book, f"A{number}", "analyze")
    document = "{ blockedSteps(first: 1) { totalCount edges { node { accountId } } } }"
    assert (await api.data(ADAM, document))["blockedSteps"]["totalCount"] == 3
    assert (await api.data(DORA, document))["blockedSteps"]["totalCount"] == 0


async def test_the_night_costs_the_same_number_of_statements_whatever_its_size(api: Api, book: Book):
    end(book, "A00", "TRADED", "FULL")
    await api.data(OLGA, NIGHT)
    of_one = len(api.statements)
    for number in range(1, 50):
        end(book, f"A{number:02d}", "TRADED", "FULL")
        suspend(book, f"A{number:02d}", SuspensionKind.DATA, f"CODE_{number}")
    deliver(book, "prices", "LOADED")
    await api.data(OLGA, NIGHT)
    # Firm, run, counts, without a day, work, deliveries, clock, expectations, accounts in need, suspensions.
    assert len(api.statements) == of_one == 10
