"""The query about one's own routine: the day's filters in order, with what they find now."""

from datetime import date

import strawberry
from sqlalchemy import Connection

from trimtab.auth.matrix import Operation
from trimtab.db.account_signals import business_date
from trimtab.db.ancillary import catalogue
from trimtab.db.filter_pages import facts_days
from trimtab.db.filter_routines import FilterName, filter_routine
from trimtab.db.filter_versions import SavedFilter, firm_filters_on, personal_filters
from trimtab.graphql.access import guarded
from trimtab.graphql.context import Info
from trimtab.graphql.filters.routine_types import FilterRoutine, RoutineFilter, RoutineMoment, counted


@strawberry.type
class FilterRoutineQuery:
    @guarded(
        Operation.EDIT_PERSONAL_FILTER,
        description="Your favourite filters and your day's sequence, each as it is now and with what it finds now.",
    )
    async def filter_routine(self, info: Info) -> FilterRoutine | None:
        person = info.context.who.person_id
        return await info.context.reader.run(lambda one: None if person is None else _routine(one, person, info))


def named_filters(connection: Connection, person_id: str) -> dict[FilterName, SavedFilter]:
    """Every filter that the person's routine may name: the person's own, and the firm's that hold now."""
    own = personal_filters(connection, person_id)
    firms = firm_filters_on(connection, business_date(connection) or date.max)
    return {FilterName(name, saved.owner is not None): saved for few in (own, firms) for name, saved in few.items()}


def _routine(connection: Connection, person_id: str, info: Info) -> FilterRoutine:
    arranged, saved = filter_routine(connection, person_id), named_filters(connection, person_id)
    day = next(iter(facts_days(connection)), None)
    moment = RoutineMoment(catalogue(connection), day, counted(info, day))
    return FilterRoutine(
        version=arranged.version,
        business_date=None if day is None else day.business_date,
        favourites=[RoutineFilter.of(each, saved.get(each), moment) for each in arranged.favourites],
        sequence=[RoutineFilter.of(each, saved.get(each), moment) for each in arranged.sequence],
    )
