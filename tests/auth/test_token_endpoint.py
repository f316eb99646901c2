"""The token and revocation endpoints: codes once and in time, bound to client, verifier and address."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.auth.browser import Browser, a_browser
from tests.auth.server_on_loopback import AUDIENCE, INTEGRATOR_SECRET, RunningServer, a_running_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with a_running_server(tmp_path_factory.mktemp("keys")) as server:
        yield server


@pytest.fixture
async def browser(server: RunningServer) -> AsyncIterator[Browser]:
    async with httpx.AsyncClient() as http:
        yield a_browser(server, http)
    server.late_by[0] = 0.0


def error_of(answer: httpx.Response) -> str:
    assert answer.status_code in {400, 401}, answer.text
    return str(answer.json()["error"])


def parts_of(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims, _ = token.split(".")
    return tuple(json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, claims))  # type: ignore[return-value]


async def test_an_access_token_follows_rfc_9068(server, browser):
    answer = await browser.redeem(await browser.code())
    assert answer.headers["Cache-Control"] == "no-store"
    header, claims = parts_of(answer.json()["access_token"])
    assert (header["alg"], header["typ"]) == ("ES256", "at+jwt")
    assert header["kid"]
    assert claims["iss"] == server.url
    assert claims["aud"] == AUDIENCE
    assert claims["sub"] == "person-ann"
    assert claims["client_id"] == "dashboard"
    assert claims["firm"] == "firm-a"
    assert claims["roles"] == ["overlay_manager"]
    assert claims["exp"] - claims["iat"] == 600
    assert abs(claims["iat"] - time.time()) < 5
    assert claims["jti"]
    assert claims["sid"]


async def test_an_id_token_is_for_the_client_and_carries_its_nonce(server, browser):
    answer = (await browser.redeem(await browser.code())).json()
    keys = KeySet.import_key_set((await browser.http.get(f"{server.url}/oauth/jwks.json")).json())
    token = jwt.decode(answer["id_token"], keys, algorithms=["ES256"])
    assert token.header["typ"] == "JWT"
    assert token.claims["aud"] == "dashboard"
    assert token.claims["nonce"] == "nonce-1"
    assert token.claims["exp"] - token.claims["iat"] == 600
    assert token.claims["at_hash"]


async def test_two_tokens_never_share_an_id(browser):
    tokens = [(await browser.redeem(await browser.code())).json()["access_token"] for _ in range(2)]
    assert len({parts_of(token)[1]["jti"] for token in tokens}) == 2


# Codes


async def test_a_code_used_twice_is_refused_and_ends_the_tokens_of_its_first_use(server, browser):
    code = await browser.code()
    first = (await browser.redeem(code)).json()
    assert error_of(await browser.redeem(code)) == "invalid_grant"
    assert server.grants.is_revoked(parts_of(first["access_token"])[1]["sid"])
    refreshed = await browser.token(
        grant_type="refresh_token", client_id="dashboard", refresh_token=first["refresh_token"]
    )
    assert error_of(refreshed) == "invalid_grant"


async def test_of_many_who_use_a_code_at_the_same_time_one_at_most_gets_tokens(browser):
    code = await browser.code()
    answers = await asyncio.gather(*(browser.redeem(code) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 9


async def test_a_code_expires_after_sixty_seconds(server, browser):
    code = await browser.code()
    server.late_by[0] = 61.0
    assert error_of(await browser.redeem(code)) == "invalid_grant"


@pytest.mark.parametrize("verifier", [None, "", "x" * 43, "x" * 42, "x" * 129, "é" * 43])
async def test_a_code_needs_its_verifier_and_a_wrong_one_uses_it_up(browser, verifier):
    code = await browser.code()
    assert error_of(await browser.redeem(code, code_verifier=verifier)) in {"invalid_grant", "invalid_request"}
    assert error_of(await browser.redeem(code)) == "invalid_grant"


async def test_the_challenge_itself_is_not_the_verifier(browser):
    code = await browser.code()
    challenge = dict(browser.query())["code_challenge"]
    assert error_of(await browser.redeem(code, code_verifier=challenge)) == "invalid_grant"


@pytest.mark.parametrize("redirect_uri", [None, "http://127.0.0.1:5173/other", ""])
async def test_a_code_needs_the_address_for_which_it_was_given(browser, redirect_uri):
    assert error_of(await browser.redeem(await browser.code(), redirect_uri=redirect_uri)) == "invalid_grant"


async def test_another_client_cannot_use_a_code_nor_use_it_up(browser):
    code = await browser.code()
    assert error_of(await browser.redeem(code, client_id="other-dashboard")) == "invalid_grant"
    assert (await browser.redeem(code)).status_code == 200


@pytest.mark.parametrize("code", ["", "unknown", "x" * 5000, "' OR 1=1 --"])
async def test_a_made_up_code_is_refused(browser, code):
    assert error_of(await browser.redeem(code)) in {"invalid_grant", "invalid_request"}


async def test_codes_and_refresh_tokens_are_stored_as_digests_only(server, browser):
    code = await browser.code()
    refresh_token = (await browser.redeem(code)).json()["refresh_token"]
    stored = repr(vars(server.grants))
    assert code not in stored
    assert refresh_token not in stored


# Refresh


async def test_a_refresh_may_ask_for_less_but_never_for_more(server, browser):
    first = (await browser.redeem(await browser.code())).json()
    more = await browser.token(
        grant_type="refresh_token",
        client_id="dashboard",
        refresh_token=first["refresh_token"],
        scope="openid accounts:read",
    )
    assert error_of(more) == "invalid_scope"


async def test_the_successor_of_a_narrow_refresh_keeps_what_the_person_granted(browser):
    first = (await browser.redeem(await browser.code(scope=None))).json()
    assert first["scope"] == "offline openid"
    narrow = await browser.token(
        grant_type="refresh_token", client_id="dashboard", refresh_token=first["refresh_token"], scope="openid"
    )
    assert narrow.json()["scope"] == "openid"
    wide = await browser.token(
        grant_type="refresh_token", client_id="dashboard", refresh_token=narrow.json()["refresh_token"]
    )
    assert wide.json()["scope"] == "offline openid"


# Clients


async def test_a_confidential_application_needs_its_secret_and_its_verifier(server, browser):
    code = await browser.code(client_id="web-application")
    refused = await browser.redeem(code, client_id="web-application")
    assert error_of(refused) == "invalid_client"
    secret = {"client_id": "web-application", "client_secret": INTEGRATOR_SECRET}
    assert (await browser.redeem(code, **secret)).status_code == 200
    other = await browser.code(client_id="web-application")
    assert error_of(await browser.redeem(other, **secret, code_verifier=None)) == "invalid_request"


def basic(name: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("warehouse", "wrong"),
        basic("warehouse", ""),
        basic("unknown", INTEGRATOR_SECRET),
        basic("dashboard", INTEGRATOR_SECRET),
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode()},
        {"Authorization": "Basic " + base64.b64encode(b"ware\x00house:x").decode()},
        {"Authorization": "Bearer abc"},
    ],
    ids=["none", "wrong", "empty", "unknown", "public", "no base64", "no text", "control", "bearer"],
)
async def test_client_credentials_need_the_right_secret(server, browser, headers):
    answer = await browser.http.post(
        f"{server.url}/oauth/token", data={"grant_type": "client_credentials"}, headers=headers
    )
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


async def test_a_public_client_gets_nothing_by_client_credentials(browser):
    answer = await browser.token(grant_type="client_credentials", client_id="dashboard")
    assert error_of(answer) == "invalid_client"


async def test_an_integrator_gets_no_scope_beyond_its_own(server, browser):
    answer = await browser.http.post(
        f"{server.url}/oauth/token",
        data={"grant_type": "client_credentials", "scope": "accounts:read feeds:write"},
        headers=basic("warehouse", INTEGRATOR_SECRET),
    )
    assert error_of(answer) == "invalid_scope"


@pytest.mark.parametrize(
    "grant_type", ["password", "implicit", "", None, "urn:ietf:params:oauth:grant-type:token-exchange"]
)
async def test_other_grants_are_not_offered(browser, grant_type):
    answer = await browser.token(
        grant_type=grant_type, client_id="dashboard", username="ann@firm-a.example", password="x"
    )
    assert error_of(answer) == "unsupported_grant_type"


# The form of requests


async def test_parameters_in_the_address_do_not_count(server, browser):
    code = await browser.code()
    answer = await browser.http.post(
        f"{server.url}/oauth/token?code={code}&client_id=dashboard",
        data={"grant_type": "authorization_code", "code_verifier": browser.verifier},
    )
    assert error_of(answer) == "invalid_client"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        ("grant_type=refresh_token&grant_type=password", "application/x-www-form-urlencoded"),
        ("grant_type=refresh_token&client_id=%00", "application/x-www-form-urlencoded"),
        ("grant_type=%ff", "application/x-www-form-urlencoded"),
        ("&".join(f"a{n}=1" for n in range(50)), "application/x-www-form-urlencoded"),
        ("a=" + "x" * 17_000, "application/x-www-form-urlencoded"),
        ('{"grant_type": "refresh_token"}', "application/json"),
    ],
    ids=["repeated", "control", "encoding", "many", "large", "json"],
)
@pytest.mark.parametrize("path", ["token", "revoke"])
async def test_odd_requests_are_refused(server, browser, path, content, content_type):
    answer = await browser.http.post(
        f"{server.url}/oauth/{path}", content=content, headers={"Content-Type": content_type}
    )
    assert error_of(answer) == "invalid_request"


async def test_tokens_are_not_given_by_get(server, browser):
    assert (await browser.http.get(f"{server.url}/oauth/token")).status_code == 405


# Revocation


async def test_revoking_an_access_token_ends_its_sign_in(server, browser):
    token = (await browser.redeem(await browser.code())).json()["access_token"]
    form = {"token": token, "client_id": "dashboard", "token_type_hint": "access_token"}
    assert (await browser.http.post(f"{server.url}/oauth/revoke", data=form)).status_code == 200
    assert server.grants.is_revoked(parts_of(token)[1]["sid"])


async def test_another_clients_tokens_cannot_be_revoked(server, browser):
    tokens = (await browser.redeem(await browser.code())).json()
    for token in (tokens["access_token"], tokens["refresh_token"]):
        form = {"token": token, "client_id": "other-dashboard"}
        assert (await browser.http.post(f"{server.url}/oauth/revoke", data=form)).status_code == 200
    assert not server.grants.is_revoked(parts_of(tokens["access_token"])[1]["sid"])


@pytest.mark.parametrize("token", ["unknown", "a.b.c", "x" * 9000])
async def test_revoking_what_is_no_token_is_no_error(server, browser, token):
    form = {"token": token, "client_id": "dashboard"}
    assert (await browser.http.post(f"{server.url}/oauth/revoke", data=form)).status_code == 200
