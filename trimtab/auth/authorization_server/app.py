"""The authorization server's router: where it may run, and its endpoints."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749 import OAuth2Error
from fastapi import APIRouter, Depends, HTTPException, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from trimtab.auth.authorization_server.grants import CLIENT_AUTH_METHODS
from trimtab.auth.authorization_server.provider import Provider
from trimtab.auth.authorization_server.records import Lifetimes
from trimtab.auth.authorization_server.requests import token_request
from trimtab.auth.authorization_server.sign_in import SignIn
from trimtab.auth.authorization_server.signing import ALGORITHM, signing_keys
from trimtab.auth.loopback import is_loopback_host, is_loopback_url
from trimtab.domain.errors import TrimtabError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trimtab.auth.authorization_server.storage import Clients, Grants, SignInPeople

AUTHORIZE: Final = "/oauth/authorize"
TOKEN: Final = "/oauth/token"  # noqa: S105 a path
REVOKE: Final = "/oauth/revoke"
JWKS: Final = "/oauth/jwks.json"
METADATA: Final = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")


class AuthorizationServerRefused(TrimtabError):
    """The built-in authorization server may not run like this."""

    code = "AUTHORIZATION_SERVER_REFUSED"


@dataclass(frozen=True, slots=True)
class AuthorizationServerSettings:
    """Where and how the built-in authorization server runs.

    issuer: http://127.0.0.1:PORT, without a path; also the `iss` of the tokens.
    audience: what the API calls itself, the `aud` of the access tokens.
    bind_host: the address on which the API listens.
    signing_key_path: created with mode 0600 on first use; its folder must exist.
    external_issuers: other issuers that are configured; the server runs only without any.
    Raises AuthorizationServerRefused.
    """

    issuer: str
    audience: str
    bind_host: str
    signing_key_path: Path
    external_issuers: tuple[str, ...] = ()
    lifetimes: Lifetimes = field(default_factory=Lifetimes)

    def __post_init__(self) -> None:
        if not is_loopback_host(self.bind_host):
            raise AuthorizationServerRefused(
                f"the built-in sign-in runs on loopback only, not on {self.bind_host}; configure an external issuer"
            )
        if self.external_issuers:
            raise AuthorizationServerRefused(
                f"the built-in sign-in does not run beside the issuer {self.external_issuers[0]}; remove one of them"
            )
        if not is_loopback_url(self.issuer) or urlsplit(self.issuer).path:
            raise AuthorizationServerRefused(f"issuer {self.issuer} must be a loopback address without a path")
        if not 0 < self.lifetimes.access_token <= 600 or not 0 < self.lifetimes.code <= 60:
            raise AuthorizationServerRefused("access tokens live 600 seconds at most and codes 60")


def authorization_server(
    settings: AuthorizationServerSettings,
    people: SignInPeople,
    clients: Clients,
    grants: Grants,
    *,
    seconds_now: Callable[[], float] = time.time,
) -> APIRouter:
    """The router; include it at the root of the application, without a prefix. Reads or creates the signing key."""
    provider = Provider(
        issuer=settings.issuer,
        audience=settings.audience,
        keys=signing_keys(settings.signing_key_path),
        lifetimes=settings.lifetimes,
        people=people,
        clients=clients,
        grants=grants,
        seconds_now=seconds_now,
    )
    sign_in = SignIn(provider, AUTHORIZE)
    endpoints = Endpoints(provider)
    router = APIRouter(dependencies=[Depends(only_this_machine)], include_in_schema=False)
    router.add_api_route(AUTHORIZE, sign_in.show, methods=["GET"], response_model=None)
    router.add_api_route(AUTHORIZE, sign_in.submit, methods=["POST"], response_model=None)
    router.add_api_route(TOKEN, endpoints.token, methods=["POST"], response_model=None)
    router.add_api_route(REVOKE, endpoints.revoke, methods=["POST"], response_model=None)
    router.add_api_route(JWKS, endpoints.jwks, methods=["GET"], response_model=None)
    for path in METADATA:
        router.add_api_route(path, endpoints.metadata, methods=["GET"], response_model=None)
    return router


def only_this_machine(request: Request) -> None:
    """Refuses callers from elsewhere, and names that point here without being this machine (DNS rebinding)."""
    caller = request.client.host if request.client else "localhost"
    if not is_loopback_host(caller) or not is_loopback_url(f"http://{request.headers.get('Host', '')}"):
        raise HTTPException(403, "The built-in sign-in serves this machine only.")


class Endpoints:
    """Everything but the sign-in form."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    async def token(self, request: Request) -> Response:
        """Exchanges a code, a refresh token or client credentials for tokens."""
        try:
            asked = await token_request(request)
        except OAuth2Error as fault:
            return self._refusal(fault)
        answer: Response = await run_in_threadpool(self._provider.create_token_response, asked)
        return answer

    async def revoke(self, request: Request) -> Response:
        """Ends the sign-in of a token (RFC 7009); answers 200 for unknown tokens too."""
        try:
            asked = await token_request(request)
        except OAuth2Error as fault:
            return self._refusal(fault)
        answer: Response = await run_in_threadpool(self._provider.create_endpoint_response, "revocation", asked)
        return answer

    async def jwks(self) -> Response:
        """The public keys."""
        return JSONResponse(self._provider.keys.as_dict(private=False), headers={"Cache-Control": "max-age=300"})

    async def metadata(self) -> Response:
        """OpenID Connect discovery and RFC 8414, the same document."""
        return JSONResponse(metadata(self._provider.issuer), headers={"Cache-Control": "max-age=300"})

    def _refusal(self, fault: OAuth2Error) -> Response:
        return self._provider.handle_response(*fault())


def metadata(issuer: str) -> dict[str, Any]:
    """What clients learn about the server by discovery."""
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZE,
        "token_endpoint": issuer + TOKEN,
        "revocation_endpoint": issuer + REVOKE,
        "jwks_uri": issuer + JWKS,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": CLIENT_AUTH_METHODS,
        "revocation_endpoint_auth_methods_supported": CLIENT_AUTH_METHODS,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login"],
        "authorization_response_iss_parameter_supported": True,
        "claims_supported": ["sub", "preferred_username", "firm", "roles", "sid", "auth_time"],
    }
