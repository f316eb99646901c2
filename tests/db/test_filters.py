"""Filters in SQL and in Python give one answer, unknown values included."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, text

from tests.servers import FreshDatabase
from trimtab.db.engine import firm_transaction, sync_engine
from trimtab.db.filters import matching_accounts, read_facts, write_facts
from trimtab.db.tables import account_facts, firm
from trimtab.domain.account_facts import FIELDS, AccountFacts, Field, FieldKind
from trimtab.domain.filters import OPERATORS, Combinator, FilterTree, Group, Operator, Rule, matches
from trimtab.domain.firm_filters import default_firm_filters
from trimtab.domain.lanes import FilterKey

FIRM = "firm-1"
RUN = "run-1"

WORDS = ("", "OPEN", "it's", "50%", "a_b", "PRICE_ZERO")
"""Few, so that rules and facts meet; with the characters that SQL would trip over if they were not bound."""
NUMBERS = st.sampled_from([-1.0, 0.0, 0.1, 0.30000000000000004, 0.3, 1.0, 250_000.0])


def _values(field: Field) -> st.SearchStrategy[object]:
    kinds: dict[FieldKind, st.SearchStrategy[object]] = {
        FieldKind.NUMBER: NUMBERS.map(int) if field.name == "order_count" else NUMBERS,
        FieldKind.BOOLEAN: st.booleans(),
        FieldKind.TEXT: st.sampled_from(field.choices or WORDS),
        FieldKind.TEXT_SET: st.lists(st.sampled_from(WORDS), max_size=2, unique=True).map(tuple),
    }
    return st.one_of(st.none(), kinds[field.kind])


@st.composite
def a_row(draw: st.DrawFn) -> AccountFacts:
    return AccountFacts("A1", **{name: draw(_values(field)) for name, field in FIELDS.items()})  # type: ignore[arg-type]


@st.composite
def a_rule(draw: st.DrawFn) -> Rule:
    field = draw(st.sampled_from(sorted(FIELDS.values(), key=lambda each: each.name)))
    operator = draw(st.sampled_from(sorted(OPERATORS[field.kind])))
    words = st.sampled_from(field.choices or WORDS)
    match operator:
        case Operator.NULL | Operator.NOT_NULL:
            return Rule(field, operator, None)
        case Operator.BETWEEN | Operator.NOT_BETWEEN:
            low, high = sorted((draw(NUMBERS), draw(NUMBERS)))
            return Rule(field, operator, (low, high))
        case Operator.IN | Operator.NOT_IN:
            return Rule(field, operator, tuple(draw(st.lists(words, min_size=1, max_size=3))))
        case _ if field.kind is FieldKind.NUMBER:
            return Rule(field, operator, draw(NUMBERS))
        case _ if field.kind is FieldKind.BOOLEAN:
            return Rule(field, operator, draw(st.booleans()))
        case _:
            return Rule(field, operator, draw(words))


def a_tree() -> st.SearchStrategy[FilterTree]:
    def group(children: st.SearchStrategy[Rule | Group]) -> st.SearchStrategy[Group]:
        rules = st.lists(children, min_size=1, max_size=3).map(tuple)
        return st.builds(Group, st.sampled_from(Combinator), st.booleans(), rules)

    return group(st.recursive(a_rule(), group, max_leaves=6))


@pytest.fixture
def connection(database: FreshDatabase) -> Iterator[Connection]:
    engine = sync_engine(database.app_url, pool_size=1)
    with firm_transaction(engine, FIRM) as connection:
        connection.execute(insert(firm).values(firm_id=FIRM, name="F"))
        yield connection
    engine.dispose()


@pytest.mark.covers("W1")
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=a_tree(), facts=a_row())
def test_sql_and_python_agree_on_every_filter(connection: Connection, tree: FilterTree, facts: AccountFacts) -> None:
    write_facts(connection, FIRM, RUN, facts)
    assert (matching_accounts(connection, RUN, tree) == ["A1"]) is matches(tree, facts)


def test_the_negation_of_an_unknown_is_no_match_either(connection: Connection) -> None:
    """Nobody knows the turnover: neither the filter nor its negation wants the account."""
    write_facts(connection, FIRM, RUN, AccountFacts("A1", turnover=None))
    rule = Rule(FIELDS["turnover"], Operator.LESS, 0.1)
    for negated in (False, True):
        assert matching_accounts(connection, RUN, Group(Combinator.AND, negated, (rule,))) == []


@pytest.mark.covers("W-A1", "W-A3", "W-A4", "W-A5")
def test_the_firms_own_filters_find_accounts_in_sql(connection: Connection) -> None:
    wanted = AccountFacts(
        "A1",
        standing="OPEN",
        approved_for_trading=True,
        discretionary=True,
        is_suspended=False,
        has_data_error=False,
        is_mandate=False,
        account_value=499_999.0,
        score=2.0,
        turnover=0.1,
        tax_bps=20.0,
        order_count=3,
    )
    write_facts(connection, FIRM, RUN, wanted)
    changes: tuple[dict[str, Any], ...] = (
        {"standing": "CLOSING"},
        {"has_data_error": True},
        {"account_value": 500_001.0},
        {"score": 1.99},
        {"turnover": 0.11},
        {"tax_bps": 20.1},
        {"discretionary": None},
    )
    for number, change in enumerate(changes):
        known = {item.name: getattr(wanted, item.name) for item in fields(wanted)}
        write_facts(connection, FIRM, RUN, AccountFacts(**known | change | {"account_id": f"B{number}"}))
    automated = getattr(default_firm_filters(), FilterKey.AUTOMATED.value)
    assert matching_accounts(connection, RUN, automated) == ["A1"]


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=a_row())
def test_facts_come_back_as_they_were_written(connection: Connection, facts: AccountFacts) -> None:
    write_facts(connection, FIRM, RUN, facts)
    assert read_facts(connection, RUN, "A1") == facts


def test_a_text_value_never_reaches_the_statement(connection: Connection) -> None:
    write_facts(connection, FIRM, RUN, AccountFacts("A1", programme="CORE"))
    attack = Rule(FIELDS["programme"], Operator.EQUAL, "x' OR '1'='1")
    assert matching_accounts(connection, RUN, Group(Combinator.AND, False, (attack,))) == []
    assert connection.scalar(text("SELECT count(*) FROM account_facts")) == 1
    assert {column.name for column in account_facts.c} >= set(FIELDS)
