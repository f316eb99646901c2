"""Save, change or delete a filter of one's own."""

from typing import Annotated, Any

import strawberry
from sqlalchemy import Connection
from strawberry.scalars import JSON

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Operation
from trimtab.auth.principal import Subject
from trimtab.db.ancillary import catalogue
from trimtab.db.filter_versions import personal_filters
from trimtab.db.filter_versions import save_personal_filter as save
from trimtab.db.settings_versions import StaleVersion
from trimtab.domain.filter_json import json_of
from trimtab.domain.filter_sentences import sentence
from trimtab.domain.filters import FilterError, parse_filter
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
from trimtab.graphql.filters.names import name_problem

MOST_FILTERS = 200
LONGEST_NOTE = 2_000


@strawberry.input
class SavePersonalFilterInput:
    name: str
    filter: JSON | None = strawberry.field(description="Groups and rules of react-querybuilder; null deletes it.")
    note: str = strawberry.field(default="", description=f"What it is for, at most {LONGEST_NOTE} characters.")
    seen_version: int | None = strawberry.field(
        default=None,
        description="The filter's version that you saw, null where there was none; refused when there is another.",
    )
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
    wrong = name_problem(input.name) or _note_problem(input.note)
    if wrong is not None:
        return wrong
    answer: SavePersonalFilterResult = await once(
        info,
        "save_personal_filter",
        input.idempotency_key,
        {"name": input.name, "filter": input.filter, "note": input.note, "seen": input.seen_version},
        lambda connection: _save(connection, context, input),
    )
    return answer


def _note_problem(note: str) -> InvalidInput | None:
    if len(note) <= LONGEST_NOTE and "\x00" not in note:
        return None
    message = f"A note is at most {LONGEST_NOTE} characters of text: this one has {len(note)}."
    return InvalidInput(code="INVALID_NOTE", message=message, field="note")


def _save(
    connection: Connection, context: RequestContext, given: SavePersonalFilterInput
) -> PersonalFilterSaved | NotFound | InvalidInput:
    person = context.who.person_id or ""
    value: Any = given.filter
    try:
        tree = None if value is None else parse_filter(value, catalogue(connection))
        own = personal_filters(connection, person)
        if tree is None and given.name not in own:
            return not_found("filter of yours")
        if tree is not None and len(own.keys() - {given.name}) >= MOST_FILTERS:
            message = f"You have {MOST_FILTERS} filters already: delete one first."
            return InvalidInput(code="TOO_MANY_FILTERS", message=message, field="name")
        version = save(
            connection,
            context.firm_id,
            person,
            given.name,
            None if tree is None else json_of(tree),
            note=given.note,
            actor="+".join(sorted(context.who.persons)),
            seen=given.seen_version,
        )
    except FilterError as error:
        return InvalidInput(code=error.code, message=str(error), field="filter")
    except StaleVersion as lost:
        return InvalidInput(code=lost.code, message=str(lost), field="seenVersion")
    return PersonalFilterSaved(name=given.name, version=version, sentence=None if tree is None else sentence(tree))
