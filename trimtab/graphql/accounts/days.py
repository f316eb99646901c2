"""Account-days as the API shows them, and pages of them."""

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import Connection, Row

from trimtab.auth.matrix import Operation
from trimtab.db.as_known import suspensions_open_at
from trimtab.db.day_pages import DayFilter, count_days, day_page
from trimtab.domain.lifecycle import Lane, TerminalState
from trimtab.graphql.accounts.places import BlockedReason, Filtering, Place
from trimtab.graphql.analysis.classes import ClassWeight, class_weights
from trimtab.graphql.analysis.types import Proposal
from trimtab.graphql.context import Info
from trimtab.graphql.errors import BadInput, NotAllowed
from trimtab.graphql.history.as_known import Knowledge, day_as_known, intent_as_known, knowledge_at, known
from trimtab.graphql.history.inputs import FrozenInputs
from trimtab.graphql.history.orders import Intent
from trimtab.graphql.history.passes import StagePass, newest_detail, target_hash
from trimtab.graphql.history.types import Decision, RecordEntry, Snapshot
from trimtab.graphql.ids import cursor, iso_date, node_id, read_cursor
from trimtab.graphql.paging import PageInfo, cut, page_size
from trimtab.graphql.reviews.changes import Change, changes_since
from trimtab.graphql.reviews.terms import (
    ApprovalTerms,
    ReviewAct,
    approval_terms,
    permitted_acts,
    reviews_expire_at,
)
from trimtab.graphql.suspensions.types import Suspension

if TYPE_CHECKING:
    from trimtab.graphql.accounts.types import Account


