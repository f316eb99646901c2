"""Sessions of the New York Stock Exchange, from exchange-calendars."""

import warnings
from bisect import bisect_left, bisect_right
from datetime import date, timedelta
from functools import lru_cache

from trimtab.demo.errors import NotASession

LONGEST_CLOSURE_DAYS = 14  # calendar days: no two sessions since 1945 lie further apart


def sessions_between(first: date, last: date) -> tuple[date, ...]:
    """Every session from `first` to `last`, both included."""
    decades = range(first.year // 10, last.year // 10 + 1)
    sessions = tuple(session for decade in decades for session in _sessions_of_decade(decade))
    return sessions[bisect_left(sessions, first) : bisect_right(sessions, last)]


def require_session(day: date) -> None:
    """Raises NotASession, with the next one, when the exchange is closed on `day`."""
    if not sessions_between(day, day):
        raise NotASession(f"{day} is no session of the exchange; the next one is {session_after(day)}")


def session_after(day: date) -> date:
    return sessions_between(day + timedelta(days=1), day + timedelta(days=LONGEST_CLOSURE_DAYS))[0]


def session_before(day: date) -> date:
    return sessions_between(day - timedelta(days=LONGEST_CLOSURE_DAYS), day - timedelta(days=1))[-1]


@lru_cache(maxsize=8)
def _sessions_of_decade(decade: int) -> tuple[date, ...]:
    """Both ends are said: left alone the calendar would end a year after the host's today."""
    import exchange_calendars  # pandas behind it is slow to import

    with warnings.catch_warnings():  # it still calls what pandas 3.1 deprecates
        warnings.simplefilter("ignore", DeprecationWarning)
        calendar = exchange_calendars.get_calendar("XNYS", start=f"{decade}0-01-01", end=f"{decade}9-12-31")
    return tuple(session.date() for session in calendar.sessions)
