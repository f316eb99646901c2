"""People, OAuth clients and grants in PostgreSQL: the directory of the API and the storage of the built-in sign-in.

Nobody has a firm before they are known, so look-ups without one go through the firms in turn, each in a transaction
of its own: row-level security shows one firm at a time.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, Row, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncEngine

from trimtab.db.engine import async_firm_transaction, firm_transaction, relay_transaction
from trimtab.db.grants import CODE, REFRESH, NewGrant, TakenGrant, is_revoked, revoke, save, take
from trimtab.db.tables import firm, oauth_client, person
from trimtab.db.threads import in_thread

Value = TypeVar("Value")
Firms = Callable[[], Sequence[str]]

_FIRMS_FRESH_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class PersonOnFile:
    """A person who may sign in. `book` is the advisor whose accounts are their own."""

    person_id: str
    firm_id: str
    username: str
    display_name: str
    password_hash: str = field(repr=False)
    roles: frozenset[str] = frozenset()
    book: str | None = None
    active: bool = True


@dataclass(frozen=True, slots=True)
class ClientOnFile:
    """A program that asks for tokens. Without a secret it is an application that people of every firm use."""

    client_id: str
    firm_id: str | None
    name: str
    secret_hash: str | None = field(default=None, repr=False)
    redirect_uris: tuple[str, ...] = ()
    grant_types: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    active: bool = True


@dataclass(frozen=True, slots=True)
class IntegratorOnFile:
    """A client of one firm, as the API's directory gives it."""

    client_id: str
    firm_id: str
    scopes: frozenset[str]
    active: bool = True


# --- writing --------------------------------------------------------------------------------------------------------


def put_person(connection: Connection, one: PersonOnFile) -> None:
    """Write or replace the person. The password's hash is from `hash_password`."""
    values = {
        "username": one.username,
        "display_name": one.display_name,
        "password_hash": one.password_hash,
        "roles": sorted(one.roles),
        "advisor_id": one.book,
        "active": one.active,
    }
    row = upsert(person).values(firm_id=one.firm_id, person_id=one.person_id, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["firm_id", "person_id"], set_=values))


def put_client(connection: Connection, firm_id: str, one: ClientOnFile) -> None:
    """Write or replace the client in the firm's list."""
    values = {
        "name": one.name,
        "secret_hash": one.secret_hash,
        "redirect_uris": list(one.redirect_uris),
        "grant_types": sorted(one.grant_types),
        "scopes": sorted(one.scopes),
    }
    row = upsert(oauth_client).values(firm_id=firm_id, client_id=one.client_id, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["firm_id", "client_id"], set_=values))


# --- reading --------------------------------------------------------------------------------------------------------


def firm_ids(relay: Engine) -> list[str]:
    """Every firm's id, by the relay's role."""
    with relay_transaction(relay) as connection:
        return list(connection.scalars(select(firm.c.firm_id).order_by(firm.c.firm_id)))


