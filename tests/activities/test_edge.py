"""Errors are classed at the activities' edge; what crosses it holds no values."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from tests.activities.small_book import SmallBook
from trimtab.activities.edge import Edge, StepFault, Subject, described
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lifecycle import ErrorClass

WHOM = Subject("firm-1", "A1", date(2026, 3, 3))


class Broken(TrimtabError):
    code = "BROKEN"


class Busy(TrimtabError):
    code = "BUSY"
    transient = True


@pytest.fixture
async def edge(book: SmallBook) -> AsyncIterator[Edge]:
    with ThreadPoolExecutor(2) as threads:
        yield Edge(book.engine, threads, "test")


async def _fails_with(edge: Edge, error: Exception, attempt: int = 1, whom: Subject = WHOM) -> ApplicationError:
    def work(_: Connection) -> None:
        raise error

    environment = ActivityEnvironment()
    environment.info = environment.default_info()
    environment.info = type(environment.info)(**{**vars(environment.info), "attempt": attempt})
    with pytest.raises(ApplicationError) as raised:
        await environment.run(edge.in_transaction, whom, work)
    return raised.value


async def test_a_typed_error_is_not_retried(edge: Edge) -> None:
    error = await _fails_with(edge, Broken("the weights sum to 1.2"))
    assert (error.type, error.non_retryable, error.details) == ("BROKEN", True, ("deterministic",))
    assert error.message == "the weights sum to 1.2"


async def test_a_transient_one_is_retried_however_often(edge: Edge) -> None:
    error = await _fails_with(edge, Busy("later"), attempt=50)
    assert (error.type, error.non_retryable, error.details) == ("BUSY", False, ("transient",))


@pytest.mark.parametrize(("attempt", "parks"), [(1, False), (2, False), (3, True)])
async def test_an_unknown_one_is_tried_three_times(edge: Edge, attempt: int, parks: bool) -> None:
    error = await _fails_with(edge, RuntimeError("4711 shares of Mr Smith"), attempt)
    assert (error.type, error.non_retryable) == ("RuntimeError", parks)
    assert "4711" not in error.message


async def test_a_database_error_tells_its_state_and_not_its_values(edge: Edge) -> None:
    def work(connection: Connection) -> None:
        connection.execute(text("SELECT 1/(:n - 4711)"), {"n": 4711})

    with pytest.raises(ApplicationError) as raised:
        await ActivityEnvironment().run(edge.in_transaction, WHOM, work)
    assert (raised.value.type, raised.value.non_retryable) == ("SQL_22012", True)
    assert "4711" not in raised.value.message


def test_a_fault_that_was_classed_elsewhere_keeps_its_class() -> None:
    assert described(StepFault(ErrorClass.UNKNOWN, "SOLVER", "it died")) == (ErrorClass.UNKNOWN, "SOLVER", "it died")


async def test_a_failed_transaction_leaves_nothing(edge: Edge, book: SmallBook) -> None:
    def work(connection: Connection) -> None:
        connection.execute(text("UPDATE firm SET name = 'changed'"))
        raise Broken("after the write")

    with pytest.raises(ApplicationError):
        await ActivityEnvironment().run(edge.in_transaction, WHOM, work)
    with book.transaction() as connection:
        assert connection.scalar(text("SELECT name FROM firm")) == "F"


async def test_a_long_step_heartbeats_its_progress(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trimtab.activities.edge._BEAT_SECONDS", 0.02)
    beats: list[Any] = []
    environment = ActivityEnvironment()
    environment.on_heartbeat = lambda *details: beats.append(details)

    async def work() -> None:
        async with edge.guard(WHOM, lambda: ("A7",)):
            await asyncio.sleep(0.1)

    await environment.run(work)
    assert beats
    assert set(beats) == {("A7",)}


async def test_a_transient_error_is_told_after_two_minutes(
    edge: Edge, book: SmallBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trimtab.activities.edge.ALERT_AFTER", timedelta(days=40_000))
    await _fails_with(edge, Busy("later"))
    assert book.alerts() == []
    monkeypatch.setattr("trimtab.activities.edge.ALERT_AFTER", timedelta(seconds=-1))
    for _ in range(2):
        await _fails_with(edge, Busy("later"))
    assert book.alerts() == [("STEP_RETRYING_BUSY", "unknown")]


async def test_a_step_of_the_day_that_parks_is_told(edge: Edge, book: SmallBook) -> None:
    """An account's parked step is told where it is parked; the day has no such row."""
    await _fails_with(edge, Broken("no risk model"))
    assert book.alerts() == []
    await _fails_with(edge, Broken("no risk model"), whom=replace(WHOM, scope="run/r", is_day=True))
    assert book.alerts() == [("DAY_BLOCKED_BROKEN", "unknown")]
