"""Stories of one account's day: scripted stages, the signals that arrive, and how the day ends.

The tests run them, and the replay corpus is recorded from them.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from temporalio.client import WorkflowHandle

from tests.workflows.fakes import Answer, FakeStages, passes, refuses
from trimtab.contracts import ActivityName, LifecycleOutcome, Signal, SignalName, StageOutcome
from trimtab.domain.lifecycle import Lane, MarketEventKind, Stage, Standstill, TerminalState

Handle = WorkflowHandle[Any, Any]
Course = Callable[[Handle, FakeStages], Awaitable[None]]


async def nothing_happens(handle: Handle, stages: FakeStages) -> None:
    """The stages are all there is to the story."""


@dataclass(frozen=True)
class Story:
    """`activities` are the ids of the stages' activities, in the order in which they are asked for."""

    name: str
    answers: Mapping[ActivityName, Sequence[Answer]]
    outcome: LifecycleOutcome
    activities: tuple[str, ...]
    course: Course = nothing_happens
    attributes: Mapping[str, str] = field(default_factory=dict)  # search attributes at the end


async def send(handle: Handle, name: SignalName, note_id: str, kind: str = "") -> None:
    await handle.signal(name, Signal(note_id, kind))


async def tick(handle: Handle, kind: MarketEventKind) -> None:
    await send(handle, SignalName.MARKET, f"event-{kind}", str(kind))


# --- scripts ---------------------------------------------------------------------------------------------------------

INGESTED = passes(Stage.INGEST, Stage.VALIDATE)
VALID = passes(Stage.VALIDATE, Stage.ANALYZE)
SUSPENDED_BY_DATA = passes(Stage.VALIDATE, Standstill.SUSPENDED, code="LOT_MISMATCH")
ANALYSED = passes(Stage.ANALYZE, Stage.FILTER)
AUTOMATED = passes(Stage.FILTER, Stage.APPROVE, lane=Lane.AUTOMATED)
TO_REVIEW = passes(Stage.FILTER, Stage.REVIEW, lane=Lane.REVIEW)
QUIET = StageOutcome(Stage.FILTER, Stage.RECORD, lane=Lane.NO_TRADE, terminal=TerminalState.NO_TRADE)
UNDECIDED = passes(Stage.REVIEW, Stage.REVIEW)
APPROVED = passes(Stage.REVIEW, Stage.APPROVE)
REJECTED = StageOutcome(Stage.REVIEW, Stage.RECORD, terminal=TerminalState.REJECTED)
EXPIRED = StageOutcome(Stage.REVIEW, Stage.RECORD, terminal=TerminalState.EXPIRED)
VERIFIED = passes(Stage.APPROVE, Stage.TRADE)
COMMITTED = passes(Stage.TRADE, Standstill.TRADE)
FILLED = StageOutcome(Stage.TRADE, Stage.RECORD, terminal=TerminalState.TRADED, code="FULL")
STILL_SUSPENDED = StageOutcome(Standstill.SUSPENDED, Standstill.SUSPENDED)
LIFTED = StageOutcome(Standstill.SUSPENDED, Stage.VALIDATE)


def sealed(terminal: TerminalState, code: str = "") -> StageOutcome:
    return StageOutcome(Stage.RECORD, None, terminal=terminal, code=code)


def script(**answers: Sequence[Answer]) -> dict[ActivityName, Sequence[Answer]]:
    """Answers by activity; the stages before the lane go through unless they are given."""
    usual: dict[ActivityName, Sequence[Answer]] = {
        ActivityName.INGEST: [INGESTED],
        ActivityName.VALIDATE: [VALID],
        ActivityName.ANALYZE: [ANALYSED],
    }
    return usual | {ActivityName(name): given for name, given in answers.items()}


TO_FILTER = ("ingest", "validate", "analyze", "filter")


# --- stories ---------------------------------------------------------------------------------------------------------


async def orders_are_done(handle: Handle, stages: FakeStages) -> None:
    await stages.until(ActivityName.COMMIT_ORDERS, 1)
    await send(handle, SignalName.ORDERS_DONE, "orders-1")


