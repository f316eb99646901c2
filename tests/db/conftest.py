from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, insert

from tests.servers import FreshDatabase
from trimtab.db.engine import firm_transaction, sync_engine
from trimtab.db.tables import firm

FIRM = "acme"
OTHER = "beta"


@pytest.fixture
def engine(database: FreshDatabase) -> Iterator[Engine]:
    """A database with two firms, as the application sees it."""
    engine = sync_engine(database.app_url, pool_size=6)
    for firm_id in (FIRM, OTHER):
        with firm_transaction(engine, firm_id) as connection:
            connection.execute(insert(firm).values(firm_id=firm_id, name=firm_id))
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """A transaction of the first firm."""
    with firm_transaction(engine, FIRM) as connection:
        yield connection
