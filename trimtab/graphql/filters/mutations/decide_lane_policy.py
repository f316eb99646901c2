"""Approve or reject a proposed lane policy; never one's own."""

from typing import Annotated, Final

import strawberry
from sqlalchemy import Connection

from trimtab.auth.matrix import Operation
from trimtab.db.filter_versions import FilterChange
from trimtab.db.lane_policies import LANE_POLICY, missing_filters
from trimtab.domain.lane_policy import DEFAULT_POLICY, read_policy
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import Forbidden, IdempotencyKeyReused, InvalidInput, NotFound, kept
from trimtab.graphql.context import Info
from trimtab.graphql.filters.firm_changes import deciding
from trimtab.graphql.four_eyes import ChangeDecided, ChangeDecision, decide_once


@strawberry.input
class DecideLanePolicyInput(ChangeDecision):
    pass


@kept
@strawberry.type(description="The decision stands. An approved policy is followed by the runs from its date on.")
class LanePolicyDecided(ChangeDecided):
    pass


DecideLanePolicyResult = Annotated[
    LanePolicyDecided | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="DecideLanePolicyResult"),
]


@guarded_mutation(Operation.SET_AUTOMATED_TRADING_FILTER, description="Approve or reject another person's lane policy.")
async def decide_lane_policy(info: Info, input: DecideLanePolicyInput) -> DecideLanePolicyResult:
    answer: DecideLanePolicyResult = await decide_once(info, "decide_lane_policy", input, _DECIDING, LanePolicyDecided)
    return answer


def _problem(connection: Connection, change: FilterChange) -> str | None:
    policy = DEFAULT_POLICY if change.value is None else read_policy(change.value)
    missing = missing_filters(connection, policy, change.effective_from)
    return f"The firm has no filter {', '.join(missing)} any more: propose it again." if missing else None


_DECIDING: Final = deciding(LANE_POLICY, _problem)
