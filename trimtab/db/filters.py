"""Filters as SQL over the wide table `account_facts`, and that table's rows as values.

Field names come from the whitelist and values are bound: a filter's text never reaches the statement.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Double,
    Row,
    and_,
    case,
    cast,
    func,
    literal,
    not_,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from trimtab.db.tables import account_facts
from trimtab.domain.account_facts import AccountFacts
from trimtab.domain.fact_fields import FIELDS, OWN, Field, FieldKind, Source
from trimtab.domain.filters import Combinator, FilterTree, Group, Operator, Rule
from trimtab.domain.lane_policy import Condition, Step
from trimtab.domain.lanes import LanePolicy
from trimtab.domain.lifecycle import Lane
from trimtab.domain.proposals import AnalysisOutcome

_COLUMNS: Final = tuple(item.name for item in fields(AccountFacts))
_SETS: Final = tuple(field.name for field in FIELDS.values() if field.kind is FieldKind.TEXT_SET)
FACT_COLUMNS: Final = tuple(account_facts.c[name] for name in _COLUMNS)


def where(tree: FilterTree) -> ColumnElement[bool]:
    """A condition on `account_facts` that holds for exactly the rows that `domain.filter_answers.matches` accepts.

    For WHERE, FILTER and WHEN, to which an unknown answer is a no. Bare, so that the planner can tell how many rows
    a filter wants, and take an index for a rare one: it sees neither through a COALESCE.
    """
    return _node(tree)


def fact_column(field: Field) -> Any:
    """The column of the wide table, or the value of a firm's own field; unknown where the account has none."""
    if field.source is not Source.ANCILLARY:
        return account_facts.c[field.name]
    value = account_facts.c.ancillary[field.name.removeprefix(OWN)].astext
    match field.kind:
        case FieldKind.NUMBER:
            return cast(value, Double)
        case FieldKind.BOOLEAN:
            return cast(value, Boolean)
        case FieldKind.DATE:
            return value.collate("C")  # as bytes, so that days sort whatever the database's language
        case _:
            return value


def lane_of(policy: LanePolicy) -> ColumnElement[str]:
    """The lane that `domain.lanes.lane` gives the row, nobody having cleared the account."""
    steps = [(_asked(policy, step), literal(step.lane.value)) for step in policy.document.steps]
    return case(*steps, else_=literal(Lane.REVIEW.value))


def _asked(policy: LanePolicy, step: Step) -> ColumnElement[bool]:
    columns = account_facts.c
    if not isinstance(step.asks, Condition):
        return where(policy.filters[step.asks])
    quiet = func.coalesce(columns.order_count, 0) == 0
    match step.asks:
        case Condition.RULES_CLASH:
            return and_(quiet, columns.outcome.is_not_distinct_from(AnalysisOutcome.CONFLICT.value))
        case Condition.NOTHING_TO_TRADE:
            return quiet
        case Condition.FLAGGED:
            return func.coalesce(func.cardinality(columns.flags), 0) > 0


def _node(node: Rule | Group) -> ColumnElement[bool]:
    if isinstance(node, Rule):
        answer: ColumnElement[bool] = _RULES[node.operator](fact_column(node.field), node.value)
        return answer
    parts = [_node(child) for child in node.rules]
    joined = and_(*parts) if node.combinator is Combinator.AND else or_(*parts)
    # Without parentheses of its own, NOT would take the first part only.
    return not_(joined.self_group()) if node.negated else joined.self_group()


def _between(column: Any, low: object, high: object) -> ColumnElement[bool]:
    """BETWEEN takes no bounds with a collation, as those of dates have."""
    return and_(column >= low, column <= high)


_RULES: Final[Mapping[Operator, Any]] = {  # Any: one function of (column, value) each
    Operator.EQUAL: lambda column, value: column == value,
    Operator.NOT_EQUAL: lambda column, value: column != value,
    Operator.LESS: lambda column, value: column < value,
    Operator.AT_MOST: lambda column, value: column <= value,
    Operator.GREATER: lambda column, value: column > value,
    Operator.AT_LEAST: lambda column, value: column >= value,
    Operator.BETWEEN: lambda column, value: _between(column, *value),
    Operator.NOT_BETWEEN: lambda column, value: not_(_between(column, *value)),
    Operator.IN: lambda column, value: column.in_(value),
    Operator.NOT_IN: lambda column, value: column.not_in(value),
    # `= ANY` of an empty set is false, of no set unknown: the same three values as in Python.
    Operator.CONTAINS: lambda column, value: column.any_() == value,
    Operator.DOES_NOT_CONTAIN: lambda column, value: not_(column.any_() == value),
    Operator.NULL: lambda column, _: column.is_(None),
    Operator.NOT_NULL: lambda column, _: column.is_not(None),
}


def write_facts(connection: Connection, firm_id: str, run_id: str, facts: AccountFacts) -> None:
    """Replace the account's row of the run's wide table."""
    values = {name: getattr(facts, name) for name in _COLUMNS}
    lists = {name: list(values[name]) for name in _SETS if values[name] is not None}
    row = upsert(account_facts).values(firm_id=firm_id, run_id=run_id, **values | lists)
    connection.execute(
        row.on_conflict_do_update(
            index_elements=["firm_id", "run_id", "account_id"],
            set_={name: row.excluded[name] for name in _COLUMNS if name != "account_id"},
        )
    )


def read_facts(connection: Connection, run_id: str, account_id: str) -> AccountFacts | None:
    """The account's row of the run, None while it has not been analysed."""
    found = connection.execute(
        select(*FACT_COLUMNS).where(account_facts.c.run_id == run_id, account_facts.c.account_id == account_id)
    ).one_or_none()
    if found is None:
        return None
    return facts_of_row(found)


def facts_of_row(row: Row[Any]) -> AccountFacts:
    """A row of all `FACT_COLUMNS` as the domain's value."""
    values = dict(row._mapping)
    return AccountFacts(**values | {name: tuple(values[name]) for name in _SETS if values[name] is not None})


def matching_accounts(connection: Connection, run_id: str, tree: FilterTree) -> list[str]:
    """The accounts of the run that the filter wants, by id."""
    rows = select(account_facts.c.account_id).where(account_facts.c.run_id == run_id, where(tree))
    return list(connection.scalars(rows.order_by(account_facts.c.account_id)))
