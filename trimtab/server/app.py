"""Builds the API from its settings: the only place that reads them for it."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Final

import httpx
import structlog
from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from trimtab.auth.authorization_server import AuthorizationServerSettings, authorization_server
from trimtab.auth.issuers import IssuerSettings
from trimtab.auth.matrix import Role
from trimtab.auth.token_errors import InvalidIssuerSettings
from trimtab.auth.tokens import TokenVerifier
from trimtab.build import build_id
from trimtab.db.engine import RELAY_ROLE, async_engine, firm_transaction, libpq_url, sync_engine
from trimtab.db.heartbeats import beat
from trimtab.db.people import ClientOnFile, Clients, Directory, Firms, Grants, KnownFirms, SignInPeople
from trimtab.db.threads import in_thread
from trimtab.domain.errors import TrimtabError
from trimtab.feeds.sources import load_sources
from trimtab.graphql.context import Services
from trimtab.graphql.events.feed import PostgresFeed
from trimtab.graphql.graphiql import ASSETS_PATH, assets
from trimtab.graphql.router import ApiRouter
from trimtab.graphql.schema import build_schema
from trimtab.graphql.transport import BodyLimit, answer_refusals
from trimtab.server.access_log import AccessLog
from trimtab.server.health import Readiness, health_router
from trimtab.server.metrics import Metrics, metrics_router
from trimtab.server.pages import CLIENT_ID, SIGNED_IN, PagesSettings, mount_pages
from trimtab.server.uploads import PREFIX, Uploads, uploads_router
from trimtab.settings import OidcIssuer, Settings

AUDIENCE: Final = "trimtab-api"
DEFAULT_PORT: Final = 8000
KIND: Final = "api"
_BEAT_SECONDS: Final = 10.0
_STATEMENT_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)


class ApiMisconfigured(TrimtabError):
    """The settings name no database, or contradict each other."""

    code = "API_MISCONFIGURED"


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application is made of, to be opened and closed with it."""

    engine: AsyncEngine
    storage: Engine  # of the built-in sign-in and the heartbeats, which are synchronous
    relay: Engine
    http: httpx.AsyncClient
    feed: PostgresFeed


def create_app(settings: Settings) -> FastAPI:
    """The application. Raises ApiMisconfigured, AuthorizationServerRefused, InvalidIssuerSettings and the like."""
    if settings.database_url is None:
        raise ApiMisconfigured("set DATABASE_URL: the API starts no servers of its own; `trimtab up` does")
    parts = _parts(settings, settings.database_url.get_secret_value())
    firms = KnownFirms(parts.relay)
    registry = CollectorRegistry()
    metrics = Metrics(registry, parts.engine, firms)
    app = FastAPI(title="trimtab", openapi_url=None, docs_url=None, redoc_url=None, lifespan=_lifespan(parts, firms))
    app.include_router(health_router(Readiness(parts.engine, settings.firm, settings.temporal_address)))
    app.include_router(metrics_router(metrics))
    for router in _api(settings, parts):
        app.include_router(router)
    if not settings.oidc_issuers:
        app.mount(ASSETS_PATH, assets(), "graphiql")
    mount_pages(app, _pages(settings))
    answer_refusals(app)
    app.add_middleware(BodyLimit, streamed=(PREFIX,))
    app.add_middleware(AccessLog, metrics=metrics)
    return app


def _parts(settings: Settings, url: str) -> Parts:
    given = settings.relay_database_url
    relay_url = given.get_secret_value() if given is not None else url
    seconds = min(settings.statement_seconds or _STATEMENT_SECONDS, _STATEMENT_SECONDS)
    return Parts(
        engine=async_engine(
            url, pool_size=settings.pool_size, statement_seconds=seconds, application_name="trimtab-api"
        ),
        storage=sync_engine(url, pool_size=2, statement_seconds=seconds, application_name="trimtab-api-sign-in"),
        relay=sync_engine(
            relay_url, role=RELAY_ROLE, pool_size=1, statement_seconds=seconds, application_name="trimtab-api-firms"
        ),
        # The built-in issuer is this very process: a proxy of the environment must not stand in between.
        http=httpx.AsyncClient(trust_env=bool(settings.oidc_issuers)),
        feed=PostgresFeed(libpq_url(url)),
    )


