"""Filters through the API: found, saved, proposed, approved by a second person, and tried on days that are over."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import insert

from tests.graphql.api import ADAM, ANNA, CARL, DORA, IVAN, MARK, OLGA, WAREHOUSE, Api, a_person
from tests.graphql.firms import ON, Book
from trimtab.auth.matrix import Role
from trimtab.contracts import run_id
from trimtab.db.filter_versions import firm_filters_on
from trimtab.db.filters import write_facts
from trimtab.db.tables import run
from trimtab.domain.account_facts import AccountFacts
from trimtab.domain.fact_fields import FIELDS
from trimtab.domain.firm_filters import DEFAULT_FIRM_FILTERS

CLAUS = a_person("claus", Role.COMPLIANCE, Role.OVERLAY_MANAGER)
QUIET = AccountFacts(
    "A1",
    advisor_id="adv-1",
    standing="OPEN",
    approved_for_trading=True,
    discretionary=True,
    is_suspended=False,
    has_data_error=False,
    is_mandate=False,
    under_compliance_review=False,
    account_value=100_000.0,
    order_count=2,
    turnover=0.08,
    tax_bps=5.0,
    score=4.0,
    tracking_error=0.02,
    max_drift=0.03,
    outcome="OPTIMAL",
)

PREVIEW = """query($filter: JSON!, $first: Int, $after: String) {
  filterPreview(filter: $filter, first: $first, after: $after) {
    businessDate sentence count endCursor accounts { accountId values { field text } } } }"""
SAVE = """mutation($input: SavePersonalFilterInput!) { savePersonalFilter(input: $input) {
  __typename ... on PersonalFilterSaved { sentence version } ... on UserError { code message } } }"""
PROPOSE = """mutation($input: ProposeFirmFilterInput!) { proposeFirmFilter(input: $input) {
  __typename ... on FirmFilterProposed { changeId sentence } ... on UserError { code message } } }"""
DECIDE = """mutation($input: DecideFirmFilterInput!) { decideFirmFilter(input: $input) {
  __typename ... on FirmFilterDecided { status } ... on UserError { code message } } }"""
FILTERS = "{ filters { name personal decidesLanes sentence version } }"
LANE = """query($id: String!) { laneExplanation(accountId: $id) {
  businessDate decision { lane filter reason values { field text } } } }"""
SHADOW = """query($name: String!, $filter: JSON!, $days: Int) {
  shadowFilter(name: $name, filter: $filter, days: $days) {
  days changed counts { before after accounts }
  changes { businessDate accountId before { lane } after { lane reason } } } }"""


def all_of(*rules: tuple[str, str, Any]) -> dict[str, Any]:
    named = [{"field": field, "operator": operator, "value": value} for field, operator, value in rules]
    return {"combinator": "and", "rules": named}


TURNED = all_of(("turnover", ">", 0.05))


@pytest.fixture
def days(book: Book) -> Book:
    """Two days: A1 and A2 of adv-1, A3 of adv-2; A2 turns over 12 %, and on the first day 4 %."""
    return the_days(book)


def the_days(book: Book) -> Book:
    first = date(2026, 2, 27)
    book.write(
        lambda one: one.execute(
            insert(run).values(
                firm_id=book.firm_id,
                run_id=run_id(book.firm_id, first),
                business_date=first,
                clock_mode="stepped",
                status="DONE",
            )
        )
    )
    for on, turnover in ((first, 0.04), (ON, 0.12)):
        for row in (
            QUIET,
            replace(QUIET, account_id="A2", turnover=turnover, account_value=600_000.0),
            replace(QUIET, account_id="A3", advisor_id="adv-2", under_compliance_review=True),
        ):
            book.write(lambda one, row=row, on=on: write_facts(one, book.firm_id, run_id(book.firm_id, on), row))
    return book


@pytest.mark.covers("W1")
async def test_the_catalogue_has_every_field_with_its_type_unit_and_operators(api: Api, book: Book):
    data = await api.data(ANNA, "{ filterFields { name label kind unit source choices operators } }")
    assert {each["name"] for each in data["filterFields"]} == set(FIELDS)
    assert len(FIELDS) >= 80
    (turnover,) = [each for each in data["filterFields"] if each["name"] == "turnover"]
    assert (turnover["label"], turnover["kind"], turnover["unit"]) == ("turnover", "NUMBER", "fraction")
    assert "between" in turnover["operators"]


@pytest.mark.covers("W1")
async def test_a_filter_is_counted_and_shown_page_by_page(api: Api, days: Book):
    found = (await api.data(OLGA, PREVIEW, {"filter": TURNED, "first": 2}))["filterPreview"]
    assert (found["count"], found["businessDate"]) == (3, ON.isoformat())
    assert found["sentence"] == "The account is wanted when the turnover is above 5 %."
    assert [each["accountId"] for each in found["accounts"]] == ["A1", "A2"]
    assert found["accounts"][1]["values"][-1] == {"field": "turnover", "text": "12 %"}
    looks = [each for each in api.statements if "FROM account_facts" in each and "turnover" in each]
    assert len(looks) == 1  # of three accounts the count and the page

    rest = (await api.data(OLGA, PREVIEW, {"filter": TURNED, "first": 2, "after": found["endCursor"]}))["filterPreview"]
    assert ([each["accountId"] for each in rest["accounts"]], rest["endCursor"]) == (["A3"], None)


async def test_an_advisor_finds_accounts_of_the_own_book_alone(api: Api, days: Book):
    found = (await api.data(ANNA, PREVIEW, {"filter": TURNED}))["filterPreview"]
    assert (found["count"], [each["accountId"] for each in found["accounts"]]) == (2, ["A1", "A2"])
    assert (await api.data(ANNA, LANE, {"id": "A3"}))["laneExplanation"] is None


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (all_of(("shoe_size", "=", 45)), "FILTER_UNKNOWN_FIELD"),
        (all_of(("turnover", "=", "much")), "FILTER_WRONG_VALUE"),
        (all_of(("turnover", "contains", "A")), "FILTER_WRONG_OPERATOR"),
        ({"combinator": "and", "rules": []}, "FILTER_MALFORMED"),
    ],
)
async def test_a_filter_that_cannot_be_read_is_refused_with_its_place(api: Api, days: Book, wrong: Any, code: str):
    answer = await api.send(OLGA, PREVIEW, {"filter": wrong})
    assert answer["errors"][0]["extensions"]["reason"] == code
    saved = await api.do(OLGA, SAVE, name="mine", filter=wrong)
    assert (saved["__typename"], saved["code"]) == ("InvalidInput", code)


@pytest.mark.covers("W-D1", "W-D2")
async def test_compliance_sees_which_advisors_merit_review(api: Api, days: Book):
    query = "query($filter: JSON!) { filterByAdvisor(filter: $filter) { advisorId wanted accounts } }"
    data = await api.data(CARL, query, {"filter": DEFAULT_FIRM_FILTERS["compliance"]})
    assert data["filterByAdvisor"] == [{"advisorId": "adv-2", "wanted": 1, "accounts": 1}]


@pytest.mark.covers("W3")
async def test_everybody_keeps_filters_of_the_own_that_nobody_else_sees(api: Api, days: Book):
    for who in (ANNA, IVAN, OLGA, CARL, MARK, DORA):
        saved = await api.do(who, SAVE, name="turned over", filter=TURNED)
        assert saved["__typename"] == "PersonalFilterSaved", who
    for who in (ADAM, WAREHOUSE):
        assert (await api.do(who, SAVE, name="turned over", filter=TURNED))["__typename"] == "Forbidden"

    (seen,) = [each for each in (await api.data(ANNA, FILTERS))["filters"] if each["personal"]]
    wanted = {"name": "turned over", "seenVersion": seen["version"]}
    changed = await api.do(ANNA, SAVE, **wanted, filter=all_of(("turnover", ">", 0.5)))
    assert changed["sentence"] == "The account is wanted when the turnover is above 50 %."
    own = [each for each in (await api.data(OLGA, FILTERS))["filters"] if each["personal"]]
    assert [each["sentence"] for each in own] == ["The account is wanted when the turnover is above 5 %."]

    await api.do(ANNA, SAVE, name="turned over", filter=None, seenVersion=changed["version"])
    assert [each for each in (await api.data(ANNA, FILTERS))["filters"] if each["personal"]] == []


@pytest.mark.covers("W2")
async def test_a_firm_filter_counts_after_another_person_has_approved_it(api: Api, days: Book):
    wanted = {"name": "review", "filter": TURNED, "effectiveFrom": ON.isoformat(), "reason": "more looks"}
    for who in (ANNA, CARL, MARK, DORA):
        assert (await api.do(who, PROPOSE, **wanted))["__typename"] == "Forbidden"
    proposed = await api.do(CLAUS, PROPOSE, **wanted)
    assert days.write(lambda one: firm_filters_on(one, ON))["review"].value == DEFAULT_FIRM_FILTERS["review"]

    own = await api.do(CLAUS, DECIDE, changeId=proposed["changeId"], approve=True, reason="mine")
    assert (own["__typename"], own["code"]) == ("Forbidden", "SELF_APPROVAL")
    assert (await api.do(OLGA, DECIDE, changeId=proposed["changeId"], approve=True, reason="no"))["code"]
    decided = await api.do(CARL, DECIDE, changeId=proposed["changeId"], approve=True, reason="agreed")
    assert decided == {"__typename": "FirmFilterDecided", "status": "APPROVED"}

    held = {each["name"]: each for each in (await api.data(MARK, FILTERS))["filters"]}
    assert held["review"]["sentence"] == "The account is wanted when the turnover is above 5 %."
    assert held["review"]["version"] is not None
    assert (held["suspend"]["version"], held["suspend"]["decidesLanes"]) == (None, True)
    assert (await api.data(OLGA, LANE, {"id": "A1"}))["laneExplanation"]["decision"]["filter"] == "review"


async def test_of_two_changes_made_from_one_version_the_first_approved_wins(api: Api, days: Book):
    wanted = {"name": "review", "filter": TURNED, "effectiveFrom": ON.isoformat(), "reason": "more looks"}
    first, second = [await api.do(OLGA, PROPOSE, **wanted) for _ in range(2)]
    await api.do(CARL, DECIDE, changeId=first["changeId"], approve=True, reason="agreed")
    late = await api.do(CARL, DECIDE, changeId=second["changeId"], approve=True, reason="agreed")
    assert late["code"] == "STALE_VERSION"
    past = await api.do(OLGA, PROPOSE, **{**wanted, "effectiveFrom": "2026-02-27"})
    assert past["code"] == "EFFECTIVE_IN_THE_PAST"


@pytest.mark.covers("W-D5")
async def test_each_lane_is_explained_by_the_firms_one_policy(api: Api, days: Book):
    """Small and worth it; above $500,000 with 12 % turnover; under compliance review."""
    told = {}
    for account_id in ("A1", "A2", "A3"):
        told[account_id] = (await api.data(OLGA, LANE, {"id": account_id}))["laneExplanation"]["decision"]
    assert [told[each]["lane"] for each in ("A1", "A2", "A3")] == ["AUTOMATED", "REVIEW", "COMPLIANCE"]
    assert told["A2"]["reason"] == "The review filter wants it: the value is $600,000 and the turnover is 12 %."
    assert told["A3"]["values"] == [{"field": "under_compliance_review", "text": "True"}]


async def test_a_change_is_tried_on_the_days_that_are_over_before_it_holds(api: Api, days: Book):
    """Everything above 5 % turnover to review: A1 on both days. A2 was in review on one day for its 12 % already, and
    with 4 % on the other nobody wanted it: a person looks either way, for it is above $500,000."""
    found = (await api.data(OLGA, SHADOW, {"name": "review", "filter": TURNED, "days": 5}))["shadowFilter"]
    assert found["days"] == [ON.isoformat(), "2026-02-27"]
    assert found["changed"] == 2
    assert found["counts"] == [{"before": "AUTOMATED", "after": "REVIEW", "accounts": 2}]
    assert [(each["businessDate"], each["accountId"]) for each in found["changes"]] == [
        (ON.isoformat(), "A1"),
        ("2026-02-27", "A1"),
    ]
    assert found["changes"][0]["after"]["reason"] == "The review filter wants it: the turnover is 8 %."

    same = await api.data(OLGA, SHADOW, {"name": "review", "filter": DEFAULT_FIRM_FILTERS["review"]})
    assert same["shadowFilter"]["changed"] == 0
    refused = await api.send(OLGA, SHADOW, {"name": "mine", "filter": TURNED})
    assert "decides no lane" in refused["errors"][0]["message"]


async def test_one_account_is_answered_rule_by_rule(api: Api, days: Book):
    query = """query($filter: JSON!) { filterAccount(filter: $filter, accountId: "A2") {
        wanted rules { rule shown holds } } }"""
    both = all_of(("turnover", ">", 0.05), ("cash_weight", "<", 0.1))
    answer = (await api.data(ANNA, query, {"filter": both}))["filterAccount"]
    assert answer["wanted"] is False
    assert answer["rules"] == [
        {"rule": "the turnover is above 5 %", "shown": "the turnover is 12 %", "holds": True},
        {"rule": "the cash weight is below 10 %", "shown": "the cash weight is unknown", "holds": None},
    ]


@pytest.mark.covers("W-E1", "W-E2", "E7")
async def test_management_asks_which_accounts_and_whose_should_have_traded_and_did_not(api: Api, days: Book):
    """A1 drifted 6 % and nothing is proposed for it: it and its advisor are on the list."""
    idle = replace(QUIET, order_count=0, max_drift=0.06)
    days.write(lambda one: write_facts(one, days.firm_id, run_id(days.firm_id, ON), idle))
    management = DEFAULT_FIRM_FILTERS["management"]

    found = (await api.data(MARK, PREVIEW, {"filter": management}))["filterPreview"]
    assert [each["accountId"] for each in found["accounts"]] == ["A1"]
    query = "query($filter: JSON!) { filterByAdvisor(filter: $filter) { advisorId wanted accounts } }"
    whose = (await api.data(MARK, query, {"filter": management}))["filterByAdvisor"]
    assert whose == [{"advisorId": "adv-1", "wanted": 1, "accounts": 2}]


async def test_filters_of_another_firm_are_neither_seen_nor_change_anything(api: Api, days: Book):
    """Row-level security: the other firm has no facts, no changes and its own starting filters."""
    other = Book(days.engine, "firm-b").found()
    stranger = a_person("fremd", Role.OVERLAY_MANAGER, firm_id=other.firm_id)
    proposed = await api.do(
        OLGA, PROPOSE, name="review", filter=TURNED, effectiveFrom=ON.isoformat(), reason="more looks"
    )
    assert (await api.data(stranger, PREVIEW, {"filter": TURNED}))["filterPreview"] is None
    assert (await api.data(stranger, "{ firmFilterChanges { changeId } }"))["firmFilterChanges"] == []
    verifier = a_person("fritz", Role.COMPLIANCE, firm_id=other.firm_id)
    decided = await api.do(verifier, DECIDE, changeId=proposed["changeId"], approve=True, reason="mine now")
    assert decided["__typename"] == "NotFound"
