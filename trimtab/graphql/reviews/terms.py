"""What an approval given now would cover, what it still needs, and what the person who asks may do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry
from sqlalchemy import Row

from trimtab.auth.decisions import Allowed
from trimtab.auth.matrix import Operation
from trimtab.auth.policy import decide_approval
from trimtab.auth.principal import Subject
from trimtab.domain.decisions import DEFAULT_PRICE_MOVE_LIMIT, POLICY, DecisionKind, DecisionStatus
from trimtab.domain.lifecycle import Lane, MarketEventKind, Stage, Standstill
from trimtab.graphql.context import Info
from trimtab.graphql.history.types import Actor, actor


@strawberry.enum(description="What a person can do about an account-day.")
class ReviewAct(Enum):
    APPROVE = "APPROVE"
    REJECT = "REJECT"
    CLEAR = "CLEAR"
    REFRESH = "REFRESH"
    SUSPEND = "SUSPEND"


@strawberry.type(
    description="What an approval given now would cover: this proposal on this snapshot, each price within the limit, "
    "until reviews expire in business time. Outside of it the approval is void and the account is analysed again."
)
class ApprovalTerms:
    approver_ids: strawberry.Private[Sequence[str]]
    proposal_hash: str
    snapshot_hash: str | None
    version: int
    expires_at: datetime
    price_move_limit: Decimal = strawberry.field(description="Fraction of each price of the proposal.")
    traded_value: Decimal = strawberry.field(description="Dollars bought plus dollars sold.")
    approval_limit: Decimal = strawberry.field(description="Dollars, the firm's: above it a second person approves.")
    approvals_needed: int
    approvals_given: int
    needs_consent: bool = strawberry.field(description="The account's advisor approves, with the client's consent.")
    needs_clearance: bool = strawberry.field(description="Compliance has to end its review first.")

    @strawberry.field(description="Who has approved this very proposal already.")
    async def approved_by(self, info: Info) -> list[Actor]:
        return [await actor(info, one) for one in self.approver_ids]


@dataclass(frozen=True, slots=True)
class Standing:
    """What approvals of an account-day in review depend on."""

    day: Row[Any]
    approver_ids: tuple[str, ...]  # accepted in this visit, of the standing proposal
    persons: frozenset[str]  # behind those approvals: who acted, and for whom
    proposer_ids: frozenset[str]  # persons behind any version of the proposal
    traded_value: Decimal
    approval_limit: Decimal
    discretionary: bool

    @property
    def is_above_limit(self) -> bool:
        return self.traded_value > self.approval_limit


async def standing(info: Info, day: Row[Any], at: datetime | None = None) -> Standing | None:
    """None unless the account-day waits for a decision on a proposal; with `at`, waited then: `day` as known then."""
    waits = day.current and day.terminal_state is None and day.stage == Stage.REVIEW.value
    if not waits or day.proposal_id is None:
        return None
    loaders, firm_id = info.context.loaders, info.context.firm_id
    proposal, account, firm = (
        await loaders.proposal.load(day.proposal_id),
        await loaders.account.load(day.account_id),
        await loaders.firm.load(firm_id),
    )
    if proposal is None or account is None or firm is None:
        return None
    told = await loaders.decisions.load(day.account_day_id)
    approvals = _approvals([row for row in told if at is None or row.recorded_at <= at], day)
    versions = [row for row in await loaders.versions.load(day.account_day_id) if at is None or row.recorded_at <= at]
    return Standing(
        day=day,
        approver_ids=tuple(row.actor for row in approvals),
        persons=frozenset(one for row in approvals for one in (row.actor, row.on_behalf_of) if one is not None),
        proposer_ids=frozenset(row.proposed_by for row in versions) - {POLICY},
        traded_value=sum((Decimal(trade["notional"]) for trade in proposal.body["trades"]), Decimal(0)),
        approval_limit=firm.approval_limit,
        discretionary=bool(account.profile.get("discretionary", True)),
    )


def _approvals(decisions: Sequence[Row[Any]], day: Row[Any]) -> list[Row[Any]]:
    """Accepted ones of this visit of the review and of the proposal that stands."""
    return [
        row
        for row in decisions
        if row.kind == DecisionKind.APPROVE.value
        and row.status == DecisionStatus.ACCEPTED.value
        and row.proposal_hash == day.proposal_hash
        and (row.envelope or {}).get("account_day_version") == day.version
    ]


async def approval_terms(info: Info, day: Row[Any], at: datetime | None = None) -> ApprovalTerms | None:
    """None unless the account-day waits for a decision; with `at`, waited then."""
    found = await standing(info, day, at)
    if found is None:
        return None
    return ApprovalTerms(
        approver_ids=found.approver_ids,
        proposal_hash=day.proposal_hash,
        snapshot_hash=day.snapshot_hash,
        version=day.version,
        expires_at=reviews_expire_at(await info.context.loaders.market_events.load(day.run_id), day),
        price_move_limit=DEFAULT_PRICE_MOVE_LIMIT,
        traded_value=found.traded_value,
        approval_limit=found.approval_limit,
        approvals_needed=2 if found.is_above_limit else 1,
        approvals_given=len(found.approver_ids),
        needs_consent=not found.discretionary,
        needs_clearance=day.lane == Lane.COMPLIANCE.value,
    )


def reviews_expire_at(market_events: Sequence[Row[Any]], day: Row[Any]) -> datetime:
    """In business time: REVIEW_EXPIRY, the close when there is no such event, else the end of the business date."""
    at = {row.kind: row.at for row in market_events}
    end_of_day = datetime.combine(day.business_date + timedelta(days=1), time(), tzinfo=UTC)
    expiry: datetime = at.get(MarketEventKind.REVIEW_EXPIRY.value) or at.get(MarketEventKind.CLOSE.value) or end_of_day
    return expiry


async def permitted_acts(info: Info, day: Row[Any], at: datetime | None = None) -> list[ReviewAct]:
    """What the person who asks may do now, or might have at `at`; the deciding transaction asks the policy again."""
    context = info.context
    if not day.current or day.terminal_state is not None:
        return []
    subject = Subject(firm_id=context.firm_id, advisor_id=day.advisor_id)
    may = {ReviewAct.SUSPEND: Operation.SUSPEND_ACCOUNT}
    if day.stage in (Stage.REVIEW.value, Standstill.SUSPENDED.value):
        may[ReviewAct.REFRESH] = Operation.RUN_ANALYSIS
    found = await standing(info, day, at)
    if found is not None:
        may[ReviewAct.REJECT] = Operation.REJECT_PROPOSAL
    if found is not None and day.lane == Lane.COMPLIANCE.value:
        may[ReviewAct.CLEAR] = Operation.CONDUCT_COMPLIANCE_REVIEW
    acts = {act for act, operation in may.items() if isinstance(context.decide(operation, subject), Allowed)}
    if found is not None and day.lane != Lane.COMPLIANCE.value and _may_approve(info, found):
        acts.add(ReviewAct.APPROVE)
    return [act for act in ReviewAct if act in acts]


def _may_approve(info: Info, found: Standing) -> bool:
    context = info.context
    subject = Subject(
        firm_id=context.firm_id,
        advisor_id=found.day.advisor_id,
        proposed_by=found.proposer_ids,
        approved_by=found.persons,
    )
    now, table = context.services.now(), context.services.table
    if not found.discretionary and not found.is_above_limit:
        return isinstance(context.decide(Operation.APPROVE_NON_DISCRETIONARY, subject), Allowed)
    answer = decide_approval(context.who, subject, above_limit=found.is_above_limit, now=now, table=table)
    return isinstance(answer, Allowed)
