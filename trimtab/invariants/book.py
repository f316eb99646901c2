"""The firm's order rows and the broker's journal, read once."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, select

from trimtab.broker.journal import JournaledExecution, JournaledOrder
from trimtab.broker.protocol import Execution
from trimtab.db.tables import account_day, allocation, block, block_member, execution, intent, posting, run
from trimtab.domain.money import ZERO
from trimtab.domain.orders import IntentStatus

ENDED: Final = frozenset({IntentStatus.FILLED, IntentStatus.PARTIAL, IntentStatus.UNFILLED, IntentStatus.REJECTED})
"""Intents whose end is known: they reserve nothing any more."""

POLICY: Final = "policy:"
"""An approval by the firm's own policy, told in the approve stage's record, has an actor with this prefix."""

Rows = Sequence[Row[Any]]


@dataclass(frozen=True, slots=True)
class Violation:
    """One invariant that does not hold of one thing."""

    invariant: str  # I1 to I9
    subject: str  # the id of the row that is wrong
    what: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.subject}: {self.what}"


@dataclass(frozen=True, slots=True)
class Book:
    """Rows by their ids. `orders` and `fills` are the broker's, of this firm."""

    days: Mapping[str, Row[Any]]
    intents: Mapping[str, Row[Any]]
    intents_of_day: Mapping[str, Rows]
    blocks: Mapping[str, Row[Any]]
    members: Rows
    members_of_block: Mapping[str, Rows]
    block_of_intent: Mapping[str, str]
    executions: Rows
    allocations: Rows
    postings: Rows
    orders: Sequence[JournaledOrder]
    fills: Sequence[Execution]


def read_book(connection: Connection, events: Sequence[object]) -> Book:
    """Everything of the firm whose transaction this is."""
    intents, members = all_rows(connection, intent), all_rows(connection, block_member)
    firms = set(connection.scalars(select(run.c.firm_id).distinct()))
    return Book(
        days={row.account_day_id: row for row in all_rows(connection, account_day)},
        intents={row.intent_id: row for row in intents},
        intents_of_day=_grouped(intents, "account_day_id"),
        blocks={row.client_order_id: row for row in all_rows(connection, block)},
        members=members,
        members_of_block=_grouped(members, "client_order_id"),
        block_of_intent={row.intent_id: row.client_order_id for row in members},
        executions=all_rows(connection, execution),
        allocations=all_rows(connection, allocation),
        postings=all_rows(connection, posting),
        orders=[event for event in events if isinstance(event, JournaledOrder) and event.firm in firms],
        fills=[event.report for event in events if isinstance(event, JournaledExecution) and event.firm in firms],
    )


def all_rows(connection: Connection, table: Table) -> Rows:
    return connection.execute(select(table)).all()


def total(rows: Rows, key: str, value: str) -> Mapping[str, Decimal]:
    """Sums of a column by another; zero for a key that is not there."""
    sums: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in rows:
        sums[getattr(row, key)] += getattr(row, value)
    return sums


def _grouped(rows: Rows, key: str) -> Mapping[str, Rows]:
    groups: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, key)].append(row)
    return groups
