"""Approve or reject a proposed field; never one's own."""

from typing import Annotated

import strawberry
from sqlalchemy import Connection

from trimtab.auth.matrix import Operation
from trimtab.db.ancillary import ANCILLARY_FIELD, fields_on, read_field
from trimtab.db.filter_versions import FilterChange, FilterChangeStatus
from trimtab.domain.ancillary import AncillaryError, require_sound_field
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.ancillary.in_use import retirement_problem
from trimtab.graphql.answers import Forbidden, IdempotencyKeyReused, InvalidInput, NotFound, kept, once
from trimtab.graphql.context import Info
from trimtab.graphql.filters.deciding import Decision, decided


@strawberry.input
class DecideAncillaryFieldInput:
    change_id: str
    approve: bool = strawberry.field(description="False rejects it.")
    reason: str
    idempotency_key: str


@kept
@strawberry.type(description="The decision stands. An approved field takes values and is known to filters.")
class AncillaryFieldDecided:
    change_id: str
    status: str


DecideAncillaryFieldResult = Annotated[
    AncillaryFieldDecided | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="DecideAncillaryFieldResult"),
]


@guarded_mutation(
    Operation.SET_AUTOMATED_TRADING_FILTER, description="Approve or reject another person's field of the firm's own."
)
async def decide_ancillary_field(info: Info, input: DecideAncillaryFieldInput) -> DecideAncillaryFieldResult:
    context = info.context
    wanted = Decision(ANCILLARY_FIELD, input.change_id, input.approve, input.reason)

    def work(connection: Connection) -> AncillaryFieldDecided | NotFound | Forbidden | InvalidInput:
        answer = decided(connection, context, wanted, _problem)
        if isinstance(answer, FilterChangeStatus):
            return AncillaryFieldDecided(change_id=input.change_id, status=answer.value)
        return answer

    answer: DecideAncillaryFieldResult = await once(
        info,
        "decide_ancillary_field",
        input.idempotency_key,
        {"change": input.change_id, "approve": input.approve, "reason": input.reason},
        work,
        input.reason,
    )
    return answer


def _problem(connection: Connection, change: FilterChange) -> str | None:
    """Another field may have taken the label since, or a filter have named the one that retires."""
    field = read_field(change.value)
    try:
        require_sound_field(field, fields_on(connection))
    except AncillaryError as error:
        return str(error)
    return retirement_problem(connection, field, change.effective_from)
