"""The review queue and an account's history: complete, in a fixed number of statements, and only what one may see."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest
from sqlalchemy import insert

from tests.graphql.api import ADAM, ANNA, BERT, CARL, FREMD, OLGA, WAREHOUSE, Api
from tests.graphql.documents import APPROVE, HISTORY, QUEUE, RUN
from tests.graphql.firms import ON, Book
from trimtab.contracts import AccountDayRef, run_id
from trimtab.db.tables import allocation, block, block_member, execution, intent


async def test_the_queue_says_why_each_account_waits_and_what_is_proposed(api: Api, book: Book):
    waiting = book.add_review("A1")
    data = await api.data(OLGA, QUEUE, {"first": 10})
    (edge,) = data["reviewQueue"]["edges"]
    node = edge["node"]
    assert data["reviewQueue"]["totalCount"] == 1
    assert (node["accountId"], node["stage"], node["lane"]) == ("A1", "REVIEW", "REVIEW")
    assert (node["version"], node["proposalHash"]) == (waiting.version, waiting.proposal_hash)
    assert node["filtering"] == {
        "filterKey": "review",
        "matched": {"turnover": 0.25},
        "reason": "The review filter wants it: its turnover is 25.0 %.",
    }
    assert node["proposal"] == {
        "hash": waiting.proposal_hash,
        "tradeCount": 1,
        "tradedValue": "10000",
        "tax": "500",
        "turnover": "0.25",
        "benefitBps": "30",
        "proposedBy": {"id": "trimtab", "name": "trimtab"},
    }


async def test_pages_follow_each_other_without_a_gap_or_a_repetition(api: Api, book: Book):
    for number in range(7):
        book.add_review(f"A{number}")
    seen: list[str] = []
    after = None
    for _ in range(4):
        page = (await api.data(OLGA, QUEUE, {"first": 3, "after": after}))["reviewQueue"]
        seen += [edge["node"]["accountId"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == [f"A{number}" for number in range(7)]


async def test_the_queue_costs_the_same_number_of_statements_for_one_row_and_for_four(api: Api, book: Book):
    book.add_review("A1")
    await api.data(OLGA, QUEUE, {"first": 10})
    of_one = list(api.statements)
    for number in (2, 3, 4):
        book.add_review(f"A{number}")
    await api.data(OLGA, QUEUE, {"first": 10})
    assert len(api.statements) == len(of_one)
    # Firm, page, count, passes, proposals, decisions, suspensions, people.
    assert len(of_one) == 8


@pytest.mark.covers("R1", "R2", "R3", "R4")
async def test_history_is_complete_from_the_snapshot_to_the_records(api: Api, book: Book):
    waiting = book.add_review("A1")
    await api.do(OLGA, APPROVE, **waiting.variables)
    add_orders(book, waiting.ref, waiting.proposal_hash)
    account = (await api.data(CARL, HISTORY, {"id": "A1", "first": 5}))["account"]
    (edge,) = account["history"]["edges"]
    day = edge["node"]
    assert [one["stage"] for one in day["stages"]] == ["INGEST", "VALIDATE", "ANALYZE", "FILTER"]
    assert day["snapshot"]["positions"] == [{"securityId": "VTI", "quantity": "100", "marketValue": "20000"}]
    assert day["snapshot"]["settings"]["shortTermRate"] == "0.35"
    (trade,) = day["proposal"]["trades"]
    assert (trade["side"], trade["quantity"], trade["price"]) == ("SELL", "50", "200")
    assert trade["lotSales"] == [{"lotId": "L1", "gain": "2500", "term": "LONG_TERM"}]
    assert trade["reasons"] == [{"code": "DRIFT", "sentence": "VTI is 25.0 % above its target."}]
    assert day["proposal"]["whyNots"][0]["code"] == "WASH_SALE_WINDOW"
    (decided,) = day["decisions"]
    assert (decided["kind"], decided["actor"]) == ("APPROVE", {"id": "olga", "name": "Olga Overlay"})
    assert decided["decidedAt"] is not None
    (order,) = day["intents"]
    assert order["block"]["executions"] == [{"execId": "E1", "quantity": "50", "price": "200.1"}]
    assert order["allocations"] == [{"quantity": "50", "price": "200.1", "notional": "10005"}]
    assert [one["seq"] for one in day["records"]] == [1, 2, 3, 4, 5]
    chained = itertools.pairwise(day["records"])
    assert all(one["hash"] == following["previousHash"] for one, following in chained)


async def test_history_costs_the_same_number_of_statements_for_one_day_and_for_four(api: Api, book: Book):
    waiting = book.add_review("A1")
    add_orders(book, waiting.ref, waiting.proposal_hash)
    await api.data(CARL, HISTORY, {"id": "A1", "first": 4})
    of_one = len(api.statements)
    for attempt in (2, 3, 4):
        add_attempt(book, waiting.ref, attempt)
    page = await api.data(CARL, HISTORY, {"id": "A1", "first": 4})
    assert len(page["account"]["history"]["edges"]) == 4
    assert len(api.statements) == of_one


async def test_an_advisor_sees_the_own_book_and_nothing_of_others(api: Api, book: Book):
    book.add_review("A1", advisor="adv-1")
    book.add_review("A2", advisor="adv-2")
    mine = (await api.data(ANNA, QUEUE, {"first": 10}))["reviewQueue"]
    assert [edge["node"]["accountId"] for edge in mine["edges"]] == ["A1"]
    assert mine["totalCount"] == 1
    assert (await api.data(BERT, HISTORY, {"id": "A1", "first": 1}))["account"] is None
    run = (await api.data(BERT, RUN))["run"]
    assert (run["roster"], run["openPlaces"]) == (1, [{"name": "REVIEW", "accounts": 1}])
    node = "query($id: ID!) { node(id: $id) { __typename } }"
    node_of_a1 = mine["edges"][0]["node"]["id"]
    assert (await api.data(BERT, node, {"id": node_of_a1}))["node"] is None
    assert (await api.data(ANNA, node, {"id": node_of_a1}))["node"] == {"__typename": "AccountDay"}


async def test_another_firm_sees_nothing_whatever_id_it_sends(api: Api, book: Book):
    book.add_review("A1")
    Book(book.engine, "firm-b").found()
    queue = (await api.data(OLGA, QUEUE, {"first": 10}))["reviewQueue"]
    node_id, cursor = queue["edges"][0]["node"]["id"], queue["pageInfo"]["endCursor"]
    assert (await api.data(FREMD, HISTORY, {"id": "A1", "first": 1}))["account"] is None
    assert (await api.data(FREMD, "query($id: ID!) { node(id: $id) { __typename } }", {"id": node_id}))["node"] is None
    assert (await api.data(FREMD, QUEUE, {"first": 10, "after": cursor}))["reviewQueue"]["edges"] == []
    records = 'query { verifyRecords(accountId: "A1") { verified } }'
    assert (await api.data(FREMD, records))["verifyRecords"] is None


async def test_an_integrator_reads_accounts_but_not_the_audit_log(api: Api, book: Book):
    book.add_review("A1")
    queue = await api.data(WAREHOUSE, QUEUE, {"first": 10})
    assert queue["reviewQueue"]["totalCount"] == 1
    answer = await api.send(WAREHOUSE, HISTORY, {"id": "A1", "first": 1})
    assert answer["data"]["account"]["history"] is None
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_an_administrator_as_self_reads_no_account(api: Api, book: Book):
    book.add_review("A1")
    answer = await api.send(ADAM, QUEUE, {"first": 10})
    assert answer["data"] == {"reviewQueue": None}
    assert answer["errors"][0]["extensions"] == {"code": "FORBIDDEN", "reason": "NOT_PERMITTED"}


@pytest.mark.parametrize(
    "value",
    ["", "%%%", "QWNjb3VudDo", "YWNjb3VudA", "A" * 500, "Account:A1", "'; DROP TABLE account;--", "ÄÖÜ", "\x00"],
)
async def test_odd_ids_find_nothing_and_break_nothing(api: Api, book: Book, value):
    answer = await api.send(OLGA, "query($id: ID!) { node(id: $id) { __typename } }", {"id": value})
    assert answer == {"data": {"node": None}}
    answer = await api.send(OLGA, HISTORY, {"id": value, "first": 1})
    assert answer["data"] == {"account": None}
    assert [one["extensions"]["code"] for one in answer.get("errors", [])] in ([], ["BAD_INPUT"])


@pytest.mark.parametrize(
    ("first", "after"), [(0, None), (101, None), (-1, None), (10, "nonsense"), (10, "WyIxIiwieCJd"), (10, "A" * 400)]
)
async def test_odd_pages_are_refused_with_a_code(api: Api, book: Book, first, after):
    answer = await api.send(OLGA, QUEUE, {"first": first, "after": after})
    assert [one["extensions"]["code"] for one in answer["errors"]] in (["BAD_INPUT"], ["TOO_COSTLY"])


def add_orders(book: Book, ref: AccountDayRef, proposal_hash: str) -> None:
    """The approved sale, released in one block and filled at 200.10."""
    common = {"firm_id": ref.firm_id}
    order = {**common, "client_order_id": "B1", "security_id": "VTI", "side": "SELL", "quantity": Decimal(50)}
    leg = {**common, "intent_id": "I1", "account_id": ref.account_id}
    rows = [
        (
            intent,
            {
                **leg,
                "account_day_id": ref.account_day_id,
                "household_id": f"H-{ref.account_id}",
                "business_date": ON,
                "proposal_hash": proposal_hash,
                "leg": 0,
                "security_id": "VTI",
                "wash_key": "VTI",
                "side": "SELL",
                "quantity": Decimal(50),
                "reference_price": Decimal(200),
                "realizes_loss": False,
                "lot_sales": [],
                "programme": "CORE",
                "build": "test",
                "status": "FILLED",
                "filled_quantity": Decimal(50),
            },
        ),
        (
            block,
            {
                **order,
                "run_id": run_id(ref.firm_id, ON),
                "business_date": ON,
                "release": 1,
                "broker": "paper",
                "programme": "CORE",
                "status": "FILLED",
            },
        ),
        (block_member, {**common, "client_order_id": "B1", "intent_id": "I1", "quantity": Decimal(50)}),
        (
            execution,
            {
                **common,
                "broker": "paper",
                "exec_id": "E1",
                "client_order_id": "B1",
                "quantity": Decimal(50),
                "price": Decimal("200.10"),
                "business_date": ON,
            },
        ),
        (
            allocation,
            {
                **leg,
                "client_order_id": "B1",
                "quantity": Decimal(50),
                "price": Decimal("200.10"),
                "notional": Decimal(10_005),
                "commission": Decimal(0),
            },
        ),
    ]
    for table, values in rows:
        book.write(lambda one, table=table, values=values: one.execute(insert(table).values(**values)))


def add_attempt(book: Book, ref: AccountDayRef, attempt: int) -> None:
    """A superseded attempt of the same day, as complete as the current one."""
    from trimtab.db.tables import account_day, proposal

    day = book.day(ref)
    values = {**day._mapping, "attempt": attempt, "account_day_id": f"A1-{attempt}", "current": False}
    values |= {"proposal_id": f"P{attempt}", "workflow_id": f"w{attempt}"}
    book.write(lambda one: one.execute(insert(account_day).values(**values)))
    (row,) = book.rows(proposal, proposal.c.proposal_id == day.proposal_id)
    copy = {**row._mapping, "proposal_id": f"P{attempt}", "account_day_id": f"A1-{attempt}"}
    book.write(lambda one: one.execute(insert(proposal).values(**copy)))
