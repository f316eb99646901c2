"""What the authorization server asks of its storage. All methods are synchronous: they run in worker threads, several
at a time, and each must be one transaction of its own.

Records are described by their attributes only, so that any class with them serves. Codes and tokens never reach the
storage: it sees their SHA-256 digests in hexadecimal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime


class SignInPerson(Protocol):
    """A person who may sign in. `password_hash` is from `hash_password`; `roles` are values of `Role`."""

    @property
    def person_id(self) -> str: ...
    @property
    def firm_id(self) -> str: ...
    @property
    def username(self) -> str: ...
    @property
    def password_hash(self) -> str: ...
    @property
    def roles(self) -> Collection[str]: ...
    @property
    def active(self) -> bool: ...


class SignInPeople(Protocol):
    """Usernames are unique over all firms, since nobody has a firm yet when they sign in."""

    def by_username(self, username: str) -> SignInPerson | None: ...

    def by_person_id(self, person_id: str) -> SignInPerson | None: ...


class OAuthClient(Protocol):
    """A program that asks for tokens.

    firm_id: the firm of an integrator; None for an application that people of every firm use.
    secret_hash: from `new_client_secret`; None for a public client such as a browser application.
    redirect_uris: compared character by character.
    grant_types: of "authorization_code", "refresh_token", "client_credentials".
    """

    @property
    def client_id(self) -> str: ...
    @property
    def firm_id(self) -> str | None: ...
    @property
    def secret_hash(self) -> str | None: ...
    @property
    def redirect_uris(self) -> Collection[str]: ...
    @property
    def grant_types(self) -> Collection[str]: ...
    @property
    def scopes(self) -> Collection[str]: ...
    @property
    def active(self) -> bool: ...


class Clients(Protocol):
    def by_client_id(self, client_id: str) -> OAuthClient | None: ...


class TakenGrant(Protocol):
    """A code or refresh token that was just handed in. `revoked` tells whether its family has been revoked."""

    @property
    def family_id(self) -> str: ...
    @property
    def payload(self) -> Mapping[str, Any]: ...
    @property
    def expires_at(self) -> datetime: ...
    @property
    def first_use(self) -> bool: ...
    @property
    def revoked(self) -> bool: ...


class Grants(Protocol):
    """Codes and refresh tokens. A family is everything that came from one sign-in; its id is the tokens' `sid`.

    `payload` is a JSON object. `take_*` marks the row as used and returns it in one step: of many that take the same
    row at the same time exactly one sees first_use. Rows of other clients are not taken and not returned. Used rows
    must stay until `expires_at`, else reuse goes unnoticed.
    """

    def save_code(
        self, code_hash: str, client_id: str, family_id: str, payload: Mapping[str, Any], expires_at: datetime
    ) -> None: ...

    def take_code(self, code_hash: str, client_id: str) -> TakenGrant | None: ...

    def save_refresh(
        self, token_hash: str, client_id: str, family_id: str, payload: Mapping[str, Any], expires_at: datetime
    ) -> None: ...

    def take_refresh(self, token_hash: str, client_id: str) -> TakenGrant | None: ...

    def revoke_family(self, family_id: str) -> None:
        """Also for a family of which no code or refresh token was ever saved (client credentials)."""

    def is_revoked(self, family_id: str) -> bool: ...
