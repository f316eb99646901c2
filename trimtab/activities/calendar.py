"""The exchange's sessions as the domain's value, from exchange-calendars."""

import warnings
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from trimtab.domain.sessions import Session, SessionCalendar

EXCHANGE: Final = "XNYS"
_LONGEST_CLOSURE: Final = timedelta(days=14)
_SETTLEMENT_REACH: Final = timedelta(days=14)


def calendar_around(day: date) -> SessionCalendar:
    """The sessions from two weeks before `day` to two weeks after: enough for the one before and for settlement."""
    first, last = day - _LONGEST_CLOSURE, day + _SETTLEMENT_REACH
    years = range(first.year, last.year + 1)
    sessions = tuple(each for year in years for each in _sessions_of(year) if first <= each.date <= last)
    return SessionCalendar(sessions, frozenset(_bank_holidays(years)))


@lru_cache(maxsize=16)
def _sessions_of(year: int) -> tuple[Session, ...]:
    """Both ends are given: left to itself the library's horizon ends a year after the host's today."""
    import exchange_calendars  # pandas behind it is slow to import

    with warnings.catch_warnings():  # it still calls what pandas 3 deprecates
        warnings.simplefilter("ignore")
        calendar = exchange_calendars.get_calendar(EXCHANGE, start=f"{year}-01-01", end=f"{year}-12-31")
    return tuple(
        Session(day.date(), row.open.to_pydatetime(), row.close.to_pydatetime())
        for day, row in calendar.schedule.iterrows()
    )


def _bank_holidays(years: range) -> list[date]:
    """Columbus Day and Veterans Day: the exchange trades and banks do not settle."""
    return [day for year in years for day in (_second_monday_of_october(year), date(year, 11, 11))]


def _second_monday_of_october(year: int) -> date:
    first = date(year, 10, 1)
    return first + timedelta(days=(7 - first.weekday()) % 7 + 7)
