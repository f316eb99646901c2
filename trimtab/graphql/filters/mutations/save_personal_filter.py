"""Save, change or delete a filter of one's own."""

from typing import Annotated, Any

import strawberry
from sqlalchemy import Connection
from strawberry.scalars import JSON

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Operation
from trimtab.auth.principal import Subject
from trimtab.db.ancillary import catalogue
from trimtab.db.filter_versions import PERSONAL_FILTER, last_filter_seq, personal_filters
from trimtab.db.filter_versions import save_personal_filter as save
from trimtab.db.settings_versions import StaleVersion
from trimtab.domain.filter_json import json_of
from trimtab.domain.filter_sentences import sentence
from trimtab.domain.filters import FilterError, parse_filter
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import Forbidden, IdempotencyKeyReused, InvalidInput, NotFound, forbidden, kept, once
from trimtab.graphql.context import Info, RequestContext
from trimtab.graphql.filters.names import name_problem

MOST_FILTERS = 200


@strawberry.input
class SavePersonalFilterInput:
    name: str
    filter: JSON | None = strawberry.field(description="Groups and rules of react-querybuilder; null deletes it.")
    note: str = ""
    idempotency_key: str = strawberry.field(description="One key per act.")


@kept
@strawberry.type(description="The filter is kept as a new version.")
class PersonalFilterSaved:
    name: str
    version: int
    sentence: str | None


SavePersonalFilterResult = Annotated[
    PersonalFilterSaved | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="SavePersonalFilterResult"),
]


@guarded_mutation(Operation.EDIT_PERSONAL_FILTER, description="Save, change or delete a filter of your own.")
async def save_personal_filter(info: Info, input: SavePersonalFilterInput) -> SavePersonalFilterResult:
    context = info.context
    allowed = context.decide(Operation.EDIT_PERSONAL_FILTER, Subject(context.firm_id, owner_id=context.who.person_id))
    if isinstance(allowed, Denied):
        return forbidden(allowed)
    wrong = name_problem(input.name)
    if wrong is not None:
        return wrong
    answer: SavePersonalFilterResult = await once(
        info,
        "save_personal_filter",
        input.idempotency_key,
        {"name": input.name, "filter": input.filter, "note": input.note},
        lambda connection: _save(connection, context, input),
    )
    return answer


def _save(
    connection: Connection, context: RequestContext, given: SavePersonalFilterInput
) -> PersonalFilterSaved | InvalidInput:
    person = context.who.person_id or ""
    value: Any = given.filter
    try:
        tree = None if value is None else parse_filter(value, catalogue(connection))
        others = personal_filters(connection, person).keys() - {given.name}
        if tree is not None and len(others) >= MOST_FILTERS:
            message = f"You have {MOST_FILTERS} filters already: delete one first."
            return InvalidInput(code="TOO_MANY_FILTERS", message=message, field="name")
        version = save(
            connection,
            context.firm_id,
            person,
            given.name,
            None if tree is None else json_of(tree),
            note=given.note[:2000],
            supersedes=last_filter_seq(connection, PERSONAL_FILTER, f"{person}/{given.name}"),
        )
    except (FilterError, StaleVersion) as error:
        return InvalidInput(code=error.code, message=str(error), field="filter")
    return PersonalFilterSaved(name=given.name, version=version, sentence=None if tree is None else sentence(tree))
