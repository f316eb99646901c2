"""The day's own activities: opening, deliveries, freezing, pages, the clock and the ledger."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import Connection, Engine
from temporalio import activity

from trimtab.activities import clock, ledger, pages
from trimtab.activities.deliveries import awaited, load_deliveries, refuse_unfinished, still_arriving
from trimtab.activities.delivery_watch import expect_deliveries, give_up_waiting, is_market_clock, watch_deliveries
from trimtab.activities.edge import Edge, Subject, described, rest
from trimtab.activities.fee_accruals import accrue_fees
from trimtab.activities.filter import FrozenInputs, filter_lane
from trimtab.activities.freeze import freeze_run
from trimtab.activities.ingest import ingest
from trimtab.activities.inputs import Inputs
from trimtab.activities.record import record_day
from trimtab.activities.stages import AnalysisActivities
from trimtab.activities.suspended import end_suspended
from trimtab.activities.transfers import fetch_deliveries
from trimtab.activities.validate import validate
from trimtab.contracts import (
    AccountDayRef,
    ActivityName,
    DayRequest,
    EventRef,
    MarketTick,
    OpenedRun,
    Page,
    PagePlan,
    PlanRequest,
    RunRef,
    StageOutcome,
)
from trimtab.db import runs
from trimtab.db.threads import in_thread
from trimtab.domain.lifecycle import ErrorClass, MarketEventKind, Place, Stage, Standstill
from trimtab.feeds.sources import SourceBook

log = structlog.get_logger(__name__)

CLOCK_POLL: Final = 0.2  # seconds between looks whether a phase has drained
DELIVERY_POLL: Final = 2.0
LEDGER_POLL: Final = 0.5
LEDGER_PATIENCE: Final = 60.0
"""Seconds that account-days have after an event to end, before an alert names them."""
STALLED_AFTER: Final = 120.0
"""Seconds after which a stepped clock that does not drain is told of; it goes on waiting."""


SIDE_BY_SIDE: Final = 64
"""Accounts of a page at once: while some are solved, together, others are read and written."""


class DayActivities:
    """What DailyRun calls."""

    def __init__(self, edge: Edge, engine: Engine, drop_folder: Path, sources: SourceBook | None = None) -> None:
        self._edge = edge
        self._engine = engine
        self._drop_folder = drop_folder
        self._sources = sources or SourceBook()

    @activity.defn(name=ActivityName.OPEN_RUN)
    async def open_run(self, request: DayRequest) -> OpenedRun:
        on = request.business_date or date.min
        whom = Subject(request.firm_id, "run", on, is_day=True)
        return await self._edge.in_transaction(whom, lambda c: clock.open_run(c, request))

    @activity.defn(name=ActivityName.AWAIT_DELIVERIES)
    async def await_deliveries(self, ref: RunRef) -> None:
        """Loads what lies in the drop folder; on the market clock, until everything is there or the cut-off."""
        async with self._edge.guard(run_subject(ref)):
            started = asyncio.get_running_loop().time()
            sources = self._sources.of(ref.firm_id)
            await self._edge.transact(ref.firm_id, lambda c: expect_deliveries(c, ref, sources))
            while True:
                await self.load(ref)
                if await self._edge.transact(ref.firm_id, lambda c: _waited_enough(c, ref)):
                    break
                await rest(DELIVERY_POLL)
            await self._end_of_waiting(ref)
            spent = asyncio.get_running_loop().time() - started
            await self._edge.transact(ref.firm_id, lambda c: runs.add_seconds(c, ref, "feeds", round(spent, 3)))

    async def load(self, ref: RunRef) -> None:
        """Fetches, loads and settles what has come for the run."""
        await fetch_deliveries(self._edge.transact, ref, self._drop_folder, self._sources.of(ref.firm_id))
        as_of = await self._edge.transact(ref.firm_id, lambda c: runs.run_row(c, ref).as_of)
        load = partial(load_deliveries, as_of=as_of, sources=self._sources.of(ref.firm_id))
        for loaded in await in_thread(load, self._engine, ref.firm_id, self._drop_folder, ref.business_date):
            log.info("delivery", kind=str(loaded.kind), status=str(loaded.status), rows=loaded.rows)
        await self._watch(ref)

    async def _watch(self, ref: RunRef) -> None:
        """Tells of what is late by the market clock, and settles what has come after all."""
        sources = self._sources.of(ref.firm_id)
        arriving = frozenset(
            await asyncio.to_thread(still_arriving, self._drop_folder, ref.firm_id, ref.business_date, sources)
        )

        def look(connection: Connection) -> None:
            if is_market_clock(connection, ref):
                watch_deliveries(connection, ref, datetime.now(UTC), arriving)

        await self._edge.transact(ref.firm_id, look)

    async def _end_of_waiting(self, ref: RunRef) -> None:
        """What is not whole by now is refused, and what has not come is missing."""
        await in_thread(
            refuse_unfinished,
            self._engine,
            ref.firm_id,
            self._drop_folder,
            ref.business_date,
            self._sources.of(ref.firm_id),
        )
        await self._edge.transact(ref.firm_id, lambda c: give_up_waiting(c, ref))

    @activity.defn(name=ActivityName.FREEZE_INPUTS)
    async def freeze_inputs(self, ref: RunRef) -> None:
        await self._edge.in_transaction(run_subject(ref), lambda c: freeze_run(c, ref))

    @activity.defn(name=ActivityName.PLAN_PAGES)
    async def plan_pages(self, request: PlanRequest) -> PagePlan:
        return await self._edge.in_transaction(run_subject(request.run), lambda c: pages.plan_pages(c, request))

    @activity.defn(name=ActivityName.NEXT_EVENT)
    async def next_event(self, ref: RunRef) -> MarketTick | None:
        """The next tick; on the stepped clock once the phase has drained and nobody holds the clock."""
        async with self._edge.guard(run_subject(ref)):
            waited, told = 0.0, False
            while True:
                tick, known = await self._edge.transact(ref.firm_id, lambda c: clock.next_event(c, ref))
                if known:
                    return tick
                await rest(CLOCK_POLL)
                waited += CLOCK_POLL
                if waited > STALLED_AFTER and not told:
                    told = True
                    await self._edge.transact(ref.firm_id, lambda c: clock.tell_stalled(c, ref))

    @activity.defn(name=ActivityName.PUBLISH_EVENT)
    async def publish_event(self, event: EventRef) -> bool:
        return await self._edge.in_transaction(run_subject(event.run), lambda c: clock.publish_event(c, event))

    @activity.defn(name=ActivityName.CHECK_COMPLETENESS)
    async def check_completeness(self, event: EventRef) -> int:
        """Gives account-days a moment to end, then names those that have not; returns how many."""
        firm_id = event.run.firm_id
        async with self._edge.guard(run_subject(event.run)):
            for _ in range(int(LEDGER_PATIENCE / LEDGER_POLL)):
                if not await self._edge.transact(firm_id, lambda c: bool(ledger.incomplete(c, event))):
                    break
                await rest(LEDGER_POLL)
            return await self._edge.transact(firm_id, lambda c: ledger.report_incomplete(c, event))

    @activity.defn(name=ActivityName.CLOSE_RUN)
    async def close_run(self, ref: RunRef) -> None:
        """Charges the day's assets with the fees of the models that they follow, and closes the run."""
        await self._edge.in_transaction(run_subject(ref), lambda c: accrue_fees(c, ref.firm_id, ref.business_date))
        await self._edge.in_transaction(run_subject(ref), lambda c: clock.close_run(c, ref))


