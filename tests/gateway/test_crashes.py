"""kill -9, zombies and rivals: whatever dies where, the broker takes each order once and we post each fill once.

The broker trades a repeated order id again here (dedup off), so its journal would show every double.
"""

import asyncio
import signal
from collections import Counter
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import func, select, update

from tests.gateway.quick import QUICK
from tests.gateway.trading_day import TradingDay, a_gateway
from tests.orders.factories import BROKER, FIRM, Plan, a_buy
from tests.servers import FreshDatabase
from trimtab.broker.journal import JournaledLogon
from trimtab.db.order_lease import take_lease
from trimtab.db.tables import alert, allocation, execution, gateway_lease

pytestmark = pytest.mark.covers("D13")

NAMES = ["BND", "GLD", "VTI", "VXUS"]


def start_day(day: TradingDay, *broker_options: str) -> None:
    """Three accounts that each buy four names: four blocks of 30 shares."""
    day.write_closes(**dict.fromkeys(NAMES, "100"))
    day.paper.start(*(broker_options or ("--dedup", "off")))
    day.commit([Plan(f"A{n}", tuple(a_buy(name, "10") for name in NAMES)) for n in range(3)])


async def finish_day(day: TradingDay) -> None:
    """With a gateway that is running: to the close, the postings and the end."""
    await asyncio.to_thread(day.until_sent)
    day.close()
    await asyncio.to_thread(day.until_ended)
    expect_a_whole_day(day)


def expect_a_whole_day(day: TradingDay) -> None:
    assert sorted(order.order.client_order_id.split(".")[4] for order in day.taken()) == NAMES
    assert day.scalar(select(func.count()).select_from(execution)) == 4
    assert day.scalar(select(func.sum(allocation.c.quantity))) == 120
    assert Counter(day.end_days()) == {("TRADED", "FULL"): 3}
    assert day.violations() == []


@pytest.mark.parametrize(
    ("fault", "resent"),
    [
        ("gateway.after_sending=kill", 4),  # taken for sending, nothing written
        ("gateway.before_write=kill@3", 2),  # between two orders
        ("gateway.after_write=kill@2", 2),  # written, no answer read
        ("gateway.before_replies=kill", 0),  # acknowledged, not stored
    ],
)
async def test_a_gateway_killed_while_it_sends_leaves_each_order_once_at_the_broker(
    day: TradingDay, fault: str, resent: int
) -> None:
    start_day(day)
    doomed = day.start_gateway(fault)
    day.open()
    assert await asyncio.to_thread(doomed.wait, 40) == -signal.SIGKILL
    async with a_gateway(day):
        await finish_day(day)
    # What the broker never saw is sent again and says so; what it has is not.
    assert sum(order.order.poss_resend for order in day.taken()) in range(resent, resent + 2)


async def test_a_gateway_killed_again_while_it_settles_the_doubt(day: TradingDay) -> None:
    start_day(day)
    for fault in ("gateway.after_sending=kill", "gateway.before_resend=kill@2"):
        doomed = day.start_gateway(fault)
        if fault.startswith("gateway.after"):
            day.open()
        assert await asyncio.to_thread(doomed.wait, 40) == -signal.SIGKILL
    async with a_gateway(day):
        await finish_day(day)


async def test_a_gateway_killed_after_it_posted_posts_nothing_twice(day: TradingDay) -> None:
    start_day(day)
    doomed = day.start_gateway("gateway.after_posting=kill")
    day.open()
    await asyncio.to_thread(day.until_sent)
    day.close()
    assert await asyncio.to_thread(doomed.wait, 40) == -signal.SIGKILL
    async with a_gateway(day):
        await asyncio.to_thread(day.until_ended)
    expect_a_whole_day(day)


@pytest.mark.parametrize("fault", ["die-before-journal=2", "die-before-ack=2", "ack-then-die=2"])
async def test_a_broker_killed_in_the_middle_of_the_orders(day: TradingDay, fault: str) -> None:
    options = ("--dedup", "off", "--fault", fault)
    start_day(day, *options)
    async with a_gateway(day):
        day.open()
        assert await asyncio.to_thread(day.paper.wait) == -signal.SIGKILL
        await asyncio.to_thread(day.paper.start, *options)
        await finish_day(day)


async def test_a_broker_killed_before_it_reports_the_close(day: TradingDay) -> None:
    options = ("--dedup", "off", "--fault", "die-before-reports")
    start_day(day, *options)
    async with a_gateway(day):
        day.open()
        await asyncio.to_thread(day.until_sent)
        day.close()
        assert await asyncio.to_thread(day.paper.wait) == -signal.SIGKILL
        await asyncio.to_thread(day.paper.start, *options)
        await asyncio.to_thread(day.until_ended)
    expect_a_whole_day(day)


