"""Deadlines of a delivery, as instants."""

from datetime import UTC, datetime, timedelta

import pytest

from trimtab.domain.delivery_watch import Deadlines, Standing, WrongDeadlines

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
HALF = timedelta(minutes=30)


def test_an_instant_belongs_to_what_begins_with_it():
    times = Deadlines(NINE, NINE + HALF, NINE + 2 * HALF, NINE + 3 * HALF)
    looks = [NINE - timedelta(seconds=1), *(NINE + number * HALF for number in range(4))]
    assert [times.standing(now) for now in looks] == list(Standing)
    assert [standing.escalated for standing in Standing] == [False, False, True, True, True]


def test_deadlines_out_of_order_or_without_a_zone_are_refused():
    with pytest.raises(WrongDeadlines):
        Deadlines(NINE, NINE - HALF, NINE, NINE)
    with pytest.raises(WrongDeadlines):
        Deadlines(*[NINE.replace(tzinfo=None)] * 4)
