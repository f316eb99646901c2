"""Compliance has looked: the account goes on in the lane that the remaining filters give."""

import strawberry

from trimtab.auth.matrix import Operation
from trimtab.domain.decisions import DecisionKind
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import derived_id
from trimtab.graphql.context import Info
from trimtab.graphql.reviews.settlement import Wish
from trimtab.graphql.reviews.types import DecisionResult, decide_once


@strawberry.input
class ClearComplianceInput:
    account_day_id: strawberry.ID
    proposal_hash: str
    version: int
    reason: str
    idempotency_key: str


@guarded_mutation(
    Operation.CONDUCT_COMPLIANCE_REVIEW, description="End the compliance review; the remaining filters choose the lane."
)
async def clear_compliance(info: Info, input: ClearComplianceInput) -> DecisionResult:
    wish = Wish(
        kind=DecisionKind.CLEAR,
        account_day_id=input.account_day_id,
        decision_id=derived_id(info, "clear_compliance", input.idempotency_key),
        reason=input.reason,
        proposal_hash=input.proposal_hash,
        version=input.version,
    )
    return await decide_once(info, "clear_compliance", input.idempotency_key, wish, input.reason)
