"""Canonical form, content hashes and the per-account hash chain.

Canonical JSON: sorted keys, no spaces, decimals as plain strings without trailing zeros, dates in ISO 8601,
instants in UTC. Two equal values have one form, whatever scale a database gave their decimals.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from json.encoder import encode_basestring
from operator import attrgetter
from types import MappingProxyType, NoneType
from typing import Any, Final

from trimtab.domain.errors import TrimtabError

GENESIS = "0" * 64
"""What the first record of every account names as its predecessor."""


LEFT_OUT_WHEN_EMPTY: Final[Mapping[str, object]] = MappingProxyType({"canonical": "left out when empty"})
"""Metadata of a dataclass's field that came later than records: a value that says nothing in it has the form, and the
hash, that it had before there was the field."""

_MOST_DIGITS = 28
"""More than the precision of decimals is not told by `normalize`, so longer texts are its."""

_AS_IT_IS = frozenset({str, int, bool, NoneType})


class NotCanonical(TrimtabError):
    """Raised when a value has no canonical form: NaN, infinity, a naive instant, an unknown type."""

    code = "NOT_CANONICAL"


def decimal_text(value: Decimal) -> str:
    """A finite decimal as a plain string: Decimal('1.500') and Decimal('1.5') both give '1.5'.

    Beyond 28 digits it is rounded to them.
    """
    text = str(value)
    if len(text) > _MOST_DIGITS or "E" in text or not value.is_finite():
        if not value.is_finite():
            raise NotCanonical(f"{value} is not a finite number")
        text = format(value.normalize(), "f")
    elif "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "0") else text


def plain(value: object) -> object:
    """`value` as dicts, lists, strings, numbers, booleans and None, ready for canonical JSON."""
    kind = type(value)  # most values of a snapshot are of these kinds or dataclasses of them: 23,000 lots, say
    if kind in _AS_IT_IS:
        return value
    if isinstance(value, Decimal):
        return decimal_text(value)
    if names := _field_names(kind):
        return {name: plain(getattr(value, name)) for name in _said(value, kind, names)}
    return _plain_otherwise(value)


def _field_names(kind: type[Any]) -> tuple[str, ...]:
    """Of a dataclass; nothing for another type."""
    names = _NAMES.get(kind)
    if names is None:
        every = fields(kind) if is_dataclass(kind) else ()
        later = frozenset(item.name for item in every if item.metadata == LEFT_OUT_WHEN_EMPTY)
        if later:
            _LATER[kind] = later
        names = _NAMES[kind] = tuple(item.name for item in every)
    return names


_NAMES: dict[type[Any], tuple[str, ...]] = {}
_LATER: dict[type[Any], frozenset[str]] = {}
"""Fields that are left out when they are empty, of the few dataclasses that have any."""


def _said(value: object, kind: type[Any], names: tuple[str, ...]) -> tuple[str, ...]:
    """The names less those that are left out of this value."""
    later = _LATER.get(kind)
    return names if later is None else tuple(each for each in names if each not in later or getattr(value, each))


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
    return _written(value)


_Writer = Callable[[Any], str]


def _written(value: Any) -> str:
    """The canonical JSON of `plain(value)`, in one pass: a snapshot is written for its hash each night."""
    return _writer_of(type(value))(value)


def _writer_of(kind: type[Any]) -> _Writer:
    writer = _WRITERS.get(kind)
    if writer is None:
        writer = _WRITERS[kind] = _new_writer(kind)
    return writer


def _new_writer(kind: type[Any]) -> _Writer:
    """How values of one type are written; the types in the order in which `plain` knows them."""
    if _is_record(kind):
        if kind in _LATER:
            return _written_as_said
        template, values_of = _form_of(kind)
        return lambda value: template % tuple([_writer_of(type(item))(item) for item in values_of(value)])
    if issubclass(kind, Enum):
        return lambda value: _written(value.value)
    if issubclass(kind, Mapping):
        return _written_mapping
    if issubclass(kind, list | tuple):
        return lambda value: f"[{','.join(_written_all(value))}]"
    return lambda value: _json(plain(value))


def _written_as_said(value: Any) -> str:
    """A dataclass of which something may be left out."""
    kind = type(value)
    template, values_of = _new_form(sorted(_said(value, kind, _field_names(kind))))
    return template % tuple([_writer_of(type(item))(item) for item in values_of(value)])


def _written_all(values: Sequence[Any]) -> list[str]:
    """The values one by one; those of one type by columns, because most of a snapshot are lots."""
    kinds = set(map(type, values))
    if len(kinds) != 1:
        return [_written(value) for value in values]
    (kind,) = kinds
    if kind is Decimal:
        return _written_decimals(values)
    if _is_record(kind) and kind not in _LATER:
        return _written_rows(kind, values)
    return list(map(_writer_of(kind), values))


def _written_rows(kind: type[Any], rows: Sequence[Any]) -> list[str]:
    """Dataclasses of one type."""
    template, values_of = _form_of(kind)
    columns = [_written_all(column) for column in zip(*map(values_of, rows), strict=True)]
    return [template % row for row in zip(*columns, strict=True)]


def _is_record(kind: type[Any]) -> bool:
    """A dataclass with fields."""
    return bool(_field_names(kind))


_Form = tuple[str, Callable[[Any], tuple[object, ...]]]
_FORMS: dict[type[Any], _Form] = {}


def _form_of(kind: type[Any]) -> _Form:
    """How a dataclass is written, and its fields' values in that order."""
    form = _FORMS.get(kind)
    if form is None:
        form = _FORMS[kind] = _new_form(sorted(_field_names(kind)))
    return form


def _new_form(names: Sequence[str]) -> _Form:
    template = "{" + ",".join([f"{encode_basestring(name)}:%s" for name in names]) + "}"
    if len(names) == 1:
        return template, lambda value: (getattr(value, names[0]),)
    return template, attrgetter(*names)


def _written_decimals(values: Sequence[Decimal]) -> list[str]:
    texts = list(map(str, values))
    joined = "".join(texts)
    if max(map(len, texts)) > _MOST_DIGITS or not joined.replace(".", "").isdigit():
        return [f'"{decimal_text(value)}"' for value in values]
    return [f'"{text.rstrip("0").rstrip(".")}"' if "." in text else f'"{text}"' for text in texts]


def _written_mapping(value: Mapping[object, object]) -> str:
    items = {str(key.value if isinstance(key, Enum) else key): item for key, item in value.items()}
    keys = sorted(items)
    texts = _written_all([items[key] for key in keys])
    return f"{{{','.join([f'{encode_basestring(key)}:{text}' for key, text in zip(keys, texts, strict=True)])}}}"


@lru_cache(maxsize=20_000)  # the lots of an account were bought on few days
def _written_date(value: date) -> str:
    return f'"{value.isoformat()}"'


def _written_float(value: float) -> str:
    if value - value != 0:
        raise NotCanonical(f"{value} is not a finite number")
    return repr(value)


_WRITERS: dict[type[Any], _Writer] = {
    str: encode_basestring,
    bool: lambda value: "true" if value else "false",
    NoneType: lambda value: "null",
    int: repr,
    float: _written_float,
    Decimal: lambda value: f'"{decimal_text(value)}"',
    date: _written_date,
}
"""Of the types that most values of a snapshot have; others join when they are first met."""


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
