"""The reconciler: what PostgreSQL says is open and Temporal does not run is started again.

The same code serves the first start, Temporal's amnesia and a termination by hand.
"""

from typing import Any, Final

import structlog
from sqlalchemy import Connection, Engine, Row, select
from temporalio.client import Client

from trimtab.contracts import AccountDayRef, DayRequest, WorkflowName
from trimtab.db import runs
from trimtab.db.account_days import ref_of
from trimtab.db.engine import firm_transaction
from trimtab.db.events import start_lifecycle
from trimtab.db.tables import account_day, outbox, run
from trimtab.db.threads import in_thread
from trimtab.domain.lifecycle import Stage
from trimtab.domain.records import plain
from trimtab.relay.starting import ensure_schedule, start_day

log = structlog.get_logger(__name__)

_PAGE_STAGES: Final = tuple(str(stage) for stage in (Stage.INGEST, Stage.VALIDATE, Stage.ANALYZE, Stage.FILTER))


class Reconciler:
    """Compares the open rows of a firm with the running workflows."""

    def __init__(self, engine: Engine, client: Client) -> None:
        self._engine = engine
        self._client = client
        self._scheduled: set[str] = set()

    async def reconcile(self, firm_id: str) -> int:
        """Start what is missing; returns how many workflows were asked for."""
        await self._schedule(firm_id)
        days, lifecycles = await in_thread(self._open, firm_id)
        if not days and not lifecycles:
            return 0
        running = await self._running(firm_id)
        asked = 0
        for row in days:
            if ("day", row.business_date.isoformat()) not in running:
                asked += await start_day(self._client, DayRequest(firm_id, row.business_date))
        missing = [ref for ref in lifecycles if ("account", ref.workflow_id) not in running]
        if missing:
            await in_thread(self._start, firm_id, missing)
            log.info("lifecycles are started again", firm=firm_id, count=len(missing))
        return asked + len(missing)

    async def _schedule(self, firm_id: str) -> None:
        """A firm on the market clock has its Schedule; one that people have paused or edited stays as it is."""
        if firm_id in self._scheduled or not await in_thread(self._is_on_market_clock, firm_id):
            return
        if await ensure_schedule(self._client, firm_id):
            log.info("the firm's days are scheduled", firm=firm_id)
        self._scheduled.add(firm_id)

    def _is_on_market_clock(self, firm_id: str) -> bool:
        with firm_transaction(self._engine, firm_id) as connection:
            return bool(runs.firm_row(connection, firm_id).clock_mode == "market")

    async def _running(self, firm_id: str) -> set[tuple[str, str]]:
        """Business dates of running days, and ids of running lifecycles."""
        found: set[tuple[str, str]] = set()
        firm = firm_id.replace("'", "''")
        async for each in self._client.list_workflows(f"Firm = '{firm}' AND ExecutionStatus = 'Running'"):
            if each.workflow_type == WorkflowName.DAILY_RUN:
                dates = each.search_attributes.get("BusinessDate") or [""]
                found.add(("day", str(dates[0])))
            else:
                found.add(("account", each.id))
        return found

    def _open(self, firm_id: str) -> tuple[list[Row[Any]], list[AccountDayRef]]:
        with firm_transaction(self._engine, firm_id) as connection:
            days = list(connection.execute(select(run).where(run.c.status == runs.OPEN)))
            return days, _waiting_lifecycles(connection, firm_id)

    def _start(self, firm_id: str, refs: list[AccountDayRef]) -> None:
        with firm_transaction(self._engine, firm_id) as connection:
            for ref in refs:
                start_lifecycle(connection, firm_id, ref.workflow_id, _plain(ref))


def _waiting_lifecycles(connection: Connection, firm_id: str) -> list[AccountDayRef]:
    """Open account-days, without those whose start is on its way and those that a page works on."""
    on_the_way = select(outbox.c.workflow_id).where(outbox.c.kind == "start_lifecycle", outbox.c.sent_at.is_(None))
    rows = select(account_day).where(
        account_day.c.current, account_day.c.terminal_state.is_(None), account_day.c.workflow_id.not_in(on_the_way)
    )
    if runs.is_paged(connection, firm_id):
        open_runs = select(run.c.run_id).where(run.c.status == runs.OPEN)
        rows = rows.where(~(account_day.c.run_id.in_(open_runs) & account_day.c.stage.in_(_PAGE_STAGES)))
    return [ref_of(firm_id, row) for row in connection.execute(rows.order_by(account_day.c.account_id))]


def _plain(ref: AccountDayRef) -> dict[str, Any]:
    values = plain(ref)
    return values if isinstance(values, dict) else {}
