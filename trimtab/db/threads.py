"""Synchronous database work beside an event loop."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import TypeVar

import structlog

Value = TypeVar("Value")

log = structlog.get_logger(__name__)


async def in_thread(work: Callable[..., Value], *arguments: object, threads: Executor | None = None) -> Value:
    """What `work` returns, done on a thread of `threads` or of the loop's own.

    A thread cannot be cancelled. So who is cancelled here waits for its end first: nobody may dispose of the
    engine, or begin the work of a successor, while the transaction is under way. Raises what `work` raises; after a
    cancellation that is logged, and CancelledError raised.
    """
    job = partial(contextvars.copy_context().run, work, *arguments)
    under_way = asyncio.get_running_loop().run_in_executor(threads, job)
    try:
        return await asyncio.shield(under_way)
    except asyncio.CancelledError:
        await asyncio.wait([under_way])
        if not under_way.cancelled() and (failure := under_way.exception()) is not None:
            log.warning("work failed after its caller was cancelled", reason=type(failure).__name__)
        raise
