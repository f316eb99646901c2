"""Ids and cursors on the wire, and the only code that reads them. Whatever a client sends, reading never fails
otherwise than with BadInput, or None for an id."""

import base64
import binascii
import re
from datetime import date
from typing import Final

import orjson

from trimtab.graphql.errors import BadInput

LONGEST_ID: Final = 300
LONGEST_SEARCH: Final = 100
_VERSION: Final = "1"
_PLAIN: Final = re.compile(r"[\w.:/~=@+-]{1,200}")
_ALPHABET: Final = re.compile(r"[A-Za-z0-9_-]+={0,2}")


def node_id(kind: str, key: str) -> str:
    """The id of a node: opaque, unique over all kinds."""
    return _encode(f"{kind}:{key}".encode())


def read_node_id(value: str) -> tuple[str, str] | None:
    """(kind, key) of a node's id; None when it is none."""
    if len(value) > LONGEST_ID:
        return None
    try:
        kind, separator, key = _decode(value).decode().partition(":")
    except (ValueError, UnicodeDecodeError):
        return None
    return (kind, key) if separator and kind.isidentifier() and _PLAIN.fullmatch(key) else None


KINDS: Final = frozenset({"Account", "AccountDay", "Run", "Suspension", "Alert", "BlockedStep"})


def key_of(kind: str, value: str) -> str:
    """The key in a node's id of this kind. The firm's own number, as files and pages show it, does too.

    Raises BadInput for ids of another kind and for texts that cannot be an id.
    """
    found = read_node_id(value)
    if found is not None and found[0] == kind:
        return found[1]
    if found is not None and found[0] in KINDS:
        raise BadInput(f"this is the id of a {found[0]}, not of a {kind}")
    if not _PLAIN.fullmatch(value):
        raise BadInput(f"this is not the id of a {kind}")
    return value


def search_text(name: str, value: str | None) -> str | None:
    """A text to look for; None when there is none. Raises BadInput for what no row can contain."""
    if value is None or not value.strip():
        return None
    if len(value) > LONGEST_SEARCH or not value.isprintable():
        raise BadInput(f"{name} is at most {LONGEST_SEARCH} printable characters")
    return value.strip()


def cursor(*parts: str) -> str:
    """Where a page ended."""
    return _encode(orjson.dumps([_VERSION, *parts]))


def read_cursor(value: str | None, count: int) -> list[str] | None:
    """The `count` parts of a cursor, None without one. Raises BadInput."""
    if value is None:
        return None
    try:
        parts = orjson.loads(_decode(value)) if len(value) <= LONGEST_ID else None
    except ValueError:
        parts = None
    if not _is_cursor(parts, count):
        raise BadInput("this is not a cursor of this list")
    return [str(part) for part in parts[1:]]  # type: ignore[index]  # checked above


def iso_date(text: str) -> date:
    """A date in a cursor. Raises BadInput."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput("this is not a cursor of this list") from None


def _is_cursor(parts: object, count: int) -> bool:
    return (
        isinstance(parts, list)
        and len(parts) == count + 1
        and parts[0] == _VERSION
        and all(isinstance(part, str) and part.isprintable() for part in parts)
    )


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(value: str) -> bytes:
    if not _ALPHABET.fullmatch(value):
        raise ValueError("not base64url")
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url") from error
