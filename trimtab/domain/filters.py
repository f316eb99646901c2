"""Filters: typed JSON trees over `AccountFacts`, and their parser (W0 to W3).

The JSON is the shape of react-querybuilder: a group {combinator: "and" | "or", not?: bool, rules: [...]} of
groups and rules {field, operator, value}. `filter_answers` says whom a filter wants, `filter_sentences` its English.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import isfinite
from typing import Final, TypeVar

from trimtab.domain.errors import TrimtabError
from trimtab.domain.fact_fields import FIELDS, Field, FieldKind

MOST_LEVELS: Final = 6
MOST_RULES: Final = 100
LONGEST_TEXT: Final = 200

Fields = Mapping[str, Field]
"""What a filter may name: the fields of everybody, and where a firm has some, its own."""
RuleValue = str | bool | float | tuple[str, ...] | tuple[float, float] | None


class FilterError(TrimtabError):
    """A filter that cannot be read. `path` says where, e.g. `rules[0].rules[2]`; '' is the whole filter."""

    code = "FILTER_INVALID"

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path or 'filter'}: {problem}")
        self.path = path
        self.problem = problem


class MalformedFilter(FilterError):
    """Not a group or a rule of the expected shape."""

    code = "FILTER_MALFORMED"


class UnknownField(FilterError):
    code = "FILTER_UNKNOWN_FIELD"


class WrongOperator(FilterError):
    """An operator that does not exist, or does not suit the field's type."""

    code = "FILTER_WRONG_OPERATOR"


class WrongValue(FilterError):
    """A value of another type than the field's, or none of its words."""

    code = "FILTER_WRONG_VALUE"


class FilterTooLarge(FilterError):
    """Nested deeper than `MOST_LEVELS`, or more than `MOST_RULES` rules."""

    code = "FILTER_TOO_LARGE"


class Combinator(StrEnum):
    AND = "and"
    OR = "or"


class Operator(StrEnum):
    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="
    BETWEEN = "between"  # both ends included
    NOT_BETWEEN = "notBetween"
    IN = "in"
    NOT_IN = "notIn"
    CONTAINS = "contains"  # a set holds the word
    DOES_NOT_CONTAIN = "doesNotContain"
    NULL = "null"
    NOT_NULL = "notNull"


_NULLS: Final = frozenset({Operator.NULL, Operator.NOT_NULL})
_RANGES: Final = frozenset({Operator.BETWEEN, Operator.NOT_BETWEEN})
_LISTS: Final = frozenset({Operator.IN, Operator.NOT_IN})
_COMPARISONS: Final = frozenset({Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST})
_SAME: Final = frozenset({Operator.EQUAL, Operator.NOT_EQUAL})
_SETS: Final = frozenset({Operator.CONTAINS, Operator.DOES_NOT_CONTAIN})

