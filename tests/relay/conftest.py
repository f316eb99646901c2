"""A relay's parts on real servers: a database of the test's own and the session's Temporal."""

import secrets
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from tests.activities.small_book import SmallBook
from tests.servers import FreshDatabase
from trimtab.db.engine import RELAY_ROLE, async_engine, sync_engine
from trimtab.temporal_client import connect


@pytest.fixture
def app_engine(database: FreshDatabase) -> Iterator[Engine]:
    engine = sync_engine(database.app_url, pool_size=4)
    yield engine
    engine.dispose()


@pytest.fixture
async def relay_engine(database: FreshDatabase) -> AsyncIterator[AsyncEngine]:
    engine = async_engine(database.relay_url, role=RELAY_ROLE, pool_size=4)
    yield engine
    await engine.dispose()


@pytest.fixture
def book(app_engine: Engine) -> SmallBook:
    return SmallBook(app_engine).founded()


@pytest.fixture
async def client(temporal_target: str) -> Client:
    return await connect(temporal_target, "default", None, allow_plain=True)


@pytest.fixture
def suffix() -> str:
    """For workflow ids: the session's tests share one server."""
    return secrets.token_hex(4)
