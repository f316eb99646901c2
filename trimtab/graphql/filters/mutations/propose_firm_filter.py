"""Propose a firm filter: it waits for a second person."""

from datetime import date
from typing import Annotated, Any

import strawberry
from sqlalchemy import Connection
from strawberry.scalars import JSON

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Act, Operation
from trimtab.auth.principal import Subject
from trimtab.db.account_signals import business_date
from trimtab.db.ancillary import catalogue
from trimtab.db.filter_versions import FIRM_FILTER, FilterChange, last_filter_seq, propose_filter
from trimtab.db.policy_shadow import kept_shadow, shadow
from trimtab.domain.filter_json import json_of
from trimtab.domain.filter_sentences import sentence
from trimtab.domain.filters import FilterError, parse_filter
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
from trimtab.graphql.filters.names import name_problem, withdrawal_problem


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
    context = info.context
    allowed = context.decide(Operation.SET_AUTOMATED_TRADING_FILTER, Subject(context.firm_id), Act.PROPOSE)
    if isinstance(allowed, Denied):
        return forbidden(allowed)
    wrong = name_problem(input.name)
    if wrong is not None:
        return wrong
    asked = {
        "name": input.name,
        "filter": input.filter,
        "effective_from": input.effective_from,
        "reason": input.reason,
    }
    change_id = derived_id(info, "propose_firm_filter", input.idempotency_key)
    answer: ProposeFirmFilterResult = await once(
        info,
        "propose_firm_filter",
        input.idempotency_key,
        asked,
        lambda connection: _propose(connection, context, input, change_id),
        input.reason,
    )
    return answer


def _propose(
    connection: Connection, context: RequestContext, given: ProposeFirmFilterInput, change_id: str
) -> FirmFilterProposed | InvalidInput:
    today = business_date(connection)
    if today is not None and given.effective_from < today:
        message = f"A filter cannot hold before the business date {today.isoformat()}: lanes that were given stay."
        return InvalidInput(code="EFFECTIVE_IN_THE_PAST", message=message, field="effectiveFrom")
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
    change = FilterChange(
        change_id=change_id,
        name=given.name,
        effective_from=given.effective_from,
        value=kept_value,
        reason=given.reason,
        proposed_by=tuple(sorted(context.who.persons)),
        supersedes=last_filter_seq(connection, FIRM_FILTER, given.name),
        shadow=kept_shadow(found),
    )
    propose_filter(connection, context.firm_id, change)
    return FirmFilterProposed(change_id=change_id, sentence=None if tree is None else sentence(tree))
