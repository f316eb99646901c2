"""Authlib's authorization server over our storage.

Everything here is synchronous and runs in a worker thread.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import structlog
from authlib.oauth2.rfc6749 import AuthorizationServer, InvalidGrantError
from starlette.responses import JSONResponse, Response

from trimtab.auth.authorization_server.grants import (
    CodeGrant,
    IntegratorGrant,
    Revocation,
    RotatingRefreshGrant,
    S256Challenge,
    at_second,
)
from trimtab.auth.authorization_server.issued import AccessTokens, IdTokens
from trimtab.auth.authorization_server.passwords import digest
from trimtab.auth.authorization_server.records import Client, Lifetimes, SignedIn, Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from joserfc.jwk import KeySet

    from trimtab.auth.authorization_server.requests import ProtocolRequest
    from trimtab.auth.authorization_server.storage import (
        Clients,
        Grants,
        SignInPeople,
        SignInPerson,
        TakenGrant,
    )

_log = structlog.get_logger("trimtab.auth")


class Provider(AuthorizationServer):  # type: ignore[misc]  # Authlib ships no types
    """Authlib's authorization server over our storage. `seconds_now` is the wall clock, in seconds since 1970."""

    def __init__(
        self,
        issuer: str,
        audience: str,
        keys: KeySet,
        lifetimes: Lifetimes,
        people: SignInPeople,
        clients: Clients,
        grants: Grants,
        seconds_now: Callable[[], float],
    ) -> None:
        super().__init__()
        self.issuer = issuer
        self.audience = audience
        self.keys = keys
        self.lifetimes = lifetimes
        self.people = people
        self.clients = clients
        self.grants = grants
        self.seconds_now = seconds_now
        self.register_token_generator("default", AccessTokens(self))
        self.register_grant(CodeGrant, [S256Challenge(required=True), IdTokens(self)])
        self.register_grant(RotatingRefreshGrant)
        self.register_grant(IntegratorGrant)
        self.register_endpoint(Revocation)

    def query_client(self, client_id: str) -> Client | None:
        record = self.clients.by_client_id(client_id)
        return Client(record) if record is not None and record.active else None

    def create_oauth2_request(self, request: ProtocolRequest) -> ProtocolRequest:
        """Requests come in fully read, because reading them is asynchronous."""
        return request

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens to Authlib's signals here."""

    def handle_response(self, status: int, body: object, headers: Collection[tuple[str, str]]) -> Response:
        if isinstance(body, dict):
            return JSONResponse(body, status, headers=dict(headers))
        return Response(str(body or ""), status, headers=dict(headers))

    def save_token(self, token: dict[str, Any], request: ProtocolRequest) -> None:
        """Keeps the refresh token's digest; access tokens are signed and need no row."""
        who: SignedIn | None = request.user
        client_id = request.client.get_client_id()
        _log.info(
            "token_issued",
            client=client_id,
            person=who.person.person_id if who else None,
            grant=request.payload.grant_type,
        )
        if who is None or "refresh_token" not in token:
            return
        # A refresh may ask for less, but its successor keeps what the person granted (RFC 6749 section 6).
        scope = request.refresh_token.get_scope() if request.refresh_token else token["scope"]
        self.grants.save_refresh(
            digest(token["refresh_token"]),
            client_id,
            who.family_id,
            {"person_id": who.person.person_id, "scope": scope, "signed_in_at": who.signed_in_at},
            at_second(who.signed_in_at + self.lifetimes.session),
        )

    def sign_in(self, person: SignInPerson) -> SignedIn:
        """A new family of tokens for a person whose password was right."""
        return SignedIn(person, uuid.uuid4().hex, int(self.seconds_now()))

    def signed_in(self, stored: Stored) -> SignedIn:
        """The person behind a code or refresh token, if still active. Raises InvalidGrantError."""
        person = self.people.by_person_id(stored.person_id)
        if person is None or not person.active:
            self.grants.revoke_family(stored.family_id)
            _log.warning("grant_of_disabled_person", person=stored.person_id)
            raise InvalidGrantError("The person may no longer sign in.")
        return SignedIn(person, stored.family_id, stored.get_auth_time())

    def usable(self, taken: TakenGrant | None, client: Client, kind: str) -> Stored | None:
        """What was handed in, when it was used for the first time, in time and not revoked.

        A second use means that somebody else holds it too, so everything from that sign-in ends.
        """
        if taken is None:
            return None
        if not taken.first_use:
            self.grants.revoke_family(taken.family_id)
            _log.warning("grant_used_twice", kind=kind, client=client.client_id, family=taken.family_id)
            return None
        if taken.revoked or taken.expires_at <= at_second(self.seconds_now()):
            return None
        return Stored(client.client_id, taken)
