"""Engines, the firm of a transaction, and the classes of database errors."""

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as CheckoutTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.servers import FreshDatabase, SessionServer
from trimtab.db.engine import (
    RELAY_ROLE,
    DatabaseUrlInvalid,
    FirmNotSet,
    PrivilegedRole,
    RoleUnavailable,
    WrongRole,
    async_engine,
    async_firm_transaction,
    async_relay_transaction,
    classify,
    firm_transaction,
    libpq_url,
    normalise_url,
    refuse_privileged,
    relay_transaction,
    sync_engine,
)
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lifecycle import ErrorClass

WHO = text("SELECT current_user, coalesce(current_setting('trimtab.firm', true), '')")


@pytest.fixture
def engine(blank_database: FreshDatabase) -> Iterator[Engine]:
    engine = sync_engine(blank_database.app_url, pool_size=1, max_overflow=0)
    yield engine
    engine.dispose()


@pytest.fixture
async def engine_async(blank_database: FreshDatabase) -> AsyncIterator[AsyncEngine]:
    engine = async_engine(blank_database.app_url, pool_size=1, max_overflow=0)
    yield engine
    await engine.dispose()


@pytest.mark.parametrize("firm", [None, "", "  "])
def test_a_transaction_without_a_firm_is_an_error(engine: Engine, firm: str | None) -> None:
    with pytest.raises(FirmNotSet), firm_transaction(engine, firm):
        pass


@pytest.mark.parametrize("firm", [None, "", "  "])
async def test_an_async_transaction_without_a_firm_is_an_error(engine_async: AsyncEngine, firm: str | None) -> None:
    with pytest.raises(FirmNotSet):
        await async_firm_transaction(engine_async, firm).__aenter__()


def test_the_firm_ends_with_its_transaction_on_the_same_connection(engine: Engine) -> None:
    with firm_transaction(engine, "acme") as connection:
        assert tuple(connection.execute(WHO).one()) == ("trimtab_app", "acme")
    with engine.connect() as connection:
        assert tuple(connection.execute(WHO).one()) == ("trimtab_app", "")


async def test_the_async_firm_ends_with_its_transaction(engine_async: AsyncEngine) -> None:
    async with async_firm_transaction(engine_async, "acme") as connection:
        assert tuple((await connection.execute(WHO)).one()) == ("trimtab_app", "acme")
    async with engine_async.connect() as connection:
        assert tuple((await connection.execute(WHO)).one()) == ("trimtab_app", "")


def test_row_level_security_shows_a_firm_its_own_rows_only(blank_database: FreshDatabase) -> None:
    with psycopg.connect(blank_database.owner_url, autocommit=True) as owner:
        owner.execute("CREATE TABLE book (firm text, account text)")
        owner.execute("INSERT INTO book VALUES ('acme', 'A1'), ('zenith', 'Z1')")
        owner.execute("ALTER TABLE book ENABLE ROW LEVEL SECURITY")
        owner.execute("CREATE POLICY own ON book USING (firm = current_setting('trimtab.firm'))")
        owner.execute("GRANT SELECT ON book TO trimtab_app")
    engine = sync_engine(blank_database.app_url)
    with firm_transaction(engine, "zenith") as connection:
        assert connection.execute(text("SELECT account FROM book")).scalars().all() == ["Z1"]
    engine.dispose()


def test_an_error_rolls_the_transaction_back(blank_database: FreshDatabase) -> None:
    engine = sync_engine(blank_database.owner_url, role=None)
    with firm_transaction(engine, "acme") as connection:
        connection.execute(text("CREATE TABLE seen (n int)"))
    with suppress(DBAPIError), firm_transaction(engine, "acme") as connection:
        connection.execute(text("INSERT INTO seen VALUES (1)"))
        connection.execute(text("SELECT 1 / 0"))
    with firm_transaction(engine, "acme") as connection:
        assert connection.execute(text("SELECT count(*) FROM seen")).scalar_one() == 0
    engine.dispose()


def test_a_superusers_url_still_works_as_the_app_role(blank_database: FreshDatabase) -> None:
    engine = sync_engine(blank_database.superuser_url, pool_size=1, max_overflow=0)
    with engine.connect() as connection:
        connection.execute(WHO)
        connection.rollback()
    with firm_transaction(engine, "acme") as connection:
        assert connection.execute(WHO).one()[0] == "trimtab_app"
        refuse_privileged(connection)
    engine.dispose()


async def test_a_superusers_url_still_works_as_the_app_role_in_asyncio(blank_database: FreshDatabase) -> None:
    engine = async_engine(blank_database.superuser_url, pool_size=1, max_overflow=0)
    async with async_firm_transaction(engine, "acme") as connection:
        assert (await connection.execute(WHO)).one()[0] == "trimtab_app"
        await connection.run_sync(refuse_privileged)
    await engine.dispose()


def test_readiness_refuses_a_superuser(blank_database: FreshDatabase) -> None:
    engine = sync_engine(blank_database.superuser_url, role=None)
    with engine.connect() as connection, pytest.raises(PrivilegedRole, match="is a superuser"):
        refuse_privileged(connection)
    engine.dispose()


def test_readiness_refuses_a_role_that_bypasses_row_level_security(blank_database: FreshDatabase) -> None:
    engine = sync_engine(blank_database.superuser_url, role=None)
    with engine.connect() as connection:
        connection.execute(text("CREATE ROLE t_bypass BYPASSRLS"))
        connection.execute(text("SET LOCAL ROLE t_bypass"))
        with pytest.raises(PrivilegedRole, match="has BYPASSRLS"):
            refuse_privileged(connection)
    engine.dispose()


