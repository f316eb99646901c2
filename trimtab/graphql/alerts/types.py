"""Alerts: at most one per cause, scope and business day."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import strawberry
from sqlalchemy import Connection, Row

from trimtab.graphql.context import Info
from trimtab.graphql.history.types import Actor, actor
from trimtab.graphql.ids import cursor, node_id
from trimtab.graphql.paging import PageInfo


@strawberry.type
class Alert:
    acknowledger: strawberry.Private[str | None]
    id: strawberry.ID
    cause: str
    scope: str
    business_date: date
    severity: str
    message: str
    raised_at: datetime

    @strawberry.field(description="Null while nobody has.")
    async def acknowledged_by(self, info: Info) -> Actor | None:
        return await actor(info, self.acknowledger) if self.acknowledger else None

    @classmethod
    def of(cls, row: Row[Any]) -> "Alert":
        return cls(
            acknowledger=row.acknowledged_by,
            id=strawberry.ID(node_id("Alert", row.alert_id)),
            cause=row.cause,
            scope=row.scope,
            business_date=row.business_date,
            severity=row.severity,
            message=row.message,
            raised_at=row.recorded_at,
        )


@strawberry.type
class AlertEdge:
    cursor: str
    node: Alert


@strawberry.type
class AlertConnection:
    count: strawberry.Private[Callable[[Connection], int]]
    edges: list[AlertEdge]
    page_info: PageInfo

    @strawberry.field(description="How many there are over all pages; counted only when asked for.")
    async def total_count(self, info: Info) -> int:
        return await info.context.reader.run(self.count)


def alert_cursor(row: Row[Any]) -> str:
    return cursor(row.business_date.isoformat(), row.alert_id)
