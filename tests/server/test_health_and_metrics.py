"""Alive, ready, measured, and started with one clear line when it cannot be."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.server.running import RunningApi, a_running_api
from tests.servers import FreshDatabase
from trimtab.auth.authorization_server import AuthorizationServerRefused
from trimtab.db.heartbeats import beat
from trimtab.server import create_app
from trimtab.server.access_log import route_of, trace_of
from trimtab.server.app import ApiMisconfigured
from trimtab.settings import OidcIssuer, Settings


async def get(running: RunningApi, path: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=running.url, headers=headers) as http:
        return await http.get(path)


async def test_it_is_alive_and_ready(running: RunningApi):
    assert (await get(running, "/healthz")).json()["status"] == "ok"
    ready = await get(running, "/readyz")
    assert (ready.status_code, ready.json()["checks"]) == (200, {"database": "ok", "temporal": "ok"})


async def test_it_is_not_ready_without_temporal(database: FreshDatabase, tmp_path: Path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        with a_running_api(database, tmp_path, temporal_address=address) as running:
            ready = await get(running, "/readyz")
    assert (ready.status_code, ready.json()["checks"]["temporal"]) == (503, "TEMPORAL_UNREACHABLE")


async def test_it_is_ready_with_a_temporal_that_listens(database: FreshDatabase, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as temporal:
        threading.Thread(target=lambda: temporal.accept()[0].close(), daemon=True).start()
        address = f"127.0.0.1:{temporal.getsockname()[1]}"
        with a_running_api(database, tmp_path, temporal_address=address) as running:
            assert (await get(running, "/readyz")).status_code == 200


async def test_it_is_not_ready_on_another_schema(running: RunningApi, database: FreshDatabase):
    with psycopg.connect(database.superuser_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'older'")
    ready = await get(running, "/readyz")
    assert (ready.status_code, ready.json()["checks"]["database"]) == (503, "SCHEMA_BEHIND")


async def test_it_refuses_a_role_that_bypasses_row_level_security(running: RunningApi, database: FreshDatabase):
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute("ALTER ROLE trimtab_app BYPASSRLS")
        try:
            ready = await get(running, "/readyz")
        finally:
            connection.execute("ALTER ROLE trimtab_app NOBYPASSRLS")
    assert (ready.status_code, ready.json()["checks"]["database"]) == (503, "PRIVILEGED_ROLE")


@pytest.mark.covers("H5")
async def test_metrics_show_the_night_from_outside(running: RunningApi, database: FreshDatabase):
    running.book.add_review("A1")
    running.book.write(lambda one: beat(one, "firm-a", "worker-1", "worker", "test"))
    await get(running, "/graphql?query=x")
    figures = (await get(running, "/metrics")).text
    assert 'trimtab_process_heartbeat_age_seconds{firm="firm-a",kind="worker"} 0.' in figures
    assert 'trimtab_process_heartbeat_age_seconds{firm="firm-a",kind="api"}' in figures
    assert 'trimtab_account_days{firm="firm-a",state="OPEN"} 1.0' in figures
    assert 'trimtab_runs{firm="firm-a",status="OPEN"} 1.0' in figures
    assert 'trimtab_events_unpublished{firm="firm-a"} 4.0' in figures
    assert 'trimtab_http_requests_total{method="GET",route="/graphql",status="405"} 1.0' in figures
    assert "A1" not in figures


async def test_every_answer_carries_its_trace_and_no_cache_keeps_it(running: RunningApi):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = await get(running, "/healthz", traceparent=f"00-{trace}-00f067aa0ba902b7-01")
    assert answer.headers["X-Trace-Id"] == trace
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "server" not in answer.headers or "uvicorn" in answer.headers["server"]


@pytest.mark.parametrize("header", [b"", b"00-xyz", b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01", b"\xff\xfe"])
def test_a_forged_trace_gives_a_new_one(header: bytes):
    trace = trace_of({"headers": [(b"traceparent", header)]})
    assert len(trace) == 32
    assert set(trace) != {"0"}


def test_strangers_paths_do_not_become_labels():
    assert route_of("/graphql") == "/graphql"
    assert route_of("/oauth/token") == "/oauth/"
    assert route_of("/graphql/../../etc/passwd") == "-"
    assert route_of("/wp-admin") == "-"


async def test_graphiql_and_its_files_come_from_the_running_server(running: RunningApi):
    page = await get(running, "/graphql", Accept="text/html")
    files = [part.split('"')[0] for part in page.text.split('"/static/graphiql/')[1:]]
    assert len(files) == 7
    for file in files:
        assert (await get(running, f"/static/graphiql/{file}")).status_code == 200
    assert (await get(running, "/static/graphiql/%2e%2e/%2e%2e/graphiql.py")).status_code == 404


async def test_with_an_external_issuer_there_is_neither_a_sign_in_nor_graphiql(database: FreshDatabase, tmp_path: Path):
    issuer = OidcIssuer(issuer="https://id.firm.example", audiences=("trimtab",))
    with a_running_api(database, tmp_path, oidc_issuers=(issuer,)) as running:
        assert (await get(running, "/oauth/authorize")).status_code == 404
        assert (await get(running, "/graphql", Accept="text/html")).status_code == 404


def test_the_built_in_sign_in_never_leaves_this_machine(database: FreshDatabase, tmp_path: Path):
    settings = Settings(state_dir=tmp_path, database_url=database.app_url, host="0.0.0.0", port=8000)
    with pytest.raises(AuthorizationServerRefused, match="loopback only"):
        create_app(settings)


def test_without_a_database_it_says_what_to_do_in_one_line(tmp_path: Path):
    with pytest.raises(ApiMisconfigured, match="set DATABASE_URL"):
        create_app(Settings(state_dir=tmp_path))
    env = {"PATH": os.environ["PATH"], "TRIMTAB_STATE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "trimtab.server"], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("trimtab: set DATABASE_URL")
