"""The firm's programme through the API: proposed by one person, approved by another, followed from its date on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.graphql.api import ANNA, CARL, IVAN, OLGA, WAREHOUSE, Api, a_person
from tests.graphql.firms import ON, Book
from trimtab.activities.programme import cascade
from trimtab.auth.matrix import Role
from trimtab.db.programme import read_programme
from trimtab.db.settings_versions import newest_seq
from trimtab.db.variant_limits import approved_beyond, beyond_limits

IRIS = a_person("iris", Role.POLICY_COMMITTEE)

PROPOSE = """mutation($input: ProposeProgrammeChangeInput!) { proposeProgrammeChange(input: $input) {
  __typename ... on ProgrammeChangeProposed { changeId modelsReached accountsReached }
  ... on UserError { code message } } }"""
DECIDE = """mutation($input: DecideProgrammeChangeInput!) { decideProgrammeChange(input: $input) {
  __typename ... on ProgrammeChangeDecided { status } ... on UserError { code message } } }"""
MODEL = """query($name: String!, $asOf: Date, $knownAt: Int) {
  programmeModel(name: $name, asOf: $asOf, knownAt: $knownAt) {
  parent children cashWeight fault differences
  classes { assetClass weight productId lineage { source what weight } }
  target { securityId weight assetClasses } exceptions { variant reason } } }"""

ALLOCATION = {
    "id": "BALANCED",
    "version": 1,
    "effective_on": "2026-03-02",
    "weights": {"LC": "0.30", "MC": "0.15", "SC": "0.05", "RE": "0.10", "FI": "0.40"},
    "groups": {"LC": "EQUITY", "MC": "EQUITY", "SC": "EQUITY", "RE": "EQUITY"},
    "product_set": "CORE",
}
PRODUCTS = {
    "id": "CORE",
    "version": 1,
    "effective_on": "2026-03-02",
    "products": [
        {"id": f"{name}-ETF", "asset_class": name, "kind": "ETF", "weights": {security: "1"}}
        for name, security in (("LC", "IVV"), ("MC", "IJH"), ("SC", "IJR"), ("RE", "VNQ"), ("FI", "AGG"))
    ]
    + [{"id": "LC-DIRECT", "asset_class": "LC", "kind": "DIRECT_INDEX", "weights": {"AAPL": "0.6", "MSFT": "0.4"}}],
}
NO_RE = {"id": "NO-RE", "parent": "BALANCED", "differences": [{"kind": "DROP", "asset_class": "RE", "scope": "ALL"}]}


async def propose(
    api: Api,
    part: str,
    document: Any,
    who: Any = IVAN,
    fields: str = "changeId modelsReached accountsReached",
    **changes: Any,
) -> Any:
    values = {"part": part, "key": document["id"], "value": document, "effectiveFrom": ON.isoformat()}
    mutation = PROPOSE.replace("changeId modelsReached accountsReached", fields)
    return await api.do(who, mutation, **{**values, "reason": "the committee's decision", **changes})


async def publish(api: Api, part: str, document: Any, **changes: Any) -> None:
    proposed = await propose(api, part, document, **changes)
    decided = await api.do(IRIS, DECIDE, changeId=proposed["changeId"], approve=True, reason="agreed")
    assert decided == {"__typename": "ProgrammeChangeDecided", "status": "APPROVED"}


async def published(api: Api) -> None:
    await publish(api, "PRODUCT_SET", PRODUCTS)
    await publish(api, "ALLOCATION", ALLOCATION)
    await publish(api, "VARIANT", NO_RE)


async def model(api: Api, name: str, **changes: Any) -> Any:
    return (await api.data(IVAN, MODEL, {"name": name, **changes}))["programmeModel"]


def weights(found: Any) -> dict[str, float]:
    return {each["assetClass"]: round(float(each["weight"]) * 100, 2) for each in found["classes"]}


@pytest.mark.covers("E4", "M3")
async def test_an_allocation_is_followed_only_after_another_person_has_approved_it(api: Api, book: Book):
    await publish(api, "PRODUCT_SET", PRODUCTS)
    proposed = await propose(api, "ALLOCATION", ALLOCATION)
    assert await model(api, "BALANCED") is None

    own = await api.do(IVAN, DECIDE, changeId=proposed["changeId"], approve=True, reason="mine")
    assert (own["__typename"], own["code"]) == ("Forbidden", "SELF_APPROVAL")

    await api.do(IRIS, DECIDE, changeId=proposed["changeId"], approve=True, reason="agreed")
    assert weights(await model(api, "BALANCED")) == {"LC": 30.0, "MC": 15.0, "SC": 5.0, "RE": 10.0, "FI": 40.0}


@pytest.mark.covers("M4c", "M4d")
async def test_a_parents_change_cascades_to_its_variant_with_its_lineage(api: Api, book: Book):
    """Without RE 90 % are left: LC 30/90 before, 35/90 after the parent's overweight."""
    await published(api)
    assert weights(await model(api, "NO-RE"))["LC"] == 33.33

    overweight = {**ALLOCATION, "version": 2, "weights": {**ALLOCATION["weights"], "LC": "0.35", "MC": "0.10"}}
    proposed = await propose(api, "ALLOCATION", overweight)
    assert (proposed["modelsReached"], proposed["accountsReached"]) == (2, 0)
    await api.do(IRIS, DECIDE, changeId=proposed["changeId"], approve=True, reason="agreed")

    found = await model(api, "NO-RE")
    assert weights(found)["LC"] == 38.89
    (large_caps,) = [each for each in found["classes"] if each["assetClass"] == "LC"]
    assert [step["source"] for step in large_caps["lineage"]] == ["BALANCED v2", "NO-RE"]


