"""Runs: one business day of the firm."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import strawberry
from sqlalchemy import Row
from strawberry.scalars import JSON

from trimtab.db.runs import OPEN
from trimtab.graphql.context import Info
from trimtab.graphql.ids import cursor, node_id
from trimtab.graphql.paging import PageInfo
from trimtab.graphql.runs.night import Feed, OutcomeCount, StageProgress, feeds, outcome_counts, progress


@strawberry.type
class Count:
    name: str
    accounts: int


@strawberry.type(description="A file for the day, and what became of it.")
class Delivery:
    id: strawberry.ID
    kind: str
    business_date: date
    as_of: date | None
    source: str | None
    file_name: str
    content_hash: str
    row_count: int | None
    control_total: Decimal | None
    status: str
    reason_codes: list[str]
    message: str
    received_at: datetime

    @classmethod
    def of(cls, row: Row[Any]) -> "Delivery":
        return cls(
            id=strawberry.ID(row.delivery_id),
            kind=row.kind,
            business_date=row.business_date,
            as_of=row.as_of,
            source=row.source,
            file_name=row.file_name,
            content_hash=row.content_hash,
            row_count=row.row_count,
            control_total=row.control_total,
            status=row.status,
            reason_codes=list(row.reason_codes),
            message=row.message,
            received_at=row.recorded_at,
        )


@strawberry.type(description="A tick of the business clock.")
class MarketEvent:
    id: strawberry.ID
    kind: str
    at: datetime = strawberry.field(description="In business time.")
    published_at: datetime | None

    @classmethod
    def of(cls, row: Row[Any]) -> "MarketEvent":
        return cls(id=strawberry.ID(row.event_id), kind=row.kind, at=row.at, published_at=row.published_at)


@strawberry.type(description="One business day. Counts are of the accounts that you may see.")
class Run:
    run_id: strawberry.Private[str]
    id: strawberry.ID
    business_date: date
    as_of: date | None = strawberry.field(description="The session before; null when the day is no session.")
    clock_mode: str
    status: str
    phase: str
    phase_seconds: JSON = strawberry.field(description="Phase to seconds.")
    opened_at: datetime

    @strawberry.field
    async def roster(self, info: Info) -> int:
        return await self._roster(info)

    async def _roster(self, info: Info) -> int:
        return sum(row.accounts for row in await self._counts(info))

    @strawberry.field(
        description="Accounts that have no account-day in the run; null once it is over, since accounts come and go."
    )
    async def without_day(self, info: Info) -> int | None:
        if self.status != OPEN:
            return None
        rows = await info.context.loaders.accounts(info.context.counts_book()).load(info.context.firm_id)
        known: int = sum(row.accounts for row in rows)
        return known - await self._roster(info)

    @strawberry.field(description="How many accounts ended as what, and why; most first.")
    async def outcome_codes(self, info: Info) -> list[OutcomeCount]:
        return outcome_counts(await self._counts(info))

    @strawberry.field(description="The eight stages, in order.")
    async def progress(self, info: Info) -> list[StageProgress]:
        work = await info.context.loaders.work(info.context.counts_book()).load(self.run_id)
        return progress(work, await self._counts(info))

    @strawberry.field(description="Each kind of file that the day needs, in loading order.")
    async def feeds(self, info: Info) -> list[Feed]:
        deliveries = await info.context.loaders.deliveries.load(self.business_date)
        events = await info.context.loaders.market_events.load(self.run_id)
        return feeds(deliveries, events, self.business_date)

    @strawberry.field(description="How many accounts ended as what; those still open are not in it.")
    async def outcomes(self, info: Info) -> list[Count]:
        return _sum((row.state, row.accounts) for row in await self._counts(info))

    @strawberry.field(description="Where the accounts that are still open stand.")
    async def open_places(self, info: Info) -> list[Count]:
        rows = await self._counts(info)
        return _sum((row.stage.upper(), row.accounts) for row in rows if not row.state)

    @strawberry.field
    async def lanes(self, info: Info) -> list[Count]:
        return _sum((row.lane, row.accounts) for row in await self._counts(info))

    @strawberry.field
    async def deliveries(self, info: Info) -> list[Delivery]:
        return [Delivery.of(row) for row in await info.context.loaders.deliveries.load(self.business_date)]

    @strawberry.field
    async def market_events(self, info: Info) -> list[MarketEvent]:
        return [MarketEvent.of(row) for row in await info.context.loaders.market_events.load(self.run_id)]

    async def _counts(self, info: Info) -> list[Row[Any]]:
        book = info.context.counts_book()
        return await info.context.loaders.outcomes(book).load(self.run_id)

    @classmethod
    def of(cls, row: Row[Any]) -> "Run":
        return cls(
            run_id=row.run_id,
            id=strawberry.ID(node_id("Run", row.run_id)),
            business_date=row.business_date,
            as_of=row.as_of,
            clock_mode=row.clock_mode,
            status=row.status,
            phase=row.phase,
            phase_seconds=JSON(row.seconds),
            opened_at=row.recorded_at,
        )


def _sum(pairs: Any) -> list[Count]:
    total: dict[str, int] = {}
    for name, accounts in pairs:
        if name:
            total[name] = total.get(name, 0) + accounts
    return [Count(name=name, accounts=total[name]) for name in sorted(total)]


@strawberry.type
class RunEdge:
    cursor: str
    node: Run


@strawberry.type
class RunConnection:
    edges: list[RunEdge]
    page_info: PageInfo


def run_cursor(row: Row[Any]) -> str:
    return cursor(row.business_date.isoformat())
