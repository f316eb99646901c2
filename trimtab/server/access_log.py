"""One log line per request, with the trace that it belongs to; headers that every answer carries."""

import re
import secrets
import time
from typing import TYPE_CHECKING, Any, Final

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trimtab.logs import bound

if TYPE_CHECKING:
    from trimtab.server.metrics import Metrics

_TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_QUIET: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_ROUTES: Final = ("/graphql", "/oauth/", "/.well-known/", "/static/", "/assets/", "/healthz", "/readyz", "/metrics")

log = structlog.get_logger("trimtab.access")


class AccessLog:
    """Outermost: what it measures is what the client sees. It never logs queries, variables or bodies."""

    def __init__(self, app: ASGIApp, metrics: "Metrics") -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        trace_id = trace_of(scope)
        with bound(trace_id=trace_id):
            if scope["type"] == "websocket":
                await self._socket(scope, receive, send)
            else:
                await self._request(scope, receive, send, trace_id)

    async def _request(self, scope: Scope, receive: Receive, send: Send, trace_id: str) -> None:
        started, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(scope, message, trace_id)
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            seconds, route = time.perf_counter() - started, route_of(scope["path"])
            self._metrics.requests.labels(route, scope["method"], str(status)).inc()
            self._metrics.seconds.labels(route).observe(seconds)
            if scope["path"] not in _QUIET or status >= 400:
                self._log("request", scope, status=status, ms=round(seconds * 1000, 1))

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        self._metrics.sockets.inc()
        try:
            await self._app(scope, receive, send)
        finally:
            self._metrics.sockets.dec()
            self._log("socket", scope, seconds=round(time.perf_counter() - started, 1))

    def _log(self, event: str, scope: Scope, **figures: Any) -> None:
        about = scope.get("trimtab", {})
        client = scope["client"][0] if scope.get("client") else None
        log.info(event, method=scope.get("method", "GET"), path=scope["path"], client=client, **figures, **about)


def trace_of(scope: Scope) -> str:
    """The trace id of a W3C traceparent header, or a new one."""
    for name, value in scope["headers"]:
        if name == b"traceparent":
            found = _TRACEPARENT.fullmatch(value.decode("latin-1"))
            if found is not None and set(found.group(1)) != {"0"}:
                return found.group(1)
    return secrets.token_hex(16)


def route_of(path: str) -> str:
    """The route for metrics: paths of strangers must not become labels."""
    return next((route for route in _ROUTES if path == route or (route.endswith("/") and path.startswith(route))), "-")


def _add_headers(scope: Scope, message: Message, trace_id: str) -> None:
    headers = MutableHeaders(scope=message)
    headers["X-Trace-Id"] = trace_id
    headers["X-Content-Type-Options"] = "nosniff"
    if not scope["path"].startswith("/static/"):
        headers.setdefault("Cache-Control", "no-store")
