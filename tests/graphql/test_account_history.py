"""Finding accounts, and their history: by date, as known at an instant, with what each pass read and made."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert

from tests.graphql.api import ADAM, ANNA, BERT, CARL, OLGA, Api
from tests.graphql.documents import APPROVE
from tests.graphql.firms import AS_OF, ON, Book
from tests.graphql.test_queue_and_history import add_attempt, add_orders
from trimtab.contracts import StageOutcome
from trimtab.db.account_days import lock_day, move_on
from trimtab.db.content import put_content
from trimtab.db.suspensions import open_suspension
from trimtab.db.tables import account_day, record, stage_result
from trimtab.domain.lifecycle import Stage, Standstill, TerminalState
from trimtab.domain.suspensions import Suspension, SuspensionKind, SuspensionScope

ACCOUNTS = """
query Accounts($search: String, $first: Int!, $after: String) {
  accounts(search: $search, first: $first, after: $after) {
    pageInfo { hasNextPage endCursor }
    edges { node { accountId latestDay { businessDate stage } openSuspensions { code } } }
  }
}
"""
DAYS = """
query Days($id: ID!, $since: Date, $until: Date, $knownAt: DateTime, $first: Int!) {
  account(id: $id) {
    history(since: $since, until: $until, knownAt: $knownAt, first: $first) {
      totalCount
      edges { node {
        businessDate stage lane terminalState terminalCode waitingReason proposalHash snapshotHash
        stages { stage wentTo hashes { name value } findings { code message } filterKey matched decisionIds
          build seconds recordSeq recordHash }
        inputs { hash asOf market settingsSeq feeds { kind code contentHash } models { modelId hash } }
        decisions { kind } proposal { hash } snapshot { hash }
        intents { status filledQuantity block { clientOrderId } allocations { quantity } }
        records { seq kind recordedBy { name } }
      } }
    }
  }
}
"""


async def days(api: Api, who=CARL, **variables) -> list[dict]:
    data = await api.data(who, DAYS, {"id": "A1", "first": 10, **variables})
    return [edge["node"] for edge in data["account"]["history"]["edges"]]


async def test_accounts_are_found_by_how_a_number_begins_within_the_own_book(api: Api, book: Book):
    book.add_review("A1", advisor="adv-1")
    book.add_review("A2", advisor="adv-2")
    book.add_account("B1", advisor="adv-1")

    async def found(who, search=None) -> list[str]:
        edges = (await api.data(who, ACCOUNTS, {"search": search, "first": 10}))["accounts"]["edges"]
        return [edge["node"]["accountId"] for edge in edges]

    assert await found(CARL) == ["A1", "A2", "B1"]
    assert await found(CARL, " a1 ") == ["A1"]
    assert await found(CARL, "h-b") == ["B1"]  # its household
    assert await found(CARL, "ADV-2") == ["A2"]
    assert await found(CARL, "_") == []
    assert await found(ANNA) == ["A1", "B1"]
    assert await found(BERT, "A1") == []
    answer = await api.send(ADAM, ACCOUNTS, {"first": 10})
    assert answer["data"] == {"accounts": None}


async def test_accounts_come_in_pages_with_their_latest_day(api: Api, book: Book):
    book.add_review("A1")
    book.add_account("A2")
    first = (await api.data(CARL, ACCOUNTS, {"first": 1}))["accounts"]
    assert first["edges"][0]["node"]["latestDay"] == {"businessDate": ON.isoformat(), "stage": "REVIEW"}
    second = (await api.data(CARL, ACCOUNTS, {"first": 1, "after": first["pageInfo"]["endCursor"]}))["accounts"]
    assert second["edges"][0]["node"] == {"accountId": "A2", "latestDay": None, "openSuspensions": []}
    assert second["pageInfo"]["hasNextPage"] is False


async def test_a_list_of_accounts_costs_the_same_number_of_statements_for_one_row_and_for_fifty(api: Api, book: Book):
    book.add_review("A00")
    await api.data(CARL, ACCOUNTS, {"first": 50})
    of_one = len(api.statements)
    for number in range(1, 50):
        book.add_account(f"A{number:02d}")
    page = (await api.data(CARL, ACCOUNTS, {"first": 50}))["accounts"]
    assert len(page["edges"]) == 50
    assert len(api.statements) == of_one == 4  # firm, accounts, latest days, suspensions


async def test_history_is_narrowed_by_business_dates(api: Api, book: Book):
    waiting = book.add_review("A1")
    earlier = {
        **book.day(waiting.ref)._mapping,
        "account_day_id": "A1-before",
        "workflow_id": "w",
        "business_date": AS_OF,
    }
    book.write(lambda one: one.execute(insert(account_day).values(**earlier)))

    async def dates(**variables) -> list[str]:
        return [day["businessDate"] for day in await days(api, **variables)]

    assert await dates() == [ON.isoformat(), AS_OF.isoformat()]
    assert await dates(until=AS_OF.isoformat()) == [AS_OF.isoformat()]
    assert await dates(since=ON.isoformat()) == [ON.isoformat()]
    assert await dates(until=(AS_OF - timedelta(days=1)).isoformat()) == []


async def test_each_pass_says_what_it_read_and_made_and_where_the_record_tells_of_it(api: Api, book: Book):
    waiting = book.add_review("A1")
    kept = {"firm_id": "firm-a", "run_id": waiting.ref.run_id, "account_id": "A1", "attempt": 1}
    row = {**kept, "stage": "analyze", "input_hash": f"{2:064d}", "build": "1.2.3", "result": {"seconds": 0.25}}
    book.write(lambda one: one.execute(insert(stage_result).values(**row)))
    (day,) = await days(api)
    ingest, validate, analyze, filtered = day["stages"]
    assert {one["name"] for one in analyze["hashes"]} == {"proposal", "snapshot", "target"}
    assert {one["name"]: one["value"] for one in analyze["hashes"]}["proposal"] == waiting.proposal_hash
    assert (analyze["build"], analyze["seconds"]) == ("1.2.3", 0.25)
    assert (ingest["build"], validate["findings"]) == (None, [])
    assert (filtered["filterKey"], filtered["matched"]) == ("review", {"turnover": 0.25})
    assert [one["recordSeq"] for one in day["stages"]] == [1, 2, 3, 4]
    hashes = {entry.seq: entry.hash for entry in book.rows(record)}
    assert [one["recordHash"] for one in day["stages"]] == [hashes[seq] for seq in (1, 2, 3, 4)]


async def test_findings_and_frozen_inputs_of_the_day_are_shown(api: Api, book: Book):
    book.add_account("A1")
    ref = book.add_day("A1")
    manifest = {
        "firm_id": "firm-a",
        "as_of": AS_OF.isoformat(),
        "market": "a" * 64,
        "settings_seq": 7,
        "price_fault_policy": "SUSPEND",
        "feeds": {"prices": {"delivery_id": None, "content_hash": "", "code": "FEED_MISSING", "message": "none came"}},
        "models": {"balanced": "b" * 64},
    }
    fault = {"code": "LOT_SUM", "scope": "ACCOUNT", "subject": "A1", "outcome": "SUSPEND", "message": "100 and 90"}

    def work(one):
        digest = put_content(one, "firm-a", "inputs", manifest)
        for outcome, detail in (
            (StageOutcome(Stage.INGEST, Stage.VALIDATE), {"inputs": digest}),
            (StageOutcome(Stage.VALIDATE, Stage.ANALYZE), {"findings": [fault]}),
        ):
            move_on(one, ref, lock_day(one, ref), outcome, input_hash="c" * 64, detail=detail, changes={})
        return digest

    digest = book.write(work)
    (day,) = await days(api)
    assert day["stages"][1]["findings"] == [{"code": "LOT_SUM", "message": "100 and 90"}]
    assert day["inputs"] == {
        "hash": digest,
        "asOf": AS_OF.isoformat(),
        "market": "a" * 64,
        "settingsSeq": 7,
        "feeds": [{"kind": "prices", "code": "FEED_MISSING", "contentHash": ""}],
        "models": [{"modelId": "balanced", "hash": "b" * 64}],
    }


async def test_a_suspension_that_names_no_day_stands_among_the_days_records(api: Api, book: Book):
    book.add_review("A1")
    wanted = Suspension(SuspensionScope.ACCOUNT, "A1", SuspensionKind.ADVISOR, "ADVISOR", "why", ON, "olga")
    book.write(lambda one: open_suspension(one, "firm-a", wanted))
    (day,) = await days(api)
    told = {"seq": 5, "kind": "SUSPENSION_OPENED", "recordedBy": {"name": "Olga Overlay"}}
    assert day["records"][-1] == told


@pytest.mark.covers("R4")
async def test_history_as_known_at_an_instant_shows_the_day_as_it_stood_then(api: Api, book: Book):
    waiting = book.add_review("A1")
    await api.do(OLGA, APPROVE, **waiting.variables)
    add_orders(book, waiting.ref, waiting.proposal_hash)
    ends = [
        StageOutcome(Stage.REVIEW, Stage.APPROVE),
        StageOutcome(Stage.APPROVE, Stage.TRADE),
        StageOutcome(Stage.TRADE, Standstill.TRADE),  # the orders are committed
        StageOutcome(Stage.TRADE, Stage.RECORD),
        StageOutcome(Stage.RECORD, None, terminal=TerminalState.TRADED, code="FULL"),
    ]
    for outcome in ends:
        book.write(
            lambda one, outcome=outcome: move_on(
                one, waiting.ref, lock_day(one, waiting.ref), outcome, input_hash="d" * 64, detail={}, changes={}
            )
        )
    at = {row.kind: row.recorded_at.isoformat() for row in reversed(book.rows(record))}  # of a kind the first

    (now,) = await days(api)
    assert (now["stage"], now["terminalState"], now["terminalCode"]) == ("RECORD", "TRADED", "FULL")
    assert (now["intents"][0]["status"], len(now["records"])) == ("FILLED", 10)

    (filtered,) = await days(api, knownAt=at["STAGE_FILTER"])
    assert (filtered["stage"], filtered["lane"], filtered["terminalState"]) == ("REVIEW", "REVIEW", None)
    assert filtered["waitingReason"].startswith("The review filter wants it")
    assert (filtered["decisions"], filtered["intents"], len(filtered["records"])) == ([], [], 4)
    assert filtered["proposal"] == {"hash": waiting.proposal_hash}

    (validated,) = await days(api, knownAt=at["STAGE_VALIDATE"])
    assert (validated["stage"], validated["proposal"], validated["proposalHash"]) == ("ANALYZE", None, None)
    assert validated["snapshot"] is not None

    (committed,) = await days(api, knownAt=at["STAGE_TRADE"])
    (leg,) = committed["intents"]
    assert (leg["status"], leg["filledQuantity"], leg["block"], leg["allocations"]) == ("PENDING", "0", None, [])
    assert [one["kind"] for one in committed["decisions"]] == ["APPROVE"]
    (settled,) = await days(api, knownAt=at["STAGE_RECORD"])
    assert (settled["intents"][0]["status"], settled["terminalState"]) == ("FILLED", "TRADED")


async def test_what_was_opened_later_is_not_known_before(api: Api, book: Book):
    book.add_review("A1")
    assert await days(api, knownAt="2020-01-01T00:00:00+00:00") == []
    answer = await api.send(CARL, DAYS, {"id": "A1", "first": 1, "knownAt": "2026-03-02T10:00:00"})
    assert answer["errors"][0]["extensions"]["code"] == "BAD_INPUT"


async def test_a_page_of_history_costs_the_same_number_of_statements_for_one_day_and_for_fifty(api: Api, book: Book):
    waiting = book.add_review("A1")
    add_orders(book, waiting.ref, waiting.proposal_hash)
    await days(api, first=50)
    of_one = len(api.statements)
    for attempt in range(2, 51):
        add_attempt(book, waiting.ref, attempt)
    assert len(await days(api, first=50)) == 50
    assert len(api.statements) == of_one
