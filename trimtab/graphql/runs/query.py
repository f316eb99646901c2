"""Queries about runs and the files of their days."""

from datetime import date, datetime

import strawberry

from trimtab.auth.matrix import Operation
from trimtab.db.day_pages import run_on, run_page
from trimtab.graphql.access import guarded
from trimtab.graphql.context import Info
from trimtab.graphql.errors import BadInput
from trimtab.graphql.hub.query import sees_embargoed
from trimtab.graphql.ids import iso_date, read_cursor
from trimtab.graphql.paging import DEFAULT_PAGE, cut, page_size
from trimtab.graphql.runs.delivered import DeliveredFacts, check_question, delivered_facts
from trimtab.graphql.runs.types import Delivery, Run, RunConnection, RunEdge, run_cursor

_COUNTS = (Operation.READ_ACCOUNT, Operation.RETRY_STEP)
"""Runs and files name no client: whoever retries steps sees them too, with the counts of the whole firm."""


@strawberry.type
class RunsQuery:
    @guarded(*_COUNTS, description="The run of a business date; of the newest without one.")
    async def run(self, info: Info, business_date: date | None = None) -> Run | None:
        info.context.counts_book()
        row = await info.context.reader.run(lambda one: run_on(one, business_date))
        return None if row is None else Run.of(row)

    @guarded(*_COUNTS, description="Runs, newest business date first.")
    async def runs(self, info: Info, first: int = DEFAULT_PAGE, after: str | None = None) -> RunConnection | None:
        info.context.counts_book()
        size, parts = page_size(first), read_cursor(after, 1)
        before = None if parts is None else iso_date(parts[0])
        page = cut(await info.context.reader.run(lambda one: run_page(one, size, before)), size)
        edges = [RunEdge(cursor=run_cursor(row), node=Run.of(row)) for row in page.rows]
        return RunConnection(edges=edges, page_info=page.info(run_cursor))

    @guarded(*_COUNTS, description="The files of a business date, in the order of their arrival.")
    async def deliveries(self, info: Info, business_date: date) -> list[Delivery] | None:
        info.context.counts_book()
        return [Delivery.of(row) for row in await info.context.loaders.deliveries.load(business_date)]

    @guarded(
        Operation.READ_ACCOUNT,
        description=(
            "What was delivered of a kind about a day (`asOf`, the session that holdings and closes are of), as it was"
            " known at an instant; without `knownAt` as it is known now. Null when nothing was known by then."
        ),
    )
    async def delivered_facts(
        self,
        info: Info,
        kind: str,
        as_of: date,
        known_at: datetime | None = None,
        account_id: strawberry.ID | None = None,
        security: str | None = None,
        first: int = DEFAULT_PAGE,
        after: str | None = None,
    ) -> DeliveredFacts | None:
        feed, account = check_question(info, kind, account_id, security)
        size, book = page_size(first), info.context.book(Operation.READ_ACCOUNT)
        moment = known_at or info.context.services.now()
        if moment.tzinfo is None:
            raise BadInput("knownAt is an instant with its time zone")
        sees_all = sees_embargoed(info)
        return await info.context.reader.run(
            lambda one: delivered_facts(one, book, feed, as_of, moment, account, security, size, after, sees_all)
        )
