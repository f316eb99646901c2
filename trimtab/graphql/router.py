"""GraphQL over HTTP and websocket: who asks, how long it may take, how it is encoded."""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import orjson
import structlog
from cross_web import AsyncHTTPRequestAdapter, HTTPException
from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from starlette.requests import HTTPConnection
from strawberry.exceptions import ConnectionRejectionError
from strawberry.fastapi import GraphQLRouter
from strawberry.http import GraphQLRequestData
from strawberry.schema import BaseSchema
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.subscriptions.protocols.graphql_transport_ws.types import ConnectionInitMessage
from strawberry.types import ExecutionResult

from trimtab.auth.principal import Principal
from trimtab.auth.token_errors import IssuerUnavailable, TokenRefused
from trimtab.auth.tokens import bearer
from trimtab.graphql.context import RequestContext, Services
from trimtab.graphql.errors import TooSlow
from trimtab.graphql.graphiql import page

REQUEST_SECONDS: Final = 5.0
INIT_SECONDS: Final = 3.0
RECHECK_SECONDS: Final = 4.0
"""How often a websocket's token is verified anew: revocation and new roles take effect within five seconds."""
MOST_SUBSCRIPTIONS: Final = 20
MOST_CONNECTIONS: Final = 50

log = structlog.get_logger(__name__)


class SocketHandler(BaseGraphQLTransportWSHandler[RequestContext, None]):
    """graphql-transport-ws, ended with the token that opened it."""

    _watch: asyncio.Task[None] | None = None

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        await super().handle_connection_init(message)
        if self.connection_acknowledged and self._watch is None:
            self._watch = asyncio.create_task(self._until_the_token_ends())
            self._watch.add_done_callback(self._task_done)

    async def shutdown(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        await super().shutdown()
        if isinstance(self.view, ApiRouter):
            self.view.forget_connection(self.context)

    async def _until_the_token_ends(self) -> None:
        """Verifies the token again and again; the context then carries the roles that hold now."""
        context, reason = self.context, "TOKEN_EXPIRED"
        while True:
            now = context.services.now()
            left = (context.who.expires_at - now).total_seconds()
            if left <= 0:
                break
            await asyncio.sleep(min(left, RECHECK_SECONDS))
            try:
                context.principal = await context.services.verifier.principal(context.token)
            except TokenRefused as refusal:
                reason = refusal.code
                break
            except IssuerUnavailable:
                continue  # the keys that were good a moment ago serve until the token's own end
        log.info("subscriptions_closed", reason=reason, client=context.who.client_id)
        await self.websocket.close(code=4403, reason=reason)


class ApiRouter(GraphQLRouter[RequestContext, None]):
    """The API's one route. `with_graphiql` serves the page for people at GET, from this machine's own files."""

    graphql_transport_ws_handler_class = SocketHandler

    def __init__(
        self,
        schema: BaseSchema,
        services: Services,
        *,
        path: str = "/graphql",
        with_graphiql: bool,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        self._request_seconds = request_seconds
        self._connections: Counter[str] = Counter()

        async def context(connection: HTTPConnection) -> RequestContext:
            principal = None
            if connection.scope["type"] == "http" and connection.scope["method"] == "POST":
                principal = await services.verifier.principal(bearer(connection.headers.get("authorization")))
            return RequestContext(services, principal)

        super().__init__(
            schema,
            path,
            graphql_ide="graphiql" if with_graphiql else None,
            allow_queries_via_get=False,
            context_getter=context,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=timedelta(seconds=INIT_SECONDS),
            max_subscriptions_per_connection=MOST_SUBSCRIPTIONS,
        )

    async def execute_operation(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        request_data: GraphQLRequestData | list[GraphQLRequestData],
        context: RequestContext,
        root_value: None,
        sub_response: Response,
    ) -> Any:
        """Runs the operation within its time; running out cancels the statement that it waits for."""
        if isinstance(request_data, GraphQLRequestData):
            _note(request, context, request_data)
        try:
            async with asyncio.timeout(self._request_seconds) as limit:
                context.limit = limit
                return await super().execute_operation(
                    request, request_adapter, request_data, context, root_value, sub_response
                )
        except TimeoutError:
            log.warning("request_too_slow", seconds=self._request_seconds)
            refusal = TooSlow(f"this took longer than {self._request_seconds:g} seconds")
            return ExecutionResult(data=None, errors=[refusal])
        finally:
            await context.close()

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData | list[GraphQLRequestData]:
        if request.method == "POST" and (request.content_type or "").partition(";")[0].strip() != "application/json":
            raise HTTPException(415, "Send application/json")
        if request.method == "GET":
            raise HTTPException(405, "Send queries and mutations by POST")
        if not isinstance(self.parse_json(await request.get_body()), dict):
            raise HTTPException(400, "Send one JSON object with a query")
        return await super().parse_http_body(request)

    def decode_json(self, data: str | bytes) -> object:
        return orjson.loads(data)

    def encode_json(self, data: object) -> str:
        """Text, since websocket clients take text frames only."""
        return orjson.dumps(data).decode()

    async def render_graphql_ide(self, request: Request) -> HTMLResponse:
        return page()

    async def on_ws_connect(self, context: RequestContext) -> None:
        """The token comes in connection_init: {"authorization": "Bearer ..."}."""
        params = context.connection_params if isinstance(context.connection_params, dict) else {}
        header = next((value for name, value in params.items() if name.lower() == "authorization"), None)
        try:
            token = bearer(header if isinstance(header, str) else None)
            principal = await context.services.verifier.principal(token)
        except (TokenRefused, IssuerUnavailable) as refusal:
            log.info("socket_refused", reason=refusal.code)
            raise ConnectionRejectionError({"code": refusal.code}) from None
        user = _user(principal)
        if self._connections[user] >= MOST_CONNECTIONS:
            log.warning("socket_refused", reason="TOO_MANY_CONNECTIONS", client=principal.client_id)
            raise ConnectionRejectionError({"code": "TOO_MANY_CONNECTIONS"})
        self._connections[user] += 1
        context.principal = principal
        context.token, context.connection_params = token, None

    def forget_connection(self, context: RequestContext) -> None:
        """A websocket has ended."""
        if context.principal is None:
            return
        user = _user(context.principal)
        self._connections[user] -= 1
        if self._connections[user] <= 0:
            del self._connections[user]


def _note(request: Request, context: RequestContext, request_data: GraphQLRequestData) -> None:
    """For the access log: who asked for which operation. Names of operations are the client's: shortened."""
    operation = request_data.operation_name
    about = {"operation": operation[:80] if isinstance(operation, str) else None}
    if context.principal is not None:
        about |= {"firm": context.firm_id, "who": context.principal.name_in_records}
    request.scope["trimtab"] = about


def _user(principal: Principal) -> str:
    return f"{principal.firm_id}/{principal.name_in_records}"
