"""Random filters and rows, few enough values that they meet; with characters that SQL would trip over unbound."""

from random import Random
from typing import Any

from hypothesis import strategies as st

from trimtab.domain.account_facts import AccountFacts
from trimtab.domain.ancillary import AncillaryField, AncillaryType, EnteredBy, filter_fields
from trimtab.domain.fact_fields import FIELDS, OWN, Field, FieldKind, Unit
from trimtab.domain.filters import OPERATORS, Combinator, FilterTree, Group, Operator, Rule, RuleValue

WORDS = ("", "OPEN", "it's", "50%", "a_b", "PRICE_ZERO", 'say "so", and (or) more', "Smith & Sons")
NUMBERS = (-1.0, 0.0, 0.1, 0.30000000000000004, 0.3, 1.0, 2.0, 250_000.0, 1e-7, 1234567.891)
DAYS = ("2025-12-31", "2026-01-01", "2026-03-02")
OWN_FIELDS = {
    each.name: each
    for each in (
        AncillaryField("risk_score", "risk score", AncillaryType.NUMBER, EnteredBy.FEED),
        AncillaryField("outside_assets", "outside assets", AncillaryType.NUMBER, EnteredBy.FEED, Unit.DOLLARS),
        AncillaryField("client_since", "client since", AncillaryType.DATE, EnteredBy.PERSON),
        AncillaryField("region", "region", AncillaryType.CHOICE, EnteredBy.PERSON, choices=("North", "Far East")),
        AncillaryField("agreement", "number of the agreement", AncillaryType.TEXT, EnteredBy.PERSON),
        AncillaryField("watched", "watched", AncillaryType.YES_NO, EnteredBy.PERSON),
    )
}
ALL_FIELDS = filter_fields(OWN_FIELDS)
_FIELDS = sorted(ALL_FIELDS.values(), key=lambda each: each.name)


def a_tree(random: Random, levels: int = 4) -> FilterTree:
    """A random filter of 1 to 3 nodes in each group."""
    nodes = tuple(_node(random, levels - 1) for _ in range(random.randint(1, 3)))
    return Group(random.choice(tuple(Combinator)), random.random() < 0.4, nodes)


def _node(random: Random, levels: int) -> Rule | Group:
    return a_tree(random, levels) if levels > 1 and random.random() < 0.4 else a_rule(random)


def a_rule(random: Random) -> Rule:
    field = random.choice(_FIELDS)
    operator = random.choice(sorted(OPERATORS[field.kind]))
    return Rule(field, operator, _expected(random, field, operator))


def _expected(random: Random, field: Field, operator: Operator) -> RuleValue:
    match operator:
        case Operator.NULL | Operator.NOT_NULL:
            return None
        case Operator.BETWEEN | Operator.NOT_BETWEEN:
            low, high = sorted((random.choice(NUMBERS), random.choice(NUMBERS)))
            first, last = sorted((random.choice(DAYS), random.choice(DAYS)))
            return (first, last) if field.kind is FieldKind.DATE else (low, high)
        case Operator.IN | Operator.NOT_IN:
            return tuple(random.choice(field.choices or WORDS) for _ in range(random.randint(1, 3)))
        case _ if field.kind is FieldKind.NUMBER:
            return random.choice(NUMBERS)
        case _ if field.kind is FieldKind.BOOLEAN:
            return random.random() < 0.5
        case _ if field.kind is FieldKind.DATE:
            return random.choice(DAYS)
        case _:
            return random.choice(field.choices or WORDS)


def a_row(random: Random, account_id: str = "A1") -> AccountFacts:
    """A row of which every third value is unknown."""
    values: dict[str, Any] = {field.name: None if random.random() < 0.3 else _shown(random, field) for field in _FIELDS}
    own = {name.removeprefix(OWN): values.pop(name) for name in ALL_FIELDS.keys() - FIELDS.keys()}
    known = {name: value for name, value in own.items() if value is not None}
    return AccountFacts(account_id, **values, ancillary=known if random.random() < 0.9 else None)


def _shown(random: Random, field: Field) -> object:
    match field.kind:
        case FieldKind.NUMBER:
            number = random.choice(NUMBERS)
            return int(number) if field.is_whole else number
        case FieldKind.BOOLEAN:
            return random.random() < 0.5
        case FieldKind.TEXT:
            return random.choice(field.choices or WORDS)
        case FieldKind.DATE:
            return random.choice(DAYS)
        case FieldKind.TEXT_SET:
            return tuple(random.sample(field.choices or WORDS, random.randint(0, 2)))


SEEDS = st.integers(0, 2**32 - 1).map(Random)
"""Hypothesis chooses seeds: a failing example is told by its tree and row."""
