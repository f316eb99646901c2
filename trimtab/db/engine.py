"""Engines, and the only functions that open a transaction.

Row-level security shows zero rows when no firm is set, which looks like an empty book. So every
transaction opens through `firm_transaction`, which takes the firm and raises when there is none.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from trimtab.db.failures import classify
from trimtab.domain.errors import TrimtabError

__all__ = [
    "APP_ROLE",
    "OWNER_ROLE",
    "RELAY_ROLE",
    "VERIFIER_ROLE",
    "DatabaseUrlInvalid",
    "FirmNotSet",
    "PrivilegedRole",
    "RoleUnavailable",
    "WrongRole",
    "async_engine",
    "async_firm_transaction",
    "async_relay_transaction",
    "classify",
    "firm_transaction",
    "libpq_url",
    "normalise_url",
    "refuse_privileged",
    "relay_transaction",
    "sync_engine",
]

OWNER_ROLE: Final = "trimtab_owner"
APP_ROLE: Final = "trimtab_app"
RELAY_ROLE: Final = "trimtab_relay"
VERIFIER_ROLE: Final = "trimtab_verifier"

_ROLE_OPTION: Final = "trimtab_role"
_CONNECT_SECONDS: Final = 10
_SET_FIRM: Final = text("SELECT set_config('trimtab.firm', :firm, true)")
_PRIVILEGES: Final = text("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")


class FirmNotSet(TrimtabError):
    """A transaction was asked for without a firm."""

    code = "FIRM_NOT_SET"


class WrongRole(TrimtabError):
    """A transaction was asked of an engine whose role does not fit."""

    code = "WRONG_ROLE"


class RoleUnavailable(TrimtabError):
    """The login of the database URL cannot take the role that the process works under."""

    code = "ROLE_UNAVAILABLE"


class PrivilegedRole(TrimtabError):
    """The current role would bypass row-level security."""

    code = "PRIVILEGED_ROLE"


class DatabaseUrlInvalid(TrimtabError):
    """The database URL cannot be read, or is not of PostgreSQL."""

    code = "DATABASE_URL_INVALID"


def normalise_url(url: str | URL) -> URL:
    """The URL with the psycopg 3 driver named; accepts postgres:// and postgresql://.

    Raises DatabaseUrlInvalid. The message never repeats the URL, which may hold a password.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseUrlInvalid("the database URL cannot be read; expected postgresql://...") from None
    backend = parsed.drivername.partition("+")[0]
    if backend not in ("postgres", "postgresql"):
        raise DatabaseUrlInvalid(f"the database URL names {backend}; trimtab needs postgresql://...")
    return parsed.set(drivername="postgresql+psycopg")


def libpq_url(url: str | URL) -> str:
    """The same URL for psycopg itself: LISTEN needs an autocommit connection outside any pool."""
    return normalise_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def sync_engine(
    url: str | URL,
    *,
    role: str | None = APP_ROLE,
    pool_size: int = 4,
    max_overflow: int = 2,
    statement_seconds: float = 30,
    application_name: str = "trimtab",
) -> Engine:
    """An engine whose every pooled connection works under `role`.

    `role=None` keeps the login's own role (migrations, with the owner's URL). Connections are tried
    before use, so that a restarted server costs the caller nothing. `statement_seconds` 0: no limit.
    """
    engine = create_engine(
        normalise_url(url),
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_pre_ping=True,
        pool_timeout=_CONNECT_SECONDS,
        connect_args=_connect_args(application_name),
    )
    return _under_role(engine, role, statement_seconds)


def async_engine(
    url: str | URL,
    *,
    role: str | None = APP_ROLE,
    pool_size: int = 4,
    max_overflow: int = 4,
    statement_seconds: float = 30,
    application_name: str = "trimtab",
) -> AsyncEngine:
    """The asyncio twin of `sync_engine`."""
    engine = create_async_engine(
        normalise_url(url),
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_pre_ping=True,
        pool_timeout=_CONNECT_SECONDS,
        connect_args=_connect_args(application_name),
    )
    return AsyncEngine(_under_role(engine.sync_engine, role, statement_seconds))


