"""Data that people decide about, from the queue to the account that heals: two persons, a date, and the reason kept."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.activities.feed_day import FIRM, SPECIAL, FeedDay
from tests.graphql.api import Api, a_person
from tests.servers import FreshDatabase
from trimtab.activities.inputs import Inputs
from trimtab.auth.matrix import Role
from trimtab.data_queues import QUEUES
from trimtab.db.content import get_content
from trimtab.db.engine import firm_transaction, sync_engine
from trimtab.db.stages import newest_result
from trimtab.demo import faults
from trimtab.domain.account_settings import RestrictionKind
from trimtab.domain.lifecycle import Stage
from trimtab.domain.snapshots import AccountSnapshot

SOUND = "A00002"
DORA = a_person("dora", Role.DATA_MANAGER, firm_id=FIRM)
DAVE = a_person("dave", Role.DATA_MANAGER, firm_id=FIRM)
OLGA = a_person("olga", Role.OVERLAY_MANAGER, firm_id=FIRM)
CARL = a_person("carl", Role.COMPLIANCE, firm_id=FIRM)
ANNA = a_person("anna", Role.ADVISOR, book="adv-1", firm_id=FIRM)

UNKNOWN = """{ unknownSecurities { key scheme checkDigit accounts marketValue models { modelId weight }
  candidates { securityId because } } }"""
INCOMPLETE = "{ incompleteSecurities { securityId lacks accounts models { modelId } proxy } }"
LISTS = "query($known: Int) { restrictionLists(knownAt: $known) { listId version asOf rule securities reason } }"
HITS = "{ restrictionListHits { listId version securityId accounts models { modelId weight } } }"
CHANGES = "{ dataChanges { part key status proposedBy decidedBy } }"
PROPOSE = """mutation($input: ProposeDataChangeInput!) { proposeDataChange(input: $input) {
  __typename ... on DataChangeProposed { changeId } ... on UserError { code message } } }"""
DECIDE = """mutation($input: DecideDataChangeInput!) { decideDataChange(input: $input) {
  __typename ... on DataChangeDecided { status } ... on UserError { code message } } }"""


@pytest.fixture
def day(database: FreshDatabase, tmp_path: Path) -> Any:
    engine = sync_engine(database.app_url, pool_size=1)
    yield FeedDay(engine, tmp_path / "drop").found()
    engine.dispose()


async def propose(api: Api, day: FeedDay, who: Any, part: str, key: str, value: Any, **changes: Any) -> Any:
    given = {"part": part, "key": key, "value": value, "effectiveFrom": day.date.isoformat(), "reason": "it is so"}
    return await api.do(who, PROPOSE, **{**given, **changes})


async def agreed(api: Api, day: FeedDay, pair: tuple[Any, Any], part: str, key: str, value: Any) -> None:
    proposed = await propose(api, day, pair[0], part, key, value)
    decided = await api.do(pair[1], DECIDE, changeId=proposed["changeId"], approve=True, reason="agreed")
    assert decided == {"__typename": "DataChangeDecided", "status": "APPROVED"}


def again(day: FeedDay, account_id: str) -> AccountSnapshot | None:
    """The account's day once more on what is known now; its snapshot when it may be analysed."""
    day.freeze(again=True)
    day.next_attempt(account_id)
    if day.judge()[account_id].next is not Stage.ANALYZE:
        return None
    with firm_transaction(day.engine, FIRM) as connection:
        ref = next(ref for ref in day.refs if ref.account_id == account_id)
        result = newest_result(connection, ref, Stage.VALIDATE)
        assert result is not None
        return get_content(connection, str(result.detail["snapshot"]), AccountSnapshot)


def told(day: FeedDay, queue: str) -> list[str]:
    """What the command line says."""
    with firm_transaction(day.engine, FIRM) as connection:
        return list(QUEUES[queue](connection, day.date))


