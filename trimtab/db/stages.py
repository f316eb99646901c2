"""Stage results: each stage of an account-day is got from its row or computed once.

A stage computes only while the account-day stands at it, and then for an input hash that has no row yet;
otherwise it adopts the row. So a retried, restarted or promoted lifecycle never does its work twice, and a page
and a lifecycle cannot disagree.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, Select, func, insert, select

from trimtab.contracts import AccountDayRef, StageOutcome
from trimtab.db.account_days import SYSTEM_ACTOR, lock_day, move_on, record_kind, stands_at, unpark
from trimtab.db.tables import record, stage_result
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lifecycle import Lane, Place, Stage, Standstill
from trimtab.domain.records import content_hash, plain

_OUTCOMES: TypeAdapter[StageOutcome] = TypeAdapter(StageOutcome)


class OutOfStep(TrimtabError):
    """A stage was asked for that the account-day has neither reached nor passed."""

    code = "OUT_OF_STEP"


@dataclass(frozen=True, slots=True)
class StageResult:
    """What a stage came to. `detail` (ids and hashes) is kept with the stage row and in the record; `changes` are
    columns of the account-day, such as snapshot_hash."""

    outcome: StageOutcome
    detail: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StageRow:
    """One stored result of a stage, or one pass of it."""

    input_hash: str
    outcome: StageOutcome
    detail: Mapping[str, Any]
    changes: Mapping[str, Any]


def adopt(connection: Connection, ref: AccountDayRef, stage: Place) -> StageOutcome | None:
    """The newest result of the stage when the account-day has passed it; None when it is to be computed now.

    Locks the account-day. Raises OutOfStep.
    """
    day = lock_day(connection, ref)
    if stands_at(day, stage):
        return None
    return _passed(connection, ref, day, stage)


def get_or_compute(
    connection: Connection,
    ref: AccountDayRef,
    stage: Place,
    inputs: object,
    compute: Callable[[], StageResult],
    *,
    build: str = "",
    actor: str = SYSTEM_ACTOR,
    seconds: float = 0.0,
) -> StageOutcome:
    """The stage's outcome for `inputs` (any value with a canonical form), computed when no row has it.

    Moves the account-day, and writes the stage row, one record and one event, in the caller's transaction.
    `seconds` is work done before the call, such as a solve. Raises OutOfStep, and whatever `compute` raises.
    """
    started = time.monotonic()
    day = lock_day(connection, ref)
    if not stands_at(day, stage):
        return _passed(connection, ref, day, stage)
    input_hash = content_hash(inputs)
    row = find_result(connection, ref, stage, input_hash)
    if row is None:
        result = compute()
        row = StageRow(input_hash, result.outcome, result.detail, result.changes)
        _store(connection, ref, stage, row, build, seconds + time.monotonic() - started)
    move_on(
        connection, ref, day, row.outcome, input_hash=input_hash, detail=row.detail, changes=row.changes, actor=actor
    )
    return row.outcome


def look_again(
    connection: Connection,
    ref: AccountDayRef,
    place: Place,
    answer: Callable[[Row[Any]], StageResult | None],
    *,
    build: str = "",
    actor: str = SYSTEM_ACTOR,
    seconds: float = 0.0,
) -> StageOutcome:
    """Look whether a place that waits for rows (a decision, a market event, orders) has what it waits for.

    `answer` reads the rows; it is given the locked account-day. None means that it waits on: nothing is written
    then, and the outcome's next is the place itself. Each answer is a pass of its own, since rows change.
    """
    started = time.monotonic()
    day = lock_day(connection, ref)
    if not stands_at(day, place):
        return _passed(connection, ref, day, place)
    result = answer(day)
    if result is None:
        if day.blocked_stage is not None:
            unpark(connection, ref, day)
        return StageOutcome(place, place, lane=Lane(day.lane) if day.lane else None)
    input_hash = content_hash({"pass": visits(connection, ref, place) + 1, "account_day": ref.account_day_id})
    row = StageRow(input_hash, result.outcome, result.detail, result.changes)
    _store(connection, ref, place, row, build, seconds + time.monotonic() - started)
    move_on(
        connection, ref, day, row.outcome, input_hash=input_hash, detail=row.detail, changes=row.changes, actor=actor
    )
    return row.outcome


def visits(connection: Connection, ref: AccountDayRef, stage: Place) -> int:
    """How often the account-day has passed the stage: tells visits apart whose inputs are rows that change."""
    count = select(func.count()).select_from(record).where(*_passes(ref), record.c.kind == record_kind(stage))
    return int(connection.scalar(count) or 0)


def find_result(connection: Connection, ref: AccountDayRef, stage: Place, input_hash: str) -> StageRow | None:
    found = connection.execute(
        select(stage_result).where(*_of(ref, stage), stage_result.c.input_hash == input_hash)
    ).one_or_none()
    return None if found is None else _row(found)


def newest_result(connection: Connection, ref: AccountDayRef, stage: Place) -> StageRow | None:
    """What the account-day's latest pass of the stage came to, None when it has not passed it.

    The record tells, since a result may be adopted by several passes.
    """
    kind = record.c.kind == record_kind(stage)
    return _pass(connection.execute(_newest_first(ref).where(kind)).one_or_none())


def how_it_ended(connection: Connection, ref: AccountDayRef) -> StageRow | None:
    """The latest pass of a stage before RECORD, when it ends the day; else None."""
    places: list[Place] = [stage for stage in Stage if stage is not Stage.RECORD]
    kinds = record.c.kind.in_([record_kind(place) for place in (*places, Standstill.SUSPENDED)])
    row = _pass(connection.execute(_newest_first(ref).where(kinds)).one_or_none())
    return row if row is not None and row.outcome.terminal is not None else None


def _passed(connection: Connection, ref: AccountDayRef, day: Row[Any], stage: Place) -> StageOutcome:
    if not day.current:
        return StageOutcome(stage, None, code="SUPERSEDED", reason="a later attempt has taken over")
    row = newest_result(connection, ref, stage)
    if row is not None:
        return row.outcome
    if day.terminal_state is not None:
        return StageOutcome(stage, None, terminal=day.terminal_state, code=day.terminal_code or "")
    raise OutOfStep(f"account-day {ref.account_day_id} stands at {day.stage} and has no result of {stage}")


def _store(connection: Connection, ref: AccountDayRef, stage: Place, row: StageRow, build: str, seconds: float) -> None:
    result = {"outcome": row.outcome, "detail": row.detail, "changes": row.changes, "seconds": round(seconds, 4)}
    connection.execute(
        insert(stage_result).values(
            firm_id=ref.firm_id,
            run_id=ref.run_id,
            account_id=ref.account_id,
            attempt=ref.attempt,
            stage=str(stage),
            input_hash=row.input_hash,
            result=plain(result),
            build=build,
        )
    )


def _of(ref: AccountDayRef, stage: Place) -> tuple[Any, ...]:
    return (
        stage_result.c.firm_id == ref.firm_id,
        stage_result.c.run_id == ref.run_id,
        stage_result.c.account_id == ref.account_id,
        stage_result.c.attempt == ref.attempt,
        stage_result.c.stage == str(stage),
    )


def _passes(ref: AccountDayRef) -> tuple[Any, ...]:
    return (
        record.c.firm_id == ref.firm_id,
        record.c.account_id == ref.account_id,
        record.c.account_day_id == ref.account_day_id,
    )


def _newest_first(ref: AccountDayRef) -> Select[Any]:
    return select(record.c.body).where(*_passes(ref)).order_by(record.c.seq.desc()).limit(1)


def _pass(found: Row[Any] | None) -> StageRow | None:
    if found is None:
        return None
    body = found.body
    return StageRow(body["input"], _OUTCOMES.validate_python(body["outcome"]), body, {})


def _row(found: Row[Any]) -> StageRow:
    result = found.result
    return StageRow(found.input_hash, _OUTCOMES.validate_python(result["outcome"]), result["detail"], result["changes"])
