"""Blocks that are done: shares, cents, lots, records and signals come out exactly, and exactly once."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import Connection, func, select

from tests.orders.factories import (
    BROKER,
    DAY,
    FIRM,
    Plan,
    a_buy,
    a_lot,
    a_sale,
    approved_days,
    commit_all,
    release_at_open,
)
from trimtab.contracts import RunRef
from trimtab.db.allocations import finish_blocks
from trimtab.db.gateway import Fill, post_fills, set_block_status
from trimtab.db.tables import (
    alert,
    allocation,
    block,
    cash_reservation,
    event,
    execution,
    intent,
    lot_reservation,
    outbox,
    posting,
    record,
)
from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.orders import BlockStatus

LOT = a_lot("L1", "VTI", "100", "80")


def at_the_broker(connection: Connection, run: RunRef, plans: Sequence[Plan]) -> dict[str, str]:
    """Commit, release and acknowledge; the client order id of each security."""
    commit_all(connection, approved_days(connection, run, plans))
    release_at_open(connection, run)
    ids = {row.security_id: row.client_order_id for row in connection.execute(select(block))}
    for status in (BlockStatus.SENDING, BlockStatus.ACKED):
        set_block_status(connection, list(ids.values()), status)
    return ids


def fills(client_order_id: str, *parts: tuple[str, str]) -> list[Fill]:
    return [
        Fill(f"{client_order_id}-{number}", client_order_id, Decimal(quantity), Decimal(price), DAY)
        for number, (quantity, price) in enumerate(parts)
    ]


def execute(connection: Connection, client_order_id: str, *parts: tuple[str, str]) -> None:
    post_fills(connection, FIRM, BROKER, fills(client_order_id, *parts))
    finish_blocks(connection, FIRM, [client_order_id])


def signals(connection: Connection) -> list[str]:
    return list(connection.scalars(select(outbox.c.workflow_id).where(outbox.c.signal == "orders_done")))


def test_a_sale_reduces_its_lot_and_a_purchase_opens_one(connection: Connection, run: RunRef) -> None:
    plan = Plan("A1", (a_sale(LOT, "60"), a_buy("BND", "50")), (LOT,))
    plan = replace(plan, settings=AccountSettings(commission=Decimal("4.95")))
    ids = at_the_broker(connection, run, [plan])

    execute(connection, ids["VTI"], ("60", "101.00"))
    execute(connection, ids["BND"], ("50", "99.50"))

    sold, bought = connection.execute(select(posting).order_by(posting.c.quantity)).all()
    # 60 x 101 - 4.95 = 6,055.05 for shares that cost 60 x 80 = 4,800
    assert (sold.lot_id, sold.quantity, sold.basis, sold.cash, sold.gain, sold.term) == (
        "L1",
        Decimal(-60),
        Decimal(-4800),
        Decimal("6055.05"),
        Decimal("1255.05"),
        "LONG_TERM",
    )
    # 50 x 99.50 + 4.95 = 4,979.95
    assert (bought.quantity, bought.basis, bought.cash, bought.gain) == (
        Decimal(50),
        Decimal("4979.95"),
        Decimal("-4979.95"),
        Decimal(0),
    )
    assert bought.lot_id == bought.intent_id


def test_a_partial_fill_is_split_pro_rata_and_sums_to_the_share_and_the_cent(
    connection: Connection, run: RunRef
) -> None:
    plans = [Plan(f"A{n}", (a_buy("BND", quantity),)) for n, quantity in enumerate(["30", "20", "10"], start=1)]
    ids = at_the_broker(connection, run, plans)

    execute(connection, ids["BND"], ("20", "99.99"), ("11", "100.01"))

    rows = connection.execute(select(allocation).order_by(allocation.c.account_id)).all()
    # 31 of 60: 15.5, 10.33 and 5.17 shares pro rata; the odd share goes to the largest remainder
    assert [row.quantity for row in rows] == [Decimal(16), Decimal(10), Decimal(5)]
    assert sum(row.notional for row in rows) == Decimal("3099.91")
    assert {row.price for row in rows} == {Decimal("99.997097")}
    assert connection.scalars(select(intent.c.status)).all() == ["PARTIAL"] * 3
    assert connection.execute(select(block.c.status, block.c.allocated)).one() == ("DONE", True)


def test_lots_of_one_id_in_two_accounts_are_two_lots(connection: Connection, run: RunRef) -> None:
    cheap, dear = a_lot("1", "VTI", "10", "50"), a_lot("1", "VTI", "10", "200")
    plans = [Plan("A1", (a_sale(cheap, "10"),), (cheap,)), Plan("A2", (a_sale(dear, "10"),), (dear,))]
    ids = at_the_broker(connection, run, plans)
    execute(connection, ids["VTI"], ("20", "100"))
    gains = {row.account_id: row.gain for row in connection.execute(select(posting))}
    assert gains == {"A1": Decimal(500), "A2": Decimal(-1000)}


def test_a_block_is_allocated_once_whatever_is_reported_again(connection: Connection, run: RunRef) -> None:
    ids = at_the_broker(connection, run, [Plan("A1", (a_buy("BND", "10"),))])
    for _ in range(3):
        execute(connection, ids["BND"], ("10", "100"))
    for table in (execution, allocation, posting):
        assert connection.scalar(select(func.count()).select_from(table)) == 1
    assert connection.scalar(select(func.count()).where(record.c.kind == "EXECUTED")) == 1
    assert len(signals(connection)) == 1


def test_what_was_reserved_is_free_again_once_its_order_has_ended(connection: Connection, run: RunRef) -> None:
    ids = at_the_broker(connection, run, [Plan("A1", (a_sale(LOT, "60"), a_buy("BND", "50")), (LOT,))])
    execute(connection, ids["VTI"], ("60", "100"))
    assert connection.scalars(select(lot_reservation.c.released)).all() == [True]
    assert connection.scalars(select(cash_reservation.c.released)).all() == [False]


def test_an_account_is_told_once_when_the_last_of_its_orders_has_ended(connection: Connection, run: RunRef) -> None:
    plans = [Plan("A1", (a_sale(LOT, "60"), a_buy("BND", "50")), (LOT,)), Plan("A2", (a_buy("BND", "5"),))]
    ids = at_the_broker(connection, run, plans)

    execute(connection, ids["BND"], ("55", "100"))
    assert signals(connection) == ["account-lifecycle/acme/A2/2026-03-03/1"]
    execute(connection, ids["VTI"], ("60", "100"))
    assert sorted(signals(connection)) == [f"account-lifecycle/acme/A{n}/2026-03-03/1" for n in (1, 2)]

    told = connection.execute(
        select(event.c.account_id, event.c.body["open"]).where(event.c.kind == "ORDERS_ALLOCATED").order_by("event_id")
    )
    assert [tuple(row) for row in told] == [("A1", 1), ("A2", 0), ("A1", 0)]


def test_blocks_that_end_together_tell_each_account_once(connection: Connection, run: RunRef) -> None:
    ids = at_the_broker(connection, run, [Plan("A1", (a_sale(LOT, "60"), a_buy("BND", "50")), (LOT,))])
    post_fills(connection, FIRM, BROKER, [*fills(ids["VTI"], ("60", "100")), *fills(ids["BND"], ("50", "100"))])
    finish_blocks(connection, FIRM, list(ids.values()))
    assert len(signals(connection)) == 1


def test_a_rejected_block_gives_nothing_and_says_why(connection: Connection, run: RunRef) -> None:
    ids = at_the_broker(connection, run, [Plan("A1", (a_buy("BND", "10"),))])
    set_block_status(connection, [ids["BND"]], BlockStatus.REJECTED, "SYMBOL_REFUSED")
    finish_blocks(connection, FIRM, [ids["BND"]])
    assert connection.scalar(select(func.count()).select_from(allocation)) == 0
    assert connection.scalars(select(intent.c.status)).all() == ["REJECTED"]
    body = connection.scalar(select(record.c.body).where(record.c.kind == "EXECUTED"))
    assert (body["broker_text"], body["intent_status"]) == ("SYMBOL_REFUSED", "REJECTED")
    assert len(signals(connection)) == 1


# --- what the broker says late or wrongly -----------------------------------------------------------------------


def test_an_acknowledgement_that_comes_after_the_fill_changes_nothing(connection: Connection, run: RunRef) -> None:
    ids = at_the_broker(connection, run, [Plan("A1", (a_buy("BND", "10"),))])
    execute(connection, ids["BND"], ("10", "100"))
    for late in (BlockStatus.ACKED, BlockStatus.REJECTED, BlockStatus.IN_DOUBT):
        set_block_status(connection, [ids["BND"]], late)
    assert connection.scalar(select(block.c.status)) == "FILLED"


def test_an_acknowledgement_between_two_fills_changes_nothing(connection: Connection, run: RunRef) -> None:
    ids = at_the_broker(connection, run, [Plan("A1", (a_buy("BND", "10"),))])
    post_fills(connection, FIRM, BROKER, fills(ids["BND"], ("4", "100")))
    set_block_status(connection, [ids["BND"]], BlockStatus.ACKED)
    assert connection.execute(select(block.c.status, block.c.filled_quantity)).one() == ("PARTIAL", Decimal(4))


def test_more_filled_than_ordered_puts_that_block_in_doubt_and_no_other(connection: Connection, run: RunRef) -> None:
    plans = [Plan("A1", (a_buy("BND", "10"),)), Plan("A2", (a_buy("GLD", "10"),))]
    ids = at_the_broker(connection, run, plans)
    post_fills(connection, FIRM, BROKER, [*fills(ids["BND"], ("11", "100")), *fills(ids["GLD"], ("10", "100"))])

    finish_blocks(connection, FIRM, list(ids.values()))

    statuses = {row.account_id: row.status for row in connection.execute(select(intent))}
    assert statuses == {"A1": "IN_DOUBT", "A2": "FILLED"}
    row = connection.execute(select(alert.c.cause, alert.c.severity, alert.c.message)).one()
    assert (row.cause, row.severity) == ("ALLOCATION_FAILED", "CRITICAL")
    assert "OVERFILLED" in row.message
    held = connection.scalars(select(cash_reservation.c.intent_id).where(~cash_reservation.c.released)).all()
    assert [intent_id.split(".")[2] for intent_id in held] == ["A1"]
    assert signals(connection) == ["account-lifecycle/acme/A2/2026-03-03/1"]


def test_a_fill_after_the_block_was_allocated_is_kept_and_changes_no_figure(
    connection: Connection, run: RunRef
) -> None:
    ids = at_the_broker(connection, run, [Plan("A1", (a_buy("BND", "10"),))])
    execute(connection, ids["BND"], ("4", "100"))
    late = Fill("LATE", ids["BND"], Decimal(1), Decimal(100), DAY)
    assert post_fills(connection, FIRM, BROKER, [late]) == [late]
    finish_blocks(connection, FIRM, [ids["BND"]])
    assert connection.execute(select(block.c.status, block.c.filled_quantity)).one() == ("DONE", Decimal(4))
    assert connection.scalar(select(func.sum(allocation.c.quantity))) == Decimal(4)


@pytest.mark.parametrize("times", [1, 2])
def test_an_execution_counts_once_also_twice_in_one_batch(connection: Connection, run: RunRef, times: int) -> None:
    ids = at_the_broker(connection, run, [Plan("A1", (a_buy("BND", "10"),))])
    batch = fills(ids["BND"], ("4", "100"))
    assert post_fills(connection, FIRM, BROKER, batch * times) == batch
    assert post_fills(connection, FIRM, BROKER, batch) == []
    assert connection.scalar(select(block.c.filled_quantity)) == Decimal(4)
