"""Tells a story on a real Temporal server, in the sandbox."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker

from tests.workflows.fakes import FakeStages
from tests.workflows.stories import Handle, Story
from trimtab.contracts import ANALYSIS_QUEUE, DAY_QUEUE, AccountDayRef, LifecycleOutcome, account_day_id
from trimtab.relay.outbox import start_lifecycle
from trimtab.workflows.account_lifecycle import AccountLifecycle
from trimtab.workflows.daily_run import DailyRun

DAY = date(2026, 3, 2)


@asynccontextmanager
async def workers(client: Client, activities: Sequence[Callable[..., Any]]) -> AsyncIterator[None]:
    """Workers of both queues, with these activities and the real workflows."""
    day = Worker(client, task_queue=DAY_QUEUE, workflows=[DailyRun, AccountLifecycle], activities=activities)
    solving = Worker(client, task_queue=ANALYSIS_QUEUE, activities=activities)
    async with day, solving:
        yield


def a_ref(firm_id: str, account_id: str) -> AccountDayRef:
    return AccountDayRef(firm_id, f"{firm_id}-{DAY}", account_day_id(account_id, DAY, 1), account_id, DAY)


async def tell(client: Client, firm_id: str, story: Story) -> tuple[Handle, LifecycleOutcome, FakeStages]:
    """Start the lifecycle as the relay does, let the story take its course, and return how it ended."""
    stages = FakeStages(story.answers)
    ref = a_ref(firm_id, f"A-{story.name}")
    async with workers(client, stages.activities()):
        await start_lifecycle(client, ref)
        handle = client.get_workflow_handle(ref.workflow_id, result_type=LifecycleOutcome)
        await story.course(handle, stages)
        return handle, await handle.result(), stages