@strawberry.type(description="One account on one business date, one attempt.")
class AccountDay:
    row: strawberry.Private[Row[Any]]
    knowledge: strawberry.Private[Knowledge | None]
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
    async def account(
        self, info: Info
    ) -> Annotated["Account", strawberry.lazy("trimtab.graphql.accounts.types")] | None:
        from trimtab.graphql.accounts.types import Account  # an account has days, and a day its account

        row = await info.context.loaders.account.load(self.account_id)
        return None if row is None else Account.of(row)

    @strawberry.field(description="What the filters decided in their latest pass.")
    async def filtering(self, info: Info) -> Filtering | None:
        passes = await self._passes(info)
        filtered = [row for row in passes if row.kind == "STAGE_FILTER"]
        return Filtering.of(filtered[-1]) if filtered else None

    @strawberry.field(description="Every pass of a stage, in order.")
    async def stages(self, info: Info) -> list[StagePass]:
        return [StagePass.of(row) for row in await self._passes(info)]

    async def _passes(self, info: Info) -> list[Row[Any]]:
        return known(await info.context.loaders.passes.load(self.row.account_day_id), self.knowledge)

    @property
    def _at(self) -> datetime | None:
        return None if self.knowledge is None else self.knowledge.at

    @strawberry.field(description="What the run had frozen when the account was ingested; null before.")
    async def inputs(self, info: Info) -> FrozenInputs | None:
        digest = newest_detail(await self._passes(info), "STAGE_INGEST", "inputs")
        manifest = None if digest is None else await info.context.loaders.plain.load(digest)
        return None if digest is None or manifest is None else FrozenInputs.of(digest, manifest)

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

    @strawberry.field(description="Weights by asset class before and after the proposal that stands, cash last.")
    async def class_weights(self, info: Info) -> list[ClassWeight] | None:
        target = target_hash(await self._passes(info))
        if self.snapshot_hash is None or self.row.proposal_id is None or target is None:
            return None
        snapshot = await info.context.loaders.snapshot.load(self.snapshot_hash)
        proposal = await info.context.loaders.proposal.load(self.row.proposal_id)
        if snapshot is None or proposal is None:
            return None
        return await class_weights(info, snapshot, target, proposal)

    @strawberry.field(description="Since when it has stood where it stands; null once its day has ended.")
    def waiting_since(self) -> datetime | None:
        return None if self.terminal_state is not None else self.updated_at

    @strawberry.field(description="When its review expires, in business time; null when it waits for no decision.")
    async def deadline(self, info: Info) -> datetime | None:
        if self.terminal_state is not None or self.stage is not Place.REVIEW:
            return None
        return reviews_expire_at(await info.context.loaders.market_events.load(self.row.run_id), self.row)

    @strawberry.field(description="Null when it waits for no decision.")
    async def approval_terms(self, info: Info) -> ApprovalTerms | None:
        return await approval_terms(info, self.row, self._at)

    @strawberry.field(description="What you may do about it now, or might have done at `knownAt`.")
    async def permitted_acts(self, info: Info) -> list[ReviewAct]:
        return await permitted_acts(info, self.row, self._at)

    @strawberry.field(description="What is otherwise than what you saw: send its hash and version.")
    async def changes_since(self, info: Info, proposal_hash: str, version: int) -> list[Change]:
        return await changes_since(info, self.row, proposal_hash, version)

    @strawberry.field
    async def decisions(self, info: Info) -> list[Decision]:
        rows = await info.context.loaders.decisions.load(self.row.account_day_id)
        return [Decision.of(row) for row in known(rows, self.knowledge)]

    @strawberry.field
    async def intents(self, info: Info) -> list[Intent]:
        rows = await info.context.loaders.intents.load(self.row.account_day_id)
        return [Intent.of(intent_as_known(row, self.knowledge)) for row in known(rows, self.knowledge)]

    @strawberry.field(description="Suspensions of the account and of the firm that stand open, or stood at `knownAt`.")
    async def open_suspensions(self, info: Info) -> list[Suspension]:
        if self.knowledge is not None:
            return await self._suspensions_at(info, self.knowledge.at)
        rows = await info.context.loaders.suspensions(info.context.firm_id).load(self.account_id)
        return [Suspension.of(row) for row in rows]

    async def _suspensions_at(self, info: Info, at: datetime) -> list[Suspension]:
        firm_id = info.context.firm_id
        rows = await info.context.reader.run(lambda one: suspensions_open_at(one, firm_id, self.account_id, at))
        return [Suspension.of(row) for row in rows]

    @strawberry.field
    async def blocked(self, info: Info) -> list[BlockedReason]:
        rows = await info.context.loaders.blocked.load(self.row.account_day_id)
        return [BlockedReason.of(row) for row in known(rows, self.knowledge)]

    @strawberry.field(description="The day's entries in the account's record. Null without the right to the audit log.")
    async def records(self, info: Info) -> list[RecordEntry] | None:
        if not info.context.may_reach(Operation.READ_AUDIT_LOG, self.row.advisor_id):
            raise NotAllowed("NOT_PERMITTED")
        rows = await info.context.loaders.records.load(self.row.account_day_id)
        return [RecordEntry.of(row) for row in known(rows, self.knowledge)]

    @classmethod
    def of(cls, row: Row[Any], knowledge: Knowledge | None = None) -> "AccountDay":
        """`row` is an account-day with its account's advisor, as it was known then."""
        return cls(
            row=row,
            knowledge=knowledge,
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
    count: strawberry.Private[Callable[[Connection], int]]
    edges: list[AccountDayEdge]
    page_info: PageInfo

    @strawberry.field(description="How many there are over all pages; counted only when asked for.")
    async def total_count(self, info: Info) -> int:
        return await info.context.reader.run(self.count)


async def read_days(
    info: Info, wanted: DayFilter, book: str | None, first: int, after: str | None
) -> AccountDayConnection:
    """One page. Raises BadInput."""
    size, start = page_size(first), _after(after)
    rows = await info.context.reader.run(lambda one: day_page(one, wanted, book, size, start))
    page = cut(rows, size)
    edges = [AccountDayEdge(cursor=_cursor(row), node=await read_day(info, row, wanted.known_at)) for row in page.rows]
    return AccountDayConnection(
        count=lambda one: count_days(one, wanted, book), edges=edges, page_info=page.info(_cursor)
    )


async def read_day(info: Info, row: Row[Any], known_at: datetime | None) -> AccountDay:
    """The account-day as it is, or as it was known at the instant."""
    if known_at is None:
        return AccountDay.of(row)
    passes = await info.context.loaders.passes.load(row.account_day_id)
    knowledge = knowledge_at(known_at, passes)
    return AccountDay.of(day_as_known(row, passes, knowledge), knowledge)


def require_past(info: Info, advisor_id: str, known_at: datetime | None) -> None:
    """Raises NotAllowed without the right to the audit log of the advisor's accounts, BadInput without an offset."""
    if not info.context.may_reach(Operation.READ_AUDIT_LOG, advisor_id):
        raise NotAllowed("NOT_PERMITTED")
    if known_at is not None and known_at.tzinfo is None:
        raise BadInput("knownAt needs its offset from UTC")


def _cursor(row: Row[Any]) -> str:
    return cursor(row.business_date.isoformat(), row.account_id, row.account_day_id)


def _after(value: str | None) -> tuple[date, str, str] | None:
    parts = read_cursor(value, 3)
    return None if parts is None else (iso_date(parts[0]), parts[1], parts[2])
