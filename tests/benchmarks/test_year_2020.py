"""The books that every method of the comparison is measured by, and a few invented weeks of it."""

import csv
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from benchmarks.year_2020.__main__ import simulate
from benchmarks.year_2020.accounts import profiles
from benchmarks.year_2020.books import Books, Order
from benchmarks.year_2020.market import MEMBERSHIP, Year
from benchmarks.year_2020.simulation import tax_alone
from tests.demo.market_data import WEIGHTS, write_market_data
from tests.optimizer.accounts import a_security
from trimtab.domain.accounts import AccountId
from trimtab.domain.lots import HoldingPeriod, LotId
from trimtab.domain.securities import SecurityId

A = SecurityId("A")


def some_books(*lots: tuple[str, int, str]) -> Books:
    """Without a spread; each lot is a day, shares, and the cost of all of them."""
    books = Books(AccountId("A1"), {A: a_security("A", half_spread_bps=Decimal(0))}, cash=Decimal(100_000))
    for day, shares, cost in lots:
        books.add(A, Decimal(shares), date.fromisoformat(day), Decimal(cost))
    return books


def sell(books: Books, day: str, lot: str, shares: int, price: str) -> None:
    books.begin(date.fromisoformat(day), {}, {}, {})
    order = Order(A, Decimal(shares), ((LotId(f"A-{lot}"), Decimal(shares)),))
    books.trade(date.fromisoformat(day), [order], {A: Decimal(price)})


def buy(books: Books, day: str, shares: int, price: str) -> None:
    books.begin(date.fromisoformat(day), {}, {}, {})
    books.trade(date.fromisoformat(day), [Order(A, Decimal(shares))], {A: Decimal(price)})


def test_shares_bought_back_within_thirty_days_take_over_the_loss():
    """Pub. 550: 100 shares cost 1,000 are sold for 750, 100 bought for 800: 250 disallowed, new basis 1,050."""
    books = some_books(("2019-01-02", 100, "1000"))
    sell(books, "2020-03-02", "20190102", 100, "7.50")
    buy(books, "2020-03-20", 100, "8")
    (lot,) = books.lots.values()
    assert (books.washed, lot.cost, books.gains[HoldingPeriod.LONG_TERM]) == (250, 1050, 0)


def test_an_earlier_purchase_within_thirty_days_washes_too_and_takes_the_days_held():
    """Reg. 1.1091-1(h) example 1: bought 1 and 15 December, the first lot sold on 3 January for 1,000 less."""
    books = some_books(("2019-12-01", 100, "10000"), ("2019-12-15", 100, "9000"))
    sell(books, "2020-01-03", "20191201", 100, "90")
    (lot,) = books.lots.values()
    assert (books.washed, lot.cost, lot.holding_from) == (1000, 10_000, date(2019, 11, 12))


def test_the_rest_of_one_purchase_does_not_wash_a_sale_of_it():
    """Rev. Rul. 56-602: of 200 shares bought in one order 100 are sold at a loss nine days later."""
    books = some_books(("2020-03-02", 200, "20000"))
    sell(books, "2020-03-11", "20200302", 100, "90")
    assert (books.washed, books.gains[HoldingPeriod.SHORT_TERM]) == (0, -1000)


@pytest.mark.parametrize(("days", "washed"), [(30, 250), (31, 0)])
def test_the_window_ends_with_the_thirtieth_day(days: int, washed: int):
    books = some_books(("2019-01-02", 100, "1000"))
    sell(books, "2020-03-02", "20190102", 100, "7.50")
    buy(books, (date(2020, 3, 2) + timedelta(days)).isoformat(), 100, "8")
    assert books.washed == washed


def test_only_as_many_shares_as_were_sold_are_replaced():
    """50 sold 1,000 below cost, 200 bought for 15,000: a lot of 50 with basis 4,750 and one of 150 with 11,250."""
    books = some_books(("2019-01-02", 50, "5000"))
    sell(books, "2020-03-02", "20190102", 50, "80")
    buy(books, "2020-03-03", 200, "75")
    assert sorted((lot.quantity, lot.cost) for lot in books.lots.values()) == [(50, 4750), (150, 11_250)]


def test_a_split_between_the_sale_and_the_purchase_counts_in_new_shares():
    """WS-11: 10 sold at a loss of 100 each, four for one, 40 bought: the whole 1,000 is washed, 25 a new share."""
    books = some_books(("2019-01-02", 10, "6000"), ("2019-03-01", 3, "1200"))
    sell(books, "2020-08-20", "20190102", 10, "500")
    books.begin(date(2020, 8, 31), {A: Fraction(4)}, {A: Decimal("0.82")}, {A: Decimal(125)})
    assert sum(lot.quantity for lot in books.lots.values()) == 12
    assert books.cash == 100_000 + 5000 + Decimal("2.46")  # the dividend is on three old shares
    buy(books, "2020-09-02", 40, "130")
    assert books.washed == 1000
    assert books.lots[LotId("A-20200902")].cost == 40 * 130 + 1000


@pytest.mark.parametrize(
    ("short", "long", "tax"),
    [
        (-2000, 8000, 1200),  # 6,000 long-term at 20 %
        (5000, -2000, 1200),  # 3,000 short-term at 40 %
        (-10_000, 2000, -1200),  # 3,000 of the 8,000 off ordinary income
        (-500, -700, -480),
        (1000, 1000, 600),
    ],
)
def test_a_year_that_stands_alone_is_netted(short: int, long: int, tax: int):
    assert tax_alone(Decimal(short), Decimal(long), Decimal("0.4"), Decimal("0.2")) == tax


def test_three_methods_live_through_the_first_weeks_of_invented_data(tmp_path: Path):
    """Cash and shares add up each evening, and neither harvesting method washes a loss."""
    data = write_market_data(tmp_path)
    with (data / MEMBERSHIP).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("ticker", "start_date"), *((symbol, "2015-01-02") for symbol in WEIGHTS)])
    accounts = profiles(2)
    year = Year(data, tuple({each.size for each in accounts}))
    runs = simulate(year, accounts, ("monthly",), 24)
    assert year.left_out == ("BIGD", "ODD1")
    assert [run.method for run in runs[:2]] == ["trimtab", "tax-blind FIFO"]
    trimtab, blind, threshold, _ = (run.results for run in runs)
    for ours, theirs, third in zip(trimtab, blind, threshold, strict=True):
        assert ours.tax < theirs.tax
        assert ours.washed == third.washed == 0
        assert min(ours.lowest_cash, theirs.lowest_cash, third.lowest_cash) > -0.001
