"""Mutations that a client may send again: the answer is kept with the request's hash, in the same transaction."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, insert, select

from trimtab.db.tables import idempotency
from trimtab.domain.errors import TrimtabError


class KeyReused(TrimtabError):
    """The idempotency key was used for another request."""

    code = "IDEMPOTENCY_KEY_REUSED"


def earlier_answer(connection: Connection, firm_id: str, key: str, request_hash: str) -> Mapping[str, Any] | None:
    """What this request was answered before, None the first time.

    Until the transaction ends nobody else gets past here with the same key. Raises KeyReused.
    """
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{firm_id}\n{key}", 0))))
    row = connection.execute(
        select(idempotency.c.request_hash, idempotency.c.response).where(
            idempotency.c.firm_id == firm_id, idempotency.c.key == key
        )
    ).one_or_none()
    if row is None:
        return None
    if row.request_hash != request_hash:
        raise KeyReused("this idempotency key was used for another request; make a new one")
    answer: Mapping[str, Any] = row.response
    return answer


def keep_answer(connection: Connection, firm_id: str, key: str, request_hash: str, answer: Mapping[str, Any]) -> None:
    """Keep the answer; it takes effect together with what the transaction did."""
    connection.execute(
        insert(idempotency).values(firm_id=firm_id, key=key, request_hash=request_hash, response=dict(answer))
    )
