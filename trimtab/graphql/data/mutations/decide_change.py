"""Approve or reject a proposed change of the firm's data; never one's own."""

from typing import Annotated

import strawberry
from sqlalchemy import Connection

from trimtab.db.data_changes import change_of, decide
from trimtab.db.settings_versions import StaleVersion
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
from trimtab.graphql.data.types import OPERATIONS, DataPart
from trimtab.graphql.four_eyes import undecidable


@strawberry.input
class DecideDataChangeInput:
    change_id: str
    approve: bool = strawberry.field(description="False rejects it.")
    reason: str
    idempotency_key: str


@kept
@strawberry.type(description="The decision stands. An approved change is read from its effective date on.")
class DataChangeDecided:
    change_id: str
    status: str


DecideDataChangeResult = Annotated[
    DataChangeDecided | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="DecideDataChangeResult"),
]


@guarded_mutation(*OPERATIONS, description="Approve or reject another person's change of the firm's data.")
async def decide_data_change(info: Info, input: DecideDataChangeInput) -> DecideDataChangeResult:
    context = info.context
    answer: DecideDataChangeResult = await once(
        info,
        "decide_data_change",
        input.idempotency_key,
        {"change": input.change_id, "approve": input.approve, "reason": input.reason},
        lambda connection: _decide(connection, context, input),
        input.reason,
    )
    return answer


def _decide(
    connection: Connection, context: RequestContext, given: DecideDataChangeInput
) -> DataChangeDecided | NotFound | Forbidden | InvalidInput:
    found = change_of(connection, given.change_id)
    if found is None:
        return not_found("change")
    change, seq = found
    refused = undecidable(context, change, [DataPart[change.kind.name].operation], field="changeId")
    if refused is not None:
        return refused
    try:
        decided = decide(
            connection,
            context.firm_id,
            change,
            seq,
            approve=given.approve,
            actor=context.who.name_in_records,
            reason=given.reason,
        )
    except StaleVersion as stale:
        return InvalidInput(code=stale.code, message=str(stale), field="changeId")
    return DataChangeDecided(change_id=change.change_id, status=decided.status.value)
