"""A person's favourite filters and the day's sequence of them, as the API shows them."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import strawberry
from strawberry.dataloader import DataLoader
from strawberry.scalars import JSON

from trimtab.auth.matrix import Operation
from trimtab.db.filter_pages import FactsDay, counts_matching
from trimtab.db.filter_routines import FilterName
from trimtab.db.filter_versions import SavedFilter
from trimtab.domain.filter_sentences import sentence
from trimtab.domain.filters import Fields, FilterError, FilterTree, parse_filter
from trimtab.graphql.context import Info

Counts = DataLoader[FilterTree, int]
"""What filters want: those that are asked together are counted by one statement."""


def counted(info: Info, day: FactsDay | None) -> Counts:
    """Counts of the accounts that the reader may read, on the day; none before a day has facts."""

    async def load(trees: list[FilterTree]) -> list[int]:
        if day is None:
            return [0] * len(trees)
        book = info.context.book(Operation.READ_ACCOUNT)
        return await info.context.reader.run(lambda one: counts_matching(one, day.run_id, trees, book))

    return DataLoader(load)


@dataclass(frozen=True, slots=True)
class RoutineMoment:
    """What all filters of a routine are read with."""

    fields: Fields
    day: FactsDay | None  # None: no day has facts yet
    counts: Counts


@strawberry.type(description="A filter of your routine as it is now.")
class RoutineFilter:
    name: str
    personal: bool
    filter: JSON | None
    sentence: str | None
    note: str
    version: int | None = strawberry.field(description="Null: the one that every firm starts with.")
    problem: str | None = strawberry.field(description="Why it cannot be asked any more; null when it can.")
    tree: strawberry.Private[FilterTree | None]
    moment: strawberry.Private[RoutineMoment]

    @strawberry.field(
        description="The accounts that it wants, of those that you may read; null without facts or with a problem."
    )
    async def count(self, info: Info) -> int | None:
        info.context.book(Operation.READ_ACCOUNT)
        if self.tree is None or self.moment.day is None:
            return None
        return await self.moment.counts.load(self.tree)

    @classmethod
    def of(cls, named: FilterName, saved: SavedFilter | None, moment: RoutineMoment) -> "RoutineFilter":
        tree, problem = _read(named, saved, moment.fields)
        value: Any = saved.value if saved is not None else None
        return cls(
            name=named.name,
            personal=named.personal,
            filter=value,
            sentence=None if tree is None else sentence(tree),
            note="" if saved is None else saved.note,
            version=None if saved is None else saved.version,
            problem=problem,
            tree=tree,
            moment=moment,
        )


def _read(named: FilterName, saved: SavedFilter | None, fields: Fields) -> tuple[FilterTree | None, str | None]:
    if saved is None:
        return None, f"{'You have' if named.personal else 'The firm has'} no filter {named.name} any more."
    try:
        return parse_filter(saved.value, fields), None
    except FilterError as error:
        return None, str(error)


@strawberry.type(description="Your favourite filters, and the filters that you work through on a day.")
class FilterRoutine:
    version: int | None = strawberry.field(description="Give it as `seenVersion`; null: nothing is arranged yet.")
    business_date: date | None = strawberry.field(description="The day whose facts are counted: the newest with facts.")
    favourites: list[RoutineFilter]
    sequence: list[RoutineFilter] = strawberry.field(description="In the order of the day's work.")