async def test_a_zombie_stopped_between_its_last_check_and_the_write_sends_nothing(day: TradingDay) -> None:
    """The hardest row (F03): it has checked its lease, sleeps past it, and wakes up with the order in its hand."""
    start_day(day)
    zombie = day.start_gateway("gateway.before_write=stop@2")
    day.open()
    await asyncio.to_thread(day.until_stopped, zombie)
    stopped_at = day.scalar(select(func.max(gateway_lease.c.generation)))
    async with a_gateway(day):
        await asyncio.to_thread(day.until_owned_above, stopped_at)
        await asyncio.to_thread(day.until_sent)
        zombie.send_signal(signal.SIGCONT)
        await finish_day(day)
        assert zombie.poll() is None, "it goes on as a stand-by"
    generations = Counter(order.generation > stopped_at for order in day.taken())
    assert generations == {False: 1, True: 3}  # the one it wrote before it was stopped


async def test_a_gateway_that_slept_past_its_lease_sends_nothing_on_a_connection_that_still_stands(
    day: TradingDay,
) -> None:
    """Nobody has logged on after it: only its own look at the lease, by a clock that ran on, keeps it from sending."""
    start_day(day)
    sleeper = day.start_gateway("gateway.after_sending=stop")
    day.open()
    await asyncio.to_thread(day.until_stopped, sleeper)
    await asyncio.to_thread(day.until, lambda c: take_lease(c, FIRM, BROKER, "another", 1.0) is not None, "the lease")
    sleeper.send_signal(signal.SIGCONT)
    await asyncio.sleep(0.5)
    assert day.taken() == []
    await finish_day(day)  # the other gave no sign of life, so the sleeper owns the session again


async def test_of_two_gateways_one_sends(day: TradingDay) -> None:
    """With a lease that no pause of a busy machine outlasts: who has it keeps it."""
    start_day(day)
    keeps = replace(QUICK, lease=30.0)
    async with a_gateway(day, keeps), a_gateway(day, keeps):
        day.open()
        await finish_day(day)
    owners = {event.generation for event in day.paper.journal().events() if isinstance(event, JournaledLogon)}
    assert len({order.generation for order in day.taken()}) == 1
    assert len(owners) == 1, "the other never logged on"


async def test_a_gateway_that_is_told_to_stop_hands_over_at_once(day: TradingDay) -> None:
    start_day(day)
    leaving = day.start_gateway(module="trimtab.gateway")
    await asyncio.to_thread(day.until_owned_above, 1)
    leaving.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(leaving.wait, 40) == 0
    async with a_gateway(day):  # the real lease is six seconds: it was given up
        day.open()
        await finish_day(day)


async def test_a_gateway_whose_lease_another_has_taken_sends_nothing_more(day: TradingDay) -> None:
    start_day(day)
    async with a_gateway(day):
        before = await asyncio.to_thread(day.until_owned_above, 1)
        with day.transaction() as connection:
            connection.execute(update(gateway_lease).values(owner="another", generation=before + 1))
        day.open()
        await asyncio.sleep(1.0)
        assert day.taken() == []
        assert day.block_statuses() == {"READY": 4}
        await finish_day(day)  # the other never renews, so it comes back


async def test_a_gateway_survives_the_loss_of_its_database_connections(
    day: TradingDay, database: FreshDatabase
) -> None:
    start_day(day)
    async with a_gateway(day):
        await asyncio.to_thread(day.until_owned_above, 1)
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
        with psycopg.connect(database.superuser_url, autocommit=True) as superuser:
            superuser.execute(cut, [database.name])
        day.open()
        await finish_day(day)


async def test_a_broker_that_lost_its_journal_is_sent_nothing(day: TradingDay) -> None:
    start_day(day)
    async with a_gateway(day):
        day.open()
        await finish_day(day)
    day.paper.stop(signal.SIGKILL)
    day.paper.journal_path.unlink()
    day.paper.start("--dedup", "off")
    day.commit([Plan("B1", (a_buy("VTI", "10"),))])
    async with a_gateway(day):
        forgot = select(func.count()).where(alert.c.cause == "BROKER_FORGOT")
        await asyncio.to_thread(day.until, lambda c: bool(c.scalar(forgot)), "an alert")
    assert day.taken() == []
