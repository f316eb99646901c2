"""Tokens that somebody made up, took from elsewhere or bent: each is refused, for the right reason."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws, jwt

from tests.auth.directory import APerson, Directory
from tests.auth.issuer_on_loopback import API, LoopbackIssuer, a_loopback_issuer, an_ec_key
from trimtab.auth import token_errors as refused
from trimtab.auth.tokens import IssuerSettings, TokenVerifier, bearer


@pytest.fixture
def issuer() -> Iterator[LoopbackIssuer]:
    with a_loopback_issuer() as issuer:
        yield issuer


@pytest.fixture
async def verifier(issuer: LoopbackIssuer) -> AsyncIterator[TokenVerifier]:
    async with httpx.AsyncClient() as http:
        settings = IssuerSettings(issuer=issuer.url, audiences=(API,))
        yield TokenVerifier([settings], Directory(APerson("ann")), http)


def b64(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def test_a_good_token_passes(issuer: LoopbackIssuer, verifier: TokenVerifier):
    principal = await verifier.principal(issuer.token())
    assert (principal.person_id, principal.firm_id) == ("ann", "firm-a")


@pytest.mark.parametrize("spelling", ["none", "None", "NONE", "nOnE", "none ", "\u0000none"])
@pytest.mark.parametrize("signature", ["", "AA"])
async def test_an_unsigned_token_is_refused_in_every_spelling(issuer, verifier, spelling, signature):
    token = f"{b64({'alg': spelling, 'typ': 'at+jwt'})}.{b64(issuer.claims())}.{signature}"
    with pytest.raises((refused.TokenAlgorithmRefused, refused.TokenMalformed)):
        await verifier.principal(token)


async def test_the_public_key_is_no_hmac_secret(issuer, verifier):
    public = issuer.key.get_op_key("verify")
    secrets = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(issuer.key.as_dict(private=False)).encode(),
    ]
    body = f"{b64({'alg': 'HS256', 'typ': 'at+jwt', 'kid': issuer.key.kid})}.{b64(issuer.claims())}"
    for secret in secrets:
        # Signed by hand: joserfc itself refuses to take a public key for a secret.
        signature = hmac.digest(secret, body.encode(), "sha256")
        with pytest.raises(refused.TokenAlgorithmRefused):
            await verifier.principal(f"{body}.{b64(signature)}")


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": {"kty": "EC"}},
        {"jku": "http://127.0.0.1:9/keys"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MIIB"]},
        {"crit": ["exp"], "exp": 1},
        {"crit": ["b64"], "b64": False},
        {"crit": []},
        {"zip": "DEF"},
        {"kid": 7},
        {"kid": "k" * 257},
    ],
    ids=lambda header: "-".join(header),
)
async def test_a_header_that_brings_its_own_key_or_extension_is_refused(issuer, verifier, header):
    head = {"alg": "ES256", "typ": "at+jwt", "kid": issuer.key.kid, **header}
    signature = issuer.token().rpartition(".")[2]
    with pytest.raises(refused.TokenHeaderRefused):
        await verifier.principal(f"{b64(head)}.{b64(issuer.claims())}.{signature}")


async def test_an_embedded_key_that_really_signed_the_token_is_refused(issuer, verifier):
    attacker = an_ec_key("evil")
    token = issuer.token({"jwk": attacker.as_dict(private=False)}, key=attacker)
    with pytest.raises(refused.TokenHeaderRefused):
        await verifier.principal(token)


@pytest.mark.parametrize("kid", ["unknown", "../../dev/null", "' OR 1=1 --", "", "http://127.0.0.1:9/keys"])
async def test_a_key_id_is_only_looked_up_among_the_issuers_keys(issuer, verifier, kid):
    with pytest.raises(refused.TokenKeyUnknown):
        await verifier.principal(issuer.token({"kid": kid}))


async def test_another_key_under_the_issuers_key_id_does_not_verify(issuer, verifier):
    with pytest.raises(refused.TokenSignatureInvalid):
        await verifier.principal(issuer.token(key=an_ec_key("key-1")))


@pytest.mark.parametrize("signature", [bytes(64), b"\x00" * 32 + b"\x01" * 32, b"\x30\x06" * 32, b"x"])
async def test_zero_and_malformed_ecdsa_signatures_do_not_verify(issuer, verifier, signature):
    body = issuer.token().rpartition(".")[0]
    with pytest.raises(refused.TokenSignatureInvalid):
        await verifier.principal(f"{body}.{b64(signature)}")


async def test_changed_claims_do_not_verify(issuer, verifier):
    header, _, signature = issuer.token().split(".")
    forged = issuer.claims(roles=["overlay_manager", "compliance"])
    with pytest.raises(refused.TokenSignatureInvalid):
        await verifier.principal(f"{header}.{b64(forged)}.{signature}")


@dataclass(frozen=True)
class Seconds:
    """An instant this many seconds from when the test runs."""

    from_now: int
    as_text: bool = False


def resolved(value: object) -> object:
    if not isinstance(value, Seconds):
        return value
    instant = int(time.time()) + value.from_now
    return str(instant) if value.as_text else instant


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"exp": Seconds(-3600)}, refused.TokenExpired),
        ({"exp": -1}, refused.TokenExpired),
        ({"exp": None}, refused.TokenClaimRefused),
        ({"exp": Seconds(300, as_text=True)}, refused.TokenClaimRefused),
        ({"exp": True}, refused.TokenClaimRefused),
        ({"exp": ["300"]}, refused.TokenClaimRefused),
        ({"exp": 10**30}, refused.TokenClaimRefused),
        ({"exp": 1e308}, refused.TokenClaimRefused),
        ({"exp": Seconds(3600)}, refused.TokenClaimRefused),
        ({"nbf": Seconds(600)}, refused.TokenNotYetValid),
        ({"iat": Seconds(600)}, refused.TokenNotYetValid),
        ({"aud": "https://other.example/"}, refused.TokenAudienceRefused),
        ({"aud": ["https://other.example/", "x"]}, refused.TokenAudienceRefused),
        ({"aud": []}, refused.TokenAudienceRefused),
        ({"aud": {"value": API}}, refused.TokenAudienceRefused),
        ({"aud": None}, refused.TokenAudienceRefused),
        ({"iss": "https://evil.example"}, refused.TokenIssuerUnknown),
        ({"iss": ["x"]}, refused.TokenIssuerUnknown),
        ({"iss": None}, refused.TokenIssuerUnknown),
        ({"sub": None}, refused.TokenClaimRefused),
        ({"sub": 7}, refused.TokenClaimRefused),
        ({"sub": "a" * 256}, refused.TokenClaimRefused),
        ({"client_id": None}, refused.TokenClaimRefused),
        ({"jti": None}, refused.TokenClaimRefused),
        ({"iat": None}, refused.TokenClaimRefused),
        ({"firm": None}, refused.TokenClaimRefused),
        ({"firm": ["firm-a"]}, refused.TokenClaimRefused),
        ({"firm": "firm-b"}, refused.FirmMismatch),
        ({"sub": "nobody"}, refused.PersonUnknown),
        ({"act": {"sub": "ann"}}, refused.TokenClaimRefused),
    ],
    ids=str,
)
async def test_claims_that_do_not_hold_are_refused(issuer, verifier, changes, error):
    with pytest.raises(error):
        await verifier.principal(issuer.token(**{name: resolved(value) for name, value in changes.items()}))


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "id+jwt", "logout+jwt", "dpop+jwt", ["at+jwt"], 1])
async def test_a_token_that_is_not_an_access_token_is_refused(issuer, verifier, typ):
    head = {"alg": "ES256", "typ": typ, "kid": issuer.key.kid}
    signature = issuer.token().rpartition(".")[2]
    with pytest.raises(refused.TokenTypeRefused):
        await verifier.principal(f"{b64(head)}.{b64(issuer.claims())}.{signature}")


@pytest.mark.parametrize("mark", [{"nonce": "n"}, {"at_hash": "h"}, {"c_hash": "h"}, {"typ": "ID"}, {"typ": "Refresh"}])
async def test_an_id_token_is_no_access_token_even_where_plain_jwts_are_accepted(issuer, mark):
    settings = IssuerSettings(issuer=issuer.url, audiences=(API,), require_at_jwt=False)
    async with httpx.AsyncClient() as http:
        verifier = TokenVerifier([settings], Directory(APerson("ann")), http)
        plain = issuer.token({"typ": "JWT"}, jti=None, client_id=None)
        assert (await verifier.principal(plain)).person_id == "ann"
        with pytest.raises(refused.TokenTypeRefused):
            await verifier.principal(issuer.token({"typ": "JWT"}, **mark))


async def test_a_token_above_8_kb_is_refused_and_one_below_is_not(issuer, verifier):
    assert await verifier.principal(issuer.token(padding="x" * 4000))
    with pytest.raises(refused.TokenTooLarge):
        await verifier.principal(issuer.token(padding="x" * 8000))


def with_payload(issuer: LoopbackIssuer, payload: bytes) -> str:
    """A token with a good signature over exactly these bytes."""
    head = {"alg": "ES256", "typ": "at+jwt", "kid": issuer.key.kid}
    return jws.serialize_compact(head, payload, issuer.key, algorithms=["ES256"])


@pytest.mark.parametrize("repeat", [b'"sub": "ann"', b'"exp": 9999999999', b'"firm": "firm-b"'])
async def test_a_repeated_claim_is_refused_although_the_signature_is_good(issuer, verifier, repeat):
    payload = json.dumps(issuer.claims()).encode()[:-1] + b", " + repeat + b"}"
    with pytest.raises(refused.TokenMalformed):
        await verifier.principal(with_payload(issuer, payload))


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b'"ann"', b"{", b"\xff\xfe", b'{"exp": NaN}', b'{"exp": Infinity}', b"[" * 5000],
)
async def test_a_payload_that_is_not_a_strict_json_object_is_refused(issuer, verifier, payload):
    with pytest.raises(refused.TokenMalformed):
        await verifier.principal(with_payload(issuer, payload))


@pytest.mark.parametrize("whole", ["", ".", "..", "a.b", "a.b.c.d.e", "a.b.c", "é.é.é", "{}", " "])
async def test_what_is_no_token_at_all_is_refused(verifier, whole):
    with pytest.raises(refused.TokenMalformed):
        await verifier.principal(whole)


async def test_the_json_serialization_is_refused(issuer, verifier):
    protected, payload, signature = issuer.token().split(".")
    flattened = json.dumps({"protected": protected, "payload": payload, "signature": signature})
    with pytest.raises(refused.TokenMalformed):
        await verifier.principal(flattened)


async def test_a_disabled_person_is_refused(issuer):
    settings = IssuerSettings(issuer=issuer.url, audiences=(API,))
    async with httpx.AsyncClient() as http:
        verifier = TokenVerifier([settings], Directory(APerson("ann", active=False)), http)
        with pytest.raises(refused.PersonDisabled):
            await verifier.principal(issuer.token())


async def test_no_refusal_repeats_any_part_of_the_token(issuer, verifier):
    secret = "canary4711"
    tokens = [issuer.token(sub=secret), issuer.token({"kid": secret}), f"{secret}.{secret}.{secret}"]
    for token in tokens:
        with pytest.raises(refused.TokenRefused) as fault:
            await verifier.principal(token)
        assert secret not in str(fault.value)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "token"])
def test_a_request_without_a_bearer_token_is_refused(header: str | None):
    with pytest.raises(refused.TokenMissing):
        bearer(header)


def test_the_bearer_token_is_what_follows_the_scheme():
    assert bearer("Bearer abc.def.ghi") == bearer("bearer  abc.def.ghi ") == "abc.def.ghi"


def claims_of(token: str) -> dict[str, Any]:
    """Only to prove that the tokens of these tests are what they say."""
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


def test_the_tokens_of_these_tests_are_what_they_say(issuer: LoopbackIssuer):
    assert claims_of(issuer.token(aud="x"))["aud"] == "x"
    assert jwt.decode(issuer.token(), issuer.key, algorithms=["ES256"]).header["typ"] == "at+jwt"
