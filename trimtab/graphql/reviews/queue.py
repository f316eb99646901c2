"""The review queue's arguments and its summary."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import strawberry
from sqlalchemy import Row

from trimtab.db import review_queue as rows
from trimtab.domain.fact_fields import FIELDS
from trimtab.domain.lifecycle import Lane
from trimtab.graphql.ids import search_text
from trimtab.graphql.runs.types import Count

strawberry.enum(rows.ReviewOrder, name="ReviewOrder", description="What the review queue is sorted by.")


@strawberry.input(description="Which account-days in review; what is left out does not matter.")
class ReviewFilter:
    reason: str | None = strawberry.field(
        default=None, description="A flag, or a field whose value made a filter want the account."
    )
    advisor_id: str | None = None
    programme: str | None = None
    discretionary: bool | None = None
    account: str | None = strawberry.field(default=None, description="How the account's number begins.")

    def as_filter(self, business_date: date | None, lane: Lane | None) -> rows.ReviewFilter:
        """Raises BadInput."""
        return rows.ReviewFilter(
            business_date=business_date,
            lane=lane,
            reason=search_text("reason", self.reason),
            advisor_id=search_text("advisorId", self.advisor_id),
            programme=search_text("programme", self.programme),
            discretionary=self.discretionary,
            account=search_text("account", self.account),
        )


@strawberry.input(description="By account, ascending, unless said otherwise.")
class ReviewSort:
    by: rows.ReviewOrder = rows.ReviewOrder.ACCOUNT
    descending: bool = False

    def as_sort(self) -> rows.ReviewSort:
        return rows.ReviewSort(self.by, self.descending)


@strawberry.type(description="How many accounts wait in a lane for one reason. An account can have several.")
class ReviewReason:
    lane: Lane
    code: str
    label: str = strawberry.field(description="The code in words.")
    is_flag: bool = strawberry.field(description="True: data or rules call for a person; false: a filter's field.")
    accounts: int

    @classmethod
    def of(cls, row: Row[Any]) -> "ReviewReason":
        field = FIELDS.get(row.code)
        label = field.label if field is not None else row.code.replace("_", " ").lower()
        return cls(lane=Lane(row.lane), code=row.code, label=label, is_flag=row.is_flag, accounts=row.accounts)


@strawberry.type(
    description="The queue at a glance. `businessNow` and `expiresAt` are the business clock's; reviews expire when it "
    "reaches the latter."
)
class ReviewSummary:
    business_date: date
    waiting: int
    waiting_since: datetime | None = strawberry.field(description="Of the one that waits longest.")
    lanes: list[Count]
    reasons: list[ReviewReason]
    business_now: datetime | None
    expires_at: datetime
    expired: bool

    @classmethod
    def of(
        cls,
        run: Row[Any],
        lanes: Sequence[Row[Any]],
        reasons: Sequence[Row[Any]],
        business_now: datetime | None,
        expires_at: datetime,
    ) -> "ReviewSummary":
        return cls(
            business_date=run.business_date,
            waiting=sum(row.accounts for row in lanes),
            waiting_since=min((row.oldest for row in lanes), default=None),
            lanes=[Count(name=row.lane, accounts=row.accounts) for row in lanes if row.lane],
            reasons=[ReviewReason.of(row) for row in reasons if row.lane],
            business_now=business_now,
            expires_at=expires_at,
            expired=business_now is not None and business_now >= expires_at,
        )
