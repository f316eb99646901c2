"""Where the built-in authorization server may run, its key file, its documents, passwords and the throttle."""

from __future__ import annotations

import json
import stat
import threading
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from tests.auth.server_on_loopback import (
    PASSWORD,
    PASSWORD_HASH,
    REDIRECT,
    AnOAuthClient,
    ClientDirectory,
    SignInDirectory,
    a_running_server,
    an_overlay_manager,
)
from trimtab.auth.authorization_server import (
    AuthorizationServerRefused,
    AuthorizationServerSettings,
    InMemoryGrants,
    Lifetimes,
    SigningKeyUnsafe,
    authorization_server,
    new_client_secret,
)
from trimtab.auth.authorization_server.passwords import (
    SignInThrottle,
    client_secret_matches,
    password_matches,
)
from trimtab.auth.authorization_server.signing import signing_keys
from trimtab.auth.client import SignInFailed, client_credentials, code_in, sign_in


def settings(folder: Path, **changes: object) -> AuthorizationServerSettings:
    values = {
        "issuer": "http://127.0.0.1:8000",
        "audience": "trimtab-api",
        "bind_host": "127.0.0.1",
        "signing_key_path": folder / "key.json",
        **changes,
    }
    return AuthorizationServerSettings(**values)  # type: ignore[arg-type]


def an_app(folder: Path) -> FastAPI:
    app = FastAPI()
    clients = ClientDirectory(AnOAuthClient("dashboard"))
    app.include_router(
        authorization_server(settings(folder), SignInDirectory(an_overlay_manager()), clients, InMemoryGrants())
    )
    return app


# This machine only


