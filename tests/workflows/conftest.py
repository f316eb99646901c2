"""A Temporal client for the stories, and a firm of each test's own: the session's server is shared."""

import base64
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from temporalio.client import Client

from tests.servers import FreshDatabase
from tests.workflows.real_day import Day, founded
from trimtab.temporal_client import connect

Found = Callable[..., Awaitable[Day]]


@pytest.fixture
def firm_id() -> str:
    return f"firm-{secrets.token_hex(4)}"


@pytest.fixture
async def client(temporal_target: str) -> Client:
    """With encryption, as every process of trimtab."""
    key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return await connect(temporal_target, "default", key)


@pytest.fixture
async def plain_client(temporal_target: str) -> Client:
    return await connect(temporal_target, "default", None, allow_plain=True)


@pytest.fixture
async def found(database: FreshDatabase, temporal_target: str, tmp_path: Path) -> AsyncIterator[Found]:
    """Founds demo firms in the test's database. What they leave running would be another test's worker's trouble."""
    days: list[Day] = []

    async def one_more(*, policy: str = "never", clock: str = "stepped") -> Day:
        folder = tmp_path / str(len(days))
        days.append(await founded(database, temporal_target, folder, policy=policy, clock=clock))
        return days[-1]

    yield one_more
    client = await connect(temporal_target, "default", None, allow_plain=True)
    for day in days:
        day.engine.dispose()
        async for left in client.list_workflows(f"Firm = '{day.firm.id}' AND ExecutionStatus = 'Running'"):
            await client.get_workflow_handle(left.id).terminate("end of the test")
