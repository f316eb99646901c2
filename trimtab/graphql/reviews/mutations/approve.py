"""Approve a proposal: exactly the one that was seen."""

import strawberry

from trimtab.auth.matrix import Operation
from trimtab.domain.decisions import DecisionKind
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import derived_id
from trimtab.graphql.context import Info
from trimtab.graphql.reviews.settlement import Wish
from trimtab.graphql.reviews.types import DecisionResult, decide_once


@strawberry.input
class ApproveInput:
    account_day_id: strawberry.ID
    proposal_hash: str
    version: int
    idempotency_key: str
    client_consent: str = strawberry.field(
        default="", description="Evidence of the client's consent; needed for accounts without discretion."
    )


@guarded_mutation(
    Operation.APPROVE_TRADES,
    Operation.APPROVE_TRADES_ABOVE_LIMIT,
    Operation.APPROVE_NON_DISCRETIONARY,
    description="Approve the proposal with this hash. Above the firm's limit a second person has to approve as well.",
)
async def approve(info: Info, input: ApproveInput) -> DecisionResult:
    wish = Wish(
        kind=DecisionKind.APPROVE,
        account_day_id=input.account_day_id,
        decision_id=derived_id(info, "approve", input.idempotency_key),
        proposal_hash=input.proposal_hash,
        version=input.version,
        consent=input.client_consent,
    )
    return await decide_once(info, "approve", input.idempotency_key, wish)
