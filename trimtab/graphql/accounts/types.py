"""Accounts and their days."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any

import strawberry
from sqlalchemy import Row
from strawberry.scalars import JSON

from trimtab.auth.matrix import Operation
from trimtab.db.day_pages import DayFilter, count_days, day_page
from trimtab.domain.lifecycle import Lane, TerminalState
from trimtab.graphql.analysis.types import Proposal
from trimtab.graphql.context import Info
from trimtab.graphql.errors import BadInput, NotAllowed
from trimtab.graphql.history.orders import Intent
from trimtab.graphql.history.types import Decision, RecordEntry, Snapshot, StagePass
from trimtab.graphql.ids import cursor, node_id, read_cursor
from trimtab.graphql.paging import DEFAULT_PAGE, PageInfo, cut, page_size
from trimtab.graphql.suspensions.types import Suspension


@strawberry.enum(description="Where an account's day stands: one of the eight stages, or where it waits.")
class Place(StrEnum):
    INGEST = "ingest"
    VALIDATE = "validate"
    ANALYZE = "analyze"
    FILTER = "filter"
    REVIEW = "review"
    APPROVE = "approve"
    TRADE = "trade"
    RECORD = "record"
    SUSPENDED = "suspended"
    BLOCKED = "blocked"


strawberry.enum(Lane, description="Where the firm's filters send an account that has something to trade.")
strawberry.enum(TerminalState, description="How an account's day ended.")


@strawberry.type(description="Which filter sent the account here, and what of the account it matched.")
class Filtering:
    filter_key: str | None = strawberry.field(description="suspend, compliance, review or automated; null for none.")
    matched: JSON = strawberry.field(description="Field name to the account's value.")
    reason: str

    @classmethod
    def of(cls, row: Row[Any]) -> "Filtering":
        outcome = row.body.get("outcome") or {}
        return cls(
            filter_key=row.body.get("filter"),
            matched=JSON(row.body.get("matched") or {}),
            reason=outcome.get("reason") or "",
        )


@strawberry.type(description="A step that is parked: what failed, and what to do.")
class BlockedReason:
    stage: Place
    error_type: str
    error_class: str
    message: str
    runbook: str
    tries: int
    resolved: bool


@strawberry.type(description="One account on one business date, one attempt.")
class AccountDay:
    row: strawberry.Private[Row[Any]]
    id: strawberry.ID
    account_id: str
    business_date: date
    attempt: int
    current: bool = strawberry.field(description="False when a later attempt has taken over.")
    stage: Place
    lane: Lane | None
    terminal_state: TerminalState | None
    terminal_code: str | None
    terminal_reason: str | None
    waiting_reason: str | None
    blocked_stage: Place | None
    version: int = strawberry.field(description="Changes whenever the day moves; send it with a decision.")
    proposal_hash: str | None = strawberry.field(description="What an approval approves; send it with a decision.")
    snapshot_hash: str | None
    workflow_id: str
    updated_at: datetime

    @strawberry.field
    async def account(self, info: Info) -> Annotated["Account", strawberry.lazy(".types")] | None:
        row = await info.context.loaders.account.load(self.account_id)
        return None if row is None else Account.of(row)

    @strawberry.field(description="What the filters decided in their latest pass.")
    async def filtering(self, info: Info) -> Filtering | None:
        passes = await info.context.loaders.passes.load(self.row.account_day_id)
        filtered = [row for row in passes if row.kind == "STAGE_FILTER"]
        return Filtering.of(filtered[-1]) if filtered else None

    @strawberry.field(description="Every pass of a stage, in order.")
    async def stages(self, info: Info) -> list[StagePass]:
        return [StagePass.of(row) for row in await info.context.loaders.passes.load(self.row.account_day_id)]

    @strawberry.field(description="The frozen inputs; null until validation has passed.")
    async def snapshot(self, info: Info) -> Snapshot | None:
        if self.snapshot_hash is None:
            return None
        value = await info.context.loaders.snapshot.load(self.snapshot_hash)
        return None if value is None else Snapshot(value=value, hash=self.snapshot_hash)

    @strawberry.field(description="The proposal that stands.")
    async def proposal(self, info: Info) -> Proposal | None:
        if self.row.proposal_id is None:
            return None
        row = await info.context.loaders.proposal.load(self.row.proposal_id)
        return None if row is None else Proposal.of(row)

    @strawberry.field
    async def decisions(self, info: Info) -> list[Decision]:
        return [Decision.of(row) for row in await info.context.loaders.decisions.load(self.row.account_day_id)]

    @strawberry.field
    async def intents(self, info: Info) -> list[Intent]:
        return [Intent.of(row) for row in await info.context.loaders.intents.load(self.row.account_day_id)]

    @strawberry.field(description="Suspensions of the account and of the firm that stand open now.")
    async def open_suspensions(self, info: Info) -> list[Suspension]:
        rows = await info.context.loaders.suspensions(info.context.firm_id).load(self.account_id)
        return [Suspension.of(row) for row in rows]

    @strawberry.field
    async def blocked(self, info: Info) -> list[BlockedReason]:
        rows = await info.context.loaders.blocked.load(self.row.account_day_id)
        return [
            BlockedReason(
                stage=Place(row.stage),
                error_type=row.error_type,
                error_class=row.error_class,
                message=row.message,
                runbook=row.runbook,
                tries=row.tries,
                resolved=row.resolved,
            )
            for row in rows
        ]

    @strawberry.field(description="The day's entries in the account's record. Null without the right to the audit log.")
    async def records(self, info: Info) -> list[RecordEntry] | None:
        if not info.context.may_reach(Operation.READ_AUDIT_LOG, self.row.advisor_id):
            raise NotAllowed("NOT_PERMITTED")
        return [RecordEntry.of(row) for row in await info.context.loaders.records.load(self.row.account_day_id)]

    @classmethod
    def of(cls, row: Row[Any]) -> "AccountDay":
        """`row` is an account-day with its account's advisor."""
        return cls(
            row=row,
            id=strawberry.ID(node_id("AccountDay", row.account_day_id)),
            account_id=row.account_id,
            business_date=row.business_date,
            attempt=row.attempt,
            current=row.current,
            stage=Place(row.stage),
            lane=Lane(row.lane) if row.lane else None,
            terminal_state=TerminalState(row.terminal_state) if row.terminal_state else None,
            terminal_code=row.terminal_code,
            terminal_reason=row.terminal_reason,
            waiting_reason=row.waiting_reason,
            blocked_stage=Place(row.blocked_stage) if row.blocked_stage else None,
            version=row.version,
            proposal_hash=row.proposal_hash,
            snapshot_hash=row.snapshot_hash,
            workflow_id=row.workflow_id,
            updated_at=row.updated_at,
        )


