"""The day's run as a workflow, on a real server with scripted activities."""

from datetime import date

import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from tests.workflows.fakes import FakeDay
from tests.workflows.telling import DAY, workers
from trimtab.contracts import DayOutcome, DayRequest, Signal, SignalName, daily_run_workflow_id
from trimtab.domain.lifecycle import MarketEventKind
from trimtab.relay.starting import ensure_schedule, schedule_id, start_day

EVENTS = (
    MarketEventKind.RUN_START,
    MarketEventKind.CUT_OFF,
    MarketEventKind.OPEN,
    MarketEventKind.REVIEW_EXPIRY,
    MarketEventKind.RELEASE,
    MarketEventKind.CLOSE,
    MarketEventKind.DAY_END,
)


async def _run(client: Client, firm_id: str, day: FakeDay) -> DayOutcome:
    async with workers(client, day.activities()):
        assert await start_day(client, DayRequest(firm_id, DAY, page_size=10))
        handle = client.get_workflow_handle(daily_run_workflow_id(firm_id, DAY), result_type=DayOutcome)
        outcome: DayOutcome = await handle.result()
        return outcome


@pytest.mark.covers("H4")
async def test_a_day_goes_from_its_start_over_the_book_to_its_end(client: Client, firm_id: str) -> None:
    day = FakeDay(pages=2, events=EVENTS)
    day.healed = [3]
    assert await _run(client, firm_id, day) == DayOutcome("DONE")
    assert day.log == [
        "open",
        "publish RUN_START",
        "deliveries",
        "freeze",
        "page 1",
        "page 2",
        "look",  # three accounts are sent on
        "look",  # and have drained: nothing more has come
        "publish CUT_OFF",
        "ledger CUT_OFF",
        "publish OPEN",
        "release OPEN",
        "publish REVIEW_EXPIRY",
        "publish RELEASE",
        "release RELEASE",
        "publish CLOSE",
        "publish DAY_END",
        "ledger DAY_END",
        "close",
    ]


async def test_a_date_without_a_session_ends_at_once(client: Client, firm_id: str) -> None:
    day = FakeDay(pages=2, events=EVENTS, session=False)
    assert await _run(client, firm_id, day) == DayOutcome("NO_SESSION")
    assert day.log == ["open"]


async def test_a_large_book_continues_as_new_and_pages_each_household_once(client: Client, firm_id: str) -> None:
    """Two hundred pages to a history, four at once."""
    day = FakeDay(pages=210, events=EVENTS)
    assert await _run(client, firm_id, day) == DayOutcome("DONE")
    paged = [entry for entry in day.log if entry.startswith("page ")]
    assert sorted(paged) == sorted(f"page {number}" for number in range(1, 211))
    assert day.log.count("open") == 2
    assert day.log.count("deliveries") == 1
    assert 1 < day.most_pages_at_once <= 4


async def test_a_step_of_the_day_that_fails_for_good_waits_for_a_person(client: Client, firm_id: str) -> None:
    day = FakeDay(pages=1, events=EVENTS)
    day.refused = 1
    async with workers(client, day.activities()):
        await start_day(client, DayRequest(firm_id, DAY))
        handle = client.get_workflow_handle(daily_run_workflow_id(firm_id, DAY), result_type=DayOutcome)
        await handle.signal(SignalName.RETRY_STEP, Signal("retry-early"))
        while day.refused:
            pass_on = await handle.describe()
            assert pass_on.status is WorkflowExecutionStatus.RUNNING
        await handle.signal(SignalName.RETRY_STEP, Signal("retry-1"))
        # The signal may overtake the failure on its way: a second one then finds the step parked.
        await handle.signal(SignalName.RETRY_STEP, Signal("retry-2"))
        assert await handle.result() == DayOutcome("DONE")


async def test_a_day_is_started_once(client: Client, firm_id: str) -> None:
    assert await start_day(client, DayRequest(firm_id, DAY))
    assert not await start_day(client, DayRequest(firm_id, DAY))
    await client.get_workflow_handle(daily_run_workflow_id(firm_id, DAY)).terminate("end of the test")


async def test_a_day_by_hand_needs_its_date(client: Client, firm_id: str) -> None:
    with pytest.raises(ValueError, match="business date"):
        await start_day(client, DayRequest(firm_id))


@pytest.mark.covers("A1", "A2")
async def test_a_firm_has_a_schedule_that_starts_its_days(client: Client, firm_id: str) -> None:
    """Triggered by hand here: the date is that of the Schedule's own start time."""
    day = FakeDay(pages=1, events=EVENTS)
    assert await ensure_schedule(client, firm_id)
    assert not await ensure_schedule(client, firm_id)
    handle = client.get_schedule_handle(schedule_id(firm_id))
    try:
        async with workers(client, day.activities()):
            await handle.trigger()
            while not (recent := (await handle.describe()).info.recent_actions):
                continue
            started = recent[0].action
            run = client.get_workflow_handle(started.workflow_id, result_type=DayOutcome)  # type: ignore[attr-defined]
            assert await run.result() == DayOutcome("DONE")
            shown = (await run.describe()).search_attributes
            assert date.fromisoformat(str(shown["BusinessDate"][0]))
    finally:
        await handle.delete()
