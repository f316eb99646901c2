"""Where a suspended account-day waits: for the end of its suspension, or for the cut-off."""

from typing import Any

from sqlalchemy import Connection, Row, desc, select

from trimtab.contracts import AccountDayRef, StageOutcome
from trimtab.db.decisions import ANSWERED, lifted_suspensions, open_suspensions, unanswered_decisions
from trimtab.db.runs import is_published
from trimtab.db.stages import StageResult, look_again
from trimtab.db.tables import record
from trimtab.domain.lifecycle import MarketEventKind, Stage, Standstill, TerminalState

_CUT_OFF = (
    MarketEventKind.CUT_OFF,
    MarketEventKind.REVIEW_EXPIRY,
    MarketEventKind.CLOSE,
    MarketEventKind.DAY_END,
)
_ANSWER = "lifted"


def suspended(connection: Connection, ref: AccountDayRef, *, build: str) -> StageOutcome:
    """Back to VALIDATE once what suspended it is lifted, to INGEST or FILTER by a decision; at cut-off SUSPENDED."""
    return look_again(connection, ref, Standstill.SUSPENDED, lambda day: _answer(connection, ref, day), build=build)


def end_suspended(connection: Connection, ref: AccountDayRef, *, build: str) -> StageOutcome:
    """End the account-day as SUSPENDED now: a page's provisional outcome, which needs no lifecycle."""
    return look_again(connection, ref, Standstill.SUSPENDED, lambda day: _ended(connection, ref, day), build=build)


def would_move_from_suspended(connection: Connection, ref: AccountDayRef, day: Row[Any]) -> bool:
    """Whether a look would find an answer; writes nothing."""
    return _answer(connection, ref, day) is not None


def _answer(connection: Connection, ref: AccountDayRef, day: Row[Any]) -> StageResult | None:
    still_open = open_suspensions(connection, ref)
    for row in unanswered_decisions(connection, ref):
        if row.kind == "REFRESH":
            return _on(Stage.INGEST, row.reason, {ANSWERED: row.decision_id, "actor": row.actor})
        if row.kind == "CLEAR" and not still_open:
            return _on(Stage.FILTER, row.reason, {ANSWERED: row.decision_id, "actor": row.actor})
    lifted = lifted_suspensions(connection, ref)
    # Each lifting is answered once: a fault that is still in the data must not send it round and round.
    if lifted and not still_open and lifted != _answered(connection, ref):
        return _on(Stage.VALIDATE, "the suspension was lifted", {_ANSWER: lifted})
    if is_published(connection, ref.run_id, _CUT_OFF):
        return _ended(connection, ref, day)
    return None


def _on(stage: Stage, reason: str, detail: dict[str, Any]) -> StageResult:
    return StageResult(StageOutcome(Standstill.SUSPENDED, stage, reason=reason), detail)


def _answered(connection: Connection, ref: AccountDayRef) -> list[str]:
    answer = record.c.body[_ANSWER]
    rows = (
        select(answer)
        .where(record.c.account_id == ref.account_id, record.c.account_day_id == ref.account_day_id)
        .where(answer.is_not(None))
        .order_by(desc(record.c.seq))
        .limit(1)
    )
    return list(connection.scalar(rows) or [])


def _ended(connection: Connection, ref: AccountDayRef, day: Row[Any]) -> StageResult:
    """SUSPENDED with the code of what suspended it: of the step that led here."""
    code, reason = _cause(connection, ref)
    outcome = StageOutcome(
        Standstill.SUSPENDED,
        Stage.RECORD,
        terminal=TerminalState.SUSPENDED,
        code=code,
        reason=reason or day.waiting_reason or "",
    )
    return StageResult(outcome)


def _cause(connection: Connection, ref: AccountDayRef) -> tuple[str, str]:
    outcome = record.c.body["outcome"]
    rows = (
        select(outcome["code"].astext, outcome["reason"].astext)
        .where(record.c.account_id == ref.account_id, record.c.account_day_id == ref.account_day_id)
        .where(outcome["next"].astext == str(Standstill.SUSPENDED))
        .order_by(desc(record.c.seq))
        .limit(1)
    )
    found = connection.execute(rows).one_or_none()
    return (found[0] or "", found[1] or "") if found is not None else ("", "")
