"""A reviewer signs in, finds what waits, decides; a program with client credentials sees it happen."""

from __future__ import annotations

import itertools

import httpx
import pytest

from tests.graphql.documents import APPROVE, EVENTS, HISTORY, QUEUE
from tests.server.running import PASSWORD, REDIRECT, RunningApi
from trimtab.auth.client import SignInFailed, refresh, sign_in
from trimtab.db.tables import decision, oauth_grant


async def test_from_the_sign_in_form_to_the_decision_in_the_record(running: RunningApi):
    running.book.add_review("A1")
    headers = {"Authorization": f"Bearer {await running.token('olga')}"}
    async with httpx.AsyncClient(base_url=running.url, headers=headers) as http:
        queue = (await http.post("/graphql", json={"query": QUEUE, "variables": {"first": 10}})).json()["data"]
        (edge,) = queue["reviewQueue"]["edges"]
        seen = edge["node"]
        wish = {
            "accountDayId": seen["id"],
            "proposalHash": seen["proposalHash"],
            "version": seen["version"],
            "idempotencyKey": "approve-A1-1",
        }
        answer = (await http.post("/graphql", json={"query": APPROVE, "variables": {"input": wish}})).json()
        assert answer["data"]["approve"]["__typename"] == "DecisionAccepted"
    headers = {"Authorization": f"Bearer {await running.token('carl')}"}
    async with httpx.AsyncClient(base_url=running.url, headers=headers) as http:
        body = {"query": HISTORY, "variables": {"id": "A1", "first": 1}}
        history = (await http.post("/graphql", json=body)).json()["data"]["account"]["history"]
    (decided,) = history["edges"][0]["node"]["decisions"]
    assert decided["actor"] == {"id": "olga", "name": "Olga"}
    (row,) = running.book.rows(decision)
    assert row.actor_roles == ["overlay_manager"]


async def test_a_program_with_client_credentials_sees_every_event_and_goes_on_after_a_reconnect(running: RunningApi):
    token = await running.integrator_token()
    running.book.add_review("A1")
    last = await running.sequence()
    seen = []
    async with running.socket(token) as socket:
        await socket.subscribe(EVENTS, after=None)
        running.book.add_review("A2")
        total = await running.sequence() - last
        seen += [await socket.next() for _ in range(total - 2)]
    async with running.socket(token) as socket:
        await socket.subscribe(EVENTS, after=seen[-1]["cursor"])
        running.book.add_review("A3")
        total += await running.sequence() - last - total
        seen += [await socket.next() for _ in range(total - len(seen))]
    assert [one["accountId"] for one in seen] == ["A2"] * 4 + ["A3"] * 4
    links = itertools.pairwise(seen)
    assert all(one["cursor"] == following["previous"] for one, following in links)


async def test_a_used_refresh_token_ends_the_sign_in_for_the_api_too(running: RunningApi):
    first = await sign_in(running.url, "olga", PASSWORD, "dashboard", REDIRECT)
    second = await refresh(running.url, first.refresh_token or "", "dashboard")
    body = {"query": "{ viewer { roles } }"}
    async with httpx.AsyncClient(base_url=running.url) as http:
        headers = {"Authorization": f"Bearer {second.access_token}"}
        assert (await http.post("/graphql", json=body, headers=headers)).status_code == 200
        with pytest.raises(SignInFailed, match="invalid_grant"):
            await refresh(running.url, first.refresh_token or "", "dashboard")
        refused = await http.post("/graphql", json=body, headers=headers)
    assert refused.status_code == 401
    assert refused.json()["errors"][0]["extensions"] == {"code": "SESSION_REVOKED"}
    assert all(len(row.token_hash) in (64, 39) for row in running.book.rows(oauth_grant))  # digests, never tokens


async def test_a_code_is_used_once_even_by_the_database(running: RunningApi):
    tokens = await sign_in(running.url, "olga", PASSWORD, "dashboard", REDIRECT)
    assert tokens.refresh_token is not None
    kinds = sorted(row.kind for row in running.book.rows(oauth_grant))
    assert kinds == ["CODE", "REFRESH"]
    (code,) = running.book.rows(oauth_grant, oauth_grant.c.kind == "CODE")
    assert code.used_at is not None


@pytest.mark.parametrize("name", ["nobody", "olga"])
async def test_a_wrong_password_gets_no_further(running: RunningApi, name):
    with pytest.raises(SignInFailed, match="wrong"):
        await sign_in(running.url, name, "not it", "dashboard", REDIRECT)
