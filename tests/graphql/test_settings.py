"""Settings through the API: by sentence, with history, at any moment, inside the limits or approved beyond them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.graphql.api import ANNA, BERT, CARL, DORA, IVAN, OLGA, Api, on_behalf
from tests.graphql.firms import ON, Book
from trimtab.db.profile_changes import LIMITS
from trimtab.db.profiles import change_layer
from trimtab.db.settings_versions import MODEL, newest_seq, write_version
from trimtab.domain.profile.levels import LayerKey
from trimtab.domain.profile.limits import CustomisationLimits
from trimtab.domain.profile.registry import LANGUAGE
from trimtab.domain.profile.statements import Level
from trimtab.domain.records import plain

PROFILE = """query($id: ID!, $at: Moment) { accountProfile(accountId: $id, at: $at) { knownAt summary
  settings { place group sentence level owner isAltered version exceptionId } } }"""
DIFF = """query($id: ID!, $before: Moment!, $after: Moment!) {
  accountProfileDiff(accountId: $id, before: $before, after: $after) { place before after sentence } }"""
HISTORY = """query($id: ID!) { accountProfileHistory(accountId: $id) {
  level owner effectiveFrom changes actor reason exceptionId } }"""
CHANGE = """mutation($input: ChangeSettingsInput!) { changeSettings(input: $input) { __typename
  ... on SettingsChanged { version sentences accountsReached }
  ... on SettingsExceptionProposed { exceptionId beyond } ... on UserError { code message } } }"""
DECIDE = """mutation($input: DecideSettingsExceptionInput!) { decideSettingsException(input: $input) { __typename
  ... on SettingsExceptionDecided { status version } ... on UserError { code message } } }"""
APRIL = date(2026, 4, 1)


async def change(api: Api, *sentences: str, who: Any = ANNA, **more: Any) -> Any:
    values = {"level": "ACCOUNT", "owner": "A1", "sentences": list(sentences), "reason": "the client asked for it"}
    return await api.do(who, CHANGE, **{**values, **more})


async def sentence(api: Api, key: str, at: dict[str, Any] | None = None) -> tuple[str, str]:
    """What holds of one setting of A1, and at which level."""
    profile = (await api.data(ANNA, PROFILE, {"id": "A1", "at": at}))["accountProfile"]
    found = next(each for each in profile["settings"] if each["place"] == key)
    return found["sentence"], found["level"]


@pytest.fixture
def a1(book: Book) -> Book:
    """Account A1 of adv-1's book in household H-A1, following a model of 75 % VTI and 25 % BND."""
    book.add_securities()
    book.add_account("A1")
    model = {"id": "balanced", "version": 1, "effective_on": "2026-02-27", "weights": {"VTI": "0.75", "BND": "0.25"}}
    book.write(lambda one: write_version(one, "firm-a", MODEL, "balanced", {**model, "cash_weight": "0"}, **FROM_START))
    return book


FROM_START: dict[str, Any] = {"effective_from": date(2026, 1, 1), "actor": "t", "reason": "", "supersedes": None}


@pytest.mark.covers("X1", "E3")
async def test_an_advisor_changes_a_setting_by_its_sentence_and_sees_where_each_comes_from(api: Api, a1: Book):
    assert await sentence(api, "cash_target") == ("Keep 1 % in cash.", "DEFAULT")

    changed = await change(api, "keep 2.5% in cash", "Never sell VTI")

    assert (changed["__typename"], changed["accountsReached"]) == ("SettingsChanged", 1)
    assert changed["sentences"] == ["Keep 2.5 % in cash.", "Never sell VTI."]
    assert await sentence(api, "cash_target") == ("Keep 2.5 % in cash.", "ACCOUNT")
    summary = (await api.data(ANNA, PROFILE, {"id": "A1"}))["accountProfile"]["summary"]
    headings = [line for line in summary if not line.startswith(" ")]
    assert (headings[0], headings[-1], len(headings)) == ("Target", "Other", 12)
    assert "  * Keep 2.5 % in cash. (account A1)" in summary
    assert "  Make no trade below $250, unless it closes a position." in summary


async def test_the_same_by_value_and_back_to_what_is_inherited(api: Api, a1: Book):
    value = {"key": "minimum_trade", "values": {"amount": "900"}}
    assert (await change(api, values=[value]))["sentences"] == [
        "Make no trade below $900, unless it closes a position."
    ]

    await change(api, inherit=["minimum_trade"])

    assert (await sentence(api, "minimum_trade"))[1] == "DEFAULT"


async def test_a_household_and_a_book_hand_their_settings_down(api: Api, a1: Book):
    await change(api, "Keep 2 % in cash.", level="ADVISOR", owner="adv-1")
    assert await sentence(api, "cash_target") == ("Keep 2 % in cash.", "ADVISOR")

    await change(api, "Keep 3 % in cash.", level="HOUSEHOLD", owner="H-A1")

    assert await sentence(api, "cash_target") == ("Keep 3 % in cash.", "HOUSEHOLD")


