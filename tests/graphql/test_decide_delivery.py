"""A refused file is taken after all, or left aside, by two data managers together."""

from __future__ import annotations

from typing import Any

import pytest

from tests.graphql.api import DORA, FREMD, OLGA, Api, a_person
from tests.graphql.firms import Book
from tests.graphql.test_night import deliver
from trimtab.auth.matrix import Role
from trimtab.db.tables import delivery, event

DECIDE = """
mutation Decide($input: DecideDeliveryInput!) {
  decideDelivery(input: $input) {
    __typename
    ... on DeliveryDecisionProposed { deliveryId decision }
    ... on DeliveryDecided { deliveryId decision }
    ... on UserError { code message }
  }
}
"""
DAVE = a_person("dave", Role.DATA_MANAGER)


async def decide(api: Api, who: Any, decision: str, of: str = "lots-QUARANTINED") -> Any:
    return await api.do(who, DECIDE, deliveryId=of, decision=decision, reason="the sender confirms it")


@pytest.fixture
def shrunk(book: Book) -> Book:
    deliver(book, "lots", "QUARANTINED", reason_codes=["FEED_SHRUNK"], message="12 % fewer rows")
    return book


@pytest.mark.covers("H3")
async def test_the_second_person_carries_out_what_the_first_has_proposed(api: Api, shrunk: Book) -> None:
    assert (await decide(api, DORA, "RELEASE"))["__typename"] == "DeliveryDecisionProposed"
    (row,) = shrunk.rows(delivery)
    assert row.status == "QUARANTINED"
    again = await decide(api, DORA, "RELEASE")
    assert (again["__typename"], again["code"]) == ("Forbidden", "SELF_APPROVAL")
    assert (await decide(api, DAVE, "RELEASE"))["__typename"] == "DeliveryDecided"
    (row,) = shrunk.rows(delivery)
    assert (row.status, row.detail["accepted"], row.detail["decided_by"]) == ("RECEIVED", ["FEED_SHRUNK"], "dave")
    kinds = [one.kind for one in shrunk.rows(event)]
    assert kinds[-2:] == ["DELIVERY_DECISION_PROPOSED", "DELIVERY_RECEIVED"]


async def test_another_decision_takes_the_place_of_the_first_and_needs_two_as_well(api: Api, shrunk: Book) -> None:
    await decide(api, DORA, "RELEASE")
    assert (await decide(api, DAVE, "WAIVE"))["__typename"] == "DeliveryDecisionProposed"
    assert (await decide(api, DORA, "WAIVE"))["__typename"] == "DeliveryDecided"
    (row,) = shrunk.rows(delivery)
    assert row.status == "WAIVED"


async def test_a_file_that_cannot_be_read_is_not_released(api: Api, book: Book) -> None:
    deliver(book, "lots", "QUARANTINED", reason_codes=["FEED_TOTAL"], message="the total is 9, not 10")
    refused = await decide(api, DORA, "RELEASE")
    assert (refused["__typename"], refused["code"]) == ("InvalidInput", "NOT_RELEASABLE")


async def test_nobody_else_decides_and_what_is_not_refused_is_not_there(api: Api, shrunk: Book) -> None:
    assert (await decide(api, OLGA, "WAIVE"))["__typename"] == "Forbidden"
    assert (await decide(api, FREMD, "WAIVE"))["__typename"] == "NotFound"
    deliver(shrunk, "cash", "LOADED")
    assert (await decide(api, DORA, "WAIVE", "cash-LOADED"))["__typename"] == "NotFound"
