"""The checker of I1 to I9 finds what is planted: each fault is named with its invariant and its row."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from tests.orders.factories import (
    BROKER,
    BUILD,
    DAY,
    FIRM,
    Plan,
    a_buy,
    a_lot,
    a_sale,
    approved_days,
    commit_all,
    insert_a_run,
    insert_firm,
    publish,
    release_at_open,
)
from tests.servers import SessionServer
from trimtab.activities.close_orders import close_orders
from trimtab.activities.record import record_day
from trimtab.broker.journal import Event, JournaledExecution, JournaledOrder, JournalEntry
from trimtab.broker.protocol import Execution, NewOrder, OrderType, TimeInForce
from trimtab.db.allocations import finish_blocks
from trimtab.db.engine import firm_transaction, sync_engine
from trimtab.db.gateway import Fill, post_fills, set_block_status
from trimtab.db.runs import DONE, set_run
from trimtab.db.tables import block
from trimtab.domain.lifecycle import MarketEventKind
from trimtab.domain.orders import BlockStatus, Side
from trimtab.invariants import check_invariants

LOT = a_lot("L1", "VTI", "100", "80")
PLANS = [Plan("A1", (a_sale(LOT, "60"), a_buy("BND", "50")), (LOT,)), Plan("A2", (a_buy("BND", "10"),))]


@dataclass(frozen=True)
class GoodDay:
    """A day that went well, and the journal of its broker. The connections are a superuser's, to plant faults."""

    superuser: Engine
    journal: list[Event]

    def found(self, journal: list[Event] | None = None, fault: str = "") -> set[str]:
        """The invariants that are violated after the fault, which is undone."""
        entries = [JournalEntry(n, datetime.now(UTC), each) for n, each in enumerate(journal or self.journal, start=1)]
        with self.superuser.connect() as connection, connection.begin() as outer:
            if fault:
                connection.execute(text(fault))
            violations = check_invariants(connection, entries)
            outer.rollback()
        return {violation.invariant for violation in violations}


@pytest.fixture(scope="module")
def day(postgres: SessionServer, migrated: str) -> Iterator[GoodDay]:
    database = postgres.create(template=migrated)
    engine, superuser = sync_engine(database.app_url), sync_engine(database.superuser_url, role=None)
    yield GoodDay(superuser, trade_a_day(engine))
    engine.dispose()
    superuser.dispose()
    postgres.drop(database.name)


def trade_a_day(engine: Engine) -> list[Event]:
    events: list[Event] = []
    with firm_transaction(engine, FIRM) as connection:
        insert_firm(connection)
        run = insert_a_run(connection)
        refs = approved_days(connection, run, PLANS)
        commit_all(connection, refs)
        release_at_open(connection, run)
        rows = connection.execute(select(block).order_by(block.c.client_order_id)).all()
        ids = [row.client_order_id for row in rows]
        set_block_status(connection, ids, BlockStatus.SENDING)
        for number, row in enumerate(rows, start=1):
            events += [_order(row), _fill(row, number)]
        fills = [Fill(f"X{n}", row.client_order_id, row.quantity, Decimal(101), DAY) for n, row in enumerate(rows, 1)]
        post_fills(connection, FIRM, BROKER, fills)
        finish_blocks(connection, FIRM, ids)
        publish(connection, run, MarketEventKind.CLOSE)
        for ref in refs:
            close_orders(connection, ref, build=BUILD)
            record_day(connection, ref, build=BUILD)
        set_run(connection, run, status=DONE)
    return events


def _order(row: Any) -> JournaledOrder:
    order = NewOrder(
        row.client_order_id,
        row.security_id,
        None,
        Side(row.side),
        row.quantity,
        OrderType.MARKET_ON_CLOSE,
        None,
        TimeInForce.DAY,
        row.business_date,
    )
    return JournaledOrder(FIRM, 1, f"PB-{row.client_order_id}", 1, order)


def _fill(row: Any, number: int) -> JournaledExecution:
    broker_id, left = f"PB-{row.client_order_id}", Decimal(0)
    return JournaledExecution(
        FIRM,
        Execution(
            number,
            f"X{number}",
            row.client_order_id,
            broker_id,
            row.security_id,
            Side(row.side),
            row.quantity,
            Decimal(101),
            row.quantity,
            left,
            DAY,
        ),
    )


