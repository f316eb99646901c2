"""Arrange one's favourite filters and the filters of one's day."""

from collections import Counter
from dataclasses import replace
from typing import Annotated

import strawberry
from sqlalchemy import Connection

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Operation
from trimtab.auth.principal import Subject
from trimtab.db.filter_routines import FilterName, FilterRoutine, filter_routine, save_filter_routine
from trimtab.db.settings_versions import StaleVersion
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import Forbidden, IdempotencyKeyReused, InvalidInput, NotFound, forbidden, kept, once
from trimtab.graphql.context import Info, RequestContext
from trimtab.graphql.filters.routine_query import named_filters

MOST_NAMED = 40
"""In either list: opening the day counts the accounts of each, which a person waits for."""


@strawberry.input(description="A saved filter: one of your own, or one of the firm's.")
class NamedFilter:
    name: str
    personal: bool = True


@strawberry.input
class ArrangeFiltersInput:
    favourites: list[NamedFilter] | None = strawberry.field(default=None, description="Null: they stay as they are.")
    sequence: list[NamedFilter] | None = strawberry.field(
        default=None, description="The filters of your day, in order; null: it stays as it is."
    )
    seen_version: int | None = strawberry.field(
        default=None, description="The routine's version that you saw, null for none; refused when there is another."
    )
    idempotency_key: str


@kept
@strawberry.type(description="The routine is kept as a new version.")
class FiltersArranged:
    version: int


ArrangeFiltersResult = Annotated[
    FiltersArranged | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="ArrangeFiltersResult"),
]


@guarded_mutation(
    Operation.EDIT_PERSONAL_FILTER, description="Arrange your favourite filters, and the filters of your day in order."
)
async def arrange_filters(info: Info, input: ArrangeFiltersInput) -> ArrangeFiltersResult:
    context = info.context
    allowed = context.decide(Operation.EDIT_PERSONAL_FILTER, Subject(context.firm_id, owner_id=context.who.person_id))
    if isinstance(allowed, Denied):
        return forbidden(allowed)
    wanted = {"favourites": _names(input.favourites), "sequence": _names(input.sequence)}
    for field, names in wanted.items():
        wrong = None if names is None else _list_problem(field, names)
        if wrong is not None:
            return wrong
    answer: ArrangeFiltersResult = await once(
        info,
        "arrange_filters",
        input.idempotency_key,
        {**wanted, "seen": input.seen_version},
        lambda connection: _arrange(connection, context, wanted, input.seen_version),
    )
    return answer


def _names(given: list[NamedFilter] | None) -> tuple[FilterName, ...] | None:
    return None if given is None else tuple(FilterName(each.name, each.personal) for each in given)


def _list_problem(field: str, names: tuple[FilterName, ...]) -> InvalidInput | None:
    if len(names) > MOST_NAMED:
        return InvalidInput(code="TOO_MANY_FILTERS", message=f"Name at most {MOST_NAMED} filters.", field=field)
    twice = [named.name for named, times in Counter(names).items() if times > 1]
    if twice:
        return InvalidInput(code="NAMED_TWICE", message=f"Name {', '.join(twice)} once.", field=field)
    return None


def _arrange(
    connection: Connection,
    context: RequestContext,
    wanted: dict[str, tuple[FilterName, ...] | None],
    seen: int | None,
) -> FiltersArranged | InvalidInput:
    person = context.who.person_id or ""
    given = {field: names for field, names in wanted.items() if names is not None}
    saved = named_filters(connection, person)
    for field, names in given.items():
        missing = [named.name for named in names if named not in saved]
        if missing:
            message = f"There is no filter {', '.join(missing)}: save it first, or leave it out."
            return InvalidInput(code="FILTER_MISSING", message=message, field=field)
    routine: FilterRoutine = replace(filter_routine(connection, person), version=seen, **given)
    actor = "+".join(sorted(context.who.persons))
    try:
        version = save_filter_routine(connection, context.firm_id, person, routine, actor)
    except StaleVersion as lost:
        return InvalidInput(code=lost.code, message=str(lost), field="seenVersion")
    return FiltersArranged(version=version)
