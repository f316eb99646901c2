"""Around the API's route: how refused tokens are answered, and how large a body may be."""

from collections.abc import Mapping
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trimtab.auth.token_errors import IssuerUnavailable, TokenRefused

LARGEST_BODY: Final = 256 * 1024

log = structlog.get_logger(__name__)


def answer_refusals(app: FastAPI) -> None:
    """401 for refused tokens and 503 while the issuer's keys cannot be had, in GraphQL's shape, with the code alone."""

    async def refused(request: Request, error: Exception) -> JSONResponse:
        code = error.code if isinstance(error, TokenRefused) else TokenRefused.code
        log.info("token_refused", reason=code, path=request.url.path)
        return _errors(401, "Sign in.", code, {"WWW-Authenticate": f'Bearer error="invalid_token", code="{code}"'})

    async def unavailable(_request: Request, _error: Exception) -> JSONResponse:
        return _errors(503, "Sign-in cannot be checked now; try again.", IssuerUnavailable.code, {"Retry-After": "5"})

    app.add_exception_handler(TokenRefused, refused)
    app.add_exception_handler(IssuerUnavailable, unavailable)


def _errors(status: int, message: str, code: str, headers: Mapping[str, str]) -> JSONResponse:
    body = {"data": None, "errors": [{"message": message, "extensions": {"code": code}}]}
    return JSONResponse(body, status, headers=dict(headers))


class BodyLimit:
    """Answers 413 to bodies that are too large, whether or not they say so beforehand.

    Paths that begin with one of `streamed` bound their bodies themselves, since they never hold them in memory.
    """

    def __init__(self, app: ASGIApp, largest: int = LARGEST_BODY, streamed: tuple[str, ...] = ()) -> None:
        self._app = app
        self._largest = largest
        self._streamed = streamed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (self._streamed and scope["path"].startswith(self._streamed)):
            await self._app(scope, receive, send)
            return
        if _declared(scope) > self._largest:
            await _too_large()(scope, receive, send)
            return
        body = await self._read(receive)
        if body is None:
            await _too_large()(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    async def _read(self, receive: Receive) -> bytes | None:
        """The whole body, None as soon as it is too large or the client is gone."""
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            if len(body) > self._largest:
                return None
            if not message.get("more_body", False):
                return bytes(body)


def _declared(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:12])
    return 0


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        message: dict[str, Any] = {"type": "http.request", "body": body, "more_body": False}
        return message

    return replay


def _too_large() -> JSONResponse:
    return _errors(413, f"A request is at most {LARGEST_BODY // 1024} KB.", "TOO_LARGE", {"Connection": "close"})