async def test_a_difference_that_the_parent_has_outgrown_is_listed(api: Api, book: Book):
    await published(api)
    without = {key: each for key, each in ALLOCATION["weights"].items() if key != "RE"} | {"FI": "0.50"}
    await publish(api, "ALLOCATION", {**ALLOCATION, "version": 2, "weights": without, "groups": {}})

    data = await api.data(CARL, "{ programmeExceptions { variant reason } }")

    (exception,) = data["programmeExceptions"]
    assert exception["variant"] == "NO-RE"
    assert "RE is not in BALANCED any more" in exception["reason"]


@pytest.mark.parametrize(
    ("differences", "said"),
    [
        ([("PIN", {"weight": "-0.1"})], "the PIN of LC is -0.1, not between 0 and 1"),
        ([("CAP", {"most": "1.5"})], "the CAP of LC is 1.5, not between 0 and 1"),
        ([("CAP", {"most": "-0.1"})], "the CAP of LC is -0.1, not between 0 and 1"),
        ([("TILT", {"change": "-2"})], "the TILT of LC is -2, not between -1 and 1"),
        ([("PIN", {"weight": "0.5"}), ("PIN", {"weight": "0.3"})], "LC has two differences PIN: keep one of them"),
        ([("PIN", {"weight": "a half"})], "differences.0.Pin.weight: Input should be a valid decimal"),
    ],
)
async def test_a_difference_that_no_parent_could_bear_is_not_even_proposed(api: Api, book: Book, differences, said):
    await published(api)
    entered = [{"kind": kind, "asset_class": "LC", **more} for kind, more in differences]
    refused = await propose(api, "VARIANT", {"id": "ODD", "parent": "BALANCED", "differences": entered})
    assert (refused["__typename"], refused["code"]) == ("InvalidInput", "INVALID_PROGRAMME")
    assert said in refused["message"]


@pytest.mark.covers("M4b", "M5a", "X10")
async def test_a_swap_to_a_product_of_another_class_cannot_even_be_proposed(api: Api, book: Book):
    await published(api)
    swap = {
        "id": "SWAP",
        "parent": "BALANCED",
        "differences": [{"kind": "REPLACE_PRODUCT", "asset_class": "FI", "product_id": "LC-DIRECT"}],
    }

    refused = await propose(api, "VARIANT", swap)
    assert refused["code"] == "INVALID_PROGRAMME"
    assert "approved list (FI-ETF)" in refused["message"]

    await publish(
        api,
        "VARIANT",
        {**swap, "differences": [{"kind": "REPLACE_PRODUCT", "asset_class": "LC", "product_id": "LC-DIRECT"}]},
    )
    target = {each["securityId"]: float(each["weight"]) for each in (await model(api, "SWAP"))["target"]}
    assert (target["AAPL"], target["MSFT"]) == (0.18, 0.12)


async def test_what_was_known_then_can_be_asked(api: Api, book: Book):
    await published(api)
    before = book.write(newest_seq)
    overweight = {**ALLOCATION, "version": 2, "weights": {**ALLOCATION["weights"], "LC": "0.35", "MC": "0.10"}}
    await publish(api, "ALLOCATION", overweight)

    assert weights(await model(api, "BALANCED"))["LC"] == 35.0
    assert weights(await model(api, "BALANCED", knownAt=before))["LC"] == 30.0
    assert await model(api, "BALANCED", asOf="2026-03-01") is None


async def test_of_two_changes_made_from_one_version_only_the_first_approved_wins(api: Api, book: Book):
    await published(api)
    first = await propose(api, "ALLOCATION", {**ALLOCATION, "version": 2})
    second = await propose(api, "ALLOCATION", {**ALLOCATION, "version": 3})

    won = await api.do(IRIS, DECIDE, changeId=first["changeId"], approve=True, reason="agreed")
    lost = await api.do(IRIS, DECIDE, changeId=second["changeId"], approve=True, reason="agreed")

    assert won["status"] == "APPROVED"
    assert lost["code"] == "STALE_VERSION"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({**ALLOCATION, "weights": {"LC": "0.9"}}, "sum to 0.9, not 1"),
        ({**ALLOCATION, "weights": {"LC": "lots"}}, "weights.LC"),
        ({**ALLOCATION, "product_set": "NONE"}, "product set NONE does not exist"),
        ({**ALLOCATION, "cash": "0.1"}, "cash is not a field"),
        ({**ALLOCATION, "weights": {"ART": "1"}, "groups": {}}, "a product for ART is not on its approved list"),
    ],
)
async def test_an_allocation_that_nobody_could_follow_is_refused_with_the_rule(
    api: Api, book: Book, document: Any, message: str
):
    await publish(api, "PRODUCT_SET", PRODUCTS)

    refused = await propose(api, "ALLOCATION", document)

    assert refused["__typename"] == "InvalidInput"
    assert message in refused["message"]


