"""Settling a person's decision, in one transaction: who may, what stands, first accepted wins.

Refusals that the record should show (four eyes, stale, too late) are decision rows too. Whoever may not decide at
all leaves no row: the policy refuses before anything is said about the account-day.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from trimtab.auth.decisions import Allowed, DenialReason, Denied
from trimtab.auth.matrix import Operation
from trimtab.auth.policy import decide, decide_approval
from trimtab.auth.policy_table import PolicyTable
from trimtab.auth.principal import Principal, Subject
from trimtab.db.reviews import Case, NewDecision, lock_case, write_decision
from trimtab.domain.accounts import PersonId
from trimtab.domain.decisions import (
    DEFAULT_PRICE_MOVE_LIMIT,
    ApprovalEnvelope,
    Approver,
    DecisionKind,
    OpenDecision,
    refuse,
    refuse_decision,
)
from trimtab.domain.lifecycle import Lane, Stage, Standstill

CONSENT_NEEDED: Final = "CONSENT_NEEDED"
NOT_CLEARED: Final = "NOT_CLEARED"
_RECORDED_DENIALS: Final = frozenset({DenialReason.SELF_APPROVAL, DenialReason.SAME_APPROVER})
_OPERATIONS: Final = {
    DecisionKind.REJECT: Operation.REJECT_PROPOSAL,
    DecisionKind.REFRESH: Operation.RUN_ANALYSIS,
    DecisionKind.CLEAR: Operation.CONDUCT_COMPLIANCE_REVIEW,
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants decided. `version` and `proposal_hash` are those that their page showed.

    A refresh names neither. `consent` is the evidence of the client's consent, for accounts without discretion.
    """

    kind: DecisionKind
    account_day_id: str
    decision_id: str
    reason: str = ""
    proposal_hash: str | None = None
    version: int | None = None
    consent: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """A written decision. `refusal` None is accepted; then `further_approvals` more persons have to approve."""

    decision_id: str
    account_day_id: str
    refusal: str | None
    further_approvals: int


@dataclass(frozen=True, slots=True)
class Asker:
    """Who decides, when, and by which table."""

    principal: Principal
    now: datetime
    table: PolicyTable


def settle(connection: Connection, asker: Asker, wish: Wish) -> Settled | Denied | None:
    """Settle the wish; None when there is no such account-day, Denied when the person may not decide it."""
    case = lock_case(connection, asker.principal.firm_id, wish.account_day_id)
    if case is None:
        return None
    answer = _permitted(asker, wish, case)
    if isinstance(answer, Denied) and answer.reason not in _RECORDED_DENIALS:
        return answer
    refusal = answer.reason.value if isinstance(answer, Denied) else _refusal(asker, wish, case)
    write_decision(connection, case, _row(asker, wish, case, refusal))
    further = answer.further_approvals if isinstance(answer, Allowed) and refusal is None else 0
    return Settled(wish.decision_id, case.ref.account_day_id, refusal, further)


def _permitted(asker: Asker, wish: Wish, case: Case) -> Allowed | Denied:
    subject = Subject(
        firm_id=case.ref.firm_id,
        advisor_id=case.day.advisor_id,
        proposed_by=case.proposed_by,
        approved_by=case.approved_by,
    )
    who, now, table = asker.principal, asker.now, asker.table
    if wish.kind is not DecisionKind.APPROVE:
        return decide(who, _OPERATIONS[wish.kind], subject, now=now, table=table)
    if not case.discretionary and not case.is_above_limit:
        return decide(who, Operation.APPROVE_NON_DISCRETIONARY, subject, now=now, table=table)
    return decide_approval(who, subject, above_limit=case.is_above_limit, now=now, table=table)


def _refusal(asker: Asker, wish: Wish, case: Case) -> str | None:
    """Why a decision of somebody who may decide does not count; None when it does."""
    if wish.kind is DecisionKind.REFRESH:
        waits = case.day.terminal_state is None and case.day.current
        refreshable = case.day.stage in (Standstill.REVIEW, Standstill.SUSPENDED)
        return None if waits and refreshable and not case.is_settled else "NOT_OPEN"
    refused = _by_what_stands(asker, wish, case)
    if refused is not None:
        return refused
    if wish.kind is not DecisionKind.APPROVE:
        return None
    if case.day.lane == Lane.COMPLIANCE:
        return NOT_CLEARED
    return CONSENT_NEEDED if not case.discretionary and not wish.consent.strip() else None


def _by_what_stands(asker: Asker, wish: Wish, case: Case) -> str | None:
    day, seen = _open(case), wish.proposal_hash or ""
    version = -1 if wish.version is None else wish.version
    if wish.kind is not DecisionKind.APPROVE:
        refused = refuse_decision(day, version, seen)
        return refused.value if refused else None
    envelope = ApprovalEnvelope(proposal_hash=seen, account_day_version=version, expires_at=case.expires_at)
    actor, represented = _persons(asker.principal)
    approver = Approver(
        person=PersonId(actor),
        on_behalf_of=PersonId(represented) if represented else None,
        approved_before=frozenset(PersonId(one) for one in case.approved_by),
    )
    refused = refuse(envelope, day, approver, case.business_now)
    return refused.value if refused else None


def _open(case: Case) -> OpenDecision:
    """The account-day as the domain's rules see it: settled, superseded and final ones are open to nobody."""
    day = case.day
    is_open = day.terminal_state is None and day.current and not case.is_settled and day.stage == Stage.REVIEW
    return OpenDecision(
        stage=Stage.REVIEW.value if is_open else "closed",
        version=day.version,
        proposal_hash=day.proposal_hash or "",
        proposed_by=frozenset(PersonId(one) for one in case.proposed_by),
        traded_value=case.traded_value,
        is_suspended=case.is_suspended,
    )


def _persons(principal: Principal) -> tuple[str, str | None]:
    """(who acts, whom they represent)."""
    if principal.actor is not None:
        return principal.actor.person_id, principal.person_id
    return principal.name_in_records, None


def _row(asker: Asker, wish: Wish, case: Case, refusal: str | None) -> NewDecision:
    actor, represented = _persons(asker.principal)
    return NewDecision(
        decision_id=wish.decision_id,
        kind=wish.kind,
        actor=actor,
        actor_roles=tuple(sorted(role.value for role in asker.principal.roles)),
        on_behalf_of=represented,
        refusal=refusal,
        reason=wish.reason or wish.consent,
        proposal_hash=wish.proposal_hash if wish.kind is not DecisionKind.REFRESH else case.day.proposal_hash,
        version=case.day.version if wish.version is None else wish.version,
        price_move_limit=DEFAULT_PRICE_MOVE_LIMIT,
    )
