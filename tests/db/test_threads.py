"""Database work on a thread, and what a cancellation waits for."""

import asyncio
import threading

import pytest

from trimtab.db.threads import in_thread


async def test_who_is_cancelled_waits_for_the_end_of_the_work_under_way():
    """Shutting down disposes of the engine next: a connection still in use would be left open."""
    began, may_end, done = threading.Event(), threading.Event(), []

    def work() -> None:
        began.set()
        may_end.wait(30)
        done.append("committed")

    task = asyncio.create_task(in_thread(work))
    await asyncio.to_thread(began.wait, 30)
    task.cancel()
    finished, _ = await asyncio.wait([task], timeout=0.05)
    assert (finished, done) == (set(), [])
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == ["committed"]


async def test_what_the_work_raises_reaches_who_waits_for_it():
    with pytest.raises(ZeroDivisionError):
        await in_thread(divmod, 1, 0)
