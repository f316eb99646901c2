"""The rows of the authorization matrix that the API enforces, cell by cell, through real documents.

Every role meets every row, on an account of its own book, of another book, and of another firm. What the API
allows is compared with the page for people, not with the policy module.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.graphql.api import (
    ADAM,
    ANNA,
    CARL,
    DORA,
    IVAN,
    MARK,
    OLGA,
    WAREHOUSE,
    Api,
    a_person,
    on_behalf,
)
from tests.graphql.documents import APPROVE, LIFT, REFRESH, REJECT, RETRY, SUSPEND
from tests.graphql.firms import ON, Book, Waiting
from tests.graphql.hub import CONTRACT as HUB_CONTRACT
from tests.graphql.test_bulk_settings import DECIDE as DECIDE_BULK
from tests.graphql.test_bulk_settings import EXEMPT
from tests.graphql.test_hub_fees import DECIDE as DECIDE_BILL
from tests.graphql.test_programme import DECIDE as DECIDE_PROGRAMME
from tests.graphql.test_settings import CHANGE as CHANGE_SETTINGS
from tests.graphql.test_settings import DECIDE as DECIDE_EXCEPTION
from tests.graphql.test_steps_and_alerts import block
from trimtab.auth.matrix import Role
from trimtab.auth.principal import Principal
from trimtab.db.bulk_changes import keep, keep_members
from trimtab.db.hub_billing import draft as draft_statement
from trimtab.db.programme import Change, ProgrammeKind, propose
from trimtab.db.settings_exceptions import SettingsException, WantedChange, write_exception
from trimtab.db.settings_versions import newest_seq, write_version
from trimtab.db.suspensions import open_suspension
from trimtab.db.tables import decision, hub_accrual
from trimtab.domain.hub.billing import Month
from trimtab.domain.profile.bulk import ACCOUNTS, BulkChange, BulkPreview, BulkStatus
from trimtab.domain.profile.levels import LayerKey
from trimtab.domain.profile.registry import LANGUAGE
from trimtab.domain.profile.statements import Level
from trimtab.domain.suspensions import Suspension, SuspensionKind, SuspensionScope

PAGE = Path(__file__).resolve().parents[2] / "docs" / "authorization.md"
PEOPLE = {
    "ADV": ANNA,
    "IPC": IVAN,
    "OVM": OLGA,
    "CMP": CARL,
    "MGT": MARK,
    "DAT": DORA,
    "ADM": ADAM,
    "INT": WAREHOUSE,
}


@dataclass
class Place:
    """One account of the firm, with somebody who asks about it."""

    api: Api
    book: Book
    account_id: str
    advisor: str

    def review(self, **values: Any) -> Waiting:
        return self.book.add_review(self.account_id, advisor=self.advisor, **values)

    async def did(self, who: Principal, document: str, success: str, **values: Any) -> bool:
        answer = await self.api.send(
            who, document, {"input": {"idempotencyKey": f"attempt-{self.account_id}", **values}}
        )
        assert "errors" not in answer, answer
        result = next(iter(answer["data"].values()))
        assert result["__typename"] not in ("InvalidInput", "IdempotencyKeyReused"), result
        return bool(result["__typename"] == success)

    async def sees(self, who: Principal, document: str) -> bool:
        data = (await self.api.send(who, document, {"id": self.account_id}))["data"]
        while isinstance(data, dict) and len(data) == 1:
            data = next(iter(data.values()))
        return data is not None

    def suspended(self, kind: SuspensionKind) -> str:
        self.book.add_account(self.account_id, advisor=self.advisor)
        wanted = Suspension(SuspensionScope.ACCOUNT, self.account_id, kind, "CODE", "why", ON, "somebody")
        return str(self.book.write(lambda one: open_suspension(one, self.book.firm_id, wanted)))


Attempt = Callable[[Place, Principal], Awaitable[bool]]


async def read_account(place: Place, who: Principal) -> bool:
    place.review()
    return await place.sees(who, "query($id: ID!) { account(id: $id) { accountId } }")


async def read_audit_log(place: Place, who: Principal) -> bool:
    place.review()
    return await place.sees(who, "query($id: ID!) { account(id: $id) { history(first: 1) { edges { cursor } } } }")


async def verify_records(place: Place, who: Principal) -> bool:
    place.review()
    return await place.sees(who, "query($id: ID!) { verifyRecords(accountId: $id) { verified } }")


async def refresh(place: Place, who: Principal) -> bool:
    waiting = place.review()
    return await place.did(who, REFRESH, "DecisionAccepted", accountDayId=waiting.ref.account_day_id)


async def approve(place: Place, who: Principal) -> bool:
    return await place.did(who, APPROVE, "DecisionAccepted", **place.review().variables)


async def approve_second(place: Place, who: Principal) -> bool:
    waiting = place.review(notional="300000")
    first = a_person("first", Role.OVERLAY_MANAGER, firm_id=place.book.firm_id)
    assert await place.did(first, APPROVE, "DecisionAccepted", **waiting.variables)
    return await place.did(who, APPROVE, "DecisionAccepted", **waiting.variables)


async def approve_with_consent(place: Place, who: Principal) -> bool:
    waiting = place.review(discretionary=False)
    return await place.did(who, APPROVE, "DecisionAccepted", **waiting.variables, clientConsent="A letter.")


async def reject(place: Place, who: Principal) -> bool:
    return await place.did(who, REJECT, "DecisionAccepted", **place.review().variables, reason="No.")


async def suspend(place: Place, who: Principal) -> bool:
    place.review()
    return await place.did(who, SUSPEND, "AccountSuspended", accountId=place.account_id, reason="Stop.")


def lift(kind: SuspensionKind) -> Attempt:
    async def attempt(place: Place, who: Principal) -> bool:
        found = place.suspended(kind)
        return await place.did(who, LIFT, "SuspensionLifted", suspensionId=found, reason="Over.")

    return attempt


def retry(stage: str) -> Attempt:
    async def attempt(place: Place, who: Principal) -> bool:
        ref = block(place.book, place.account_id, stage)
        return await place.did(who, RETRY, "StepsRetried", accountDayId=ref.account_day_id)

    return attempt


async def edit_customisation(place: Place, who: Principal) -> bool:
    place.book.add_account(place.account_id, advisor=place.advisor)
    wanted = {"level": "ACCOUNT", "owner": place.account_id, "sentences": ["Keep 2 % in cash."], "reason": "Asked."}
    return await place.did(who, CHANGE_SETTINGS, "SettingsChanged", **wanted)


async def approve_beyond_limits(place: Place, who: Principal) -> bool:
    place.book.add_account(place.account_id, advisor=place.advisor)
    key = LayerKey(Level.ACCOUNT, place.account_id)
    wanted = WantedChange(key, {"cash_target": LANGUAGE.parse("Keep 2 % in cash.")}, ON, "somebody", "Asked.")
    asked = SettingsException(f"e-{place.account_id}", wanted, ("too much",), ("somebody",), place.advisor)
    place.book.write(lambda one: write_exception(one, place.book.firm_id, asked, None))
    decided = {"exceptionId": asked.exception_id, "approve": True, "reason": "Agreed."}
    return await place.did(who, DECIDE_EXCEPTION, "SettingsExceptionDecided", **decided)


def a_bulk_change(place: Place, status: BulkStatus = BulkStatus.PROPOSED) -> str:
    """Of this one account, by somebody."""
    firm_id = place.book.firm_id
    place.book.add_account(place.account_id, advisor=place.advisor)

    def write(one: Any) -> str:
        change = BulkChange(
            change_id=f"c-{place.account_id}",
            target=ACCOUNTS,
            filter=None,
            changes={"cash_target": LANGUAGE.parse("Keep 2 % in cash.")},
            effective_from=ON,
            reason="Asked.",
            proposed_by=("somebody",),
            members=keep_members(one, firm_id, [place.account_id]),
            known_seq=newest_seq(one),
            preview=BulkPreview(1, 1),
            status=status,
            undo_proposed_by=("somebody",),
        )
        keep(one, firm_id, change, "somebody", None)
        return change.change_id

    return str(place.book.write(write))


async def exempt(place: Place, who: Principal) -> bool:
    wanted = {"accountId": place.account_id, "until": "2026-12-31", "reason": "Asked."}
    return await place.did(who, EXEMPT, "BulkChangeSettled", changeId=a_bulk_change(place), **wanted)


def approve_bulk(status: BulkStatus) -> Attempt:
    async def attempt(place: Place, who: Principal) -> bool:
        decided = {"changeId": a_bulk_change(place, status), "approve": True, "reason": "Agreed."}
        return await place.did(who, DECIDE_BULK, "BulkChangeSettled", **decided)

    return attempt


def _contract(place: Place, one: Any) -> str:
    """A provider of the place's own with one licensed model; the model's id."""
    name = f"M-{place.account_id}"
    contract = {**HUB_CONTRACT, "id": f"P-{place.account_id}", "models": {name: "standard"}}
    usual = {"effective_from": ON, "actor": "somebody", "reason": "Agreed.", "supersedes": None}
    write_version(one, place.book.firm_id, "provider_contract", str(contract["id"]), contract, **usual)
    return name


async def publish_model(place: Place, who: Principal) -> bool:
    def propose_it(one: Any) -> str:
        name = _contract(place, one)
        value = {"id": name, "version": 1, "effective_on": ON.isoformat(), "weights": {"VTI": "1"}}
        value["provider_id"] = f"P-{place.account_id}"
        kind = ProgrammeKind.PROVIDER_MODEL
        propose(one, place.book.firm_id, Change(name, kind, name, ON, value, "Sent.", ("somebody",), None))
        return name

    decided = {"changeId": place.book.write(propose_it), "approve": True, "reason": "Agreed."}
    return await place.did(who, DECIDE_PROGRAMME, "ProgrammeChangeDecided", **decided)


async def settle_bill(place: Place, who: Principal) -> bool:
    def draft_it(one: Any) -> str:
        name = _contract(place, one)
        for day in range(2, 32):
            values = {"day": ON.replace(day=day), "model_id": name, "provider_id": f"P-{place.account_id}"}
            values |= {"business_date": ON, "schedule": "standard", "accounts": 0, "assets": 0, "rate_bps": 0}
            one.execute(hub_accrual.insert().values(firm_id=place.book.firm_id, fee=0, settings_seq=1, **values))
        provider, march = f"P-{place.account_id}", Month.of("2026-03")
        return str(draft_statement(one, place.book.firm_id, provider, march, ("somebody",)).id)

    decided = {"statementId": place.book.write(draft_it), "total": "96.77", "approve": True, "reason": "Agreed."}
    return await place.did(who, DECIDE_BILL, "BillingStatementDecided", **decided)


ATTEMPTS: dict[str, tuple[int, Attempt]] = {
    "read an account": (2, read_account),
    "edit an account's customisation": (4, edit_customisation),
    "approve what is beyond the limits": (5, approve_beyond_limits),
    "approve a bulk change": (6, approve_bulk(BulkStatus.PROPOSED)),
    "exempt from a bulk change": (7, exempt),
    "approve the undo of a bulk change": (51, approve_bulk(BulkStatus.UNDO_PROPOSED)),
    "publish a provider's model": (11, publish_model),
    "approve a provider's bill": (38, settle_bill),
    "re-run the analysis": (14, refresh),
    "approve up to the limit": (16, approve),
    "approve as the second person": (17, approve_second),
    "approve with the client's consent": (18, approve_with_consent),
    "reject": (19, reject),
    "suspend": (21, suspend),
    "lift an advisor's suspension": (22, lift(SuspensionKind.ADVISOR)),
    "lift a data suspension": (23, lift(SuspensionKind.DATA)),
    "lift a compliance suspension": (24, lift(SuspensionKind.COMPLIANCE)),
    "read the audit log": (28, read_audit_log),
    "verify records": (28, verify_records),
    "retry ingest": (45, retry("ingest")),
    "retry analyze": (45, retry("analyze")),
}


READS = ("read an account", "read the audit log", "verify records")


def cells() -> dict[tuple[int, str], str]:
    """The matrix as the page for people shows it: (row, role) to letters."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if re.match(r"\|\s*\d+\b", line)]
    found = {}
    for line in lines:
        columns = [column.strip() for column in line.strip().strip("|").split("|")]
        for role, letters in zip(PEOPLE, columns[-8:], strict=True):
            found[int(columns[0]), role] = letters
    return found


