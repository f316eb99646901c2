"""Account-days: where each account of a run stands, and the only functions that move one.

A move, its record and its event are rows of one transaction (I5).
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from trimtab.contracts import AccountDayRef, StageOutcome, account_day_id, lifecycle_workflow_id
from trimtab.db.events import emit
from trimtab.db.records import append_record
from trimtab.db.tables import account, account_day, blocked_step, event
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lifecycle import Place, Stage, Standstill, TerminalState
from trimtab.domain.records import plain

SYSTEM_ACTOR = "trimtab"
"""Who acts where no person does."""

ATTEMPT_OPENED = "ATTEMPT_OPENED"
"""The kind of the record of a day's second attempt and later ones."""

STANDING_STILL = (Standstill.REVIEW, Standstill.SUSPENDED, Standstill.TRADE, Standstill.BLOCKED)


class AccountDayMissing(TrimtabError):
    """The account-day that a step names does not exist in its firm."""

    code = "ACCOUNT_DAY_MISSING"


def lock_day(connection: Connection, ref: AccountDayRef) -> Row[Any]:
    """The account-day's row with its account's advisor, household and current run; the day is locked.

    Raises AccountDayMissing.
    """
    rows = (
        select(account_day, account.c.advisor_id, account.c.household_id, account.c.current_run)
        .join(
            account, (account.c.firm_id == account_day.c.firm_id) & (account.c.account_id == account_day.c.account_id)
        )
        .where(account_day.c.firm_id == ref.firm_id, account_day.c.account_day_id == ref.account_day_id)
        .with_for_update(of=account_day)
    )
    row = connection.execute(rows).one_or_none()
    if row is None:
        raise AccountDayMissing(f"there is no account-day {ref.account_day_id}")
    return row


def stands_at(day: Row[Any], stage: Place) -> bool:
    """Whether the stage is what the account-day waits for: it stands there, or is blocked in it."""
    if day.terminal_state is not None or not day.current:
        return False
    if day.stage == Standstill.BLOCKED:
        return bool(day.blocked_stage == stage)
    return bool(day.stage == stage)


def move_on(
    connection: Connection,
    ref: AccountDayRef,
    day: Row[Any],
    outcome: StageOutcome,
    *,
    input_hash: str,
    detail: Mapping[str, Any],
    changes: Mapping[str, Any],
    actor: str = SYSTEM_ACTOR,
) -> None:
    """Move a locked account-day to where `outcome` says, with one record and one event.

    `changes` are further columns of the account-day. After RECORD the day is final: that alone sets its
    terminal state.
    """
    final = outcome.stage is Stage.RECORD and outcome.next is None
    values: dict[str, Any] = {
        "stage": str(Stage.RECORD if outcome.next is None else outcome.next),
        "lane": day.lane if outcome.lane is None else str(outcome.lane),
        "blocked_stage": None,
        "waiting_reason": outcome.reason or None if outcome.next in (Standstill.REVIEW, Standstill.SUSPENDED) else None,
        **changes,
    }
    if final and outcome.terminal is not None:
        values |= {
            "terminal_state": str(outcome.terminal),
            "terminal_code": outcome.code or None,
            "terminal_reason": outcome.reason or None,
        }
    _update(connection, ref, values)
    if day.stage == Standstill.BLOCKED:
        resolve_blocked(connection, ref, str(day.blocked_stage))
    body = {"outcome": outcome, "input": input_hash, "run": ref.run_id, "attempt": ref.attempt, **detail}
    append_record(
        connection,
        ref.firm_id,
        ref.account_id,
        record_kind(outcome.stage),
        body,
        business_date=ref.business_date,
        actor=actor,
        account_day_id=ref.account_day_id,
    )
    tell(connection, ref, day, "ACCOUNT_DAY_FINAL" if final else "STAGE_CHANGED", _shown(outcome, values))


def record_kind(stage: Place) -> str:
    """The kind of the record of one pass of a stage."""
    return f"STAGE_{stage.name}"


def _shown(outcome: StageOutcome, values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "stage": outcome.stage,
        "next": values["stage"],
        "lane": values["lane"],
        "terminal_state": outcome.terminal,
        "code": outcome.code,
        "reason": outcome.reason,
    }


def tell(connection: Connection, ref: AccountDayRef, day: Row[Any], kind: str, body: Mapping[str, Any]) -> None:
    """Emit one event about the account-day."""
    emit(
        connection,
        ref.firm_id,
        kind,
        business_date=ref.business_date,
        account_id=ref.account_id,
        account_day_id=ref.account_day_id,
        advisor_id=day.advisor_id,
        body=body,
    )


def unpark(connection: Connection, ref: AccountDayRef, day: Row[Any]) -> None:
    """Return a locked, blocked account-day to the place it was blocked in: the step works again and still waits."""
    _update(connection, ref, {"stage": day.blocked_stage, "blocked_stage": None, "waiting_reason": None})
    resolve_blocked(connection, ref, str(day.blocked_stage))
    tell(connection, ref, day, "STAGE_CHANGED", {"stage": Standstill.BLOCKED, "next": day.blocked_stage})


def park(connection: Connection, ref: AccountDayRef, stage: Place, reason: str) -> None:
    """Mark a locked account-day as blocked in `stage`."""
    _update(connection, ref, {"stage": str(Standstill.BLOCKED), "blocked_stage": str(stage), "waiting_reason": reason})


def resolve_blocked(connection: Connection, ref: AccountDayRef, stage: str) -> None:
    connection.execute(
        update(blocked_step)
        .where(
            blocked_step.c.firm_id == ref.firm_id,
            blocked_step.c.account_day_id == ref.account_day_id,
            blocked_step.c.stage == stage,
        )
        .values(resolved=True)
    )


