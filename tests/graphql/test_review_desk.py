"""What the review desk needs beside the queue's rows: order, filters, counts, terms, and what has changed."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from tests.graphql.api import ADAM, ANNA, CARL, DORA, OLGA, OTTO, Api, a_key
from tests.graphql.documents import APPROVE, DECISION, REJECT
from tests.graphql.firms import ON, Book, a_proposal
from trimtab.contracts import StageOutcome
from trimtab.db.account_days import lock_day, move_on
from trimtab.db.decisions import write_proposal
from trimtab.db.tables import account_day
from trimtab.domain.lifecycle import Lane, Stage, Standstill
from trimtab.domain.records import content_hash, plain

DESK = """
query Desk($lane: Lane, $filter: ReviewFilter, $sort: ReviewSort, $first: Int!, $after: String) {
  reviewQueue(lane: $lane, filter: $filter, sort: $sort, first: $first, after: $after) {
    totalCount
    pageInfo { hasNextPage endCursor }
    edges { node { accountId waitingSince deadline permittedActs } }
  }
}
"""
SUMMARY = """
query Summary($lane: Lane) {
  reviewSummary(lane: $lane) {
    businessDate waiting waitingSince businessNow expiresAt expired
    lanes { name accounts } reasons { lane code label isFlag accounts }
  }
}
"""
REVIEW = """
query Review($id: ID!, $hash: String!, $version: Int!) {
  accountDay(id: $id) {
    permittedActs
    classWeights { assetClass target before after driftBefore driftAfter }
    snapshot { settings { sentences } }
    proposal { whyNots { security { symbol } } trades { security { symbol assetClass } } }
    approvalTerms {
      proposalHash version expiresAt priceMoveLimit tradedValue approvalLimit approvalsNeeded approvalsGiven
      needsConsent needsClearance approvedBy { name }
    }
    changesSince(proposalHash: $hash, version: $version) { code sentence }
  }
}
"""


async def accounts(api: Api, who=OLGA, **arguments) -> list[str]:
    data = await api.data(who, DESK, {"first": 10, **arguments})
    return [edge["node"]["accountId"] for edge in data["reviewQueue"]["edges"]]


async def review(api: Api, who, waiting) -> dict:
    seen = {"id": waiting.ref.account_day_id, "hash": waiting.proposal_hash, "version": waiting.version}
    return (await api.data(who, REVIEW, seen))["accountDay"]


@pytest.mark.parametrize(
    ("by", "descending", "expected"),
    [
        ("ACCOUNT", False, ["A1", "A2", "A3"]),
        ("ACCOUNT", True, ["A3", "A2", "A1"]),
        ("TRADED_VALUE", False, ["A2", "A3", "A1"]),
        ("TRADED_VALUE", True, ["A1", "A3", "A2"]),
        ("WAITING", False, ["A1", "A2", "A3"]),
    ],
)
async def test_the_queue_is_sorted_page_by_page_without_a_gap(api: Api, book: Book, by, descending, expected):
    for number, notional in enumerate(("30000", "10000", "20000"), start=1):
        book.add_review(f"A{number}", notional=notional)
    sort, seen, after = {"by": by, "descending": descending}, [], None
    for _ in range(3):
        page = (await api.data(OLGA, DESK, {"first": 1, "sort": sort, "after": after}))["reviewQueue"]
        seen += [edge["node"]["accountId"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
    assert seen == expected
    assert page["pageInfo"]["hasNextPage"] is False


async def test_rows_with_equal_keys_are_neither_lost_nor_repeated(api: Api, book: Book):
    for number in range(5):
        book.add_review(f"A{number}", notional="10000")
    sort, seen, after = {"by": "TRADED_VALUE", "descending": True}, [], None
    for _ in range(3):
        page = (await api.data(OLGA, DESK, {"first": 2, "sort": sort, "after": after}))["reviewQueue"]
        seen += [edge["node"]["accountId"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
    assert sorted(seen) == [f"A{number}" for number in range(5)]


async def test_a_cursor_of_another_order_is_refused(api: Api, book: Book):
    book.add_review("A1")
    page = (await api.data(OLGA, DESK, {"first": 1, "sort": {"by": "TAX"}}))["reviewQueue"]
    for sort in ({"by": "DRIFT"}, {"by": "TAX", "descending": True}, None):
        answer = await api.send(OLGA, DESK, {"first": 1, "sort": sort, "after": page["pageInfo"]["endCursor"]})
        assert answer["errors"][0]["extensions"]["code"] == "BAD_INPUT"


async def test_filters_narrow_the_queue_and_its_count(api: Api, book: Book):
    book.add_review("A1", advisor="adv-1")
    book.add_review("A2", advisor="adv-2", discretionary=False)
    book.add_review("B1", advisor="adv-1", lane=Lane.COMPLIANCE)
    assert await accounts(api, filter={"advisorId": "adv-2"}) == ["A2"]
    assert await accounts(api, filter={"account": "a"}) == ["A1", "A2"]
    assert await accounts(api, filter={"account": "%"}) == []
    assert await accounts(api, filter={"discretionary": False}) == ["A2"]
    assert await accounts(api, filter={"programme": "CORE"}) == ["A1", "A2", "B1"]
    assert await accounts(api, filter={"reason": "turnover"}) == ["A1", "A2", "B1"]
    assert await accounts(api, filter={"reason": "tax"}) == []
    assert await accounts(api, lane="COMPLIANCE") == ["B1"]
    assert await accounts(api, ANNA, filter={"advisorId": "adv-2"}) == []
    answer = await api.send(OLGA, DESK, {"first": 1, "filter": {"account": "\x00"}})
    assert answer["errors"][0]["extensions"]["code"] == "BAD_INPUT"


async def test_the_summary_counts_by_lane_and_reason_what_one_may_see(api: Api, book: Book):
    book.add_review("A1")
    book.add_review("A2", advisor="adv-2")
    book.add_review("A3", lane=Lane.COMPLIANCE)
    flagged = book.add_review("A4")
    flag(book, flagged, "MODEL_COVERAGE", "NON_DISCRETIONARY")
    told = (await api.data(OLGA, SUMMARY))["reviewSummary"]
    assert (told["businessDate"], told["waiting"], told["expired"]) == (ON.isoformat(), 4, False)
    assert (told["businessNow"], told["expiresAt"]) == ("2026-03-02T14:30:00+00:00", "2026-03-02T19:00:00+00:00")
    assert told["waitingSince"] is not None
    assert told["lanes"] == [{"name": "COMPLIANCE", "accounts": 1}, {"name": "REVIEW", "accounts": 3}]
    counted = {(one["lane"], one["code"], one["isFlag"]): one["accounts"] for one in told["reasons"]}
    assert counted == {
        ("REVIEW", "turnover", False): 2,
        ("COMPLIANCE", "turnover", False): 1,
        ("REVIEW", "MODEL_COVERAGE", True): 1,
        ("REVIEW", "NON_DISCRETIONARY", True): 1,
    }
    assert {one["code"]: one["label"] for one in told["reasons"]}["MODEL_COVERAGE"] == "model coverage"
    assert await accounts(api, filter={"reason": "MODEL_COVERAGE"}) == ["A4"]
    assert await accounts(api, filter={"reason": "flags"}) == []
    assert (await api.data(ANNA, SUMMARY))["reviewSummary"]["waiting"] == 3
    assert (await api.data(OLGA, SUMMARY, {"lane": "COMPLIANCE"}))["reviewSummary"]["waiting"] == 1
    book.publish("REVIEW_EXPIRY")
    assert (await api.data(OLGA, SUMMARY))["reviewSummary"]["expired"] is True


def flag(book: Book, waiting, *flags: str) -> None:
    """Another pass of the filters, which a flag decided."""
    reason = "A person looks because of them."
    outcome = StageOutcome(Stage.FILTER, Standstill.REVIEW, lane=Lane.REVIEW, reason=reason)
    move(book, waiting, outcome, {"filter": None, "matched": {"flags": list(flags)}})


def move(book: Book, waiting, outcome: StageOutcome, detail: dict, changes: dict | None = None) -> None:
    def work(one):
        day = lock_day(one, waiting.ref)
        move_on(one, waiting.ref, day, outcome, input_hash="f" * 64, detail=detail, changes=changes or {})

    book.write(work)


async def test_a_review_shows_its_settings_in_english_its_classes_and_what_an_approval_covers(api: Api, book: Book):
    book.add_securities()
    day = await review(api, OLGA, waiting := book.add_review("A1"))
    assert "Trades without asking the client." in day["snapshot"]["settings"]["sentences"]
    assert day["proposal"]["trades"][0]["security"] == {"symbol": "VTI", "assetClass": "US_LARGE"}
    # 21,000 dollars: 20,000 in VTI, of which 10,000 are sold; 1 % of cash, three quarters of the rest in shares.
    by_class = {one["assetClass"]: one for one in day["classWeights"]}
    assert list(by_class) == ["BONDS", "US_LARGE", "CASH"]
    shares = by_class["US_LARGE"]
    assert (shares["target"], shares["before"], shares["after"]) == ("0.7425", "0.952381", "0.47619")
    assert (shares["driftBefore"], shares["driftAfter"]) == ("0.209881", "-0.26631")
    assert by_class["CASH"]["target"] == "0.01"
    assert day["approvalTerms"] == {
        "proposalHash": waiting.proposal_hash,
        "version": waiting.version,
        "expiresAt": "2026-03-02T19:00:00+00:00",
        "priceMoveLimit": "0.05",
        "tradedValue": "10000",
        "approvalLimit": "250000",
        "approvalsNeeded": 1,
        "approvalsGiven": 0,
        "needsConsent": False,
        "needsClearance": False,
        "approvedBy": [],
    }
    assert day["changesSince"] == []


@pytest.mark.parametrize(
    ("who", "values", "acts"),
    [
        (OLGA, {}, ["APPROVE", "REJECT", "REFRESH", "SUSPEND"]),
        (CARL, {}, ["REJECT", "SUSPEND"]),
        (CARL, {"notional": "300000"}, ["REJECT", "SUSPEND"]),  # the second person, never the first
        (CARL, {"lane": Lane.COMPLIANCE}, ["REJECT", "CLEAR", "SUSPEND"]),
        (OLGA, {"lane": Lane.COMPLIANCE}, ["REJECT", "REFRESH", "SUSPEND"]),
        (OLGA, {"discretionary": False}, ["REJECT", "REFRESH", "SUSPEND"]),
        (ANNA, {"discretionary": False}, ["APPROVE", "REJECT", "REFRESH", "SUSPEND"]),
        (OLGA, {"proposed_by": "olga"}, ["REJECT", "REFRESH", "SUSPEND"]),
        (DORA, {}, ["SUSPEND"]),
    ],
)
async def test_a_review_says_what_its_reader_may_do(api: Api, book: Book, who, values, acts):
    day = await review(api, who, book.add_review("A1", **values))
    assert day["permittedActs"] == acts


async def test_above_the_limit_the_terms_name_who_has_approved_and_the_same_person_may_not_again(api: Api, book: Book):
    waiting = book.add_review("A1", notional="300000")
    await api.do(OLGA, APPROVE, **waiting.variables)
    day = await review(api, OLGA, waiting)
    terms = day["approvalTerms"]
    assert (terms["approvalsNeeded"], terms["approvalsGiven"]) == (2, 1)
    assert terms["approvedBy"] == [{"name": "Olga Overlay"}]
    assert "APPROVE" not in day["permittedActs"]
    for second in (OTTO, CARL):
        assert "APPROVE" in (await review(api, second, waiting))["permittedActs"]


async def test_a_day_that_has_ended_offers_nothing(api: Api, book: Book):
    waiting = book.add_review("A1")
    book.write(lambda one: one.execute(update(account_day).values(terminal_state="EXPIRED", stage="record")))
    day = await review(api, OLGA, waiting)
    assert (day["permittedActs"], day["approvalTerms"]) == ([], None)
    assert [one["sentence"] for one in day["changesSince"]] == ["Its day has ended as EXPIRED."]


async def test_whoever_lost_the_race_reads_who_decided_what(api: Api, book: Book):
    waiting = book.add_review("A1")
    await api.do(CARL, REJECT, **waiting.variables, reason="The client has died")
    day = await review(api, OLGA, waiting)
    assert [one["sentence"] for one in day["changesSince"]] == ["Carl Compliance rejected it: The client has died."]


async def test_a_stale_page_reads_how_the_new_proposal_differs(api: Api, book: Book):
    book.add_securities()
    waiting = book.add_review("A1", notional="10000")
    newer = a_proposal("A1", notional="8000")

    def revise(one):
        digest = content_hash(newer)
        proposal_id = write_proposal(one, waiting.ref, digest, newer.input_hash, plain(newer), "trimtab")
        day = lock_day(one, waiting.ref)
        outcome = StageOutcome(Stage.FILTER, Standstill.REVIEW, lane=Lane.REVIEW)
        changes = {"proposal_id": proposal_id, "proposal_hash": digest}
        move_on(one, waiting.ref, day, outcome, input_hash="e" * 64, detail={}, changes=changes)

    book.write(revise)
    refused = await api.do(OLGA, APPROVE, **waiting.variables)
    assert refused["code"] == "STALE_VERSION"
    changes = (await review(api, OLGA, waiting))["changesSince"]
    assert changes == [{"code": "TRADE_CHANGED", "sentence": "Sell 50 VTI at $160.00, before: Sell 50 VTI at $200.00."}]


async def test_fifteen_accounts_are_decided_in_one_request_each_with_an_answer_of_its_own(api: Api, book: Book):
    """Bulk decisions are aliases of one mutation: each is settled in a transaction of its own."""
    reviews = [book.add_review(f"A{number:02d}") for number in range(15)]
    book.publish("RUN_START")
    stale = {**reviews[3].variables, "version": 1}
    wishes = [stale if number == 3 else one.variables for number, one in enumerate(reviews)]
    names = [f"d{number}" for number in range(15)]
    arguments = ", ".join(f"${name}: ApproveInput!" for name in names)
    fields = " ".join(f"{name}: approve(input: ${name}) {{ ...Said }}" for name in names)
    document = f"mutation Bulk({arguments}) {{ {fields} }} fragment Said on DecisionResult {{ {DECISION} }}"
    variables = {name: {**wish, "idempotencyKey": a_key()} for name, wish in zip(names, wishes, strict=True)}
    answers = await api.data(OLGA, document, variables)
    refused = {name for name, one in answers.items() if one["__typename"] != "DecisionAccepted"}
    assert refused == {"d3"}
    assert answers["d3"]["code"] == "STALE_VERSION"


async def test_the_desk_costs_the_same_number_of_statements_for_one_row_and_for_fifty(api: Api, book: Book):
    book.add_securities()
    document = DESK.replace(
        "accountId waitingSince", "approvalTerms { approvedBy { name } } classWeights { target } accountId waitingSince"
    )
    book.add_review("A00")
    await api.data(OLGA, document, {"first": 50})
    of_one = list(api.statements)
    for number in range(1, 50):
        book.add_review(f"A{number:02d}")
    page = (await api.data(OLGA, document, {"first": 50}))["reviewQueue"]
    assert len(page["edges"]) == 50
    assert len(api.statements) == len(of_one)


async def test_an_administrator_sees_no_queue(api: Api, book: Book):
    book.add_review("A1")
    answer = await api.send(ADAM, SUMMARY)
    assert answer["data"] == {"reviewSummary": None}
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
