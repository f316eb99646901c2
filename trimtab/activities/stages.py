"""The stages as activities: thin classes, one for each thing that they need, around functions of one transaction."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, select
from temporalio import activity

from trimtab.activities.analyze import AnalysisJob, prepare_analysis, store_analysis
from trimtab.activities.approve import approve
from trimtab.activities.blocked import block, give_up
from trimtab.activities.close_orders import close_orders
from trimtab.activities.commit_orders import commit_orders
from trimtab.activities.edge import Edge, StepFault, Subject
from trimtab.activities.filter import FrozenInputs, filter_lane
from trimtab.activities.ingest import ingest
from trimtab.activities.inputs import Inputs
from trimtab.activities.record import record_day
from trimtab.activities.release import release
from trimtab.activities.review import review
from trimtab.activities.solver import SolveFault, SolverPool
from trimtab.activities.suspended import suspended
from trimtab.activities.validate import validate
from trimtab.contracts import (
    TRADING_OVER,
    AccountDayRef,
    ActivityName,
    BlockedStep,
    EventRef,
    StageOutcome,
)
from trimtab.db.runs import is_published
from trimtab.db.tables import intent
from trimtab.domain.lifecycle import MarketEventKind, Stage, Standstill
from trimtab.domain.orders import IntentStatus


def subject(ref: AccountDayRef) -> Subject:
    """Whom a step of the account-day is for."""
    return Subject(ref.firm_id, ref.account_id, ref.business_date)


class StageActivities:
    """The stages that need the database alone."""

    def __init__(self, edge: Edge, inputs: Inputs, frozen: FrozenInputs) -> None:
        self._edge = edge
        self._inputs = inputs
        self._frozen = frozen

    @activity.defn(name=ActivityName.INGEST)
    async def ingest(self, ref: AccountDayRef) -> StageOutcome:
        return await self._of_inputs(ref, ingest, self._inputs)

    @activity.defn(name=ActivityName.VALIDATE)
    async def validate(self, ref: AccountDayRef) -> StageOutcome:
        return await self._of_inputs(ref, validate, self._inputs)

    @activity.defn(name=ActivityName.FILTER)
    async def filter(self, ref: AccountDayRef) -> StageOutcome:
        return await self._of_inputs(ref, filter_lane, self._frozen)

    @activity.defn(name=ActivityName.APPROVE)
    async def approve(self, ref: AccountDayRef) -> StageOutcome:
        return await self._of_inputs(ref, approve, self._frozen)

    @activity.defn(name=ActivityName.REVIEW)
    async def open_review(self, ref: AccountDayRef) -> StageOutcome:
        return await self._of_day(ref, review)

    @activity.defn(name=ActivityName.SUSPEND)
    async def open_suspended(self, ref: AccountDayRef) -> StageOutcome:
        return await self._of_day(ref, suspended)

    @activity.defn(name=ActivityName.RECORD)
    async def record(self, ref: AccountDayRef) -> StageOutcome:
        return await self._of_day(ref, record_day)

    @activity.defn(name=ActivityName.BLOCK)
    async def block(self, step: BlockedStep) -> StageOutcome:
        return await self._edge.in_transaction(subject(step.ref), lambda c: block(c, step))

    @activity.defn(name=ActivityName.UNBLOCK)
    async def unblock(self, step: BlockedStep) -> StageOutcome:
        return await self._edge.in_transaction(subject(step.ref), lambda c: give_up(c, step.ref, step.stage))

    async def _of_inputs(self, ref: AccountDayRef, stage: Callable[..., StageOutcome], inputs: object) -> StageOutcome:
        return await self._edge.in_transaction(subject(ref), lambda c: stage(c, ref, inputs, build=self._edge.build))

    async def _of_day(self, ref: AccountDayRef, stage: Callable[..., StageOutcome]) -> StageOutcome:
        return await self._edge.in_transaction(subject(ref), lambda c: stage(c, ref, build=self._edge.build))


class AnalysisActivities:
    """The stage that solves."""

    def __init__(self, edge: Edge, inputs: Inputs, solver: SolverPool) -> None:
        self._edge = edge
        self._inputs = inputs
        self._solver = solver

    @activity.defn(name=ActivityName.ANALYZE)
    async def analyze(self, ref: AccountDayRef) -> StageOutcome:
        async with self._edge.guard(subject(ref)):
            return await self.analyze_account(ref)

    async def analyze_account(self, ref: AccountDayRef) -> StageOutcome:
        """Read, solve, write: two transactions, and between them no lock is held."""
        job = await self._edge.transact(ref.firm_id, lambda c: prepare_analysis(c, ref, self._inputs))
        if not isinstance(job, AnalysisJob):
            return job
        solved = await self._solver.solve(job.solve)
        if isinstance(solved, SolveFault):
            raise StepFault(solved.error_class, solved.code, solved.message)
        return await self._edge.transact(
            ref.firm_id, lambda c: store_analysis(c, ref, job, solved, build=self._edge.build)
        )


class OrderActivities:
    """The trade stage's two halves, and releases."""

    def __init__(self, edge: Edge, broker: str) -> None:
        self._edge = edge
        self._broker = broker

    @activity.defn(name=ActivityName.COMMIT_ORDERS)
    async def commit_orders(self, ref: AccountDayRef) -> StageOutcome:
        return await self._edge.in_transaction(subject(ref), lambda c: _commit(c, ref, self._edge.build))

    @activity.defn(name=ActivityName.CLOSE_ORDERS)
    async def close_orders(self, ref: AccountDayRef) -> StageOutcome:
        return await self._edge.in_transaction(subject(ref), lambda c: _close(c, ref, self._edge.build))

    @activity.defn(name=ActivityName.RELEASE)
    async def release(self, event: EventRef) -> int:
        """Releases the run's pending intents as blocks; returns how many blocks."""
        whom = Subject(event.run.firm_id, f"run/{event.run.run_id}", event.run.business_date, is_day=True)
        return await self._edge.in_transaction(whom, lambda c: release(c, event.run, self._broker))


def _commit(connection: Connection, ref: AccountDayRef, build: str) -> StageOutcome:
    """Says at once when there is nothing to wait for: a lifecycle that was started again may come late."""
    outcome = commit_orders(connection, ref, build=build)
    if outcome.next == Standstill.TRADE and _is_over(connection, ref):
        return StageOutcome(Stage.TRADE, Standstill.TRADE, code=TRADING_OVER)
    return outcome


def _close(connection: Connection, ref: AccountDayRef, build: str) -> StageOutcome:
    """Waits on until the orders have come to their end: a signal alone proves nothing."""
    if not _is_over(connection, ref):
        return StageOutcome(Stage.TRADE, Standstill.TRADE)
    return close_orders(connection, ref, build=build)


def _is_over(connection: Connection, ref: AccountDayRef) -> bool:
    """Whether the broker works on none of the orders, and none can be released any more."""
    statuses = set(connection.scalars(select(intent.c.status).where(intent.c.account_day_id == ref.account_day_id)))
    if IntentStatus.RELEASED in statuses:
        return False
    over = (MarketEventKind.CLOSE, MarketEventKind.DAY_END)
    return IntentStatus.PENDING not in statuses or is_published(connection, ref.run_id, over)


def bound(*classes: Any) -> list[Callable[..., Any]]:
    """The activities of the instances, for a worker."""
    names = {name for each in classes for name in dir(type(each))}
    methods = [getattr(each, name) for each in classes for name in sorted(names) if hasattr(each, name)]
    return [method for method in methods if hasattr(method, "__temporal_activity_definition")]
