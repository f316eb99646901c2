"""The feed day: a firm whose files lie ready, on a database of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.activities.feed_day import FeedDay
from tests.activities.small_book import SmallBook
from tests.servers import FreshDatabase
from trimtab.db.engine import sync_engine


@pytest.fixture
def day(database: FreshDatabase, tmp_path: Path) -> Iterator[FeedDay]:
    """Every file of the demo firm's first business date is delivered, and nothing is loaded."""
    engine = sync_engine(database.app_url, pool_size=1)
    yield FeedDay(engine, tmp_path / "drop").found()
    engine.dispose()


@pytest.fixture
def book(database: FreshDatabase) -> Iterator[SmallBook]:
    """Three accounts in two households, and no run yet."""
    engine = sync_engine(database.app_url, pool_size=4)
    yield SmallBook(engine).founded()
    engine.dispose()
