"""Suspensions as the API shows them."""

from datetime import date
from typing import Any

import strawberry
from sqlalchemy import Row

from trimtab.db.suspensions import suspension_of
from trimtab.domain import suspensions as rules
from trimtab.domain.data_codes import what_clears
from trimtab.domain.suspensions import SuspensionKind, SuspensionScope
from trimtab.graphql.context import Info
from trimtab.graphql.history.types import Actor, actor
from trimtab.graphql.ids import node_id


@strawberry.type(description="Why an account, or the whole firm, must not trade.")
class Suspension:
    opener: strawberry.Private[str]
    lifter: strawberry.Private[str | None]
    id: strawberry.ID
    scope: str
    scope_id: str
    kind: str = strawberry.field(description="DATA, COMPLIANCE, ADVISOR or STANDING: decides who may lift it.")
    code: str
    reason: str
    since: date
    cleared_by: str = strawberry.field(description="What has to happen, in words.")
    may_be_lifted_by: list[str]
    lifted_on: date | None
    lift_reason: str | None

    @strawberry.field
    async def opened_by(self, info: Info) -> Actor:
        return await actor(info, self.opener)

    @strawberry.field
    async def lifted_by(self, info: Info) -> Actor | None:
        return await actor(info, self.lifter) if self.lifter else None

    @classmethod
    def of(cls, row: Row[Any]) -> "Suspension":
        value = suspension_of(row)
        return cls(
            opener=row.opened_by,
            lifter=row.lifted_by,
            id=strawberry.ID(node_id("Suspension", row.suspension_id)),
            scope=row.scope,
            scope_id=row.scope_id,
            kind=row.kind,
            code=row.code,
            reason=row.reason,
            since=row.since,
            cleared_by=what_clears(value),
            may_be_lifted_by=sorted(role.value for role in value.lifted_by),
            lifted_on=row.lifted_on,
            lift_reason=row.lift_reason,
        )


@strawberry.type(description="How many suspensions stand open for one reason, and who may lift them.")
class SuspensionCount:
    scope: str
    kind: str = strawberry.field(description="DATA, COMPLIANCE, ADVISOR or STANDING: decides who may lift it.")
    code: str
    suspensions: int
    since: date = strawberry.field(description="Of the oldest.")
    reason: str | None = strawberry.field(description="Of one of them; null for whoever reads no accounts.")
    cleared_by: str = strawberry.field(description="What has to happen, in words.")
    may_be_lifted_by: list[str]

    @classmethod
    def of(cls, row: Row[Any], *, with_reason: bool) -> "SuspensionCount":
        kind = SuspensionKind(row.kind)
        value = rules.Suspension(SuspensionScope(row.scope), "", kind, row.code, row.reason, row.since, "")
        return cls(
            scope=row.scope,
            kind=row.kind,
            code=row.code,
            suspensions=row.suspensions,
            since=row.since,
            reason=row.reason if with_reason else None,
            cleared_by=what_clears(value),
            may_be_lifted_by=sorted(role.value for role in value.lifted_by),
        )
