"""Activities of the same names as the real ones, with answers that a story scripts."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from trimtab.contracts import (
    AccountDayRef,
    ActivityName,
    BlockedStep,
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
from trimtab.domain.lifecycle import MarketEventKind, Stage, Standstill

Answer = StageOutcome | ApplicationError


class FakeStages:
    """Each activity gives its scripted answers in turn and stays with the last one. `calls` is what was asked."""

    def __init__(self, answers: Mapping[ActivityName, Sequence[Answer]]) -> None:
        self.answers = {name: list(script) for name, script in answers.items()}
        self.calls: list[str] = []
        self.blocked: list[BlockedStep] = []
        self.asked = Counter[str]()
        self.changed = asyncio.Event()

    def next_answer(self, name: ActivityName) -> StageOutcome:
        if name is not ActivityName.UNBLOCK:
            self.calls.append(activity.info().activity_id)
        self.asked[name] += 1
        self.changed.set()
        script = self.answers[name]
        answer = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(answer, ApplicationError):
            raise answer
        return answer

    async def until(self, name: ActivityName, times: int) -> None:
        """Wait until the activity has been asked for so often."""
        while self.asked[name] < times:
            self.changed.clear()
            async with asyncio.timeout(60):
                await self.changed.wait()

    def activities(self) -> list[Callable[..., Any]]:
        return [self._one(name) for name in self.answers if name not in (ActivityName.BLOCK, ActivityName.UNBLOCK)] + [
            self.block,
            self.unblock,
        ]

    def _one(self, name: ActivityName) -> Callable[..., Any]:
        @activity.defn(name=name)
        async def stage(ref: AccountDayRef) -> StageOutcome:
            return self.next_answer(name)

        return stage

    @activity.defn(name=ActivityName.BLOCK)
    async def block(self, step: BlockedStep) -> StageOutcome:
        self.blocked.append(step)
        self.asked[ActivityName.BLOCK] += 1
        self.changed.set()
        return StageOutcome(step.stage, Standstill.BLOCKED, code=step.error_type, reason="Fix it, then retry_step.")

    @activity.defn(name=ActivityName.UNBLOCK)
    async def unblock(self, step: BlockedStep) -> StageOutcome:
        return self.next_answer(ActivityName.UNBLOCK)


class FakeDay:
    """A day of `pages` pages whose clock has the given events; `log` is what was done, in order."""

    def __init__(
        self, pages: int, events: Sequence[MarketEventKind], session: bool = True, *, stepped: bool = True
    ) -> None:
        self.pages = pages
        self.events = list(events)
        self.session = session
        self.stepped = stepped
        self.log: list[str] = []
        self.pages_now = 0
        self.most_pages_at_once = 0
        self.healed: list[int] = []  # whom each look sends on
        self.refused = 0  # how often freeze_inputs fails for good before it works

    def activities(self) -> list[Callable[..., Any]]:
        return [
            self.open_run,
            self.await_deliveries,
            self.freeze_inputs,
            self.plan_pages,
            self.run_page,
            self.look_again,
            self.next_event,
            self.publish_event,
            self.release,
            self.check_completeness,
            self.close_run,
        ]

    @activity.defn(name=ActivityName.OPEN_RUN)
    async def open_run(self, request: DayRequest) -> OpenedRun:
        self.log.append("open")
        on = request.business_date or (request.scheduled_at.date() if request.scheduled_at else date.min)
        ref = RunRef(request.firm_id, f"{request.firm_id}-run", on)
        started = f"publish {MarketEventKind.RUN_START}" in self.log
        return OpenedRun(ref, self.session, stepped=self.stepped, started=started)

    @activity.defn(name=ActivityName.AWAIT_DELIVERIES)
    async def await_deliveries(self, ref: RunRef) -> None:
        self.log.append("deliveries")

    @activity.defn(name=ActivityName.FREEZE_INPUTS)
    async def freeze_inputs(self, ref: RunRef) -> None:
        if self.refused:
            self.refused -= 1
            raise ApplicationError("the risk model is broken", "deterministic", type="RISK", non_retryable=True)
        self.log.append("freeze")

    @activity.defn(name=ActivityName.PLAN_PAGES)
    async def plan_pages(self, request: PlanRequest) -> PagePlan:
        last = min(request.number + request.limit, self.pages)
        pages = tuple(Page(request.run, number, (f"H{number}",)) for number in range(request.number + 1, last + 1))
        return PagePlan(pages, f"H{last}", last, done=last == self.pages)

    @activity.defn(name=ActivityName.RUN_PAGE)
    async def run_page(self, page: Page) -> None:
        self.pages_now += 1
        self.most_pages_at_once = max(self.most_pages_at_once, self.pages_now)
        await asyncio.sleep(0.002)
        self.log.append(f"page {page.number}")
        self.pages_now -= 1

    @activity.defn(name=ActivityName.LOOK_AGAIN)
    async def look_again(self, ref: RunRef) -> int:
        self.log.append("look")
        return self.healed.pop(0) if self.healed else 0

    @activity.defn(name=ActivityName.NEXT_EVENT)
    async def next_event(self, ref: RunRef) -> MarketTick | None:
        return MarketTick(f"E-{self.events[0]}", self.events[0]) if self.events else None

    @activity.defn(name=ActivityName.PUBLISH_EVENT)
    async def publish_event(self, event: EventRef) -> bool:
        self.log.append(f"publish {event.kind}")
        self.events.remove(event.kind)
        return True

    @activity.defn(name=ActivityName.RELEASE)
    async def release(self, event: EventRef) -> int:
        self.log.append(f"release {event.kind}")
        return 0

    @activity.defn(name=ActivityName.CHECK_COMPLETENESS)
    async def check_completeness(self, event: EventRef) -> int:
        self.log.append(f"ledger {event.kind}")
        return 0

    @activity.defn(name=ActivityName.CLOSE_RUN)
    async def close_run(self, ref: RunRef) -> None:
        self.log.append("close")


def passes(stage: Stage, following: Stage | Standstill, **more: Any) -> StageOutcome:
    """A stage that goes on to `following`."""
    return StageOutcome(stage, following, **more)


def refuses(code: str) -> ApplicationError:
    """A deterministic error, as the activities' edge gives it."""
    return ApplicationError(f"{code} was met", "deterministic", type=code, non_retryable=True)
