"""Decisions on proposals, the suspensions that bar them, and which of them a lifecycle has answered."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, or_, select

from trimtab.contracts import AccountDayRef
from trimtab.db.tables import decision, proposal, record, suspension

ACCEPTED = "ACCEPTED"
ANSWERED = "decision_id"
"""The key under which a pass of the record names the decision that it answered."""


def unanswered_decisions(connection: Connection, ref: AccountDayRef) -> list[Row[Any]]:
    """Accepted decisions on the account-day that no pass has answered yet, oldest first."""
    rows = select(decision).where(
        decision.c.account_day_id == ref.account_day_id,
        decision.c.status == ACCEPTED,
        decision.c.decision_id.not_in(_answered(ref)),
    )
    return list(connection.execute(rows.order_by(decision.c.recorded_at, decision.c.decision_id)))


def _answered(ref: AccountDayRef) -> Any:  # Any: a scalar subquery
    answer = record.c.body[ANSWERED].astext
    return select(answer).where(
        record.c.firm_id == ref.firm_id,
        record.c.account_id == ref.account_id,
        record.c.account_day_id == ref.account_day_id,
        answer.is_not(None),
    )


def accepted_approvals(connection: Connection, ref: AccountDayRef, proposal_hash: str) -> list[Row[Any]]:
    """Accepted approvals of exactly this proposal, oldest first."""
    rows = select(decision).where(
        decision.c.account_day_id == ref.account_day_id,
        decision.c.kind == "APPROVE",
        decision.c.status == ACCEPTED,
        decision.c.proposal_hash == proposal_hash,
    )
    return list(connection.execute(rows.order_by(decision.c.recorded_at, decision.c.decision_id)))


def is_cleared(connection: Connection, ref: AccountDayRef, proposal_hash: str | None) -> bool:
    """Whether compliance has cleared this very proposal."""
    rows = select(decision.c.decision_id).where(
        decision.c.account_day_id == ref.account_day_id,
        decision.c.kind == "CLEAR",
        decision.c.status == ACCEPTED,
        decision.c.proposal_hash == proposal_hash,
    )
    return connection.execute(rows.limit(1)).one_or_none() is not None


def write_policy_approval(connection: Connection, ref: AccountDayRef, proposal_hash: str, actor: str) -> str:
    """The automated lane's own approval row; returns its id. Only the newest of a proposal counts."""
    number = connection.scalar(
        select(func.count()).select_from(decision).where(decision.c.account_day_id == ref.account_day_id)
    )
    decision_id = f"{ref.account_day_id}-policy-{number}"
    connection.execute(
        insert(decision).values(
            firm_id=ref.firm_id,
            decision_id=decision_id,
            account_day_id=ref.account_day_id,
            account_id=ref.account_id,
            kind="APPROVE",
            proposal_hash=proposal_hash,
            actor=actor,
            actor_roles=[],
            status=ACCEPTED,
            reason="the firm's automated-trading filter wants it",
        )
    )
    return decision_id


def open_suspensions(connection: Connection, ref: AccountDayRef) -> list[Row[Any]]:
    """Suspensions of the account or of the whole firm that nobody has lifted, oldest first."""
    rows = select(suspension).where(_covers(ref), suspension.c.lifted_by.is_(None))
    return list(connection.execute(rows.order_by(suspension.c.recorded_at, suspension.c.suspension_id)))


def lifted_suspensions(connection: Connection, ref: AccountDayRef) -> list[str]:
    """Ids of suspensions of the account or the firm that were lifted on the business date."""
    rows = select(suspension.c.suspension_id).where(
        _covers(ref), suspension.c.lifted_by.is_not(None), suspension.c.lifted_on >= ref.business_date
    )
    return list(connection.scalars(rows.order_by(suspension.c.suspension_id)))


def _covers(ref: AccountDayRef) -> ColumnElement[bool]:
    return or_(
        and_(suspension.c.scope == "ACCOUNT", suspension.c.scope_id == ref.account_id),
        and_(suspension.c.scope == "FIRM", suspension.c.scope_id == ref.firm_id),
    )


# --- proposals ----------------------------------------------------------------------------------------------------


def stored_proposal(connection: Connection, ref: AccountDayRef, content_hash: str) -> Row[Any] | None:
    """The account-day's proposal with this content, None when there is none."""
    return connection.execute(
        select(proposal)
        .where(proposal.c.account_day_id == ref.account_day_id, proposal.c.content_hash == content_hash)
        .order_by(proposal.c.version)
        .limit(1)
    ).one_or_none()


def write_proposal(
    connection: Connection, ref: AccountDayRef, content_hash: str, input_hash: str, body: Any, proposed_by: str
) -> str:
    """Store a proposal as the account-day's next version and return its id; equal content keeps its id."""
    known = stored_proposal(connection, ref, content_hash)
    if known is not None:
        return str(known.proposal_id)
    newest = connection.scalar(
        select(func.max(proposal.c.version)).where(proposal.c.account_day_id == ref.account_day_id)
    )
    version = (newest or 0) + 1
    proposal_id = f"{ref.account_day_id}-p{version}"
    connection.execute(
        insert(proposal).values(
            firm_id=ref.firm_id,
            proposal_id=proposal_id,
            account_day_id=ref.account_day_id,
            account_id=ref.account_id,
            version=version,
            content_hash=content_hash,
            input_hash=input_hash,
            body=body,
            proposed_by=proposed_by,
        )
    )
    return proposal_id


def answers(rows: Sequence[Row[Any]]) -> dict[str, str]:
    """The record's mark that a pass answered the newest of the decisions."""
    return {ANSWERED: rows[-1].decision_id} if rows else {}
