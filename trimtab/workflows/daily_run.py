"""A firm's business day: open, wait for the deliveries, freeze, page the book, tick through the market events, close.

What comes after the freeze reaches the accounts that wait for it until the cut-off.

Deadlines are market events in PostgreSQL. On the market clock a timer sleeps until each; on the stepped clock the
next one comes when the phase before it has drained.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from temporalio import workflow
from temporalio.common import RetryPolicy, SearchAttributeKey
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from trimtab.contracts import (
        DAY_QUEUE,
        ActivityName,
        DayOutcome,
        DayRequest,
        EventRef,
        MarketTick,
        OpenedRun,
        Page,
        PagePlan,
        PlanRequest,
        RunRef,
        Signal,
        SignalName,
        WorkflowName,
    )
    from trimtab.domain.lifecycle import MarketEventKind, parked_wait

PAGES_PER_HISTORY: Final = 200
PAGES_PER_PLAN: Final = 20

BUSINESS_DATE: Final = SearchAttributeKey.for_keyword("BusinessDate")
_SCHEDULED: Final = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")

_RETRIES: Final = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=30)
)
_SILENT_AFTER: Final = timedelta(seconds=10)
_LONGEST_WAIT: Final = timedelta(days=30)
"""Of activities that wait: for deliveries, or for a person who holds the stepped clock."""

SECOND_LOOK: Final = "second-look"
"""The patch of days that look again, until the cut-off, at what has come since their inputs were frozen."""

_TRADING: Final = (MarketEventKind.OPEN, MarketEventKind.RELEASE)
_CHECKED: Final = (MarketEventKind.CUT_OFF, MarketEventKind.DAY_END)


@workflow.defn(name=WorkflowName.DAILY_RUN)
class DailyRun:
    """One per firm and business date. It counts nothing itself: completeness is counted in PostgreSQL."""

    @workflow.init
    def __init__(self, request: DayRequest) -> None:
        self._retries_asked = 0
        self._started = False  # RUN_START is published
        self._paged = False  # every page was run
        self._pages_open = 0
        self._publishing = asyncio.Lock()

    @workflow.run
    async def run(self, request: DayRequest) -> DayOutcome:
        opened = await self._open(request)
        if not opened.session:
            return DayOutcome("NO_SESSION")
        self._started = opened.started
        await asyncio.gather(self._clock(opened.run, opened.stepped), self._book(opened, request))
        await self._do(ActivityName.CLOSE_RUN, opened.run)
        return DayOutcome("DONE")

    async def _open(self, request: DayRequest) -> OpenedRun:
        """Opens the run of the request's date, or of the date that the Schedule meant."""
        if request.business_date is None:
            meant = workflow.info().typed_search_attributes.get(_SCHEDULED) or workflow.info().start_time
            request = replace(request, scheduled_at=meant)
        opened: OpenedRun = await self._do(ActivityName.OPEN_RUN, request, OpenedRun)
        if request.business_date is None:
            workflow.upsert_search_attributes([BUSINESS_DATE.value_set(opened.run.business_date.isoformat())])
        return opened

    # --- the book ----------------------------------------------------------------------------------------------

    async def _book(self, opened: OpenedRun, request: DayRequest) -> None:
        """From the deliveries to the last account-day begun; on the market clock, to the last look at the inputs."""
        run = opened.run
        await workflow.wait_condition(lambda: self._started)
        if request.progress is None:
            await self._do(ActivityName.AWAIT_DELIVERIES, run, waits=True)
            await self._do(ActivityName.FREEZE_INPUTS, run)
        await self._pages(run, request)
        self._paged = True
        if not opened.stepped and workflow.patched(SECOND_LOOK):
            await self._look_again(run)

    async def _pages(self, run: RunRef, request: DayRequest) -> None:
        """Begins page after page of whole households, a few at a time."""
        wanted = request.progress or PlanRequest(run, request.page_size, PAGES_PER_PLAN)
        begun = wanted.number
        pages: set[asyncio.Task[None]] = set()
        while True:
            plan: PagePlan = await self._do(ActivityName.PLAN_PAGES, wanted, PagePlan)
            for page in plan.pages:
                await workflow.wait_condition(lambda: self._pages_open < request.pages_in_flight)
                self._pages_open += 1
                pages.add(asyncio.create_task(self._page(page)))
            wanted = replace(wanted, after=plan.after, number=plan.number)
            if plan.done:
                break
            if plan.number - begun >= PAGES_PER_HISTORY:
                await self._go_on_as_new(replace(request, business_date=run.business_date, progress=wanted))
        await workflow.wait_condition(lambda: self._pages_open == 0)

    async def _page(self, page: Page) -> None:
        await self._do(ActivityName.RUN_PAGE, page, activity_id=f"page-{page.number}", waits=True)
        self._pages_open -= 1

    async def _go_on_as_new(self, request: DayRequest) -> None:
        """Between two events of the clock, and with no page on its way: nothing may be half done."""
        await workflow.wait_condition(lambda: self._pages_open == 0)
        await self._publishing.acquire()
        workflow.continue_as_new(request)

    # --- the clock ---------------------------------------------------------------------------------------------

    async def _clock(self, run: RunRef, stepped: bool) -> None:
        """Publishes the day's market events, each when its time has come."""
        while True:
            if stepped and self._started:
                await workflow.wait_condition(lambda: self._paged)
            tick: MarketTick | None = await self._do(
                ActivityName.NEXT_EVENT, run, MarketTick | None, waits=True, summary="wait for the phase to drain"
            )
            if tick is None:
                return
            if stepped and tick.kind is MarketEventKind.CUT_OFF and await self._has_moved(run):
                continue
            if tick.wait > timedelta(0):
                await workflow.sleep(tick.wait, summary=f"until {tick.kind}")
            await self._tick(EventRef(run, tick.event_id, tick.kind))

    async def _has_moved(self, run: RunRef) -> bool:
        """Whether what has come before the stepped cut-off sent accounts on: they drain first."""
        return workflow.patched(SECOND_LOOK) and await self._look_again(run) > 0

    async def _look_again(self, run: RunRef) -> int:
        """Sends on who waits for what has come since the freeze; returns how many. The market clock ends it."""
        sent_on: int = await self._do(
            ActivityName.LOOK_AGAIN, run, int, waits=True, summary="late files reach the accounts that wait for them"
        )
        return sent_on

    async def _tick(self, event: EventRef) -> None:
        async with self._publishing:
            await self._do(ActivityName.PUBLISH_EVENT, event, summary=str(event.kind))
            if event.kind in _TRADING:
                await self._do(ActivityName.RELEASE, event, summary=f"release orders at {event.kind}")
        workflow.set_current_details(f"The last market event was {event.kind}.")
        if event.kind is MarketEventKind.RUN_START:
            self._started = True
        if event.kind in _CHECKED:
            await self._do(ActivityName.CHECK_COMPLETENESS, event, waits=True, summary=f"ledger at {event.kind}")

    # --- activities --------------------------------------------------------------------------------------------

    async def _do(
        self,
        activity: ActivityName,
        argument: object,
        result_type: Any = None,  # Any: a type, or a union with None
        *,
        activity_id: str | None = None,
        waits: bool = False,
        summary: str | None = None,
    ) -> Any:
        """Runs an activity until it works. One that fails for good waits for a person, and tries again by itself."""
        tries = 0
        while True:
            asked = self._retries_asked
            try:
                return await workflow.execute_activity(
                    activity,
                    argument,
                    result_type=result_type,
                    task_queue=DAY_QUEUE,
                    activity_id=activity_id if tries == 0 or activity_id is None else f"{activity_id}-{tries + 1}",
                    start_to_close_timeout=_LONGEST_WAIT if waits else timedelta(minutes=10),
                    heartbeat_timeout=_SILENT_AFTER,
                    retry_policy=_RETRIES,
                    summary=summary,
                )
            except ActivityError as error:
                tries += 1
                code = getattr(error.cause, "type", None) or type(error.cause).__name__
                workflow.set_current_details(f"Blocked in {activity} by {code}. Fix the cause, then send retry_step.")
                await self._rest(tries, asked)
                workflow.set_current_details("")

    async def _rest(self, tries: int, asked: int) -> None:
        try:
            await workflow.wait_condition(lambda: self._retries_asked > asked, timeout=parked_wait(tries))
        except TimeoutError:
            return

    @workflow.signal(name=SignalName.RETRY_STEP, description="Try the blocked step again now.")
    def retry_step(self, note: Signal) -> None:
        self._retries_asked += 1