async def approved_by_a_person(handle: Handle, stages: FakeStages) -> None:
    await stages.until(ActivityName.REVIEW, 1)
    await send(handle, SignalName.DECIDE, "decision-1")
    await orders_are_done(handle, stages)


async def decided(handle: Handle, stages: FakeStages) -> None:
    await stages.until(ActivityName.REVIEW, 1)
    await send(handle, SignalName.DECIDE, "decision-1")


async def decided_three_times_over(handle: Handle, stages: FakeStages) -> None:
    """The same decision, told again and again, is one."""
    await stages.until(ActivityName.REVIEW, 1)
    for _ in range(3):
        await send(handle, SignalName.DECIDE, "decision-1")
    await stages.until(ActivityName.REVIEW, 2)
    await send(handle, SignalName.DECIDE, "decision-1")
    await send(handle, SignalName.DECIDE, "decision-2")


async def reviews_expire(handle: Handle, stages: FakeStages) -> None:
    await stages.until(ActivityName.REVIEW, 1)
    await tick(handle, MarketEventKind.CUT_OFF)  # no business of a review
    await tick(handle, MarketEventKind.REVIEW_EXPIRY)


async def cut_off_while_suspended(handle: Handle, stages: FakeStages) -> None:
    await stages.until(ActivityName.SUSPEND, 1)
    await tick(handle, MarketEventKind.CUT_OFF)


async def lifted_before_cut_off(handle: Handle, stages: FakeStages) -> None:
    await stages.until(ActivityName.SUSPEND, 1)
    await send(handle, SignalName.RESUME, "suspension-1")


async def retried_by_hand(handle: Handle, stages: FakeStages) -> None:
    await stages.until(ActivityName.BLOCK, 1)
    await send(handle, SignalName.RETRY_STEP, "retry-1", "ops")


async def cut_off_while_blocked(handle: Handle, stages: FakeStages) -> None:
    await stages.until(ActivityName.BLOCK, 1)
    await tick(handle, MarketEventKind.CUT_OFF)


async def refreshed(handle: Handle, stages: FakeStages) -> None:
    await stages.until(ActivityName.REVIEW, 1)
    await send(handle, SignalName.REFRESH, "decision-1")


async def superseded(handle: Handle, stages: FakeStages) -> None:
    await stages.until(ActivityName.REVIEW, 1)
    await send(handle, SignalName.SUPERSEDE, "attempt-2")


GIVEN_UP = StageOutcome(Stage.ANALYZE, Stage.RECORD, terminal=TerminalState.HELD, code="BLOCKED_ANALYZE")

