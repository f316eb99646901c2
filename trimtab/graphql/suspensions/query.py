"""Queries about suspensions."""

from datetime import date
from typing import Any

import strawberry
from sqlalchemy import Row

from trimtab.auth.matrix import Operation
from trimtab.db.day_pages import SuspensionFilter, suspension_counts, suspension_page
from trimtab.graphql.access import guarded
from trimtab.graphql.context import Info
from trimtab.graphql.ids import cursor, iso_date, read_cursor, search_text
from trimtab.graphql.paging import DEFAULT_PAGE, PageInfo, cut, page_size
from trimtab.graphql.suspensions.types import Suspension, SuspensionCount


@strawberry.type
class SuspensionEdge:
    cursor: str
    node: Suspension


@strawberry.type
class SuspensionConnection:
    edges: list[SuspensionEdge]
    page_info: PageInfo


@strawberry.type
class SuspensionsQuery:
    @guarded(Operation.READ_ACCOUNT, description="Suspensions, newest first; those of the whole firm among them.")
    async def suspensions(
        self,
        info: Info,
        open_only: bool = True,
        kind: str | None = None,
        code: str | None = None,
        first: int = DEFAULT_PAGE,
        after: str | None = None,
    ) -> SuspensionConnection | None:
        book = info.context.book(Operation.READ_ACCOUNT)
        size, start = page_size(first), _after(after)
        wanted = SuspensionFilter(open_only, search_text("kind", kind), search_text("code", code))
        rows = await info.context.reader.run(lambda one: suspension_page(one, book, wanted, size, start))
        page = cut(rows, size)
        edges = [SuspensionEdge(cursor=_cursor(row), node=Suspension.of(row)) for row in page.rows]
        return SuspensionConnection(edges=edges, page_info=page.info(_cursor))

    @guarded(
        Operation.READ_ACCOUNT,
        Operation.RETRY_STEP,
        description="Suspensions that stand open, counted by reason, most first. It names no account.",
    )
    async def suspension_counts(self, info: Info) -> list[SuspensionCount] | None:
        book = info.context.counts_book()
        rows = await info.context.reader.run(lambda one: suspension_counts(one, book))
        reads = info.context.reads_accounts()
        return [SuspensionCount.of(row, with_reason=reads) for row in rows]


def _cursor(row: Row[Any]) -> str:
    return cursor(row.since.isoformat(), row.suspension_id)


def _after(value: str | None) -> tuple[date, str] | None:
    parts = read_cursor(value, 2)
    return None if parts is None else (iso_date(parts[0]), parts[1])
