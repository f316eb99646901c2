"""The transaction in which a person's decision is settled: what it locks, what it reads, what it writes.

Decisions count for the visit of the review in which they were made: their envelope names the version of the
account-day, which changes whenever the day moves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from trimtab.contracts import AccountDayRef, Signal, SignalName
from trimtab.db.account_days import lock_day, tell
from trimtab.db.account_days import ref_of as ref_of_row
from trimtab.db.decisions import open_suspensions
from trimtab.db.events import signal
from trimtab.db.records import append_record
from trimtab.db.tables import account, account_day, decision, firm, market_event, proposal, run_input
from trimtab.domain.decisions import POLICY, ApprovalEnvelope, DecisionKind, DecisionStatus
from trimtab.domain.lifecycle import MarketEventKind
from trimtab.domain.records import plain

_BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Case:
    """One account-day as the deciding transaction finds it, locked."""

    ref: AccountDayRef
    day: Row[Any]
    discretionary: bool
    proposed_by: frozenset[str]  # persons behind any version of the proposal; empty: the policy alone
    traded_value: Decimal  # dollars bought plus dollars sold by the standing proposal
    approval_limit: Decimal  # dollars, the firm's
    decisions: Sequence[Row[Any]]  # accepted in this visit, oldest first
    is_suspended: bool
    business_now: datetime  # of the business clock
    expires_at: datetime
    market_hash: str | None

    @property
    def approvals(self) -> list[Row[Any]]:
        """Accepted approvals of the standing proposal."""
        kind, digest = DecisionKind.APPROVE, self.day.proposal_hash
        return [row for row in self.decisions if row.kind == kind and row.proposal_hash == digest]

    @property
    def approved_by(self) -> frozenset[str]:
        """Every person behind an accepted approval."""
        return frozenset(
            person for row in self.approvals for person in (row.actor, row.on_behalf_of) if person is not None
        )

    @property
    def is_above_limit(self) -> bool:
        """Whether it takes a second person."""
        return self.traded_value > self.approval_limit

    @property
    def is_settled(self) -> bool:
        """Whether an accepted decision stands already: the first one wins."""
        others = any(row.kind != DecisionKind.APPROVE for row in self.decisions)
        return others or len(self.approvals) >= (2 if self.is_above_limit else 1)


@dataclass(frozen=True, slots=True)
class NewDecision:
    """A decision to be written. `actor` acts; `on_behalf_of` is the person that an administrator represents."""

    decision_id: str
    kind: DecisionKind
    actor: str
    actor_roles: tuple[str, ...]
    on_behalf_of: str | None
    refusal: str | None
    reason: str
    proposal_hash: str | None
    version: int
    price_move_limit: Decimal | None = None


def find_day(connection: Connection, firm_id: str, account_day_id: str) -> AccountDayRef | None:
    """The ref of an account-day, None when the firm has none of this id."""
    row = connection.execute(select(account_day).where(account_day.c.account_day_id == account_day_id)).one_or_none()
    return None if row is None else ref_of_row(firm_id, row)


def lock_case(connection: Connection, firm_id: str, account_day_id: str) -> Case | None:
    """Lock the account-day and read what a decision on it depends on; None when there is none of this id."""
    ref = find_day(connection, firm_id, account_day_id)
    if ref is None:
        return None
    day = lock_day(connection, ref)
    business_now, expires_at = _clock(connection, ref)
    return Case(
        ref=ref,
        day=day,
        discretionary=_is_discretionary(connection, ref),
        proposed_by=_proposers(connection, ref),
        traded_value=_traded_value(connection, day.proposal_id),
        approval_limit=Decimal(connection.scalar(select(firm.c.approval_limit)) or 0),
        decisions=_of_this_visit(connection, ref, day.version),
        is_suspended=bool(open_suspensions(connection, ref)),
        business_now=business_now,
        expires_at=expires_at,
        market_hash=_market_hash(connection, ref),
    )


def write_decision(connection: Connection, case: Case, new: NewDecision) -> None:
    """Write the decision, accepted or refused, its record and its event; an accepted one tells the lifecycle."""
    ref, status = case.ref, DecisionStatus.REFUSED if new.refusal else DecisionStatus.ACCEPTED
    envelope = _envelope(case, new)
    connection.execute(
        insert(decision).values(
            firm_id=ref.firm_id,
            decision_id=new.decision_id,
            account_day_id=ref.account_day_id,
            account_id=ref.account_id,
            kind=new.kind.value,
            proposal_hash=new.proposal_hash,
            actor=new.actor,
            actor_roles=list(new.actor_roles),
            on_behalf_of=new.on_behalf_of,
            status=status.value,
            refusal=new.refusal,
            reason=new.reason,
            envelope=envelope,
        )
    )
    # The name `decision_id` in a record means "answered by a stage": this one says what was decided.
    body = {
        "decision": new.decision_id,
        "kind": new.kind,
        "status": status,
        "refusal": new.refusal,
        "reason": new.reason,
        "actor_roles": list(new.actor_roles),
        "on_behalf_of": new.on_behalf_of,
        "envelope": envelope,
    }
    append_record(
        connection,
        ref.firm_id,
        ref.account_id,
        "DECISION",
        body,
        business_date=ref.business_date,
        actor=new.actor,
        account_day_id=ref.account_day_id,
    )
    told = {name: body[name] for name in ("decision", "kind", "status", "refusal")} | {"actor": new.actor}
    tell(connection, ref, case.day, "DECISION_MADE", told)
    if status is DecisionStatus.ACCEPTED:
        name = SignalName.REFRESH if new.kind is DecisionKind.REFRESH else SignalName.DECIDE
        signal(connection, ref.firm_id, ref.workflow_id, name, Signal(new.decision_id, new.kind.value))


def _envelope(case: Case, new: NewDecision) -> dict[str, Any]:
    """What the decision covers; an approval also says within which prices and data."""
    seen: dict[str, Any] = {"proposal_hash": new.proposal_hash, "account_day_version": new.version}
    if new.kind is DecisionKind.APPROVE and new.price_move_limit is not None:
        covered = ApprovalEnvelope(
            proposal_hash=new.proposal_hash or "",
            account_day_version=new.version,
            expires_at=case.expires_at,
            snapshot_hash=case.day.snapshot_hash or "",
            price_move_limit=new.price_move_limit,
        )
        market = {"market": case.market_hash} if case.market_hash else {}
        seen = {**dict(plain(covered)), **market, "snapshot": case.day.snapshot_hash}  # type: ignore[call-overload]
    return seen


def _is_discretionary(connection: Connection, ref: AccountDayRef) -> bool:
    profile = connection.scalar(select(account.c.profile).where(account.c.account_id == ref.account_id))
    return bool((profile or {}).get("discretionary", True))


def _proposers(connection: Connection, ref: AccountDayRef) -> frozenset[str]:
    rows = select(proposal.c.proposed_by).where(proposal.c.account_day_id == ref.account_day_id).distinct()
    return frozenset(connection.scalars(rows)) - {POLICY}


def _traded_value(connection: Connection, proposal_id: str | None) -> Decimal:
    if proposal_id is None:
        return Decimal(0)
    body = connection.scalar(select(proposal.c.body).where(proposal.c.proposal_id == proposal_id))
    return sum((Decimal(trade["notional"]) for trade in (body or {}).get("trades", ())), Decimal(0))


def _of_this_visit(connection: Connection, ref: AccountDayRef, version: int) -> list[Row[Any]]:
    rows = select(decision).where(
        decision.c.account_day_id == ref.account_day_id,
        decision.c.status == DecisionStatus.ACCEPTED.value,
        decision.c.envelope["account_day_version"].astext == str(version),
    )
    return list(connection.execute(rows.order_by(decision.c.recorded_at, decision.c.decision_id)))


def _clock(connection: Connection, ref: AccountDayRef) -> tuple[datetime, datetime]:
    """The business clock's instant, and when reviews of the run expire: the close when it has no such event."""
    at = market_event.c.at
    row = connection.execute(
        select(
            func.max(at).filter(market_event.c.published_at.is_not(None)).label("now"),
            func.min(at).filter(market_event.c.kind == MarketEventKind.REVIEW_EXPIRY.value).label("expiry"),
            func.min(at).filter(market_event.c.kind == MarketEventKind.CLOSE.value).label("close"),
        ).where(market_event.c.run_id == ref.run_id)
    ).one()
    end_of_day = datetime.combine(ref.business_date + timedelta(days=1), time(), tzinfo=UTC)
    return row.now or _BEGINNING, row.expiry or row.close or end_of_day


def _market_hash(connection: Connection, ref: AccountDayRef) -> str | None:
    found: str | None = connection.scalar(
        select(run_input.c.content_hash).where(
            run_input.c.run_id == ref.run_id, run_input.c.kind == "market", run_input.c.key == ""
        )
    )
    return found
