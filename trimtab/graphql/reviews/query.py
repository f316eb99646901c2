"""The review queue: what waits for a person."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

import strawberry
from sqlalchemy import Connection, Row

from trimtab.auth.matrix import Operation
from trimtab.db import review_queue
from trimtab.db.day_pages import run_on
from trimtab.domain.lifecycle import Lane
from trimtab.graphql.access import guarded
from trimtab.graphql.accounts.days import AccountDay, AccountDayConnection, AccountDayEdge
from trimtab.graphql.context import Info
from trimtab.graphql.errors import BadInput
from trimtab.graphql.ids import cursor, read_cursor
from trimtab.graphql.paging import DEFAULT_PAGE, cut, page_size
from trimtab.graphql.reviews.queue import ReviewFilter, ReviewSort, ReviewSummary
from trimtab.graphql.reviews.terms import reviews_expire_at


@strawberry.type
class ReviewsQuery:
    @guarded(Operation.READ_ACCOUNT, description="Account-days that wait for a decision, with their reasons.")
    async def review_queue(
        self,
        info: Info,
        business_date: date | None = None,
        lane: Lane | None = None,
        filter: ReviewFilter | None = None,
        sort: ReviewSort | None = None,
        first: int = DEFAULT_PAGE,
        after: str | None = None,
    ) -> AccountDayConnection | None:
        wanted = (filter or ReviewFilter()).as_filter(business_date, lane)
        order = (sort or ReviewSort()).as_sort()
        book = info.context.book(Operation.READ_ACCOUNT)
        direction = "desc" if order.descending else "asc"
        size, start = page_size(first), _after(after, order.order, direction)

        def read(one: Connection) -> list[Row[Any]]:
            return review_queue.review_page(one, wanted, book, order, size, start)

        def cursor_of(row: Row[Any]) -> str:
            return cursor("review", order.order, direction, row.sort_key, row.account_day_id)

        page = cut(await info.context.reader.run(read), size)
        edges = [AccountDayEdge(cursor=cursor_of(row), node=AccountDay.of(row)) for row in page.rows]
        return AccountDayConnection(
            count=lambda one: review_queue.count_reviews(one, wanted, book),
            edges=edges,
            page_info=page.info(cursor_of),
        )

    @guarded(
        Operation.READ_ACCOUNT,
        description="What waits for a decision, counted by lane and by reason; null before the first run. Of the "
        "newest run without a business date.",
    )
    async def review_summary(
        self, info: Info, business_date: date | None = None, lane: Lane | None = None
    ) -> ReviewSummary | None:
        book, reader = info.context.book(Operation.READ_ACCOUNT), info.context.reader
        run = await reader.run(lambda one: run_on(one, business_date))
        if run is None:
            return None
        wanted = review_queue.ReviewFilter(business_date=run.business_date, lane=lane)
        lanes = await reader.run(lambda one: review_queue.lane_counts(one, wanted, book))
        reasons = await reader.run(lambda one: review_queue.reason_counts(one, wanted, book))
        clock = await info.context.loaders.market_events.load(run.run_id)
        return ReviewSummary.of(run, lanes, reasons, _business_now(clock), reviews_expire_at(clock, run))


def _business_now(clock: Sequence[Row[Any]]) -> Any:
    """The instant of the last event that the business clock has passed; None before the first."""
    return max((row.at for row in clock if row.published_at is not None), default=None)


def _after(value: str | None, order: str, direction: str) -> tuple[str, str] | None:
    """Raises BadInput, also for a cursor of another order: keys of two orders cannot be compared."""
    parts = read_cursor(value, 5)
    if parts is None:
        return None
    if parts[:3] != ["review", order, direction]:
        raise BadInput("this is a cursor of another order of the queue")
    try:
        _reader_of(order)(parts[3])
    except ValueError:
        raise BadInput("this is not a cursor of this list") from None
    return parts[3], parts[4]


def _reader_of(order: str) -> Callable[[str], object]:
    """Reads the order's key as PostgreSQL will; ValueError when it cannot."""
    if order == review_queue.ReviewOrder.ACCOUNT:
        return str
    return datetime.fromisoformat if order == review_queue.ReviewOrder.WAITING else float
