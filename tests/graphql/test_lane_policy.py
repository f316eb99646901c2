"""The lane policy through the API: proposed with its shadow run, approved by a second person, followed, explained."""

from __future__ import annotations

from typing import Any

import pytest

from tests.graphql.api import ANNA, CARL, OLGA, Api
from tests.graphql.firms import ON, Book
from tests.graphql.test_filters import CLAUS, DECIDE, LANE, PROPOSE, all_of, the_days
from trimtab.activities.freeze import freeze_filters
from trimtab.contracts import RunRef, run_id
from trimtab.db.lane_policies import lane_document_on
from trimtab.domain.lane_canary import Canary
from trimtab.domain.lane_policy import DEFAULT_POLICY, json_of_policy

PROPOSE_POLICY = """mutation($input: ProposeLanePolicyInput!) { proposeLanePolicy(input: $input) {
  __typename ... on LanePolicyProposed { changeId sentences changed skippedReview }
  ... on UserError { code message } } }"""
DECIDE_POLICY = """mutation($input: DecideLanePolicyInput!) { decideLanePolicy(input: $input) {
  __typename ... on LanePolicyDecided { status } ... on UserError { code message } } }"""
POLICY = "query($knownAt: Int) { lanePolicy(knownAt: $knownAt) { policy sentences version } }"
EXPLAIN = """query($id: String!) { laneExplanation(accountId: $id) {
  decision { lane step filter } steps { step sentence wanted reason } } }"""
CHANGES = "{ lanePolicyChanges { changeId status sentences shadow } }"
STEPS: Any = json_of_policy(DEFAULT_POLICY)["steps"]
UNSEEN: Any = {"steps": [*STEPS[:5], {"filter": "large", "lane": "AUTOMATED"}, *STEPS[5:]]}
LARGE = all_of(("account_value", ">", 500_000))


@pytest.fixture
def days(book: Book) -> Book:
    """A1 is automated on both days, A2 ($600,000) reviewed on both, A3 under compliance review."""
    return the_days(book)


async def _large_filter(api: Api) -> None:
    wanted = {"name": "large", "filter": LARGE, "effectiveFrom": ON.isoformat(), "reason": "new"}
    proposed = await api.do(OLGA, PROPOSE, **wanted)
    await api.do(CARL, DECIDE, changeId=proposed["changeId"], approve=True, reason="agreed")


def _policy(policy: Any) -> dict[str, Any]:
    return {"policy": policy, "effectiveFrom": ON.isoformat(), "reason": "less work"}


@pytest.mark.covers("W2", "N6")
async def test_a_policy_is_tried_on_the_last_days_shown_to_the_approver_and_then_followed(api: Api, days: Book):
    """Large accounts would trade unseen: A2 with its two trades on each of the two days. The approver sees it."""
    missing = await api.do(OLGA, PROPOSE_POLICY, **_policy(UNSEEN))
    assert (missing["code"], missing["message"]) == (
        "FILTER_MISSING",
        "The firm has no filter large on every day from then on: propose it first.",
    )
    await _large_filter(api)
    proposed = await api.do(CLAUS, PROPOSE_POLICY, **_policy(UNSEEN))
    assert (proposed["changed"], proposed["skippedReview"]) == (2, 2)
    assert proposed["sentences"][5] == "When the large filter wants it, trade without a person."

    (waiting,) = (await api.data(CARL, CHANGES))["lanePolicyChanges"]
    assert waiting["shadow"]["counts"] == [["REVIEW", "AUTOMATED", 2]]
    assert waiting["shadow"]["skipped_orders"] == 4
    assert [each["account_id"] for each in waiting["shadow"]["changes"]] == ["A2", "A2"]
    assert waiting["shadow"]["changes"][0]["after"]["reason"] == "The large filter wants it: the value is $600,000."

    own = await api.do(CLAUS, DECIDE_POLICY, changeId=proposed["changeId"], approve=True, reason="mine")
    assert (own["__typename"], own["code"]) == ("Forbidden", "SELF_APPROVAL")
    assert (await api.data(OLGA, LANE, {"id": "A2"}))["laneExplanation"]["decision"]["lane"] == "REVIEW"
    agreed = await api.do(CARL, DECIDE_POLICY, changeId=proposed["changeId"], approve=True, reason="agreed")
    assert agreed == {"__typename": "LanePolicyDecided", "status": "APPROVED"}

    told = (await api.data(OLGA, EXPLAIN, {"id": "A2"}))["laneExplanation"]
    assert told["decision"] == {"lane": "AUTOMATED", "step": 6, "filter": "large"}
    assert [(each["step"], each["wanted"]) for each in told["steps"]] == [(n, n == 6) for n in range(1, 7)]
    assert told["steps"][4]["reason"] == "It carries no flag."


