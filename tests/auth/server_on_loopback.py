"""The built-in authorization server under a real uvicorn on loopback, with a firm's people and clients."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from tests.auth.directory import AClient, APerson, Directory
from trimtab.auth.authorization_server import (
    AuthorizationServerSettings,
    InMemoryGrants,
    Lifetimes,
    authorization_server,
    hash_password,
    new_client_secret,
)
from trimtab.auth.tokens import IssuerSettings

AUDIENCE = "trimtab-api"
REDIRECT = "http://127.0.0.1:5173/callback"
PASSWORD = "correct horse battery staple"
PASSWORD_HASH = hash_password(PASSWORD)
INTEGRATOR_SECRET, INTEGRATOR_SECRET_HASH = new_client_secret()


@dataclass(frozen=True, slots=True)
class AnOAuthClient:
    client_id: str
    firm_id: str | None = None
    secret_hash: str | None = None
    redirect_uris: tuple[str, ...] = (REDIRECT,)
    grant_types: frozenset[str] = frozenset({"authorization_code", "refresh_token"})
    scopes: frozenset[str] = frozenset({"openid"})
    active: bool = True


INTEGRATOR = AnOAuthClient(
    "warehouse",
    firm_id="firm-a",
    secret_hash=INTEGRATOR_SECRET_HASH,
    redirect_uris=(),
    grant_types=frozenset({"client_credentials"}),
    scopes=frozenset({"accounts:read", "events:read"}),
)


WEB_APPLICATION = AnOAuthClient("web-application", secret_hash=INTEGRATOR_SECRET_HASH)
RETIRED = AnOAuthClient("retired", active=False)


class SignInDirectory:
    """People by username and id; a test may replace one to disable it."""

    def __init__(self, *people: APerson) -> None:
        self.people = {person.person_id: person for person in people}

    def by_username(self, username: str) -> APerson | None:
        if "\x00" in username:
            raise ValueError("as PostgreSQL does: a text cannot hold NUL")
        return next((one for one in self.people.values() if one.username == username), None)

    def by_person_id(self, person_id: str) -> APerson | None:
        return self.people.get(person_id)


class ClientDirectory:
    def __init__(self, *clients: AnOAuthClient) -> None:
        self.clients = {client.client_id: client for client in clients}

    def by_client_id(self, client_id: str) -> AnOAuthClient | None:
        return self.clients.get(client_id)


def an_overlay_manager(**changes: object) -> APerson:
    values = {
        "person_id": "person-ann",
        "username": "ann@firm-a.example",
        "password_hash": PASSWORD_HASH,
        "roles": frozenset({"overlay_manager"}),
        **changes,
    }
    return APerson(**values)  # type: ignore[arg-type]


@dataclass
class RunningServer:
    url: str
    people: SignInDirectory
    clients: ClientDirectory
    grants: InMemoryGrants
    key_path: Path
    late_by: list[float] = field(default_factory=lambda: [0.0])
    """Seconds that the server's clock is ahead: set it to let codes and sessions expire."""

    @property
    def directory(self) -> Directory:
        """The same people and integrators as the resource server finds them."""
        directory = Directory(AClient("warehouse"))
        directory.people = self.people.people
        return directory

    @property
    def issuer_settings(self) -> IssuerSettings:
        return IssuerSettings(issuer=self.url, audiences=(AUDIENCE,))


@contextmanager
def a_running_server(folder: Path, lifetimes: Lifetimes | None = None) -> Iterator[RunningServer]:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    running = RunningServer(
        url=f"http://127.0.0.1:{listening.getsockname()[1]}",
        people=SignInDirectory(an_overlay_manager()),
        clients=ClientDirectory(
            AnOAuthClient("dashboard", scopes=frozenset({"openid", "offline"})),
            AnOAuthClient("other-dashboard"),
            INTEGRATOR,
            WEB_APPLICATION,
            RETIRED,
        ),
        grants=InMemoryGrants(),
        key_path=folder / "signing-key.json",
    )
    settings = AuthorizationServerSettings(
        issuer=running.url,
        audience=AUDIENCE,
        bind_host="127.0.0.1",
        signing_key_path=running.key_path,
        lifetimes=lifetimes or Lifetimes(),
    )
    app = FastAPI(openapi_url=None)
    app.include_router(
        authorization_server(
            settings,
            running.people,
            running.clients,
            running.grants,
            seconds_now=lambda: time.time() + running.late_by[0],
        )
    )
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield running
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