def _update(connection: Connection, ref: AccountDayRef, values: Mapping[str, Any]) -> None:
    connection.execute(
        update(account_day)
        .where(account_day.c.firm_id == ref.firm_id, account_day.c.account_day_id == ref.account_day_id)
        .values(**values, version=account_day.c.version + 1, updated_at=func.clock_timestamp())
    )


# --- opening and closing days -----------------------------------------------------------------------------------


def lock_accounts(connection: Connection, household_ids: Sequence[str]) -> list[Row[Any]]:
    """The accounts of whole households, locked in id order, as every transaction over several accounts does."""
    return list(
        connection.execute(
            select(account)
            .where(account.c.household_id.in_(household_ids))
            .order_by(account.c.account_id)
            .with_for_update()
        )
    )


def open_days(
    connection: Connection, firm_id: str, run: str, on: date, accounts: Sequence[Row[Any]]
) -> list[AccountDayRef]:
    """The accounts' first attempts of the day; those that exist already are left as they are.

    Returns the refs of the attempts that are current, in the accounts' order.
    """
    known = _current_attempts(connection, on, [row.account_id for row in accounts])
    new = [row for row in accounts if row.account_id not in known]
    refs = [_ref(firm_id, run, row.account_id, on, known.get(row.account_id, 1)) for row in accounts]
    if new:
        fresh = [_ref(firm_id, run, row.account_id, on, 1) for row in new]
        connection.execute(insert(account_day), [_opened(ref) for ref in fresh])
        connection.execute(insert(event), [_opening(ref, row.advisor_id) for ref, row in zip(fresh, new, strict=True)])
    return refs


def open_next_attempt(connection: Connection, ref: AccountDayRef, reason: str) -> bool:
    """A further attempt of an account's day that has ended, with a record of why; False when one has taken over.

    Raises AccountDayMissing.
    """
    day = lock_day(connection, ref)
    if not day.current or day.terminal_state is None:
        return False
    following = _ref(ref.firm_id, ref.run_id, ref.account_id, ref.business_date, ref.attempt + 1)
    _update(connection, ref, {"current": False})
    connection.execute(insert(account_day).values(_opened(following)))
    connection.execute(insert(event).values(_opening(following, day.advisor_id)))
    append_record(
        connection,
        ref.firm_id,
        ref.account_id,
        ATTEMPT_OPENED,
        {"run": ref.run_id, "attempt": following.attempt, "reason": reason, "supersedes": ref.account_day_id},
        business_date=ref.business_date,
        actor=SYSTEM_ACTOR,
        account_day_id=following.account_day_id,
    )
    return True


def _current_attempts(connection: Connection, on: date, account_ids: Sequence[str]) -> dict[str, int]:
    rows = select(account_day.c.account_id, account_day.c.attempt).where(
        account_day.c.business_date == on, account_day.c.current, account_day.c.account_id.in_(account_ids)
    )
    return {row.account_id: row.attempt for row in connection.execute(rows)}


def _ref(firm_id: str, run: str, account_id: str, on: date, attempt: int) -> AccountDayRef:
    return AccountDayRef(firm_id, run, account_day_id(account_id, on, attempt), account_id, on, attempt)


def _opened(ref: AccountDayRef) -> dict[str, Any]:
    return {
        "firm_id": ref.firm_id,
        "account_day_id": ref.account_day_id,
        "run_id": ref.run_id,
        "account_id": ref.account_id,
        "business_date": ref.business_date,
        "attempt": ref.attempt,
        "workflow_id": lifecycle_workflow_id(ref.firm_id, ref.account_id, ref.business_date, ref.attempt),
        "stage": str(Stage.INGEST),
    }


def _opening(ref: AccountDayRef, advisor_id: str) -> dict[str, Any]:
    return {
        "firm_id": ref.firm_id,
        "kind": "ACCOUNT_DAY_OPENED",
        "business_date": ref.business_date,
        "account_id": ref.account_id,
        "account_day_id": ref.account_day_id,
        "advisor_id": advisor_id,
        "body": plain({"stage": Stage.INGEST}),
    }


def open_refs(
    connection: Connection,
    firm_id: str,
    *,
    run: str | None = None,
    before: date | None = None,
    account_ids: Sequence[str] | None = None,
) -> list[AccountDayRef]:
    """The current account-days that are not final, of one run, of the days before one, or of some accounts."""
    rows = select(account_day).where(account_day.c.current, account_day.c.terminal_state.is_(None))
    if run is not None:
        rows = rows.where(account_day.c.run_id == run)
    if before is not None:
        rows = rows.where(account_day.c.business_date < before)
    if account_ids is not None:
        rows = rows.where(account_day.c.account_id.in_(account_ids))
    found = connection.execute(rows.order_by(account_day.c.business_date, account_day.c.account_id))
    return [ref_of(firm_id, row) for row in found]


def ref_of(firm_id: str, row: Row[Any]) -> AccountDayRef:
    """The ref of an account-day's row."""
    return AccountDayRef(firm_id, row.run_id, row.account_day_id, row.account_id, row.business_date, row.attempt)


def left_open_as(stage: str, blocked_stage: str | None) -> tuple[TerminalState, str]:
    """How a day that its own end left open is closed by the next one (architecture: Yesterday)."""
    if stage == Standstill.REVIEW:
        return TerminalState.EXPIRED, ""
    if stage == Standstill.SUSPENDED:
        return TerminalState.SUSPENDED, "LEFT_OPEN"
    return TerminalState.HELD, f"BLOCKED_{(blocked_stage or stage).upper()}"
