"""Content by hash: what an analysis read and produced, stored once, found again by its SHA-256."""

import hashlib
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

import orjson
from pydantic import TypeAdapter
from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as upsert

from trimtab.db.tables import content
from trimtab.domain.errors import TrimtabError
from trimtab.domain.records import canonical_json

Value = TypeVar("Value")
_AT_A_TIME: Final = 1_000


class ContentMissing(TrimtabError):
    """No content is stored under the hash."""

    code = "CONTENT_MISSING"


class ContentChanged(TrimtabError):
    """The stored bytes do not have the hash that they are stored under."""

    code = "CONTENT_CHANGED"


def put_content(connection: Connection, firm_id: str, kind: str, value: object) -> str:
    """Store a dataclass or plain value under the hash of its canonical JSON; storing it again does nothing."""
    return put_contents(connection, firm_id, kind, {"": value})[""]


def put_contents(connection: Connection, firm_id: str, kind: str, values: Mapping[str, object]) -> dict[str, str]:
    """Store many values in a statement for each thousand, and return their hashes under the same names."""
    digests, bodies = dict[str, str](), dict[str, bytes]()
    for name, value in values.items():
        body = canonical_json(value).encode()
        digests[name] = hashlib.sha256(body).hexdigest()
        bodies[digests[name]] = body
    for some in _parts(sorted(bodies)):
        rows = [
            {"firm_id": firm_id, "content_hash": digest, "kind": kind, "body": zlib.compress(bodies[digest], 3)}
            for digest in some
        ]
        connection.execute(upsert(content).values(rows).on_conflict_do_nothing())
    return digests


def get_content(connection: Connection, digest: str, kind: type[Value]) -> Value:
    """The stored value, as `kind` (a dataclass of the domain). Raises ContentMissing and ContentChanged."""
    return get_contents(connection, {"": digest}, kind)[""]


def get_contents(connection: Connection, digests: Mapping[str, str], kind: type[Value]) -> dict[str, Value]:
    """Many values of one kind by name, in a statement for each thousand. Raises as `get_content`."""
    adapter = _adapters.get(kind)
    if adapter is None:
        adapter = _adapters[kind] = TypeAdapter(kind)
    wanted = sorted(set(digests.values()))
    read = {
        digest: adapter.validate_json(body, strict=False)
        for some in _parts(wanted)
        for digest, body in _bodies(connection, some).items()
    }
    return {name: read[digest] for name, digest in digests.items()}


_adapters: dict[type[Any], TypeAdapter[Any]] = {}
"""Building one costs more than reading with it."""


def get_plain(connection: Connection, digest: str) -> Mapping[str, Any]:
    """The stored value as plain JSON values."""
    value: Mapping[str, Any] = orjson.loads(get_body(connection, digest))
    return value


def get_body(connection: Connection, digest: str) -> bytes:
    return _bodies(connection, [digest])[digest]


def _bodies(connection: Connection, digests: Collection[str]) -> dict[str, bytes]:
    rows = select(content.c.content_hash, content.c.body).where(content.c.content_hash.in_(digests))
    found = {row.content_hash: zlib.decompress(row.body) for row in connection.execute(rows)}
    for digest in digests:
        if digest not in found:
            raise ContentMissing(f"no content is stored under {digest}")
        if hashlib.sha256(found[digest]).hexdigest() != digest:
            raise ContentChanged(f"the content stored under {digest} was changed")
    return found


def _parts(digests: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(digests), _AT_A_TIME):
        yield digests[start : start + _AT_A_TIME]