CELLS = cells()


def expected(name: str, role: str, is_own: bool) -> bool:
    row, _ = ATTEMPTS[name]
    letters = CELLS[row, role]
    if name == "retry analyze" and role == "DAT":
        return False  # row 45: ingest and validate alone
    if letters in ("-", "P") or (letters == "R" and name not in READS):
        return False
    return is_own if letters.startswith("O") else True


@pytest.mark.parametrize("name", ATTEMPTS)
@pytest.mark.covers("E2")
async def test_each_role_may_do_what_its_cell_says_and_nothing_else(api: Api, book: Book, name):
    _, attempt = ATTEMPTS[name]
    wrong = []
    for role, who in PEOPLE.items():
        for is_own in (True, False):
            place = Place(api, book, f"{role}-{'own' if is_own else 'other'}", "adv-1" if is_own else "adv-9")
            allowed = await attempt(place, who)
            if allowed is not expected(name, role, is_own):
                wrong.append((role, "own book" if is_own else "other book", allowed))
    assert wrong == []


@pytest.mark.parametrize("name", ATTEMPTS)
@pytest.mark.covers("E2")
async def test_no_role_of_one_firm_does_anything_in_another(api: Api, book: Book, name):
    _, attempt = ATTEMPTS[name]
    other = Book(book.engine, "firm-b").found()
    for role, who in PEOPLE.items():
        assert await attempt(Place(api, other, f"{role}-foreign", "adv-1"), who) is False, role


@pytest.mark.parametrize("name", ["approve up to the limit", "approve as the second person"])
async def test_starred_rows_are_never_done_on_behalf_of_others(api: Api, book: Book, name):
    _, attempt = ATTEMPTS[name]
    assert await attempt(Place(api, book, "A1", "adv-1"), on_behalf(OLGA, "adam")) is False


@pytest.mark.covers("E9")
async def test_an_administrator_on_behalf_has_the_other_rows_and_the_record_shows_both(api: Api, book: Book):
    assert await reject(Place(api, book, "A1", "adv-1"), on_behalf(OLGA, "adam"))
    (row,) = book.rows(decision)
    assert (row.actor, row.on_behalf_of) == ("adam", "olga")