async def test_a_run_explains_by_the_policy_that_it_froze(api: Api, days: Book):
    ref = RunRef(days.firm_id, run_id(days.firm_id, ON), ON)
    days.write(lambda one: freeze_filters(one, ref))
    await _large_filter(api)
    proposed = await api.do(OLGA, PROPOSE_POLICY, **_policy(UNSEEN))
    await api.do(CARL, DECIDE_POLICY, changeId=proposed["changeId"], approve=True, reason="agreed")
    assert (await api.data(OLGA, LANE, {"id": "A2"}))["laneExplanation"]["decision"]["lane"] == "REVIEW"


async def test_a_filter_that_the_policy_names_cannot_be_withdrawn(api: Api, days: Book):
    await _large_filter(api)
    proposed = await api.do(OLGA, PROPOSE_POLICY, **_policy(UNSEEN))
    await api.do(CARL, DECIDE_POLICY, changeId=proposed["changeId"], approve=True, reason="agreed")
    gone = {"name": "large", "filter": None, "effectiveFrom": "2026-06-01", "reason": "gone"}
    refused = await api.do(OLGA, PROPOSE, **gone)
    assert (refused["code"], refused["message"]) == (
        "FILTER_IN_USE",
        "The lane policy of 2026-06-01 names large: change the policy first.",
    )


async def test_the_policy_is_answered_as_it_was_known_then(api: Api, days: Book):
    await _large_filter(api)
    proposed = await api.do(OLGA, PROPOSE_POLICY, **_policy(UNSEEN))
    await api.do(CARL, DECIDE_POLICY, changeId=proposed["changeId"], approve=True, reason="agreed")
    now = (await api.data(ANNA, POLICY, {}))["lanePolicy"]
    assert (len(now["sentences"]), now["policy"]) == (9, UNSEEN)
    before = (await api.data(ANNA, POLICY, {"knownAt": now["version"] - 1}))["lanePolicy"]
    assert (len(before["sentences"]), before["version"]) == (8, None)
    query = 'query($on: Date!) { lanePolicyDiff(before: "2026-02-27", after: $on) }'
    assert (await api.data(ANNA, query, {"on": ON.isoformat()}))["lanePolicyDiff"] == [
        "New: When the large filter wants it, trade without a person."
    ]


async def test_an_unsafe_policy_and_one_of_the_past_are_refused(api: Api, days: Book):
    automated_first = {"steps": [STEPS[6], *STEPS[:6]]}
    refused = await api.do(OLGA, PROPOSE_POLICY, **_policy(automated_first))
    assert (refused["__typename"], refused["code"]) == ("InvalidInput", "LANE_POLICY_INVALID")
    late = await api.do(OLGA, PROPOSE_POLICY, **{**_policy(None), "effectiveFrom": "2026-02-27"})
    assert late["code"] == "EFFECTIVE_IN_THE_PAST"
    assert (await api.do(ANNA, PROPOSE_POLICY, **_policy(None)))["__typename"] == "Forbidden"


