"""One account's business day: eight stages, each an activity, and the waits between them.

PostgreSQL is the record and this is the executor. Every activity reads where the account-day stands and says where
it goes next, so a lifecycle that is started again walks through what is done and carries on. A signal only says
"look again"; what counts is the row that it names.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Final

from temporalio import workflow
from temporalio.common import RetryPolicy, SearchAttributeKey
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from trimtab.contracts import (
        ANALYSIS_QUEUE,
        DAY_QUEUE,
        TRADING_OVER,
        AccountDayRef,
        ActivityName,
        BlockedStep,
        LifecycleOutcome,
        Signal,
        SignalName,
        StageOutcome,
        WorkflowName,
    )
    from trimtab.domain.lifecycle import MarketEventKind, Place, Stage, Standstill, parked_wait

STAGE: Final = SearchAttributeKey.for_keyword("Stage")
LANE: Final = SearchAttributeKey.for_keyword("Lane")
BLOCKED_REASON: Final = SearchAttributeKey.for_keyword("BlockedReason")

RETRIES: Final = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=30)
)
"""Of transient errors, as long as the lifecycle waits for the step; the activity's edge says which errors are none."""
SILENT_AFTER: Final = timedelta(seconds=10)
"""A killed worker's step is given to another one after this."""
LONGEST_STEP: Final = timedelta(minutes=10)
GRACE: Final = timedelta(seconds=30)
"""How long a step that runs when its time is over may still take."""

ENDINGS: Final = tuple(
    f"{SignalName.MARKET}/{kind}"
    for kind in (
        MarketEventKind.CUT_OFF,
        MarketEventKind.REVIEW_EXPIRY,
        MarketEventKind.CLOSE,
        MarketEventKind.DAY_END,
    )
)
"""Market events that end a parked step's time."""
_PEOPLE: Final = (
    SignalName.DECIDE,
    SignalName.SUSPEND,
    SignalName.RESUME,
    SignalName.REFRESH,
    SignalName.REVISE,
    SignalName.SUPERSEDE,
)
_OF_REVIEW: Final = (*_PEOPLE, *ENDINGS[1:])
_OF_SUSPENDED: Final = (*_PEOPLE, *ENDINGS)
_OF_TRADE: Final = (SignalName.ORDERS_DONE, SignalName.SUPERSEDE, *ENDINGS[2:])

_MEANINGS: Final = {
    "ingest": "read what the account holds",
    "validate": "check the data and the suspensions",
    "analyze": "look for the best trades",
    "filter": "choose the lane",
    "review": "look whether it was decided",
    "approve": "verify the approval",
    "trade": "commit the orders",
    "trade-close": "see what came of the orders",
    "suspended": "look whether the suspension was lifted",
    "record": "seal the day",
}


