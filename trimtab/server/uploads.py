"""Uploading a day's file: it lands in the drop folder like any other, and the night's run judges it.

    PUT /feeds/<kind>/<YYYY-MM-DD>            the file's bytes as the body
    PUT /feeds/<kind>/<YYYY-MM-DD>/<name>     one file of a set; the set's marker (<kind>-<YYYYMMDD>.done) last

Sending the same bytes again changes nothing. What the file is worth is answered by the deliveries' status, not here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncEngine

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Operation
from trimtab.auth.policy import decide
from trimtab.auth.policy_table import MATRIX, PolicyTable
from trimtab.auth.principal import Principal, Subject
from trimtab.auth.tokens import bearer
from trimtab.db.engine import async_firm_transaction
from trimtab.db.events import emit
from trimtab.feeds.arrivals import take
from trimtab.feeds.drop import place_of
from trimtab.feeds.errors import FeedRefused
from trimtab.feeds.layouts import FeedKind
from trimtab.feeds.sources import SourceBook
from trimtab.graphql.context import Verifier

PREFIX: Final = "/feeds/"
_STATUS: Final = {"FEED_SIZE": 413}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Uploads:
    """Takes uploads for every firm."""

    engine: AsyncEngine
    verifier: Verifier
    drop: Path
    sources: SourceBook
    now: Callable[[], datetime]
    table: PolicyTable = MATRIX

    async def upload(self, request: Request, kind: str, day: str, name: str | None) -> JSONResponse:
        """Raises TokenRefused and IssuerUnavailable, which the application answers."""
        principal = await self.verifier.principal(bearer(request.headers.get("authorization")))
        decision = decide(
            principal, Operation.UPLOAD_FEED, Subject(principal.firm_id), now=self.now(), table=self.table
        )
        if isinstance(decision, Denied):
            return _answer(403, str(decision.reason.value), "Your roles do not allow this.")
        try:
            path = self._path(principal.firm_id, FeedKind(kind), date.fromisoformat(day), name)
        except ValueError:
            return _answer(404, "NOT_FOUND", "There is no such kind of file, or no such day.")
        if path is None:
            return _answer(404, "NOT_FOUND", "The day's delivery has no file of this name.")
        return await self._take(request, principal, kind, date.fromisoformat(day), path)

    async def _take(
        self, request: Request, principal: Principal, kind: str, day: date, path: tuple[Path, bool]
    ) -> JSONResponse:
        where, is_of_set = path
        try:
            size, digest = await take(where, request.stream(), marks=not is_of_set)
        except FeedRefused as refusal:
            return _answer(_STATUS.get(refusal.code, 422), refusal.code, str(refusal))
        body = {"kind": kind, "file_name": where.name, "content_hash": digest, "by": principal.name_in_records}
        async with async_firm_transaction(self.engine, principal.firm_id) as connection:
            await connection.run_sync(
                lambda one: emit(one, principal.firm_id, "FILE_UPLOADED", business_date=day, body=body)
            )
        log.info("file uploaded", kind=kind, bytes=size)
        return JSONResponse({"fileName": where.name, "bytes": size, "contentHash": digest}, 201)

    def _path(self, firm_id: str, kind: FeedKind, day: date, name: str | None) -> tuple[Path, bool] | None:
        """Where the file belongs, and whether it is one of a set."""
        source = self.sources.of(firm_id).of(kind)
        place, marker = place_of(self.drop, firm_id, kind, day, source)
        if not source.is_set:
            return None if name not in (None, place.name) else (place, False)
        if name is None or "/" in name or (name != marker.name and not source.holds(kind, day, name)):
            return None
        return place / name, True


def _answer(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"code": code, "message": message}, status)


def uploads_router(uploads: Uploads) -> APIRouter:
    router = APIRouter()

    @router.put("/feeds/{kind}/{day}")
    async def one_file(request: Request, kind: str, day: str) -> JSONResponse:
        return await uploads.upload(request, kind, day, None)

    @router.put("/feeds/{kind}/{day}/{name}")
    async def of_set(request: Request, kind: str, day: str, name: str) -> JSONResponse:
        return await uploads.upload(request, kind, day, name)

    return router
