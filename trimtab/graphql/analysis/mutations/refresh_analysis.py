"""Analyse an account again, on the newest inputs."""

import strawberry

from trimtab.auth.matrix import Operation
from trimtab.domain.decisions import DecisionKind
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import derived_id
from trimtab.graphql.context import Info
from trimtab.graphql.reviews.settlement import Wish
from trimtab.graphql.reviews.types import DecisionResult, decide_once


@strawberry.input
class RefreshAnalysisInput:
    account_day_id: strawberry.ID
    idempotency_key: str
    reason: str = ""


@guarded_mutation(
    Operation.RUN_ANALYSIS, description="Analyse an account that waits for review, or is suspended, again."
)
async def refresh_analysis(info: Info, input: RefreshAnalysisInput) -> DecisionResult:
    wish = Wish(
        kind=DecisionKind.REFRESH,
        account_day_id=input.account_day_id,
        decision_id=derived_id(info, "refresh_analysis", input.idempotency_key),
        reason=input.reason,
    )
    return await decide_once(info, "refresh_analysis", input.idempotency_key, wish)