def _shares(change_id: str, account_id: str) -> tuple[int, int]:
    """The largest percent that leaves the account out, and the next one, which has it."""
    first = next(each for each in range(1, 100) if Canary(change_id, each, DEFAULT_POLICY).chooses(account_id))
    return first - 1, first


@pytest.mark.covers("N6")
async def test_a_policy_is_tried_on_a_share_of_the_accounts_until_it_is_promoted(api: Api, days: Book):
    """By the policy on trial A2 would trade unseen: it is reviewed until the share has it, and its reason says so."""
    await _large_filter(api)
    proposed = await api.do(CLAUS, PROPOSE_POLICY, **_policy(UNSEEN), idempotencyKey="a trial of large accounts")
    change = {"changeId": proposed["changeId"], "approve": True, "reason": "carefully"}
    without, having = _shares(proposed["changeId"], "A2")

    async def lane_of_a2() -> Any:
        return (await api.data(OLGA, LANE, {"id": "A2"}))["laneExplanation"]["decision"]

    assert (await api.do(CARL, DECIDE_POLICY, **change, canary=100))["code"] == "OUT_OF_RANGE"
    assert (await api.do(CARL, DECIDE_POLICY, **change, canary=without))["status"] == "CANARY"
    assert (await lane_of_a2())["lane"] == "REVIEW"
    assert (await api.do(CLAUS, DECIDE_POLICY, **change, canary=having))["code"] == "SELF_APPROVAL"
    assert (await api.do(CARL, DECIDE_POLICY, **change, canary=having))["status"] == "CANARY"
    tried = await lane_of_a2()
    assert (tried["lane"], tried["reason"]) == (
        "AUTOMATED",
        f"The large filter wants it: the value is $600,000. Decided by the lane policy on trial for {having} % of the"
        f" accounts (change {proposed['changeId']}).",
    )
    gone = {"name": "large", "filter": None, "effectiveFrom": "2026-06-01", "reason": "gone"}
    assert (await api.do(OLGA, PROPOSE, **gone))["code"] == "FILTER_IN_USE"
    assert (await api.data(ANNA, POLICY, {}))["lanePolicy"]["version"] is None  # the firm's own policy stands

    other = await api.do(OLGA, PROPOSE_POLICY, **_policy(json_of_policy(DEFAULT_POLICY)))
    refused = await api.do(CARL, DECIDE_POLICY, **{**change, "changeId": other["changeId"]}, canary=5)
    assert (refused["code"], "is on trial" in refused["message"]) == ("NO_LONGER_APPLIES", True)

    assert (await api.do(CARL, DECIDE_POLICY, **change))["status"] == "APPROVED"
    assert (await lane_of_a2())["reason"] == "The large filter wants it: the value is $600,000."
    assert (await api.data(ANNA, POLICY, {}))["lanePolicy"]["policy"] == UNSEEN


async def test_a_policy_on_trial_that_is_withdrawn_decides_for_nobody_and_runs_keep_what_they_froze(
    api: Api, days: Book
):
    await _large_filter(api)
    proposed = await api.do(OLGA, PROPOSE_POLICY, **_policy(UNSEEN), idempotencyKey="a trial of large accounts")
    change = {"changeId": proposed["changeId"], "reason": "carefully"}
    await api.do(CARL, DECIDE_POLICY, **change, approve=True, canary=_shares(proposed["changeId"], "A2")[1])
    trial = days.write(lambda one: lane_document_on(one, ON))
    assert trial["canary"]["change"] == proposed["changeId"]
    assert "large" in trial["filters"]

    assert (await api.do(CARL, DECIDE_POLICY, **change, approve=False))["status"] == "WITHDRAWN"

    assert (await api.data(OLGA, LANE, {"id": "A2"}))["laneExplanation"]["decision"]["lane"] == "REVIEW"
    assert "canary" not in days.write(lambda one: lane_document_on(one, ON))
    again = await api.do(CARL, DECIDE_POLICY, **change, approve=True)
    assert again["code"] == "ALREADY_DECIDED"
