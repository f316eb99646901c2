"""Random pairs of faults in delivered files: nobody concerned goes on, nobody else differs by a byte (X11).

Some here; as many as wanted by `python -m benchmarks.fault_pairs --through files`.
"""

import random

import pytest

from tests.activities.feed_day import FeedDay
from tests.activities.planted_files import calm_hashes, check_pair, random_pair
from tests.servers import SessionServer
from trimtab.db.engine import sync_engine

PAIRS = 3


@pytest.mark.covers("X11")
def test_two_faults_in_files_stop_whom_they_concern_and_nobody_else(
    day: FeedDay, postgres: SessionServer, migrated: str, tmp_path
):
    calm, rng = calm_hashes(day), random.Random(20)
    for number in range(PAIRS):
        database = postgres.create(template=migrated)
        engine = sync_engine(database.app_url, pool_size=1)
        try:
            check_pair(FeedDay(engine, tmp_path / str(number) / "drop").found(), random_pair(rng), calm)
        finally:
            engine.dispose()
            postgres.drop(database.name)
