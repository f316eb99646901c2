"""Sessions, settlement days and the market events of a business day (architecture: the business clock; CS-1).

Exchange calendars are loaded elsewhere; here they are a value.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final

from trimtab.domain.errors import TrimtabError
from trimtab.domain.lifecycle import MarketEventKind

T_PLUS_ONE_SINCE: Final = date(2024, 5, 28)  # SEC rule 15c6-1; before it two days


class NoSession(TrimtabError):
    """Raised when a date that must be a session is none, or the calendar does not reach far enough."""

    code = "NO_SESSION"


class WrongSession(TrimtabError):
    """Raised for a session or a day's plan whose instants are naive or out of order."""

    code = "WRONG_SESSION"


@dataclass(frozen=True, slots=True)
class Session:
    """One trading day of the exchange. Instants carry their time zone; a half day closes early."""

    date: date
    open_at: datetime
    close_at: datetime

    def __post_init__(self) -> None:
        if self.open_at.tzinfo is None or self.close_at.tzinfo is None:
            raise WrongSession(f"the instants of session {self.date} have no time zone")
        if self.open_at >= self.close_at:
            raise WrongSession(f"session {self.date} closes at {self.close_at}, before it opens")


@dataclass(frozen=True, slots=True)
class SessionCalendar:
    """The exchange's sessions in order, and the sessions on which banks do not settle (Columbus, Veterans Day)."""

    sessions: tuple[Session, ...]
    settlement_holidays: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        dates = [session.date for session in self.sessions]
        if any(later <= earlier for earlier, later in pairwise(dates)):
            raise WrongSession("the calendar's sessions are not in order")

    def is_session(self, day: date) -> bool:
        return self._at(day) is not None

    def session(self, day: date) -> Session:
        """The session of that date. Raises NoSession."""
        found = self._at(day)
        if found is None:
            raise NoSession(f"{day} is no session of the calendar")
        return found

    def previous(self, day: date) -> Session:
        """The last session before `day`, which need not be one. Raises NoSession."""
        place = bisect_left(self.sessions, day, key=lambda session: session.date)
        if place == 0:
            raise NoSession(f"the calendar has no session before {day}")
        return self.sessions[place - 1]

    def next(self, day: date) -> Session:
        """The first session after `day`, which need not be one. Raises NoSession."""
        place = bisect_right(self.sessions, day, key=lambda session: session.date)
        if place == len(self.sessions):
            raise NoSession(f"the calendar has no session after {day}")
        return self.sessions[place]

    def settles_on(self, trade_date: date) -> date:
        """When a stock or ETF trade settles: T+1, before 2024-05-28 T+2, in settlement days (CS-1).

        Raises NoSession when `trade_date` is no session, or the calendar ends before the settlement day.
        """
        self.session(trade_date)
        days_left = 1 if trade_date >= T_PLUS_ONE_SINCE else 2
        day = trade_date
        while days_left:
            day = self.next(day).date
            if day not in self.settlement_holidays:
                days_left -= 1
        return day

    def _at(self, day: date) -> Session | None:
        place = bisect_left(self.sessions, day, key=lambda session: session.date)
        if place < len(self.sessions) and self.sessions[place].date == day:
            return self.sessions[place]
        return None


@dataclass(frozen=True, slots=True)
class MarketEvent:
    """One tick of the business clock. `ordinal` counts the day's events from 1, in the order they are published."""

    kind: MarketEventKind
    ordinal: int
    at: datetime


@dataclass(frozen=True, slots=True)
class DayPlan:
    """When a firm's day ticks, relative to the exchange's hours."""

    run_starts_after_close: timedelta = timedelta(hours=2)  # of the previous session
    cut_off_before_open: timedelta = timedelta(minutes=30)
    reviews_expire_before_close: timedelta = timedelta(minutes=30)
    day_ends_after_close: timedelta = timedelta(hours=1)


DEFAULT_PLAN: Final = DayPlan()
RELEASE_INTERVAL: Final = timedelta(minutes=15)


def market_events(
    session: Session,
    previous_session: Session,
    release_interval: timedelta = RELEASE_INTERVAL,
    plan: DayPlan = DEFAULT_PLAN,
) -> tuple[MarketEvent, ...]:
    """The day's events on the market clock: RUN_START on the evening before, releases from the open at each interval,
    and a last release right after reviews expire, for what was decided until then.

    Raises WrongSession when the plan does not fit between the two sessions.
    """
    if release_interval <= timedelta(0):
        raise WrongSession(f"a release every {release_interval} never ends")
    expiry = session.close_at - plan.reviews_expire_before_close
    releases = []
    at = session.open_at
    while at < expiry:
        releases.append(at)
        at += release_interval
    return _numbered(_ticks(session, previous_session, plan, releases))


def stepped_events(
    session: Session, previous_session: Session, plan: DayPlan = DEFAULT_PLAN
) -> tuple[MarketEvent, ...]:
    """The same day on the stepped clock: one release, after reviews have expired. `at` is for the record only."""
    return _numbered(_ticks(session, previous_session, plan, []))


def _ticks(
    session: Session, previous_session: Session, plan: DayPlan, releases: Iterable[datetime]
) -> list[tuple[MarketEventKind, datetime]]:
    expiry = session.close_at - plan.reviews_expire_before_close
    return [
        (MarketEventKind.RUN_START, previous_session.close_at + plan.run_starts_after_close),
        (MarketEventKind.CUT_OFF, session.open_at - plan.cut_off_before_open),
        (MarketEventKind.OPEN, session.open_at),
        *((MarketEventKind.RELEASE, at) for at in releases),
        (MarketEventKind.REVIEW_EXPIRY, expiry),
        (MarketEventKind.RELEASE, expiry),
        (MarketEventKind.CLOSE, session.close_at),
        (MarketEventKind.DAY_END, session.close_at + plan.day_ends_after_close),
    ]


def _numbered(ticks: list[tuple[MarketEventKind, datetime]]) -> tuple[MarketEvent, ...]:
    instants = [at for _, at in ticks]
    if any(later < earlier for earlier, later in pairwise(instants)):
        raise WrongSession("the day's events are out of order: the plan does not fit the session")
    return tuple(MarketEvent(kind, ordinal, at) for ordinal, (kind, at) in enumerate(ticks, start=1))
