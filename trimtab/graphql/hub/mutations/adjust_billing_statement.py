"""Add a line to a statement that is not decided yet: nothing that stands in it is changed."""

from decimal import Decimal
from typing import Annotated

import strawberry
from sqlalchemy import Connection

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Act, Operation
from trimtab.auth.principal import Subject
from trimtab.db.hub_billing import StatementStands, adjust, statement_of
from trimtab.db.settings_versions import StaleVersion
from trimtab.domain.hub.billing import LineKind, StatementLine
from trimtab.domain.money import to_cents
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

_MOST = Decimal(1_000_000_000)


@strawberry.input
class AdjustBillingStatementInput:
    statement_id: str
    amount: Decimal = strawberry.field(description="Dollars and cents, negative for a credit.")
    model_id: str | None = None
    account_id: str | None = None
    reason: str
    idempotency_key: str


@kept
@strawberry.type(description="The line stands. Whoever entered it cannot approve the statement.")
class BillingStatementAdjusted:
    statement_id: str
    line: int
    total: str


AdjustBillingStatementResult = Annotated[
    BillingStatementAdjusted | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="AdjustBillingStatementResult"),
]


@guarded_mutation(Operation.SET_FEE_SCHEDULE, description="Enter a credit or a charge as a further line, with why.")
async def adjust_billing_statement(info: Info, input: AdjustBillingStatementInput) -> AdjustBillingStatementResult:
    context = info.context
    allowed = context.decide(Operation.SET_FEE_SCHEDULE, Subject(context.firm_id), Act.PROPOSE)
    if isinstance(allowed, Denied):
        return forbidden(allowed)
    if input.amount != to_cents(input.amount) or not 0 < abs(input.amount) < _MOST:
        return InvalidInput(code="NOT_AN_AMOUNT", message="Give dollars and cents, and not zero.", field="amount")
    asked = {name: getattr(input, name) for name in ("statement_id", "amount", "model_id", "account_id", "reason")}
    answer: AdjustBillingStatementResult = await once(
        info,
        "adjust_billing_statement",
        input.idempotency_key,
        asked,
        lambda connection: _adjust(connection, context, input),
        input.reason,
    )
    return answer


def _adjust(
    connection: Connection, context: RequestContext, given: AdjustBillingStatementInput
) -> BillingStatementAdjusted | NotFound | InvalidInput:
    found = statement_of(connection, given.statement_id)
    if found is None:
        return not_found("statement")
    line = StatementLine(
        LineKind.ADJUSTMENT,
        to_cents(given.amount),
        given.model_id,
        given.account_id,
        reason=given.reason,
        entered_by=context.who.name_in_records,
    )
    try:
        after = adjust(connection, context.firm_id, *found, line, tuple(sorted(context.who.persons)))
    except (StatementStands, StaleVersion) as wrong:
        return InvalidInput(code=wrong.code, message=str(wrong), field="statementId")
    return BillingStatementAdjusted(statement_id=after.id, line=after.lines, total=f"{after.total:.2f}")
