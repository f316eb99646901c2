"""Approvals: what was approved, within which limits, and why an approval does not hold (four eyes, I9).

An approval holds the hash of exactly what the approver saw. It is checked when it is given and again right
before the intents are committed: whatever changed in between voids it.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from trimtab.domain.accounts import PersonId
from trimtab.domain.lifecycle import Stage
from trimtab.domain.securities import SecurityId

POLICY: Final = PersonId("trimtab")
"""Who approves in the automated lane, and who proposes an unedited analysis: the policy itself, no person."""

DEFAULT_PRICE_MOVE_LIMIT: Final = Decimal("0.05")


class DecisionKind(StrEnum):
    APPROVE = "APPROVE"
    REJECT = "REJECT"
    REFRESH = "REFRESH"
    CLEAR = "CLEAR"  # compliance lets the account go on to the remaining filters


class DecisionStatus(StrEnum):
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"


class Refusal(StrEnum):
    """Why a decision does not count, in the order in which it is asked."""

    NOT_OPEN = "NOT_OPEN"  # the account-day does not wait for a decision
    STALE_VERSION = "STALE_VERSION"  # the account-day moved on since the page was read
    STALE_HASH = "STALE_HASH"  # another proposal stands than the one that was seen
    EXPIRED = "EXPIRED"
    SELF_APPROVAL = "SELF_APPROVAL"  # the approver proposed it, in person or through another
    OVER_LIMIT = "OVER_LIMIT"  # a second person has to approve first
    SUSPENDED = "SUSPENDED"
    PRICE_MOVED = "PRICE_MOVED"  # some price left the envelope since the analysis
    DATA_CHANGED = "DATA_CHANGED"  # holdings, settings or target differ from the snapshot


@dataclass(frozen=True, slots=True)
class ApprovalEnvelope:
    """What an approval covers. Outside of it the approval is void and the account is analysed again."""

    proposal_hash: str
    account_day_version: int  # of the row that the approver's page showed
    expires_at: datetime  # business time: the day's REVIEW_EXPIRY or CLOSE
    snapshot_hash: str = ""
    price_move_limit: Decimal = DEFAULT_PRICE_MOVE_LIMIT  # fraction of the price that the analysis used


@dataclass(frozen=True, slots=True)
class OpenDecision:
    """The account-day as the deciding transaction finds it, locked."""

    stage: str
    version: int
    proposal_hash: str
    proposed_by: frozenset[PersonId]  # the proposer, and whoever the proposer acted for
    traded_value: Decimal  # dollars bought plus dollars sold
    is_suspended: bool = False


@dataclass(frozen=True, slots=True)
class Approver:
    """Who decides. `limit` is dollars of traded value that this person may approve; None is without limit."""

    person: PersonId
    limit: Decimal | None = None
    on_behalf_of: PersonId | None = None
    approved_before: frozenset[PersonId] = field(default_factory=frozenset)  # who has approved this very proposal

    @property
    def persons(self) -> Set[PersonId]:
        """Four eyes compare persons: the one who acts and the one who is represented."""
        return {self.person} | ({self.on_behalf_of} if self.on_behalf_of else set())


def refuse(envelope: ApprovalEnvelope, day: OpenDecision, approver: Approver, business_now: datetime) -> Refusal | None:
    """Why an approval does not count when it is given, or None when it does.

    `business_now` is the business clock's instant, never the host's. Over the limit it takes the approval of
    another person who has approved before. An unedited analysis is proposed by the policy, whom anybody but
    the policy may approve.
    """
    if day.stage != Stage.REVIEW:
        return Refusal.NOT_OPEN
    if day.version != envelope.account_day_version:
        return Refusal.STALE_VERSION
    if day.proposal_hash != envelope.proposal_hash:
        return Refusal.STALE_HASH
    if business_now >= envelope.expires_at:
        return Refusal.EXPIRED
    if approver.persons & day.proposed_by:
        return Refusal.SELF_APPROVAL
    if day.is_suspended:
        return Refusal.SUSPENDED
    over_limit = approver.limit is not None and day.traded_value > approver.limit
    if over_limit and not approver.approved_before - approver.persons:
        return Refusal.OVER_LIMIT
    return None


def refuse_decision(day: OpenDecision, version: int, proposal_hash: str) -> Refusal | None:
    """Why a rejection, refresh or clearance does not count; it needs what was seen, but no limit or second person."""
    if day.stage != Stage.REVIEW:
        return Refusal.NOT_OPEN
    if day.version != version:
        return Refusal.STALE_VERSION
    return Refusal.STALE_HASH if day.proposal_hash != proposal_hash else None


def void(
    envelope: ApprovalEnvelope,
    *,
    proposal_hash: str,
    snapshot_hash: str,
    analysis_prices: Mapping[SecurityId, Decimal],
    prices_now: Mapping[SecurityId, Decimal],
    business_now: datetime,
) -> Refusal | None:
    """Why an approval no longer holds right before the intents are committed, or None when it does.

    `analysis_prices` are those of the proposal's trades; a price that is gone counts as moved.
    """
    if proposal_hash != envelope.proposal_hash:
        return Refusal.STALE_HASH
    if envelope.snapshot_hash and snapshot_hash != envelope.snapshot_hash:
        return Refusal.DATA_CHANGED
    if business_now >= envelope.expires_at:
        return Refusal.EXPIRED
    for security_id, price in analysis_prices.items():
        now = prices_now.get(security_id)
        if now is None or abs(now - price) > envelope.price_move_limit * price:
            return Refusal.PRICE_MOVED
    return None
