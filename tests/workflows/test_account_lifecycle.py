"""The account's day as a workflow: its stories, told on a real server with scripted stages."""

import asyncio

import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from tests.workflows.fakes import FakeStages, refuses
from tests.workflows.stories import (
    APPROVED,
    COMMITTED,
    QUIET,
    STORIES,
    TO_REVIEW,
    UNDECIDED,
    Story,
    script,
    sealed,
    send,
    tick,
)
from tests.workflows.telling import a_ref, tell, workers
from trimtab.contracts import ActivityName, LifecycleOutcome, SignalName
from trimtab.domain.lifecycle import MarketEventKind, TerminalState
from trimtab.relay.outbox import start_lifecycle


@pytest.mark.parametrize("story", STORIES, ids=[story.name for story in STORIES])
async def test_each_story_ends_as_it_should(client: Client, firm_id: str, story: Story) -> None:
    handle, outcome, stages = await tell(client, firm_id, story)
    assert outcome == story.outcome
    assert tuple(stages.calls) == story.activities
    shown = (await handle.describe()).search_attributes
    assert {name: shown[name][0] for name in story.attributes} == story.attributes
    assert shown["Firm"] == [firm_id]
    assert shown["BusinessDate"] == ["2026-03-02"]


async def test_a_signal_that_comes_before_the_wait_is_not_lost(client: Client, firm_id: str) -> None:
    """The decision arrives while the filter still runs: the first look at the review finds its row."""
    stages = FakeStages(
        script(
            filter=[TO_REVIEW],
            open_review=[UNDECIDED, APPROVED],
            approve=[QUIET],
            record=[sealed(TerminalState.NO_TRADE)],
        )
    )
    ref = a_ref(firm_id, "A-early")
    async with workers(client, stages.activities()):
        await start_lifecycle(client, ref)
        handle = client.get_workflow_handle(ref.workflow_id, result_type=LifecycleOutcome)
        await send(handle, SignalName.DECIDE, "decision-1")
        await stages.until(ActivityName.REVIEW, 1)
        # Counted before the wait began, so it wakes nobody: the look itself reads the row. The next one does.
        await send(handle, SignalName.DECIDE, "decision-2")
        assert (await handle.result()).terminal is TerminalState.NO_TRADE


async def test_late_signals_to_a_finished_day_change_nothing(client: Client, firm_id: str) -> None:
    handle, outcome, _ = await tell(client, firm_id, STORIES[2])
    assert outcome.terminal is TerminalState.NO_TRADE
    assert (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED


async def test_a_finished_lifecycle_is_not_started_again(client: Client, firm_id: str) -> None:
    handle, _, _ = await tell(client, firm_id, STORIES[2])
    assert not await start_lifecycle(client, a_ref(firm_id, f"A-{STORIES[2].name}"))
    assert handle.id == f"account-lifecycle/{firm_id}/A-nothing_to_trade/2026-03-02/1"


async def test_a_terminated_lifecycle_may_be_started_again(client: Client, firm_id: str) -> None:
    ref = a_ref(firm_id, "A-terminated")
    assert await start_lifecycle(client, ref)
    await client.get_workflow_handle(ref.workflow_id).terminate("by hand")
    assert await start_lifecycle(client, ref)
    await client.get_workflow_handle(ref.workflow_id).terminate("end of the test")


async def test_a_blocked_step_shows_its_cause_while_it_is_parked(client: Client, firm_id: str) -> None:
    stages = FakeStages(script(analyze=[refuses("PROPOSAL_REJECTED"), QUIET], record=[sealed(TerminalState.NO_TRADE)]))
    ref = a_ref(firm_id, "A-blocked")
    async with workers(client, stages.activities()):
        await start_lifecycle(client, ref)
        handle = client.get_workflow_handle(ref.workflow_id, result_type=LifecycleOutcome)
        await stages.until(ActivityName.BLOCK, 1)
        for _ in range(1500):
            shown = (await handle.describe()).search_attributes
            if "BlockedReason" in shown:
                break
            await asyncio.sleep(0.02)
        assert (shown["Stage"], shown["BlockedReason"]) == (["blocked"], ["analyze:PROPOSAL_REJECTED"])
        assert stages.blocked[0].error_class == "deterministic"
        await send(handle, SignalName.RETRY_STEP, "")
        assert (await handle.result()).terminal is TerminalState.NO_TRADE
        assert "BlockedReason" not in (await handle.describe()).search_attributes


async def test_a_committed_trade_waits_beyond_the_cut_off(client: Client, firm_id: str) -> None:
    """Only the broker or the close end it; the cut-off is no business of committed orders."""
    filled = next(story for story in STORIES if story.name == "traded_by_the_automated_lane")
    stages = FakeStages({**filled.answers, ActivityName.COMMIT_ORDERS: [COMMITTED]})
    ref = a_ref(firm_id, "A-committed")
    async with workers(client, stages.activities()):
        await start_lifecycle(client, ref)
        handle = client.get_workflow_handle(ref.workflow_id, result_type=LifecycleOutcome)
        await stages.until(ActivityName.COMMIT_ORDERS, 1)
        await tick(handle, MarketEventKind.CUT_OFF)
        await tick(handle, MarketEventKind.REVIEW_EXPIRY)
        await asyncio.sleep(0.3)
        assert stages.asked[ActivityName.CLOSE_ORDERS] == 0
        await tick(handle, MarketEventKind.CLOSE)
        assert (await handle.result()).terminal is TerminalState.TRADED
