"""The review stage: looks whether a decision, a suspension or the clock has ended the wait."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from trimtab.contracts import AccountDayRef, StageOutcome
from trimtab.db.decisions import ANSWERED, accepted_approvals, open_suspensions, unanswered_decisions
from trimtab.db.runs import firm_row, is_published
from trimtab.db.stages import StageResult, look_again, newest_result
from trimtab.db.tables import account_day, proposal
from trimtab.domain.lifecycle import MarketEventKind, Stage, Standstill, TerminalState

_EXPIRED_BY: Final = (MarketEventKind.REVIEW_EXPIRY, MarketEventKind.CLOSE, MarketEventKind.DAY_END)


def review(connection: Connection, ref: AccountDayRef, *, build: str) -> StageOutcome:
    """Approve goes on to APPROVE, reject ends REJECTED, expiry ends EXPIRED, refresh goes back to INGEST.

    Clearing by compliance goes back to FILTER, for the lane that the remaining filters give, and so does a revised
    proposal. An open suspension leads to where the account waits for its end.
    """
    return look_again(connection, ref, Stage.REVIEW, lambda day: _answer(connection, ref, day), build=build)


def would_move_from_review(connection: Connection, ref: AccountDayRef, day: Row[Any]) -> bool:
    """Whether a look would find an answer; writes nothing."""
    return _answer(connection, ref, day) is not None


def _answer(connection: Connection, ref: AccountDayRef, day: Row[Any]) -> StageResult | None:
    decided = _decided(connection, ref, day, unanswered_decisions(connection, ref))
    if decided is not None:
        return decided
    suspended = open_suspensions(connection, ref)
    if suspended:
        outcome = StageOutcome(Stage.REVIEW, Standstill.SUSPENDED, code=suspended[0].code, reason=suspended[0].reason)
        return StageResult(outcome, {"suspension": suspended[0].suspension_id})
    if is_published(connection, ref.run_id, _EXPIRED_BY):
        reason = "nobody decided before reviews expired"
        return StageResult(StageOutcome(Stage.REVIEW, Stage.RECORD, terminal=TerminalState.EXPIRED, reason=reason))
    return _revised(connection, ref, day)


def _decided(
    connection: Connection, ref: AccountDayRef, day: Row[Any], decisions: Sequence[Row[Any]]
) -> StageResult | None:
    """The first decision that leads on. What counts is the row: who may decide was checked when it was accepted."""
    for row in decisions:
        outcome = _led_to(connection, ref, day, row)
        if outcome is not None:
            return StageResult(outcome, {ANSWERED: row.decision_id, "actor": row.actor, "decision": row.kind})
    return None


def _led_to(connection: Connection, ref: AccountDayRef, day: Row[Any], row: Row[Any]) -> StageOutcome | None:
    match row.kind:
        case "REJECT":
            return StageOutcome(Stage.REVIEW, Stage.RECORD, terminal=TerminalState.REJECTED, reason=row.reason)
        case "REFRESH":
            return StageOutcome(Stage.REVIEW, Stage.INGEST, reason=row.reason)
        case "CLEAR" if row.proposal_hash == day.proposal_hash:
            return StageOutcome(Stage.REVIEW, Stage.FILTER, reason=row.reason)
        case "APPROVE" if _enough_approvals(connection, ref, day):
            return StageOutcome(Stage.REVIEW, Stage.APPROVE, reason=row.reason)
        case _:
            return None


def _enough_approvals(connection: Connection, ref: AccountDayRef, day: Row[Any]) -> bool:
    persons = {row.actor for row in accepted_approvals(connection, ref, day.proposal_hash)}
    return len(persons) >= approvals_needed(connection, ref)


def approvals_needed(connection: Connection, ref: AccountDayRef) -> int:
    """Two different persons above the firm's limit of dollars traded, else one (authorization rows 16 and 17)."""
    standing = (
        select(proposal.c.body["trades"])
        .join(account_day, account_day.c.proposal_id == proposal.c.proposal_id)
        .where(account_day.c.account_day_id == ref.account_day_id)
    )
    trades = connection.scalar(standing) or ()
    traded = sum((Decimal(trade["notional"]) for trade in trades), Decimal(0))
    return 2 if traded > firm_row(connection, ref.firm_id).approval_limit else 1


def _revised(connection: Connection, ref: AccountDayRef, day: Row[Any]) -> StageResult | None:
    """A proposal that was edited since the filters saw it goes through them again."""
    filtered = newest_result(connection, ref, Stage.FILTER)
    if filtered is None or filtered.detail.get("proposal") == day.proposal_hash:
        return None
    return StageResult(StageOutcome(Stage.REVIEW, Stage.FILTER, reason="the proposal was revised"))
