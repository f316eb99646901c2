"""The model hub through the API: contracts of two persons, models judged as they come, published, embargoed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.graphql.api import CARL, DORA, MARK, OLGA, Api
from tests.graphql.firms import ON, Book
from tests.graphql.hub import (
    CONTRACT,
    IRIS,
    IVAN,
    MODELS,
    a_client,
    contracted,
    decide,
    propose_contract,
    published,
    upload,
)
from trimtab.db.profile_changes import models_on
from trimtab.db.published_models import released_models
from trimtab.db.settings_versions import RESTRICTION_LIST, newest_seq, write_version
from trimtab.db.tables import alert

ACME = a_client("acme-feed")


async def sent(api: Api, who: Any = IRIS) -> list[Any]:
    return list((await api.data(who, MODELS, {"provider": "ACME"}))["providerModels"])


def followed(book: Book, model_id: str = "ACME-GROWTH") -> Any:
    """What a run that freezes now would follow: version and weights."""
    found = book.write(lambda one: released_models(one, ON, newest_seq(one))).get(model_id)
    return None if found is None else (found["version"], {name: Decimal(x) for name, x in found["weights"].items()})


@pytest.mark.covers("M1a")
async def test_the_fees_of_a_contract_need_a_compliance_officer_who_did_not_propose_them(api: Api, book: Book):
    proposed = await propose_contract(api)
    assert (await decide(api, IVAN, proposed["changeId"]))["code"] == "SELF_APPROVAL"
    assert (await decide(api, IRIS, proposed["changeId"]))["code"] == "NOT_PERMITTED"
    assert (await decide(api, CARL, proposed["changeId"]))["status"] == "APPROVED"

    query = "{ providerContracts { providerId inForce models minimum schedules { name tiers { upto rateBps } } } }"
    (contract,) = (await api.data(MARK, query))["providerContracts"]
    tiers = [{"upto": "1000000", "rateBps": "30"}, {"upto": None, "rateBps": "20"}]
    assert contract == {
        "providerId": "ACME",
        "inForce": True,
        "models": ["ACME-GROWTH", "ACME-INCOME"],
        "minimum": "100",
        "schedules": [{"name": "standard", "tiers": tiers}],
    }


@pytest.mark.covers("M1a")
async def test_a_longer_term_is_no_other_fee_and_a_higher_rate_is(api: Api, book: Book):
    await contracted(api, book)
    longer = await propose_contract(api, end="2027-12-31")
    assert (await decide(api, IRIS, longer["changeId"]))["status"] == "APPROVED"
    dearer = await propose_contract(api, schedules={"standard": {"tiers": [{"rate_bps": "31"}]}})
    assert (await decide(api, IRIS, dearer["changeId"]))["code"] == "NOT_PERMITTED"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"end": "2025-12-31"}, "it ends on 2025-12-31, before it starts on 2026-01-01"),
        ({"currency": "EUR"}, "fees in EUR cannot be computed without rates; agree on USD"),
        ({"signed_by_provider": " "}, "name who signed for the firm and who for the provider"),
        ({"models": {"ACME-GROWTH": "gold"}}, "under schedule gold, which the contract does not have"),
        ({"schedules": {"standard": {"tiers": [{"rate_bps": "30", "upto": "5"}]}}}, "the last tier must have no end"),
        ({"schedules": {"standard": {"tiers": [{"rate_bps": "0.3e4"}]}}}, "not between 0 and 500"),
        ({"platform": "WEST"}, "name each platform once, and which of them this firm is"),
        ({"fee": "30"}, "fee is not a field"),
    ],
)
async def test_a_contract_that_could_not_be_billed_is_not_even_proposed(
    api: Api, book: Book, changes: Any, message: str
):
    refused = await propose_contract(api, **changes)
    assert refused["code"] == "INVALID_PROGRAMME"
    assert message in refused["message"]


@pytest.mark.covers("M0", "M1", "M1b")
async def test_a_providers_model_is_followed_once_another_person_has_published_it(api: Api, book: Book):
    await contracted(api, book)
    came = await upload(api)
    assert (came["status"], came["reasonCodes"]) == ("ACCEPTED", [])
    assert followed(book) is None

    assert (await decide(api, DORA, came["changeId"]))["code"] == "NOT_PERMITTED"
    assert (await decide(api, IRIS, came["changeId"]))["status"] == "APPROVED"

    assert followed(book) == (1, {"VTI": Decimal("0.78"), "BND": Decimal("0.2")})


async def test_the_same_model_sent_twice_is_one_and_the_next_version_says_its_turnover(api: Api, book: Book):
    """From 78/20/2 to 73/25/2 five of a hundred move: one-way turnover 5 %."""
    await contracted(api, book)
    first = await upload(api)
    again = await upload(api)
    assert again["uploadId"] == first["uploadId"]
    weights = [{"security": "VTI", "weight": "0.73"}, {"security": "BND", "weight": "0.25"}]
    await upload(api, version=2, weights=weights)
    assert [(one["version"], one["turnover"]) for one in await sent(api)] == [(2, "0.05"), (1, None)]


@pytest.mark.covers("M1b")
@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"providerId": "NOBODY"}, "PROVIDER_UNKNOWN", "there is no contract with NOBODY"),
        ({"modelId": "ACME-SECRET"}, "MODEL_UNLICENSED", "does not license ACME-SECRET"),
        ({"cashWeight": "0.05"}, "MODEL_INVALID", "sum to 1.03, not 1"),
        ({"weights": [{"security": "VTI", "weight": "0.97"}]}, "MODEL_INVALID", "sum to 0.99, not 1"),
        ({"expectedTurnover": "5"}, "MODEL_INVALID", "is 5, not a fraction between 0 and 1"),
        (
            {"weights": [{"security": "VTI", "weight": "0.49"}, {"security": "VTI", "weight": "0.49"}]},
            "MODEL_INVALID",
            "a name stands in it twice: VTI",
        ),
        (
            {"weights": [{"security": "VTI", "weight": "0.78"}, {"security": "GONE", "weight": "0.20"}]},
            "MODEL_UNKNOWN_SECURITY",
            "holds GONE, which the security master does not know",
        ),
        ({"asOf": "2026-03-03"}, "MODEL_AS_OF", "is as of 2026-03-03, which has not come yet"),
        ({"rotation": ["TRIMTAB", "NORTH"]}, "ROTATION_INVALID", "the contract NORTH, TRIMTAB, SOUTH"),
    ],
)
async def test_an_unsound_model_is_kept_aside_told_of_and_never_proposed(
    api: Api, book: Book, changes: Any, code: str, message: str
):
    await contracted(api, book)

    came = await upload(api, DORA, **changes)

    assert (came["status"], came["reasonCodes"], came["changeId"]) == ("QUARANTINED", [code], None)
    assert message in came["message"]
    (told,) = book.rows(alert, alert.c.cause == code)
    assert message in told.message


async def test_a_version_that_goes_backwards_is_kept_aside(api: Api, book: Book):
    await contracted(api, book)
    await upload(api, version=7)
    back = await upload(api, version=6, asOf="2026-02-26")
    assert back["reasonCodes"] == ["MODEL_VERSION", "MODEL_AS_OF"]
    other = await upload(api, version=7, expectedTurnover="0.04")
    assert other["message"] == "version 7 of ACME-GROWTH comes after version 7"


async def test_a_model_that_was_kept_aside_is_taken_once_its_security_is_known(api: Api, book: Book):
    proposed = await propose_contract(api)
    await decide(api, CARL, proposed["changeId"])
    early = await upload(api)
    assert early["reasonCodes"] == ["MODEL_UNKNOWN_SECURITY"]
    assert (await upload(api))["uploadId"] == early["uploadId"]
    book.add_securities()
    assert (await upload(api))["status"] == "ACCEPTED"


@pytest.mark.parametrize(
    ("term", "code"),
    [
        ({"start": "2026-03-03"}, "CONTRACT_NOT_STARTED"),
        ({"end": "2026-03-01"}, "CONTRACT_EXPIRED"),
    ],
)
async def test_outside_of_its_term_a_contract_brings_no_model(api: Api, book: Book, term: Any, code: str):
    book.add_securities()
    await contracted(api, book, **term)
    assert (await upload(api))["reasonCodes"] == [code]


async def test_a_contract_that_ends_before_the_approval_bars_it(api: Api, book: Book):
    await contracted(api, book)
    came = await upload(api)
    await contracted(api, book, end="2026-03-01")
    refused = await decide(api, IRIS, came["changeId"])
    assert refused["code"] == "INVALID_PROGRAMME"
    assert followed(book) is None


@pytest.mark.covers("M1b")
async def test_one_providers_client_cannot_send_anothers_model(api: Api, book: Book):
    await contracted(api, book)
    came = await upload(api, a_client("beta-feed"))
    assert came["reasonCodes"] == ["PROVIDER_CLIENT"]
    (told,) = book.rows(alert, alert.c.cause == "PROVIDER_CLIENT")
    assert told.severity == "SECURITY"
    for who in (OLGA, IVAN, MARK):
        assert (await upload(api, who, version=9))["__typename"] == "Forbidden"


@pytest.mark.covers("M1b")
async def test_an_embargoed_model_is_neither_shown_nor_followed_before_its_release_on_the_market_clock(
    api: Api, book: Book
):
    """The clock shows the open, 14:30 UTC; the release is at 15:45 in New York, 20:45 UTC; the close is at 21:00."""
    await contracted(api, book)
    await published(api)
    change = await published(
        api,
        version=2,
        releaseAt="2026-03-02T15:45:00-05:00",
        weights=[{"security": "VTI", "weight": "0.5"}, {"security": "BND", "weight": "0.48"}],
    )
    assert change
    assert followed(book)[0] == 1
    assert [one["weights"] is None for one in await sent(api, OLGA)] == [True, False]
    assert [one["weights"] is None for one in await sent(api, IRIS)] == [False, False]
    value = (await api.data(OLGA, "{ programmeChanges { part value } }"))["programmeChanges"][0]["value"]
    assert "weights" not in value

    book.publish("REVIEW_EXPIRY")
    assert followed(book)[0] == 1
    book.publish("CLOSE")
    assert followed(book) == (2, {"VTI": Decimal("0.5"), "BND": Decimal("0.48")})
    assert [one["weights"] is None for one in await sent(api, OLGA)] == [False, False]


FACTS = """{ deliveredFacts(kind: "models", asOf: "2026-03-02", security: "ACME-GROWTH") { rows } }"""
WANTED = """{ restrictionListHits { securityId models { modelId weight } } }"""


async def facts(api: Api, who: Any) -> Any:
    """Version and weights of the model among the delivered facts."""
    (row,) = (await api.data(who, FACTS))["deliveredFacts"]["rows"]
    return row["version"], row.get("weights"), row.get("cash_weight")


async def wanted(api: Api, who: Any) -> Any:
    """What the models give to names of restriction lists."""
    hits = (await api.data(who, WANTED))["restrictionListHits"]
    return {hit["securityId"]: [Decimal(one["weight"]) for one in hit["models"]] for hit in hits}


def judged_by(book: Book) -> Any:
    """The weights by which a change of settings is judged for accounts that follow the model."""
    models = book.write(lambda one: models_on(one, ["ACME-GROWTH"], ON, newest_seq(one)))
    return models["ACME-GROWTH"].weights


def restrict(book: Book, security_id: str) -> None:
    """A restriction list of one name, which binds everybody."""
    value = {"id": "SOCIAL", "version": 1, "as_of": ON.isoformat(), "securities": [security_id]}
    kept = {"effective_from": ON, "actor": "carl", "reason": "agreed", "supersedes": None}
    book.write(lambda one: write_version(one, book.firm_id, RESTRICTION_LIST, "SOCIAL", value, **kept))


async def test_no_table_of_facts_shows_the_weights_of_a_model_under_embargo(api: Api, book: Book):
    """Version 2, 50 % VTI, is released at 15:45 in New York; until then lists are hit by version 1 with 78 %."""
    await contracted(api, book)
    await published(api)
    weights = [{"security": "VTI", "weight": "0.5"}, {"security": "BND", "weight": "0.48"}]
    await published(api, version=2, releaseAt="2026-03-02T15:45:00-05:00", weights=weights)
    restrict(book, "VTI")

    assert await facts(api, OLGA) == (2, None, None)
    assert await facts(api, DORA) == (2, None, None)
    assert await facts(api, CARL) == (2, {"VTI": "0.5", "BND": "0.48"}, "0.02")
    assert await wanted(api, OLGA) == {"VTI": [Decimal("0.78")]}
    assert judged_by(book) == {"VTI": Decimal("0.78"), "BND": Decimal("0.2")}

    book.publish("CLOSE")
    assert await facts(api, OLGA) == (2, {"VTI": "0.5", "BND": "0.48"}, "0.02")
    assert await wanted(api, OLGA) == {"VTI": [Decimal("0.5")]}
    assert judged_by(book) == {"VTI": Decimal("0.5"), "BND": Decimal("0.48")}


async def test_a_model_becomes_effective_at_its_instant_and_not_before(api: Api, book: Book):
    await contracted(api, book)
    await published(api, effectiveAt="2026-03-02T16:00:00-05:00")
    assert followed(book) is None
    book.publish("CLOSE")
    assert followed(book)[0] == 1


async def test_an_older_version_cannot_be_published_over_a_newer_one(api: Api, book: Book):
    await contracted(api, book)
    old = await upload(api)
    new = await upload(api, version=2)
    assert (await decide(api, IRIS, new["changeId"]))["status"] == "APPROVED"
    late = await decide(api, IRIS, old["changeId"])
    assert (late["code"], late["message"]) == ("STALE_VERSION", "version 2 of ACME-GROWTH is published already")


async def test_versions_that_waited_together_can_be_published_in_their_order(api: Api, book: Book):
    await contracted(api, book)
    old = await upload(api)
    new = await upload(api, version=2)
    assert (await decide(api, IRIS, old["changeId"]))["status"] == "APPROVED"
    assert (await decide(api, IRIS, new["changeId"]))["status"] == "APPROVED"
    assert followed(book)[0] == 2


async def test_every_platform_is_first_in_its_turn(api: Api, book: Book):
    await contracted(api, book)
    for version in (1, 2, 3):
        await upload(api, version=version)
    await upload(api, version=4, rotation=["SOUTH", "TRIMTAB", "NORTH"])
    orders = {one["version"]: "".join(name[0] for name in one["rotation"]) for one in await sent(api)}
    assert orders == {1: "NTS", 2: "TSN", 3: "SNT", 4: "STN"}


async def test_two_providers_cannot_have_one_models_id(api: Api, book: Book):
    await contracted(api, book)
    twice = await propose_contract(api, id="BETA", client_id="beta-feed")
    assert twice["message"] == "contract BETA: ACME-GROWTH is a model of ACME: give it another id"


async def test_a_providers_model_is_not_proposed_by_hand(api: Api, book: Book):
    from tests.graphql.test_programme import propose

    refused = await propose(api, "PROVIDER_MODEL", {"id": "ACME-GROWTH", "version": 1})
    assert refused["code"] == "NOT_PROPOSED_HERE"
    assert CONTRACT["id"] == "ACME"
