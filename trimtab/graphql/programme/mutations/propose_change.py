"""Propose a change of the programme: it waits for a second person."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, cast

import strawberry
from sqlalchemy import Connection
from strawberry.scalars import JSON

from trimtab.auth.matrix import Operation
from trimtab.db.account_signals import business_date
from trimtab.db.programme import (
    Change,
    followers,
    last_seq,
    propose,
    reached,
    read_programme,
    require_holds_together,
    with_change,
)
from trimtab.db.settings_versions import newest_seq
from trimtab.db.variant_limits import beyond_limits, newest_risk_model
from trimtab.domain.asset_allocations import InvalidProgramme
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import Forbidden, IdempotencyKeyReused, InvalidInput, NotFound, kept
from trimtab.graphql.context import Info, RequestContext
from trimtab.graphql.four_eyes import propose_once, too_early
from trimtab.graphql.programme.types import ProgrammePart
from trimtab.graphql.shadow.running import run_when_new


@strawberry.input
class ProposeProgrammeChangeInput:
    part: ProgrammePart
    key: str = strawberry.field(description="The id of the allocation, product set or variant.")
    value: JSON | None = strawberry.field(description="What is to hold, whole; null withdraws it.")
    effective_from: date = strawberry.field(description="The first business date on which accounts follow it.")
    reason: str
    idempotency_key: str


@kept
@strawberry.type(description="The change waits for another person's approval.")
class ProgrammeChangeProposed:
    change_id: str
    models_reached: int = strawberry.field(description="Allocations and variants whose targets may change.")
    accounts_reached: int = strawberry.field(description="Accounts that follow one of them.")
    beyond_limits: list[str] = strawberry.field(description="What goes beyond the customisation limits (row 5).")


ProposeProgrammeChangeResult = Annotated[
    ProgrammeChangeProposed | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="ProposeProgrammeChangeResult"),
]


@guarded_mutation(
    Operation.SET_ASSET_ALLOCATION,
    Operation.SET_APPROVED_PRODUCTS,
    Operation.SET_CUSTOMISATION_LIMITS,
    Operation.PUBLISH_MODELS,
    description="Propose an allocation, products, a variant or limits. What could not be followed is refused at once.",
)
async def propose_programme_change(info: Info, input: ProposeProgrammeChangeInput) -> ProposeProgrammeChangeResult:
    answer: ProposeProgrammeChangeResult = await propose_once(
        info, "propose_programme_change", input.part.operation, input, _propose
    )
    if isinstance(answer, ProgrammeChangeProposed):
        await run_when_new(info, answer.change_id)
    return answer


def _propose(
    connection: Connection, context: RequestContext, given: ProposeProgrammeChangeInput, change_id: str
) -> ProgrammeChangeProposed | InvalidInput:
    if given.part is ProgrammePart.PROVIDER_MODEL:
        message = "A provider's model is proposed by sending it: uploadProviderModel, or its file."
        return InvalidInput(code="NOT_PROPOSED_HERE", message=message, field="part")
    early = too_early(business_date(connection), given, "A change", "what was followed stays")
    if early is not None:
        return early
    kind, value = given.part.kind, cast("Mapping[str, Any] | None", given.value)
    change = Change(
        change_id=change_id,
        kind=kind,
        key=given.key,
        effective_from=given.effective_from,
        value=value,
        reason=given.reason,
        proposed_by=tuple(sorted(context.who.persons)),
        supersedes=last_seq(connection, kind, given.key),
    )
    programme = read_programme(connection, given.effective_from, newest_seq(connection))
    try:
        changed = with_change(programme, change)
        require_holds_together(changed, kind, given.key)
    except InvalidProgramme as wrong:
        return InvalidInput(code=wrong.code, message=str(wrong), field="value")
    names = reached(programme, kind, given.key) | reached(changed, kind, given.key)
    by_risk = any(each.risk_deviation is not None for each in changed.limits.values())
    risk_model = newest_risk_model(connection) if by_risk else None
    beyond = [
        said
        for said in beyond_limits(changed, names, risk_model)
        if said not in beyond_limits(programme, names, risk_model)
    ]
    propose(connection, context.firm_id, replace(change, beyond=tuple(beyond)))
    return ProgrammeChangeProposed(
        change_id=change.change_id,
        models_reached=len(names),
        accounts_reached=followers(connection, names),
        beyond_limits=beyond,
    )
