from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, text

from tests.orders.factories import FIRM, insert_a_run, insert_firm
from tests.servers import FreshDatabase, SessionServer
from trimtab.contracts import RunRef
from trimtab.db.engine import firm_transaction, sync_engine


@pytest.fixture(scope="package")
def orders_engine(postgres: SessionServer, migrated: str) -> Iterator[Engine]:
    """One database with one firm, for all tests that roll back what they do."""
    database = postgres.create(template=migrated)
    engine = sync_engine(database.app_url)
    with firm_transaction(engine, FIRM) as connection:
        insert_firm(connection)
    yield engine
    engine.dispose()
    postgres.drop(database.name)


@pytest.fixture
def connection(orders_engine: Engine) -> Iterator[Connection]:
    """A transaction of the firm that is rolled back."""
    with orders_engine.connect() as connection, connection.begin() as outer:
        connection.execute(text("SELECT set_config('trimtab.firm', :firm, true)"), {"firm": FIRM})
        yield connection
        outer.rollback()


@pytest.fixture
def run(connection: Connection) -> RunRef:
    """An open run of the firm's day; no market event is published."""
    return insert_a_run(connection)


@pytest.fixture
def engine(database: FreshDatabase) -> Iterator[Engine]:
    """A database of the test's own with the firm, for what commits."""
    engine = sync_engine(database.app_url, pool_size=8)
    with firm_transaction(engine, FIRM) as connection:
        insert_firm(connection)
    yield engine
    engine.dispose()
