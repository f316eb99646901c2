"""Sessions, settlement and the day's events."""

from datetime import UTC, date, datetime, timedelta

import pytest

from trimtab.domain.lifecycle import MarketEventKind
from trimtab.domain.sessions import (
    DayPlan,
    NoSession,
    Session,
    SessionCalendar,
    WrongSession,
    market_events,
    stepped_events,
)


def a_session(day: date, close_hour: int = 21) -> Session:
    return Session(
        day,
        datetime(day.year, day.month, day.day, 14, 30, tzinfo=UTC),
        datetime(day.year, day.month, day.day, close_hour, tzinfo=UTC),
    )


def a_calendar(*days: date, holidays: frozenset[date] = frozenset()) -> SessionCalendar:
    return SessionCalendar(tuple(a_session(day) for day in days), holidays)


MAY_2024 = a_calendar(*(date(2024, 5, day) for day in (22, 23, 24, 28, 29, 30, 31)))
OCTOBER_2024 = a_calendar(
    *(date(2024, 10, day) for day in (10, 11, 14, 15, 16)), holidays=frozenset({date(2024, 10, 14)})
)


def test_the_calendar_knows_its_sessions_and_their_neighbours() -> None:
    assert MAY_2024.is_session(date(2024, 5, 28))
    assert not MAY_2024.is_session(date(2024, 5, 27))  # Memorial Day
    assert not MAY_2024.is_session(date(2024, 6, 3))  # after its end
    assert MAY_2024.previous(date(2024, 5, 28)).date == date(2024, 5, 24)
    assert MAY_2024.previous(date(2024, 5, 26)).date == date(2024, 5, 24)
    assert MAY_2024.next(date(2024, 5, 24)).date == date(2024, 5, 28)
    assert MAY_2024.next(date(2024, 5, 25)).date == date(2024, 5, 28)
    assert MAY_2024.session(date(2024, 5, 22)).date == date(2024, 5, 22)


def test_the_ends_of_the_calendar_are_errors_not_guesses() -> None:
    for ask in (
        lambda: MAY_2024.previous(date(2024, 5, 22)),
        lambda: MAY_2024.next(date(2024, 5, 31)),
        lambda: MAY_2024.session(date(2024, 5, 27)),
        lambda: MAY_2024.settles_on(date(2024, 5, 31)),
        lambda: MAY_2024.settles_on(date(2024, 5, 27)),
    ):
        with pytest.raises(NoSession):
            ask()


@pytest.mark.parametrize(
    ("calendar", "trade_date", "settles_on"),
    [
        (MAY_2024, date(2024, 5, 24), date(2024, 5, 29)),  # T+2 over a weekend and Memorial Day
        (MAY_2024, date(2024, 5, 28), date(2024, 5, 29)),  # the first day of T+1
        (OCTOBER_2024, date(2024, 10, 11), date(2024, 10, 15)),  # Columbus Day: markets open, banks closed
        (OCTOBER_2024, date(2024, 10, 14), date(2024, 10, 15)),
        (OCTOBER_2024, date(2024, 10, 10), date(2024, 10, 11)),
    ],
)
def test_trades_settle_on_settlement_days(calendar: SessionCalendar, trade_date: date, settles_on: date) -> None:
    assert calendar.settles_on(trade_date) == settles_on


def test_a_session_out_of_order_or_without_time_zone_is_refused() -> None:
    day = date(2024, 5, 28)
    with pytest.raises(WrongSession):
        a_calendar(day, day)
    with pytest.raises(WrongSession):
        a_session(day, close_hour=14)
    with pytest.raises(WrongSession):
        Session(day, datetime(2024, 5, 28, 9, 30), datetime(2024, 5, 28, 16, tzinfo=UTC))


TODAY = a_session(date(2024, 5, 29))
YESTERDAY = a_session(date(2024, 5, 28))


def test_the_market_clock_releases_from_the_open_until_reviews_expire_and_once_after() -> None:
    events = market_events(TODAY, YESTERDAY, timedelta(hours=2))
    assert [(event.kind.value, event.at.strftime("%d %H:%M")) for event in events] == [
        ("RUN_START", "28 23:00"),
        ("CUT_OFF", "29 14:00"),
        ("OPEN", "29 14:30"),
        ("RELEASE", "29 14:30"),
        ("RELEASE", "29 16:30"),
        ("RELEASE", "29 18:30"),
        ("REVIEW_EXPIRY", "29 20:30"),
        ("RELEASE", "29 20:30"),
        ("CLOSE", "29 21:00"),
        ("DAY_END", "29 22:00"),
    ]
    assert [event.ordinal for event in events] == list(range(1, 11))


def test_by_default_a_release_comes_every_quarter_of_an_hour() -> None:
    releases = [event for event in market_events(TODAY, YESTERDAY) if event.kind is MarketEventKind.RELEASE]
    assert len(releases) == 24 + 1  # six hours from the open to the expiry, and the last one
    half_day = market_events(a_session(date(2024, 5, 29), close_hour=18), YESTERDAY)
    assert sum(event.kind is MarketEventKind.RELEASE for event in half_day) == 12 + 1


def test_the_stepped_clock_releases_once() -> None:
    assert [event.kind for event in stepped_events(TODAY, YESTERDAY)] == [
        MarketEventKind.RUN_START,
        MarketEventKind.CUT_OFF,
        MarketEventKind.OPEN,
        MarketEventKind.REVIEW_EXPIRY,
        MarketEventKind.RELEASE,
        MarketEventKind.CLOSE,
        MarketEventKind.DAY_END,
    ]


def test_a_plan_that_does_not_fit_is_refused() -> None:
    with pytest.raises(WrongSession):
        market_events(TODAY, YESTERDAY, timedelta(0))
    with pytest.raises(WrongSession):
        stepped_events(TODAY, YESTERDAY, DayPlan(run_starts_after_close=timedelta(hours=30)))
