"""Queries about data that wait for people."""

from datetime import date
from typing import Final

import strawberry
from sqlalchemy import Connection

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Act, Operation
from trimtab.auth.principal import Subject
from trimtab.corporate_action_desk import EventLine, application_lines, event_lines
from trimtab.corporate_action_preview import preview, sync_lines
from trimtab.db.account_signals import business_date
from trimtab.db.corporate_actions import state_rows
from trimtab.db.data_changes import changes, lists_on
from trimtab.db.settings_versions import newest_seq
from trimtab.domain.errors import TrimtabError
from trimtab.graphql.access import guarded
from trimtab.graphql.context import Info
from trimtab.graphql.data.corporate_actions import (
    CorporateAction,
    CorporateActionApplication,
    CorporateActionHistory,
    CorporateActionPreview,
    CorporateActionStep,
    CorporateActionSync,
    EventAccount,
)
from trimtab.graphql.data.types import OPERATIONS, DataChange, IncompleteSecurity, ListHit, RestrictionList
from trimtab.graphql.data.types import UnknownSecurity as Unknown
from trimtab.graphql.errors import NotAllowed
from trimtab.unknown_securities import incomplete_securities, list_hits, unknown_securities

MOST_ACCOUNTS: Final = 100
"""Accounts of a page of an event's history."""

_ON = "Without `asOf` of the newest business date."


@strawberry.type
class DataQuery:
    @guarded(
        Operation.EDIT_SECURITY_MASTER, description=f"Identifiers that nobody knows, the largest value first. {_ON}"
    )
    async def unknown_securities(self, info: Info, as_of: date | None = None) -> list[Unknown] | None:
        _require(info, Operation.EDIT_SECURITY_MASTER)
        found = await info.context.reader.run(lambda one: unknown_securities(one, _day(one, as_of)))
        return [Unknown.of(entry) for entry in found]

    @guarded(Operation.EDIT_SECURITY_MASTER, description=f"Securities that are held and not bought yet, and why. {_ON}")
    async def incomplete_securities(self, info: Info, as_of: date | None = None) -> list[IncompleteSecurity] | None:
        _require(info, Operation.EDIT_SECURITY_MASTER)
        found = await info.context.reader.run(lambda one: incomplete_securities(one, _day(one, as_of)))
        return [IncompleteSecurity.of(entry) for entry in found]

    @guarded(
        Operation.EDIT_RESTRICTION_LISTS,
        description="The restriction lists that hold on a day, as known now or at a version's number.",
    )
    async def restriction_lists(
        self, info: Info, as_of: date | None = None, known_at: int | None = None
    ) -> list[RestrictionList] | None:
        _require(info, Operation.EDIT_RESTRICTION_LISTS)
        found = await info.context.reader.run(
            lambda one: lists_on(one, _day(one, as_of), newest_seq(one) if known_at is None else known_at)
        )
        return [RestrictionList.of(each) for each in found]

    @guarded(
        Operation.EDIT_RESTRICTION_LISTS,
        description=f"Names of restriction lists that accounts hold or models want. {_ON}",
    )
    async def restriction_list_hits(
        self, info: Info, list_id: str | None = None, as_of: date | None = None
    ) -> list[ListHit] | None:
        _require(info, Operation.EDIT_RESTRICTION_LISTS)
        found = await info.context.reader.run(lambda one: list_hits(one, _day(one, as_of), list_id))
        return [ListHit.of(hit) for hit in found]

    @guarded(
        Operation.EDIT_SECURITY_MASTER,
        description=f"Events beyond splits of the last weeks, and which source has applied them. {_ON}",
    )
    async def corporate_action_sync(self, info: Info, as_of: date | None = None) -> list[CorporateActionSync] | None:
        _require(info, Operation.EDIT_SECURITY_MASTER)
        firm_id = info.context.firm_id
        found = await info.context.reader.run(lambda one: sync_lines(one, firm_id, _day(one, as_of)))
        return [CorporateActionSync.of(line) for line in found]

    @guarded(
        Operation.EDIT_SECURITY_MASTER,
        description=f"Events of the last weeks and to come: their state, what they wait for, who approved. {_ON}",
    )
    async def corporate_actions(self, info: Info, as_of: date | None = None) -> list[CorporateAction] | None:
        _require(info, Operation.EDIT_SECURITY_MASTER)
        found = await info.context.reader.run(lambda one: _event_lines(one, as_of))
        return [CorporateAction.of(line) for line in found]

    @guarded(
        Operation.EDIT_SECURITY_MASTER,
        description="The states of an event, and what it did to one account or to `first` of them (up to "
        f"{MOST_ACCOUNTS}) after the account `after`; for those who enter and approve events.",
    )
    async def corporate_action_history(
        self, info: Info, event_id: str, account_id: str | None = None, first: int = MOST_ACCOUNTS, after: str = ""
    ) -> CorporateActionHistory | None:
        if not _may(info, Operation.EDIT_SECURITY_MASTER, (Act.PROPOSE, Act.VERIFY)):
            raise NotAllowed("NOT_PERMITTED")
        most = max(0, min(first, MOST_ACCOUNTS))
        states = await info.context.reader.run(lambda one: state_rows(one, event_id))
        lines = await info.context.reader.run(lambda one: application_lines(one, event_id, account_id, after, most))
        return CorporateActionHistory(
            states=[CorporateActionStep.of(row) for row in states],
            applications=[CorporateActionApplication.of(line) for line in lines],
        )

    @guarded(
        Operation.EDIT_SECURITY_MASTER,
        description=f"Each account's lots before and after an event; for those who enter and approve events. {_ON}",
    )
    async def corporate_action_preview(
        self, info: Info, event_id: str, as_of: date | None = None
    ) -> CorporateActionPreview | None:
        if not _may(info, Operation.EDIT_SECURITY_MASTER, (Act.PROPOSE, Act.VERIFY)):
            raise NotAllowed("NOT_PERMITTED")  # an advisor reads events, but not other advisors' lots
        try:
            found = await info.context.reader.run(lambda one: preview(one, _day(one, as_of), event_id))
        except TrimtabError as waits:
            return CorporateActionPreview(accounts=[], code=waits.code, message=str(waits))
        return CorporateActionPreview(accounts=[EventAccount.of(each) for each in found])

    @guarded(*OPERATIONS, description="Changes proposed to the firm's data, by id, with what became of them.")
    async def data_changes(self, info: Info, status: str | None = None) -> list[DataChange] | None:
        found = await info.context.reader.run(lambda one: changes(one, newest_seq(one)))
        shown = [DataChange.of(each) for each in found.values() if status in (None, each.status.value)]
        return [each for each in shown if _may(info, each.part.operation)]


def _event_lines(connection: Connection, as_of: date | None) -> list[EventLine]:
    day = as_of or business_date(connection)
    return event_lines(connection, day) if day is not None else []


def _day(connection: Connection, as_of: date | None) -> date:
    return as_of or business_date(connection) or date.max


def _may(info: Info, operation: Operation, acts: tuple[Act, ...] = (Act.READ, Act.PROPOSE, Act.VERIFY)) -> bool:
    """Whoever proposes or approves may look as well."""
    context = info.context
    return any(not isinstance(context.decide(operation, Subject(context.firm_id), act), Denied) for act in acts)


def _require(info: Info, operation: Operation) -> None:
    if not _may(info, operation):
        raise NotAllowed("NOT_PERMITTED")
