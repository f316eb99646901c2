"""A firm's own fields through the API: defined by two persons, entered for an account, filtered by, with history."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.graphql.api import ANNA, CARL, OLGA, Api, a_person
from tests.graphql.firms import ON, Book
from tests.graphql.test_filters import CLAUS, PREVIEW, PROPOSE, QUIET, all_of
from trimtab.auth.matrix import Role
from trimtab.contracts import run_id
from trimtab.db.ancillary import ancillary_facts
from trimtab.db.filters import write_facts

DEFINE = """mutation($input: ProposeAncillaryFieldInput!) { proposeAncillaryField(input: $input) {
  __typename ... on AncillaryFieldProposed { changeId field { filterName sentence } }
  ... on UserError { code message } } }"""
DECIDE = """mutation($input: DecideAncillaryFieldInput!) { decideAncillaryField(input: $input) {
  __typename ... on AncillaryFieldDecided { status } ... on UserError { code message } } }"""
SET = """mutation($input: SetAncillaryValueInput!) { setAncillaryValue(input: $input) {
  __typename ... on AncillaryValueSet { version value { label text value } } ... on UserError { code message } } }"""
VALUES = """query($id: ID!, $knownAt: Int) { accountAncillary(accountId: $id, knownAt: $knownAt) { name text } }"""
HISTORY = """query($id: ID!) { accountAncillaryHistory(accountId: $id) {
  version actor reason differences } }"""
FIELD = {
    "name": "risk_score",
    "label": "risk score",
    "type": "NUMBER",
    "enteredBy": "PERSON",
    "effectiveFrom": ON.isoformat(),
    "reason": "the questionnaire",
}


@pytest.fixture
def people(book: Book) -> Book:
    """A1 of Anna's book and A3 of another advisor's."""
    book.add_account("A1")
    book.add_account("A3", advisor="adv-2")
    return book


async def _defined(api: Api, **changes: Any) -> None:
    proposed = await api.do(OLGA, DEFINE, **{**FIELD, **changes})
    decided = await api.do(CARL, DECIDE, changeId=proposed["changeId"], approve=True, reason="agreed")
    assert decided == {"__typename": "AncillaryFieldDecided", "status": "APPROVED"}


@pytest.mark.covers("D21", "W2")
async def test_a_firm_defines_a_field_enters_values_and_filters_by_it(api: Api, people: Book):
    proposed = await api.do(CLAUS, DEFINE, **FIELD)
    assert proposed["field"] == {
        "filterName": "own.risk_score",
        "sentence": "Risk score: a number, entered by people.",
    }
    own = await api.do(CLAUS, DECIDE, changeId=proposed["changeId"], approve=True, reason="mine")
    assert (own["__typename"], own["code"]) == ("Forbidden", "SELF_APPROVAL")
    early = await api.do(ANNA, SET, accountId="A1", name="risk_score", value="7", reason="asked")
    assert (early["code"], early["message"]) == ("ANCILLARY_INVALID", "the firm has no field risk_score")
    await api.do(CARL, DECIDE, changeId=proposed["changeId"], approve=True, reason="agreed")

    answer = await api.do(ANNA, SET, accountId="A1", name="risk_score", value="7.50", reason="asked")
    assert answer["value"] == {"label": "risk score", "text": "7.5", "value": "7.5"}
    people.write(_rows_are_written(people))
    names = [each["name"] for each in (await api.data(ANNA, "{ filterFields { name } }"))["filterFields"]]
    assert names[-1] == "own.risk_score"
    found = (await api.data(OLGA, PREVIEW, {"filter": all_of(("own.risk_score", ">", 7))}))["filterPreview"]
    assert found["sentence"] == "The account is wanted when the risk score is above 7."
    assert [each["accountId"] for each in found["accounts"]] == ["A1"]
    assert found["accounts"][0]["values"][-1] == {"field": "own.risk_score", "text": "7.5"}


def _rows_are_written(book: Book) -> Any:
    """The rows of a run, with the accounts' own fields as `known_by_now` adds them."""

    def write(connection: Any) -> None:
        for account_id in ("A1", "A2"):
            own = ancillary_facts(connection, account_id, ON)
            row = replace(QUIET, account_id=account_id, ancillary=own)
            write_facts(connection, book.firm_id, run_id(book.firm_id, ON), row)

    return write


