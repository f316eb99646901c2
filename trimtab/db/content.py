"""Content by hash: what an analysis read and produced, stored once, found again by its SHA-256."""

import hashlib
import zlib
from collections.abc import Mapping
from typing import Any, TypeVar

import orjson
from pydantic import TypeAdapter
from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as upsert

from trimtab.db.tables import content
from trimtab.domain.errors import TrimtabError
from trimtab.domain.records import canonical_json

Value = TypeVar("Value")


class ContentMissing(TrimtabError):
    """No content is stored under the hash."""

    code = "CONTENT_MISSING"


class ContentChanged(TrimtabError):
    """The stored bytes do not have the hash that they are stored under."""

    code = "CONTENT_CHANGED"


def put_content(connection: Connection, firm_id: str, kind: str, value: object) -> str:
    """Store a dataclass or plain value under the hash of its canonical JSON; storing it again does nothing."""
    body = canonical_json(value).encode()
    digest = hashlib.sha256(body).hexdigest()
    connection.execute(
        upsert(content)
        .values(firm_id=firm_id, content_hash=digest, kind=kind, body=zlib.compress(body, 3))
        .on_conflict_do_nothing()
    )
    return digest


def get_content(connection: Connection, digest: str, kind: type[Value]) -> Value:
    """The stored value, as `kind` (a dataclass of the domain). Raises ContentMissing and ContentChanged."""
    adapter = _adapters.get(kind)
    if adapter is None:
        adapter = _adapters[kind] = TypeAdapter(kind)
    value: Value = adapter.validate_json(get_body(connection, digest), strict=False)
    return value


_adapters: dict[type[Any], TypeAdapter[Any]] = {}
"""Building one costs more than reading with it."""


def get_plain(connection: Connection, digest: str) -> Mapping[str, Any]:
    """The stored value as plain JSON values."""
    value: Mapping[str, Any] = orjson.loads(get_body(connection, digest))
    return value


def get_body(connection: Connection, digest: str) -> bytes:
    stored = connection.scalar(select(content.c.body).where(content.c.content_hash == digest))
    if stored is None:
        raise ContentMissing(f"no content is stored under {digest}")
    body = zlib.decompress(stored)
    if hashlib.sha256(body).hexdigest() != digest:
        raise ContentChanged(f"the content stored under {digest} was changed")
    return body
