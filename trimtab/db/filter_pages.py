"""What a filter finds in the stored facts of a run: how many, the first page, by advisor, and in a shadow run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, func, or_, select

from trimtab.db.filters import FACT_COLUMNS, facts_of_row, where
from trimtab.db.tables import account_facts, run
from trimtab.domain.filters import FilterTree, parse_filter, rules_of
from trimtab.domain.lanes import FirmFilters, LaneDecision, lane, parse_firm_filters

_FACTS: Final = account_facts.c
_ROWS_AT_A_TIME: Final = 2_000


@dataclass(frozen=True, slots=True)
class FactsDay:
    run_id: str
    business_date: date


@dataclass(frozen=True, slots=True)
class LaneChange:
    """An account whose lane would be another one on a stored day."""

    business_date: date
    account_id: str
    advisor_id: str | None
    before: LaneDecision
    after: LaneDecision


def facts_days(connection: Connection, on: date | None = None, *, most: int = 1) -> list[FactsDay]:
    """The newest days up to `on` whose runs have facts, the newest first."""
    has_facts = exists().where(_FACTS.run_id == run.c.run_id, _FACTS.firm_id == run.c.firm_id)
    rows = select(run.c.run_id, run.c.business_date).where(run.c.business_date <= (on or date.max), has_facts)
    found = connection.execute(rows.order_by(run.c.business_date.desc()).limit(most))
    return [FactsDay(row.run_id, row.business_date) for row in found]


def count_matching(connection: Connection, run_id: str, tree: FilterTree, book: str | None = None) -> int:
    """How many accounts of the run the filter wants; of one advisor's book, when given."""
    rows = select(func.count()).select_from(account_facts).where(_of(run_id, book), where(tree))
    return int(connection.scalar(rows) or 0)


def page_matching(
    connection: Connection, run_id: str, tree: FilterTree, book: str | None, after: str, size: int
) -> list[Row[Any]]:
    """Accounts that the filter wants by id, from after `after` on: id, advisor and the fields that the filter names."""
    names = dict.fromkeys(("account_id", "advisor_id", *(rule.field.name for rule in rules_of(tree))))
    rows = select(*(_FACTS[name] for name in names)).where(_of(run_id, book), _FACTS.account_id > after, where(tree))
    return list(connection.execute(rows.order_by(_FACTS.account_id).limit(size)))


def counts_by_advisor(
    connection: Connection, run_id: str, tree: FilterTree, book: str | None = None
) -> list[tuple[str, int, int]]:
    """Advisor, accounts that the filter wants, and all accounts; most wanted first, those without any left out."""
    wanted = func.count().filter(where(tree))
    rows = (
        select(_FACTS.advisor_id, wanted.label("wanted"), func.count().label("accounts"))
        .where(_of(run_id, book), _FACTS.advisor_id.is_not(None))
        .group_by(_FACTS.advisor_id)
        .having(wanted > 0)
        .order_by(wanted.desc(), _FACTS.advisor_id)
    )
    return [(row.advisor_id, row.wanted, row.accounts) for row in connection.execute(rows)]


def shadow_run(
    connection: Connection,
    days: list[FactsDay],
    before: Mapping[str, object],
    after: Mapping[str, object],
    book: str | None = None,
) -> Iterator[LaneChange]:
    """Every account whose lane on a stored day would be another one with the filters `after` than with `before`.

    By the filters alone: an account that compliance cleared is judged as if nobody had looked. PostgreSQL picks the
    rows on which some changed filter answers otherwise; only those are decided again.
    """
    old, new = parse_firm_filters(before), parse_firm_filters(after)
    differs = [
        where(parse_filter(before[key])) != where(parse_filter(after[key]))
        for key in before
        if before[key] != after[key]
    ]
    if not differs:
        return
    for day in days:
        yield from _changes(connection, day, and_(_of(day.run_id, book), or_(*differs)), old, new)


def _changes(
    connection: Connection, day: FactsDay, concerned: ColumnElement[bool], old: FirmFilters, new: FirmFilters
) -> Iterator[LaneChange]:
    rows = select(*FACT_COLUMNS).where(concerned).order_by(_FACTS.account_id)
    for row in connection.execute(rows.execution_options(yield_per=_ROWS_AT_A_TIME)):
        facts = facts_of_row(row)
        before, after = lane(old, facts), lane(new, facts)
        if before.lane is not after.lane:
            yield LaneChange(day.business_date, facts.account_id, facts.advisor_id, before, after)


def _of(run_id: str, book: str | None) -> ColumnElement[bool]:
    of_run = _FACTS.run_id == run_id
    return of_run if book is None else and_(of_run, _FACTS.advisor_id == book)