def _api(settings: Settings, parts: Parts) -> list[APIRouter]:
    """GraphQL and, without an external issuer, the built-in sign-in beside it."""

    def home() -> tuple[str, ...]:
        return (settings.firm,)

    directory = Directory(parts.engine, home)
    built_in = not settings.oidc_issuers
    beside = [_sign_in(settings, parts.storage, home)] if built_in else []
    issuers = [_issuer(one) for one in settings.oidc_issuers]
    if built_in:
        issuers = [IssuerSettings(issuer=public_url(settings), audiences=(AUDIENCE,))]
    verifier = TokenVerifier(issuers, directory, parts.http, revocations=directory if built_in else None)
    services = Services(parts.engine, verifier, parts.feed, lambda: datetime.now(UTC))
    uploads = Uploads(
        parts.engine, verifier, settings.drop_folder, load_sources(settings.sources), lambda: datetime.now(UTC)
    )
    return [ApiRouter(build_schema(), services, with_graphiql=built_in), uploads_router(uploads), *beside]


def _sign_in(settings: Settings, storage: Engine, firms: Firms) -> APIRouter:
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    return authorization_server(
        AuthorizationServerSettings(
            issuer=public_url(settings),
            audience=AUDIENCE,
            bind_host=settings.host,
            signing_key_path=Path(settings.state_dir) / "signing-key.json",
        ),
        SignInPeople(storage, firms),
        ClientsAndPages(Clients(storage, firms), public_url(settings) + SIGNED_IN),
        Grants(storage, firms),
    )


class ClientsAndPages:
    """The clients on file, and the pages: a public client of every firm, whose address is this API's own."""

    def __init__(self, on_file: Clients, redirect_uri: str) -> None:
        self._on_file = on_file
        self._pages = ClientOnFile(
            client_id=CLIENT_ID,
            firm_id=None,
            name="trimtab's pages",
            redirect_uris=(redirect_uri,),
            grant_types=frozenset({"authorization_code", "refresh_token"}),
            scopes=frozenset({"openid"}),
        )

    def by_client_id(self, client_id: str) -> ClientOnFile | None:
        return self._pages if client_id == CLIENT_ID else self._on_file.by_client_id(client_id)


def _pages(settings: Settings) -> PagesSettings:
    external = settings.oidc_issuers[0].issuer if settings.oidc_issuers else None
    return PagesSettings(
        public_url=public_url(settings),
        issuer=external or public_url(settings),
        client_id=settings.pages_client_id if external else CLIENT_ID,
        scope=settings.pages_scope if external else "openid",
        temporal_ui=settings.temporal_ui_url,
        temporal_namespace=settings.temporal_namespace,
    )


def public_url(settings: Settings) -> str:
    """How browsers and clients reach the API."""
    return (settings.public_url or f"http://{settings.host}:{settings.port or DEFAULT_PORT}").rstrip("/")


def _issuer(given: OidcIssuer) -> IssuerSettings:
    try:
        role_map = {word: Role(role) for word, role in given.role_map.items()}
    except ValueError:
        known = ", ".join(role.value for role in Role)
        raise InvalidIssuerSettings(f"issuer {given.issuer}: role_map must map to {known}") from None
    return IssuerSettings(
        issuer=given.issuer,
        audiences=given.audiences,
        algorithms=given.algorithms,
        roles_claim=given.roles_claims,
        role_map=MappingProxyType(role_map),
        require_at_jwt=given.require_at_jwt,
        leeway=timedelta(seconds=given.leeway_seconds),
        firm_claim=given.firm_claim,
    )


def _lifespan(parts: Parts, firms: Firms) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as closing:
            closing.callback(parts.relay.dispose)
            closing.callback(parts.storage.dispose)
            closing.push_async_callback(parts.engine.dispose)
            closing.push_async_callback(parts.http.aclose)
            await parts.feed.start()
            closing.push_async_callback(parts.feed.stop)
            beating = asyncio.create_task(_beat_always(parts.storage, firms), name="heartbeat")
            closing.push_async_callback(_cancelled, beating)
            yield

    return lifespan


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _beat_always(engine: Engine, firms: Firms) -> None:
    """One heartbeat row per process and firm (H5); a database that is away is the readiness check's matter."""
    process_id = f"{KIND}-{socket.gethostname()}-{os.getpid()}"
    while True:
        try:
            await in_thread(_beat, engine, firms, process_id)
        except (SQLAlchemyError, OSError) as error:
            log.warning("heartbeat_missed", error=type(error).__name__)
        await asyncio.sleep(_BEAT_SECONDS)


def _beat(engine: Engine, firms: Firms, process_id: str) -> None:
    for firm_id in firms():
        with firm_transaction(engine, firm_id) as connection:
            beat(connection, firm_id, process_id, KIND, build_id())