def test_a_day_that_went_well_violates_nothing(day: GoodDay) -> None:
    assert day.found() == set()


def test_orders_and_fills_of_another_firm_in_the_journal_are_not_ours(day: GoodDay) -> None:
    theirs = [replace(event, firm="other") for event in day.journal if isinstance(event, JournaledOrder)]
    assert day.found([*day.journal, *theirs]) == set()


@pytest.mark.parametrize(
    ("statement", "invariant"),
    [
        ("UPDATE account_day SET terminal_state = NULL WHERE account_id = 'A1'", "I1"),
        ("UPDATE account_day SET terminal_state = 'NO_TRADE' WHERE account_id = 'A1'", "I1"),
        ("UPDATE account_day SET current = false WHERE account_id = 'A1'", "I1"),
        ("UPDATE intent SET status = 'PENDING' WHERE account_id = 'A2'", "I2"),
        ("UPDATE block SET quantity = 61 WHERE security_id = 'BND'", "I3"),
        ("UPDATE block SET side = 'SELL' WHERE security_id = 'BND'", "I3"),
        ("UPDATE block SET status = 'READY'", "I3"),
        ("DELETE FROM execution WHERE exec_id = 'X1'", "I4"),
        ("UPDATE execution SET price = 102 WHERE exec_id = 'X1'", "I4"),
        ("UPDATE allocation SET quantity = 49 WHERE account_id = 'A1' AND quantity = 50", "I4"),
        ("UPDATE intent SET filled_quantity = 9 WHERE account_id = 'A2'", "I4"),
        ("DELETE FROM record WHERE kind = 'EXECUTED' AND account_id = 'A2'", "I5"),
        ("UPDATE record SET actor = '' WHERE kind = 'EXECUTED' AND account_id = 'A2'", "I5"),
        ("UPDATE record SET body = body || '{\"x\": 1}' WHERE account_id = 'A1' AND seq = 2", "I6"),
        ("UPDATE decision SET actor = 'olga' WHERE account_id = 'A2'", "I5"),
        ("UPDATE posting SET quantity = -101 WHERE lot_id = 'L1'", "I7"),
        ("UPDATE lot_reservation SET released = false", "I7"),
        ("DELETE FROM posting WHERE account_id = 'A2'", "I7"),
        ("UPDATE allocation SET notional = notional + 0.01 WHERE account_id = 'A2'", "I8"),
        ("UPDATE posting SET cash = cash - 0.01 WHERE account_id = 'A2'", "I8"),
        ("UPDATE posting SET cash = cash - 200000 WHERE account_id = 'A2'", "I8"),
        ("UPDATE cash_reservation SET released = false", "I8"),
        ("UPDATE intent SET leg = 7 WHERE account_id = 'A2'", "I9"),
        ("UPDATE proposal SET body = body || '{\"note\": \"x\"}' WHERE account_id = 'A2'", "I9"),
        ("DELETE FROM decision WHERE account_id = 'A2'", "I9"),
        ("UPDATE decision SET actor = 'nobody' WHERE account_id = 'A2'", "I9"),
    ],
)
def test_a_planted_fault_is_found(day: GoodDay, statement: str, invariant: str) -> None:
    assert invariant in day.found(fault=statement.replace(":", "\\:"))


def test_an_order_taken_twice_by_the_broker_is_found(day: GoodDay) -> None:
    assert day.found([*day.journal, day.journal[0]]) == {"I2"}


def test_an_order_that_we_know_nothing_of_is_found(day: GoodDay) -> None:
    first = day.journal[0]
    assert isinstance(first, JournaledOrder)
    stranger = replace(first, order=replace(first.order, client_order_id="b.x"))
    assert day.found([*day.journal, stranger]) == {"I3"}


def test_an_order_with_other_terms_is_found(day: GoodDay) -> None:
    first = day.journal[0]
    assert isinstance(first, JournaledOrder)
    larger = replace(first, order=replace(first.order, quantity=Decimal(6000)))
    assert day.found([larger, *day.journal[1:]]) == {"I3"}


def test_an_execution_that_was_not_posted_is_found(day: GoodDay) -> None:
    fill = next(event for event in day.journal if isinstance(event, JournaledExecution))
    unseen = replace(fill, report=replace(fill.report, exec_id="X9"))
    assert day.found([*day.journal, unseen]) == {"I4"}