@workflow.defn(name=WorkflowName.ACCOUNT_LIFECYCLE)
class AccountLifecycle:
    """Runs one account-day to exactly one terminal state. No step fails it."""

    @workflow.init
    def __init__(self, ref: AccountDayRef) -> None:
        self._ref = ref
        self._answered: set[str] = set()  # ids of signals, each counted once
        self._news: Counter[str] = Counter()  # signals by topic
        self._runs: Counter[str] = Counter()  # activities by word

    @workflow.run
    async def run(self, ref: AccountDayRef) -> LifecycleOutcome:
        outcome = await self._step(Stage.INGEST, ActivityName.INGEST)
        while outcome.next is not None:
            match outcome.next:
                case Stage.INGEST:
                    outcome = await self._step(Stage.INGEST, ActivityName.INGEST)
                case Stage.VALIDATE:
                    outcome = await self._step(Stage.VALIDATE, ActivityName.VALIDATE)
                case Stage.ANALYZE:
                    outcome = await self._step(Stage.ANALYZE, ActivityName.ANALYZE, queue=ANALYSIS_QUEUE)
                case Stage.FILTER:
                    outcome = await self._step(Stage.FILTER, ActivityName.FILTER)
                case Stage.REVIEW:
                    outcome = await self._review(outcome)
                case Stage.APPROVE:
                    outcome = await self._step(Stage.APPROVE, ActivityName.APPROVE)
                case Stage.TRADE:
                    outcome = await self._trade()
                case Standstill.SUSPENDED:
                    outcome = await self._suspended(outcome)
                case Stage.RECORD:
                    outcome = await self._step(Stage.RECORD, ActivityName.RECORD)
                case _:
                    raise ApplicationError(f"there is no step {outcome.next}")
        return LifecycleOutcome(outcome.terminal, outcome.code)

    # --- the waits ---------------------------------------------------------------------------------------------

    async def _review(self, filtered: StageOutcome) -> StageOutcome:
        """Waits for a decision, a suspension, a revised proposal or the expiry."""
        workflow.upsert_search_attributes(
            [STAGE.value_set(str(Standstill.REVIEW)), LANE.value_set(str(filtered.lane or ""))]
        )
        workflow.set_current_details(f"Waits for a decision in lane {filtered.lane or Stage.REVIEW}.")
        return await self._until_it_moves(Stage.REVIEW, ActivityName.REVIEW, _OF_REVIEW)

    async def _suspended(self, cause: StageOutcome) -> StageOutcome:
        """Waits for the end of the suspension, or for the cut-off."""
        workflow.upsert_search_attributes([STAGE.value_set(str(Standstill.SUSPENDED))])
        workflow.set_current_details(f"Suspended: {cause.code}. Lift the suspension, or it ends at cut-off.")
        return await self._until_it_moves(Standstill.SUSPENDED, ActivityName.SUSPEND, _OF_SUSPENDED)

    async def _trade(self) -> StageOutcome:
        """Commits the orders, then waits until they are done or the market closes."""
        seen = self._heard(_OF_TRADE)
        committed = await self._step(Stage.TRADE, ActivityName.COMMIT_ORDERS)
        if committed.next != Stage.TRADE:
            return committed
        workflow.upsert_search_attributes([STAGE.value_set(str(Standstill.TRADE))])
        workflow.set_current_details("Its orders are committed: waits for the broker or the close.")
        if committed.code != TRADING_OVER:
            await self._hear(_OF_TRADE, seen)
        return await self._until_it_moves(
            Stage.TRADE, ActivityName.CLOSE_ORDERS, _OF_TRADE, word="trade-close", ends=False
        )

    async def _until_it_moves(
        self, place: Place, activity: ActivityName, topics: Iterable[str], word: str = "", ends: bool = True
    ) -> StageOutcome:
        """Looks, and looks again at each of the topics' signals, until the account-day stands elsewhere."""
        while True:
            seen = self._heard(topics)
            outcome = await self._step(place, activity, word=word, ends=ends)
            if outcome.next != place:
                workflow.set_current_details("")
                return outcome
            await self._hear(topics, seen)

    async def _hear(self, topics: Iterable[str], seen: int) -> None:
        """Waits for news of the topics. A long history starts anew here: all that counts is in PostgreSQL."""
        if workflow.info().is_continue_as_new_suggested():
            workflow.continue_as_new(self._ref)
        await workflow.wait_condition(lambda: self._heard(topics) > seen)

    def _heard(self, topics: Iterable[str]) -> int:
        return sum(self._news[topic] for topic in topics)

    # --- steps -------------------------------------------------------------------------------------------------

    async def _step(
        self,
        place: Place,
        activity: ActivityName,
        *,
        queue: str = DAY_QUEUE,
        word: str = "",
        ends: bool = True,
    ) -> StageOutcome:
        """One stage: its activity, parked and tried again as long as it fails. `ends`: its time can be over."""
        seen = self._heard(ENDINGS)
        tries = 0
        while True:
            try:
                return await self._attempt(activity, queue, word or str(place), ends)
            except ActivityError as error:
                tries += 1
                outcome = await self._parked(_fault(self._ref, place, error, tries), seen)
                if outcome is not None:
                    return outcome

    async def _attempt(self, activity: ActivityName, queue: str, word: str, ends: bool) -> StageOutcome:
        """Runs the activity; one that still runs when a market event has ended its time is cut short."""
        self._runs[word] += 1
        number = self._runs[word]
        step = workflow.start_activity(
            activity,
            self._ref,
            result_type=StageOutcome,
            task_queue=queue,
            activity_id=word if number == 1 else f"{word}-{number}",
            start_to_close_timeout=LONGEST_STEP,
            heartbeat_timeout=SILENT_AFTER,
            retry_policy=RETRIES,
            summary=_MEANINGS[word],
        )
        if ends and word != str(Stage.RECORD):
            seen = self._heard(ENDINGS)
            await workflow.wait_condition(lambda: step.done() or self._heard(ENDINGS) > seen)
            if not step.done():
                await _wait(lambda: step.done(), GRACE)
                step.cancel()  # does nothing to one that is done
        outcome: StageOutcome = await step
        return outcome

    async def _parked(self, fault: BlockedStep, seen: int) -> StageOutcome | None:
        """Blocks the account-day until it is time to try again (None), or until its time is over (an outcome)."""
        asked = self._news[SignalName.RETRY_STEP]  # before parking: who sees the block at once may ask at once
        blocked = await self._surely(ActivityName.BLOCK, fault)
        if blocked.next != Standstill.BLOCKED:
            return blocked
        workflow.upsert_search_attributes(
            [
                STAGE.value_set(str(Standstill.BLOCKED)),
                BLOCKED_REASON.value_set(f"{fault.stage}:{fault.error_type}"),
            ]
        )
        workflow.set_current_details(f"Blocked in {fault.stage} by {fault.error_type}. {blocked.reason}")
        await _wait(
            lambda: self._news[SignalName.RETRY_STEP] > asked or self._heard(ENDINGS) > seen,
            parked_wait(fault.tries),
        )
        outcome: StageOutcome | None = None
        if self._heard(ENDINGS) > seen:
            given_up = await self._surely(ActivityName.UNBLOCK, fault)
            outcome = given_up if given_up.next != Standstill.BLOCKED else None
        workflow.upsert_search_attributes([STAGE.value_set(str(fault.stage)), BLOCKED_REASON.value_unset()])
        workflow.set_current_details("")
        return outcome

    async def _surely(self, activity: ActivityName, fault: BlockedStep) -> StageOutcome:
        """Runs what must not fail: parking has nowhere else to go, so it is tried until it works."""
        while True:
            try:
                outcome: StageOutcome = await workflow.execute_activity(
                    activity,
                    fault,
                    result_type=StageOutcome,
                    task_queue=DAY_QUEUE,
                    start_to_close_timeout=LONGEST_STEP,
                    heartbeat_timeout=SILENT_AFTER,
                    retry_policy=RETRIES,
                    summary=f"{fault.stage}: {fault.error_type}",
                )
                return outcome
            except ActivityError:
                await workflow.sleep(GRACE)

    # --- signals -----------------------------------------------------------------------------------------------

    @workflow.signal(name=SignalName.DECIDE, description="A decision on the proposal was accepted.")
    def decide(self, note: Signal) -> None:
        self._note(SignalName.DECIDE, note)

    @workflow.signal(name=SignalName.SUSPEND, description="A suspension was opened.")
    def suspend(self, note: Signal) -> None:
        self._note(SignalName.SUSPEND, note)

    @workflow.signal(name=SignalName.RESUME, description="A suspension was lifted.")
    def resume(self, note: Signal) -> None:
        self._note(SignalName.RESUME, note)

    @workflow.signal(name=SignalName.REFRESH, description="The account is to be analysed anew.")
    def refresh(self, note: Signal) -> None:
        self._note(SignalName.REFRESH, note)

    @workflow.signal(name=SignalName.REVISE, description="The proposal was edited.")
    def revise(self, note: Signal) -> None:
        self._note(SignalName.REVISE, note)

    @workflow.signal(name=SignalName.ORDERS_DONE, description="The broker is done with the account's orders.")
    def orders_done(self, note: Signal) -> None:
        self._note(SignalName.ORDERS_DONE, note)

    @workflow.signal(name=SignalName.SUPERSEDE, description="A later attempt took over, or the day was closed.")
    def supersede(self, note: Signal) -> None:
        self._note(SignalName.SUPERSEDE, note)

    @workflow.signal(name=SignalName.RETRY_STEP, description="Try the blocked step again now.")
    def retry_step(self, note: Signal) -> None:
        self._note(SignalName.RETRY_STEP, note)

    @workflow.signal(name=SignalName.MARKET, description="The business clock ticked.")
    def market(self, note: Signal) -> None:
        self._note(f"{SignalName.MARKET}/{note.kind}", note)

    def _note(self, topic: str, note: Signal) -> None:
        """Counts each id once; early and late ones too, since every look reads the rows. No id: a person asks."""
        key = f"{topic}/{note.id}"
        if not note.id or key not in self._answered:
            self._answered.add(key)
            self._news[topic] += 1


def _fault(ref: AccountDayRef, place: Place, error: ActivityError, tries: int) -> BlockedStep:
    """Why the step failed, as the activity's edge has classed it; what never reached the edge is unknown."""
    cause = error.cause
    if isinstance(cause, ApplicationError):
        error_class = str(cause.details[0]) if cause.details else "unknown"
        return BlockedStep(ref, place, cause.type or "UNKNOWN", error_class, cause.message, tries)
    name = type(cause).__name__
    return BlockedStep(ref, place, name, "unknown", f"the step ended by {name}", tries)


async def _wait(condition: Callable[[], bool], at_most: timedelta) -> None:
    """Waits for the condition, or for the time to be over."""
    try:
        await workflow.wait_condition(condition, timeout=at_most)
    except TimeoutError:
        return
