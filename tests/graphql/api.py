"""The API under test: its real route over a real database; tokens are names of principals."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from trimtab.auth.matrix import Role
from trimtab.auth.principal import Actor, Principal
from trimtab.auth.token_errors import TokenSignatureInvalid
from trimtab.graphql.context import Services
from trimtab.graphql.router import ApiRouter
from trimtab.graphql.schema import build_schema
from trimtab.graphql.transport import BodyLimit, answer_refusals

SCHEMA = build_schema()
_keys = itertools.count(1)


def a_key() -> str:
    return f"key-{next(_keys):06d}"


def a_person(person_id: str, *roles: Role, book: str | None = None, firm_id: str = "firm-a") -> Principal:
    return Principal(
        firm_id=firm_id,
        person_id=person_id,
        roles=frozenset(roles),
        client_id="dashboard",
        expires_at=datetime.now(UTC) + timedelta(hours=6),
        book=book,
    )


def on_behalf(principal: Principal, admin: str) -> Principal:
    now = datetime.now(UTC)
    until = now + timedelta(minutes=10)
    actor = Actor(admin, principal.firm_id, frozenset({Role.ADMINISTRATOR}), "holiday", now, until)
    return replace(principal, actor=actor)


OLGA = a_person("olga", Role.OVERLAY_MANAGER)
OTTO = a_person("otto", Role.OVERLAY_MANAGER)
CARL = a_person("carl", Role.COMPLIANCE)
ANNA = a_person("anna", Role.ADVISOR, book="adv-1")
BERT = a_person("bert", Role.ADVISOR, book="adv-2")
DORA = a_person("dora", Role.DATA_MANAGER)
MARK = a_person("mark", Role.MANAGEMENT)
IVAN = a_person("ivan", Role.POLICY_COMMITTEE)
ADAM = a_person("adam", Role.ADMINISTRATOR)
FREMD = a_person("fremd", Role.OVERLAY_MANAGER, Role.COMPLIANCE, Role.DATA_MANAGER, firm_id="firm-b")
WAREHOUSE = Principal(
    firm_id="firm-a",
    person_id=None,
    roles=frozenset({Role.INTEGRATOR}),
    client_id="warehouse",
    expires_at=datetime.now(UTC) + timedelta(hours=6),
    scopes=frozenset({"accounts:read", "events:read"}),
)


@dataclass
class TokensByName:
    """The token is the principal's name."""

    known: dict[str, Principal] = field(default_factory=dict)

    async def principal(self, token: str) -> Principal:
        found = self.known.get(token)
        if found is None:
            raise TokenSignatureInvalid("no such token")
        return found


class QuietFeed:
    """No notifications: subscribers poll."""

    async def wait(self, firm_id: str, after: int) -> None:
        import asyncio

        await asyncio.sleep(0.05)


@dataclass
class Api:
    """Sends documents as somebody, and counts the statements that they cost."""

    engine: AsyncEngine
    http: httpx.AsyncClient
    tokens: TokensByName
    statements: list[str] = field(default_factory=list)

    async def send(self, who: Principal | None, document: str, variables: dict[str, Any] | None = None) -> Any:
        """The whole answer."""
        answer = await self.raw(who, {"query": document, "variables": variables or {}})
        return answer.json()

    async def raw(self, who: Principal | None, body: Any, **options: Any) -> httpx.Response:
        headers = {}
        if who is not None:
            name = f"{who.firm_id}/{who.name_in_records}/{id(who)}"
            self.tokens.known[name] = who
            headers["Authorization"] = f"Bearer {name}"
        self.statements.clear()
        return await self.http.post("/graphql", json=body, headers=headers, **options)

    async def data(self, who: Principal, document: str, variables: dict[str, Any] | None = None) -> Any:
        """The answer's data; there must be no error."""
        answer = await self.send(who, document, variables)
        assert "errors" not in answer, answer
        return answer["data"]

    async def do(self, who: Principal, document: str, **values: Any) -> Any:
        """The one result of a mutation whose variable is $input, with a key of its own unless one is given."""
        variables = {"input": {"idempotencyKey": a_key(), **values}}
        data = await self.data(who, document, variables)
        return next(iter(data.values()))


def an_app(services: Services, request_seconds: float = 60.0) -> FastAPI:
    """Patient by default: many requests at once on a busy machine are not what is tested."""
    app = FastAPI(openapi_url=None)
    answer_refusals(app)
    app.include_router(ApiRouter(SCHEMA, services, with_graphiql=True, request_seconds=request_seconds))
    app.add_middleware(BodyLimit)
    return app


def count_statements(api: Api) -> None:
    @event.listens_for(api.engine.sync_engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        api.statements.append(statement)
