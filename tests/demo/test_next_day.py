"""How one day becomes the next."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from trimtab.demo.book import Book, Holding, Sale
from trimtab.demo.custodian import next_day, resume_firm
from trimtab.demo.firm import DemoFirm, build_firm
from trimtab.demo.roster import Case
from trimtab.domain.accounts import CashBalance
from trimtab.domain.lots import TaxLot

DAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)
ACCOUNT = "A00010"  # a small Roth IRA with nothing special about it


@pytest.fixture(scope="module")
def firm() -> DemoFirm:
    return build_firm(20)


def a_book() -> Book:
    """ACCOUNT alone: it sold 10 of 30 shares of S0001 today for 3,395.80 and bought 4 of S0003 for 640.20."""
    return Book(
        holdings=(Holding(ACCOUNT, "S0001", Decimal(20)), Holding(ACCOUNT, "S0003", Decimal(4))),
        lots=(
            TaxLot("L1", ACCOUNT, "S0001", Decimal(20), date(2025, 3, 3), Decimal("5000.00")),
            TaxLot("L2", ACCOUNT, "S0003", Decimal(4), DAY, Decimal("640.20")),
        ),
        cash={ACCOUNT: CashBalance(Decimal("100.00"), Decimal("2755.60"))},
        sales=(Sale(ACCOUNT, "S0001", DAY, Decimal(10), Decimal("3395.80"), Decimal("2500.00")),),
    )


def test_the_next_session_has_yesterdays_market_closes_as_its_prices(firm):
    monday = next_day(firm, firm.book)
    assert (monday.business_date, monday.as_of) == (MONDAY, DAY)
    assert monday.prices == firm.market_closes
    assert monday.actions == ()


def test_the_custodian_holds_what_the_book_says(firm):
    monday = next_day(firm, a_book())
    assert [h for h in monday.book.holdings if h.account_id == ACCOUNT] == list(a_book().holdings)
    assert [lot for lot in monday.book.lots if lot.account_id == ACCOUNT] == list(a_book().lots)
    assert a_book().sales[0] in monday.book.sales


def test_todays_trades_are_unsettled_and_everything_before_has_settled(firm):
    """100.00 + 2,755.60 is 2,855.60 in all; today's sale less today's purchase is 3,395.80 - 640.20 = 2,755.60."""
    balance = next_day(firm, a_book()).book.cash[ACCOUNT]
    assert balance == CashBalance(Decimal("100.00"), Decimal("2755.60"))
    quiet = replace(a_book(), lots=(), sales=())
    assert next_day(firm, quiet).book.cash[ACCOUNT] == CashBalance(Decimal("2855.60"), Decimal("0.00"))


def test_an_account_that_the_book_does_not_know_keeps_its_holdings_with_the_split_applied(firm):
    (split,) = firm.actions
    before = {h.account_id: h.quantity for h in firm.book.holdings if h.security_id == split.security_id}
    after = {
        h.account_id: h.quantity for h in next_day(firm, a_book()).book.holdings if h.security_id == split.security_id
    }
    assert len(before) >= 3
    assert after == {account: 2 * quantity for account, quantity in before.items()}


def test_the_split_changes_no_cost_and_no_date(firm):
    (split,) = firm.actions
    before = [lot for lot in firm.book.lots if lot.security_id == split.security_id]
    after = [lot for lot in next_day(firm, a_book()).book.lots if lot.security_id == split.security_id]
    assert [(lot.id, lot.cost, lot.acquired_on) for lot in after] == [
        (lot.id, lot.cost, lot.acquired_on) for lot in before
    ]


def test_a_security_that_no_ledger_knows_stays_in_its_account(firm):
    (account,) = firm.with_case(Case.UNKNOWN_SECURITY)
    book = Book(holdings=(), lots=(), cash={account: CashBalance(Decimal(500))})
    held = [h for h in next_day(firm, book).book.holdings if h.account_id == account]
    assert held == [Holding(account, "UNLISTED-1", Decimal(150))]


def test_a_sale_that_feed_and_ledger_both_have_counts_once(firm):
    monday = next_day(firm, replace(a_book(), sales=(*a_book().sales, *firm.book.sales)))
    assert sorted(monday.book.sales, key=lambda sale: sale.account_id) == [*firm.book.sales, *a_book().sales]


def test_a_cash_need_that_was_due_is_gone(firm):
    (account,) = firm.with_case(Case.CASH_NEED)
    due = next(e for e in firm.accounts if e.id == account).settings.cash_needs[0].due_on
    day = firm
    while day.business_date <= due:
        day = next_day(day, day.book)
    assert next(e for e in day.accounts if e.id == account).settings.cash_needs == ()


def test_a_firm_is_made_again_from_its_last_evenings_book_alone(firm):
    monday = next_day(firm, a_book())
    evening = replace(monday.book, cash=monday.book.cash)
    tuesday = next_day(monday, evening)
    assert tuesday.business_date == date(2026, 11, 24)
    assert resume_firm(20, firm.seed, DAY, MONDAY, evening) == tuesday


def test_made_again_the_firm_keeps_what_the_book_does_not_know_with_the_split_applied(firm):
    assert resume_firm(20, firm.seed, DAY, DAY, a_book()) == next_day(firm, a_book())
