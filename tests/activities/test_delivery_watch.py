"""A late file is told of when the market clock says so, and what ends by itself needs no person."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from tests.activities.feed_day import FIRM, FeedDay
from trimtab.activities.deliveries import load_deliveries, refuse_unfinished
from trimtab.activities.delivery_watch import expect_deliveries, give_up_waiting, watch_deliveries
from trimtab.db.engine import firm_transaction
from trimtab.db.expectations import expectations_on
from trimtab.db.tables import alert, event
from trimtab.demo import faults
from trimtab.demo.drop import done_marker
from trimtab.domain.delivery_watch import Standing
from trimtab.feeds.sources import STANDARD, load_sources


def at(hour: int, minute: int = 0) -> datetime:
    """An instant of the business date, 2026-11-20, a Friday: New York is five hours behind. The cut-off is 14:00."""
    return datetime(2026, 11, 20, hour, minute, tzinfo=UTC)


def expected(day: FeedDay) -> FeedDay:
    assert day.date == date(2026, 11, 20)
    day.open()
    with firm_transaction(day.engine, FIRM) as connection:
        expect_deliveries(connection, day.ref, STANDARD)
    return day


def look(day: FeedDay, now: datetime, *arriving: str) -> dict[str, Standing]:
    with firm_transaction(day.engine, FIRM) as connection:
        return watch_deliveries(connection, day.ref, now, frozenset(arriving))


def alerts(day: FeedDay) -> list[tuple[str, str, str, str | None]]:
    with firm_transaction(day.engine, FIRM) as connection:
        rows = connection.execute(select(alert).order_by(alert.c.recorded_at))
        return [(row.cause, row.scope, row.severity, row.acknowledged_by) for row in rows]


def standing(day: FeedDay, kind: str) -> tuple[str, str | None]:
    with firm_transaction(day.engine, FIRM) as connection:
        row = next(row for row in expectations_on(connection, [day.date]) if row.kind == kind)
        return row.standing, row.resolution


@pytest.mark.covers("H2")
def test_a_file_is_due_at_four_late_at_half_past_and_urgent_an_hour_before_the_cut_off(day):
    faults.unmark(day.path("lots"))
    day.load()
    expected(day)
    assert look(day, at(8, 59)) == {"lots": Standing.EXPECTED}
    assert look(day, at(9)) == {"lots": Standing.DUE}
    assert alerts(day) == []
    assert look(day, at(9, 30)) == {"lots": Standing.LATE}
    assert look(day, at(12, 59), "lots") == {"lots": Standing.LATE}
    assert look(day, at(13)) == {"lots": Standing.URGENT}
    assert look(day, at(14)) == {"lots": Standing.MISSING}
    assert alerts(day) == [
        ("FEED_LATE", "feed/lots", "WARNING", None),
        ("FEED_URGENT", "feed/lots", "CRITICAL", None),
    ]
    with firm_transaction(day.engine, FIRM) as connection:
        said = connection.scalar(select(alert.c.message).where(alert.c.cause == "FEED_LATE"))
    assert said == (
        "the lots file of drop-folder was due 09:00 UTC and has not come; 20 accounts wait: tax lots: gains, losses and"
        " wash sales of every account; the cut-off is 14:00 UTC"
    )


@pytest.mark.covers("H3")
def test_a_late_file_that_comes_after_all_settles_its_alerts_without_a_person(day):
    faults.unmark(day.path("lots"))
    day.load()
    expected(day)
    look(day, at(9, 45))
    assert standing(day, "lots") == ("LATE", None)
    done_marker(day.path("lots")).touch()
    day.load()
    assert look(day, at(9, 50)) == {}
    assert alerts(day) == [("FEED_LATE", "feed/lots", "WARNING", "trimtab")]
    assert standing(day, "lots") == ("LATE", "the file came")
    with firm_transaction(day.engine, FIRM) as connection:
        kinds = list(connection.scalars(select(event.c.kind).where(event.c.kind == "DELIVERY_RECOVERED")))
    look(day, at(9, 55))
    assert kinds == ["DELIVERY_RECOVERED"]


def test_a_refused_file_is_awaited_still(day):
    faults.falsify_total(day.path("cash"))
    day.load()
    expected(day)
    assert look(day, at(9, 30)) == {"cash": Standing.LATE}


def test_a_file_that_is_not_whole_at_the_cut_off_is_refused_and_its_rest_loads_later(day):
    """Case 62."""
    faults.unmark(day.path("lots"))
    refused = refuse_unfinished(day.engine, FIRM, day.drop, day.date)
    assert [(file.kind, file.reason_codes) for file in refused] == [("lots", ("FEED_INCOMPLETE",))]
    assert ("FEED_INCOMPLETE", "feed/lots") in day.alerts()
    done_marker(day.path("lots")).touch()
    assert load_deliveries(day.engine, FIRM, day.drop, day.date)
    assert "lots" not in look(expected(day), at(13, 30))


def test_on_the_stepped_clock_what_the_run_goes_on_without_is_missing(day):
    expected(day)
    with firm_transaction(day.engine, FIRM) as connection:
        give_up_waiting(connection, day.ref)
    assert standing(day, "prices") == ("MISSING", None)


def test_what_no_run_waits_for_is_expected_where_a_source_delivers_it_and_never_late(day, tmp_path):
    path = tmp_path / "sources.yaml"
    path.write_text(f"{FIRM}: [{{name: S, kinds: [transactions]}}]")
    day.open()
    with firm_transaction(day.engine, FIRM) as connection:
        expect_deliveries(connection, day.ref, load_sources(path).of(FIRM))
    assert "transactions" not in look(day, at(13))
    assert standing(day, "transactions") == ("EXPECTED", None)


def test_what_stands_written_is_not_expected_anew(day):
    expected(day)
    look(day, at(9, 30))
    expected(day)
    assert standing(day, "prices") == ("LATE", None)
