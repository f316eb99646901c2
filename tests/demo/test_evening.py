"""The evening of a day that traded: what trimtab's own ledger says is what the custodian delivers next."""

from decimal import Decimal

from tests.orders.factories import BOUGHT, DAY, FIRM
from tests.orders.test_invariants import trade_a_day
from tests.servers import FreshDatabase
from trimtab.db.engine import firm_transaction, sync_engine
from trimtab.demo.book import Book, Sale
from trimtab.demo.ledger import evening_book
from trimtab.domain.accounts import CashBalance
from trimtab.feeds.values import read_id


def the_evening(database: FreshDatabase) -> Book:
    """A1 sold 60 of the 100 VTI of lot L1, 80 dollars a share, and bought 50 BND; A2 bought 10 BND; all at 101."""
    engine = sync_engine(database.app_url)
    try:
        trade_a_day(engine)
        with firm_transaction(engine, FIRM) as connection:
            return evening_book(connection, DAY)
    finally:
        engine.dispose()


def test_the_evening_is_the_morning_and_the_days_postings(database: FreshDatabase) -> None:
    """60 x 101 = 6,060 come in and 50 x 101 = 5,050 go out; 40 of the lot's 100 shares stay, at 40 x 80 = 3,200."""
    book = the_evening(database)
    lots = {(lot.account_id, lot.security_id): (lot.quantity, lot.cost, lot.acquired_on) for lot in book.lots}
    assert lots == {
        ("A1", "VTI"): (Decimal(40), Decimal(3200), BOUGHT),
        ("A1", "BND"): (Decimal(50), Decimal(5050), DAY),
        ("A2", "BND"): (Decimal(10), Decimal(1010), DAY),
    }
    assert book.cash == {
        "A1": CashBalance(Decimal(100_000), Decimal(1010)),
        "A2": CashBalance(Decimal(100_000), Decimal(-1010)),
    }
    assert book.sales == (Sale("A1", "VTI", DAY, Decimal(60), Decimal(6060), Decimal(4800)),)


def test_new_lots_have_ids_that_a_custodians_file_may_carry_and_old_ones_keep_theirs(database: FreshDatabase) -> None:
    book = the_evening(database)
    names = [lot.id for lot in book.lots] + [lot.purchase_id for lot in book.lots if lot.purchase_id]
    assert [read_id(name) for name in names] == names
    assert [lot.id for lot in book.lots if lot.acquired_on < DAY] == ["L1"]
    assert len({lot.id for lot in book.lots}) == 3
