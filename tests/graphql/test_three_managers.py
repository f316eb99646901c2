"""The relationship manager, the overlay manager and the model manager work on one account, each on the own part."""

from __future__ import annotations

import pytest

from tests.graphql.api import ANNA, IVAN, OLGA, Api
from tests.graphql.documents import APPROVE
from tests.graphql.firms import Book
from tests.graphql.test_programme import ALLOCATION, published
from tests.graphql.test_programme import propose as propose_programme
from tests.graphql.test_settings import PROFILE, change


@pytest.mark.covers("W-E3")
async def test_each_manager_does_the_own_part_and_none_that_of_another(api: Api, book: Book):
    """Ivan's committee gives the allocation, Anna customises her client's account, Olga approves its trades."""
    book.add_securities()
    waiting = book.add_review("A1")

    await published(api)
    for other in (ANNA, OLGA):
        refused = await propose_programme(api, "ALLOCATION", {**ALLOCATION, "version": 2}, who=other)
        assert refused["__typename"] == "Forbidden"

    customised = await change(api, "Never buy VTI.")
    assert (customised["__typename"], customised["accountsReached"]) == ("SettingsChanged", 1)
    for other in (OLGA, IVAN):
        assert (await change(api, "Never buy BND.", who=other))["__typename"] == "Forbidden"

    for other in (ANNA, IVAN):
        assert (await api.do(other, APPROVE, **waiting.variables))["__typename"] == "Forbidden"
    approved = await api.do(OLGA, APPROVE, **waiting.variables)
    assert (approved["__typename"], approved["furtherApprovals"]) == ("DecisionAccepted", 0)


@pytest.mark.covers("X10")
async def test_security_verbs_are_said_in_the_clients_words_and_read_back(api: Api, book: Book):
    book.add_securities()
    book.add_account("A1")
    said = ["Never sell VTI.", "Own at least 10 shares of VTI.", "Never trade BND."]
    assert (await change(api, *said))["sentences"] == said
    profile = (await api.data(ANNA, PROFILE, {"id": "A1"}))["accountProfile"]
    assert {each["sentence"] for each in profile["settings"] if each["isAltered"]} == set(said)
    for account, verb in (("A2", "Never buy"), ("A3", "Never hold")):
        book.add_account(account)
        assert (await change(api, f"{verb} BND.", owner=account))["sentences"] == [f"{verb} BND."]
