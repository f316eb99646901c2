"""A day of real files on the real worker, up to where a broker would be needed."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, insert, select

from tests.servers import FreshDatabase
from trimtab.contracts import DayRequest, RunRef, run_id
from trimtab.db import runs
from trimtab.db.engine import firm_transaction, sync_engine
from trimtab.db.tables import account_day, firm, outbox, proposal
from trimtab.demo.custodian import deliver
from trimtab.demo.firm import DemoFirm, build_firm
from trimtab.domain.accounts import FirmId
from trimtab.feeds.sources import SourceBook
from trimtab.relay.starting import start_day
from trimtab.temporal_client import connect
from trimtab.worker.service import WorkerConfig, serve


@dataclass
class Day:
    """One firm's day up to the open."""

    engine: Engine
    database: FreshDatabase
    target: str
    folder: Path
    firm: DemoFirm
    sources: SourceBook = field(default_factory=SourceBook)

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
            for row in self.ask(select(account_day).where(account_day.c.current))
        }

    def standing_at(self, place: str) -> set[str]:
        """The accounts whose day stands there."""
        return {row.account_id for row in self.ask(select(account_day).where(account_day.c.stage == place))}

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
            sources=self.sources,
        )
        stop = asyncio.Event()
        running = asyncio.create_task(serve(config, stop))
        try:
            yield
        finally:
            stop.set()
            await running

    async def until(self, reached: Callable[[], bool], seconds: float = 240) -> None:
        """Until `reached` is true; fails with where the accounts stand."""
        for _ in range(int(seconds * 10)):
            if reached():
                return
            await asyncio.sleep(0.1)
        pytest.fail(f"the day does not get there: {[row[:4] for row in self.outcomes().values()]}")

    def is_held(self, before: str) -> bool:
        """Whether the clock stands before the event, every command is delivered and nothing moves."""
        with firm_transaction(self.engine, self.firm.id) as connection:
            following = runs.next_unpublished(connection, self.ref)
            commands = connection.scalar(select(func.count()).where(outbox.c.sent_at.is_(None)))
            opened = connection.scalar(select(func.count()).select_from(account_day))
            moving = runs.count_moving(connection, self.ref)
        return following is not None and following.kind == before and bool(opened) and not commands and not moving


async def founded(
    database: FreshDatabase, target: str, folder: Path, *, policy: str = "never", clock: str = "stepped"
) -> Day:
    """A new demo firm of twenty accounts whose files are delivered and whose run is written, but not started."""
    firm_value = replace(build_firm(20, 7), id=FirmId(f"whole-{secrets.token_hex(3)}"))
    day = Day(sync_engine(database.app_url, pool_size=2), database, target, folder, firm_value)
    with firm_transaction(day.engine, firm_value.id) as connection:
        connection.execute(insert(firm).values(firm_id=firm_value.id, name="F", lifecycle_pages=policy))
        runs.insert_run(connection, day.ref, as_of=firm_value.as_of, clock_mode=clock, status="OPEN")
    await asyncio.to_thread(deliver, firm_value, folder / "drop", folder / "closes")
    return day


async def start(day: Day, hold_before: str | None = None) -> None:
    """Start the day's run, with its clock held before an event."""
    with firm_transaction(day.engine, day.firm.id) as connection:
        runs.set_run(connection, day.ref, hold_before=hold_before)
    client = await connect(day.target, "default", None, allow_plain=True)
    await start_day(client, DayRequest(day.firm.id, day.firm.business_date, page_size=7))
