"""Records the replay corpus anew: `python -m tests.workflows.record_histories` from the root of a checkout.

Uses the server that TEMPORAL_ADDRESS names, or starts one for the purpose.
"""

import asyncio
import json
import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from temporalio.client import Client

from tests.workflows.fakes import FakeDay
from tests.workflows.stories import STORIES
from tests.workflows.telling import DAY, tell, workers
from tests.workflows.test_daily_run import EVENTS
from trimtab.contracts import DayOutcome, DayRequest, daily_run_workflow_id
from trimtab.embedded.supervisor import Supervisor
from trimtab.embedded.temporal import DEFAULT_NAMESPACE, start_temporal
from trimtab.relay.starting import start_day
from trimtab.temporal_client import connect

HISTORIES = Path(__file__).parent / "histories"


async def record(target: str) -> None:
    """Tell every story once and keep its history."""
    client = await connect(target, DEFAULT_NAMESPACE, None, allow_plain=True, identity="recorder")
    firm_id = f"corpus-{secrets.token_hex(4)}"
    for story in STORIES:
        handle, _, _ = await tell(client, firm_id, story)
        await _keep(client, handle.id, f"lifecycle_{story.name}")
    for stepped, name in ((True, "day_of_three_pages"), (False, "day_on_the_market_clock")):
        await record_day(client, f"{firm_id}-{name}", name, stepped=stepped)


async def record_day(client: Client, firm_id: str, name: str, *, stepped: bool) -> None:
    """A day whose first look before the cut-off sends two accounts on."""
    day = FakeDay(pages=3, events=EVENTS, stepped=stepped)
    day.healed = [2]
    async with workers(client, day.activities()):
        await start_day(client, DayRequest(firm_id, DAY))
        run = daily_run_workflow_id(firm_id, DAY)
        await client.get_workflow_handle(run, result_type=DayOutcome).result()
    await _keep(client, run, name)


async def _keep(client: Client, workflow_id: str, name: str) -> None:
    history = await client.get_workflow_handle(workflow_id).fetch_history()
    body = json.dumps({"workflow_id": workflow_id, **history.to_json_dict()}, indent=1, sort_keys=True)
    await asyncio.to_thread((HISTORIES / f"{name}.json").write_text, body + "\n", encoding="utf-8")


def main() -> None:
    given = os.environ.get("TEMPORAL_ADDRESS")
    if given:
        asyncio.run(record(given))
    else:
        folder = Path(tempfile.mkdtemp(prefix="trimtab-corpus-"))
        try:
            with Supervisor(folder / "state") as supervisor:
                asyncio.run(record(start_temporal(supervisor, DEFAULT_NAMESPACE).target))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