@pytest.mark.parametrize("bind_host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_it_runs_on_loopback(tmp_path, bind_host):
    assert settings(tmp_path, bind_host=bind_host).bind_host == bind_host


@pytest.mark.parametrize(
    "changes",
    [
        {"bind_host": "0.0.0.0"},
        {"bind_host": "::"},
        {"bind_host": ""},
        {"bind_host": "192.0.2.1"},
        {"bind_host": "trimtab.example"},
        {"bind_host": "127.0.0.1.example"},
        {"external_issuers": ("https://idp.example",)},
        {"issuer": "https://trimtab.example"},
        {"issuer": "http://127.0.0.1:8000/"},
        {"issuer": "http://localhost.example:8000"},
        {"lifetimes": Lifetimes(access_token=601)},
        {"lifetimes": Lifetimes(code=61)},
        {"lifetimes": Lifetimes(code=0)},
    ],
    ids=str,
)
def test_it_refuses_to_run_elsewhere_beside_another_issuer_or_with_long_lifetimes(tmp_path, changes):
    with pytest.raises(AuthorizationServerRefused):
        settings(tmp_path, **changes)


@pytest.mark.parametrize(
    ("caller", "host", "status"),
    [
        ("127.0.0.1", "127.0.0.1:8000", 200),
        ("::1", "localhost:8000", 200),
        ("127.0.0.1", "[::1]:8000", 200),
        ("192.0.2.7", "127.0.0.1:8000", 403),
        ("127.0.0.1", "evil.example", 403),
        ("127.0.0.1", "127.0.0.1.evil.example", 403),
        ("127.0.0.1", "", 403),
    ],
)
async def test_callers_and_host_names_from_elsewhere_are_refused(tmp_path, caller, host, status):
    transport = httpx.ASGITransport(an_app(tmp_path), client=(caller, 50000))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as http:
        for path in ("/.well-known/openid-configuration", "/oauth/jwks.json"):
            assert (await http.get(path, headers={"Host": host})).status_code == status


# Documents


async def test_both_discovery_documents_say_the_same_and_name_only_what_is_offered(tmp_path):
    transport = httpx.ASGITransport(an_app(tmp_path), client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as http:
        oidc = (await http.get("/.well-known/openid-configuration")).json()
        assert oidc == (await http.get("/.well-known/oauth-authorization-server")).json()
        assert oidc["issuer"] == "http://127.0.0.1:8000"
        assert oidc["response_types_supported"] == ["code"]
        assert oidc["code_challenge_methods_supported"] == ["S256"]
        keys = (await http.get(oidc["jwks_uri"])).json()["keys"]
    assert [(key["kty"], key["crv"], key["alg"], key["use"]) for key in keys] == [("EC", "P-256", "ES256", "sig")]
    assert all("d" not in key for key in keys)


def test_the_endpoints_are_no_part_of_the_apis_schema(tmp_path):
    assert an_app(tmp_path).openapi()["paths"] == {}


# The key file


def test_the_key_file_is_made_once_for_its_owner_only(tmp_path):
    path = tmp_path / "key.json"
    made = signing_keys(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert signing_keys(path).as_dict(private=True) == made.as_dict(private=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["key.json"]


def test_of_many_that_start_together_all_use_the_same_key(tmp_path):
    found: list[str] = []
    starting = threading.Barrier(8)

    def start() -> None:
        starting.wait()
        found.append(json.dumps(signing_keys(tmp_path / "key.json").as_dict(private=True)))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_file_that_others_may_read_is_refused(tmp_path, mode):
    path = tmp_path / "key.json"
    signing_keys(path)
    path.chmod(mode)
    with pytest.raises(SigningKeyUnsafe, match="chmod 600"):
        signing_keys(path)


@pytest.mark.parametrize("public_only", [False, True])
def test_a_file_without_a_private_key_is_refused(tmp_path, public_only):
    path = tmp_path / "key.json"
    document = signing_keys(path).as_dict(private=False) if public_only else {"keys": []}
    path.write_text(json.dumps(document))
    with pytest.raises(SigningKeyUnsafe):
        signing_keys(path)


# Passwords and secrets


def test_passwords_are_kept_as_argon2id_with_a_salt():
    assert PASSWORD_HASH.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert PASSWORD not in PASSWORD_HASH


def test_only_an_active_persons_own_password_matches():
    ann = an_overlay_manager()
    assert password_matches(ann, PASSWORD)
    assert not password_matches(ann, PASSWORD + " ")
    assert not password_matches(None, PASSWORD)
    assert not password_matches(replace(ann, active=False), PASSWORD)
    assert not password_matches(replace(ann, password_hash=""), "")
    assert not password_matches(ann, "x" * 1025)


def test_a_client_secret_matches_only_its_own_hash():
    secret, stored = new_client_secret()
    assert client_secret_matches(stored, secret)
    assert not client_secret_matches(stored, stored)
    assert not client_secret_matches(None, secret)
    assert not client_secret_matches(None, "")
    assert len(secret) == 43


def test_after_five_failures_each_further_one_doubles_the_wait():
    seconds = [1000.0]
    throttle = SignInThrottle(monotonic=lambda: seconds[0])
    assert [throttle.seconds_to_wait("Ann") for _ in range(6)] == [0, 0, 0, 0, 0, 1]
    assert throttle.seconds_to_wait("bob") == 0
    waits = []
    for _ in range(10):
        seconds[0] += (wait := throttle.seconds_to_wait("ann "))
        assert throttle.seconds_to_wait("ANN") == 0
        waits.append(wait)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]


def test_a_success_or_fifteen_quiet_minutes_forget_the_failures():
    seconds = [0.0]
    throttle = SignInThrottle(monotonic=lambda: seconds[0])
    for _ in range(5):
        throttle.seconds_to_wait("ann")
        throttle.seconds_to_wait("bob")
    throttle.succeeded("ann")
    assert throttle.seconds_to_wait("ann") == 0
    assert throttle.seconds_to_wait("bob") == 1
    seconds[0] = 901.0
    assert [throttle.seconds_to_wait("bob") for _ in range(2)] == [0, 0]


def test_many_names_together_are_slowed_down_too_and_do_not_fill_the_memory():
    seconds = [0.0]
    throttle = SignInThrottle(monotonic=lambda: seconds[0])
    assert all(throttle.seconds_to_wait(f"name-{n}") == 0 for n in range(120))
    assert throttle.seconds_to_wait("one more") == 60
    for n in range(20_000):
        seconds[0] += 1.0
        throttle.seconds_to_wait(f"later-{n}")
    assert len(throttle._failures) == 10_000


# The client


@pytest.mark.parametrize(
    "query", ["code=c&state=other&iss=http://127.0.0.1:1", "code=c&state=s&iss=http://evil", "code=c", "state=s"]
)
def test_the_client_takes_no_code_that_is_not_the_answer_to_its_own_request(query):
    answer = httpx.Response(303, headers={"Location": f"{REDIRECT}?{query}"})
    with pytest.raises(SignInFailed, match="foreign_answer"):
        code_in(answer, "http://127.0.0.1:1", "s")


async def test_the_client_says_what_went_wrong(tmp_path):
    with a_running_server(tmp_path) as server:
        for client_id, redirect_uri, error in [
            ("unknown", REDIRECT, "client does not exist"),
            ("dashboard", REDIRECT + "/", "not supported by client"),
        ]:
            with pytest.raises(SignInFailed, match=error):
                await sign_in(server.url, "ann@firm-a.example", PASSWORD, client_id, redirect_uri)
        with pytest.raises(SignInFailed, match="invalid_scope"):
            await sign_in(server.url, "ann@firm-a.example", PASSWORD, "dashboard", REDIRECT, scope="admin")
        with pytest.raises(SignInFailed, match="invalid_client"):
            await client_credentials(server.url, "warehouse", "wrong")
        with pytest.raises(SignInFailed, match="is it an OAuth server"):
            await client_credentials(server.url + "/elsewhere", "warehouse", "wrong")
