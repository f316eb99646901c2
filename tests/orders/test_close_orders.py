"""How an account's trading day ends, and that nothing ends it while the broker still works."""

from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import Connection, func, select, update

from tests.orders.factories import (
    BROKER,
    BUILD,
    DAY,
    Plan,
    a_buy,
    a_lot,
    a_sale,
    approved_days,
    commit_all,
    day_row,
    publish,
    release_at_open,
)
from trimtab.activities.close_orders import BrokerStateUnknown, close_orders
from trimtab.contracts import AccountDayRef, RunRef
from trimtab.db.allocations import finish_blocks
from trimtab.db.gateway import Fill, post_fills, set_block_status
from trimtab.db.tables import block, cash_reservation, intent, lot_reservation, record
from trimtab.domain.lifecycle import HoldCode, MarketEventKind, Stage, TerminalState
from trimtab.domain.orders import BlockStatus

LOT = a_lot("L1", "VTI", "100", "80")
SWITCH = Plan("A1", (a_sale(LOT, "60"), a_buy("BND", "50")), (LOT,))


@pytest.fixture
def ref(connection: Connection, run: RunRef) -> AccountDayRef:
    """An account whose two orders, 60 VTI sold and 50 BND bought, are at the broker."""
    [ref] = approved_days(connection, run, [SWITCH])
    commit_all(connection, [ref])
    release_at_open(connection, run)
    set_block_status(connection, list(connection.scalars(select(block.c.client_order_id))), BlockStatus.SENDING)
    set_block_status(connection, list(connection.scalars(select(block.c.client_order_id))), BlockStatus.ACKED)
    return ref


def fill(connection: Connection, security_id: str, quantity: str, price: str = "100") -> None:
    """The block of the security is done with so many shares filled."""
    client_order_id = connection.scalar(select(block.c.client_order_id).where(block.c.security_id == security_id))
    assert client_order_id is not None
    if quantity != "0":
        fills = [Fill(f"X-{security_id}", client_order_id, Decimal(quantity), Decimal(price), DAY)]
        post_fills(connection, "acme", BROKER, fills)
    finish_blocks(connection, "acme", [client_order_id])


def reject(connection: Connection, security_id: str) -> None:
    client_order_id = connection.scalar(select(block.c.client_order_id).where(block.c.security_id == security_id))
    assert client_order_id is not None
    set_block_status(connection, [client_order_id], BlockStatus.REJECTED, "SYMBOL_REFUSED")
    finish_blocks(connection, "acme", [client_order_id])


def test_every_share_executed_is_full(connection: Connection, ref: AccountDayRef) -> None:
    fill(connection, "VTI", "60")
    fill(connection, "BND", "50")
    outcome = close_orders(connection, ref, build=BUILD)
    assert (outcome.next, outcome.terminal, outcome.code) == (Stage.RECORD, TerminalState.TRADED, "FULL")
    assert day_row(connection, ref).stage == Stage.RECORD


@pytest.mark.parametrize(("sold", "bought"), [("60", "49"), ("1", "0"), ("0", "50")])
def test_anything_executed_is_traded_in_part(
    connection: Connection, ref: AccountDayRef, sold: str, bought: str
) -> None:
    fill(connection, "VTI", sold)
    fill(connection, "BND", bought)
    outcome = close_orders(connection, ref, build=BUILD)
    assert (outcome.terminal, outcome.code) == (TerminalState.TRADED, "PARTIAL")


def test_a_rejected_leg_beside_a_filled_one_is_partial(connection: Connection, ref: AccountDayRef) -> None:
    fill(connection, "VTI", "60")
    reject(connection, "BND")
    assert close_orders(connection, ref, build=BUILD).code == "PARTIAL"


def test_no_share_executed_is_held_unfilled(connection: Connection, ref: AccountDayRef) -> None:
    fill(connection, "VTI", "0")
    reject(connection, "BND")
    outcome = close_orders(connection, ref, build=BUILD)
    assert (outcome.terminal, outcome.code) == (TerminalState.HELD, HoldCode.UNFILLED)


def test_every_order_refused_is_held_as_rejected(connection: Connection, ref: AccountDayRef) -> None:
    reject(connection, "VTI")
    reject(connection, "BND")
    outcome = close_orders(connection, ref, build=BUILD)
    assert (outcome.terminal, outcome.code) == (TerminalState.HELD, HoldCode.BROKER_REJECTED)
    assert {row.status for row in connection.execute(select(intent.c.status))} == {"REJECTED"}


def test_an_order_in_doubt_holds_the_account_even_when_another_was_filled(
    connection: Connection, ref: AccountDayRef
) -> None:
    fill(connection, "VTI", "60")
    connection.execute(update(intent).where(intent.c.security_id == "BND").values(status="IN_DOUBT"))
    outcome = close_orders(connection, ref, build=BUILD)
    assert (outcome.terminal, outcome.code) == (TerminalState.HELD, HoldCode.IN_DOUBT)


def test_an_order_that_the_broker_works_on_ends_nothing(
    connection: Connection, run: RunRef, ref: AccountDayRef
) -> None:
    fill(connection, "VTI", "60")
    publish(connection, run, MarketEventKind.CLOSE)
    with pytest.raises(BrokerStateUnknown) as caught:
        close_orders(connection, ref, build=BUILD)
    assert caught.value.transient


def test_an_early_signal_does_not_end_orders_that_a_release_may_still_take(connection: Connection, run: RunRef) -> None:
    [ref] = approved_days(connection, run, [SWITCH])
    commit_all(connection, [ref])
    publish(connection, run, MarketEventKind.OPEN)

    with pytest.raises(BrokerStateUnknown):
        close_orders(connection, ref, build=BUILD)

    assert set(connection.scalars(select(intent.c.status))) == {"PENDING"}


def test_after_the_close_what_was_never_released_ends_unfilled_and_frees_what_it_reserved(
    connection: Connection, run: RunRef
) -> None:
    [ref] = approved_days(connection, run, [SWITCH])
    commit_all(connection, [ref])
    publish(connection, run, MarketEventKind.OPEN, MarketEventKind.CLOSE)

    outcome = close_orders(connection, ref, build=BUILD)

    assert (outcome.terminal, outcome.code) == (TerminalState.HELD, HoldCode.UNFILLED)
    assert set(connection.scalars(select(intent.c.status))) == {"UNFILLED"}
    for table in (lot_reservation, cash_reservation):
        assert connection.scalars(select(table.c.released)).all() == [True]


def test_closing_again_gives_the_same_outcome_and_writes_nothing(connection: Connection, ref: AccountDayRef) -> None:
    fill(connection, "VTI", "60")
    fill(connection, "BND", "50")
    first = close_orders(connection, ref, build=BUILD)
    records = connection.scalar(select(func.count()).select_from(record))
    assert close_orders(connection, ref, build=BUILD) == first
    assert connection.scalar(select(func.count()).select_from(record)) == records


def test_a_day_that_committed_nothing_is_held_after_the_close(connection: Connection, run: RunRef) -> None:
    [ref] = approved_days(connection, run, [replace(SWITCH)])
    publish(connection, run, MarketEventKind.OPEN, MarketEventKind.CLOSE)
    assert close_orders(connection, ref, build=BUILD).code == HoldCode.UNFILLED