@strawberry.type
class AccountDayEdge:
    cursor: str
    node: AccountDay


@strawberry.type
class AccountDayConnection:
    wanted: strawberry.Private[DayFilter]
    book: strawberry.Private[str | None]
    edges: list[AccountDayEdge]
    page_info: PageInfo

    @strawberry.field(description="How many there are over all pages; counted only when asked for.")
    async def total_count(self, info: Info) -> int:
        return await info.context.reader.run(lambda one: count_days(one, self.wanted, self.book))


@strawberry.type(description="A custodial account.")
class Account:
    row: strawberry.Private[Row[Any]]
    id: strawberry.ID
    account_id: str
    household_id: str
    advisor_id: str

    @strawberry.field
    def programme(self) -> str | None:
        return self.row.profile.get("programme")  # type: ignore[no-any-return]

    @strawberry.field
    def registration(self) -> str | None:
        return self.row.profile.get("registration")  # type: ignore[no-any-return]

    @strawberry.field
    def model_id(self) -> str | None:
        return self.row.profile.get("model_id")  # type: ignore[no-any-return]

    @strawberry.field
    def discretionary(self) -> bool:
        return bool(self.row.profile.get("discretionary", True))

    @strawberry.field
    def standing(self) -> str | None:
        return self.row.profile.get("standing")  # type: ignore[no-any-return]

    @strawberry.field(description="Suspensions of the account and of the firm that stand open now.")
    async def open_suspensions(self, info: Info) -> list[Suspension]:
        rows = await info.context.loaders.suspensions(info.context.firm_id).load(self.account_id)
        return [Suspension.of(row) for row in rows]

    @strawberry.field(description="Every attempt of every business day, newest first. Row 28: the audit log.")
    async def history(
        self, info: Info, first: int = DEFAULT_PAGE, after: str | None = None
    ) -> AccountDayConnection | None:
        if not info.context.may_reach(Operation.READ_AUDIT_LOG, self.advisor_id):
            raise NotAllowed("NOT_PERMITTED")
        return await read_days(info, DayFilter(account_id=self.account_id, every_attempt=True), None, first, after)

    @classmethod
    def of(cls, row: Row[Any]) -> "Account":
        return cls(
            row=row,
            id=strawberry.ID(node_id("Account", row.account_id)),
            account_id=row.account_id,
            household_id=row.household_id,
            advisor_id=row.advisor_id,
        )


async def read_days(
    info: Info, wanted: DayFilter, book: str | None, first: int, after: str | None
) -> AccountDayConnection:
    """One page. Raises BadInput."""
    size, start = page_size(first), _after(after)
    rows = await info.context.reader.run(lambda one: day_page(one, wanted, book, size, start))
    page = cut(rows, size)
    edges = [AccountDayEdge(cursor=_cursor(row), node=AccountDay.of(row)) for row in page.rows]
    return AccountDayConnection(wanted=wanted, book=book, edges=edges, page_info=page.info(_cursor))


def _cursor(row: Row[Any]) -> str:
    return cursor(row.business_date.isoformat(), row.account_id, row.account_day_id)


def _after(value: str | None) -> tuple[date, str, str] | None:
    parts = read_cursor(value, 3)
    return None if parts is None else (iso_date(parts[0]), parts[1], parts[2])


def iso_date(text: str) -> date:
    """Raises BadInput."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput("this is not a cursor of this list") from None
