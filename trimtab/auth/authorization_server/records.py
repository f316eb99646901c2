"""Sign-ins, clients and grants in the shape in which Authlib wants to see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin
from authlib.oidc.core import AuthorizationCodeMixin

from trimtab.auth.authorization_server.passwords import client_secret_matches
from trimtab.auth.authorization_server.signing import ALGORITHM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trimtab.auth.authorization_server.storage import OAuthClient, SignInPerson, TakenGrant


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Seconds that things live: access tokens, codes, and a sign-in with all its refresh tokens."""

    access_token: int = 600
    code: int = 60
    session: int = 12 * 3600


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person in one sign-in; `signed_in_at` is the second since 1970 at which the password was given."""

    person: SignInPerson
    family_id: str
    signed_in_at: int

    def get_user_id(self) -> str:
        """Authlib's name for the subject of the tokens."""
        return self.person.person_id


class Client(ClientMixin):  # type: ignore[misc]  # Authlib ships no types
    """A stored client, as Authlib wants to see it."""

    def __init__(self, record: OAuthClient) -> None:
        self.record = record
        self.client_id = record.client_id
        self.id_token_signed_response_alg = ALGORITHM

    def get_client_id(self) -> str:
        return self.record.client_id

    def get_default_redirect_uri(self) -> None:
        """None: the redirect address must be in each request."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """What was asked for, or everything allowed when nothing was; None refuses scopes beyond those allowed."""
        asked = scope.split() if scope else sorted(self.record.scopes)
        return " ".join(asked) if set(asked) <= set(self.record.scopes) else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.record.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret_matches(self.record.secret_hash, client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return (method == "none") == (self.record.secret_hash is None)

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and self.check_grant_type("authorization_code")

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.record.grant_types


class Stored(AuthorizationCodeMixin, TokenMixin):  # type: ignore[misc]  # Authlib ships no types
    """A code or refresh token that a client handed in, as Authlib wants to see it."""

    def __init__(self, client_id: str, taken: TakenGrant) -> None:
        self.client_id = client_id
        self.family_id = taken.family_id
        self._payload: Mapping[str, Any] = taken.payload
        self.code_challenge = taken.payload.get("code_challenge")
        self.code_challenge_method = "S256"

    @property
    def person_id(self) -> str:
        return str(self._payload["person_id"])

    def check_client(self, client: Client) -> bool:
        return self.client_id == client.client_id

    def get_redirect_uri(self) -> str:
        return str(self._payload["redirect_uri"])

    def get_scope(self) -> str:
        return str(self._payload["scope"])

    def get_nonce(self) -> str | None:
        return self._payload.get("nonce")

    def get_auth_time(self) -> int:
        return int(self._payload["signed_in_at"])
