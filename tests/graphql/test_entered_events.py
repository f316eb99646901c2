"""A corporate action that persons enter: two of them agree, the night follows it, and its effect is shown before."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.activities.feed_day import FIRM, SPECIAL, FeedDay
from tests.graphql.api import Api, a_person
from tests.graphql.test_data import DECIDE, PROPOSE
from tests.servers import FreshDatabase
from trimtab.activities.inputs import Inputs
from trimtab.auth.matrix import Role
from trimtab.corporate_action_preview import NoSuchEvent, preview
from trimtab.db.engine import firm_transaction, sync_engine
from trimtab.domain.corporate_actions_events import PendingAllocation

DORA = a_person("dora", Role.DATA_MANAGER, firm_id=FIRM)
ANNA = a_person("anna", Role.ADVISOR, book="adv-1", firm_id=FIRM)
SYNC = "{ corporateActionSync { eventId kind securityId prices synced } }"
PREVIEW = """{ corporateActionPreview(eventId: "EVENT") { code message accounts { accountId cash gain
  before { securityId quantity cost } after { securityId quantity cost acquiredOn } } } }"""
DAVE = a_person("dave", Role.DATA_MANAGER, firm_id=FIRM)


@pytest.fixture
def day(database: FreshDatabase, tmp_path: Path) -> Any:
    engine = sync_engine(database.app_url, pool_size=1)
    yield FeedDay(engine, tmp_path / "drop").found()
    engine.dispose()


def a_spin_off(day: FeedDay, parent: str, child: str, **terms: Any) -> dict[str, Any]:
    received = {"security_id": child, "new_shares": "1", "old_shares": "4", **terms}
    return {
        "version": 1,
        "kind": "SOFF",
        "security_id": parent,
        "ex_on": day.date.isoformat(),
        "received": [received],
        "basis_source": "Form 8937" if terms else "",
    }


async def enter(api: Api, day: FeedDay, value: Any) -> Any:
    given = {"part": "CORPORATE_ACTION", "key": "EVENT", "value": value, "reason": "the issuer's notice"}
    return await api.do(DORA, PROPOSE, **given, effectiveFrom=day.date.isoformat())


def parent_and_child(day: FeedDay) -> tuple[str, str]:
    split = day.firm.actions[0].security_id
    held = sorted({each.security_id for each in day.firm.book.lots} - {split})
    known = [name for name in held if name in {each.id for each in day.firm.securities}]
    return known[0], known[1]


async def test_an_entered_spin_off_counts_once_a_second_person_agrees(api: Api, day: FeedDay):
    parent, child = parent_and_child(day)
    day.load()
    proposed = await enter(api, day, a_spin_off(day, parent, child))
    own = await api.do(DORA, DECIDE, changeId=proposed["changeId"], approve=True, reason="I say so")
    assert own["__typename"] == "Forbidden"
    with firm_transaction(day.engine, FIRM) as connection, pytest.raises(NoSuchEvent):
        preview(connection, day.date, "EVENT")

    decided = await api.do(DAVE, DECIDE, changeId=proposed["changeId"], approve=True, reason="agreed")

    assert decided["status"] == "APPROVED"
    day.judge()
    found = {name: code for name, code in day.codes().items() if name not in SPECIAL}
    assert found == dict.fromkeys(day.holders(parent) - SPECIAL.keys(), "CA_BASIS")
    with firm_transaction(day.engine, FIRM) as connection, pytest.raises(PendingAllocation):
        preview(connection, day.date, "EVENT")


async def test_the_preview_shows_each_account_before_and_after_with_basis_conserved(api: Api, day: FeedDay):
    parent, child = parent_and_child(day)
    day.load()
    proposed = await enter(api, day, a_spin_off(day, parent, child, basis_percent="20"))
    await api.do(DAVE, DECIDE, changeId=proposed["changeId"], approve=True, reason="agreed")

    with firm_transaction(day.engine, FIRM) as connection:
        shown = preview(connection, day.date, "EVENT")

    expected = {lot.account_id for lot in day.firm.book.lots if lot.security_id == parent}
    assert {each.account_id for each in shown} == expected
    for account in shown:
        assert account.outcome.conserves(account.before)
        for lot in account.before:
            kept = next(each for each in account.outcome.lots if each.id == lot.id)
            got = next(each for each in account.outcome.lots if each.id == f"{lot.id}+{child}")
            assert abs(kept.cost - lot.cost * Decimal("0.8")) <= Decimal("0.01")
            assert (got.acquired_on, kept.quantity) == (lot.acquired_on, lot.quantity)


async def test_an_allocation_without_a_source_is_refused(api: Api, day: FeedDay):
    parent, child = parent_and_child(day)
    value = a_spin_off(day, parent, child, basis_percent="20") | {"basis_source": " "}
    answer = await enter(api, day, value)
    assert (answer["code"], answer["message"]) == ("INVALID_VALUE", "a basis allocation needs its source")


async def test_the_sync_report_of_the_run_has_the_entered_event(api: Api, day: FeedDay):
    parent, child = parent_and_child(day)
    day.load()
    proposed = await enter(api, day, a_spin_off(day, parent, child, basis_percent="20"))
    await api.do(DAVE, DECIDE, changeId=proposed["changeId"], approve=True, reason="agreed")
    day.judge()
    with firm_transaction(day.engine, FIRM) as connection:
        (line,) = Inputs().of_run(connection, day.ref).findings.sync
    assert (line.event.event_id, line.event.has_allocation, line.is_synced) == ("EVENT", True, False)
    (told,) = (await api.data(DORA, SYNC))["corporateActionSync"]
    assert told == {"eventId": "EVENT", "kind": "SOFF", "securityId": parent, "prices": "WAITING", "synced": False}


async def test_the_api_previews_for_data_managers_and_says_what_an_event_waits_for(api: Api, day: FeedDay):
    parent, child = parent_and_child(day)
    day.load()
    day.freeze()
    proposed = await enter(api, day, a_spin_off(day, parent, child))
    await api.do(DAVE, DECIDE, changeId=proposed["changeId"], approve=True, reason="agreed")
    waiting = (await api.data(DORA, PREVIEW))["corporateActionPreview"]
    assert (waiting["code"], waiting["accounts"]) == ("CA_BASIS", [])

    second = await enter(api, day, a_spin_off(day, parent, child, basis_percent="20") | {"version": 2})
    await api.do(DAVE, DECIDE, changeId=second["changeId"], approve=True, reason="agreed")

    shown = (await api.data(DORA, PREVIEW))["corporateActionPreview"]
    assert shown["code"] is None
    for account in shown["accounts"]:
        before = sum(Decimal(lot["cost"]) for lot in account["before"])
        assert sum(Decimal(lot["cost"]) for lot in account["after"]) == before
        assert {lot["securityId"] for lot in account["after"]} == {parent, child}
    refused = await api.send(ANNA, PREVIEW)
    assert refused["errors"][0]["extensions"] == {"code": "FORBIDDEN", "reason": "NOT_PERMITTED"}
