"""The tokens that the server signs: access tokens by RFC 9068, and ID tokens."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from authlib.common.security import generate_token
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from authlib.oidc.core.grants import OpenIDCode

from trimtab.auth.authorization_server.signing import ALGORITHM

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

    from trimtab.auth.authorization_server.provider import Provider
    from trimtab.auth.authorization_server.records import Client, SignedIn
    from trimtab.auth.authorization_server.requests import ProtocolRequest


class AccessTokens(JWTBearerTokenGenerator):  # type: ignore[misc]  # Authlib ships no types
    """Access tokens by RFC 9068, with the firm, the roles and the sign-in (`sid`)."""

    def __init__(self, provider: Provider) -> None:
        super().__init__(
            provider.issuer,
            alg=ALGORITHM,
            refresh_token_generator=lambda **_: generate_token(48),
            expires_generator=provider.lifetimes.access_token,
        )
        self._provider = provider

    def get_jwks(self) -> KeySet:
        """The signing key alone, in a set, since only then its id gets into the header."""
        return signing_set(self._provider.keys)

    def get_audiences(self, client: Client, user: SignedIn | None, scope: str) -> str:
        return self._provider.audience

    def get_auth_time(self, user: SignedIn | None) -> int | None:
        return user.signed_in_at if user else None

    def get_extra_claims(self, client: Client, grant_type: str, user: SignedIn | None, scope: str) -> dict[str, Any]:
        common = {"nbf": int(self._provider.seconds_now())}
        if user is None:
            # Each token of a machine client is a family of its own: revoking it ends it alone.
            return {**common, "sid": uuid.uuid4().hex, "firm": client.record.firm_id, "roles": ["integrator"]}
        roles = sorted(user.person.roles)
        return {**common, "sid": user.family_id, "firm": user.person.firm_id, "roles": roles}


class IdTokens(OpenIDCode):  # type: ignore[misc]  # Authlib ships no types
    """ID tokens for clients that ask for the scope `openid`."""

    def __init__(self, provider: Provider) -> None:
        super().__init__(require_nonce=False)
        self._provider = provider

    def exists_nonce(self, nonce: str, request: ProtocolRequest) -> bool:
        """False: the nonce is checked by the client; PKCE and one-time codes stop replays here."""
        return False

    def resolve_client_private_key(self, client: Client) -> KeySet:
        return signing_set(self._provider.keys)

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        now = int(self._provider.seconds_now())
        # `exp` is an instant for Authlib here, not a duration.
        return {
            "iss": self._provider.issuer,
            "aud": client.client_id,
            "iat": now,
            "exp": now + self._provider.lifetimes.access_token,
        }

    def generate_user_info(self, user: SignedIn, scope: str) -> dict[str, Any]:
        return {
            "sub": user.person.person_id,
            "preferred_username": user.person.username,
            "firm": user.person.firm_id,
            "roles": sorted(user.person.roles),
            "sid": user.family_id,
        }


def signing_set(keys: KeySet) -> KeySet:
    """A set of the first key alone: joserfc picks a random one of a larger set."""
    return type(keys)([keys.keys[0]])
