"""What a good token says about its bearer, for several identity providers, and how keys are fetched."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from joserfc.jwk import OctKey, OKPKey, RSAKey

from tests.auth.directory import AClient, APerson, Directory
from tests.auth.issuer_on_loopback import API, LoopbackIssuer, a_loopback_issuer, an_ec_key
from trimtab.auth import token_errors as refused
from trimtab.auth.matrix import Role
from trimtab.auth.tokens import IssuerSettings, TokenVerifier

ANN = APerson("ann", roles=frozenset({"overlay_manager", "compliance"}), book="advisor-7")
ROOT = APerson("root", roles=frozenset({"administrator"}))


@pytest.fixture
def issuer() -> Iterator[LoopbackIssuer]:
    with a_loopback_issuer() as issuer:
        yield issuer


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as http:
        yield http


@pytest.fixture
def settings(issuer: LoopbackIssuer) -> IssuerSettings:
    return IssuerSettings(issuer=issuer.url, audiences=(API,))


async def test_a_person_has_the_roles_that_both_the_token_and_the_file_give(issuer, settings, http):
    verifier = TokenVerifier([settings], Directory(ANN), http)
    exp = int(time.time()) + 300
    principal = await verifier.principal(
        issuer.token(exp=exp, roles=["overlay_manager", "advisor", "integrator", "king", 7], sid="s-1")
    )
    assert principal.roles == {Role.OVERLAY_MANAGER}
    assert principal.book == "advisor-7"
    assert principal.client_id == "dashboard"
    assert principal.session_id == "s-1"
    assert principal.expires_at == datetime.fromtimestamp(exp + 30, UTC)


async def test_an_integrator_has_the_scopes_that_both_the_token_and_the_file_give(issuer, settings, http):
    verifier = TokenVerifier([settings], Directory(AClient("warehouse")), http)
    principal = await verifier.principal(
        issuer.token(sub="warehouse", client_id="warehouse", scope="accounts:read feeds:write", roles=None)
    )
    assert principal.person_id is None
    assert principal.roles == {Role.INTEGRATOR}
    assert principal.scopes == {"accounts:read"}


async def test_a_client_whose_id_is_a_persons_subject_does_not_become_that_person(issuer, settings, http):
    verifier = TokenVerifier([settings], Directory(ANN), http)
    with pytest.raises(refused.PersonUnknown):
        await verifier.principal(issuer.token(sub="ann", client_id="ann"))


@pytest.mark.parametrize(
    ("paths", "claims"),
    [
        (("realm_access.roles",), {"realm_access": {"roles": ["pm"]}}),
        (("resource_access.trim.tab.roles",), {"resource_access": {"trim.tab": {"roles": ["pm"]}}}),
        (("https://idp.example/roles",), {"https://idp.example/roles": ["pm"]}),
        (("groups", "scp"), {"scp": "pm other"}),
        (("roles",), {"roles": "pm"}),
    ],
)
async def test_roles_are_found_where_identity_providers_put_them(issuer, settings, http, paths, claims):
    mapped = replace(settings, roles_claim=paths, role_map={"pm": Role.OVERLAY_MANAGER})
    verifier = TokenVerifier([mapped], Directory(ANN), http)
    principal = await verifier.principal(issuer.token(**{"roles": None, **claims}))
    assert principal.roles == {Role.OVERLAY_MANAGER}


@pytest.mark.parametrize("claims", [{"roles": None}, {"roles": {"a": 1}}, {"roles": 7}, {"roles": []}])
async def test_a_token_without_roles_gives_none(issuer, settings, http, claims):
    principal = await TokenVerifier([settings], Directory(ANN), http).principal(issuer.token(**claims))
    assert principal.roles == frozenset()


async def test_without_a_roles_claim_the_roles_on_file_count(issuer, settings, http):
    by_file = replace(settings, roles_claim=(), firm_claim=None)
    principal = await TokenVerifier([by_file], Directory(ANN), http).principal(issuer.token(firm="x"))
    assert principal.roles == {Role.OVERLAY_MANAGER, Role.COMPLIANCE}
    assert principal.firm_id == "firm-a"


async def test_a_token_as_keycloak_sends_it_passes_where_plain_jwts_are_accepted(issuer, settings, http):
    keycloak = replace(settings, require_at_jwt=False, roles_claim=("realm_access.roles",))
    token = issuer.token(
        {"typ": "JWT"},
        client_id=None,
        azp="web",
        typ="Bearer",
        aud=["account", API],
        realm_access={"roles": ["compliance"]},
    )
    principal = await TokenVerifier([keycloak], Directory(ANN), http).principal(token)
    assert (principal.roles, principal.client_id) == ({Role.COMPLIANCE}, "web")


async def test_an_administrator_may_act_on_behalf_where_the_issuer_may_say_so(issuer, settings, http):
    opened = replace(settings, allow_on_behalf=True)
    verifier = TokenVerifier([opened], Directory(ANN, ROOT), http)
    principal = await verifier.principal(issuer.token(act={"sub": "root", "reason": "ticket 4711"}))
    assert principal.persons == {"ann", "root"}
    assert principal.actor is not None
    assert principal.actor.roles == {Role.ADMINISTRATOR}
    assert principal.actor.expires_at - principal.actor.started_at == timedelta(seconds=300)
    for act in ({"sub": "root", "act": {"sub": "ann"}}, {"sub": 1}, "root", {}):
        with pytest.raises(refused.TokenClaimRefused):
            await verifier.principal(issuer.token(act=act))


async def test_nobody_acts_on_behalf_of_a_machine_client(issuer, settings, http):
    opened = replace(settings, allow_on_behalf=True)
    verifier = TokenVerifier([opened], Directory(AClient("warehouse"), ROOT), http)
    with pytest.raises(refused.TokenClaimRefused):
        await verifier.principal(
            issuer.token(sub="warehouse", client_id="warehouse", act={"sub": "root", "reason": "x"})
        )


async def test_a_token_of_an_ended_sign_in_is_refused(issuer, settings, http):
    class Ended:
        async def is_revoked(self, session_id: str) -> bool:
            return session_id == "s-1"

    verifier = TokenVerifier([settings], Directory(ANN), http, revocations=Ended())
    assert await verifier.principal(issuer.token(sid="s-2"))
    with pytest.raises(refused.SessionRevoked):
        await verifier.principal(issuer.token(sid="s-1"))


async def test_clock_skew_within_the_leeway_is_forgiven_and_beyond_it_is_not(issuer, settings, http):
    verifier = TokenVerifier([settings], Directory(ANN), http)
    now = int(time.time())
    assert await verifier.principal(issuer.token(exp=now - 20, nbf=now + 20, iat=now + 20))
    with pytest.raises(refused.TokenExpired):
        await verifier.principal(issuer.token(exp=now - 31))
    with pytest.raises(refused.TokenNotYetValid):
        await verifier.principal(issuer.token(nbf=now + 40))


# Keys


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RS256", RSAKey.generate_key(2048, parameters={"kid": "rsa"})),
        ("PS256", RSAKey.generate_key(2048, parameters={"kid": "rsa"})),
        ("Ed25519", OKPKey.generate_key("Ed25519", parameters={"kid": "ed"})),
    ],
    ids=["RS256", "PS256", "Ed25519"],
)
async def test_other_asymmetric_algorithms_serve_when_they_are_allowed(issuer, settings, http, algorithm, key):
    issuer.publish(issuer.key, key)
    token = issuer.token({"alg": algorithm, "kid": key.kid}, key=key)
    allowed = TokenVerifier([replace(settings, algorithms=(algorithm,))], Directory(ANN), http)
    assert await allowed.principal(token)
    with pytest.raises(refused.TokenAlgorithmRefused):
        await TokenVerifier([settings], Directory(ANN), http).principal(token)


async def test_the_issuer_is_asked_once_for_many_tokens(issuer, settings, http):
    verifier = TokenVerifier([settings], Directory(ANN), http)
    for _ in range(20):
        await verifier.principal(issuer.token())
    assert dict(issuer.asked) == {"/.well-known/openid-configuration": 1, "/jwks": 1}


async def test_a_new_key_is_found_and_made_up_key_ids_ask_the_issuer_twice_a_minute_at_most(issuer, settings, http):
    seconds = [0.0]
    verifier = TokenVerifier([settings], Directory(ANN), http, monotonic=lambda: seconds[0])
    await verifier.principal(issuer.token())
    new = an_ec_key("key-2")
    issuer.publish(issuer.key, new)
    rotated = issuer.token({"kid": "key-2"}, key=new)
    with pytest.raises(refused.TokenKeyUnknown):
        await verifier.principal(rotated)
    assert issuer.asked["/jwks"] == 1
    seconds[0] = 30.0
    assert await verifier.principal(rotated)
    for attempt in range(10):
        with pytest.raises(refused.TokenKeyUnknown):
            await verifier.principal(issuer.token({"kid": f"made-up-{attempt}"}))
    assert issuer.asked["/jwks"] == 2


async def test_a_withdrawn_key_is_forgotten_within_ten_minutes(issuer, settings, http):
    seconds = [0.0]
    verifier = TokenVerifier([settings], Directory(ANN), http, monotonic=lambda: seconds[0])
    await verifier.principal(issuer.token())
    issuer.publish(an_ec_key("key-2"))
    seconds[0] = 601.0
    with pytest.raises(refused.TokenKeyUnknown):
        await verifier.principal(issuer.token())


async def test_known_keys_serve_through_an_outage_of_an_hour_and_no_longer(issuer, settings, http):
    seconds = [0.0]
    verifier = TokenVerifier([settings], Directory(ANN), http, monotonic=lambda: seconds[0])
    await verifier.principal(issuer.token())
    issuer.documents.clear()
    seconds[0] = 3600.0
    assert await verifier.principal(issuer.token())
    seconds[0] = 3640.0
    with pytest.raises(refused.IssuerUnavailable):
        await verifier.principal(issuer.token())


async def test_a_token_without_a_key_id_serves_while_the_issuer_has_one_key(issuer, settings, http):
    verifier = TokenVerifier([settings], Directory(ANN), http)
    assert await verifier.principal(issuer.token({"kid": None}))
    issuer.publish(issuer.key, an_ec_key("key-2"))
    fresh = TokenVerifier([settings], Directory(ANN), http)
    with pytest.raises(refused.TokenKeyUnknown):
        await fresh.principal(issuer.token({"kid": None}))


async def test_keys_for_encryption_secrets_and_unknown_kinds_are_ignored(issuer, settings, http):
    issuer.documents["/jwks"] = {
        "keys": [
            {"kty": "AKP", "kid": "post-quantum"},
            {"kty": "EC", "crv": "P-256", "x": "broken", "y": "broken"},
            {**an_ec_key("enc").as_dict(private=False), "use": "enc"},
            OctKey.generate_key(256, parameters={"kid": "secret"}).as_dict(private=True),
            {"kty": "RSA", "n": "AQAB" * 40, "e": "AQAB", "kid": "short"},
            "text",
            issuer.key.as_dict(private=False),
        ]
    }
    verifier = TokenVerifier([settings], Directory(ANN), http)
    assert await verifier.principal(issuer.token({"kid": None}))


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/.well-known/openid-configuration", b"<html>"),
        ("/.well-known/openid-configuration", ["not", "an", "object"]),
        ("/.well-known/openid-configuration", b"[" * 100_000),
        ("/.well-known/openid-configuration", None),
        ("/jwks", {"keys": "none"}),
        ("/jwks", {"keys": []}),
        ("/jwks", b" " * (256 * 1024 + 1)),
    ],
)
async def test_an_issuer_with_broken_documents_is_unavailable(issuer, settings, http, path, document):
    issuer.documents[path] = document
    verifier = TokenVerifier([settings], Directory(ANN), http)
    with pytest.raises(refused.IssuerUnavailable) as fault:
        await verifier.principal(issuer.token())
    assert fault.value.transient


@pytest.mark.parametrize("jwks_uri", ["http://idp.example/jwks", "file:///etc/passwd", None, 7])
async def test_keys_are_not_asked_for_at_an_unsafe_place(issuer, settings, jwks_uri):
    issuer.documents["/.well-known/openid-configuration"]["jwks_uri"] = jwks_uri
    asked: list[str] = []

    async def note(request: httpx.Request) -> None:
        asked.append(str(request.url))

    async with httpx.AsyncClient(event_hooks={"request": [note]}) as http:
        with pytest.raises(refused.IssuerUnavailable):
            await TokenVerifier([settings], Directory(ANN), http).principal(issuer.token())
    assert asked == [f"{issuer.url}/.well-known/openid-configuration"]


async def test_a_discovery_document_of_another_issuer_is_not_believed(issuer, settings, http):
    issuer.documents["/.well-known/openid-configuration"]["issuer"] = "https://other.example"
    with pytest.raises(refused.IssuerUnavailable, match="names another issuer"):
        await TokenVerifier([settings], Directory(ANN), http).principal(issuer.token())


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks"])
async def test_redirects_are_not_followed_even_by_a_client_that_would(issuer, settings, path):
    issuer.documents["/moved"] = issuer.documents[path]
    issuer.documents[path] = f"{issuer.url}/moved"
    async with httpx.AsyncClient(follow_redirects=True) as http:
        with pytest.raises(refused.IssuerUnavailable, match="302"):
            await TokenVerifier([settings], Directory(ANN), http).principal(issuer.token())


async def test_an_issuer_that_starts_late_is_asked_again_after_five_seconds(issuer, settings, http):
    seconds = [0.0]
    discovery = issuer.documents.pop("/.well-known/openid-configuration")
    verifier = TokenVerifier([settings], Directory(ANN), http, monotonic=lambda: seconds[0])
    for _ in range(5):
        with pytest.raises(refused.IssuerUnavailable):
            await verifier.principal(issuer.token())
    assert issuer.asked["/.well-known/openid-configuration"] == 1
    issuer.documents["/.well-known/openid-configuration"] = discovery
    seconds[0] = 5.0
    assert await verifier.principal(issuer.token())


# Settings


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "http://idp.example"},
        {"issuer": "ftp://127.0.0.1"},
        {"audiences": ()},
        {"audiences": ("",)},
        {"algorithms": ()},
        {"algorithms": ("ES256", "HS256")},
        {"algorithms": ("none",)},
        {"leeway": timedelta(seconds=61)},
        {"leeway": timedelta(seconds=-1)},
        {"max_lifetime": timedelta(0)},
    ],
    ids=str,
)
def test_unsafe_settings_are_refused(change):
    good = IssuerSettings(issuer="https://idp.example", audiences=(API,))
    with pytest.raises(refused.InvalidIssuerSettings):
        replace(good, **change)


async def test_an_issuer_configured_twice_is_refused(settings, http):
    with pytest.raises(refused.InvalidIssuerSettings):
        TokenVerifier([settings, settings], Directory(), http)
