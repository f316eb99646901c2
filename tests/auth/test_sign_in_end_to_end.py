"""A person signs in, an integrator fetches a token, and the API's verifier accepts both by real discovery."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.auth.server_on_loopback import (
    INTEGRATOR_SECRET,
    PASSWORD,
    REDIRECT,
    RunningServer,
    a_running_server,
    an_overlay_manager,
)
from trimtab.auth import token_errors as refused
from trimtab.auth.client import SignInFailed, Tokens, client_credentials, refresh, sign_in
from trimtab.auth.matrix import Role
from trimtab.auth.tokens import TokenVerifier

ANN = "ann@firm-a.example"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with a_running_server(tmp_path_factory.mktemp("keys")) as server:
        yield server


@pytest.fixture(autouse=True)
def everybody_is_active_again(server: RunningServer) -> Iterator[None]:
    yield
    server.people.people["person-ann"] = an_overlay_manager()
    server.late_by[0] = 0.0


@pytest.fixture
async def verifier(server: RunningServer) -> AsyncIterator[TokenVerifier]:
    class Revocations:
        async def is_revoked(self, session_id: str) -> bool:
            return server.grants.is_revoked(session_id)

    async with httpx.AsyncClient() as http:
        yield TokenVerifier([server.issuer_settings], server.directory, http, revocations=Revocations())


async def ann_signs_in(server: RunningServer, client_id: str = "dashboard") -> Tokens:
    return await sign_in(server.url, ANN, PASSWORD, client_id, REDIRECT)


async def test_a_person_signs_in_and_the_api_knows_who_it_is(server, verifier):
    tokens = await ann_signs_in(server)
    principal = await verifier.principal(tokens.access_token)
    assert principal.person_id == "person-ann"
    assert principal.firm_id == "firm-a"
    assert principal.roles == {Role.OVERLAY_MANAGER}
    assert principal.client_id == "dashboard"
    assert tokens.expires_in == 600


async def test_an_integrator_gets_a_token_with_its_scopes(server, verifier):
    tokens = await client_credentials(server.url, "warehouse", INTEGRATOR_SECRET)
    principal = await verifier.principal(tokens.access_token)
    assert principal.roles == {Role.INTEGRATOR}
    assert principal.firm_id == "firm-a"
    assert principal.scopes == {"accounts:read", "events:read"}
    assert tokens.refresh_token is None
    narrow = await client_credentials(server.url, "warehouse", INTEGRATOR_SECRET, scope="events:read")
    assert (await verifier.principal(narrow.access_token)).scopes == {"events:read"}


async def test_the_id_token_is_no_access_token(server, verifier):
    tokens = await ann_signs_in(server)
    assert tokens.id_token is not None
    with pytest.raises(refused.TokenTypeRefused):
        await verifier.principal(tokens.id_token)


async def test_refresh_tokens_rotate_and_the_roles_are_read_again(server, verifier):
    first = await ann_signs_in(server)
    ann = an_overlay_manager(roles=frozenset({"overlay_manager", "compliance"}))
    server.people.people["person-ann"] = ann
    second = await refresh(server.url, first.refresh_token or "", "dashboard")
    assert second.refresh_token not in {None, first.refresh_token}
    principal = await verifier.principal(second.access_token)
    assert principal.roles == {Role.OVERLAY_MANAGER, Role.COMPLIANCE}


async def test_using_a_refresh_token_twice_ends_the_whole_sign_in(server, verifier):
    first = await ann_signs_in(server)
    second = await refresh(server.url, first.refresh_token or "", "dashboard")
    assert await verifier.principal(second.access_token)
    with pytest.raises(SignInFailed, match="invalid_grant"):
        await refresh(server.url, first.refresh_token or "", "dashboard")
    with pytest.raises(SignInFailed, match="invalid_grant"):
        await refresh(server.url, second.refresh_token or "", "dashboard")
    with pytest.raises(refused.SessionRevoked):
        await verifier.principal(second.access_token)


async def test_one_sign_in_ending_leaves_another_alone(server, verifier):
    one, other = await ann_signs_in(server), await ann_signs_in(server)
    async with httpx.AsyncClient() as http:
        form = {"token": one.refresh_token, "client_id": "dashboard"}
        assert (await http.post(f"{server.url}/oauth/revoke", data=form)).status_code == 200
    with pytest.raises(refused.SessionRevoked):
        await verifier.principal(one.access_token)
    assert await verifier.principal(other.access_token)


async def test_a_disabled_person_gets_no_new_tokens(server):
    tokens = await ann_signs_in(server)
    server.people.people["person-ann"] = replace(an_overlay_manager(), active=False)
    with pytest.raises(SignInFailed, match="invalid_grant"):
        await refresh(server.url, tokens.refresh_token or "", "dashboard")
    with pytest.raises(SignInFailed, match="wrong"):
        await ann_signs_in(server)


async def test_a_sign_in_ends_after_twelve_hours_however_often_it_was_refreshed(server):
    tokens = await ann_signs_in(server)
    server.late_by[0] = 12 * 3600 - 5
    tokens = await refresh(server.url, tokens.refresh_token or "", "dashboard")
    server.late_by[0] = 12 * 3600 + 5
    with pytest.raises(SignInFailed, match="invalid_grant"):
        await refresh(server.url, tokens.refresh_token or "", "dashboard")


async def test_a_refresh_token_belongs_to_the_client_that_got_it(server):
    tokens = await ann_signs_in(server)
    with pytest.raises(SignInFailed, match="invalid_grant"):
        await refresh(server.url, tokens.refresh_token or "", "other-dashboard")
    assert await refresh(server.url, tokens.refresh_token or "", "dashboard")


@pytest.mark.parametrize(
    ("username", "password"),
    [(ANN, "wrong"), ("nobody@firm-a.example", PASSWORD), ("", ""), (ANN + "\x00", PASSWORD), (ANN, "x" * 2000)],
)
async def test_a_wrong_name_or_password_gives_one_and_the_same_answer(tmp_path: Path, username, password):
    with a_running_server(tmp_path) as server:
        with pytest.raises(SignInFailed) as fault:
            await sign_in(server.url, username, password, "dashboard", REDIRECT)
        assert str(fault.value) == "refused: Username or password is wrong."


async def test_tokens_stay_out_of_logs(server):
    tokens = await ann_signs_in(server)
    assert tokens.access_token not in repr(tokens)
    assert (tokens.refresh_token or "-") not in repr(tokens)
