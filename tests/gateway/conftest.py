import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.broker.paper_process import PaperProcess
from tests.gateway.trading_day import TradingDay
from tests.orders.factories import FIRM, insert_a_run, insert_firm
from tests.servers import FreshDatabase
from trimtab.db.engine import firm_transaction, sync_engine


@pytest.fixture
def engine(database: FreshDatabase) -> Iterator[Engine]:
    engine = sync_engine(database.app_url, pool_size=6)
    yield engine
    engine.dispose()


@pytest.fixture
def day(database: FreshDatabase, engine: Engine) -> Iterator[TradingDay]:
    """A firm with an open run; the broker and the gateways are the test's to start."""
    folder = Path(tempfile.mkdtemp(prefix="trimtab-day-"))  # a short path: it holds a socket
    with firm_transaction(engine, FIRM) as connection:
        insert_firm(connection)
        run = insert_a_run(connection)
    day = TradingDay(engine, database.app_url, run, PaperProcess(folder))
    yield day
    day.clean_up()
    shutil.rmtree(folder, ignore_errors=True)
