"""Approve or reject a proposed field; never one's own."""

from typing import Annotated, Final

import strawberry
from sqlalchemy import Connection

from trimtab.auth.matrix import Operation
from trimtab.db.ancillary import ANCILLARY_FIELD, fields_on, read_field
from trimtab.db.filter_versions import FilterChange
from trimtab.domain.ancillary import AncillaryError, require_sound_field
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.ancillary.in_use import retirement_problem
from trimtab.graphql.answers import Forbidden, IdempotencyKeyReused, InvalidInput, NotFound, kept
from trimtab.graphql.context import Info
from trimtab.graphql.filters.firm_changes import deciding
from trimtab.graphql.four_eyes import ChangeDecided, ChangeDecision, decide_once


@strawberry.input
class DecideAncillaryFieldInput(ChangeDecision):
    pass


@kept
@strawberry.type(description="The decision stands. An approved field takes values and is known to filters.")
class AncillaryFieldDecided(ChangeDecided):
    pass


DecideAncillaryFieldResult = Annotated[
    AncillaryFieldDecided | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="DecideAncillaryFieldResult"),
]


@guarded_mutation(
    Operation.SET_AUTOMATED_TRADING_FILTER, description="Approve or reject another person's field of the firm's own."
)
async def decide_ancillary_field(info: Info, input: DecideAncillaryFieldInput) -> DecideAncillaryFieldResult:
    mutation = "decide_ancillary_field"
    answer: DecideAncillaryFieldResult = await decide_once(info, mutation, input, _DECIDING, AncillaryFieldDecided)
    return answer


def _problem(connection: Connection, change: FilterChange) -> str | None:
    """Another field may have taken the label since, or a filter have named the one that retires."""
    field = read_field(change.value)
    try:
        require_sound_field(field, fields_on(connection))
    except AncillaryError as error:
        return str(error)
    return retirement_problem(connection, field, change.effective_from)


_DECIDING: Final = deciding(ANCILLARY_FIELD, _problem)
