"""The grants that the server offers: code with PKCE, rotating refresh tokens, client credentials; and revocation.

What Authlib leaves open and this module closes: PKCE is asked for at the authorization endpoint already and only as
S256; a code is used up by the first try.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import structlog
from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from joserfc import jwt
from joserfc.errors import JoseError

from trimtab.auth.authorization_server.passwords import digest
from trimtab.auth.authorization_server.signing import ALGORITHM

if TYPE_CHECKING:
    from trimtab.auth.authorization_server.records import Client, SignedIn, Stored
    from trimtab.auth.authorization_server.requests import ProtocolRequest

_log = structlog.get_logger("trimtab.auth")

CLIENT_AUTH_METHODS: Final = ["none", "client_secret_basic", "client_secret_post"]
_S256_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class S256Challenge(CodeChallenge):  # type: ignore[misc]  # Authlib ships no types
    """PKCE for every client, asked for when the code is requested, and never `plain`."""

    DEFAULT_CODE_CHALLENGE_METHOD = None
    SUPPORTED_CODE_CHALLENGE_METHOD: Final = ["S256"]

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        parameters = grant.request.payload.data
        if parameters.get("code_challenge_method") != "S256":
            raise InvalidRequestError("Use PKCE with code_challenge_method=S256.")
        if not _S256_CHALLENGE.fullmatch(parameters.get("code_challenge", "")):
            raise InvalidRequestError("Missing or malformed 'code_challenge'.")
        super().validate_code_challenge(grant, redirect_uri)


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib ships no types
    TOKEN_ENDPOINT_AUTH_METHODS: Final = CLIENT_AUTH_METHODS

    def save_authorization_code(self, code: str, request: ProtocolRequest) -> None:
        who: SignedIn = request.user
        parameters = request.payload.data
        self.server.grants.save_code(
            digest(code),
            request.client.get_client_id(),
            who.family_id,
            {
                "person_id": who.person.person_id,
                "redirect_uri": parameters["redirect_uri"],
                "scope": request.scope,
                "code_challenge": parameters["code_challenge"],
                "nonce": parameters.get("nonce"),
                "signed_in_at": who.signed_in_at,
            },
            at_second(self.server.seconds_now() + self.server.lifetimes.code),
        )

    def query_authorization_code(self, code: str, client: Client) -> Stored | None:
        """Uses the code up, whatever else is wrong with the request: nobody gets to try verifiers on it."""
        taken = self.server.grants.take_code(digest(code), client.client_id)
        stored: Stored | None = self.server.usable(taken, client, "code")
        return stored

    def delete_authorization_code(self, authorization_code: Stored) -> None:
        """Already used up when it was queried; the row stays, so that reuse is noticed."""

    def authenticate_user(self, authorization_code: Stored) -> SignedIn:
        who: SignedIn = self.server.signed_in(authorization_code)
        return who


class RotatingRefreshGrant(RefreshTokenGrant):  # type: ignore[misc]  # Authlib ships no types
    TOKEN_ENDPOINT_AUTH_METHODS: Final = CLIENT_AUTH_METHODS
    INCLUDE_NEW_REFRESH_TOKEN: Final = True

    def authenticate_refresh_token(self, refresh_token: str) -> Stored | None:
        client = self.request.client
        taken = self.server.grants.take_refresh(digest(refresh_token), client.client_id)
        stored: Stored | None = self.server.usable(taken, client, "refresh_token")
        return stored

    def authenticate_user(self, refresh_token: Stored) -> SignedIn:
        who: SignedIn = self.server.signed_in(refresh_token)
        return who

    def revoke_old_credential(self, refresh_token: Stored) -> None:
        """Already used up when it was authenticated."""


class IntegratorGrant(ClientCredentialsGrant):  # type: ignore[misc]  # Authlib ships no types
    TOKEN_ENDPOINT_AUTH_METHODS: Final = ["client_secret_basic", "client_secret_post"]


class Revocation(RevocationEndpoint):  # type: ignore[misc]  # Authlib ships no types
    """RFC 7009: a client ends the sign-in to which its access or refresh token belongs."""

    CLIENT_AUTH_METHODS: Final = CLIENT_AUTH_METHODS

    def authenticate_token(self, request: ProtocolRequest, client: Client) -> str | None:
        """The family of the token; None when the token is nobody's or another client's, which is no error."""
        self.check_params(request, client)
        token = request.form["token"]
        taken = self.server.grants.take_refresh(digest(token), client.client_id)
        return taken.family_id if taken is not None else self._family_of_access_token(token, client)

    def revoke_token(self, token: str, request: ProtocolRequest) -> None:
        self.server.grants.revoke_family(token)
        _log.info("sign_in_ended", client=request.client.get_client_id(), family=token)

    def _family_of_access_token(self, token: str, client: Client) -> str | None:
        try:
            claims = jwt.decode(token, self.server.keys, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError):
            return None
        return str(claims["sid"]) if claims.get("client_id") == client.client_id else None


def at_second(seconds: float) -> datetime:
    """The instant at this many seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)
