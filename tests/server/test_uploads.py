"""Files that are uploaded land in the drop folder, complete or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, select

from tests.graphql.api import DORA, OLGA, WAREHOUSE, TokensByName
from tests.graphql.firms import Book
from tests.servers import FreshDatabase
from trimtab.auth.principal import Principal
from trimtab.db.engine import async_engine, firm_transaction, sync_engine
from trimtab.db.tables import event
from trimtab.feeds.sources import load_sources
from trimtab.graphql.transport import BodyLimit, answer_refusals
from trimtab.server.uploads import PREFIX, Uploads, uploads_router

SOURCES = "firm-a: [{name: ISO, kinds: [positions], form: semt.002, file: 'semt-{date}-*.xml'}]"
DAY = "2026-11-20"


@dataclass
class Sender:
    http: httpx.AsyncClient
    tokens: TokensByName
    drop: Path
    engine: Engine

    async def put(self, who: Principal | None, path: str, content: bytes) -> httpx.Response:
        headers = {}
        if who is not None:
            self.tokens.known[who.client_id + who.name_in_records] = who
            headers["Authorization"] = f"Bearer {who.client_id + who.name_in_records}"
        return await self.http.put(path, content=content, headers=headers)

    def files(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.drop)): path.read_bytes() for path in self.drop.rglob("*") if path.is_file()}


@pytest.fixture
def engine(database: FreshDatabase) -> Iterator[Engine]:
    made = sync_engine(database.app_url, pool_size=1)
    Book(made).found()
    yield made
    made.dispose()


@pytest.fixture
async def sender(database: FreshDatabase, engine: Engine, tmp_path: Path) -> AsyncIterator[Sender]:
    (tmp_path / "sources.yaml").write_text(SOURCES)
    other, tokens, drop = async_engine(database.app_url, pool_size=2), TokensByName(), tmp_path / "drop"
    app = FastAPI(openapi_url=None)
    answer_refusals(app)
    sources = load_sources(tmp_path / "sources.yaml")
    app.include_router(uploads_router(Uploads(other, tokens, drop, sources, lambda: datetime.now(UTC))))
    app.add_middleware(BodyLimit, streamed=(PREFIX,))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as http:
        yield Sender(http, tokens, drop, engine)
    await other.dispose()


@pytest.mark.covers("H1")
async def test_a_data_managers_upload_lies_in_the_drop_folder_with_its_checksum(sender: Sender) -> None:
    answer = await sender.put(DORA, f"/feeds/cash/{DAY}", b"a\n")
    assert answer.status_code == 201
    digest = "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7"
    assert answer.json() == {"fileName": "cash-20261120.csv", "bytes": 2, "contentHash": digest}
    assert sender.files() == {
        "firm-a/cash/cash-20261120.csv": b"a\n",
        "firm-a/cash/cash-20261120.csv.done": f"{digest}\n".encode(),
    }
    with firm_transaction(sender.engine, "firm-a") as connection:
        body = connection.scalars(select(event.c.body).where(event.c.kind == "FILE_UPLOADED")).one()
    assert body["by"] == "dora"


async def test_a_larger_body_than_graphql_takes_is_streamed(sender: Sender) -> None:
    content = b"x,1\n" * 200_000
    assert (await sender.put(DORA, f"/feeds/lots/{DAY}", content)).json()["bytes"] == 800_000


async def test_a_machine_client_needs_the_scope(sender: Sender) -> None:
    assert (await sender.put(WAREHOUSE, f"/feeds/cash/{DAY}", b"a\n")).status_code == 403
    allowed = replace(WAREHOUSE, scopes=frozenset({"feeds:write"}))
    assert (await sender.put(allowed, f"/feeds/cash/{DAY}", b"a\n")).status_code == 201


async def test_nobody_else_may_upload(sender: Sender) -> None:
    assert (await sender.put(None, f"/feeds/cash/{DAY}", b"a\n")).status_code == 401
    refused = await sender.put(OLGA, f"/feeds/cash/{DAY}", b"a\n")
    assert (refused.status_code, refused.json()["code"]) == (403, "NOT_PERMITTED")
    assert sender.files() == {}


async def test_files_of_a_set_come_by_name_and_the_marker_last(sender: Sender) -> None:
    path = f"/feeds/positions/{DAY}"
    assert (await sender.put(DORA, f"{path}/semt-20261120-A1.xml", b"<a/>")).status_code == 201
    assert (await sender.put(DORA, f"{path}/positions-20261120.done", b"0  x\n")).status_code == 201
    assert sorted(sender.files()) == [
        "firm-a/positions/positions-20261120.done",
        "firm-a/positions/semt-20261120-A1.xml",
    ]


@pytest.mark.parametrize(
    "path", ["shares/2026-11-20", "cash/yesterday", "positions/2026-11-20", "positions/2026-11-20/other.xml",
             "cash/2026-11-20/other.csv", "positions/2026-11-20/..%2Fx.xml"]
)  # fmt: skip
async def test_what_the_day_does_not_expect_has_no_place(sender: Sender, path: str) -> None:
    assert (await sender.put(DORA, f"/feeds/{path}", b"a\n")).status_code == 404
    assert sender.files() == {}
