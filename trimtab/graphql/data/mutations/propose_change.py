"""Propose a change of the firm's data: it waits for a second person."""

from datetime import date
from typing import Annotated

import strawberry
from sqlalchemy import Connection
from strawberry.scalars import JSON

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Act
from trimtab.auth.principal import Subject
from trimtab.db.account_signals import business_date
from trimtab.db.data_changes import DataChange, InvalidDataChange, last_seq, propose, read_value
from trimtab.graphql.access import guarded_mutation
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
from trimtab.graphql.data.types import OPERATIONS, DataPart


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
    context = info.context
    allowed = context.decide(input.part.operation, Subject(context.firm_id), Act.PROPOSE)
    if isinstance(allowed, Denied):
        return forbidden(allowed)
    asked = {
        "part": input.part.value,
        "key": input.key,
        "value": input.value,
        "effective_from": input.effective_from,
        "reason": input.reason,
    }
    change_id = derived_id(info, "propose_data_change", input.idempotency_key)
    answer: ProposeDataChangeResult = await once(
        info,
        "propose_data_change",
        input.idempotency_key,
        asked,
        lambda connection: _propose(connection, context, input, change_id),
        input.reason,
    )
    return answer


def _propose(
    connection: Connection, context: RequestContext, given: ProposeDataChangeInput, change_id: str
) -> DataChangeProposed | InvalidInput:
    today = business_date(connection)
    if today is not None and given.effective_from < today:
        message = f"A change cannot hold before the business date {today.isoformat()}: what was known stays."
        return InvalidInput(code="EFFECTIVE_IN_THE_PAST", message=message, field="effectiveFrom")
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
