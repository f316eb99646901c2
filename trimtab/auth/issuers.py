"""The issuers whose tokens are accepted, and their public keys, read by discovery and cached."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import httpx
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, OKPKey, RSAKey

from trimtab.auth.loopback import is_loopback_url
from trimtab.auth.token_errors import InvalidIssuerSettings, IssuerUnavailable, TokenKeyUnknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trimtab.auth.matrix import Role

ASYMMETRIC: Final = frozenset(
    {"ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "Ed25519"}
)
LEEWAY_AT_MOST: Final = timedelta(seconds=60)

_DOCUMENT_BYTES_AT_MOST: Final = 256 * 1024
_FETCH_SECONDS: Final = 5.0
_KEYS_FRESH_SECONDS: Final = 600.0
_KEYS_USABLE_SECONDS: Final = 3600.0
"""How long keys serve when the issuer cannot be reached: an outage should not sign everybody out at once."""
_REFRESH_APART_SECONDS: Final = 30.0
"""Between two refreshes, whatever the reason: made-up key ids must not make us hammer the issuer."""
_RETRY_APART_SECONDS: Final = 5.0
"""Between two tries while there are no keys at all, as when the issuer starts after us."""
_RSA_MODULUS_CHARACTERS: Final = 342
"""Base64url characters of a 2,048-bit modulus; shorter RSA keys are ignored."""

_log = structlog.get_logger("trimtab.auth")


@dataclass(frozen=True, slots=True)
class IssuerSettings:
    """What to accept from one OpenID Connect issuer; docs/authorization.md lists the fields for users.

    roles_claim: dotted paths, the first that is present wins; () takes the roles on file alone.
    role_map: the issuer's words to roles; empty means that the issuer uses the values of `Role`.
    firm_claim: when set, must be in the token and name the firm on file.
    allow_on_behalf: accept `act` claims (RFC 8693).
    Raises InvalidIssuerSettings.
    """

    issuer: str
    audiences: tuple[str, ...]
    algorithms: tuple[str, ...] = ("ES256",)
    roles_claim: tuple[str, ...] = ("roles",)
    role_map: Mapping[str, Role] = field(default_factory=lambda: MappingProxyType({}))
    require_at_jwt: bool = True
    leeway: timedelta = timedelta(seconds=30)
    max_lifetime: timedelta = timedelta(minutes=10)
    firm_claim: str | None = "firm"
    allow_on_behalf: bool = False

    def __post_init__(self) -> None:
        if not _is_safe_url(self.issuer):
            raise InvalidIssuerSettings(f"issuer {self.issuer}: must be https (http only on loopback)")
        if not self.audiences or not all(self.audiences):
            raise InvalidIssuerSettings(f"issuer {self.issuer}: name the audience of this API")
        if not self.algorithms or set(self.algorithms) - ASYMMETRIC:
            raise InvalidIssuerSettings(
                f"issuer {self.issuer}: algorithms must be among {', '.join(sorted(ASYMMETRIC))}"
            )
        if not timedelta(0) <= self.leeway <= LEEWAY_AT_MOST:
            raise InvalidIssuerSettings(f"issuer {self.issuer}: leeway must be 0 to 60 seconds")
        if self.max_lifetime <= timedelta(0):
            raise InvalidIssuerSettings(f"issuer {self.issuer}: max_lifetime must be above 0")


def _is_safe_url(url: str) -> bool:
    return url.startswith("https://") or is_loopback_url(url)


class IssuerKeys:
    """One issuer's verification keys. `monotonic` gives seconds and never goes back."""

    def __init__(
        self,
        settings: IssuerSettings,
        http: httpx.AsyncClient,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._http = http
        self._monotonic = monotonic
        self._keys: list[Key] = []
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._last_fault = "never tried"
        self._refreshing = asyncio.Lock()

    async def key(self, kid: str | None) -> Key:
        """The key with this id (without an id: the only key).

        An unknown id makes us ask the issuer again, at most twice a minute.
        Raises TokenKeyUnknown, and IssuerUnavailable when no usable keys can be had.
        """
        if self._age() > _KEYS_FRESH_SECONDS:
            await self._refresh()
        found = self._find(kid)
        if found is None:
            await self._refresh()
            found = self._find(kid)
        if found is None:
            raise TokenKeyUnknown("the issuer publishes no such key")
        return found

    def _age(self) -> float:
        return self._monotonic() - self._fetched_at

    def _find(self, kid: str | None) -> Key | None:
        if kid is None:
            return self._keys[0] if len(self._keys) == 1 else None
        return next((key for key in self._keys if key.kid == kid), None)

    async def _refresh(self) -> None:
        """Reads the keys again unless that was tried a moment ago; keeps the old ones through a short outage."""
        async with self._refreshing:
            apart = _REFRESH_APART_SECONDS if self._keys else _RETRY_APART_SECONDS
            if self._monotonic() - self._tried_at >= apart:
                self._tried_at = self._monotonic()
                try:
                    self._keys = await self._fetch()
                    self._fetched_at = self._monotonic()
                except IssuerUnavailable as fault:
                    self._last_fault = str(fault)
                    _log.warning("issuer_keys_not_read", issuer=self._settings.issuer, error=str(fault))
        if self._age() > _KEYS_USABLE_SECONDS:
            raise IssuerUnavailable(f"no keys of issuer {self._settings.issuer}: {self._last_fault}")

    async def _fetch(self) -> list[Key]:
        issuer = self._settings.issuer
        discovery = await self._read(issuer.rstrip("/") + "/.well-known/openid-configuration")
        if discovery.get("issuer") != issuer:
            raise IssuerUnavailable(f"the discovery document of {issuer} names another issuer")
        location = discovery.get("jwks_uri")
        if not isinstance(location, str) or not _is_safe_url(location):
            raise IssuerUnavailable(f"the discovery document of {issuer} names no safe jwks_uri")
        published = (await self._read(location)).get("keys")
        if not isinstance(published, list):
            raise IssuerUnavailable(f"the key set of {issuer} has no keys")
        keys = [key for key in map(_verification_key, published) if key is not None]
        if not keys:
            raise IssuerUnavailable(f"the key set of {issuer} has no usable key")
        return keys

    async def _read(self, url: str) -> dict[str, Any]:
        """A JSON object from the issuer: no redirects, five seconds, 256 KB at most."""
        body = bytearray()
        try:
            async with self._http.stream("GET", url, follow_redirects=False, timeout=_FETCH_SECONDS) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise IssuerUnavailable(f"{url} answered {answer.status_code}")
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > _DOCUMENT_BYTES_AT_MOST:
                        raise IssuerUnavailable(f"{url} is larger than 256 KB")
            document = json.loads(body)
        except (httpx.HTTPError, ValueError, RecursionError) as fault:
            raise IssuerUnavailable(f"{url} cannot be read: {type(fault).__name__}") from fault
        if not isinstance(document, dict):
            raise IssuerUnavailable(f"{url} is not a JSON object")
        return document


def _verification_key(published: object) -> Key | None:
    """The key when it can verify signatures here, else None: sets may hold other keys, which RFC 7517 ignores."""
    if not isinstance(published, dict) or published.get("use", "sig") != "sig":
        return None
    modulus = published.get("n", "")
    if published.get("kty") == "RSA" and len(str(modulus)) < _RSA_MODULUS_CHARACTERS:
        return None
    try:
        key = JWKRegistry.import_key(published)
    except (JoseError, ValueError, TypeError, KeyError) as fault:
        _log.info("issuer_key_ignored", error=type(fault).__name__)
        return None
    if not isinstance(key, ECKey | RSAKey | OKPKey):
        return None
    key.ensure_kid()
    return key
