"""Turns an access token of any configured OpenID Connect issuer into a Principal, or refuses it with a reason.

Signatures are joserfc's work. What this module adds is the order of the checks, the claim map, and the person on
file: a token says who someone is and at most what they may be, the firm's directory says what they are now.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError
from joserfc.jws import JWSRegistry

from trimtab.auth.claim_map import (
    client_of,
    expiry,
    firm_claim,
    roles_in_token,
    roles_of_words,
    scopes,
    session,
)
from trimtab.auth.issuers import IssuerKeys, IssuerSettings
from trimtab.auth.matrix import Role
from trimtab.auth.principal import Actor, Principal
from trimtab.auth.token_errors import (
    FirmMismatch,
    InvalidIssuerSettings,
    PersonDisabled,
    PersonUnknown,
    SessionRevoked,
    TokenAlgorithmRefused,
    TokenAudienceRefused,
    TokenClaimRefused,
    TokenExpired,
    TokenIssuerUnknown,
    TokenNotYetValid,
    TokenRefused,
    TokenSignatureInvalid,
    TokenTypeRefused,
)
from trimtab.auth.token_form import TOKEN_BYTES_AT_MOST, StrictDecoder, bearer, read_unverified

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    import httpx
    from joserfc.jwk import Key

    from trimtab.auth.token_form import UnverifiedToken

__all__ = [
    "IssuerSettings",
    "KnownClient",
    "KnownPerson",
    "People",
    "Revocations",
    "TokenRefused",
    "TokenVerifier",
    "bearer",
]

_SUBJECT_CHARACTERS_AT_MOST: Final = 255
_ACCESS_TOKEN_TYPES: Final = frozenset({"at+jwt", "application/at+jwt"})
# Claims that only ID tokens (or Keycloak's other tokens, by their `typ` claim) carry.
_ID_TOKEN_CLAIMS: Final = frozenset({"nonce", "at_hash", "c_hash"})
_OTHER_TOKENS_OF_KEYCLOAK: Final = frozenset({"ID", "Refresh", "Offline", "Logout"})


class KnownPerson(Protocol):
    """A person on file. `roles` are values of `Role`; `book` is the advisor id whose accounts are their own."""

    @property
    def person_id(self) -> str: ...
    @property
    def firm_id(self) -> str: ...
    @property
    def roles(self) -> Collection[str]: ...
    @property
    def active(self) -> bool: ...
    @property
    def book(self) -> str | None: ...


class KnownClient(Protocol):
    """An integrator on file, with the scopes that it may use at most."""

    @property
    def client_id(self) -> str: ...
    @property
    def firm_id(self) -> str: ...
    @property
    def scopes(self) -> Collection[str]: ...
    @property
    def active(self) -> bool: ...


class People(Protocol):
    """The directory, asked on every request. `firm_id` is the verified claim, None if the issuer sends none."""

    async def find_person(self, issuer: str, subject: str, firm_id: str | None) -> KnownPerson | None: ...

    async def find_client(self, issuer: str, subject: str, firm_id: str | None) -> KnownClient | None: ...


class Revocations(Protocol):
    """Tells whether the sign-in that a token belongs to (its `sid`) has been ended."""

    async def is_revoked(self, session_id: str) -> bool: ...


class TokenVerifier:
    """Verifies access tokens. One per process; `http` is only used towards the configured issuers."""

    def __init__(
        self,
        issuers: Sequence[IssuerSettings],
        people: People,
        http: httpx.AsyncClient,
        *,
        revocations: Revocations | None = None,
        seconds_now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if len({settings.issuer for settings in issuers}) != len(issuers):
            raise InvalidIssuerSettings("an issuer is configured twice")
        self._people = people
        self._revocations = revocations
        self._seconds_now = seconds_now
        self._issuers = {settings.issuer: (settings, IssuerKeys(settings, http, monotonic)) for settings in issuers}

    async def principal(self, token: str) -> Principal:
        """Who the token stands for. Raises a TokenRefused with the reason, or IssuerUnavailable."""
        unverified = read_unverified(token)
        settings, keys = self._issuer_of(unverified)
        if unverified.algorithm not in settings.algorithms:
            raise TokenAlgorithmRefused("the signature algorithm is not accepted")
        _check_type(unverified, settings)
        claims = _verified_claims(token, await keys.key(unverified.kid), settings)
        self._check_claims(claims, settings)
        await self._check_session(claims)
        return await self._principal_of(claims, settings)

    def _issuer_of(self, unverified: UnverifiedToken) -> tuple[IssuerSettings, IssuerKeys]:
        issuer = unverified.claims.get("iss")
        if not isinstance(issuer, str) or issuer not in self._issuers:
            raise TokenIssuerUnknown("the token's issuer is not accepted here")
        return self._issuers[issuer]

    def _check_claims(self, claims: Mapping[str, Any], settings: IssuerSettings) -> None:
        now = int(self._seconds_now())
        leeway = int(settings.leeway.total_seconds())
        try:
            _registry(settings, now, leeway).validate(dict(claims))
        except ExpiredTokenError as fault:
            raise TokenExpired("the token has expired") from fault
        except (InvalidClaimError, MissingClaimError) as fault:
            raise _claim_error(fault) from fault
        if not 0 < len(claims["sub"]) <= _SUBJECT_CHARACTERS_AT_MOST:
            raise TokenClaimRefused("claim sub is not a short text")
        if claims["exp"] > now + settings.max_lifetime.total_seconds() + leeway:
            raise TokenClaimRefused("the token would be valid for too long")

    async def _check_session(self, claims: Mapping[str, Any]) -> None:
        session_id = claims.get("sid")
        if self._revocations is None or not isinstance(session_id, str):
            return
        if await self._revocations.is_revoked(session_id):
            raise SessionRevoked("this sign-in was ended; sign in again")

    async def _principal_of(self, claims: Mapping[str, Any], settings: IssuerSettings) -> Principal:
        subject = claims["sub"]
        firm_id = firm_claim(claims, settings)
        # RFC 9068: a token without a person has the client itself as its subject.
        person = (
            None
            if subject == claims.get("client_id")
            else await self._people.find_person(settings.issuer, subject, firm_id)
        )
        if person is not None:
            _check_on_file(person, firm_id)
            actor = await self._actor(claims, settings, firm_id)
            return _person_principal(person, claims, settings, actor)
        client = await self._people.find_client(settings.issuer, subject, firm_id)
        if client is None:
            raise PersonUnknown("nobody on file has the token's subject")
        _check_on_file(client, firm_id)
        if "act" in claims:
            raise TokenClaimRefused("nobody can act on behalf of a machine client")
        return _client_principal(client, claims, settings)

    async def _actor(self, claims: Mapping[str, Any], settings: IssuerSettings, firm_id: str | None) -> Actor | None:
        """The administrator in the `act` claim: one level, with a reason, on file and active."""
        act = claims.get("act")
        if act is None:
            return None
        if not settings.allow_on_behalf:
            raise TokenClaimRefused("this issuer may not issue tokens on behalf of others")
        if not isinstance(act, dict) or "act" in act or not isinstance(act.get("sub"), str):
            raise TokenClaimRefused("claim act must name one administrator")
        issued_at = claims.get("iat")
        if not isinstance(issued_at, int | float):
            raise TokenClaimRefused("a token on behalf of others needs iat")
        admin = await self._people.find_person(settings.issuer, act["sub"], firm_id)
        if admin is None:
            raise PersonUnknown("the administrator in the token is not on file")
        _check_on_file(admin, firm_id)
        return Actor(
            person_id=admin.person_id,
            firm_id=admin.firm_id,
            roles=roles_of_words(admin.roles),
            reason=str(act.get("reason", "")),
            started_at=datetime.fromtimestamp(issued_at, UTC),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            active=admin.active,
        )


def _check_type(unverified: UnverifiedToken, settings: IssuerSettings) -> None:
    typ = unverified.header.get("typ")
    kind = typ.lower() if isinstance(typ, str) else None
    if kind in _ACCESS_TOKEN_TYPES:
        return
    if settings.require_at_jwt or not (typ is None or kind == "jwt"):
        raise TokenTypeRefused("not an access token (at+jwt)")
    keycloak_type = str(unverified.claims.get("typ"))
    if _ID_TOKEN_CLAIMS & unverified.claims.keys() or keycloak_type in _OTHER_TOKENS_OF_KEYCLOAK:
        raise TokenTypeRefused("an ID or refresh token is not an access token")


def _verified_claims(token: str, key: Key, settings: IssuerSettings) -> dict[str, Any]:
    registry = JWSRegistry(algorithms=settings.algorithms, strict_check_header=False)
    registry.max_payload_length = TOKEN_BYTES_AT_MOST
    registry.max_header_length = TOKEN_BYTES_AT_MOST
    try:
        return jwt.decode(token, key, registry=registry, decoder_cls=StrictDecoder).claims
    except JoseError as fault:
        raise TokenSignatureInvalid("the signature does not verify") from fault


def _registry(settings: IssuerSettings, now: int, leeway: int) -> jwt.JWTClaimsRegistry:
    # RFC 9068 makes the last three essential; other issuers' plain JWTs may lack them.
    by_profile = settings.require_at_jwt
    return jwt.JWTClaimsRegistry(
        now=now,
        leeway=leeway,
        iss={"essential": True, "value": settings.issuer},
        aud={"essential": True, "values": list(settings.audiences)},
        exp={"essential": True},
        sub={"essential": True},
        client_id={"essential": by_profile},
        iat={"essential": by_profile},
        jti={"essential": by_profile},
    )


def _claim_error(fault: InvalidClaimError | MissingClaimError) -> TokenRefused:
    if fault.claim == "aud":
        return TokenAudienceRefused("the token was issued for another service")
    if isinstance(fault, InvalidClaimError) and fault.claim in {"nbf", "iat"}:
        return TokenNotYetValid("the token is not valid yet")
    return TokenClaimRefused(f"claim {fault.claim} is missing or not accepted")


def _check_on_file(known: KnownPerson | KnownClient, firm_id: str | None) -> None:
    if firm_id is not None and known.firm_id != firm_id:
        raise FirmMismatch("the token's firm is not the firm on file")
    if not known.active:
        raise PersonDisabled("this sign-in is disabled; ask an administrator")


def _person_principal(
    person: KnownPerson, claims: Mapping[str, Any], settings: IssuerSettings, actor: Actor | None
) -> Principal:
    roles = roles_of_words(person.roles)
    if settings.roles_claim:
        roles &= roles_in_token(claims, settings)
    return Principal(
        firm_id=person.firm_id,
        person_id=person.person_id,
        roles=roles,
        client_id=client_of(claims),
        expires_at=expiry(claims, settings),
        scopes=scopes(claims),
        book=person.book,
        actor=actor,
        session_id=session(claims),
    )


def _client_principal(client: KnownClient, claims: Mapping[str, Any], settings: IssuerSettings) -> Principal:
    return Principal(
        firm_id=client.firm_id,
        person_id=None,
        roles=frozenset({Role.INTEGRATOR}),
        client_id=client.client_id,
        expires_at=expiry(claims, settings),
        scopes=scopes(claims) & frozenset(client.scopes),
        session_id=session(claims),
    )
