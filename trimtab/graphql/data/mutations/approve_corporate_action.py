"""Approve the terms of a corporate action as feeds tell them. What a person entered goes through `decideDataChange`."""

from typing import Annotated

import strawberry
from sqlalchemy import Connection

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Act, Operation
from trimtab.auth.principal import Subject
from trimtab.corporate_action_desk import NothingToApprove, OtherVersion, approvable, approve, approved_by
from trimtab.corporate_action_preview import NoSuchEvent
from trimtab.db.account_signals import business_date
from trimtab.db.settings_versions import StaleVersion
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


@strawberry.input
class ApproveCorporateActionInput:
    event_id: str
    version: int = strawberry.field(description="The version that was looked at: another one is refused.")
    reason: str
    idempotency_key: str


@kept
@strawberry.type(description="The approval stands. The night applies a confirmed event from its ex-date on.")
class CorporateActionApproved:
    event_id: str
    state: str = strawberry.field(description="CONFIRMED, or ANNOUNCED while more persons are needed.")
    persons_needed: int = strawberry.field(description="Altogether: one when two sources agree, otherwise two.")
    approved_by: list[str]


ApproveCorporateActionResult = Annotated[
    CorporateActionApproved | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="ApproveCorporateActionResult"),
]


@guarded_mutation(
    Operation.EDIT_SECURITY_MASTER, description="Approve the terms of an event that feeds tell of, each person once."
)
async def approve_corporate_action(info: Info, input: ApproveCorporateActionInput) -> ApproveCorporateActionResult:
    context = info.context
    by_feeds = Subject(context.firm_id, proposed_by=frozenset())  # no person has proposed it
    allowed = context.decide(Operation.EDIT_SECURITY_MASTER, by_feeds, Act.VERIFY)
    if isinstance(allowed, Denied):
        return forbidden(allowed)
    answer: ApproveCorporateActionResult = await once(
        info,
        "approve_corporate_action",
        input.idempotency_key,
        {"event": input.event_id, "version": input.version, "reason": input.reason},
        lambda connection: _approve(connection, context, input),
        input.reason,
    )
    return answer


def _approve(
    connection: Connection, context: RequestContext, given: ApproveCorporateActionInput
) -> CorporateActionApproved | NotFound | InvalidInput:
    on = business_date(connection)
    if on is None:
        return not_found("event")
    persons = tuple(sorted(context.who.persons))
    try:
        event = approvable(connection, on, given.event_id, given.version)
        if not approved_by(connection, on, event).isdisjoint(persons):
            return InvalidInput(code="ALREADY_APPROVED", message="Another person has to approve it.", field="eventId")
        line = approve(connection, context.firm_id, on, event, persons=persons, reason=given.reason)
    except NoSuchEvent:
        return not_found("event")
    except (OtherVersion, NothingToApprove, StaleVersion) as refused:
        return InvalidInput(code=refused.code, message=str(refused), field="eventId")
    return CorporateActionApproved(
        event_id=given.event_id,
        state=line.event.state.value,
        persons_needed=line.event.persons_needed,
        approved_by=list(line.event.approved_by),
    )
