"""Whom a filter wants: a tree's answer about one account.

Evaluation is SQL's: a comparison with an unknown value is unknown, `not` of unknown is unknown, and a filter whose
whole answer is unknown does not match: coalesce(expr, false).
"""

from collections.abc import Sequence
from typing import TypeVar

from trimtab.domain.account_facts import AccountFacts, FactValue, fact
from trimtab.domain.filters import Combinator, FilterTree, Group, Operator, Rule, WrongValue

_Bound = TypeVar("_Bound", float, str)


def matches(tree: FilterTree, facts: AccountFacts) -> bool:
    """Whether the filter wants the account. Unknown is no."""
    return _answer(tree, facts) is True


def _answer(node: Rule | Group, facts: AccountFacts) -> bool | None:
    """True, False or None for unknown, by SQL's three-valued logic."""
    if isinstance(node, Rule):
        return rule_answer(node, facts)
    answers = [_answer(child, facts) for child in node.rules]
    decisive = node.combinator is Combinator.OR  # one such answer decides the group
    if decisive not in answers and None in answers:
        return None
    answer = decisive if decisive in answers else not decisive
    return answer != node.negated


def rule_answer(rule: Rule, facts: AccountFacts) -> bool | None:
    """One comparison; None when the account's value is unknown."""
    actual = fact(facts, rule.field.name)
    if rule.operator in (Operator.NULL, Operator.NOT_NULL):
        return (actual is None) is (rule.operator is Operator.NULL)
    return None if actual is None else _holds(rule, actual)


def _holds(rule: Rule, actual: FactValue) -> bool:
    expected = rule.value
    match rule.operator:
        case Operator.EQUAL:
            return actual == expected
        case Operator.NOT_EQUAL:
            return actual != expected
        case Operator.IN:
            return isinstance(expected, tuple) and actual in expected
        case Operator.NOT_IN:
            return isinstance(expected, tuple) and actual not in expected
        case Operator.CONTAINS:
            return isinstance(actual, tuple) and expected in actual
        case Operator.DOES_NOT_CONTAIN:
            return isinstance(actual, tuple) and expected not in actual
        case _:
            return _ordered(rule, actual)


def _ordered(rule: Rule, actual: FactValue) -> bool:
    """A comparison of order: of numbers, or of dates, whose text sorts as they do."""
    bounds = rule.value if isinstance(rule.value, tuple) else (rule.value,)
    if isinstance(actual, str):
        return _compares(rule.operator, actual, [str(bound) for bound in bounds])
    numbers = [bound for bound in bounds if isinstance(bound, float)]
    if len(numbers) != len(bounds):
        raise WrongValue(rule.field.name, f"{rule.operator.value} needs a number, not {rule.value!r}")
    return isinstance(actual, int | float) and _compares(rule.operator, float(actual), numbers)


def _compares(operator: Operator, actual: _Bound, bounds: Sequence[_Bound]) -> bool:
    match operator:
        case Operator.BETWEEN:
            return bounds[0] <= actual <= bounds[1]
        case Operator.NOT_BETWEEN:
            return not bounds[0] <= actual <= bounds[1]
        case Operator.LESS:
            return actual < bounds[0]
        case Operator.AT_MOST:
            return actual <= bounds[0]
        case Operator.GREATER:
            return actual > bounds[0]
        case _:
            return actual >= bounds[0]