@pytest.mark.parametrize(
    ("sentences", "code", "said"),
    [
        (["Keep 80 % in cash."], "SETTING_OUT_OF_RANGE", "cash_target: weight is 80 %, and may be 0 % to 50 %"),
        (["Keep plenty of cash."], "SETTING_UNKNOWN", "the nearest is"),
        (["Never buy NOBODY."], "SETTING_UNKNOWN", "no security is called NOBODY"),
        (["Keep 1 % in cash.", "Keep 2 % in cash."], "SETTING_OUT_OF_RANGE", "cash_target stands twice"),
        (["Hold 0 % to 20 % in asset class MARS."], "SETTINGS_CONTRADICT", "no security is of asset class MARS"),
        (["Never hold VTI.", "Never sell VTI."], "SETTINGS_CONTRADICT", "VTI is to be never held and never sold"),
        (["Never buy VTI.", "Never buy BND."], "SETTINGS_CONTRADICT", "bar every security of model balanced"),
        (["Hold 60 % to 70 % of VTI.", "Hold 40 % to 50 % of BND."], "SETTINGS_CONTRADICT", "more than 1"),
        (
            ["Glide from the account's model to NOWHERE between 2026-01-01 and 2030-01-01."],
            "SETTINGS_CONTRADICT",
            "the glide path leads to model NOWHERE, which does not exist",
        ),
        ([], "SETTING_OUT_OF_RANGE", "give 1 to 50 sentences"),
    ],
)
@pytest.mark.covers("X12")
async def test_settings_that_cannot_be_are_refused_with_the_way_out(api: Api, a1: Book, sentences, code, said):
    refused = await change(api, *sentences)

    assert (refused["__typename"], refused["code"]) == ("InvalidInput", code)
    assert said in refused["message"]
    assert (await api.data(ANNA, HISTORY, {"id": "A1"}))["accountProfileHistory"] == []


async def test_a_setting_does_not_hold_in_the_past(api: Api, a1: Book):
    refused = await change(api, "Keep 2 % in cash.", effectiveFrom="2026-03-01")
    assert refused["code"] == "EFFECTIVE_IN_THE_PAST"


async def test_what_held_and_what_was_known_then_are_both_kept(api: Api, a1: Book):
    """2 % from today, planned 3 % from April, then changed to 4 % from April."""
    await change(api, "Keep 2 % in cash.")
    planned = await change(api, "Keep 3 % in cash.", effectiveFrom=APRIL.isoformat())
    await change(api, "Keep 4 % in cash.", effectiveFrom=APRIL.isoformat())
    in_april = {"asOf": APRIL.isoformat()}

    assert await sentence(api, "cash_target") == ("Keep 2 % in cash.", "ACCOUNT")
    assert await sentence(api, "cash_target", in_april) == ("Keep 4 % in cash.", "ACCOUNT")
    as_known = {**in_april, "knownAt": planned["version"]}
    assert await sentence(api, "cash_target", as_known) == ("Keep 3 % in cash.", "ACCOUNT")
    then = {"knownAtTime": "2026-01-01T00:00:00Z"}  # before anybody had written anything
    assert await sentence(api, "cash_target", then) == ("Keep 1 % in cash.", "DEFAULT")
    moments = {"before": {"asOf": ON.isoformat()}, "after": in_april}
    difference = (await api.data(ANNA, DIFF, {"id": "A1", **moments}))["accountProfileDiff"]
    assert [each["sentence"] for each in difference] == ["Was: Keep 2 % in cash. Now: Keep 4 % in cash."]


async def test_the_history_says_who_changed_what_and_why(api: Api, a1: Book):
    await change(api, "Keep 2 % in cash.")
    await change(api, "Never sell BND.", who=on_behalf(ANNA, "adam"))

    newest, oldest = (await api.data(ANNA, HISTORY, {"id": "A1"}))["accountProfileHistory"]

    assert (oldest["changes"], oldest["actor"], oldest["reason"]) == (
        ["Keep 2 % in cash."],
        "anna",
        "the client asked for it",
    )
    assert newest["changes"] == ["Never sell BND."]
    assert newest["actor"] == "adam+anna"


async def test_nobody_changes_the_settings_of_another_book(api: Api, a1: Book):
    assert (await change(api, "Keep 2 % in cash.", who=BERT))["__typename"] == "NotFound"
    assert (await change(api, "Keep 2 % in cash.", who=OLGA))["__typename"] == "Forbidden"
    assert (await change(api, "Keep 2 % in cash.", who=DORA))["__typename"] == "Forbidden"
    assert (await api.data(BERT, PROFILE, {"id": "A1"}))["accountProfile"] is None


async def test_two_who_saw_the_same_version_do_not_both_change_it(api: Api, a1: Book):
    seen = (await change(api, "Keep 2 % in cash."))["version"]
    assert (await change(api, "Keep 3 % in cash.", seenVersion=seen))["__typename"] == "SettingsChanged"

    late = await change(api, "Keep 4 % in cash.", seenVersion=seen)

    assert (late["__typename"], late["code"]) == ("InvalidInput", "STALE_VERSION")


