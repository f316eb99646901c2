"""The subscription to what happens, with a cursor to go on from after a reconnect."""

from collections.abc import AsyncIterator
from typing import Any

import strawberry

from trimtab.auth.matrix import Operation
from trimtab.db.engine import async_firm_transaction
from trimtab.db.event_stream import Batch, head, read_batch
from trimtab.graphql.access import StreamGuard
from trimtab.graphql.context import Info, RequestContext
from trimtab.graphql.errors import BadInput
from trimtab.graphql.events.types import Delivery, EventGap, LifecycleEvent, event_cursor
from trimtab.graphql.ids import read_cursor


@strawberry.type
class Subscription:
    @strawberry.subscription(
        extensions=[StreamGuard(Operation.SUBSCRIBE_TO_EVENTS)],
        description="Every event that you may see, in order. Without `after`, from now on.",
    )
    async def lifecycle_events(self, info: Info, after: str | None = None) -> AsyncIterator[Delivery]:
        context = info.context
        position = await _start(context, after)
        delivered = position
        while True:
            # Asked anew for each batch: the right may have ended, or the book may have changed.
            book = context.book(Operation.SUBSCRIBE_TO_EVENTS)
            batch = await _next(context, position, book)
            if batch.gap_to is not None:
                yield EventGap(after=event_cursor(delivered), cursor=event_cursor(batch.gap_to))
                delivered = batch.gap_to
            for row in batch.events:
                yield LifecycleEvent.of(row, delivered)
                delivered = row.event_seq
            if batch.seen == position:
                await context.services.feed.wait(context.firm_id, position)
            position = batch.seen


async def _start(context: RequestContext, after: str | None) -> int:
    parts = read_cursor(after, 2)
    if parts is None:
        return await _read(context, head)  # type: ignore[no-any-return]
    kind, seq = parts
    if kind != "event" or not seq.isdigit() or len(seq) > 18:
        raise BadInput("this is not a cursor of events")
    return int(seq)


async def _next(context: RequestContext, position: int, book: str | None) -> Batch:
    batch: Batch = await _read(context, lambda connection: read_batch(connection, position, book))
    return batch


async def _read(context: RequestContext, work: Any) -> Any:
    """A short transaction of its own: a subscription may last for hours."""
    async with async_firm_transaction(context.services.engine, context.firm_id) as connection:
        return await connection.run_sync(work)
