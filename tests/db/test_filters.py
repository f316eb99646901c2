"""Filters in SQL and in Python give one answer, unknown values included."""

from collections.abc import Iterator
from dataclasses import fields
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Connection, false, func, insert, select, text

from tests.domain.filter_trees import SEEDS, a_row, a_tree
from tests.servers import FreshDatabase
from trimtab.db.engine import firm_transaction, sync_engine
from trimtab.db.filter_pages import Matching, counts_matching, matching
from trimtab.db.filters import lane_of, matching_accounts, read_facts, where, write_facts
from trimtab.db.tables import account_facts, firm
from trimtab.domain.account_facts import AccountFacts
from trimtab.domain.fact_fields import FIELDS
from trimtab.domain.filter_answers import matches
from trimtab.domain.filters import Combinator, Group, Operator, Rule
from trimtab.domain.firm_filters import default_firm_filters
from trimtab.domain.lane_policy import Condition, PolicyDocument, Step
from trimtab.domain.lanes import LanePolicy, lane
from trimtab.domain.lifecycle import Lane

FIRM = "firm-1"
RUN = "run-1"


@pytest.fixture
def connection(database: FreshDatabase) -> Iterator[Connection]:
    engine = sync_engine(database.app_url, pool_size=1)
    with firm_transaction(engine, FIRM) as connection:
        connection.execute(insert(firm).values(firm_id=FIRM, name="F"))
        yield connection
    engine.dispose()


BATCHES = count()
TREES, ROWS = 250, 25  # of one statement, in which each tree is a column


@pytest.mark.covers("W1", "D21")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(random=SEEDS)
def test_sql_and_python_agree_on_ten_thousand_filters(connection: Connection, random: Random) -> None:
    batch = f"batch-{next(BATCHES)}"
    rows = [a_row(random, f"A{number}") for number in range(ROWS)]
    trees = [a_tree(random) for _ in range(TREES)]
    connection.execute(
        insert(account_facts),
        [{"firm_id": FIRM, "run_id": batch, **{name: _sent(getattr(row, name)) for name in NAMES}} for row in rows],
    )
    columns = [func.coalesce(where(tree), false()).label(f"tree_{number}") for number, tree in enumerate(trees)]
    stored = select(account_facts.c.account_id, *columns).where(account_facts.c.run_id == batch)
    found = {row[0]: row[1:] for row in connection.execute(stored)}
    for row in rows:
        expected = tuple(matches(tree, row) for tree in trees)
        wrong = [trees[n] for n in range(TREES) if found[row.account_id][n] is not expected[n]]
        assert not wrong, (wrong[0], row)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(random=SEEDS)
def test_sql_and_python_give_the_same_lane_whatever_the_policy(connection: Connection, random: Random) -> None:
    batch = f"lanes-{next(BATCHES)}"
    rows = [a_row(random, f"A{number}") for number in range(ROWS)]
    connection.execute(
        insert(account_facts),
        [{"firm_id": FIRM, "run_id": batch, **{name: _sent(getattr(row, name)) for name in NAMES}} for row in rows],
    )
    policies = [_a_policy(random) for _ in range(20)]
    columns = [lane_of(policy).label(f"policy_{number}") for number, policy in enumerate(policies)]
    stored = select(account_facts.c.account_id, *columns).where(account_facts.c.run_id == batch)
    found = {row[0]: list(row[1:]) for row in connection.execute(stored)}
    for row in rows:
        assert found[row.account_id] == [lane(policy, row).lane for policy in policies]


def _a_policy(random: Random) -> LanePolicy:
    """Steps in any order, sound or not: what they say must be the same."""
    filters = {f"filter {number}": a_tree(random, levels=2) for number in range(3)}
    asked = random.sample([*filters, *Condition], random.randint(1, 6))
    steps = tuple(Step(each, random.choice(tuple(Lane))) for each in asked)
    return LanePolicy(PolicyDocument(steps), filters)


NAMES = ("account_id", *FIELDS, "ancillary")


def _sent(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def test_the_negation_of_an_unknown_is_no_match_either(connection: Connection) -> None:
    """Nobody knows the turnover: neither the filter nor its negation wants the account."""
    write_facts(connection, FIRM, RUN, AccountFacts("A1", turnover=None))
    rule = Rule(FIELDS["turnover"], Operator.LESS, 0.1)
    for negated in (False, True):
        assert matching_accounts(connection, RUN, Group(Combinator.AND, negated, (rule,))) == []


def test_what_a_filter_finds_is_the_same_whether_it_wants_few_or_many(connection: Connection) -> None:
    """Account A0001 turns over 0.0001 and so on to A0502: above 0.0002 are the 500 that are read at once,
    and above 0 all 502. After A0300 come A0301 and A0302 of either."""
    written = [
        {"firm_id": FIRM, "run_id": RUN, "account_id": f"A{n:04}", "advisor_id": "adv-1", "turnover": n / 10_000}
        for n in range(502, 0, -1)
    ]
    connection.execute(insert(account_facts), written)
    trees = [Group(Combinator.AND, False, (Rule(FIELDS["turnover"], Operator.GREATER, n / 10_000),)) for n in (2, 0)]
    for tree, wanted, first in zip(trees, (500, 502), ("A0003", "A0001"), strict=True):
        found = matching(connection, RUN, tree, None, "", 1)
        assert (found.count, [row.account_id for row in found.rows]) == (wanted, [first])
        found = matching(connection, RUN, tree, "adv-1", "A0300", 2)
        assert (found.count, [row.account_id for row in found.rows]) == (wanted, ["A0301", "A0302"])
        assert matching(connection, RUN, tree, "adv-2", "", 2) == Matching(0, [])
    assert counts_matching(connection, RUN, trees) == [500, 502]


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
    automated = default_firm_filters().filters["automated"]
    assert matching_accounts(connection, RUN, automated) == ["A1"]


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(random=SEEDS)
def test_facts_come_back_as_they_were_written(connection: Connection, random: Random) -> None:
    facts = a_row(random)
    write_facts(connection, FIRM, RUN, facts)
    assert read_facts(connection, RUN, "A1") == facts


def test_a_text_value_never_reaches_the_statement(connection: Connection) -> None:
    write_facts(connection, FIRM, RUN, AccountFacts("A1", programme="CORE"))
    attack = Rule(FIELDS["programme"], Operator.EQUAL, "x' OR '1'='1")
    assert matching_accounts(connection, RUN, Group(Combinator.AND, False, (attack,))) == []
    assert connection.scalar(text("SELECT count(*) FROM account_facts")) == 1
    assert {column.name for column in account_facts.c} >= set(FIELDS)


def test_a_rule_that_few_accounts_meet_is_looked_up_in_the_index_of_its_field(connection: Connection) -> None:
    """Under row-level security, as the application: the bound of the value is a condition of the index."""
    rare = Group(Combinator.AND, False, (Rule(FIELDS["account_value"], Operator.LESS, 22_030.0),))
    wanted = select(account_facts.c.account_id).where(account_facts.c.run_id == RUN, where(rare))
    wanted = wanted.order_by(account_facts.c.account_value)  # an empty table has no statistics to choose an index by
    plain = wanted.compile(connection, compile_kwargs={"literal_binds": True})
    plan = "\n".join(connection.scalars(text(f"EXPLAIN {plain}")))
    assert "ix_account_facts_account_value" in plan
    (bounds,) = [line for line in plan.splitlines() if "Index Cond" in line]
    assert "account_value < " in bounds
