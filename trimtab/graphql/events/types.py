"""Events as subscribers see them."""

from datetime import date, datetime
from typing import Annotated, Any

import strawberry
from sqlalchemy import Row
from strawberry.scalars import JSON

from trimtab.graphql.ids import cursor, node_id


@strawberry.type(
    description="Something happened to an account's day, a run, a suspension or an alert. `previous` is the cursor of "
    "the delivery before it: when it equals the last cursor that you hold, you have missed nothing that you may see."
)
class LifecycleEvent:
    cursor: str
    previous: str
    kind: str
    business_date: date | None
    account_id: str | None
    account_day_id: strawberry.ID | None
    body: JSON
    recorded_at: datetime

    @classmethod
    def of(cls, row: Row[Any], previous: int) -> "LifecycleEvent":
        return cls(
            cursor=event_cursor(row.event_seq),
            previous=event_cursor(previous),
            kind=row.kind,
            business_date=row.business_date,
            account_id=row.account_id,
            account_day_id=strawberry.ID(node_id("AccountDay", row.account_day_id)) if row.account_day_id else None,
            body=JSON(row.body),
            recorded_at=row.recorded_at,
        )


@strawberry.type(
    description="Events between `after` and `cursor` cannot be had: read the state anew, then go on from `cursor`."
)
class EventGap:
    after: str
    cursor: str


Delivery = Annotated[LifecycleEvent | EventGap, strawberry.union(name="LifecycleDelivery")]


def event_cursor(seq: int) -> str:
    """The cursor after the event with this sequence number."""
    return cursor("event", str(seq))