@pytest.mark.covers("W-G1", "W-G2")
async def test_an_unknown_identifier_waits_in_a_queue_until_two_persons_map_it(api: Api, day: FeedDay):
    held = next(each for each in day.firm.book.holdings if each.account_id == SOUND)
    security = next(one for one in day.firm.securities if one.id == held.security_id)
    stranger = f"{(security.cusip or '')[:6]}99"  # a number of the same issuer that users give out themselves
    from stdnum import cusip

    key = stranger + cusip.calc_check_digit(stranger)
    where = {"account_id": SOUND, "symbol": security.symbol or ""}
    faults.set_field(day.path("positions"), where, "cusip", key)
    faults.set_field(day.path("positions"), {"account_id": SOUND, "cusip": key}, "symbol", "")
    day.load()
    day.judge()
    assert day.codes()[SOUND] == "UNKNOWN_SECURITY"
    entry = next(one for one in (await api.data(DORA, UNKNOWN))["unknownSecurities"] if one["key"] == key)
    assert (entry["scheme"], entry["accounts"], entry["models"]) == ("cusip", 1, [])
    assert entry["checkDigit"] == "OWN"
    assert Decimal(entry["marketValue"]) > 0
    same_issuer = {"securityId": security.id, "because": f"the same issuer, {key[:6]}"}
    assert same_issuer in entry["candidates"]
    (line,) = (one for one in told(day, "unknown") if one.startswith(key))
    assert f"cusip, check digit own, 1 accounts with {entry['marketValue']} dollars: " in line
    (line,) = (one for one in told(day, "suspensions") if f"{SOUND}: UNKNOWN_SECURITY" in one)
    assert line.startswith(
        f"account {SOUND}: UNKNOWN_SECURITY since {day.date}: the security master does not know {key}."
    )
    assert line.endswith("Cleared by: the security master knows the identifier. May be lifted by: data_manager")
    mapped = {"security_id": security.id}
    proposed = await propose(api, day, DORA, "IDENTIFIER", key, mapped)
    own = await api.do(DORA, DECIDE, changeId=proposed["changeId"], approve=True, reason="I say so")
    assert own["__typename"] == "Forbidden"
    decided = await api.do(DAVE, DECIDE, changeId=proposed["changeId"], approve=True, reason="agreed")
    assert decided["status"] == "APPROVED"
    (change,) = (await api.data(DORA, CHANGES))["dataChanges"]
    assert change == {
        "part": "IDENTIFIER", "key": key, "status": "APPROVED", "proposedBy": ["dora"], "decidedBy": "dave",
    }  # fmt: skip
    with firm_transaction(day.engine, FIRM) as connection:
        assert Inputs().of_run(connection, day.ref).names.get(key) is None  # frozen before: nothing changes by itself
    snapshot = again(day, SOUND)
    assert snapshot is not None
    assert held.quantity in {each.quantity for each in snapshot.positions if each.security_id == security.id}
    assert not any(SOUND in one for one in told(day, "suspensions"))
    assert key not in {one["key"] for one in (await api.data(DORA, UNKNOWN))["unknownSecurities"]}


@pytest.mark.covers("D11")
async def test_a_new_security_is_held_by_proxy_and_bought_once_two_persons_let_it(api: Api, day: FeedDay):
    """Its exposures are missing: first nothing, then a proxy to hold it by, then one that may be bought."""
    security_id, holders, _ = day.wanted_security()
    holder = min(holders)
    faults.remove_rows(day.path("risk_exposures"), {"symbol": day.symbol(security_id)})
    other = next(
        one.id for one in day.firm.securities if one.id != security_id and day.holders(one.id) and one.kind == "STOCK"
    )
    day.load()
    day.judge()
    (entry,) = (
        one for one in (await api.data(DORA, INCOMPLETE))["incompleteSecurities"] if one["securityId"] == security_id
    )
    assert (entry["lacks"], entry["accounts"], entry["proxy"]) == (["risk exposures"], len(holders), "")
    proxy = {"members": {other: "1"}, "because": "the same business"}
    bad = await propose(api, day, DORA, "RISK_PROXY", security_id, {"members": {other: "0.9"}, "because": "it is"})
    assert (bad["code"], bad["message"]) == ("INVALID_VALUE", "the proxy's weights sum to 0.9, not 1")
    await agreed(api, day, (DORA, DAVE), "RISK_PROXY", security_id, proxy)
    snapshot = again(day, holder)
    assert snapshot is not None
    assert security_id in snapshot.settings.restricted(RestrictionKind.NEVER_BUY)
    with firm_transaction(day.engine, FIRM) as connection:
        run = Inputs().of_run(connection, day.ref)
    rows = run.market.risk_model.securities
    assert rows[security_id] == rows[other]
    assert run.findings.proxied == {security_id: f"by proxy, 1 of {other}: the same business"}
    (entry,) = (
        one for one in (await api.data(DORA, INCOMPLETE))["incompleteSecurities"] if one["securityId"] == security_id
    )
    assert entry["lacks"] == ["approval of its risk proxy for buying"]
    assert any(one.startswith(f"{security_id} lacks approval of its risk proxy") for one in told(day, "incomplete"))
    await agreed(api, day, (DAVE, DORA), "RISK_PROXY", security_id, {**proxy, "buyable": True})
    day.freeze(again=True)
    with firm_transaction(day.engine, FIRM) as connection:
        assert security_id not in Inputs().of_run(connection, day.ref).findings.incomplete