def test_a_login_that_may_not_take_the_role_is_told_what_to_grant(
    postgres: SessionServer, blank_database: FreshDatabase
) -> None:
    if postgres.embedded is None:
        pytest.skip("the server of DATABASE_URL may not let trimtab_verifier log in")
    engine = sync_engine(postgres.url("trimtab_verifier", blank_database.name), role="trimtab_app")
    with pytest.raises(RoleUnavailable, match="GRANT trimtab_app"), firm_transaction(engine, "acme"):
        pass
    engine.dispose()


def test_the_relay_works_without_a_firm_under_its_own_role(blank_database: FreshDatabase) -> None:
    engine = sync_engine(blank_database.relay_url, role=RELAY_ROLE)
    with relay_transaction(engine) as connection:
        assert tuple(connection.execute(WHO).one()) == ("trimtab_relay", "")
    engine.dispose()


async def test_the_relay_works_in_asyncio(blank_database: FreshDatabase) -> None:
    engine = async_engine(blank_database.relay_url, role=RELAY_ROLE)
    async with async_relay_transaction(engine) as connection:
        assert tuple((await connection.execute(WHO)).one()) == ("trimtab_relay", "")
    await engine.dispose()


def test_the_app_role_cannot_open_a_transaction_without_a_firm(engine: Engine) -> None:
    with pytest.raises(WrongRole), relay_transaction(engine):
        pass


def test_a_statement_that_takes_too_long_is_cancelled_and_may_be_tried_again(
    blank_database: FreshDatabase,
) -> None:
    engine = sync_engine(blank_database.app_url, statement_seconds=0.05)
    with pytest.raises(DBAPIError) as caught, firm_transaction(engine, "acme") as connection:
        connection.execute(text("SELECT pg_sleep(5)"))
    assert classify(caught.value) is ErrorClass.TRANSIENT
    engine.dispose()


def test_a_connection_that_the_server_closed_is_replaced_unseen(engine: Engine, blank_database: FreshDatabase) -> None:
    with firm_transaction(engine, "acme") as connection:
        backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with psycopg.connect(blank_database.superuser_url) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", (backend,))
    with firm_transaction(engine, "acme") as connection:
        assert tuple(connection.execute(WHO).one()) == ("trimtab_app", "acme")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgres://u:p@h:5433/d", "postgresql+psycopg://u:p@h:5433/d"),
        ("postgresql://u@/d?host=%2Frun%2Fpg", "postgresql+psycopg://u@/d?host=%2Frun%2Fpg"),
        ("postgresql+psycopg2://u@h/d", "postgresql+psycopg://u@h/d"),
    ],
)
def test_urls_of_other_tools_name_our_driver(given: str, expected: str) -> None:
    assert normalise_url(given).render_as_string(hide_password=False) == expected


def test_psycopg_itself_gets_a_url_that_it_reads(blank_database: FreshDatabase) -> None:
    url = libpq_url(normalise_url(blank_database.relay_url))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("LISTEN events")
        connection.execute("NOTIFY events, 'acme 7'")
        assert [note.payload for note in connection.notifies(timeout=5, stop_after=1)] == ["acme 7"]


@pytest.mark.parametrize("given", ["mysql://u:hunter2@h/d", "no url hunter2", ""])
def test_a_url_of_something_else_is_refused_without_repeating_it(given: str) -> None:
    with pytest.raises(DatabaseUrlInvalid) as caught:
        normalise_url(given)
    assert "hunter2" not in str(caught.value)


class _Passing(TrimtabError):
    transient = True


TRANSIENT = [
    errors.SerializationFailure(),
    errors.DeadlockDetected(),
    errors.QueryCanceled(),
    errors.LockNotAvailable(),
    errors.DiskFull(),
    errors.TooManyConnections(),
    errors.AdminShutdown(),
    errors.CannotConnectNow(),
    errors.ConnectionFailure(),
    psycopg.OperationalError("connection refused"),
    CheckoutTimeout(),
    ConnectionResetError(),
    OSError(28, "No space left on device"),
    _Passing("the broker is away"),
]
DETERMINISTIC = [
    errors.UniqueViolation(),
    errors.NotNullViolation(),
    errors.CheckViolation(),
    errors.InsufficientPrivilege(),
    errors.UndefinedTable(),
    errors.NumericValueOutOfRange(),
    errors.RaiseException(),
    FirmNotSet("no firm"),
    InvalidRequestError("wrong use"),
]
UNKNOWN = [errors.InternalError_(), KeyError("x"), OSError(13, "Permission denied")]


@pytest.mark.parametrize(
    ("error", "expected"),
    [(error, ErrorClass.TRANSIENT) for error in TRANSIENT]
    + [(error, ErrorClass.DETERMINISTIC) for error in DETERMINISTIC]
    + [(error, ErrorClass.UNKNOWN) for error in UNKNOWN],
)
def test_errors_are_classed_by_whether_another_try_may_help(error: Exception, expected: ErrorClass) -> None:
    assert classify(error) is expected


def test_an_error_wrapped_by_sqlalchemy_keeps_its_class(engine: Engine) -> None:
    with pytest.raises(DBAPIError) as caught, firm_transaction(engine, "acme") as connection:
        connection.execute(text("SELECT * FROM missing"))
    assert classify(caught.value) is ErrorClass.DETERMINISTIC
    wrapped = DBAPIError("SELECT 1", {}, errors.DeadlockDetected())
    assert classify(wrapped) is ErrorClass.TRANSIENT


def test_a_server_that_is_not_there_is_transient() -> None:
    engine = sync_engine("postgresql://trimtab_app@127.0.0.1:9/trimtab")
    with pytest.raises(DBAPIError) as caught, firm_transaction(engine, "acme"):
        pass
    assert classify(caught.value) is ErrorClass.TRANSIENT
    engine.dispose()
