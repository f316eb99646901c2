"""Reject a proposal, with a reason."""

import strawberry

from trimtab.auth.matrix import Operation
from trimtab.domain.decisions import DecisionKind
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import derived_id
from trimtab.graphql.context import Info
from trimtab.graphql.reviews.settlement import Wish
from trimtab.graphql.reviews.types import DecisionResult, decide_once


@strawberry.input
class RejectInput:
    account_day_id: strawberry.ID
    proposal_hash: str
    version: int
    reason: str
    idempotency_key: str


@guarded_mutation(Operation.REJECT_PROPOSAL, description="Reject the proposal; the account trades nothing today.")
async def reject(info: Info, input: RejectInput) -> DecisionResult:
    wish = Wish(
        kind=DecisionKind.REJECT,
        account_day_id=input.account_day_id,
        decision_id=derived_id(info, "reject", input.idempotency_key),
        reason=input.reason,
        proposal_hash=input.proposal_hash,
        version=input.version,
    )
    return await decide_once(info, "reject", input.idempotency_key, wish, input.reason)
