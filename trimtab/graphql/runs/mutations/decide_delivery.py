"""Take a refused file after all, or leave it aside: one data manager proposes, another carries it out."""

from enum import StrEnum
from typing import Annotated, Any

import strawberry
from sqlalchemy import Connection, Row

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Act, Operation
from trimtab.auth.principal import Subject
from trimtab.db.deliveries import (
    DeliveryMissing,
    propose_decision,
    refused_delivery,
    release_delivery,
    waive_delivery,
)
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    forbidden,
    kept,
    not_found,
    once,
)
from trimtab.graphql.context import Info, RequestContext


@strawberry.enum(description="What is to become of a refused file.")
class DeliveryDecision(StrEnum):
    RELEASE = "RELEASE"  # loaded by the next pass, without the checks that refused it
    WAIVE = "WAIVE"  # left aside for good


@strawberry.input
class DecideDeliveryInput:
    delivery_id: strawberry.ID
    decision: DeliveryDecision
    reason: str
    idempotency_key: str


@kept
@strawberry.type(description="It waits for another data manager, who sends the same decision.")
class DeliveryDecisionProposed:
    delivery_id: strawberry.ID
    decision: str


@kept
@strawberry.type(description="The second person has agreed: the decision stands.")
class DeliveryDecided:
    delivery_id: strawberry.ID
    decision: str


DecideDeliveryResult = Annotated[
    DeliveryDecisionProposed | DeliveryDecided | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="DecideDeliveryResult"),
]


@guarded_mutation(Operation.RELEASE_QUARANTINE, description="Release or waive a refused file; two persons together.")
async def decide_delivery(info: Info, input: DecideDeliveryInput) -> DecideDeliveryResult:
    context = info.context
    answer: DecideDeliveryResult = await once(
        info,
        "decide_delivery",
        input.idempotency_key,
        {"delivery": str(input.delivery_id), "decision": input.decision, "reason": input.reason},
        lambda connection: _decide(connection, context, input),
        input.reason,
    )
    return answer


def _decide(
    connection: Connection, context: RequestContext, given: DecideDeliveryInput
) -> DeliveryDecisionProposed | DeliveryDecided | NotFound | Forbidden | InvalidInput:
    row = refused_delivery(connection, str(given.delivery_id))
    if row is None:
        return not_found("refused delivery")
    proposed = row.detail.get("proposed") or {}
    if proposed.get("decision") != given.decision.value:
        return _propose(connection, context, row, given)
    subject = Subject(context.firm_id, proposed_by=frozenset(proposed["by"]))
    allowed = context.decide(Operation.RELEASE_QUARANTINE, subject, Act.VERIFY)
    if isinstance(allowed, Denied):
        return forbidden(allowed)
    carry_out = release_delivery if given.decision is DeliveryDecision.RELEASE else waive_delivery
    try:
        carry_out(connection, context.firm_id, row.delivery_id, actor=context.who.name_in_records, reason=given.reason)
    except DeliveryMissing as error:
        return InvalidInput(code="NOT_RELEASABLE", message=str(error), field="deliveryId")
    return DeliveryDecided(delivery_id=given.delivery_id, decision=given.decision.value)


def _propose(
    connection: Connection, context: RequestContext, row: Row[Any], given: DecideDeliveryInput
) -> DeliveryDecisionProposed | Forbidden | InvalidInput:
    """The first person's part; another decision takes the place of one that was proposed before."""
    allowed = context.decide(Operation.RELEASE_QUARANTINE, Subject(context.firm_id), Act.PROPOSE)
    if isinstance(allowed, Denied):
        return forbidden(allowed)
    try:
        propose_decision(
            connection,
            context.firm_id,
            row,
            given.decision.value,
            persons=sorted(context.who.persons),
            reason=given.reason,
        )
    except DeliveryMissing as error:
        return InvalidInput(code="NOT_RELEASABLE", message=str(error), field="deliveryId")
    return DeliveryDecisionProposed(delivery_id=given.delivery_id, decision=given.decision.value)
