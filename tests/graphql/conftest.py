"""A firm in a database of the test's own, and the API over it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import httpx
import pytest

from tests.graphql.api import Api, QuietFeed, TokensByName, an_app, count_statements
from tests.graphql.firms import Book
from tests.servers import FreshDatabase
from trimtab.db.engine import async_engine, sync_engine
from trimtab.graphql.context import Services


@pytest.fixture
def book(database: FreshDatabase) -> Iterator[Book]:
    engine = sync_engine(database.app_url)
    yield Book(engine).found()
    engine.dispose()


@pytest.fixture
async def api(database: FreshDatabase) -> AsyncIterator[Api]:
    engine = async_engine(database.app_url, pool_size=8, max_overflow=0)
    tokens = TokensByName()
    services = Services(engine, tokens, QuietFeed(), lambda: datetime.now(UTC))
    transport = httpx.ASGITransport(an_app(services))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        api = Api(engine, http, tokens)
        count_statements(api)
        yield api
    await engine.dispose()
