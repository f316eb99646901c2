"""Runs one account by one method through the year, and measures it each evening."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from benchmarks.year_2020.accounts import Profile
from benchmarks.year_2020.books import Books, Order
from benchmarks.year_2020.market import Day, Year
from trimtab.domain.lots import HoldingPeriod, holding_period
from trimtab.domain.money import ZERO
from trimtab.domain.optimizer.arrays import Floats

SESSIONS_A_YEAR = 252
ORDINARY_LIMIT = Decimal(3000)
"""Net losses that may be taken off ordinary income in a year (IRC 1211(b)); the rest is carried forward."""


@dataclass(frozen=True, slots=True)
class Result:
    """One account's year. Dollars, or fractions of its average value where the name says so."""

    account: int
    average_value: float
    short_term_gain: float  # realised, washed losses not counted; negative is a loss
    long_term_gain: float
    tax: float  # at the account's rates, losses set against gains that the owner has elsewhere; negative is saved
    tax_alone: float  # when there are no other gains: netted, at most 3,000 off ordinary income, the rest carried
    tax_if_sold: float  # on all that is unrealised on the last evening, sold then: at the terms of that evening
    tax_if_sold_later: float  # the same gains at the long-term rate: sold when every lot is a year old
    washed: float
    cost: float
    turnover: float  # one-way, fraction of average value
    orders: int
    realised_tracking_error: float  # annualised, of daily returns less the target's
    expected_tracking_error: float  # the risk model's, mean of the year's month ends
    active_return: float  # compounded, before tax
    lowest_cash: float  # fraction of value on the worst evening
    final_value: float


class AccountYear:
    """One account under one method: each session `begin`, then `end` with the orders for its close."""

    def __init__(self, year: Year, profile: Profile, books: Books) -> None:
        self._year, self._profile, self._books = year, profile, books
        self._value: float | None = None
        self._active: list[float] = []
        self._own: list[float] = []
        self._target: list[float] = []
        self._values: list[float] = []
        self._expected: list[float] = []
        self._lowest_cash = 1.0

    @property
    def account(self) -> tuple[Profile, Books]:
        return self._profile, self._books

    def begin(self, day: Day) -> None:
        """Corporate actions, and the deposit that comes in on the first session of a month."""
        books = self._books
        prices = {each: price.close for each, price in day.market.prices.items()}
        books.begin(day.session, day.splits, day.dividends, prices)
        if self._value is None:
            self._value = self._worth(day.price)
        books.cash += self._deposit(day)

    def end(self, day: Day, orders: list[Order]) -> None:
        """The orders are filled at the close, and the evening is measured."""
        self._books.trade(day.session, orders, {each.security_id: self._close(day, each) for each in orders})
        self._measure(day, float(self._deposit(day)))

    def _deposit(self, day: Day) -> Decimal:
        return self._profile.monthly if day.starts_month else ZERO

    def _close(self, day: Day, order: Order) -> Decimal:
        return Decimal(repr(float(day.close[self._year.row[order.security_id]])))

    def _shares(self) -> Floats:
        shares = np.zeros(len(self._year.ids))
        for security_id, quantity in self._books.shares().items():
            shares[self._year.row[security_id]] = float(quantity)
        return shares

    def _worth(self, price: Floats) -> float:
        return float(self._shares() @ np.nan_to_num(price)) + float(self._books.cash)

    def _measure(self, day: Day, deposit: float) -> None:
        worth = self._worth(day.close)
        own = (worth - deposit) / (self._value or worth) - 1
        target = day.target_return[self._profile.size]
        self._own.append(own)
        self._target.append(target)
        self._active.append(own - target)
        self._values.append(worth)
        self._lowest_cash = min(self._lowest_cash, float(self._books.cash) / worth)
        self._value = worth
        if day.starts_month:
            self._expected.append(self._tracking_error(day, worth))

    def _tracking_error(self, day: Day, worth: float) -> float:
        """Ex ante, annualised, after the month's first trades: active weights through the day's risk model."""
        weights = self._shares() * np.nan_to_num(day.close) / worth
        active = weights - self._year.weights(self._profile.size, day.session)
        rows = np.array([day.arrays.index[each] for each in self._year.ids])
        factor = day.arrays.loadings[rows].T @ active
        return float(np.sqrt(factor @ factor + (day.arrays.specific_risk[rows] * active) ** 2 @ np.ones(len(active))))

    def result(self, last: Day) -> Result:
        books, settings = self._books, self._profile.settings
        short, long = books.gains[HoldingPeriod.SHORT_TERM], books.gains[HoldingPeriod.LONG_TERM]
        average = float(np.mean(self._values))
        return Result(
            account=self._profile.number,
            average_value=average,
            short_term_gain=float(short),
            long_term_gain=float(long),
            tax=float(short * settings.short_term_rate + long * settings.long_term_rate),
            tax_alone=float(tax_alone(short, long, settings.short_term_rate, settings.long_term_rate)),
            tax_if_sold=self._tax_if_sold(last, all_long_term=False),
            tax_if_sold_later=self._tax_if_sold(last, all_long_term=True),
            washed=float(books.washed),
            cost=float(books.cost),
            turnover=float(books.traded) / 2 / average,
            orders=books.orders,
            realised_tracking_error=float(np.std(self._active) * SESSIONS_A_YEAR**0.5),
            expected_tracking_error=float(np.mean(self._expected)),
            active_return=float(np.prod(1 + np.array(self._own)) - np.prod(1 + np.array(self._target))),
            lowest_cash=self._lowest_cash,
            final_value=self._values[-1],
        )

    def _tax_if_sold(self, last: Day, *, all_long_term: bool) -> float:
        settings = self._profile.settings
        rates = {HoldingPeriod.SHORT_TERM: settings.short_term_rate, HoldingPeriod.LONG_TERM: settings.long_term_rate}
        tax = 0.0
        for lot in self._books.lots.values():
            close = float(last.close[self._year.row[lot.security_id]])
            gain = float(lot.quantity) * close - float(lot.cost)
            term = HoldingPeriod.LONG_TERM if all_long_term else holding_period(lot, last.session)
            tax += gain * float(rates[term])
        return tax


def tax_alone(short: Decimal, long: Decimal, short_rate: Decimal, long_rate: Decimal) -> Decimal:
    """Tax of a year without any other gain or carry-over (IRC 1222, 1211(b); TL-11)."""
    net = short + long
    if net < 0:
        return -min(-net, ORDINARY_LIMIT) * short_rate
    if short >= 0 and long >= 0:
        return short * short_rate + long * long_rate
    return net * (short_rate if short > 0 else long_rate)
