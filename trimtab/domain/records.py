"""Canonical form, content hashes and the per-account hash chain.

Canonical JSON: sorted keys, no spaces, decimals as plain strings without trailing zeros, dates in ISO 8601,
instants in UTC. Two equal values have one form, whatever scale a database gave their decimals.
"""

import hashlib
import json
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType

from trimtab.domain.errors import TrimtabError

GENESIS = "0" * 64
"""What the first record of every account names as its predecessor."""


_AS_IT_IS = frozenset({str, int, bool, NoneType})


class NotCanonical(TrimtabError):
    """Raised when a value has no canonical form: NaN, infinity, a naive instant, an unknown type."""

    code = "NOT_CANONICAL"


def decimal_text(value: Decimal) -> str:
    """A finite decimal as a plain string: Decimal('1.500') and Decimal('1.5') both give '1.5'."""
    if not value.is_finite():
        raise NotCanonical(f"{value} is not a finite number")
    text = format(value.normalize(), "f")
    return "0" if text in ("-0", "0") else text


def plain(value: object) -> object:
    """`value` as dicts, lists, strings, numbers, booleans and None, ready for canonical JSON."""
    kind = type(value)  # most values of a snapshot are of these kinds or dataclasses of them: 23,000 lots, say
    if kind in _AS_IT_IS:
        return value
    if kind is Decimal:
        return decimal_text(value)  # type: ignore[arg-type]
    if names := _field_names(kind):  # type: ignore[arg-type]
        return {name: plain(getattr(value, name)) for name in names}
    return _plain_otherwise(value)


@cache
def _field_names(kind: type[object]) -> tuple[str, ...]:
    """Of a dataclass; nothing for another type."""
    return tuple(item.name for item in fields(kind)) if is_dataclass(kind) else ()


def _plain_otherwise(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise NotCanonical(f"{value} is not a finite number")
        return value
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise NotCanonical(f"{value} has no time zone")
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return {}  # one without fields
    if isinstance(value, Mapping):
        return {str(key.value if isinstance(key, Enum) else key): plain(item) for key, item in value.items()}
    if isinstance(value, Set):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    raise NotCanonical(f"a {type(value).__name__} has no canonical form")


def canonical_json(value: object) -> str:
    return _json(plain(value))


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def plain_hash(value: object) -> str:
    """`content_hash` of a value that is plain already, as `plain` and the database give it: half the work."""
    return hashlib.sha256(_json(value).encode()).hexdigest()


def content_hash(value: object) -> str:
    """SHA-256 of the canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def record_hash(previous: str, header: Mapping[str, object]) -> str:
    """The chain's link: SHA-256 over the predecessor's hash and the record's header.

    The header names the firm, the account, the place in the chain, the kind, the business date, the actor and
    the body's hash, so that none of them can change, and no record can move to another chain, unnoticed.
    """
    return hashlib.sha256(f"{previous}\n{canonical_json(header)}".encode()).hexdigest()
