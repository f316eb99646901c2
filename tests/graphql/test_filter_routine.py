"""A person's own filters as the work of a day: with notes, as favourites, in order, counted, and applied unsaved."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from tests.graphql.api import ANNA, BERT, OLGA, WAREHOUSE, Api, a_person
from tests.graphql.firms import ON, Book
from tests.graphql.test_filters import PREVIEW, SAVE, TURNED, all_of, the_days
from trimtab.auth.matrix import Role
from trimtab.db.tables import setting_version

ARRANGE = """mutation($input: ArrangeFiltersInput!) { arrangeFilters(input: $input) {
  __typename ... on FiltersArranged { version } ... on UserError { code message } } }"""
OWN = "{ filters { name personal favourite filter sentence note version } }"
ROUTINE = """{ filterRoutine { version businessDate favourites { name personal }
  sequence { name personal sentence note count version problem } } }"""
LARGE = all_of(("turnover", ">", 0.1))


@pytest.fixture
def days(book: Book) -> Book:
    """A1 and A2 of Anna's book turn over 8 % and 12 %, A3 of Bert's 8 % while compliance reviews it."""
    return the_days(book)


async def saved(api: Api, who: Any, name: str, filter: Any, **more: Any) -> int:
    answer = await api.do(who, SAVE, name=name, filter=filter, **more)
    assert answer["__typename"] == "PersonalFilterSaved", answer
    return int(answer["version"])


async def own(api: Api, who: Any) -> dict[str, Any]:
    return {each["name"]: each for each in (await api.data(who, OWN))["filters"] if each["personal"]}


async def routine(api: Api, who: Any) -> Any:
    return (await api.data(who, ROUTINE))["filterRoutine"]


def named(*names: str) -> list[dict[str, Any]]:
    return [{"name": name} for name in names]


@pytest.mark.covers("X2")
async def test_an_advisor_works_through_a_day_by_filters_that_nobody_else_sees(api: Api, days: Book):
    """Of Anna's two accounts one turns over more than 10 % and both more than 5 %; compliance reviews neither."""
    slashed = a_person("anna/moving", Role.OVERLAY_MANAGER)
    await saved(api, slashed, "large", LARGE)
    await saved(api, ANNA, "moving", TURNED, note="Ask whether it is worth it.")
    await saved(api, ANNA, "large moves", LARGE, note="Call the client first.")
    day = [{"name": "compliance", "personal": False}, *named("large moves", "moving")]
    arranged = await api.do(ANNA, ARRANGE, favourites=named("large moves"), sequence=day)

    found = await routine(api, ANNA)
    assert (found["version"], found["businessDate"]) == (arranged["version"], ON.isoformat())
    assert found["favourites"] == [{"name": "large moves", "personal": True}]
    assert [(each["name"], each["personal"], each["count"], each["note"]) for each in found["sequence"]] == [
        ("compliance", False, 0, ""),
        ("large moves", True, 1, "Call the client first."),
        ("moving", True, 2, "Ask whether it is worth it."),
    ]
    assert found["sequence"][1]["sentence"] == "The account is wanted when the turnover is above 10 %."
    assert {name: each["favourite"] for name, each in (await own(api, ANNA)).items()} == {
        "large moves": True,
        "moving": False,
    }

    before = days.write(lambda one: one.scalar(select(func.count()).select_from(setting_version)))
    narrower = all_of(("turnover", ">", 0.05), ("account_value", "<=", 500_000))
    applied = (await api.data(ANNA, PREVIEW, {"filter": narrower}))["filterPreview"]
    assert (applied["count"], [each["accountId"] for each in applied["accounts"]]) == (1, ["A1"])
    assert (await own(api, ANNA))["moving"]["filter"]["rules"] == [{**TURNED["rules"][0], "value": 0.05}]
    assert await routine(api, ANNA) == found
    assert days.write(lambda one: one.scalar(select(func.count()).select_from(setting_version))) == before

    assert list(await own(api, slashed)) == ["large"]
    for other in (BERT, OLGA, a_person("ann", Role.MANAGEMENT)):
        assert await own(api, other) == {}
        assert await routine(api, other) == {**found, "version": None, "favourites": [], "sequence": []}
        refused = await api.do(other, ARRANGE, sequence=named("moving"))
        assert (refused["__typename"], refused["code"]) == ("InvalidInput", "FILTER_MISSING")
    assert (await api.do(WAREHOUSE, ARRANGE, sequence=[]))["__typename"] == "Forbidden"
    Book(days.engine, "firm-b").found()
    namesake = a_person("anna", Role.OVERLAY_MANAGER, firm_id="firm-b")
    assert (await own(api, namesake), (await routine(api, namesake))["version"]) == ({}, None)


