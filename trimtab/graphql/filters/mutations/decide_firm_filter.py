"""Approve or reject a proposed firm filter; never one's own."""

from dataclasses import replace
from typing import Annotated

import strawberry
from sqlalchemy import Connection

from trimtab.auth.matrix import Operation
from trimtab.db.account_signals import business_date
from trimtab.db.filter_versions import FilterChangeStatus, decide_filter, filter_change
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
from trimtab.graphql.four_eyes import undecidable


@strawberry.input
class DecideFirmFilterInput:
    change_id: str
    approve: bool = strawberry.field(description="False rejects it.")
    reason: str
    idempotency_key: str


@kept
@strawberry.type(description="The decision stands. An approved filter is followed by the runs from its date on.")
class FirmFilterDecided:
    change_id: str
    status: str


DecideFirmFilterResult = Annotated[
    FirmFilterDecided | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="DecideFirmFilterResult"),
]


@guarded_mutation(
    Operation.SET_AUTOMATED_TRADING_FILTER, description="Approve or reject another person's change of a firm filter."
)
async def decide_firm_filter(info: Info, input: DecideFirmFilterInput) -> DecideFirmFilterResult:
    context = info.context
    answer: DecideFirmFilterResult = await once(
        info,
        "decide_firm_filter",
        input.idempotency_key,
        {"change": input.change_id, "approve": input.approve, "reason": input.reason},
        lambda connection: _decide(connection, context, input),
        input.reason,
    )
    return answer


def _decide(
    connection: Connection, context: RequestContext, given: DecideFirmFilterInput
) -> FirmFilterDecided | NotFound | Forbidden | InvalidInput:
    found = filter_change(connection, given.change_id)
    if found is None:
        return not_found("change")
    change, seq = found
    refused = undecidable(context, change, [Operation.SET_AUTOMATED_TRADING_FILTER], field="changeId")
    if refused is not None:
        return refused
    today = business_date(connection)
    if given.approve and today is not None and change.effective_from < today:
        message = f"It was to hold from {change.effective_from.isoformat()} on, which is over: propose it again."
        return InvalidInput(code="EFFECTIVE_IN_THE_PAST", message=message, field="changeId")
    status = FilterChangeStatus.APPROVED if given.approve else FilterChangeStatus.REJECTED
    decided = replace(change, status=status, decided_by=context.who.name_in_records, decision_reason=given.reason)
    try:
        decide_filter(connection, context.firm_id, decided, seq)
    except StaleVersion as wrong:
        return InvalidInput(code=wrong.code, message=str(wrong), field="changeId")
    return FirmFilterDecided(change_id=change.change_id, status=status.value)
