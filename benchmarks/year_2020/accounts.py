"""The accounts: when they were opened, what they hold on the last evening of 2019, and what their owners want."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

import numpy as np

from benchmarks.year_2020.books import Books
from benchmarks.year_2020.market import Year
from trimtab.domain.account_settings import AccountSettings, Harvesting, TaxSensitivity, Tracking
from trimtab.domain.accounts import Account, AccountId, HouseholdId, ModelId, PersonId, Registration
from trimtab.domain.money import to_cents
from trimtab.domain.optimizer.arrays import Floats

SIZES = (100, 200, 500)
VINTAGES = tuple(
    date.fromisoformat(day)
    for day in ("2017-01-03", "2017-09-01", "2018-01-26", "2018-09-20", "2018-12-24", "2019-05-01", "2019-12-02")
)
_VALUES = {100: (2.5e5, 6e5, 1.5e6), 200: (6e5, 1.5e6, 3e6), 500: (1.5e6, 3e6, 5e6)}
_SIZE_CHANCES = (0.4, 0.4, 0.2)
_RATES = (("0.24", "0.15"), ("0.358", "0.188"), ("0.388", "0.188"), ("0.408", "0.238"))
CASH_TARGET = Decimal("0.005")
_TRANSITION_NAMES = 12


@dataclass(frozen=True, slots=True)
class Profile:
    """One account of the comparison."""

    number: int
    size: int  # names of its index
    value: float  # dollars put in at the start, about
    opened_on: date
    monthly: Decimal  # dollars that come in on the first session of a month of 2020; 0: nothing
    transition: bool  # holds a few large positions from before, to be turned into the index
    settings: AccountSettings

    @property
    def account(self) -> Account:
        return Account(
            AccountId(f"Y{self.number:03d}"),
            HouseholdId(f"Y{self.number:03d}"),
            PersonId("P1"),
            "year",
            Registration.INDIVIDUAL,
            ModelId(f"INDEX-{self.size}"),
        )

    def with_tracking(self, tracking: Tracking) -> "Profile":
        return replace(self, settings=replace(self.settings, tracking=tracking))


def profiles(accounts: int, seed: int = 2020) -> tuple[Profile, ...]:
    """An account depends on the seed and its own number alone."""
    return tuple(_profile(number, np.random.default_rng([seed, number])) for number in range(1, accounts + 1))


def _profile(number: int, rng: np.random.Generator) -> Profile:
    size = int(rng.choice(SIZES, p=_SIZE_CHANCES))
    value = float(rng.choice(_VALUES[size]))
    short, long = _RATES[int(rng.integers(len(_RATES)))]
    monthly = Decimal(int(value * 0.005)) if rng.random() < 0.4 else Decimal(0)
    return Profile(
        number=number,
        size=size,
        value=value,
        opened_on=VINTAGES[int(rng.integers(len(VINTAGES)))],
        monthly=monthly,
        transition=bool(rng.random() < 0.2),
        settings=AccountSettings(
            tracking=list(Tracking)[int(rng.integers(3))],
            tax_sensitivity=list(TaxSensitivity)[int(rng.integers(3))],
            harvesting=(Harvesting.OPPORTUNISTIC, Harvesting.AGGRESSIVE)[int(rng.integers(2))],
            short_term_rate=Decimal(short),
            long_term_rate=Decimal(long),
            cash_target=CASH_TARGET,
            minimum_trade=Decimal(250) if value < 1e6 else Decimal(500),
        ),
    )


def opening_books(year: Year, profile: Profile) -> Books:
    """Bought at the closes of the day it was opened, then quarter by quarter if money comes in; nothing was sold."""
    books = Books(profile.account.id, {security.id: security for security in year.securities})
    real = year.real
    eve = real.previous_session(year.sessions[0])
    days = [profile.opened_on]
    if profile.monthly:
        days += [day for day in _quarter_starts(year) if profile.opened_on < day <= eve]
    for place, day in enumerate(days):
        dollars = profile.value if place == 0 else float(profile.monthly) * 3
        _invest(year, profile, books, day, dollars, first=place == 0)
    return books


def _quarter_starts(year: Year) -> list[date]:
    sessions = year.real.sessions
    return [day for before, day in pairwise(sessions) if before.month != day.month and day.month in (1, 4, 7, 10)]


def _invest(year: Year, profile: Profile, books: Books, day: date, dollars: float, *, first: bool) -> None:
    """Whole shares, at least the minimum trade a name; later money goes to the names that are shortest."""
    row = year.real.row(day)
    weights = _wanted(year, profile, row)
    price = year.closes[row]
    held = _held_then(year, books, row) if not first else np.zeros(len(price))
    short = weights * (dollars + float(np.nansum(held * price))) - np.nan_to_num(held * price)
    spent = 0.0
    for place in np.argsort(-short, kind="stable"):
        if short[place] <= 0:
            break
        shares = int(max(short[place], float(profile.settings.minimum_trade)) // price[place])
        if shares == 0 or spent + shares * price[place] > dollars * (1 - float(CASH_TARGET)):
            continue
        spent += shares * float(price[place])
        _book(year, books, int(place), shares, day)
    books.cash += to_cents(Decimal(repr(dollars - spent)))


def _wanted(year: Year, profile: Profile, row: int) -> Floats:
    """The index as its names weighed that day, or a few of its names that happen to have been bought."""
    eve = year.real.previous_session(year.sessions[0])
    there = year.members(profile.size, eve) & (year.clean_from <= row)
    capitalisation = np.nan_to_num(np.where(there, year.capitalisation[row], 0.0))
    if profile.transition:
        rng = np.random.default_rng([profile.number, 7])
        few = rng.choice(np.flatnonzero(there), _TRANSITION_NAMES, replace=False)
        capitalisation = np.zeros(len(capitalisation))
        capitalisation[few] = 1.0
    return np.asarray(capitalisation / capitalisation.sum(), dtype=np.float64)


def _ratio_since(year: Year, place: int, day: date) -> tuple[int, int]:
    """New shares per share of `day`, on the last evening of 2019."""
    numerator, denominator = 1, 1
    for when, ratio in year.real.booked.splits.get(year.securities[place].symbol or "", ()):
        if day < when < year.sessions[0]:
            numerator, denominator = numerator * ratio.numerator, denominator * ratio.denominator
    return numerator, denominator


def _book(year: Year, books: Books, place: int, shares: int, day: date) -> None:
    """Shares bought on `day`, as they are counted at the end of 2019: whole, as custodians keep them."""
    numerator, denominator = _ratio_since(year, place, day)
    now = shares * numerator // denominator
    if now == 0:
        return
    close = Decimal(repr(float(year.closes[year.real.row(day), place])))
    books.add(year.ids[place], Decimal(now), day, to_cents(close * now * denominator / numerator))


def _held_then(year: Year, books: Books, row: int) -> Floats:
    """(n,) shares held, counted as in `row`."""
    held = np.zeros(len(year.ids))
    day = year.real.sessions[row]
    for security_id, shares in books.shares().items():
        numerator, denominator = _ratio_since(year, year.row[security_id], day)
        held[year.row[security_id]] = float(shares) * denominator / numerator
    return held
