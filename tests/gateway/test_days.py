"""Whole trading days: from committed intents to postings, by the real gateway and the real paper broker."""

import asyncio
from collections import Counter
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from tests.gateway.trading_day import TradingDay, a_gateway
from tests.orders.factories import DAY, FIRM, Plan, a_buy, a_lot, a_sale
from trimtab.db.suspensions import open_suspension
from trimtab.db.tables import (
    alert,
    allocation,
    block,
    cash_reservation,
    execution,
    intent,
    lot_reservation,
    outbox,
    posting,
    process_heartbeat,
)
from trimtab.domain.suspensions import Suspension, SuspensionKind, SuspensionScope

pytestmark = pytest.mark.covers("D13")


async def trade(day: TradingDay) -> None:
    """Open, wait for the acknowledgements, close, wait for the end."""
    async with a_gateway(day):
        day.open()
        await asyncio.to_thread(day.until_sent)
        day.close()
        await asyncio.to_thread(day.until_ended)


def names(count: int) -> list[str]:
    return [f"S{number:03d}" for number in range(count)]


def mixed_plans(accounts: int, trades: int, securities: int) -> list[Plan]:
    """Accounts that sell some names from their lots and buy others; every name at 100 dollars."""
    plans = []
    for number in range(accounts):
        picks = [names(securities)[(number * trades + each) % securities] for each in range(trades)]
        picks = picks[:: -1 if number % 2 else 1]  # what one account sells, another buys
        lots = tuple(a_lot(f"L{each}", name, "50", "80") for each, name in enumerate(picks[: trades // 2]))
        sales = tuple(a_sale(lot, str(5 + number % 7)) for lot in lots)
        buys = tuple(a_buy(name, str(3 + number % 5)) for name in picks[trades // 2 :])
        plans.append(Plan(f"A{number:04d}", (*sales, *buys), lots))
    return plans


async def test_an_ordinary_day_ends_with_every_share_allocated(day: TradingDay) -> None:
    day.write_closes(**dict.fromkeys(names(30), "101"))
    day.paper.start()
    day.commit(mixed_plans(accounts=40, trades=5, securities=30))

    await trade(day)

    assert Counter(day.end_days()) == {("TRADED", "FULL"): 40}
    assert day.scalar(select(func.count()).where(intent.c.status == "FILLED")) == 200
    blocks = day.scalar(select(func.count()).select_from(block))
    assert day.paper.summary().orders == day.paper.summary().distinct_orders == blocks
    assert day.scalar(select(func.sum(allocation.c.quantity))) == day.paper.summary().executed_quantity
    assert day.scalar(select(func.count()).where(outbox.c.signal == "orders_done")) == 40
    for table in (lot_reservation, cash_reservation):
        assert day.scalar(select(func.count()).where(~table.c.released)) == 0
    assert day.violations() == []


async def test_the_gateway_gives_a_sign_of_life(day: TradingDay) -> None:
    day.paper.start()
    async with a_gateway(day):
        await asyncio.to_thread(day.until_owned_above, 1)
    assert day.scalar(select(process_heartbeat.c.kind)) == "gateway"


async def test_orders_that_the_broker_rejects_end_their_accounts_held(day: TradingDay) -> None:
    day.write_closes(VTI="100", BAD="100")
    day.paper.start("--reject", "BAD")
    day.commit(
        [
            Plan("A1", (a_buy("BAD", "10"),)),
            Plan("A2", (a_buy("BAD", "10"), a_buy("VTI", "10"))),
            Plan("A3", (a_buy("VTI", "10"),)),
        ]
    )
    await trade(day)
    assert day.end_days() == [("HELD", "BROKER_REJECTED"), ("TRADED", "PARTIAL"), ("TRADED", "FULL")]
    assert day.scalar(select(block.c.broker_text).where(block.c.security_id == "BAD")) == "SYMBOL_REFUSED"
    assert day.violations() == []


async def test_partial_fills_in_several_pieces_are_split_to_the_share(day: TradingDay) -> None:
    day.write_closes(VTI="100.01")
    day.paper.start("--fill-ratio", "0.55", "--fills-per-order", "3")
    day.commit([Plan(f"A{n}", (a_buy("VTI", str(10 + n)),)) for n in range(5)])
    await trade(day)
    # 60 shares ordered, 33 filled
    assert day.scalar(select(func.count()).select_from(execution)) == 3
    assert day.scalar(select(func.sum(allocation.c.quantity))) == Decimal(33)
    assert day.scalar(select(func.sum(posting.c.cash))) == Decimal("-3300.33")
    assert set(day.end_days()) == {("TRADED", "PARTIAL")}
    assert day.violations() == []


async def test_a_name_without_a_closing_price_ends_unfilled(day: TradingDay) -> None:
    day.write_closes(VTI="100")
    day.paper.start()
    day.commit([Plan("A1", (a_buy("GONE", "10"),)), Plan("A2", (a_buy("VTI", "10"),))])
    await trade(day)
    assert day.end_days() == [("HELD", "UNFILLED"), ("TRADED", "FULL")]
    assert day.violations() == []


@pytest.mark.parametrize("fault", ["duplicate-ack", "delayed-ack=0.3", "duplicate-reports", "out-of-order-reports"])
async def test_whatever_order_the_broker_reports_in_and_however_often(day: TradingDay, fault: str) -> None:
    day.write_closes(VTI="100", BND="50")
    day.paper.start("--fault", fault, "--fill-ratio", "0.5", "--fills-per-order", "2")
    day.commit([Plan(f"A{n}", (a_buy("VTI", "10"), a_buy("BND", "8", "50"))) for n in range(3)])
    await trade(day)
    assert set(day.end_days()) == {("TRADED", "PARTIAL")}
    assert day.scalar(select(func.sum(allocation.c.quantity))) == Decimal(27)
    assert day.violations() == []


async def test_closing_prices_that_come_late_are_waited_for_with_one_alert(day: TradingDay) -> None:
    day.paper.start()
    day.commit([Plan("A1", (a_buy("VTI", "10"),))])
    async with a_gateway(day):
        day.open()
        await asyncio.to_thread(day.until_sent)
        day.close()
        refused = select(func.count()).where(alert.c.cause == "MARKET_EVENT_REFUSED")
        await asyncio.to_thread(day.until, lambda c: bool(c.scalar(refused)), "an alert")
        day.write_closes(VTI="100")
        await asyncio.to_thread(day.until_ended)
    assert day.end_days() == [("TRADED", "FULL")]
    assert day.scalar(refused) == 1


async def test_what_was_not_sent_before_the_close_is_never_sent(day: TradingDay) -> None:
    day.write_closes(VTI="100")
    day.paper.start()
    day.commit([Plan("A1", (a_buy("VTI", "10"),))])
    day.open()
    day.close()
    async with a_gateway(day):
        await asyncio.to_thread(day.until_ended)
    assert day.taken() == []
    assert day.end_days() == [("HELD", "UNFILLED")]
    assert day.violations() == []


@pytest.mark.parametrize(("scope", "scope_id"), [(SuspensionScope.ACCOUNT, "A1"), (SuspensionScope.FIRM, FIRM)])
async def test_a_suspension_after_the_release_keeps_the_block_from_being_sent(
    day: TradingDay, scope: SuspensionScope, scope_id: str
) -> None:
    day.write_closes(VTI="100", BND="100")
    day.paper.start()
    day.commit([Plan("A1", (a_buy("VTI", "10"),)), Plan("A2", (a_buy("BND", "10"),))])
    day.open()
    hold = Suspension(scope, scope_id, SuspensionKind.COMPLIANCE, "COMPLIANCE_HOLD", "a question", DAY, "carl")
    with day.transaction() as connection:
        open_suspension(connection, FIRM, hold)
    async with a_gateway(day):
        held = select(func.count()).where(alert.c.cause == "BLOCK_HELD_BY_SUSPENSION")
        await asyncio.to_thread(day.until, lambda c: bool(c.scalar(held)), "an alert")
        await asyncio.to_thread(day.until_sent)  # a held block does not count: the clock may go on
        day.close()
        await asyncio.to_thread(day.until_ended)
    assert [order.order.security_id for order in day.taken()] == (["BND"] if scope is SuspensionScope.ACCOUNT else [])
    assert day.violations() == []


async def test_three_hundred_blocks_with_two_thousand_members_are_posted_whole(day: TradingDay) -> None:
    day.write_closes(**dict.fromkeys(names(150), "101"))
    day.paper.start()
    day.commit(mixed_plans(accounts=100, trades=20, securities=150))
    async with a_gateway(day):
        blocks = day.open()
        await asyncio.to_thread(day.until_sent)
        day.close()
        await asyncio.to_thread(day.until_ended)
    assert day.scalar(select(func.count()).where(intent.c.status == "FILLED")) == 2000
    assert blocks == 300
    assert day.violations() == []
