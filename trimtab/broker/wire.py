"""Strict conversion between frozen dataclasses and JSON objects: messages and journal lines share it.

Decimals and dates travel as strings, enums by value. Nothing is coerced: a missing field, a field
that is not known, a number in place of a string or a decimal in exponent notation is an error.
"""

import json
import re
import types
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from trimtab.broker.errors import MalformedMessage

MAX_TEXT = 512  # characters in one field
MAX_INTEGER = 2**63 - 1
DECIMAL_TEXT = re.compile(r"-?\d{1,20}(\.\d{1,12})?", re.ASCII)
DATE_TEXT = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

T = TypeVar("T")
JsonObject = dict[str, Any]
Reader = Callable[[Any], Any]

_READERS: dict[type[Any], dict[str, Reader]] = {}  # filled as shapes are met


def to_wire(value: Any) -> Any:
    """`value` (a dataclass of the protocol, or one of its fields) as what JSON can hold."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_wire(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    return value


def from_wire(shape: type[T], data: JsonObject) -> T:
    """An instance of the dataclass `shape` from a JSON object; raises MalformedMessage."""
    readers = _readers(shape)
    if data.keys() != readers.keys():
        missing, extra = sorted(readers.keys() - data.keys()), sorted(data.keys() - readers.keys())
        raise MalformedMessage(f"{shape.__name__}: missing fields {missing}, unknown fields {extra}"[:MAX_TEXT])
    values: dict[str, Any] = {}
    for name, read in readers.items():
        try:
            values[name] = read(data[name])
        except ValueError as error:
            raise MalformedMessage(f"{shape.__name__}.{name}: {error}"[:MAX_TEXT]) from error
    return shape(**values)


def dump_line(data: JsonObject) -> bytes:
    """One line of JSON, newline included."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def load_object(line: bytes) -> JsonObject:
    """The JSON object in one line; raises MalformedMessage, also for a repeated key or NaN."""
    try:
        data = json.loads(line.decode(), object_pairs_hook=_unique_keys, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:  # RecursionError: thousands of opening brackets
        raise MalformedMessage(f"not a line of JSON: {error}"[:MAX_TEXT]) from error
    if not isinstance(data, dict):
        raise MalformedMessage("the line is not a JSON object")
    return data


def _unique_keys(pairs: list[tuple[str, Any]]) -> JsonObject:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a key is repeated")
    return data


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not allowed")


def _readers(shape: type[Any]) -> dict[str, Reader]:
    if shape not in _READERS:
        hints = get_type_hints(shape)
        _READERS[shape] = {field.name: _reader(hints[field.name]) for field in fields(shape)}
    return _READERS[shape]


def _reader(hint: Any) -> Reader:
    if get_origin(hint) in (Union, types.UnionType):
        inner = _reader(next(arm for arm in get_args(hint) if arm is not type(None)))
        return lambda raw: None if raw is None else inner(raw)
    if isinstance(hint, type) and is_dataclass(hint):
        return lambda raw: from_wire(hint, _object(raw))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return lambda raw: hint(_text(raw))
    return _SCALARS[hint]


def _object(raw: Any) -> JsonObject:
    if not isinstance(raw, dict):
        raise ValueError("an object is expected")
    return raw


def _text(raw: Any) -> str:
    if not isinstance(raw, str) or not 0 < len(raw) <= MAX_TEXT or not raw.isprintable():
        raise ValueError(f"text of 1 to {MAX_TEXT} printable characters is expected")
    return raw


def _integer(raw: Any) -> int:
    if type(raw) is not int or not 0 <= raw <= MAX_INTEGER:  # type(), since True is an int
        raise ValueError("a non-negative integer is expected")
    return raw


def _flag(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise ValueError("true or false is expected")
    return raw


def _decimal(raw: Any) -> Decimal:
    if not isinstance(raw, str) or not DECIMAL_TEXT.fullmatch(raw):
        raise ValueError("a decimal number as a string is expected")
    return Decimal(raw)


def _date(raw: Any) -> date:
    if not isinstance(raw, str) or not DATE_TEXT.fullmatch(raw):
        raise ValueError("a date as YYYY-MM-DD is expected")
    return date.fromisoformat(raw)


_SCALARS: dict[Any, Reader] = {str: _text, int: _integer, bool: _flag, Decimal: _decimal, date: _date}