class PageActivities:
    """A page as one activity: with lifecycles it opens the account-days, else it works through them itself."""

    def __init__(self, edge: Edge, inputs: Inputs, frozen: FrozenInputs, analysis: AnalysisActivities) -> None:
        self._edge = edge
        self._analysis = analysis
        build = edge.build
        self._stages: dict[Place, Callable[[Connection, AccountDayRef], StageOutcome]] = {
            Stage.INGEST: lambda c, ref: ingest(c, ref, inputs, build=build),
            Stage.VALIDATE: lambda c, ref: validate(c, ref, inputs, build=build),
            Stage.FILTER: lambda c, ref: filter_lane(c, ref, frozen, build=build),
            Standstill.SUSPENDED: lambda c, ref: end_suspended(c, ref, build=build),
            Stage.RECORD: lambda c, ref: record_day(c, ref, build=build),
        }

    @activity.defn(name=ActivityName.RUN_PAGE)
    async def run_page(self, page: Page) -> None:
        """Begins every account of the page. A retry goes on after the last account that its heartbeat named."""
        done: list[str] = list(activity.info().heartbeat_details)[-1:]
        async with self._edge.guard(run_subject(page.run), lambda: done):
            days = await self._edge.transact(page.run.firm_id, lambda c: pages.open_page(c, page))
            if page.lifecycles:
                return
            left = [
                ref for ref in sorted(days, key=lambda each: each.account_id) if not done or ref.account_id > done[0]
            ]
            for first in range(0, len(left), SIDE_BY_SIDE):
                several = left[first : first + SIDE_BY_SIDE]
                await asyncio.gather(*(self.through(ref) for ref in several))
                done[:] = [several[-1].account_id]

    async def through(self, ref: AccountDayRef) -> None:
        """Walks one account-day as far as it goes without waiting; what must wait gets a lifecycle."""
        try:
            outcome = await self._stage(ref, Stage.INGEST)
            while outcome.next is not None and not pages.must_wait(outcome):
                outcome = await self._stage(ref, outcome.next)
        except Exception as error:
            error_class, code, _ = described(error)
            if error_class is ErrorClass.TRANSIENT:
                raise
            log.warning("page hands a failing account to its lifecycle", account=ref.account_id, code=code)
            await self._edge.transact(ref.firm_id, lambda c: pages.hand_over(c, ref))
            return
        if outcome.next is not None:
            await self._edge.transact(ref.firm_id, lambda c: pages.hand_over(c, ref))

    async def _stage(self, ref: AccountDayRef, place: Place) -> StageOutcome:
        if place == Stage.ANALYZE:
            return await self._analysis.analyze_account(ref)
        stage = self._stages[place]
        return await self._edge.transact(ref.firm_id, lambda c: stage(c, ref))


def run_subject(ref: RunRef) -> Subject:
    return Subject(ref.firm_id, f"run/{ref.run_id}", ref.business_date, is_day=True)


def _waited_enough(connection: Connection, ref: RunRef) -> bool:
    """On the stepped clock what is there is there; else everything has come, or the cut-off has."""
    if runs.run_row(connection, ref).clock_mode == clock.STEPPED:
        return True
    if not awaited(connection, ref.business_date):
        return True
    return runs.is_published(connection, ref.run_id, [MarketEventKind.CUT_OFF])
