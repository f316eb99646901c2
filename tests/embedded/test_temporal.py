"""The embedded Temporal server: what it is set up with and what it survives."""

import os
import signal

import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from tests.embedded.programs import until
from trimtab.embedded.errors import BinariesMissing
from trimtab.embedded.supervisor import Supervisor
from trimtab.embedded.temporal import (
    SEARCH_ATTRIBUTES,
    TemporalAddress,
    describe_namespace,
    find_program,
    start_temporal,
)

LIFECYCLE = "account-lifecycle/acme/A1/2020-12-01/1"


async def test_a_killed_server_comes_back_on_its_port_with_its_open_workflows_and_its_settings(
    supervisor: Supervisor,
) -> None:
    address = start_temporal(supervisor)
    await _open_workflow(address)
    first = supervisor.pid("temporal")
    os.kill(first, signal.SIGKILL)
    until(lambda: supervisor.pid("temporal") != first and describe_namespace(address))
    client = await Client.connect(address.target)
    found = await client.get_workflow_handle(LIFECYCLE).describe()
    assert found.status is WorkflowExecutionStatus.RUNNING
    query = " AND ".join(f"{name} = '{name}-1'" for name in SEARCH_ATTRIBUTES)
    assert [workflow.id async for workflow in client.list_workflows(query)] == [LIFECYCLE]
    namespace = describe_namespace(address)
    assert namespace is not None
    assert namespace["config"]["workflowExecutionRetentionTtl"] == "604800s"  # a week


def test_a_namespace_of_another_name_gets_the_same(supervisor: Supervisor) -> None:
    address = start_temporal(supervisor, namespace="trimtab", dynamic_config={"frontend.enableUpdateWorkflow": True})
    namespace = describe_namespace(address)
    assert namespace is not None
    assert namespace["namespaceInfo"]["name"] == "trimtab"
    assert set(SEARCH_ATTRIBUTES) <= set(namespace["config"]["customSearchAttributeAliases"].values())


def test_a_machine_without_the_program_is_told_to_set_temporal_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BinariesMissing, match="set TEMPORAL_ADDRESS"):
        find_program()


async def _open_workflow(address: TemporalAddress) -> None:
    """A workflow that no worker runs, so it stays open, with a value in every search attribute."""
    pairs = [SearchAttributePair(SearchAttributeKey.for_keyword(name), f"{name}-1") for name in SEARCH_ATTRIBUTES]
    client = await Client.connect(address.target)
    await client.start_workflow(
        "AccountLifecycle", id=LIFECYCLE, task_queue="nobody", search_attributes=TypedSearchAttributes(pairs)
    )