class KnownFirms:
    """The firms' ids, read anew every few seconds: a firm may have been created since."""

    def __init__(self, relay: Engine, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._relay = relay
        self._monotonic = monotonic
        self._known: Sequence[str] = ()
        self._read_at = float("-inf")

    def __call__(self) -> Sequence[str]:
        if not self._known or self._monotonic() - self._read_at > _FIRMS_FRESH_SECONDS:
            self._known = tuple(firm_ids(self._relay))
            self._read_at = self._monotonic()
        return self._known


def _person(connection: Connection, firm_id: str, subject: str, *, by_username: bool) -> PersonOnFile | None:
    column = person.c.username if by_username else person.c.person_id
    row = connection.execute(select(person).where(column == subject)).one_or_none()
    return None if row is None else _person_of(firm_id, row)


def _person_of(firm_id: str, row: Row[Any]) -> PersonOnFile:
    return PersonOnFile(
        person_id=row.person_id,
        firm_id=firm_id,
        username=row.username,
        display_name=row.display_name,
        password_hash=row.password_hash,
        roles=frozenset(row.roles),
        book=row.advisor_id,
        active=row.active,
    )


def _client(connection: Connection, firm_id: str, client_id: str) -> ClientOnFile | None:
    row = connection.execute(select(oauth_client).where(oauth_client.c.client_id == client_id)).one_or_none()
    if row is None:
        return None
    return ClientOnFile(
        client_id=row.client_id,
        firm_id=None if row.secret_hash is None else firm_id,
        name=row.name,
        secret_hash=row.secret_hash,
        redirect_uris=tuple(row.redirect_uris),
        grant_types=frozenset(row.grant_types),
        scopes=frozenset(row.scopes),
    )


def _integrator(connection: Connection, firm_id: str, subject: str) -> IntegratorOnFile | None:
    found = _client(connection, firm_id, subject)
    if found is None or found.secret_hash is None:
        return None
    return IntegratorOnFile(found.client_id, firm_id, found.scopes)


class Directory:
    """Who is on file, for the API's token verifier. A token's subject is a person's id, a client's id otherwise.

    Identity providers whose subjects are their own give the person's id in our directory as the subject claim, or
    the person is stored here under the provider's subject.
    """

    def __init__(self, engine: AsyncEngine, firms: Firms) -> None:
        self._engine = engine
        self._firms = firms

    async def find_person(self, issuer: str, subject: str, firm_id: str | None) -> PersonOnFile | None:
        """The person with this subject, in the claimed firm or in any."""
        return await self._first(firm_id, lambda one, where: _person(one, where, subject, by_username=False))

    async def find_client(self, issuer: str, subject: str, firm_id: str | None) -> IntegratorOnFile | None:
        return await self._first(firm_id, lambda one, where: _integrator(one, where, subject))

    async def is_revoked(self, session_id: str) -> bool:
        """Whether the sign-in of this id was ended."""
        found = await self._first(None, lambda one, _: is_revoked(one, session_id) or None)
        return found is not None

    async def _first(self, firm_id: str | None, work: Callable[[Connection, str], Value | None]) -> Value | None:
        for where in [firm_id] if firm_id is not None else await in_thread(self._firms):
            async with async_firm_transaction(self._engine, where) as connection:
                found = await connection.run_sync(work, where)
            if found is not None:
                return found
        return None


# --- the storage of the built-in authorization server: synchronous, in worker threads --------------------------------


class _Storage:
    def __init__(self, engine: Engine, firms: Firms) -> None:
        self._engine = engine
        self._firms = firms

    def _first(self, work: Callable[[Connection, str], Value | None]) -> Value | None:
        for where in self._firms():
            with firm_transaction(self._engine, where) as connection:
                found = work(connection, where)
            if found is not None:
                return found
        return None


class SignInPeople(_Storage):
    """People by username, which is unique over all firms, and by id."""

    def by_username(self, username: str) -> PersonOnFile | None:
        return self._first(lambda one, where: _person(one, where, username, by_username=True))

    def by_person_id(self, person_id: str) -> PersonOnFile | None:
        return self._first(lambda one, where: _person(one, where, person_id, by_username=False))


class Clients(_Storage):
    def by_client_id(self, client_id: str) -> ClientOnFile | None:
        return self._first(lambda one, where: _client(one, where, client_id))


class Grants(_Storage):
    """Codes and refresh tokens, by their digests, each in the firm of its person."""

    def save_code(
        self, code_hash: str, client_id: str, family_id: str, payload: Mapping[str, Any], expires_at: datetime
    ) -> None:
        self._save(NewGrant(CODE, code_hash, client_id, family_id, str(payload["person_id"]), payload, expires_at))

    def take_code(self, code_hash: str, client_id: str) -> TakenGrant | None:
        return self._first(lambda one, _: take(one, CODE, code_hash, client_id))

    def save_refresh(
        self, token_hash: str, client_id: str, family_id: str, payload: Mapping[str, Any], expires_at: datetime
    ) -> None:
        self._save(NewGrant(REFRESH, token_hash, client_id, family_id, str(payload["person_id"]), payload, expires_at))

    def take_refresh(self, token_hash: str, client_id: str) -> TakenGrant | None:
        return self._first(lambda one, _: take(one, REFRESH, token_hash, client_id))

    def revoke_family(self, family_id: str) -> None:
        """In every firm: a family of which nothing was saved (client credentials) does not say whose it is."""
        for where in self._firms():
            with firm_transaction(self._engine, where) as connection:
                revoke(connection, where, family_id)

    def is_revoked(self, family_id: str) -> bool:
        return self._first(lambda one, _: is_revoked(one, family_id) or None) is not None

    def _save(self, new: NewGrant) -> None:
        """In the firm of its person; nothing when the person is gone, since nobody could use it."""
        owner = self._first(lambda one, where: where if _exists(one, new.person_id) else None)
        if owner is None:
            return
        with firm_transaction(self._engine, owner) as connection:
            save(connection, owner, new)


def _exists(connection: Connection, person_id: str) -> bool:
    return connection.scalar(select(person.c.person_id).where(person.c.person_id == person_id)) is not None
