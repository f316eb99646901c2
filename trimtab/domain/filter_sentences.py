"""Filters in plain English, for the page that lists them and for the reason of a lane."""

from collections.abc import Mapping
from typing import Final

from trimtab.domain.account_facts import AccountFacts, FactValue, Field, FieldKind, Unit, fact
from trimtab.domain.filters import Combinator, FilterTree, Group, Operator, Rule

_VERBS: Final[Mapping[Operator, str]] = {
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


def sentence(tree: FilterTree) -> str:
    """The whole filter: "The account is wanted when the value is at most $250,000 and ..."."""
    return f"The account is wanted when {_phrase(tree, outermost=True)}."


def rule_phrase(rule: Rule) -> str:
    """One rule, e.g. "the turnover is at most 10 %" or "the account is not suspended"."""
    field = rule.field
    if field.kind is FieldKind.BOOLEAN and isinstance(rule.value, bool):
        affirmed = rule.value is (rule.operator is Operator.EQUAL)
        return f"the account is {'' if affirmed else 'not '}{field.label}"
    words = f"the {field.label} {_VERBS[rule.operator]}"
    if rule.value is None:
        return words
    if rule.operator in (Operator.BETWEEN, Operator.NOT_BETWEEN) and isinstance(rule.value, tuple):
        low, high = rule.value
        return f"{words} {value_text(field, low)} and {value_text(field, high)}"
    return f"{words} {value_text(field, rule.value)}"


def observed_phrase(rule: Rule, facts: AccountFacts) -> str:
    """What the account shows for a rule, e.g. "the turnover is 12 %"."""
    actual = fact(facts, rule.field.name)
    if actual is None:
        return f"the {rule.field.label} is unknown"
    if isinstance(actual, bool):
        return f"the account is {'' if actual else 'not '}{rule.field.label}"
    if isinstance(actual, tuple):
        return f"the {rule.field.label} are {value_text(rule.field, actual)}" if actual else "there are no flags"
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