@pytest.mark.covers("D4")
async def test_a_restriction_list_binds_from_its_date_and_is_screened_against_holdings_and_models(
    api: Api, day: FeedDay
):
    security_id, holders, _ = day.wanted_security()
    day.load()
    listed = {
        "id": "TOBACCO", "version": 1, "as_of": "2026-11-19", "securities": [security_id], "rule": "NEVER_HOLD",
        "reason": "sells tobacco",
    }  # fmt: skip
    wrong = await propose(api, day, DORA, "RESTRICTION_LIST", "WEAPONS", listed)
    assert wrong["message"] == "the value is of TOBACCO, the key WEAPONS"
    assert (await propose(api, day, ANNA, "RESTRICTION_LIST", "TOBACCO", listed))["__typename"] == "Forbidden"
    await agreed(api, day, (DORA, CARL), "RESTRICTION_LIST", "TOBACCO", listed)
    day.judge()
    assert day.codes() == SPECIAL
    holder = min(holders)
    with firm_transaction(day.engine, FIRM) as connection:
        ref = next(ref for ref in day.refs if ref.account_id == holder)
        result = newest_result(connection, ref, Stage.VALIDATE)
        assert result is not None
        snapshot = get_content(connection, str(result.detail["snapshot"]), AccountSnapshot)
    (rule,) = (one for one in snapshot.settings.restrictions if one.security_id == security_id)
    assert (rule.kind, rule.reason) == (
        RestrictionKind.NEVER_HOLD, "list TOBACCO, version 1 of 2026-11-19: sells tobacco",
    )  # fmt: skip
    (hit,) = (await api.data(CARL, HITS))["restrictionListHits"]
    assert (hit["listId"], hit["version"], hit["securityId"]) == ("TOBACCO", 1, security_id)
    assert hit["accounts"] == len(day.holders(security_id))
    assert hit["models"]
    (line,) = told(day, "lists")
    assert line.startswith(f"TOBACCO version 1: {security_id} is held by {len(day.holders(security_id))} accounts")
    with firm_transaction(day.engine, FIRM) as connection:
        seq = Inputs().of_run(connection, day.ref).manifest.settings_seq
    await agreed(api, day, (DORA, CARL), "RESTRICTION_LIST", "TOBACCO", {**listed, "version": 2, "securities": []})
    assert [one["version"] for one in (await api.data(CARL, LISTS))["restrictionLists"]] == [2]
    as_known = (await api.data(CARL, LISTS, {"known": seq}))["restrictionLists"]
    assert [(one["version"], one["securities"]) for one in as_known] == [(1, [security_id])]


async def test_each_part_goes_through_its_own_row_of_the_matrix(api: Api, day: FeedDay):
    """The policy is proposed by overlay managers and verified by compliance; prices are two data managers' matter."""
    policy = {"price_fault": "FREEZE", "raise_cash": True}
    assert (await propose(api, day, DORA, "POLICY", "firm", policy))["__typename"] == "Forbidden"
    assert (await propose(api, day, OLGA, "POLICY", "mine", policy))["code"] == "INVALID_VALUE"
    assert (await propose(api, day, OLGA, "POLICY", "firm", {"price_fault": "IGNORE"}))["code"] == "INVALID_VALUE"
    await agreed(api, day, (OLGA, CARL), "POLICY", "firm", policy)
    spike = {"on": day.date.isoformat()}
    assert (await propose(api, day, OLGA, "ACCEPTED_EXCEPTION", "PRICE_SPIKE/S1", spike))["__typename"] == "Forbidden"
    assert (await propose(api, day, DORA, "ACCEPTED_EXCEPTION", "SPIKE/S1", spike))["code"] == "INVALID_VALUE"
    await agreed(api, day, (DORA, DAVE), "ACCEPTED_EXCEPTION", "PRICE_SPIKE/S1", spike)
    late = await propose(api, day, DORA, "IDENTIFIER", "X1", {"security_id": "S1"})
    assert late["__typename"] == "DataChangeProposed"
    rejected = await api.do(DAVE, DECIDE, changeId=late["changeId"], approve=False, reason="no such thing")
    assert rejected["status"] == "REJECTED"
    twice = await api.do(DAVE, DECIDE, changeId=late["changeId"], approve=True, reason="after all")
    assert twice["code"] == "ALREADY_DECIDED"
    seen = (await api.data(ANNA, CHANGES))["dataChanges"]
    assert sorted(one["part"] for one in seen) == ["IDENTIFIER", "POLICY"]  # row 35 shows prices to no advisor
    day.load()
    day.freeze()
    with firm_transaction(day.engine, FIRM) as connection:
        manifest = Inputs().of_run(connection, day.ref).manifest
    assert (manifest.price_fault_policy, manifest.raise_cash) == ("FREEZE", True)
