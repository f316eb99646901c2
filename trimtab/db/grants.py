"""Codes and refresh tokens by their digests: used once, and revoked by the family of one sign-in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from trimtab.db.tables import oauth_grant

CODE: Final = "CODE"
REFRESH: Final = "REFRESH"
_REVOKED: Final = "REVOKED"
_REVOCATION_KEPT: Final = timedelta(days=1)  # longer than any token of the family lives


@dataclass(frozen=True, slots=True)
class TakenGrant:
    """A code or refresh token that was handed in."""

    family_id: str
    payload: Mapping[str, Any]
    expires_at: datetime
    first_use: bool
    revoked: bool


@dataclass(frozen=True, slots=True)
class NewGrant:
    """A code or refresh token to be kept; `digest` is all that is kept of it."""

    kind: str
    digest: str
    client_id: str
    family_id: str
    person_id: str
    payload: Mapping[str, Any]
    expires_at: datetime


def save(connection: Connection, firm_id: str, new: NewGrant) -> None:
    connection.execute(
        upsert(oauth_grant).values(
            firm_id=firm_id,
            token_hash=new.digest,
            kind=new.kind,
            family=new.family_id,
            client_id=new.client_id,
            person_id=new.person_id,
            body=dict(new.payload),
            expires_at=new.expires_at,
        )
    )


def take(connection: Connection, kind: str, digest: str, client_id: str) -> TakenGrant | None:
    """Marks the grant as used; of many at the same time exactly one finds it unused."""
    same = (oauth_grant.c.token_hash == digest, oauth_grant.c.kind == kind, oauth_grant.c.client_id == client_id)
    row = connection.execute(
        update(oauth_grant)
        .where(*same, oauth_grant.c.used_at.is_(None))
        .values(used_at=func.clock_timestamp())
        .returning(oauth_grant)
    ).one_or_none()
    first_use = row is not None
    row = row or connection.execute(select(oauth_grant).where(*same)).one_or_none()
    if row is None:
        return None
    return TakenGrant(row.family, row.body, row.expires_at, first_use, is_revoked(connection, row.family))


def revoke(connection: Connection, firm_id: str, family_id: str) -> None:
    connection.execute(
        update(oauth_grant).where(oauth_grant.c.family == family_id).values(revoked_at=func.clock_timestamp())
    )
    marker = upsert(oauth_grant).values(
        firm_id=firm_id,
        token_hash=f"family:{family_id}",
        kind=_REVOKED,
        family=family_id,
        client_id="",
        body={},
        expires_at=func.clock_timestamp() + _REVOCATION_KEPT,
        revoked_at=func.clock_timestamp(),
    )
    connection.execute(marker.on_conflict_do_nothing())


def is_revoked(connection: Connection, family_id: str) -> bool:
    rows = select(oauth_grant.c.token_hash).where(
        oauth_grant.c.family == family_id, oauth_grant.c.revoked_at.is_not(None)
    )
    return connection.execute(rows.limit(1)).one_or_none() is not None
