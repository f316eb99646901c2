"""Propose a lane policy: it is run on the last days, and waits for a second person."""

from datetime import date
from typing import Annotated, Any

import strawberry
from sqlalchemy import Connection
from strawberry.scalars import JSON

from trimtab.auth.matrix import Operation
from trimtab.db.account_signals import business_date
from trimtab.db.lane_policies import LANE_POLICY, POLICY_KEY, missing_filters
from trimtab.db.policy_shadow import kept_shadow, shadow
from trimtab.domain.lane_policy import DEFAULT_POLICY, LanePolicyError, json_of_policy, policy_sentences, read_policy
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import Forbidden, IdempotencyKeyReused, InvalidInput, NotFound, kept
from trimtab.graphql.context import Info, RequestContext
from trimtab.graphql.filters.firm_changes import keep_proposal
from trimtab.graphql.four_eyes import propose_once, too_early


@strawberry.input
class ProposeLanePolicyInput:
    policy: JSON | None = strawberry.field(
        description='{"steps": [{"filter" or "condition": name, "lane": lane}, ...]}; null for the starting policy.'
    )
    effective_from: date = strawberry.field(description="The first business date whose run follows it.")
    reason: str
    idempotency_key: str


@kept
@strawberry.type(description="The policy waits for another person's approval; its shadow run is kept with it.")
class LanePolicyProposed:
    change_id: str
    sentences: list[str]
    changed: int = strawberry.field(description="Account-days of the last days whose lane would have been another one.")
    skipped_review: int = strawberry.field(description="Those whose trades would have gone out without a person.")


ProposeLanePolicyResult = Annotated[
    LanePolicyProposed | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="ProposeLanePolicyResult"),
]


@guarded_mutation(
    Operation.SET_AUTOMATED_TRADING_FILTER,
    description="Propose another order of the filters that decide lanes. What would be unsafe is refused at once.",
)
async def propose_lane_policy(info: Info, input: ProposeLanePolicyInput) -> ProposeLanePolicyResult:
    answer: ProposeLanePolicyResult = await propose_once(
        info, "propose_lane_policy", Operation.SET_AUTOMATED_TRADING_FILTER, input, _propose
    )
    return answer


def _propose(
    connection: Connection, context: RequestContext, given: ProposeLanePolicyInput, change_id: str
) -> LanePolicyProposed | InvalidInput:
    today = business_date(connection)
    early = too_early(today, given, "A policy", "lanes that were given stay")
    if early is not None:
        return early
    try:
        policy = DEFAULT_POLICY if given.policy is None else read_policy(given.policy)
    except LanePolicyError as error:
        return InvalidInput(code=error.code, message=str(error), field="policy")
    missing = missing_filters(connection, policy, given.effective_from)
    if missing:
        message = f"The firm has no filter {', '.join(missing)} on every day from then on: propose it first."
        return InvalidInput(code="FILTER_MISSING", message=message, field="policy")
    value: Any = None if given.policy is None else json_of_policy(policy)
    found = shadow(connection, today or given.effective_from, LANE_POLICY, POLICY_KEY, value)
    keep_proposal(connection, context, change_id, given, LANE_POLICY, POLICY_KEY, value, kept_shadow(found))
    return LanePolicyProposed(
        change_id=change_id,
        sentences=list(policy_sentences(policy)),
        changed=found.changed,
        skipped_review=found.skipped_review,
    )