@pytest.mark.covers("X2")
async def test_a_filter_of_a_routine_counts_the_accounts_that_its_reader_may_see(api: Api, days: Book):
    """5 % is turned over by two accounts of Anna's, one of Bert's and three of the firm; compliance reviews Bert's."""
    day = [*named("moving"), {"name": "compliance", "personal": False}]
    for who, counts in ((ANNA, [2, 0]), (BERT, [1, 1]), (OLGA, [3, 1])):
        await saved(api, who, "moving", TURNED)
        await api.do(who, ARRANGE, sequence=day)
        assert [each["count"] for each in (await routine(api, who))["sequence"]] == counts


async def test_a_day_of_many_filters_is_counted_by_one_statement(api: Api, days: Book):
    """Above 1 %, 2 % and so on to 12 % of turnover; of Olga's three accounts two turn over 8 %, one 12 %."""
    for percent in range(1, 13):
        await saved(api, OLGA, f"above {percent:02}", all_of(("turnover", ">", percent / 100)))
    names = [f"above {percent:02}" for percent in range(1, 13)]
    await api.do(OLGA, ARRANGE, sequence=named(*names), favourites=named("above 08"))

    found = await routine(api, OLGA)

    assert [each["count"] for each in found["sequence"]] == [3] * 7 + [1] * 4 + [0]
    assert len([each for each in api.statements if "count(*)" in each]) == 1


async def test_a_routine_asks_what_its_filters_ask_now_and_says_which_of_them_is_gone(api: Api, days: Book):
    moving, large = [await saved(api, OLGA, *each) for each in (("moving", TURNED), ("large moves", LARGE))]
    first = await api.do(OLGA, ARRANGE, favourites=named("moving"), sequence=named("moving", "large moves"))
    await saved(api, OLGA, "large moves", all_of(("turnover", ">", 0.5)), seenVersion=large)
    await api.do(OLGA, SAVE, name="moving", filter=None, seenVersion=moving)

    gone, changed = (await routine(api, OLGA))["sequence"]
    assert (gone["count"], gone["sentence"]) == (None, None)
    assert gone["problem"] == "You have no filter moving any more."
    assert (changed["count"], changed["problem"]) == (0, None)
    assert changed["sentence"] == "The account is wanted when the turnover is above 50 %."

    await api.do(OLGA, ARRANGE, sequence=named("large moves"), seenVersion=first["version"])
    found = await routine(api, OLGA)
    assert [each["name"] for each in found["sequence"]] == ["large moves"]
    assert [each["name"] for each in found["favourites"]] == ["moving"]  # it was not asked about


@pytest.mark.covers("X2")
async def test_of_two_tabs_that_saw_one_version_the_second_to_save_is_refused(api: Api, days: Book):
    seen = await saved(api, ANNA, "moving", TURNED, note="first")
    newer = await saved(api, ANNA, "moving", LARGE, note="second", seenVersion=seen)
    for late in ({"seenVersion": seen}, {"seenVersion": seen - 1}, {}):
        for wanted in (TURNED, None):
            refused = await api.do(ANNA, SAVE, name="moving", filter=wanted, **late)
            assert (refused["__typename"], refused["code"]) == ("InvalidInput", "STALE_VERSION")
    assert ((await own(api, ANNA))["moving"]["note"], (await own(api, ANNA))["moving"]["version"]) == ("second", newer)

    await api.do(ANNA, SAVE, name="moving", filter=None, seenVersion=newer)
    revived = await api.do(ANNA, SAVE, name="moving", filter=TURNED, seenVersion=newer)
    assert revived["code"] == "STALE_VERSION"
    assert (await api.do(ANNA, SAVE, name="moving", filter=None))["__typename"] == "NotFound"
    assert await saved(api, ANNA, "moving", TURNED) > newer

    arranged = (await api.do(ANNA, ARRANGE, sequence=named("moving")))["version"]
    for late in ({}, {"seenVersion": arranged - 1}):
        assert (await api.do(ANNA, ARRANGE, sequence=[], **late))["code"] == "STALE_VERSION"
    assert (await routine(api, ANNA))["version"] == arranged


async def test_a_note_is_kept_whole_or_refused(api: Api, days: Book):
    longest = "x" * 1_998 + "\né"
    await saved(api, ANNA, "moving", TURNED, note=longest)
    assert (await own(api, ANNA))["moving"]["note"] == longest
    for wrong in (longest + "x", "a\x00b"):
        refused = await api.do(ANNA, SAVE, name="noted", filter=TURNED, note=wrong)
        assert (refused["__typename"], refused["code"]) == ("InvalidInput", "INVALID_NOTE")
    assert list(await own(api, ANNA)) == ["moving"]


@pytest.mark.parametrize(
    ("sequence", "code"),
    [(["review", "review"], "NAMED_TWICE"), (["review"] * 41, "TOO_MANY_FILTERS"), (["no such"], "FILTER_MISSING")],
)
async def test_a_routine_that_cannot_be_followed_is_refused(api: Api, days: Book, sequence: list[str], code: str):
    wanted = [{"name": name, "personal": False} for name in sequence]
    assert (await api.do(OLGA, ARRANGE, sequence=wanted))["code"] == code
    assert (await api.do(OLGA, ARRANGE, favourites=wanted))["code"] == code
    assert (await routine(api, OLGA))["version"] is None
