"""Filters in plain English, for the page that lists them and for the reason of a lane.

A filter's sentence is exact: `filter_reading` reads the same filter back from it. What an account shows is rounded.
"""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from trimtab.domain.account_facts import AccountFacts, FactValue, fact
from trimtab.domain.fact_fields import Field, FieldKind, Unit
from trimtab.domain.filters import Combinator, FilterTree, Group, Operator, Rule

VERBS: Final[Mapping[Operator, str]] = {
    Operator.EQUAL: "is",
    Operator.NOT_EQUAL: "is not",
    Operator.LESS: "is below",
    Operator.AT_MOST: "is at most",
    Operator.GREATER: "is above",
    Operator.AT_LEAST: "is at least",
    Operator.BETWEEN: "is between",
    Operator.NOT_BETWEEN: "is not between",
    Operator.IN: "is one of",
    Operator.NOT_IN: "is none of",
    Operator.CONTAINS: "hold",
    Operator.DOES_NOT_CONTAIN: "do not hold",
    Operator.NULL: "is unknown",
    Operator.NOT_NULL: "is known",
}
DATE_VERBS: Final[Mapping[Operator, str]] = {
    **VERBS,
    Operator.LESS: "is before",
    Operator.AT_MOST: "is not after",
    Operator.GREATER: "is after",
    Operator.AT_LEAST: "is not before",
}


def verbs_of(field: Field) -> Mapping[Operator, str]:
    return DATE_VERBS if field.kind is FieldKind.DATE else VERBS


PLAIN_WORD: Final = re.compile(r"[\w&/-]+")
"""Words that need no quotes: they end at the next space, comma or bracket."""
START: Final = "The account is wanted when "


def sentence(tree: FilterTree) -> str:
    """The whole filter: "The account is wanted when the value is at most $250,000 and ..."."""
    return f"{START}{_phrase(tree, outermost=True)}."


def rule_phrase(rule: Rule) -> str:
    """One rule, e.g. "the turnover is at most 10 %" or "the account is not suspended"."""
    field = rule.field
    if field.kind is FieldKind.BOOLEAN and isinstance(rule.value, bool):
        affirmed = rule.value is (rule.operator is Operator.EQUAL)
        return f"the account is {'' if affirmed else 'not '}{field.label}"
    words = f"the {field.label} {verbs_of(field)[rule.operator]}"
    if rule.value is None:
        return words
    if rule.operator in (Operator.BETWEEN, Operator.NOT_BETWEEN) and isinstance(rule.value, tuple):
        low, high = rule.value
        return f"{words} {exact_text(field, low)} and {exact_text(field, high)}"
    items = rule.value if isinstance(rule.value, tuple) else (rule.value,)
    return f"{words} {', '.join(exact_text(field, item) for item in items)}"


def exact_text(field: Field, value: str | float | bool) -> str:
    """A rule's value in the field's unit with all of its digits; words that could be misread stand in quotes."""
    if isinstance(value, str):
        return value if PLAIN_WORD.fullmatch(value) else json.dumps(value)
    digits = Decimal(repr(float(value)))
    match field.unit:
        case Unit.DOLLARS:
            return f"{'-' if digits < 0 else ''}${_plain(abs(digits))}"
        case Unit.FRACTION:
            return f"{_plain(digits * 100)} %"
        case Unit.BASIS_POINTS:
            return f"{_plain(digits)} bp"
        case Unit.DAYS:
            return f"{_plain(digits)} days"
        case _:
            return _plain(digits)


def _plain(digits: Decimal) -> str:
    return f"{digits.normalize():,f}"


def observed_phrase(rule: Rule, facts: AccountFacts) -> str:
    """What the account shows for a rule, e.g. "the turnover is 12 %"."""
    actual = fact(facts, rule.field.name)
    if actual is None:
        return f"the {rule.field.label} is unknown"
    if isinstance(actual, bool):
        return f"the account is {'' if actual else 'not '}{rule.field.label}"
    if isinstance(actual, tuple):
        label = rule.field.label
        return f"the {label} are {value_text(rule.field, actual)}" if actual else f"there are no {label}"
    return f"the {rule.field.label} is {value_text(rule.field, actual)}"


def value_text(field: Field, value: FactValue | tuple[float, float]) -> str:
    """A value in the field's unit: $250,000, 5 %, 12.5 bp."""
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    match field.unit:
        case Unit.DOLLARS:
            return f"-${-value:,.0f}" if value < 0 else f"${value:,.0f}"
        case Unit.FRACTION:
            return f"{_digits(value * 100)} %"
        case Unit.BASIS_POINTS:
            return f"{_digits(value)} bp"
        case Unit.DAYS:
            return f"{_digits(value)} days"
        case _:
            return _digits(value)


def _digits(value: float) -> str:
    """At most two decimals, without trailing zeros."""
    text = f"{value:,.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _phrase(node: Rule | Group, *, outermost: bool = False) -> str:
    if isinstance(node, Rule):
        return rule_phrase(node)
    joined = f" {node.combinator.value} ".join(_phrase(child) for child in node.rules)
    if node.negated:
        return f"not ({joined})"
    needs_brackets = not outermost and len(node.rules) > 1
    return f"({joined})" if needs_brackets else joined


def join_and(phrases: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    if len(phrases) < 2:
        return "".join(phrases)
    return f"{', '.join(phrases[:-1])} {Combinator.AND.value} {phrases[-1]}"
