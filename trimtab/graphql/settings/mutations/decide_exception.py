"""Approve or reject a change of settings beyond the customisation limits; never one's own."""

from dataclasses import replace
from typing import Annotated

import strawberry
from sqlalchemy import Connection

from trimtab.auth.matrix import Operation
from trimtab.db.profile_changes import judge_layer_change, reached_by, require_obeyable
from trimtab.db.settings_exceptions import ExceptionStatus, exception_of, write_change, write_exception
from trimtab.db.settings_versions import StaleVersion
from trimtab.domain.profile.errors import SettingError
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


@strawberry.input
class DecideSettingsExceptionInput:
    exception_id: str
    approve: bool = strawberry.field(description="False rejects it.")
    reason: str
    idempotency_key: str


@kept
@strawberry.type(description="The decision stands; approved settings hold from their date on.")
class SettingsExceptionDecided:
    exception_id: str
    status: str
    version: int | None = strawberry.field(description="Of the settings; null when it was rejected.")


DecideSettingsExceptionResult = Annotated[
    SettingsExceptionDecided | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="DecideSettingsExceptionResult"),
]


@guarded_mutation(
    Operation.EXCEED_CUSTOMISATION_LIMITS, description="Decide another person's change beyond the customisation limits."
)
async def decide_settings_exception(info: Info, input: DecideSettingsExceptionInput) -> DecideSettingsExceptionResult:
    context = info.context
    answer: DecideSettingsExceptionResult = await once(
        info,
        "decide_settings_exception",
        input.idempotency_key,
        {"exception": input.exception_id, "approve": input.approve, "reason": input.reason},
        lambda connection: _decide(connection, context, input),
        input.reason,
    )
    return answer


def _decide(
    connection: Connection, context: RequestContext, given: DecideSettingsExceptionInput
) -> SettingsExceptionDecided | NotFound | Forbidden | InvalidInput:
    found = exception_of(connection, given.exception_id)
    if found is None:
        return not_found("exception")
    exception, seq = found
    refused = undecidable(context, exception, [Operation.EXCEED_CUSTOMISATION_LIMITS], field="exceptionId")
    if refused is not None:
        return refused
    status = ExceptionStatus.APPROVED if given.approve else ExceptionStatus.REJECTED
    who = context.who.name_in_records
    decided = replace(exception, status=status, decided_by=who, decision_reason=given.reason)
    version = None
    try:
        if given.approve:  # other settings may have changed since it was asked for
            wanted = exception.wanted
            rows = reached_by(connection, wanted.key)
            require_obeyable(judge_layer_change(connection, rows, wanted.key, wanted.changes, wanted.effective_from))
            version = write_change(connection, context.firm_id, wanted, exception.exception_id)
        write_exception(connection, context.firm_id, decided, seq)
    except (SettingError, StaleVersion) as wrong:
        return InvalidInput(code=wrong.code, message=str(wrong), field="exceptionId")
    return SettingsExceptionDecided(exception_id=exception.exception_id, status=status.value, version=version)
