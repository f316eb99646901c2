"""Queries about runs and the files of their days."""

from datetime import date

import strawberry

from trimtab.auth.matrix import Operation
from trimtab.db.day_pages import run_on, run_page
from trimtab.graphql.access import guarded
from trimtab.graphql.context import Info
from trimtab.graphql.ids import iso_date, read_cursor
from trimtab.graphql.paging import DEFAULT_PAGE, cut, page_size
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
