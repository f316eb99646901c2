"""Propose a firm filter: it waits for a second person."""

from datetime import date
from typing import Annotated, Any

import strawberry
from sqlalchemy import Connection
from strawberry.scalars import JSON

from trimtab.auth.matrix import Operation
from trimtab.db.account_signals import business_date
from trimtab.db.ancillary import catalogue
from trimtab.db.filter_versions import FIRM_FILTER
from trimtab.db.policy_shadow import kept_shadow, shadow
from trimtab.domain.filter_json import json_of
from trimtab.domain.filter_sentences import sentence
from trimtab.domain.filters import FilterError, parse_filter
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import Forbidden, IdempotencyKeyReused, InvalidInput, NotFound, kept
from trimtab.graphql.context import Info, RequestContext
from trimtab.graphql.filters.firm_changes import keep_proposal
from trimtab.graphql.filters.names import name_problem, withdrawal_problem
from trimtab.graphql.four_eyes import propose_once, too_early


@strawberry.input
class ProposeFirmFilterInput:
    name: str = strawberry.field(description="suspend, compliance, review, automated, management, or a name of yours.")
    filter: JSON | None = strawberry.field(
        description="Groups and rules of react-querybuilder; null withdraws it: a lane then has its starting filter."
    )
    effective_from: date = strawberry.field(description="The first business date whose run follows it.")
    reason: str
    idempotency_key: str


@kept
@strawberry.type(description="The change waits for another person's approval.")
class FirmFilterProposed:
    change_id: str
    sentence: str | None


ProposeFirmFilterResult = Annotated[
    FirmFilterProposed | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="ProposeFirmFilterResult"),
]


@guarded_mutation(
    Operation.SET_AUTOMATED_TRADING_FILTER,
    description="Propose a firm filter. What cannot be read is refused at once; ask `shadowFilter` what it would do.",
)
async def propose_firm_filter(info: Info, input: ProposeFirmFilterInput) -> ProposeFirmFilterResult:
    answer: ProposeFirmFilterResult = await propose_once(
        info, "propose_firm_filter", Operation.SET_AUTOMATED_TRADING_FILTER, input, _propose
    )
    return answer


def _propose(
    connection: Connection, context: RequestContext, given: ProposeFirmFilterInput, change_id: str
) -> FirmFilterProposed | InvalidInput:
    wrong_name = name_problem(given.name)
    if wrong_name is not None:
        return wrong_name
    today = business_date(connection)
    early = too_early(today, given, "A filter", "lanes that were given stay")
    if early is not None:
        return early
    value: Any = given.filter
    try:
        tree = None if value is None else parse_filter(value, catalogue(connection))
    except FilterError as error:
        return InvalidInput(code=error.code, message=str(error), field="filter")
    wrong = withdrawal_problem(connection, given.name, given.effective_from) if tree is None else None
    if wrong is not None:
        return InvalidInput(code="FILTER_IN_USE", message=wrong, field="name")
    kept_value = None if tree is None else json_of(tree)
    found = shadow(connection, today or given.effective_from, FIRM_FILTER, given.name, kept_value)
    keep_proposal(connection, context, change_id, given, FIRM_FILTER, given.name, kept_value, kept_shadow(found))
    return FirmFilterProposed(change_id=change_id, sentence=None if tree is None else sentence(tree))
