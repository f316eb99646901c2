"""A day of real files through the real worker, on the stepped clock: pages and lifecycles come to the same."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, insert, select

from tests.servers import FreshDatabase
from trimtab.contracts import DayRequest, RunRef, run_id
from trimtab.day import promote
from trimtab.db import runs
from trimtab.db.engine import firm_transaction, sync_engine
from trimtab.db.records import verify_chains
from trimtab.db.tables import account_day, firm, outbox, proposal, record, stage_result
from trimtab.demo.custodian import deliver
from trimtab.demo.firm import DemoFirm, build_firm
from trimtab.domain.accounts import FirmId
from trimtab.relay.starting import start_day
from trimtab.temporal_client import connect
from trimtab.worker.service import WorkerConfig, serve

HELD_BEFORE = "OPEN"
"""Nothing is sent to a broker before the open: this test has none."""


@dataclass
class Day:
    """One firm's day up to the open."""

    engine: Engine
    database: FreshDatabase
    target: str
    folder: Path
    firm: DemoFirm

    @property
    def ref(self) -> RunRef:
        return RunRef(self.firm.id, run_id(self.firm.id, self.firm.business_date), self.firm.business_date)

    def ask(self, statement: Any) -> list[Any]:
        with firm_transaction(self.engine, self.firm.id) as connection:
            return list(connection.execute(statement))

    def outcomes(self) -> dict[str, tuple[Any, ...]]:
        """Where each account stands, with what it would trade and why."""
        proposed = {
            row.proposal_id: {name: value for name, value in row.body.items() if name != "input_hash"}
            for row in self.ask(select(proposal))
        }
        return {
            row.account_id: (row.stage, row.lane, row.terminal_state, row.terminal_code, proposed.get(row.proposal_id))
            for row in self.ask(select(account_day))
        }

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        config = WorkerConfig(
            database_url=self.database.app_url,
            relay_url=self.database.relay_url,
            temporal_address=self.target,
            temporal_namespace="default",
            payload_key=None,
            drop_folder=self.folder / "drop",
            broker="paper",
            solver_processes=1,
            build="test",
            allow_plain_payloads=True,
        )
        stop = asyncio.Event()
        running = asyncio.create_task(serve(config, stop))
        try:
            yield
        finally:
            stop.set()
            await running

    async def until_held(self) -> None:
        """Until the cut-off is published and nothing moves."""
        for _ in range(1200):
            if running_on(self):
                await asyncio.sleep(0.1)
            else:
                return
        pytest.fail(f"the day does not come to its hold: {self.outcomes()}")


def running_on(day: Day) -> bool:
    with firm_transaction(day.engine, day.firm.id) as connection:
        following = runs.next_unpublished(connection, day.ref)
        at_hold = following is not None and following.kind == HELD_BEFORE
        open_commands = connection.scalar(select(func.count()).where(outbox.c.sent_at.is_(None)))
        waiting = connection.scalar(select(func.count()).where(account_day.c.stage == "suspended"))
        return not at_hold or bool(open_commands or waiting or runs.count_moving(connection, day.ref))


async def _run(database: FreshDatabase, target: str, folder: Path, policy: str) -> Day:
    founded = replace(build_firm(20, 7), id=FirmId(f"whole-{secrets.token_hex(3)}"))
    day = Day(sync_engine(database.app_url, pool_size=2), database, target, folder, founded)
    with firm_transaction(day.engine, founded.id) as connection:
        connection.execute(insert(firm).values(firm_id=founded.id, name="F", lifecycle_pages=policy))
        runs.insert_run(connection, day.ref, as_of=founded.as_of, clock_mode="stepped", status="OPEN")
        runs.set_run(connection, day.ref, hold_before=HELD_BEFORE)
    deliver(founded, folder / "drop", folder / "closes")
    client = await connect(target, "default", None, allow_plain=True)
    await start_day(client, DayRequest(founded.id, founded.business_date, page_size=7))
    async with day.worker():
        await day.until_held()
    return day


@pytest.mark.covers("A1", "A2", "A3", "A4", "W-C1")
async def test_pages_and_lifecycles_come_to_equal_outcomes(
    database: FreshDatabase, temporal_target: str, tmp_path: Path
) -> None:
    """The same files, once with a lifecycle for every account and once by pages of whole households."""
    by_lifecycles = await _run(database, temporal_target, tmp_path / "lifecycles", "never")
    by_pages = await _run(database, temporal_target, tmp_path / "pages", "always")
    outcomes = by_pages.outcomes()
    assert by_lifecycles.outcomes() == outcomes
    assert len(outcomes) == 20
    assert {row[0] for row in outcomes.values()} == {"record", "review", "trade"}
    assert outcomes["A00009"] == ("record", None, "SUSPENDED", "UNKNOWN_SECURITY", None)
    assert outcomes["A00013"] == ("record", None, "NO_TRADE", "ACCOUNT_CLOSED", None)

    started = {row.workflow_id for row in by_pages.ask(select(outbox).where(outbox.c.kind == "start_lifecycle"))}
    waiting = {name for name, row in outcomes.items() if row[0] in ("review", "trade")}
    assert {workflow.split("/")[2] for workflow in started} == waiting
    await _a_quiet_account_can_be_promoted(by_pages)
    for day in (by_lifecycles, by_pages):
        with firm_transaction(day.engine, day.firm.id) as connection:
            verified, broken = verify_chains(connection)
            assert not broken
            assert verified > 80
        day.engine.dispose()


async def _a_quiet_account_can_be_promoted(day: Day) -> None:
    """Its own workflow walks through what the page did, computes nothing and writes nothing."""
    quiet = next(name for name, row in day.outcomes().items() if row[2] == "NO_TRADE" and row[3] is None)
    before = [day.ask(select(func.count()).select_from(table)) for table in (stage_result, record)]
    with firm_transaction(day.engine, day.firm.id) as connection:
        said = promote(connection, day.firm.id, quiet)
    client = await connect(day.target, "default", None, allow_plain=True)
    async with day.worker():
        workflow_id = said.split()[2]
        for _ in range(100):
            if not day.ask(select(outbox).where(outbox.c.sent_at.is_(None))):
                break
            await asyncio.sleep(0.05)
        outcome = await client.get_workflow_handle(workflow_id).result()
    assert outcome["terminal"] == "NO_TRADE"
    history = await client.get_workflow_handle(workflow_id).fetch_history()
    stages = [
        event.activity_task_scheduled_event_attributes.activity_id
        for event in history.events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    assert stages == ["ingest", "validate", "analyze", "filter", "record"]
    assert [day.ask(select(func.count()).select_from(table)) for table in (stage_result, record)] == before
