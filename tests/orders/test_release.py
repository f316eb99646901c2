"""Releases: pending intents become block orders, once, while the market is open."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from threading import Thread

import pytest
from sqlalchemy import Connection, Engine, func, select, update

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
    insert_a_run,
    publish,
    release_at_open,
)
from trimtab.activities.release import release
from trimtab.contracts import RunRef
from trimtab.db.engine import firm_transaction
from trimtab.db.suspensions import lift_suspension, open_suspension
from trimtab.db.tables import block, block_member, event, intent, record
from trimtab.domain.lifecycle import MarketEventKind
from trimtab.domain.suspensions import Suspension, SuspensionKind, SuspensionScope

LOT = a_lot("L1", "VTI", "100", "80")


def buyers(*account_ids: str, quantity: str = "10") -> list[Plan]:
    return [Plan(account_id, (a_buy("BND", quantity),)) for account_id in account_ids]


def committed(connection: Connection, run: RunRef, plans: Sequence[Plan]) -> None:
    commit_all(connection, approved_days(connection, run, plans))


def blocks(connection: Connection) -> list[tuple[int, str, str, Decimal]]:
    rows = connection.execute(select(block).order_by(block.c.release, block.c.security_id, block.c.side))
    return [(row.release, row.security_id, row.side, row.quantity) for row in rows]


def test_orders_of_one_name_and_side_share_a_block(connection: Connection, run: RunRef) -> None:
    seller = Plan("A3", (a_sale(LOT, "7"), a_buy("BND", "5")), (LOT,))
    committed(connection, run, [*buyers("A1", "A2"), seller])

    assert release_at_open(connection, run) == 2

    assert blocks(connection) == [(1, "BND", "BUY", Decimal(25)), (1, "VTI", "SELL", Decimal(7))]
    assert set(connection.scalars(select(intent.c.status))) == {"RELEASED"}
    assert set(connection.scalars(select(block.c.status))) == {"READY"}


@pytest.mark.covers("D13")
def test_each_block_is_the_sum_of_its_members_and_each_intent_is_in_one(connection: Connection, run: RunRef) -> None:
    committed(connection, run, buyers("A1", "A2", "A3"))
    release_at_open(connection, run)

    total = connection.scalar(select(func.sum(block_member.c.quantity)))
    members = connection.scalars(select(block_member.c.intent_id)).all()
    assert total == connection.scalar(select(block.c.quantity)) == Decimal(30)
    assert sorted(members) == sorted(connection.scalars(select(intent.c.intent_id)))


def test_releasing_again_makes_no_further_block(connection: Connection, run: RunRef) -> None:
    committed(connection, run, buyers("A1", "A2"))
    assert [release_at_open(connection, run), release(connection, run, BROKER)] == [1, 0]
    assert len(blocks(connection)) == 1


def test_what_is_approved_later_joins_the_next_release(connection: Connection, run: RunRef) -> None:
    committed(connection, run, buyers("A1"))
    release_at_open(connection, run)
    committed(connection, run, buyers("A2", quantity="4"))

    assert release(connection, run, BROKER) == 1

    assert blocks(connection) == [(1, "BND", "BUY", Decimal(10)), (2, "BND", "BUY", Decimal(4))]
    assert len(set(connection.scalars(select(block.c.client_order_id)))) == 2


def test_nothing_is_released_before_the_open(connection: Connection, run: RunRef) -> None:
    committed(connection, run, buyers("A1"))
    publish(connection, run, MarketEventKind.RUN_START, MarketEventKind.CUT_OFF)
    assert release(connection, run, BROKER) == 0
    assert connection.scalars(select(intent.c.status)).all() == ["PENDING"]


def test_nothing_is_released_after_the_close(connection: Connection, run: RunRef) -> None:
    committed(connection, run, buyers("A1"))
    publish(connection, run, MarketEventKind.OPEN, MarketEventKind.CLOSE)
    assert release(connection, run, BROKER) == 0


def test_another_days_open_market_releases_nothing_of_this_run(connection: Connection, run: RunRef) -> None:
    yesterday = insert_a_run(connection, DAY.replace(day=2))
    committed(connection, run, buyers("A1"))
    assert release_at_open(connection, yesterday) == 0


@pytest.mark.parametrize(
    ("scope", "scope_id", "left"), [(SuspensionScope.ACCOUNT, "A1", ["A2"]), (SuspensionScope.FIRM, FIRM, [])]
)
def test_nothing_of_a_suspended_account_or_firm_is_released(
    connection: Connection, run: RunRef, scope: SuspensionScope, scope_id: str, left: list[str]
) -> None:
    committed(connection, run, buyers("A1", "A2"))
    hold = Suspension(scope, scope_id, SuspensionKind.COMPLIANCE, "COMPLIANCE_HOLD", "a question", DAY, "carl")
    suspension_id = open_suspension(connection, FIRM, hold)
    assert suspension_id is not None

    release_at_open(connection, run)
    released = connection.scalars(select(intent.c.account_id).where(intent.c.status == "RELEASED")).all()
    assert released == left

    lift_suspension(connection, FIRM, suspension_id, lifted_on=DAY, lifted_by="carl", reason="settled")
    release(connection, run, BROKER)
    assert set(connection.scalars(select(intent.c.status))) == {"RELEASED"}


def test_orders_of_other_programmes_stay_apart(connection: Connection, run: RunRef) -> None:
    committed(connection, run, buyers("A1", "A2"))
    connection.execute(update(intent).where(intent.c.account_id == "A2").values(programme="uma"))
    assert release_at_open(connection, run) == 2


def test_each_accounts_record_says_which_order_left_in_which_block(connection: Connection, run: RunRef) -> None:
    seller = Plan("A1", (a_sale(LOT, "7"), a_buy("BND", "5")), (LOT,))
    committed(connection, run, [seller, *buyers("A2")])
    release_at_open(connection, run)

    rows = connection.execute(
        select(record.c.account_id, record.c.body).where(record.c.kind == "ORDERS_RELEASED").order_by("account_id")
    ).all()

    assert [(row.account_id, len(row.body["orders"])) for row in rows] == [("A1", 2), ("A2", 1)]
    member = connection.execute(select(block_member).where(block_member.c.intent_id.contains("A2"))).one()
    expected = {"intent": member.intent_id, "client_order_id": member.client_order_id}
    assert rows[1].body["orders"] == [expected]
    assert connection.scalar(select(event.c.body).where(event.c.kind == "ORDERS_RELEASED"))["intents"] == 3


def test_two_releases_at_once_take_each_intent_once(engine: Engine) -> None:
    """The second waits for the first's lock on the run, and finds nothing pending."""
    with firm_transaction(engine, FIRM) as connection:
        run = insert_a_run(connection)
        committed(connection, run, [replace(plan) for plan in buyers(*(f"A{n}" for n in range(20)))])
        publish(connection, run, MarketEventKind.OPEN)

    def one_release(_: int) -> int:
        with firm_transaction(engine, FIRM) as connection:
            return release(connection, run, BROKER)

    with ThreadPoolExecutor(4) as threads:
        made = sorted(threads.map(one_release, range(4)))

    assert made == [0, 0, 0, 1]
    with firm_transaction(engine, FIRM) as connection:
        assert blocks(connection) == [(1, "BND", "BUY", Decimal(200))]


def test_a_release_that_meets_the_close_waits_for_it_and_takes_nothing(engine: Engine) -> None:
    with firm_transaction(engine, FIRM) as connection:
        run = insert_a_run(connection)
        committed(connection, run, buyers("A1"))
        publish(connection, run, MarketEventKind.OPEN)
    made: list[int] = []

    def release_now() -> None:
        with firm_transaction(engine, FIRM) as connection:
            made.append(release(connection, run, BROKER))

    with firm_transaction(engine, FIRM) as connection:
        publish(connection, run, MarketEventKind.CLOSE)  # not committed yet
        late = Thread(target=release_now)
        late.start()
        late.join(0.5)
        assert made == []
    late.join(10)
    assert made == [0]
