"""The review queue: what waits for a person."""

from datetime import date

import strawberry

from trimtab.auth.matrix import Operation
from trimtab.db.day_pages import DayFilter
from trimtab.domain.lifecycle import Lane
from trimtab.graphql.access import guarded
from trimtab.graphql.accounts.types import AccountDayConnection, read_days
from trimtab.graphql.context import Info
from trimtab.graphql.paging import DEFAULT_PAGE


@strawberry.type
class ReviewsQuery:
    @guarded(Operation.READ_ACCOUNT, description="Account-days that wait for a decision, with their reasons.")
    async def review_queue(
        self,
        info: Info,
        business_date: date | None = None,
        lane: Lane | None = None,
        first: int = DEFAULT_PAGE,
        after: str | None = None,
    ) -> AccountDayConnection | None:
        wanted = DayFilter(business_date=business_date, lane=lane, stage="review", open_only=True)
        return await read_days(info, wanted, info.context.book(Operation.READ_ACCOUNT), first, after)
