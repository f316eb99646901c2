"""Approve or reject a proposed lane policy; never one's own."""

from typing import Annotated

import strawberry
from sqlalchemy import Connection

from trimtab.auth.matrix import Operation
from trimtab.db.filter_versions import FilterChange, FilterChangeStatus
from trimtab.db.lane_policies import LANE_POLICY, missing_filters
from trimtab.domain.lane_policy import DEFAULT_POLICY, read_policy
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import Forbidden, IdempotencyKeyReused, InvalidInput, NotFound, kept, once
from trimtab.graphql.context import Info
from trimtab.graphql.filters.deciding import Decision, decided


@strawberry.input
class DecideLanePolicyInput:
    change_id: str
    approve: bool = strawberry.field(description="False rejects it.")
    reason: str
    idempotency_key: str


@kept
@strawberry.type(description="The decision stands. An approved policy is followed by the runs from its date on.")
class LanePolicyDecided:
    change_id: str
    status: str


DecideLanePolicyResult = Annotated[
    LanePolicyDecided | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="DecideLanePolicyResult"),
]


@guarded_mutation(Operation.SET_AUTOMATED_TRADING_FILTER, description="Approve or reject another person's lane policy.")
async def decide_lane_policy(info: Info, input: DecideLanePolicyInput) -> DecideLanePolicyResult:
    context = info.context
    wanted = Decision(LANE_POLICY, input.change_id, input.approve, input.reason)

    def work(connection: Connection) -> LanePolicyDecided | NotFound | Forbidden | InvalidInput:
        answer = decided(connection, context, wanted, _problem)
        if isinstance(answer, FilterChangeStatus):
            return LanePolicyDecided(change_id=input.change_id, status=answer.value)
        return answer

    answer: DecideLanePolicyResult = await once(
        info,
        "decide_lane_policy",
        input.idempotency_key,
        {"change": input.change_id, "approve": input.approve, "reason": input.reason},
        work,
        input.reason,
    )
    return answer


def _problem(connection: Connection, change: FilterChange) -> str | None:
    policy = DEFAULT_POLICY if change.value is None else read_policy(change.value)
    missing = missing_filters(connection, policy, change.effective_from)
    return f"The firm has no filter {', '.join(missing)} any more: propose it again." if missing else None
