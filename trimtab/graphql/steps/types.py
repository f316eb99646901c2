"""Blocked steps: what stands still because a step failed."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final

import strawberry
from sqlalchemy import Connection, Row

from trimtab.auth.decisions import Allowed
from trimtab.auth.matrix import Operation
from trimtab.auth.principal import Subject
from trimtab.domain.lifecycle import Stage, Standstill
from trimtab.graphql.accounts.places import Place
from trimtab.graphql.context import Info, RequestContext
from trimtab.graphql.ids import cursor, node_id
from trimtab.graphql.paging import PageInfo

STAGES: Final = (*(stage.value for stage in Stage), Standstill.SUSPENDED.value)


@strawberry.type(description="A step that is parked until it is retried, by itself or by a person.")
class BlockedStep:
    id: strawberry.ID
    account_day_id: strawberry.ID
    account_id: str
    business_date: date
    stage: Place
    error_type: str
    error_class: str
    message: str
    runbook: str = strawberry.field(description="What to do.")
    tries: int
    workflow_id: str
    since: datetime

    @classmethod
    def of(cls, row: Row[Any]) -> "BlockedStep":
        return cls(
            id=strawberry.ID(node_id("BlockedStep", f"{row.account_day_id}/{row.stage}")),
            account_day_id=strawberry.ID(node_id("AccountDay", row.account_day_id)),
            account_id=row.account_id,
            business_date=row.business_date,
            stage=Place(row.stage),
            error_type=row.error_type,
            error_class=row.error_class,
            message=row.message,
            runbook=row.runbook,
            tries=row.tries,
            workflow_id=row.workflow_id,
            since=row.recorded_at,
        )


@strawberry.type
class BlockedStepEdge:
    cursor: str
    node: BlockedStep


@strawberry.type
class BlockedStepConnection:
    count: strawberry.Private[Callable[[Connection], int]]
    edges: list[BlockedStepEdge]
    page_info: PageInfo

    @strawberry.field(description="How many there are over all pages; counted only when asked for.")
    async def total_count(self, info: Info) -> int:
        return await info.context.reader.run(self.count)


def step_cursor(row: Row[Any]) -> str:
    return cursor(row.account_day_id, row.stage)


def stages_in_reach(context: RequestContext) -> list[str]:
    """The stages whose steps the principal may retry (row 45: data managers ingest and validate)."""
    return [
        stage
        for stage in STAGES
        if isinstance(context.decide(Operation.RETRY_STEP, Subject(context.firm_id, stage=stage)), Allowed)
    ]
