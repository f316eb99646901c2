"""One running API for each test that asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.running import RunningApi, a_running_api
from tests.servers import FreshDatabase


@pytest.fixture
def running(database: FreshDatabase, tmp_path: Path) -> Iterator[RunningApi]:
    with a_running_api(database, tmp_path) as api:
        yield api
