"""Required minimum distributions of an IRA owner: IRC 401(a)(9), SECURE 2.0 sec. 107, Treas. Reg. 1.401(a)(9)-9(c)."""

from datetime import date
from decimal import Decimal
from typing import Final

from trimtab.domain.money import ZERO, to_cents

_UNIFORM_LIFETIME: Final = (
    "27.4 26.5 25.5 24.6 23.7 22.9 22.0 21.1 20.2 19.4 18.5 17.7 16.8 16.0 15.2 14.4 13.7 12.9 12.2 11.5 10.8 10.1 9.5"
    " 8.9 8.4 7.8 7.3 6.8 6.4 6.0 5.6 5.2 4.9 4.6 4.3 4.1 3.9 3.7 3.5 3.4 3.3 3.1 3.0 2.9 2.8 2.7 2.5 2.3 2.0"
)
"""Distribution periods from age 72 on, for years since 2022; the last is for 120 and above."""

FIRST_AGE: Final = 72
PERIODS: Final = tuple(Decimal(period) for period in _UNIFORM_LIFETIME.split())


def starting_age(born: date) -> int:
    """The age whose year is the first with a distribution: 72, 73 or 75; born earlier, it has begun at 70 1/2.

    Born in 1959: 73, by the proposed regulation of July 2024.
    """
    if born.year >= 1960:
        return 75
    return 73 if born.year >= 1951 else FIRST_AGE


def required_distribution(born: date, year: int, balance: Decimal) -> Decimal:
    """Dollars to be paid out for a year, from the balance at the end of the year before; zero before the first year.

    500,000 at 73 is 500,000 / 26.5 = 18,867.92.
    """
    age = year - born.year
    if age < starting_age(born):
        return ZERO
    return to_cents(balance / PERIODS[min(age - FIRST_AGE, len(PERIODS) - 1)])
