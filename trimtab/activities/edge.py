"""The edge of every activity: database work on threads, heartbeats while it lasts, and errors classed.

Transient errors are retried by Temporal as long as the workflow waits; deterministic ones park the step at once;
unknown ones are tried three times. What crosses the edge is a code and a sentence without names or amounts.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeVar

import psycopg
import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from temporalio import activity
from temporalio.exceptions import ApplicationError

from trimtab.db.alerts import raise_alert
from trimtab.db.engine import firm_transaction
from trimtab.db.failures import classify
from trimtab.db.threads import in_thread
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lifecycle import ErrorClass

log = structlog.get_logger(__name__)

UNKNOWN_TRIES: Final = 3
ALERT_AFTER: Final = timedelta(minutes=2)
_BEAT_SECONDS: Final = 2.0

Value = TypeVar("Value")


class StepFault(Exception):
    """A fault that was classed elsewhere, such as in a solver's process."""

    def __init__(self, error_class: ErrorClass, code: str, message: str) -> None:
        super().__init__(message)
        self.error_class = error_class
        self.code = code


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom the work is for: the firm, and what an alert about it names.

    `is_day`: a step of the day itself, which no account-day can show as blocked, so a lasting error is alerted here.
    """

    firm_id: str
    scope: str
    business_date: date
    is_day: bool = False


class Edge:
    """Runs synchronous database work for activities."""

    def __init__(self, engine: Engine, threads: Executor, build: str) -> None:
        self._engine = engine
        self._threads = threads
        self.build = build

    async def in_transaction(self, subject: Subject, work: Callable[[Connection], Value]) -> Value:
        """One transaction of the firm, on a thread, with heartbeats; raises ApplicationError."""
        async with self.guard(subject):
            return await self.transact(subject.firm_id, work)

    async def transact(self, firm_id: str, work: Callable[[Connection], Value]) -> Value:
        """One transaction of the firm on a thread, inside a `guard`."""
        return await in_thread(self._in_firm, firm_id, work, threads=self._threads)

    def _in_firm(self, firm_id: str, work: Callable[[Connection], Value]) -> Value:
        with firm_transaction(self._engine, firm_id) as connection:
            return work(connection)

    @asynccontextmanager
    async def guard(self, subject: Subject, progress: Callable[[], Sequence[Any]] = tuple) -> AsyncIterator[None]:
        """Heartbeats with `progress` while the body runs, and turns its errors into classed ApplicationErrors."""
        beating = asyncio.create_task(_beat(progress))
        try:
            yield
        except (ApplicationError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - raised again, classed
            raise await self._classed(subject, error) from None
        finally:
            beating.cancel()

    async def _classed(self, subject: Subject, error: Exception) -> ApplicationError:
        error_class, code, message = described(error)
        info = activity.info()
        waited = datetime.now(UTC) - info.scheduled_time
        log.warning(
            "step failed",
            activity=info.activity_id,
            workflow=info.workflow_id,
            attempt=info.attempt,
            code=code,
            error_class=error_class.value,
            exc_info=error if error_class is not ErrorClass.TRANSIENT else None,
        )
        gives_up = error_class is ErrorClass.UNKNOWN and info.attempt >= UNKNOWN_TRIES
        parks = error_class is ErrorClass.DETERMINISTIC or gives_up
        step = info.activity_type
        if error_class is ErrorClass.TRANSIENT and waited > ALERT_AFTER:
            text = f"{step} has met {code} for more than two minutes and is still being retried"
            await self._alert(subject, f"STEP_RETRYING_{code}", step, text)
        if parks and subject.is_day:
            text = f"{step} of {subject.scope} is blocked by {code}: {message}"
            await self._alert(subject, f"DAY_BLOCKED_{code}", step, text)
        return ApplicationError(message, error_class.value, type=code, non_retryable=parks)

    async def _alert(self, subject: Subject, cause: str, step: str, text: str) -> None:
        """Best effort: the database may be what is in trouble, and the log has the line above."""

        def tell(connection: Connection) -> None:
            raise_alert(
                connection,
                subject.firm_id,
                cause=cause,
                scope=step,
                business_date=subject.business_date,
                message=text,
                severity="ERROR",
            )

        try:
            await self.transact(subject.firm_id, tell)
        except (SQLAlchemyError, psycopg.Error, OSError) as error:
            log.warning("alert not stored", cause=cause, reason=type(error).__name__)


def described(error: BaseException) -> tuple[ErrorClass, str, str]:
    """The class, the code and a sentence of an error. Texts of others may hold values, so only ours are shown."""
    if isinstance(error, StepFault):
        return error.error_class, error.code, str(error)
    if isinstance(error, TrimtabError):
        return classify(error), error.code, str(error)
    state = _sqlstate(error)
    name = type(error).__name__
    return classify(error), f"SQL_{state}" if state else name, f"{name} {state}".rstrip()


def _sqlstate(error: BaseException) -> str:
    cause: Any = error.orig if isinstance(error, DBAPIError) else error  # Any: the driver's own error types
    return str(cause.sqlstate or "") if isinstance(cause, psycopg.Error) else ""


async def _beat(progress: Callable[[], Sequence[Any]]) -> None:
    while True:
        # Most steps end before the first one: it would cost them one more call to the server each.
        await asyncio.sleep(_BEAT_SECONDS)
        activity.heartbeat(*progress())


async def rest(seconds: float) -> None:
    """Wait inside of an activity that looks again and again; a worker that stops hands it to another one at once."""
    try:
        async with asyncio.timeout(seconds):
            await activity.wait_for_worker_shutdown()
    except TimeoutError:
        return
    raise ApplicationError("the worker stops", ErrorClass.TRANSIENT.value, type="WORKER_STOPS")
