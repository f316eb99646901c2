"""What a person saw at a moment, and in English what the firm has changed between two moments."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.graphql.api import ANNA, CARL, IVAN, OLGA, WAREHOUSE, Api
from tests.graphql.documents import APPROVE
from tests.graphql.firms import ON, Book
from tests.graphql.pages import page_document
from tests.graphql.test_filters import DECIDE, PROPOSE, all_of, the_days
from tests.graphql.test_programme import ALLOCATION, publish, published
from trimtab.contracts import StageOutcome
from trimtab.db.account_days import lock_day, move_on
from trimtab.db.settings_versions import newest_seq
from trimtab.db.suspensions import lift_suspension, open_suspension
from trimtab.domain.lifecycle import Stage
from trimtab.domain.suspensions import Suspension, SuspensionKind, SuspensionScope

REVIEW = page_document("Review")
SEEN = REVIEW.replace("$id: ID!", "$id: ID!, $at: DateTime!").replace("(id: $id)", "(id: $id, knownAt: $at)")
PROGRAMME = "query($b: Moment!, $a: Moment!) { programmeDiff(before: $b, after: $a) }"
FILTERS = "query($b: Moment!, $a: Moment!) { firmFiltersDiff(before: $b, after: $a) }"


def _moment(book: Book) -> str:
    """The database's clock: what is written from now on was not known."""
    at: datetime = book.write(lambda one: one.exec_driver_sql("SELECT clock_timestamp()").scalar())
    return at.isoformat()


@pytest.mark.covers("N9")
async def test_what_the_reviewer_saw_is_answered_word_for_word_after_all_of_it_has_changed(api: Api, book: Book):
    """Two waits in review with one open suspension; then both suspensions are lifted, it is approved, and moves on."""
    book.add_securities()
    waiting = book.add_review("A1", notional="300000")  # above the firm's $250,000: a second person approves
    opened = [
        book.write(lambda one, each=each: open_suspension(one, "firm-a", each))
        for each in (
            Suspension(SuspensionScope.ACCOUNT, "A1", SuspensionKind.ADVISOR, "ADVISOR", "the client travels", ON, "o"),
            Suspension(SuspensionScope.FIRM, "firm-a", SuspensionKind.DATA, "PRICES", "prices are late", ON, "o"),
        )
    ]
    asked = {"id": waiting.ref.account_day_id}
    saw = await api.data(OLGA, REVIEW, asked)
    at = _moment(book)
    assert [each["reason"] for each in saw["accountDay"]["openSuspensions"]] == [
        "the client travels",
        "prices are late",
    ]
    assert (saw["accountDay"]["approvalTerms"]["approvalsGiven"], saw["accountDay"]["decisions"]) == (0, [])

    for one_id in opened:
        book.write(
            lambda one, key=one_id: lift_suspension(one, "firm-a", key, lifted_on=ON, lifted_by="o", reason="done")
        )
    await api.do(OLGA, APPROVE, **waiting.variables)
    between = _moment(book)
    outcome = StageOutcome(Stage.REVIEW, Stage.APPROVE)
    book.write(
        lambda one: move_on(
            one, waiting.ref, lock_day(one, waiting.ref), outcome, input_hash="d" * 64, detail={}, changes={}
        )
    )
    now = await api.data(OLGA, REVIEW, asked)
    assert (now["accountDay"]["stage"], now["accountDay"]["openSuspensions"]) == ("APPROVE", [])

    then = await api.data(OLGA, SEEN, {**asked, "at": at})
    # The row was moved within the transaction that told of it, microseconds before.
    since = [datetime.fromisoformat(each["accountDay"].pop("waitingSince")) for each in (saw, then)]
    assert abs((since[1] - since[0]).total_seconds()) < 1
    assert then == saw
    later = (await api.data(OLGA, SEEN, {**asked, "at": between}))["accountDay"]
    assert (later["stage"], later["openSuspensions"]) == ("REVIEW", [])
    assert (later["approvalTerms"]["approvalsGiven"], len(later["decisions"])) == (1, 1)


async def test_the_past_of_a_review_asks_for_the_audit_log_and_an_offset(api: Api, book: Book):
    waiting = book.add_review("A1")
    asked = {"id": waiting.ref.account_day_id}
    assert (await api.data(OLGA, SEEN, {**asked, "at": "2020-01-01T00:00:00Z"}))["accountDay"] is None
    naive = await api.send(OLGA, SEEN, {**asked, "at": "2026-03-02T10:42:00"})
    assert naive["errors"][0]["extensions"]["code"] == "BAD_INPUT"
    refused = await api.send(WAREHOUSE, SEEN, {**asked, "at": _moment(book)})
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.covers("N9")
async def test_the_programme_of_two_moments_differs_in_english(api: Api, book: Book):
    """Large caps from 30 % to 35 %, mid caps from 15 % to 10 %; the variant is new between the first two moments."""
    start = book.write(newest_seq)
    await published(api)
    before, at = book.write(newest_seq), _moment(book)
    overweight = {**ALLOCATION, "version": 2, "weights": {**ALLOCATION["weights"], "LC": "0.35", "MC": "0.10"}}
    await publish(api, "ALLOCATION", overweight)

    async def diff(one: Any, other: Any) -> list[str]:
        told: list[str] = (await api.data(IVAN, PROGRAMME, {"b": one, "a": other}))["programmeDiff"]
        return told

    assert await diff({"knownAt": before}, {}) == [
        "Allocation BALANCED: the weight of LC is 35 %, before 30 %.",
        "Allocation BALANCED: the weight of MC is 10 %, before 15 %.",
    ]
    assert await diff({"knownAtTime": at}, {}) == await diff({"knownAt": before}, {})
    assert await diff({}, {"knownAt": before}) == [
        "Allocation BALANCED: the weight of LC is 30 %, before 35 %.",
        "Allocation BALANCED: the weight of MC is 15 %, before 10 %.",
    ]
    new = await diff({"knownAt": start}, {"knownAt": before})
    assert "Variant NO-RE is new: the parent is BALANCED; the drop of RE is over all classes." in new
    assert "Variant NO-RE is gone." in await diff({"knownAt": before}, {"asOf": "2026-03-01"})
    assert await diff({}, {}) == []


@pytest.mark.covers("N9")
async def test_filters_and_lanes_of_two_moments_differ_in_english(api: Api, book: Book):
    the_days(book)
    moments = [book.write(newest_seq)]
    for dollars in (500_000, 400_000):
        wanted = {"name": "large", "filter": all_of(("account_value", ">", dollars)), "reason": "new"}
        proposed = await api.do(OLGA, PROPOSE, **wanted, effectiveFrom=ON.isoformat())
        await api.do(CARL, DECIDE, changeId=proposed["changeId"], approve=True, reason="agreed")
        moments.append(book.write(newest_seq))
    none, first, second = ({"knownAt": each} for each in moments)

    async def diff(one: Any, other: Any) -> list[str]:
        told: list[str] = (await api.data(ANNA, FILTERS, {"b": one, "a": other}))["firmFiltersDiff"]
        return told

    of = "The account is wanted when the value is above"
    assert await diff(none, first) == [f"Filter large is new: {of} $500,000."]
    assert await diff(first, second) == [f"Filter large: {of} $400,000. Before: {of} $500,000."]
    assert await diff(second, none) == [f"Filter large is gone: {of} $400,000."]
