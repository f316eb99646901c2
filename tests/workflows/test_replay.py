"""Recorded histories replay on the workflows as they are now (I13)."""

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from tests.workflows.record_histories import HISTORIES
from tests.workflows.stories import STORIES
from trimtab.temporal_client import data_converter
from trimtab.workflows.account_lifecycle import AccountLifecycle
from trimtab.workflows.daily_run import DailyRun

FILES = sorted(HISTORIES.glob("*.json"))


def test_every_story_has_its_history() -> None:
    assert {f"lifecycle_{story.name}" for story in STORIES} <= {file.stem for file in FILES}


def _history(file: Path) -> WorkflowHistory:
    stored = json.loads(file.read_text(encoding="utf-8"))
    return WorkflowHistory.from_json(stored.pop("workflow_id"), stored)


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
async def test_a_recorded_history_replays(file: Path) -> None:
    replayer = Replayer(workflows=[AccountLifecycle, DailyRun], data_converter=data_converter(None, allow_plain=True))
    await replayer.replay_workflow(_history(file))


async def test_a_history_replays_outside_of_the_sandbox_too() -> None:
    """As the worker runs it in production."""
    replayer = Replayer(
        workflows=[AccountLifecycle, DailyRun],
        data_converter=data_converter(None, allow_plain=True),
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    await replayer.replay_workflow(_history(FILES[0]))