async def test_a_version_that_nobody_ever_saw_is_refused_inside_the_limits_and_beyond_them(api: Api, a1: Book):
    """A layer without a version, and one at its first: 4711 is of neither."""
    early = await change(api, "Keep 2 % in cash.", seenVersion=4711)
    assert (early["code"], early["message"]) == (
        "STALE_VERSION",
        "you saw version 4711, but ACCOUNT:A1 has no version yet: look at it again",
    )

    seen = (await change(api, "Keep 2 % in cash."))["version"]
    limit(a1, class_deviation=Decimal("0.2"))
    beyond = "Hold 90 % to 100 % in asset class BONDS."
    for said in ("Keep 3 % in cash.", beyond):
        refused = await change(api, said, seenVersion=4711)
        assert (refused["__typename"], refused["code"]) == ("InvalidInput", "STALE_VERSION")
        assert f"you saw version 4711, but ACCOUNT:A1 stands at version {seen}" in refused["message"]
    assert (await change(api, beyond, seenVersion=seen))["__typename"] == "SettingsExceptionProposed"


async def test_a_repeated_request_changes_nothing_more(api: Api, a1: Book):
    once = await change(api, "Keep 2 % in cash.", idempotencyKey="the-same-key")
    again = await change(api, "Keep 2 % in cash.", idempotencyKey="the-same-key")

    assert once == again
    assert len((await api.data(ANNA, HISTORY, {"id": "A1"}))["accountProfileHistory"]) == 1


def limit(book: Book, **limits: Any) -> None:
    document: Any = plain(CustomisationLimits("ALL", **limits))
    book.write(lambda one: write_version(one, "firm-a", LIMITS, "ALL", document, **FROM_START))


@pytest.mark.parametrize("approver", [IVAN, CARL], ids=["policy committee", "compliance"])
@pytest.mark.covers("M5b")
async def test_a_wish_beyond_the_limits_waits_for_another_persons_approval(api: Api, a1: Book, approver):
    """The model has 25 % of bonds; at least 90 % would move them by 65 %, and 20 % is allowed."""
    limit(a1, class_deviation=Decimal("0.2"))
    wished = "Hold 90 % to 100 % in asset class BONDS."

    asked = await change(api, wished)

    assert asked["__typename"] == "SettingsExceptionProposed"
    assert asked["beyond"] == [
        "BONDS would have 90 % instead of 25 %: without an approval it may move by 20 %",
    ]
    assert await held(api) == []
    own = await api.do(ANNA, DECIDE, exceptionId=asked["exceptionId"], approve=True, reason="mine")
    assert own["__typename"] == "Forbidden"
    decided = await api.do(approver, DECIDE, exceptionId=asked["exceptionId"], approve=True, reason="suits the client")
    assert decided["status"] == "APPROVED"
    assert await held(api) == [(wished, asked["exceptionId"])]
    late = await api.do(approver, DECIDE, exceptionId=asked["exceptionId"], approve=False, reason="again")
    assert late["code"] == "ALREADY_DECIDED"


async def held(api: Api) -> list[tuple[str, str | None]]:
    profile = (await api.data(ANNA, PROFILE, {"id": "A1"}))["accountProfile"]
    return [(each["sentence"], each["exceptionId"]) for each in profile["settings"] if each["isAltered"]]


async def test_a_wish_inside_the_limits_holds_at_once_and_a_rejected_one_never(api: Api, a1: Book):
    limit(a1, class_deviation=Decimal("0.2"), barred_weight=Decimal("0.3"))
    assert (await change(api, "Hold 10 % to 45 % in asset class BONDS."))["__typename"] == "SettingsChanged"
    a1.write(
        lambda one: change_layer(
            one,
            "firm-a",
            LayerKey(Level.FIRM),
            {"cash_target": LANGUAGE.parse("Keep 2 % in cash.")},
            effective_from=ON,
            actor="t",
            reason="t",
        )
    )
    decided = (await api.data(ANNA, "{ firmSettings { sentence level owner } }"))["firmSettings"]
    assert decided == [{"sentence": "Keep 2 % in cash.", "level": "FIRM", "owner": None}]
    asked = await change(api, "Hold 46 % to 100 % in asset class BONDS.")
    assert asked["__typename"] == "SettingsExceptionProposed"

    decided = await api.do(IVAN, DECIDE, exceptionId=asked["exceptionId"], approve=False, reason="too far")

    assert (decided["status"], decided["version"]) == ("REJECTED", None)
    assert await held(api) == [
        ("Keep 2 % in cash.", None),
        ("Hold 10 % to 45 % in asset class BONDS.", None),
    ]
    assert a1.write(newest_seq) > 0


async def test_there_is_a_list_of_all_settings(api: Api, a1: Book):
    document = "{ settingsLanguage { key group sentences default levels gaps { name kind low high words } } }"
    found = {each["key"]: each for each in (await api.data(ANNA, document))["settingsLanguage"]}

    assert found["cash_target"]["sentences"] == ["Keep {weight} in cash."]
    assert found["cash_target"]["gaps"] == [
        {"name": "weight", "kind": "PERCENT", "low": "0 %", "high": "50 %", "words": []}
    ]
    assert found["payment"]["levels"] == ["ACCOUNT"]
