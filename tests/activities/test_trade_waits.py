"""The trade stage waits for the broker's word, not for a signal; a lifecycle that comes late does not wait for ever."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import insert
from temporalio.testing import ActivityEnvironment

from tests.activities.small_book import SmallBook, an_intent
from trimtab.activities.edge import Edge
from trimtab.activities.stages import OrderActivities
from trimtab.contracts import TRADING_OVER, AccountDayRef, StageOutcome
from trimtab.db.tables import intent
from trimtab.domain.lifecycle import Lane, MarketEventKind, Stage, Standstill, TerminalState


@pytest.fixture
def orders(book: SmallBook) -> Iterator[OrderActivities]:
    with ThreadPoolExecutor(1) as threads:
        yield OrderActivities(Edge(book.engine, threads, "test"), "paper")


def _committed(book: SmallBook, status: str, filled: int = 0) -> AccountDayRef:
    """An account-day whose one intent of ten shares stands there."""
    book.opened()
    ref = book.ref()
    digest = book.at_approve(ref, Lane.AUTOMATED)
    book.step(ref, StageOutcome(Stage.APPROVE, Stage.TRADE))
    with book.transaction() as connection:
        row = {**an_intent(ref, digest), "status": status, "filled_quantity": filled}
        connection.execute(insert(intent).values(row))
    return ref


async def _close(orders: OrderActivities, ref: AccountDayRef) -> StageOutcome:
    return await ActivityEnvironment().run(orders.close_orders, ref)


async def _commit(orders: OrderActivities, ref: AccountDayRef) -> StageOutcome:
    return await ActivityEnvironment().run(orders.commit_orders, ref)


async def test_a_forged_signal_ends_no_trade(book: SmallBook, orders: OrderActivities) -> None:
    """Somebody says that the orders are done; the rows say that the broker has them."""
    ref = _committed(book, "RELEASED")
    assert (await _close(orders, ref)).next == Standstill.TRADE
    assert book.day(ref).stage == "trade"


async def test_orders_that_no_release_took_yet_are_waited_for_until_the_close(
    book: SmallBook, orders: OrderActivities
) -> None:
    ref = _committed(book, "PENDING")
    book.publish(MarketEventKind.OPEN)
    assert (await _close(orders, ref)).next == Standstill.TRADE
    book.publish(MarketEventKind.CLOSE)
    outcome = await _close(orders, ref)
    assert (outcome.terminal, outcome.code) == (TerminalState.HELD, "UNFILLED")


async def test_what_the_broker_still_has_is_waited_for_beyond_the_close(
    book: SmallBook, orders: OrderActivities
) -> None:
    ref = _committed(book, "RELEASED")
    book.publish(MarketEventKind.CLOSE, MarketEventKind.DAY_END)
    assert (await _close(orders, ref)).next == Standstill.TRADE


async def test_filled_orders_end_the_day_traded(book: SmallBook, orders: OrderActivities) -> None:
    ref = _committed(book, "FILLED", filled=10)
    outcome = await _close(orders, ref)
    assert (outcome.next, outcome.terminal, outcome.code) == (Stage.RECORD, TerminalState.TRADED, "FULL")


@pytest.mark.parametrize(("status", "filled", "code"), [("RELEASED", 0, ""), ("FILLED", 10, TRADING_OVER)])
async def test_a_lifecycle_started_again_learns_whether_there_is_anything_to_wait_for(
    book: SmallBook, orders: OrderActivities, status: str, filled: int, code: str
) -> None:
    """The signal that told of the orders was heard by an earlier life."""
    ref = _committed(book, status, filled)
    outcome = await _commit(orders, ref)
    assert (outcome.next, outcome.code) == (Standstill.TRADE, code)
    with book.transaction() as connection:
        assert len(connection.execute(intent.select()).all()) == 1
