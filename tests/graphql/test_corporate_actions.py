"""A feed's event from the first word to its reversal, as persons see and decide it through the API and the command."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.activities.action_nights import CORE, EVE, FIRM, FRIDAY, ActionNights, Night, an_event
from tests.graphql.api import Api, a_person
from tests.graphql.test_data import DECIDE, PROPOSE
from tests.servers import FreshDatabase
from trimtab.auth.matrix import Role
from trimtab.cli import app
from trimtab.db.engine import sync_engine

DORA = a_person("dora", Role.DATA_MANAGER, firm_id=FIRM)
DAVE = a_person("dave", Role.DATA_MANAGER, firm_id=FIRM)
ANNA = a_person("anna", Role.ADVISOR, book="ann", firm_id=FIRM)
EVENTS = """{ corporateActions { eventId version kind state code sources approvedBy personsNeeded
  accountsApplied accountsReconciled } }"""
APPROVE = """mutation($input: ApproveCorporateActionInput!) { approveCorporateAction(input: $input) {
  __typename ... on CorporateActionApproved { state personsNeeded approvedBy } ... on UserError { code message } } }"""
HISTORY = """query($account: String) { corporateActionHistory(eventId: "EV-MMM", accountId: $account) {
  states { version state businessDate } applications { accountId version state bookedBy cash gain
  before { securityId quantity cost acquiredOn } after { securityId quantity cost acquiredOn } } } }"""
SPIN = an_event("SOFF", "MMM", new_shares="1", old_shares="4", new_symbol="SOLV", treatment="TAX_FREE",
                basis_percent="20", basis_source="Form 8937", source="VENDOR-A")  # fmt: skip
LOT = {"securityId": "MMM", "quantity": "200", "cost": "30000", "acquiredOn": "2018-01-02"}
KEPT = LOT | {"cost": "24000"}
CHILD = LOT | {"securityId": "SOLV", "quantity": "50", "cost": "6000"}


@pytest.fixture
def nights(database: FreshDatabase, tmp_path: Path) -> Iterator[ActionNights]:
    engine = sync_engine(database.app_url, pool_size=1)
    firm = ActionNights(engine, tmp_path / "drop", (CORE, "MMM", "SOLV"), {"M": {CORE: "0.98", "CASH": "0.02"}})
    held = {"SPIN": {"MMM": [("200", "30000.00", "2018-01-02")]}}
    firm.founded().deliver(Night(FRIDAY, EVE, held, {"MMM": "106.00", "SOLV": "69.10"}, [SPIN]))
    yield firm
    engine.dispose()


async def approve(api: Api, who: Any, version: int = 1) -> Any:
    return await api.do(who, APPROVE, eventId="EV-MMM", version=version, reason="the issuer's notice says so")


async def the_event(api: Api) -> Any:
    (event,) = (await api.data(DORA, EVENTS))["corporateActions"]
    return event


@pytest.mark.covers("D3", "H9")
async def test_a_spin_off_of_one_source_is_approved_by_two_persons_applied_and_taken_back(
    api: Api, nights: ActionNights, database: FreshDatabase
) -> None:
    assert nights.judge(FRIDAY) == {"SPIN": "CA_UNSYNCED"}
    told = {"eventId": "EV-MMM", "version": 1, "kind": "SOFF", "state": "ANNOUNCED", "code": "CA_UNSYNCED",
            "sources": ["VENDOR-A"], "approvedBy": [], "personsNeeded": 2, "accountsApplied": 0,
            "accountsReconciled": 0}  # fmt: skip
    assert await the_event(api) == told
    assert (await approve(api, ANNA))["__typename"] == "Forbidden"
    assert (await approve(api, DORA, version=2))["code"] == "OTHER_VERSION"
    first = await approve(api, DORA)
    assert (first["state"], first["personsNeeded"], first["approvedBy"]) == ("ANNOUNCED", 2, ["dora"])
    assert (await approve(api, DORA))["code"] == "ALREADY_APPROVED"
    assert listed(database) == f"{FRIDAY} EV-MMM 1: SOFF of MMM, ANNOUNCED, waits for CA_UNSYNCED, approved by 1 of 2\n"
    second = await approve(api, DAVE)
    assert (second["state"], second["approvedBy"]) == ("CONFIRMED", ["dave", "dora"])
    assert (await approve(api, DAVE))["code"] == "NOTHING_TO_APPROVE"
    assert (await the_event(api))["state"] == "CONFIRMED"

    assert nights.judge(FRIDAY, attempt=2) == {}
    applied = told | {"state": "APPLIED", "code": None, "approvedBy": ["dave", "dora"], "accountsApplied": 1}
    assert await the_event(api) == applied
    history = (await api.data(DORA, HISTORY, {"account": "SPIN"}))["corporateActionHistory"]
    assert [each["state"] for each in history["states"]] == ["ANNOUNCED", "CONFIRMED"]
    done = {"accountId": "SPIN", "version": 1, "state": "APPLIED", "bookedBy": "TRIMTAB", "cash": "0",
            "gain": "0", "before": [LOT], "after": [KEPT, CHILD]}  # fmt: skip
    assert history["applications"] == [done]
    assert (await api.data(DORA, HISTORY, {"account": "OTHER"}))["corporateActionHistory"]["applications"] == []
    refused = await api.send(ANNA, HISTORY, {"account": "SPIN"})
    assert refused["errors"][0]["extensions"] == {"code": "FORBIDDEN", "reason": "NOT_PERMITTED"}

    reversal = {"version": 2, "kind": "SOFF", "security_id": "MMM", "ex_on": FRIDAY.isoformat(), "status": "REVERSED"}
    proposed = await api.do(
        DORA, PROPOSE, part="CORPORATE_ACTION", key="EV-MMM", value=reversal, reason="the issuer called it off",
        effectiveFrom=FRIDAY.isoformat(),
    )  # fmt: skip
    await api.do(DAVE, DECIDE, changeId=proposed["changeId"], approve=True, reason="agreed")
    assert nights.judge(FRIDAY, attempt=3) == {}
    assert nights.lots("SPIN") == "MMM 200 30000.00 2018-01-02"
    assert ((await the_event(api))["version"], (await the_event(api))["state"]) == (2, "REVERSED")
    after = (await api.data(DORA, HISTORY))["corporateActionHistory"]["applications"]
    given_back = done | {"state": "REVERSED", "before": [KEPT, CHILD], "after": [LOT]}
    assert after[:2] == [done, given_back]
    assert json.loads(listed(database, "--json"))["events"][0]["state"] == "REVERSED"


def listed(database: FreshDatabase, *arguments: str) -> str:
    env = {"DATABASE_URL": database.app_url, "TRIMTAB_FIRM": FIRM}
    return CliRunner().invoke(app, ["actions", "list", *arguments], env=env).stdout
