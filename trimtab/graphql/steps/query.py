"""Queries about blocked steps."""

import strawberry

from trimtab.auth.matrix import Operation
from trimtab.db.day_pages import blocked_page, count_blocked
from trimtab.graphql.access import guarded
from trimtab.graphql.context import Info
from trimtab.graphql.ids import read_cursor
from trimtab.graphql.paging import DEFAULT_PAGE, cut, page_size
from trimtab.graphql.steps.types import (
    BlockedStep,
    BlockedStepConnection,
    BlockedStepEdge,
    stages_in_reach,
    step_cursor,
)


@strawberry.type
class StepsQuery:
    @guarded(Operation.RETRY_STEP, description="Steps that are blocked now, of the stages that you may retry.")
    async def blocked_steps(
        self, info: Info, first: int = DEFAULT_PAGE, after: str | None = None
    ) -> BlockedStepConnection | None:
        size, parts = page_size(first), read_cursor(after, 2)
        start = None if parts is None else (parts[0], parts[1])
        stages = stages_in_reach(info.context)
        page = cut(await info.context.reader.run(lambda one: blocked_page(one, stages, size, start)), size)
        edges = [BlockedStepEdge(cursor=step_cursor(row), node=BlockedStep.of(row)) for row in page.rows]
        return BlockedStepConnection(
            count=lambda one: count_blocked(one, stages), edges=edges, page_info=page.info(step_cursor)
        )
