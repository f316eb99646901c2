"""The real API under a real uvicorn on loopback, over a database of the test's own."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
import websockets
from websockets.asyncio.client import ClientConnection

from tests.graphql.firms import Book
from tests.servers import FreshDatabase
from trimtab.auth.authorization_server import hash_password, new_client_secret
from trimtab.auth.client import client_credentials, sign_in
from trimtab.db.engine import RELAY_ROLE, async_engine, sync_engine
from trimtab.db.people import ClientOnFile, PersonOnFile, put_client, put_person
from trimtab.db.tables import firm
from trimtab.relay.sequencer import number_events
from trimtab.server import create_app
from trimtab.settings import Settings

PASSWORD = "correct horse battery staple"
PASSWORD_HASH = hash_password(PASSWORD)
REDIRECT = "http://127.0.0.1:5173/callback"
SECRET, SECRET_HASH = new_client_secret()
PEOPLE = {
    "olga": ("overlay_manager", None),
    "otto": ("overlay_manager", None),
    "carl": ("compliance", None),
    "anna": ("advisor", "adv-1"),
}


@dataclass
class RunningApi:
    url: str
    book: Book
    relay_url: str = ""

    async def sequence(self) -> int:
        """The relay's sequencer numbers what was committed and announces it; returns the last number."""
        engine = async_engine(self.relay_url, role=RELAY_ROLE)
        try:
            while await number_events(engine):
                pass
        finally:
            await engine.dispose()
        return int(self.book.rows(firm)[0].event_head)

    async def token(self, username: str) -> str:
        """An access token by the whole sign-in: form, code with PKCE, exchange."""
        tokens = await sign_in(self.url, username, PASSWORD, "dashboard", REDIRECT)
        return tokens.access_token

    async def integrator_token(self) -> str:
        return (await client_credentials(self.url, "warehouse", SECRET)).access_token

    @asynccontextmanager
    async def socket(self, token: str | None = None, **options: Any) -> AsyncIterator[Socket]:
        """A websocket; with a token it is initialised already."""
        address = self.url.replace("http://", "ws://") + "/graphql"
        options.setdefault("subprotocols", ["graphql-transport-ws"])
        async with websockets.connect(address, proxy=None, **options) as connection:
            opened = Socket(connection)
            if token is not None:
                await opened.send(type="connection_init", payload={"Authorization": f"Bearer {token}"})
                assert (await opened.receive())["type"] == "connection_ack"
            yield opened


@dataclass
class Socket:
    """Speaks graphql-transport-ws, message by message."""

    connection: ClientConnection

    async def send(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self) -> Any:
        return json.loads(await self.connection.recv())

    async def subscribe(self, document: str, number: str = "1", **variables: Any) -> None:
        await self.send(type="subscribe", id=number, payload={"query": document, "variables": variables})

    async def next(self) -> Any:
        """The next event's content."""
        message = await self.receive()
        assert message["type"] == "next", message
        return message["payload"]["data"]["lifecycleEvents"]


def write_people(book: Book) -> None:
    for person_id, (role, advisor) in PEOPLE.items():
        person = PersonOnFile(
            person_id, book.firm_id, person_id, person_id.title(), PASSWORD_HASH, frozenset({role}), advisor
        )
        book.write(lambda one, person=person: put_person(one, person))
    grants = frozenset({"authorization_code", "refresh_token"})
    dashboard = ClientOnFile("dashboard", None, "Dashboard", None, (REDIRECT,), grants, frozenset({"openid"}))
    warehouse = ClientOnFile(
        "warehouse",
        book.firm_id,
        "Warehouse",
        SECRET_HASH,
        (),
        frozenset({"client_credentials"}),
        frozenset({"accounts:read", "events:read"}),
    )
    for client in (dashboard, warehouse):
        book.write(lambda one, client=client: put_client(one, book.firm_id, client))


@contextmanager
def a_running_api(database: FreshDatabase, folder: Path, **changes: Any) -> Iterator[RunningApi]:
    engine = sync_engine(database.app_url)
    book = Book(engine).found()
    write_people(book)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()  # who connects before the server is up waits
    port = listening.getsockname()[1]
    values = {
        "state_dir": folder,
        "firm": "firm-a",
        "database_url": database.app_url,
        "relay_database_url": database.relay_url,
        "port": port,
        **changes,
    }
    app = create_app(Settings(**values))
    config = uvicorn.Config(app, log_config=None, access_log=False, ws="websockets-sansio")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield RunningApi(f"http://127.0.0.1:{port}", book, database.relay_url)
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
        engine.dispose()
