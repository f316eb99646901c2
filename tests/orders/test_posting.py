"""What the broker reports beyond what we ordered: kept or refused, never silent, and never in an account."""

from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import Connection, func, select

from tests.orders.factories import BROKER, DAY, FIRM, Plan, a_buy, approved_days, commit_all, release_at_open
from trimtab.broker.protocol import (
    DoneForDay,
    Execution,
    OrderAccepted,
    OrderRejected,
    OrderState,
    OrderStatus,
    RejectReason,
)
from trimtab.contracts import RunRef
from trimtab.db.gateway import set_block_status
from trimtab.db.order_lease import cursor_of, take_lease
from trimtab.db.tables import alert, allocation, block, execution
from trimtab.domain.orders import BlockStatus, Side
from trimtab.gateway.posting import store_replies, store_reports


@pytest.fixture
def order(connection: Connection, run: RunRef) -> str:
    """The id of a block for 10 BND that is being sent."""
    commit_all(connection, approved_days(connection, run, [Plan("A1", (a_buy("BND", "10"),))]))
    release_at_open(connection, run)
    take_lease(connection, FIRM, BROKER, "host-1")
    client_order_id = connection.scalar(select(block.c.client_order_id))
    assert client_order_id is not None
    set_block_status(connection, [client_order_id], BlockStatus.SENDING)
    return str(client_order_id)


def a_fill(client_order_id: str, cursor: int = 1, quantity: str = "10") -> Execution:
    shares = Decimal(quantity)
    price, broker_id = Decimal(100), "PB1"
    return Execution(
        cursor, f"X{cursor}", client_order_id, broker_id, "BND", Side.BUY, shares, price, shares, 10 - shares, DAY
    )


def alerts(connection: Connection) -> list[tuple[str, str]]:
    return [(row.cause, row.scope) for row in connection.execute(select(alert).order_by(alert.c.cause))]


def count(connection: Connection, table: object) -> int:
    return int(connection.scalar(select(func.count()).select_from(table)) or 0)  # type: ignore[arg-type]


def test_a_fill_of_an_order_that_we_never_made_is_told_and_given_to_nobody(connection: Connection, order: str) -> None:
    store_reports(connection, FIRM, BROKER, [a_fill("b.stranger", 1), a_fill(order, 2)])
    assert alerts(connection) == [("FILL_FOR_UNKNOWN_ORDER", "b.stranger")]
    assert connection.scalars(select(execution.c.exec_id)).all() == ["X2"]
    assert cursor_of(connection, BROKER) == 2


def test_a_fill_after_the_order_was_done_for_the_day_is_kept_and_told(connection: Connection, order: str) -> None:
    done = DoneForDay(2, order, "PB1", Decimal(4), DAY)
    store_reports(connection, FIRM, BROKER, [a_fill(order, 1, "4"), done])
    store_reports(connection, FIRM, BROKER, [a_fill(order, 3, "6")])
    assert alerts(connection) == [("FILL_AFTER_THE_END", order)]
    assert count(connection, execution) == 2
    assert connection.scalars(select(allocation.c.quantity)).all() == [Decimal(4)]


def test_an_order_done_without_a_fill_ends_its_members_unfilled(connection: Connection, order: str) -> None:
    store_reports(connection, FIRM, BROKER, [DoneForDay(1, order, "PB1", Decimal(0), DAY)])
    assert connection.execute(select(block.c.status, block.c.allocated)).one() == ("DONE", True)


@pytest.mark.parametrize("state", [state for state in OrderState if state.name not in ("UNKNOWN", "REJECTED")])
def test_a_status_says_only_that_the_broker_has_the_order(
    connection: Connection, order: str, state: OrderState
) -> None:
    store_replies(connection, FIRM, [a_status(order, state)])
    assert connection.execute(select(block.c.status, block.c.filled_quantity)).one() == ("ACKED", Decimal(0))


def test_an_order_that_the_broker_does_not_know_stays_in_doubt(connection: Connection, order: str) -> None:
    store_replies(connection, FIRM, [a_status(order, OrderState.UNKNOWN)])
    assert connection.scalar(select(block.c.status)) == "SENDING"


def test_a_refusal_ends_the_order_whether_it_comes_as_reply_or_as_status(connection: Connection, order: str) -> None:
    refused = replace(a_status(order, OrderState.REJECTED), reason=RejectReason.SESSION_CLOSED)
    late = OrderRejected(order, RejectReason.SYMBOL_REFUSED)
    store_replies(connection, FIRM, [refused])
    store_replies(connection, FIRM, [late, OrderAccepted(order, "PB1")])
    assert connection.execute(select(block.c.status, block.c.broker_text)).one() == ("REJECTED", "SESSION_CLOSED")


def a_status(client_order_id: str, state: OrderState) -> OrderStatus:
    return OrderStatus(client_order_id, state, Decimal(10), Decimal(0), Decimal(100), "PB1", None)
