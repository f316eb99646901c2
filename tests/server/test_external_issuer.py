"""The API behind a firm's own identity provider: its tokens count, the built-in ones do not exist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from tests.auth.issuer_on_loopback import API, a_loopback_issuer
from tests.server.running import RunningApi, a_running_api
from tests.servers import FreshDatabase
from trimtab.settings import OidcIssuer

VIEWER = {"query": "{ viewer { firmId roles person { name } } }"}


async def ask(running: RunningApi, token: str) -> tuple[int, Any]:
    async with httpx.AsyncClient(base_url=running.url) as http:
        answer = await http.post("/graphql", json=VIEWER, headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.json()


async def test_a_person_on_file_is_let_in_with_the_roles_of_token_and_file(database: FreshDatabase, tmp_path: Path):
    with a_loopback_issuer() as provider:
        issuer = OidcIssuer(
            issuer=provider.url, audiences=(API,), roles_claims=("groups",), role_map={"pm": "overlay_manager"}
        )
        with a_running_api(database, tmp_path, oidc_issuers=(issuer,)) as running:
            status, body = await ask(running, provider.token(sub="olga", groups=["pm", "other"], roles=None))
            assert (status, body["data"]["viewer"]["roles"]) == (200, ["overlay_manager"])
            assert body["data"]["viewer"]["person"] == {"name": "Olga"}
            refused = {
                "another firm": provider.token(sub="olga", groups=["pm"], firm="firm-b"),
                "nobody": provider.token(sub="stranger", groups=["pm"]),
                "another audience": provider.token(sub="olga", groups=["pm"], aud="https://else.example/"),
                "no signature": provider.token(sub="olga", groups=["pm"])[:-10] + "AAAAAAAAAA",
            }
            for why, token in refused.items():
                status, body = await ask(running, token)
                assert (status, body["data"]) == (401, None), why


async def test_while_the_providers_keys_cannot_be_had_it_says_so(database: FreshDatabase, tmp_path: Path):
    with a_loopback_issuer() as provider:
        del provider.documents["/jwks"]
        issuer = OidcIssuer(issuer=provider.url, audiences=(API,))
        with a_running_api(database, tmp_path, oidc_issuers=(issuer,)) as running:
            status, body = await ask(running, provider.token(sub="olga"))
    assert (status, body["errors"][0]["extensions"]["code"]) == (503, "ISSUER_UNAVAILABLE")
