"""Draft a provider's statement for a month."""

from typing import Annotated

import strawberry
from sqlalchemy import Connection

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Act, Operation
from trimtab.auth.principal import Subject
from trimtab.db.hub_billing import StatementStands, draft
from trimtab.domain.hub.billing import Month, MonthOpen
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import Forbidden, IdempotencyKeyReused, InvalidInput, forbidden, kept, once
from trimtab.graphql.context import Info, RequestContext


@strawberry.input
class DraftBillingStatementInput:
    provider_id: str
    month: str = strawberry.field(description="YYYY-MM; every day of it must be accrued.")
    idempotency_key: str


@kept
@strawberry.type(description="The statement waits for another person's approval.")
class BillingStatementDrafted:
    statement_id: str
    total: str
    line_count: int


DraftBillingStatementResult = Annotated[
    BillingStatementDrafted | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="DraftBillingStatementResult"),
]


@guarded_mutation(Operation.SET_FEE_SCHEDULE, description="Draft the bill of a provider for a month from its accruals.")
async def draft_billing_statement(info: Info, input: DraftBillingStatementInput) -> DraftBillingStatementResult:
    context = info.context
    allowed = context.decide(Operation.SET_FEE_SCHEDULE, Subject(context.firm_id), Act.PROPOSE)
    if isinstance(allowed, Denied):
        return forbidden(allowed)
    answer: DraftBillingStatementResult = await once(
        info,
        "draft_billing_statement",
        input.idempotency_key,
        {"provider": input.provider_id, "month": input.month},
        lambda connection: _draft(connection, context, input),
    )
    return answer


def _draft(
    connection: Connection, context: RequestContext, given: DraftBillingStatementInput
) -> BillingStatementDrafted | InvalidInput:
    persons = tuple(sorted(context.who.persons))
    try:
        made = draft(connection, context.firm_id, given.provider_id, Month.of(given.month), persons)
    except (MonthOpen, StatementStands) as wrong:
        return InvalidInput(code=wrong.code, message=str(wrong), field="month")
    return BillingStatementDrafted(statement_id=made.id, total=f"{made.total:.2f}", line_count=made.lines)
