"""Parking a step that failed, and giving it up when its time is over. A step never fails its lifecycle."""

from typing import Any, Final

from sqlalchemy import Connection, Row, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from trimtab.contracts import AccountDayRef, BlockedStep, StageOutcome
from trimtab.db.account_days import SYSTEM_ACTOR, lock_day, move_on, park, record_kind, stands_at, tell
from trimtab.db.alerts import raise_alert
from trimtab.db.records import append_record
from trimtab.db.runs import is_published
from trimtab.db.stages import newest_result
from trimtab.db.tables import blocked_step, intent
from trimtab.domain.lifecycle import MarketEventKind, Place, Stage, Standstill, TerminalState
from trimtab.domain.records import content_hash

RUNBOOK: Final = {
    "deterministic": "Fix what the error names (data, settings or a defect), then send retry_step.",
    "transient": "Wait for the dependency; the step retries by itself, retry_step retries at once.",
    "unknown": "Look at the worker's log for this workflow id; retry_step after the cause is gone.",
}
_ENDING: Final = (
    MarketEventKind.CUT_OFF,
    MarketEventKind.REVIEW_EXPIRY,
    MarketEventKind.CLOSE,
    MarketEventKind.DAY_END,
)
_NEVER_GIVEN_UP: Final = frozenset({Stage.RECORD})


def block(connection: Connection, step: BlockedStep) -> StageOutcome:
    """Mark the account-day as blocked in the step, with one alert; the outcome's next is BLOCKED.

    When the account-day has moved on meanwhile, the outcome says where to.
    """
    ref, stage = step.ref, step.stage
    day = lock_day(connection, ref)
    if not stands_at(day, stage):
        passed = newest_result(connection, ref, stage)
        return passed.outcome if passed is not None else StageOutcome(stage, None, terminal=day.terminal_state)
    _count(connection, step)
    if day.stage != Standstill.BLOCKED:
        park(connection, ref, stage, step.message)
        _write(connection, step, day)
    return StageOutcome(stage, Standstill.BLOCKED, code=step.error_type, reason=runbook(step.error_class))


def _count(connection: Connection, step: BlockedStep) -> None:
    row = upsert(blocked_step).values(
        firm_id=step.ref.firm_id,
        account_day_id=step.ref.account_day_id,
        stage=str(step.stage),
        error_type=step.error_type,
        error_class=step.error_class,
        message=step.message,
        runbook=runbook(step.error_class),
        tries=step.tries,
    )
    changed = ("error_type", "error_class", "message", "runbook", "tries")
    connection.execute(
        row.on_conflict_do_update(
            index_elements=["firm_id", "account_day_id", "stage"],
            set_={name: row.excluded[name] for name in changed} | {"resolved": False},
        )
    )


def _write(connection: Connection, step: BlockedStep, day: Row[Any]) -> None:
    ref = step.ref
    body = {
        "stage": step.stage,
        "error_type": step.error_type,
        "error_class": step.error_class,
        "message": step.message,
        "run": ref.run_id,
        "attempt": ref.attempt,
    }
    append_record(
        connection,
        ref.firm_id,
        ref.account_id,
        record_kind(Standstill.BLOCKED),
        body,
        business_date=ref.business_date,
        actor=SYSTEM_ACTOR,
        account_day_id=ref.account_day_id,
    )
    tell(connection, ref, day, "BLOCKED", body | {"next": Standstill.BLOCKED})
    raise_alert(
        connection,
        ref.firm_id,
        cause=f"BLOCKED_{step.error_type}",
        scope=str(step.stage),
        business_date=ref.business_date,
        severity="ERROR",
        message=f"{step.stage} is blocked by {step.error_type}, first in account {ref.account_id}: {step.message}",
    )


def give_up(connection: Connection, ref: AccountDayRef, stage: Place) -> StageOutcome:
    """End a blocked step as HELD(BLOCKED_<stage>) once the clock has passed its time; else it stays blocked.

    A trade whose orders were committed is never given up here: only the broker's state ends it. Nor is RECORD,
    which has nothing to end.
    """
    day = lock_day(connection, ref)
    if not stands_at(day, stage):
        passed = newest_result(connection, ref, stage)
        return passed.outcome if passed is not None else StageOutcome(stage, None, terminal=day.terminal_state)
    over = is_published(connection, ref.run_id, _ENDING)
    if not over or stage in _NEVER_GIVEN_UP or (stage is Stage.TRADE and _committed(connection, ref)):
        return StageOutcome(stage, Standstill.BLOCKED)
    outcome = _ending(stage, f"{stage} was blocked until its time was over: {day.waiting_reason}")
    input_hash = content_hash({"blocked": ref.account_day_id, "stage": stage, "version": day.version})
    move_on(connection, ref, day, outcome, input_hash=input_hash, detail={}, changes={})
    return outcome


def _ending(place: Place, reason: str) -> StageOutcome:
    """A wait that cannot be looked at ends as the wait would; every other step is HELD."""
    terminal, code = TerminalState.HELD, f"BLOCKED_{place.name}"
    if place == Stage.REVIEW:
        terminal, code = TerminalState.EXPIRED, ""
    if place == Standstill.SUSPENDED:
        terminal, code = TerminalState.SUSPENDED, "BLOCKED_SUSPENDED"
    return StageOutcome(place, Stage.RECORD, terminal=terminal, code=code, reason=reason)


def runbook(error_class: str) -> str:
    """One line for whoever sees the blocked step."""
    return RUNBOOK.get(error_class, RUNBOOK["unknown"])


def _committed(connection: Connection, ref: AccountDayRef) -> bool:
    rows = select(func.count()).select_from(intent).where(intent.c.account_day_id == ref.account_day_id)
    return bool(connection.scalar(rows))