async def test_a_change_cannot_hold_in_the_past(api: Api, book: Book):
    refused = await propose(api, "PRODUCT_SET", PRODUCTS, effectiveFrom="2026-02-27")

    assert refused["code"] == "EFFECTIVE_IN_THE_PAST"


@pytest.mark.parametrize("who", [ANNA, OLGA, CARL, WAREHOUSE])
async def test_only_the_policy_committee_proposes_allocations(api: Api, book: Book, who: Any):
    refused = await propose(api, "ALLOCATION", ALLOCATION, who=who)

    assert refused["__typename"] == "Forbidden"


async def test_the_night_turns_the_programme_into_models_to_follow(api: Api, book: Book):
    await published(api)

    found = book.write(lambda one: cascade(one, ON, newest_seq(one)))

    assert {name: round(float(weight), 4) for name, weight in found.models["NO-RE"].weights.items()} == {
        "IVV": 0.3333,
        "IJH": 0.1667,
        "IJR": 0.0556,
        "AGG": 0.4444,
    }
    assert found.faults == {}


LIMITS = {"id": "ALL", "class_deviation": "0.2", "class_deviations": {"EQUITY": "0.25"}}
MOSTLY_BONDS = {
    "id": "BONDS-95",
    "parent": "BALANCED",
    "differences": [{"kind": "PIN", "asset_class": "FI", "weight": "0.95"}],
}


@pytest.mark.covers("M5b")
async def test_a_variant_beyond_the_limits_is_told_and_approved_as_such(api: Api, book: Book):
    """Equity of 60 % may not become 5 %: FI moves from 40 % to 95 %, and the group from 60 % to 5 %."""
    await published(api)
    await publish(api, "LIMITS", LIMITS)

    inside = await propose(api, "VARIANT", {**MOSTLY_BONDS, "id": "BONDS-55", "differences": [PIN_55]}, fields=BEYOND)
    asked = await propose(api, "VARIANT", MOSTLY_BONDS, fields=BEYOND)

    assert inside["beyondLimits"] == []
    assert asked["beyondLimits"] == [
        "BONDS-95: FI would have 95 % instead of 40 %: without an approval it may move by 20 %",
        "BONDS-95: LC would have 2.5 % instead of 30 %: without an approval it may move by 20 %",
        "BONDS-95: EQUITY would have 5 % instead of 60 %: without an approval it may move by 25 %",
    ]
    assert await alerts_tonight(book) == []
    own = await api.do(IVAN, DECIDE, changeId=asked["changeId"], approve=True, reason="mine")
    assert own["code"] == "SELF_APPROVAL"
    await api.do(IRIS, DECIDE, changeId=asked["changeId"], approve=True, reason="a trust that wants it")
    assert weights(await model(api, "BONDS-95"))["FI"] == 95.0
    assert await alerts_tonight(book) == []


@pytest.mark.covers("M5b")
async def test_a_variant_that_limits_have_overtaken_is_told_every_night(api: Api, book: Book):
    await published(api)
    await publish(api, "VARIANT", MOSTLY_BONDS)
    await publish(api, "LIMITS", {"id": "BALANCED", "class_deviation": "0.5"})

    assert await alerts_tonight(book) == [
        "BONDS-95: FI would have 95 % instead of 40 %: without an approval it may move by 50 %"
    ]


async def test_limits_that_are_no_fractions_are_refused_and_only_the_committee_sets_them(api: Api, book: Book):
    refused = await propose(api, "LIMITS", {"id": "ALL", "class_deviation": "20"})
    assert refused["message"] == "limits ALL: class_deviation is 20, not a fraction between 0 and 1"
    assert (await propose(api, "LIMITS", LIMITS, who=ANNA))["__typename"] == "Forbidden"


PIN_55 = {"kind": "PIN", "asset_class": "FI", "weight": "0.55"}
BEYOND = "changeId beyondLimits"


async def alerts_tonight(book: Book) -> list[str]:
    """What a night over this programme would tell about variants beyond the limits."""

    def read(connection: Any) -> list[str]:
        seq = newest_seq(connection)
        programme = read_programme(connection, ON, seq)
        return sorted(set(beyond_limits(programme, programme.variants, None)) - approved_beyond(connection, seq))

    found: list[str] = book.write(read)
    return found