async def test_values_are_answered_as_they_were_known_with_who_changed_what_and_why(api: Api, people: Book):
    await _defined(api)
    first = await api.do(ANNA, SET, accountId="A1", name="risk_score", value="7", reason="asked")
    await api.do(ANNA, SET, accountId="A1", name="risk_score", value="4", reason="asked again")
    assert (await api.data(ANNA, VALUES, {"id": "A1"}))["accountAncillary"] == [{"name": "risk_score", "text": "4"}]
    then = (await api.data(ANNA, VALUES, {"id": "A1", "knownAt": first["version"]}))["accountAncillary"]
    assert then == [{"name": "risk_score", "text": "7"}]
    told = (await api.data(OLGA, HISTORY, {"id": "A1"}))["accountAncillaryHistory"]
    assert [(each["reason"], each["differences"]) for each in told] == [
        ("asked again", ["The risk score was 7 and is 4."]),
        ("asked", ["The risk score was unknown and is 7."]),
    ]
    query = """query($on: Date!, $seq: Int!) {
        accountAncillaryDiff(accountId: "A1", before: $on, beforeKnownAt: $seq, after: $on) }"""
    diff = await api.data(OLGA, query, {"on": ON.isoformat(), "seq": first["version"]})
    assert diff["accountAncillaryDiff"] == ["The risk score was 7 and is 4."]


@pytest.mark.parametrize(
    ("changes", "value", "code", "message"),
    [
        ({}, "high", "ANCILLARY_INVALID", "risk score is a number of at most 15 digits, and 8 behind the point"),
        ({"enteredBy": "FEED"}, "7", "ANCILLARY_INVALID", "risk score comes from a file: correct it there"),
        ({"type": "CHOICE", "choices": ["LOW", "HIGH"]}, "MEDIUM", "ANCILLARY_INVALID", "risk score is one of LOW, HI"),
    ],
)
async def test_what_is_no_value_of_the_field_is_refused(api: Api, people: Book, changes, value, code, message):
    await _defined(api, **changes)
    answer = await api.do(ANNA, SET, accountId="A1", name="risk_score", value=value, reason="asked")
    assert answer["code"] == code
    assert answer["message"].startswith(message)


async def test_only_the_accounts_advisor_enters_values(api: Api, people: Book):
    await _defined(api)
    for who in (OLGA, CARL):
        answer = await api.do(who, SET, accountId="A1", name="risk_score", value="7", reason="asked")
        assert answer["__typename"] == "Forbidden"
    theirs = await api.do(ANNA, SET, accountId="A3", name="risk_score", value="7", reason="asked")
    assert theirs["__typename"] == "NotFound"
    assert (await api.data(ANNA, VALUES, {"id": "A3"}))["accountAncillary"] is None


async def test_a_field_that_a_filter_names_cannot_retire(api: Api, people: Book):
    await _defined(api)
    wanted = {"name": "risky", "filter": all_of(("own.risk_score", ">", 7)), "reason": "watch"}
    proposed = await api.do(OLGA, PROPOSE, **wanted, effectiveFrom=ON.isoformat())
    decide = """mutation($input: DecideFirmFilterInput!) { decideFirmFilter(input: $input) { __typename } }"""
    await api.do(CARL, decide, changeId=proposed["changeId"], approve=True, reason="agreed")
    refused = await api.do(OLGA, DEFINE, **FIELD, retired=True)
    assert (refused["code"], refused["message"]) == (
        "FIELD_IN_USE",
        "The firm's filter risky names it: change the filter first.",
    )


async def test_fields_and_values_of_another_firm_are_not_seen(api: Api, people: Book):
    await _defined(api)
    other = Book(people.engine, "firm-b").found()
    stranger = a_person("fremd", Role.OVERLAY_MANAGER, firm_id=other.firm_id)
    assert (await api.data(stranger, "{ ancillaryFields { name } }"))["ancillaryFields"] == []
    answer = await api.send(stranger, PREVIEW, {"filter": all_of(("own.risk_score", ">", 7))})
    assert answer["data"]["filterPreview"] is None
