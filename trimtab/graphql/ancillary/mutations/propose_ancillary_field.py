"""Propose a field of the firm's own, another label or other words for one, or that it takes no values any more."""

from datetime import date
from typing import Annotated, Any

import strawberry
from sqlalchemy import Connection

from trimtab.auth.matrix import Operation
from trimtab.db.account_signals import business_date
from trimtab.db.ancillary import ANCILLARY_FIELD, fields_on
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
from trimtab.graphql.answers import Forbidden, IdempotencyKeyReused, InvalidInput, NotFound, kept
from trimtab.graphql.context import Info, RequestContext
from trimtab.graphql.filters.firm_changes import keep_proposal
from trimtab.graphql.four_eyes import propose_once, too_early


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
    answer: ProposeAncillaryFieldResult = await propose_once(
        info, "propose_ancillary_field", Operation.SET_AUTOMATED_TRADING_FILTER, input, _propose
    )
    return answer


def _propose(
    connection: Connection, context: RequestContext, given: ProposeAncillaryFieldInput, change_id: str
) -> AncillaryFieldProposed | InvalidInput:
    today = business_date(connection)
    early = too_early(today, given, "A field", "what was read by then stays")
    if early is not None:
        return early
    field = AncillaryField(
        given.name, given.label, given.type, given.entered_by, given.unit, tuple(given.choices), given.retired
    )
    try:
        require_sound_field(field, fields_on(connection))
    except AncillaryError as error:
        return InvalidInput(code=error.code, message=str(error), field="name")
    wrong = retirement_problem(connection, field, given.effective_from)
    if wrong is not None:
        return InvalidInput(code="FIELD_IN_USE", message=wrong, field="retired")
    value: Any = plain(field)
    keep_proposal(connection, context, change_id, given, ANCILLARY_FIELD, field.name, value)
    return AncillaryFieldProposed(change_id=change_id, field=AncillaryFieldInfo.of(field))
