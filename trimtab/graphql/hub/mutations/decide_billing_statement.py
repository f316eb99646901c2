"""Approve or reject a statement; never one's own, and only the amount that was looked at."""

from dataclasses import replace
from decimal import Decimal
from typing import Annotated

import strawberry
from sqlalchemy import Connection

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Act, Operation
from trimtab.auth.principal import Subject
from trimtab.db.hub_billing import settle, statement_of
from trimtab.db.settings_versions import StaleVersion
from trimtab.domain.hub.billing import StatementStatus
from trimtab.graphql.access import guarded_mutation
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


@strawberry.input
class DecideBillingStatementInput:
    statement_id: str
    total: Decimal = strawberry.field(description="The total that was looked at: another one is refused.")
    approve: bool = strawberry.field(description="False rejects it; the month can then be drafted again.")
    reason: str
    idempotency_key: str


@kept
@strawberry.type(description="The decision stands. A final statement's lines never change.")
class BillingStatementDecided:
    statement_id: str
    status: str


DecideBillingStatementResult = Annotated[
    BillingStatementDecided | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="DecideBillingStatementResult"),
]


@guarded_mutation(Operation.SET_FEE_SCHEDULE, description="Approve or reject another person's statement.")
async def decide_billing_statement(info: Info, input: DecideBillingStatementInput) -> DecideBillingStatementResult:
    context = info.context
    asked = {name: getattr(input, name) for name in ("statement_id", "total", "approve", "reason")}
    answer: DecideBillingStatementResult = await once(
        info,
        "decide_billing_statement",
        input.idempotency_key,
        asked,
        lambda connection: _decide(connection, context, input),
        input.reason,
    )
    return answer


def _decide(
    connection: Connection, context: RequestContext, given: DecideBillingStatementInput
) -> BillingStatementDecided | NotFound | Forbidden | InvalidInput:
    found = statement_of(connection, given.statement_id)
    if found is None:
        return not_found("statement")
    statement, seq = found
    behind = Subject(context.firm_id, proposed_by=frozenset(statement.proposed_by))
    allowed = context.decide(Operation.SET_FEE_SCHEDULE, behind, Act.VERIFY)
    if isinstance(allowed, Denied):
        return forbidden(allowed)
    if statement.status is not StatementStatus.DRAFT:
        message = f"It is {statement.status.value.lower()}: {statement.decided_by} has decided."
        return InvalidInput(code="ALREADY_DECIDED", message=message, field="statementId")
    if given.total != statement.total:
        message = f"The total is {statement.total:.2f} now: look at it again."
        return InvalidInput(code="STALE_VERSION", message=message, field="total")
    status = StatementStatus.FINAL if given.approve else StatementStatus.REJECTED
    decided = replace(statement, status=status, decided_by=context.who.name_in_records, decision_reason=given.reason)
    try:
        settle(connection, context.firm_id, decided, seq)
    except StaleVersion as lost:
        return InvalidInput(code=lost.code, message=str(lost), field="statementId")
    return BillingStatementDecided(statement_id=statement.id, status=status.value)
