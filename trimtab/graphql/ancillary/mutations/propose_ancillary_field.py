"""Propose a field of the firm's own, another label or other words for one, or that it takes no values any more."""

from datetime import date
from typing import Annotated, Any

import strawberry
from sqlalchemy import Connection

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Act, Operation
from trimtab.auth.principal import Subject
from trimtab.db.account_signals import business_date
from trimtab.db.ancillary import ANCILLARY_FIELD, fields_on
from trimtab.db.filter_versions import FilterChange, last_filter_seq, propose_filter
from trimtab.domain.ancillary import (
    AncillaryError,
    AncillaryField,
    AncillaryType,
    EnteredBy,
    require_sound_field,
)
from trimtab.domain.fact_fields import Unit
from trimtab.domain.records import plain
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.ancillary.in_use import retirement_problem
from trimtab.graphql.ancillary.types import AncillaryFieldInfo
from trimtab.graphql.answers import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    derived_id,
    forbidden,
    kept,
    once,
)
from trimtab.graphql.context import Info, RequestContext


@strawberry.input
class ProposeAncillaryFieldInput:
    name: str = strawberry.field(description="Small letters, digits and underscores; filters name it `own.` and this.")
    label: str = strawberry.field(description='How sentences call it: it reads well after "the account\'s".')
    type: AncillaryType
    entered_by: EnteredBy
    effective_from: date
    reason: str
    idempotency_key: str
    unit: Unit = Unit.NONE
    choices: list[str] = strawberry.field(default_factory=list, description="The words of a CHOICE.")
    retired: bool = strawberry.field(default=False, description="True: it takes no values any more.")


@kept
@strawberry.type(description="The definition waits for another person's approval.")
class AncillaryFieldProposed:
    change_id: str
    field: AncillaryFieldInfo


ProposeAncillaryFieldResult = Annotated[
    AncillaryFieldProposed | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="ProposeAncillaryFieldResult"),
]


@guarded_mutation(
    Operation.SET_AUTOMATED_TRADING_FILTER,
    description="Propose a field of the firm's own, which its filters and lane policy may then name.",
)
async def propose_ancillary_field(info: Info, input: ProposeAncillaryFieldInput) -> ProposeAncillaryFieldResult:
    context = info.context
    allowed = context.decide(Operation.SET_AUTOMATED_TRADING_FILTER, Subject(context.firm_id), Act.PROPOSE)
    if isinstance(allowed, Denied):
        return forbidden(allowed)
    field = AncillaryField(
        input.name, input.label, input.type, input.entered_by, input.unit, tuple(input.choices), input.retired
    )
    change_id = derived_id(info, "propose_ancillary_field", input.idempotency_key)
    answer: ProposeAncillaryFieldResult = await once(
        info,
        "propose_ancillary_field",
        input.idempotency_key,
        {"field": plain(field), "effective_from": input.effective_from, "reason": input.reason},
        lambda connection: _propose(connection, context, input, field, change_id),
        input.reason,
    )
    return answer


def _propose(
    connection: Connection,
    context: RequestContext,
    given: ProposeAncillaryFieldInput,
    field: AncillaryField,
    change_id: str,
) -> AncillaryFieldProposed | InvalidInput:
    today = business_date(connection)
    if today is not None and given.effective_from < today:
        message = f"A field cannot be defined before the business date {today.isoformat()}."
        return InvalidInput(code="EFFECTIVE_IN_THE_PAST", message=message, field="effectiveFrom")
    try:
        require_sound_field(field, fields_on(connection))
    except AncillaryError as error:
        return InvalidInput(code=error.code, message=str(error), field="name")
    wrong = retirement_problem(connection, field, given.effective_from)
    if wrong is not None:
        return InvalidInput(code="FIELD_IN_USE", message=wrong, field="retired")
    value: Any = plain(field)
    change = FilterChange(
        change_id=change_id,
        name=field.name,
        effective_from=given.effective_from,
        value=value,
        reason=given.reason,
        proposed_by=tuple(sorted(context.who.persons)),
        supersedes=last_filter_seq(connection, ANCILLARY_FIELD, field.name),
        entity=ANCILLARY_FIELD,
    )
    propose_filter(connection, context.firm_id, change)
    return AncillaryFieldProposed(change_id=change_id, field=AncillaryFieldInfo.of(field))