OPERATORS: Final[Mapping[FieldKind, frozenset[Operator]]] = {
    FieldKind.NUMBER: _SAME | _COMPARISONS | _RANGES | _NULLS,
    FieldKind.BOOLEAN: _SAME | _NULLS,
    FieldKind.TEXT: _SAME | _LISTS | _NULLS,
    FieldKind.TEXT_SET: _SETS | _NULLS,
    FieldKind.DATE: _SAME | _COMPARISONS | _RANGES | _NULLS,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One comparison. `value` is a float, bool or text; a pair for a range, a tuple of words for a list."""

    field: Field
    operator: Operator
    value: RuleValue


@dataclass(frozen=True, slots=True)
class Group:
    combinator: Combinator
    negated: bool
    rules: "tuple[Rule | Group, ...]"  # at least one


FilterTree = Group


def parse_filter(json_value: object, fields: Fields = FIELDS) -> FilterTree:
    """A filter from its JSON value (as `json.loads` gives it). Raises a FilterError that names the place."""
    tree = _group(json_value, "", 1, fields)
    if sum(1 for _ in rules_of(tree)) > MOST_RULES:
        raise FilterTooLarge("", f"more than {MOST_RULES} rules")
    return tree


def rules_of(node: Rule | Group) -> Iterator[Rule]:
    """Every rule of a tree, from left to right."""
    if isinstance(node, Rule):
        yield node
        return
    for child in node.rules:
        yield from rules_of(child)


def _group(value: object, path: str, level: int, fields: Fields) -> Group:
    if level > MOST_LEVELS:
        raise FilterTooLarge(path, f"nested deeper than {MOST_LEVELS} levels")
    if not isinstance(value, Mapping) or not isinstance(value.get("rules"), list | tuple):
        raise MalformedFilter(path, "a group needs `combinator` and a list of `rules`")
    _refuse_unknown_keys(value, {"combinator", "not", "rules", "id"}, path)
    try:
        combinator = Combinator(str(value.get("combinator")))
    except ValueError:
        raise MalformedFilter(path, f"combinator {value.get('combinator')!r} is neither and nor or") from None
    negated = value.get("not", False)
    if not isinstance(negated, bool):
        raise MalformedFilter(path, "`not` must be true or false")
    children = value["rules"]
    if not children:
        raise MalformedFilter(path, "an empty group would match every account; leave it out or add a rule")
    if len(children) > MOST_RULES:
        raise FilterTooLarge(path, f"more than {MOST_RULES} rules")
    prefix = f"{path}." if path else ""
    return Group(
        combinator,
        negated,
        tuple(_node(child, f"{prefix}rules[{place}]", level + 1, fields) for place, child in enumerate(children)),
    )


def _node(value: object, path: str, level: int, fields: Fields) -> Rule | Group:
    if isinstance(value, Mapping) and "field" in value:
        return _rule(value, path, fields)
    return _group(value, path, level, fields)


def _rule(value: Mapping[str, object], path: str, fields: Fields) -> Rule:
    _refuse_unknown_keys(value, {"field", "operator", "value", "id", "valueSource"}, path)
    if value.get("valueSource", "value") != "value":
        raise MalformedFilter(path, "a field can only be compared with a value")
    name = value["field"]
    field = fields.get(name) if isinstance(name, str) else None
    if field is None:
        raise UnknownField(path, f"there is no field {name!r}")
    try:
        operator = Operator(str(value.get("operator")))
    except ValueError:
        raise WrongOperator(path, f"there is no operator {value.get('operator')!r}") from None
    if operator not in OPERATORS[field.kind]:
        raise WrongOperator(path, f"{operator.value!r} does not suit {field.name}, a {field.kind.lower()}")
    return Rule(field, operator, _value(field, operator, value.get("value"), path))


def _refuse_unknown_keys(value: Mapping[str, object], known: set[str], path: str) -> None:
    unknown = sorted(str(key) for key in value if key not in known)
    if unknown:
        raise MalformedFilter(path, f"does not know {', '.join(unknown)}")


def _value(field: Field, operator: Operator, value: object, path: str) -> RuleValue:
    if operator in _NULLS:
        return None
    if operator in _RANGES:
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise WrongValue(path, f"{operator.value} needs two values")
        if field.kind is FieldKind.DATE:
            return _in_order(_date(field, value[0], path), _date(field, value[1], path), path)
        return _in_order(_number(field, value[0], path), _number(field, value[1], path), path)
    if operator in _LISTS:
        if not isinstance(value, list | tuple) or not 0 < len(value) <= MOST_RULES:
            raise WrongValue(path, f"{operator.value} needs a list of 1 to {MOST_RULES} words")
        return tuple(_text(field, item, path) for item in value)
    if field.kind is FieldKind.NUMBER:
        return _number(field, value, path)
    if field.kind is FieldKind.BOOLEAN:
        if not isinstance(value, bool):
            raise WrongValue(path, f"{field.name} is true or false, not {value!r}")
        return value
    return _date(field, value, path) if field.kind is FieldKind.DATE else _text(field, value, path)


_Bound = TypeVar("_Bound", float, str)


def _in_order(low: _Bound, high: _Bound, path: str) -> tuple[_Bound, _Bound]:
    if low > high:
        raise WrongValue(path, f"{low} is above {high}")
    return low, high


def _date(field: Field, value: object, path: str) -> str:
    try:
        return date.fromisoformat(value if isinstance(value, str) else "").isoformat()
    except ValueError:
        raise WrongValue(path, f"{field.name} needs a date such as 2026-03-31, not {value!r}") from None


def _number(field: Field, value: object, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise WrongValue(path, f"{field.name} needs a number, not {value!r}")
    return float(value)


def _text(field: Field, value: object, path: str) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or "\0" in value:
        raise WrongValue(path, f"{field.name} needs a text of at most {LONGEST_TEXT} characters")
    if field.choices and value not in field.choices:
        raise WrongValue(path, f"{field.name} is one of {', '.join(field.choices)}, not {value!r}")
    return value
