"""What kind of trouble an exception from the database is: the answer decides about a retry."""

import errno
from typing import Final

import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as CheckoutTimeout

from trimtab.domain.errors import TrimtabError
from trimtab.domain.lifecycle import ErrorClass

# Classes and codes of PostgreSQL's appendix A.
_TRANSIENT_CLASSES: Final = frozenset({"08", "53"})  # connection exception; insufficient resources
_TRANSIENT_CODES: Final = frozenset(
    {
        "25006",  # read_only_sql_transaction: the primary has just moved
        "25P03",  # idle_in_transaction_session_timeout
        "40001",  # serialization_failure
        "40003",  # statement_completion_unknown: the idempotency key settles it
        "40P01",  # deadlock_detected
        "55P03",  # lock_not_available
        "57014",  # query_canceled: the statement timeout
        "57P01",  # admin_shutdown
        "57P02",  # crash_shutdown
        "57P03",  # cannot_connect_now
        "57P05",  # idle_session_timeout
        "58030",  # io_error
    }
)
_DETERMINISTIC_CLASSES: Final = frozenset(
    {"0A", "21", "22", "23", "26", "28", "2B", "34", "3D", "3F", "42", "44", "P0"}
)
_FULL_DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def classify(error: BaseException) -> ErrorClass:
    """The class of an error raised by PostgreSQL, its driver, the pool or SQLAlchemy.

    Connection, serialization, deadlock, timeout and a full disk are transient; a violated constraint,
    wrong data and wrong SQL are deterministic, as is every TrimtabError that does not call itself
    transient; the rest is unknown.
    """
    if isinstance(error, TrimtabError):
        return ErrorClass.TRANSIENT if error.transient else ErrorClass.DETERMINISTIC
    if isinstance(error, DBAPIError):
        return _of_driver(error.orig, error.connection_invalidated)
    if isinstance(error, CheckoutTimeout):
        return ErrorClass.TRANSIENT
    if isinstance(error, psycopg.Error):
        return _of_driver(error, disconnected=False)
    if isinstance(error, OSError):
        return _of_system(error)
    return ErrorClass.DETERMINISTIC if isinstance(error, SQLAlchemyError) else ErrorClass.UNKNOWN


def _of_driver(error: BaseException | None, disconnected: bool) -> ErrorClass:
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    if state is not None:
        return _of_state(state)
    # Without a code the server did not answer: refused, closed, timed out.
    if disconnected or isinstance(error, psycopg.OperationalError):
        return ErrorClass.TRANSIENT
    if isinstance(error, psycopg.DataError | psycopg.ProgrammingError | psycopg.NotSupportedError):
        return ErrorClass.DETERMINISTIC
    return ErrorClass.UNKNOWN


def _of_state(state: str) -> ErrorClass:
    if state in _TRANSIENT_CODES or state[:2] in _TRANSIENT_CLASSES:
        return ErrorClass.TRANSIENT
    return ErrorClass.DETERMINISTIC if state[:2] in _DETERMINISTIC_CLASSES else ErrorClass.UNKNOWN


def _of_system(error: OSError) -> ErrorClass:
    passing = isinstance(error, ConnectionError | TimeoutError) or error.errno in _FULL_DISK
    return ErrorClass.TRANSIENT if passing else ErrorClass.UNKNOWN