@contextmanager
def firm_transaction(engine: Engine, firm_id: str | None) -> Iterator[Connection]:
    """One transaction that sees the rows of `firm_id` and of no other firm.

    Commits on leaving, rolls back on an exception. Raises FirmNotSet for None, '' and blanks.
    """
    firm = _required(firm_id)
    with engine.begin() as connection:
        connection.execute(_SET_FIRM, {"firm": firm})
        yield connection


@asynccontextmanager
async def async_firm_transaction(engine: AsyncEngine, firm_id: str | None) -> AsyncIterator[AsyncConnection]:
    """The asyncio twin of `firm_transaction`."""
    firm = _required(firm_id)
    async with engine.begin() as connection:
        await connection.execute(_SET_FIRM, {"firm": firm})
        yield connection


@contextmanager
def relay_transaction(engine: Engine) -> Iterator[Connection]:
    """One transaction without a firm, under the relay's role, whose policies cover few tables.

    Raises WrongRole when the engine was not made with `role=RELAY_ROLE`.
    """
    _require_relay(engine)
    with engine.begin() as connection:
        yield connection


@asynccontextmanager
async def async_relay_transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """The asyncio twin of `relay_transaction`."""
    _require_relay(engine.sync_engine)
    async with engine.begin() as connection:
        yield connection


def refuse_privileged(connection: Connection) -> None:
    """Raises PrivilegedRole when the current role is a superuser or has BYPASSRLS.

    For an AsyncConnection: `await connection.run_sync(refuse_privileged)`.
    """
    role, superuser, bypasses = connection.execute(_PRIVILEGES).one()
    if superuser or bypasses:
        power = "is a superuser" if superuser else "has BYPASSRLS"
        raise PrivilegedRole(f"role {role} {power}: row-level security would not hold; use {APP_ROLE}")


def _connect_args(application_name: str) -> dict[str, Any]:
    return {"application_name": application_name, "connect_timeout": _CONNECT_SECONDS}


def _under_role(engine: Engine, role: str | None, statement_seconds: float) -> Engine:
    """Adds the settings of each new connection, and remembers the role on the engine.

    They are set by statements and not as start-up options, which connection poolers refuse.
    """

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        try:
            cursor.execute(_session_settings(statement_seconds))
            if role is not None:
                _set_role(cursor, role)
        finally:
            cursor.close()
        # A role set in a transaction that is rolled back is lost.
        connection.commit()

    engine.update_execution_options(**{_ROLE_OPTION: role})
    return engine


def _session_settings(statement_seconds: float) -> str:
    milliseconds = int(statement_seconds * 1000)
    return (
        f"SELECT set_config('statement_timeout', '{milliseconds}', false),"
        " set_config('idle_in_transaction_session_timeout', '60000', false),"
        " set_config('TimeZone', 'UTC', false)"
    )


def _set_role(cursor: Any, role: str) -> None:  # Any: the adapted cursors of psycopg share no base type
    try:
        cursor.execute("SELECT set_config('role', %s, false)", (role,))
    except psycopg.Error as error:
        if error.sqlstate not in ("22023", "42501"):
            raise
        raise RoleUnavailable(
            f"the database login cannot work as {role}: run `trimtab migrate`,"
            f" then GRANT {role} to the login of the database URL"
        ) from error


def _required(firm_id: str | None) -> str:
    if firm_id is None or not firm_id.strip():
        raise FirmNotSet("a transaction needs a firm: without one, row-level security shows no rows")
    return firm_id


def _require_relay(engine: Engine) -> None:
    role = engine.get_execution_options().get(_ROLE_OPTION)
    if role != RELAY_ROLE:
        raise WrongRole(f"the relay's transaction needs an engine with role {RELAY_ROLE}, not {role}")
