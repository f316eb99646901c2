"""Propose a change of the firm's data: it waits for a second person."""

from datetime import date
from typing import Annotated

import strawberry
from sqlalchemy import Connection
from strawberry.scalars import JSON

from trimtab.db.account_signals import business_date
from trimtab.db.data_changes import DataChange, InvalidDataChange, last_seq, propose, read_value
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import Forbidden, IdempotencyKeyReused, InvalidInput, NotFound, kept
from trimtab.graphql.context import Info, RequestContext
from trimtab.graphql.data.types import OPERATIONS, DataPart
from trimtab.graphql.four_eyes import propose_once, too_early


@strawberry.input
class ProposeDataChangeInput:
    part: DataPart
    key: str = strawberry.field(
        description="firm (POLICY), CODE/security (ACCEPTED_EXCEPTION), an identifier, a security's or a list's id."
    )
    value: JSON | None = strawberry.field(description="What is to hold, whole; null withdraws it.")
    effective_from: date = strawberry.field(description="The first business date on which it holds.")
    reason: str
    idempotency_key: str


@kept
@strawberry.type(description="The change waits for another person's approval.")
class DataChangeProposed:
    change_id: str


ProposeDataChangeResult = Annotated[
    DataChangeProposed | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="ProposeDataChangeResult"),
]


@guarded_mutation(
    *OPERATIONS,
    description="Propose a policy, an accepted exception, a mapped identifier, a security, a risk proxy or a list.",
)
async def propose_data_change(info: Info, input: ProposeDataChangeInput) -> ProposeDataChangeResult:
    answer: ProposeDataChangeResult = await propose_once(
        info, "propose_data_change", input.part.operation, input, _propose
    )
    return answer


def _propose(
    connection: Connection, context: RequestContext, given: ProposeDataChangeInput, change_id: str
) -> DataChangeProposed | InvalidInput:
    early = too_early(business_date(connection), given, "A change", "what was known stays")
    if early is not None:
        return early
    kind = given.part.kind
    try:
        value = None if given.value is None else read_value(kind, given.key, given.value)
    except InvalidDataChange as wrong:
        return InvalidInput(code=wrong.code, message=str(wrong), field="value")
    change = DataChange(
        change_id=change_id,
        kind=kind,
        key=given.key,
        effective_from=given.effective_from,
        value=value,
        reason=given.reason,
        proposed_by=tuple(sorted(context.who.persons)),
        supersedes=last_seq(connection, kind, given.key),
    )
    propose(connection, context.firm_id, change)
    return DataChangeProposed(change_id=change_id)
