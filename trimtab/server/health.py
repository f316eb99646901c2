"""Is it alive, and can it work?"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Final

import structlog
from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from trimtab.build import build_id
from trimtab.db.engine import async_firm_transaction, refuse_privileged
from trimtab.db.migrate import current_revision, newest_revision
from trimtab.domain.errors import TrimtabError

_SECONDS: Final = 3.0

log = structlog.get_logger(__name__)


class SchemaBehind(TrimtabError):
    """The database stands at another revision than this build needs."""

    code = "SCHEMA_BEHIND"


class TemporalUnreachable(TrimtabError):
    """Nothing listens at the Temporal server's address."""

    code = "TEMPORAL_UNREACHABLE"
    transient = True


class Readiness:
    """Whether what the API stands on is there, and safe."""

    def __init__(self, engine: AsyncEngine, firm_id: str, temporal_address: str | None) -> None:
        self._engine = engine
        self._firm_id = firm_id
        self._temporal = temporal_address

    async def checks(self) -> dict[str, str]:
        """Each check's answer: "ok", or the code of what is wrong. Texts stay in the log."""
        checks: dict[str, Callable[[], Awaitable[None]]] = {"database": self._database, "temporal": self._reach}
        answers = await asyncio.gather(*(_answer(name, check) for name, check in checks.items()))
        return dict(zip(checks, answers, strict=True))

    async def _database(self) -> None:
        async with async_firm_transaction(self._engine, self._firm_id) as connection:
            await connection.run_sync(_safe_and_current)

    async def _reach(self) -> None:
        """Temporal itself is the worker's; the API only says whether commands will be carried out soon."""
        if self._temporal is None:
            return
        host, _, port = self._temporal.rpartition(":")
        try:
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
        except (OSError, ValueError):
            raise TemporalUnreachable(f"nothing listens at {self._temporal}") from None
        writer.close()
        await writer.wait_closed()


def _safe_and_current(connection: Connection) -> None:
    refuse_privileged(connection)
    found, needed = current_revision(connection), _needed_revision()
    if found != needed:
        raise SchemaBehind(f"the schema is at {found}, this build needs {needed}: run `trimtab migrate`")


@cache
def _needed_revision() -> str | None:
    return newest_revision()


async def _answer(name: str, check: Callable[[], Awaitable[None]]) -> str:
    try:
        async with asyncio.timeout(_SECONDS):
            await check()
    except TrimtabError as error:
        log.warning("not_ready", check=name, error=str(error))
        return error.code
    except (SQLAlchemyError, OSError) as error:  # a time-out is an OSError
        log.warning("not_ready", check=name, error=type(error).__name__)
        return "UNREACHABLE"
    return "ok"


def health_router(readiness: Readiness) -> APIRouter:
    """/healthz answers while the process runs; /readyz when it can work."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok", "build": build_id()}

    @router.get("/readyz")
    async def readyz() -> JSONResponse:
        checks = await readiness.checks()
        ready = all(answer == "ok" for answer in checks.values())
        return JSONResponse({"status": "ok" if ready else "not ready", "checks": checks}, 200 if ready else 503)

    return router
