"""Approve or reject a proposed change of the programme; never one's own."""

from dataclasses import replace
from typing import Annotated

import strawberry
from sqlalchemy import Connection

from trimtab.auth.matrix import Operation
from trimtab.db.account_signals import business_date
from trimtab.db.hub_models import to_publish
from trimtab.db.programme import (
    Change,
    ChangeStatus,
    ProgrammeKind,
    change_of,
    decide,
    read_programme,
    require_holds_together,
    with_change,
)
from trimtab.db.settings_versions import StaleVersion, newest_seq
from trimtab.domain.asset_allocations import InvalidProgramme
from trimtab.domain.hub.contracts import fees_differ
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    kept,
    not_found,
    once,
)
from trimtab.graphql.context import Info, RequestContext
from trimtab.graphql.four_eyes import undecidable
from trimtab.graphql.programme.types import ProgrammePart


@strawberry.input
class DecideProgrammeChangeInput:
    change_id: str
    approve: bool = strawberry.field(description="False rejects it.")
    reason: str
    idempotency_key: str


@kept
@strawberry.type(description="The decision stands. An approved change is followed from its effective date on.")
class ProgrammeChangeDecided:
    change_id: str
    status: str


DecideProgrammeChangeResult = Annotated[
    ProgrammeChangeDecided | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="DecideProgrammeChangeResult"),
]


@guarded_mutation(
    Operation.SET_ASSET_ALLOCATION,
    Operation.SET_APPROVED_PRODUCTS,
    Operation.SET_CUSTOMISATION_LIMITS,
    Operation.PUBLISH_MODELS,
    description="Approve or reject another person's change of the programme.",
)
async def decide_programme_change(info: Info, input: DecideProgrammeChangeInput) -> DecideProgrammeChangeResult:
    context = info.context
    answer: DecideProgrammeChangeResult = await once(
        info,
        "decide_programme_change",
        input.idempotency_key,
        {"change": input.change_id, "approve": input.approve, "reason": input.reason},
        lambda connection: _decide(connection, context, input),
        input.reason,
    )
    return answer


def _decide(
    connection: Connection, context: RequestContext, given: DecideProgrammeChangeInput
) -> ProgrammeChangeDecided | NotFound | Forbidden | InvalidInput:
    found = change_of(connection, given.change_id)
    if found is None:
        return not_found("change")
    change, seq = found
    operation = ProgrammePart(change.kind.value).operation
    refused = undecidable(context, change, [operation, *_further(connection, change)], field="changeId")
    if refused is not None:
        return refused
    status = ChangeStatus.APPROVED if given.approve else ChangeStatus.REJECTED
    is_model = change.kind is ProgrammeKind.PROVIDER_MODEL
    decided = replace(change, status=status, decided_by=context.who.name_in_records, decision_reason=given.reason)
    try:
        if given.approve and is_model:
            decided = to_publish(connection, decided, business_date(connection))
        if given.approve:  # the rest of the programme may have changed since it was proposed
            programme = read_programme(connection, change.effective_from, newest_seq(connection))
            require_holds_together(with_change(programme, change), change.kind, change.key)
        decide(connection, context.firm_id, decided, seq)
    except (InvalidProgramme, StaleVersion) as wrong:
        return InvalidInput(code=wrong.code, message=str(wrong), field="changeId")
    return ProgrammeChangeDecided(change_id=change.change_id, status=status.value)


def _further(connection: Connection, change: Change) -> list[Operation]:
    """What the approver must be allowed besides: what is beyond the limits, and the fees of a contract (row 38)."""
    if change.beyond:
        return [Operation.EXCEED_CUSTOMISATION_LIMITS]
    if change.kind is not ProgrammeKind.CONTRACT:
        return []
    before = read_programme(connection, change.effective_from, newest_seq(connection))
    after = with_change(before, change)
    changed = fees_differ(before.contracts.get(change.key), after.contracts.get(change.key))
    return [Operation.SET_FEE_SCHEDULE] if changed else []