STORIES = (
    Story(
        "traded_by_the_automated_lane",
        script(
            filter=[AUTOMATED],
            approve=[VERIFIED],
            commit_orders=[COMMITTED],
            close_orders=[FILLED],
            record=[sealed(TerminalState.TRADED, "FULL")],
        ),
        LifecycleOutcome(TerminalState.TRADED, "FULL"),
        (*TO_FILTER, "approve", "trade", "trade-close", "record"),
        orders_are_done,
        {"Stage": "trade"},
    ),
    Story(
        "traded_after_a_review",
        script(
            filter=[TO_REVIEW],
            open_review=[UNDECIDED, APPROVED],
            approve=[VERIFIED],
            commit_orders=[COMMITTED],
            close_orders=[FILLED],
            record=[sealed(TerminalState.TRADED, "FULL")],
        ),
        LifecycleOutcome(TerminalState.TRADED, "FULL"),
        (*TO_FILTER, "review", "review-2", "approve", "trade", "trade-close", "record"),
        approved_by_a_person,
        {"Stage": "trade", "Lane": "REVIEW"},
    ),
    Story(
        "nothing_to_trade",
        script(filter=[QUIET], record=[sealed(TerminalState.NO_TRADE)]),
        LifecycleOutcome(TerminalState.NO_TRADE),
        (*TO_FILTER, "record"),
    ),
    Story(
        "rejected",
        script(filter=[TO_REVIEW], open_review=[UNDECIDED, REJECTED], record=[sealed(TerminalState.REJECTED)]),
        LifecycleOutcome(TerminalState.REJECTED),
        (*TO_FILTER, "review", "review-2", "record"),
        decided,
        {"Stage": "review", "Lane": "REVIEW"},
    ),
    Story(
        "repeated_signals",
        script(
            filter=[TO_REVIEW],
            open_review=[UNDECIDED, UNDECIDED, REJECTED],
            record=[sealed(TerminalState.REJECTED)],
        ),
        LifecycleOutcome(TerminalState.REJECTED),
        (*TO_FILTER, "review", "review-2", "review-3", "record"),
        decided_three_times_over,
    ),
    Story(
        "expired",
        script(filter=[TO_REVIEW], open_review=[UNDECIDED, EXPIRED], record=[sealed(TerminalState.EXPIRED)]),
        LifecycleOutcome(TerminalState.EXPIRED),
        (*TO_FILTER, "review", "review-2", "record"),
        reviews_expire,
    ),
    Story(
        "suspended_until_cut_off",
        script(
            validate=[SUSPENDED_BY_DATA],
            open_suspended=[
                STILL_SUSPENDED,
                StageOutcome(Standstill.SUSPENDED, Stage.RECORD, terminal=TerminalState.SUSPENDED, code="LOT_MISMATCH"),
            ],
            record=[sealed(TerminalState.SUSPENDED, "LOT_MISMATCH")],
        ),
        LifecycleOutcome(TerminalState.SUSPENDED, "LOT_MISMATCH"),
        ("ingest", "validate", "suspended", "suspended-2", "record"),
        cut_off_while_suspended,
        {"Stage": "suspended"},
    ),
    Story(
        "lifted_and_resumed",
        script(
            validate=[SUSPENDED_BY_DATA, VALID],
            open_suspended=[STILL_SUSPENDED, LIFTED],
            filter=[QUIET],
            record=[sealed(TerminalState.NO_TRADE)],
        ),
        LifecycleOutcome(TerminalState.NO_TRADE),
        ("ingest", "validate", "suspended", "suspended-2", "validate-2", "analyze", "filter", "record"),
        lifted_before_cut_off,
    ),
    Story(
        "refreshed_in_review",
        script(
            filter=[TO_REVIEW, QUIET],
            open_review=[UNDECIDED, passes(Stage.REVIEW, Stage.INGEST)],
            record=[sealed(TerminalState.NO_TRADE)],
        ),
        LifecycleOutcome(TerminalState.NO_TRADE),
        (*TO_FILTER, "review", "review-2", "ingest-2", "validate-2", "analyze-2", "filter-2", "record"),
        refreshed,
    ),
    Story(
        "blocked_and_retried",
        script(
            analyze=[refuses("PROPOSAL_REJECTED"), ANALYSED],
            filter=[QUIET],
            record=[sealed(TerminalState.NO_TRADE)],
        ),
        LifecycleOutcome(TerminalState.NO_TRADE),
        ("ingest", "validate", "analyze", "analyze-2", "filter", "record"),
        retried_by_hand,
        {"Stage": "analyze"},
    ),
    Story(
        "blocked_until_cut_off",
        script(
            analyze=[refuses("PROPOSAL_REJECTED")],
            unblock=[GIVEN_UP],
            record=[sealed(TerminalState.HELD, "BLOCKED_ANALYZE")],
        ),
        LifecycleOutcome(TerminalState.HELD, "BLOCKED_ANALYZE"),
        ("ingest", "validate", "analyze", "record"),
        cut_off_while_blocked,
    ),
    Story(
        "superseded",
        script(
            filter=[TO_REVIEW],
            open_review=[UNDECIDED, StageOutcome(Stage.REVIEW, None, code="SUPERSEDED")],
        ),
        LifecycleOutcome(None, "SUPERSEDED"),
        (*TO_FILTER, "review", "review-2"),
        superseded,
    ),
)
