"""Set what an account has in a field that people enter."""

from datetime import date
from typing import Annotated

import strawberry
from sqlalchemy import Connection

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Operation
from trimtab.auth.principal import Subject
from trimtab.db.account_signals import business_date
from trimtab.db.ancillary import fields_on, set_value, values_on
from trimtab.db.history import accounts_by_id
from trimtab.db.settings_versions import StaleVersion
from trimtab.domain.ancillary import AncillaryError
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.ancillary.types import AncillaryValue
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
from trimtab.graphql.errors import BadInput
from trimtab.graphql.ids import key_of


@strawberry.input
class SetAncillaryValueInput:
    account_id: strawberry.ID
    name: str
    value: str | None = strawberry.field(description="As text: 12.5, 2026-03-31, yes, no, a word; null clears it.")
    reason: str
    idempotency_key: str
    effective_from: date | None = strawberry.field(default=None, description="Without it the business date.")


@kept
@strawberry.type(description="The value holds from its date on.")
class AncillaryValueSet:
    version: int
    value: AncillaryValue


SetAncillaryValueResult = Annotated[
    AncillaryValueSet | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="SetAncillaryValueResult"),
]


@guarded_mutation(
    Operation.EDIT_CUSTOMISATION, description="Set or clear what an account has in a field of the firm's own."
)
async def set_ancillary_value(info: Info, input: SetAncillaryValueInput) -> SetAncillaryValueResult:
    try:
        account_id = key_of("Account", input.account_id)
    except BadInput as wrong:
        return InvalidInput(code="INVALID_ID", message=wrong.message, field="accountId")
    context = info.context
    answer: SetAncillaryValueResult = await once(
        info,
        "set_ancillary_value",
        input.idempotency_key,
        {
            "account": account_id,
            "name": input.name,
            "value": input.value,
            "from": input.effective_from,
            "reason": input.reason,
        },
        lambda connection: _set(connection, context, input, account_id),
        input.reason,
    )
    return answer


def _set(
    connection: Connection, context: RequestContext, given: SetAncillaryValueInput, account_id: str
) -> AncillaryValueSet | NotFound | Forbidden | InvalidInput:
    found = accounts_by_id(connection, [account_id])
    if not found or not context.may_reach(Operation.READ_ACCOUNT, found[0].advisor_id):
        return not_found("account")
    subject = Subject(context.firm_id, advisor_id=found[0].advisor_id)
    allowed = context.decide(Operation.EDIT_CUSTOMISATION, subject)
    if isinstance(allowed, Denied):
        return forbidden(allowed)
    today = business_date(connection)
    on = given.effective_from or today
    if on is None or (today is not None and on < today):
        message = "A value cannot hold before the business date: what was decided by it stays."
        return InvalidInput(code="EFFECTIVE_IN_THE_PAST", message=message, field="effectiveFrom")
    try:
        version = set_value(
            connection,
            context.firm_id,
            account_id,
            given.name,
            given.value,
            on=on,
            actor=context.who.name_in_records,
            reason=given.reason,
        )
    except (AncillaryError, StaleVersion) as wrong:
        return InvalidInput(code=wrong.code, message=str(wrong), field="value")
    kept_value = values_on(connection, account_id, on).get(given.name)
    return AncillaryValueSet(version=version, value=AncillaryValue.of(fields_on(connection)[given.name], kept_value))
