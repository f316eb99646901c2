"""What the API refuses before it does any work, and what it never tells."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import text

from tests.graphql.api import OLGA, Api, QuietFeed, an_app
from tests.graphql.documents import QUEUE
from tests.graphql.firms import Book
from trimtab.graphql.accounts.types import AccountDay
from trimtab.graphql.context import Reader, Services
from trimtab.graphql.graphiql import ASSETS


def errors(answer: dict[str, object]) -> str:
    return json.dumps(answer["errors"])


async def test_deep_documents_are_refused(api: Api, book: Book):
    inner = "accountId"
    for _ in range(5):
        inner = f"account {{ history(first: 1) {{ edges {{ node {{ {inner} }} }} }} }}"
    answer = await api.send(OLGA, f"{{ accountDays(first: 1) {{ edges {{ node {{ {inner} }} }} }} }}")
    assert "exceeds maximum operation depth of 10" in errors(answer)


async def test_circles_of_fragments_are_refused(api: Api, book: Book):
    document = "{ viewer { ...A } } fragment A on Viewer { ...B } fragment B on Viewer { ...A }"
    assert "errors" in await api.send(OLGA, document)


async def test_many_aliases_directives_tokens_and_operations_are_refused(api: Api, book: Book):
    aliases = "{" + " ".join(f"a{number}: viewer {{ firmId }}" for number in range(16)) + "}"
    assert "16 aliases found" in errors(await api.send(OLGA, aliases))
    skips = "{ viewer { firmId " + "@skip(if: false) " * 6 + "} }"
    assert "errors" in await api.send(OLGA, skips)
    fields = "{ viewer {" + " firmId" * 2000 + "} }"
    assert "more than 1000 tokens" in errors(await api.send(OLGA, fields))
    two = "query A { viewer { firmId } } query B { viewer { firmId } }"
    answer = await api.raw(OLGA, {"query": two, "operationName": "A"})
    assert "one operation in a document" in errors(answer.json())


@pytest.mark.parametrize("first", ["99999999", "$first", "100"])
async def test_a_document_that_multiplies_into_too_many_rows_is_refused(api: Api, book: Book, first):
    inner = f"account {{ history(first: {first}) {{ edges {{ node {{ id accountId }} }} }} }}"
    declared = "($first: Int!)" if first == "$first" else ""
    document = f"query Big{declared} {{ accountDays(first: {first}) {{ edges {{ node {{ {inner} }} }} }} }}"
    answer = await api.send(OLGA, document, {"first": 100} if declared else {})
    assert answer["errors"][0]["extensions"]["code"] == "TOO_COSTLY"
    assert len(api.statements) == 0


async def test_approving_by_aliases_is_limited(api: Api, book: Book):
    waiting = book.add_review("A1")
    one = (
        f'approve(input: {{accountDayId: "{waiting.ref.account_day_id}", proposalHash: "x", version: 1,'
        ' idempotencyKey: "12345678"}) { __typename }'
    )
    document = "mutation {" + " ".join(f"a{number}: {one}" for number in range(20)) + "}"
    assert "aliases found" in errors(await api.send(OLGA, document))


async def test_nobody_without_a_token_gets_anything(api: Api, book: Book):
    for document in ("{ __schema { types { name } } }", "{ viewer { firmId } }", "{ nonsense }", "{ __typename }"):
        answer = await api.raw(None, {"query": document})
        assert answer.status_code == 401
        assert answer.json()["errors"][0]["extensions"] == {"code": "TOKEN_MISSING"}


async def test_suggestions_are_off_and_introspection_is_for_those_who_are_signed_in(api: Api, book: Book):
    answer = await api.send(OLGA, "{ viewr { firmId } }")
    assert "Did you mean" not in errors(answer)
    assert "__schema" in await api.data(OLGA, "{ __schema { queryType { name } } }")


async def test_queries_by_get_and_other_content_types_are_refused(api: Api, book: Book):
    url = "/graphql?query=%7Bviewer%7BfirmId%7D%7D"
    assert (await api.http.get(url)).status_code == 405
    await api.raw(OLGA, {"query": "{ viewer { firmId } }"})
    (token,) = api.tokens.known
    headers = {"Authorization": f"Bearer {token}"}
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = await api.http.post("/graphql", content=b"{}", headers={**headers, "Content-Type": kind})
        assert answer.status_code == 415


@pytest.mark.parametrize("body", [b"[]", b"1", b'"x"', b"null", b"{", b'{"query": 1}', b'{"variables": []}', b"{}"])
async def test_odd_bodies_are_bad_requests(api: Api, book: Book, body):
    await api.raw(OLGA, {"query": "{ viewer { firmId } }"})
    (token,) = api.tokens.known
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = await api.http.post("/graphql", content=body, headers=headers)
    assert answer.status_code == 400


async def test_large_bodies_are_refused_whether_or_not_they_say_so(api: Api, book: Book):
    async def endless():
        for _ in range(30):
            yield b"x" * 10_240

    headers = {"Content-Type": "application/json"}
    assert (await api.http.post("/graphql", content=b"x" * 262_145, headers=headers)).status_code == 413
    assert (await api.http.post("/graphql", content=endless(), headers=headers)).status_code == 413


async def test_faults_are_masked_and_logged(api: Api, book: Book, monkeypatch: pytest.MonkeyPatch):
    book.add_review("A1")

    def broken(_row: object) -> AccountDay:
        raise RuntimeError("password=hunter2 at /secret/path")

    monkeypatch.setattr(AccountDay, "of", broken)
    answer = await api.send(OLGA, QUEUE, {"first": 1})
    assert answer["data"] == {"reviewQueue": None}
    assert answer["errors"][0]["message"] == "Unexpected error."
    assert answer["errors"][0]["extensions"] == {"code": "INTERNAL"}
    assert "hunter2" not in json.dumps(answer)


async def test_an_expired_principal_is_refused_by_every_field(api: Api, book: Book):
    late = replace(OLGA, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    answer = await api.send(late, "{ viewer { firmId } runs { edges { cursor } } }")
    assert [one["extensions"]["reason"] for one in answer["errors"]] == ["EXPIRED", "EXPIRED"]


async def test_a_slow_request_is_cancelled_with_its_statement(api: Api, book: Book, monkeypatch: pytest.MonkeyPatch):
    services = Services(api.engine, api.tokens, QuietFeed(), lambda: datetime.now(UTC))
    transport = httpx.ASGITransport(an_app(services, request_seconds=0.3))
    slow = Reader.run

    async def sleeping(self: Reader, work: object) -> object:
        return await slow(self, lambda one: one.execute(text("SELECT pg_sleep(30)")))

    monkeypatch.setattr(Reader, "run", sleeping)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        patient, api.http = api.http, http
        async with asyncio.timeout(25):
            answer = await api.raw(OLGA, {"query": "{ runs { edges { cursor } } }"})
        api.http = patient
    assert answer.json()["errors"][0]["extensions"]["code"] == "TIMEOUT"
    asleep = text("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'")
    assert book.write(lambda one: one.scalar(asleep)) == 0


async def test_graphiql_comes_from_this_machine_alone(api: Api):
    page = await api.http.get("/graphql", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "unpkg.com" not in page.text
    assert page.text.count("integrity=") == 7
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


async def test_graphiqls_files_are_those_that_its_page_names(api: Api):
    page = await api.http.get("/graphql", headers={"Accept": "text/html"})
    named = re.findall(r'"/static/graphiql/([^"]+)"\s+integrity="sha384-([^"]+)"', page.text)
    assert len(named) == 7
    for file, digest in named:
        content = (ASSETS / file).read_bytes()
        assert base64.b64encode(hashlib.sha384(content).digest()).decode() == digest, file
