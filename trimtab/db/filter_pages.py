"""What a filter finds in the stored facts of a run: how many, the first page, by advisor, and in a shadow run."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, func, select

from trimtab.db.filters import FACT_COLUMNS, fact_column, facts_of_row, lane_of, where
from trimtab.db.tables import account_facts, run
from trimtab.domain.filters import FilterTree, rules_of
from trimtab.domain.lanes import LaneDecision, LanePolicy, lane
from trimtab.domain.lifecycle import Lane

_FACTS: Final = account_facts.c
_ROWS_AT_A_TIME: Final = 2_000
_FEW: Final = 500
"""So many accounts are read at once, with whether they are of the page: a filter that wants no more is done by then."""


@dataclass(frozen=True, slots=True)
class FactsDay:
    run_id: str
    business_date: date


@dataclass(frozen=True, slots=True)
class Matching:
    """What a filter wants: of all accounts how many, and of those after a place the first rows by account."""

    count: int
    rows: list[Row[Any]]


@dataclass(frozen=True, slots=True)
class LaneChange:
    """An account whose lane would be another one on a stored day."""

    business_date: date
    account_id: str
    advisor_id: str | None
    before: LaneDecision
    after: LaneDecision
    order_count: int = 0
    turnover: float = 0.0  # one-way
    tax: float = 0.0  # dollars

    @property
    def skips_review(self) -> bool:
        """Whether trades that a person looked at would have gone out unseen (N6)."""
        return self.after.lane is Lane.AUTOMATED and self.before.lane in (Lane.REVIEW, Lane.COMPLIANCE)


@dataclass(frozen=True, slots=True)
class ShadowSummary:
    """What a changed policy would have done on stored days: kept with the change that it was run for."""

    days: tuple[date, ...]
    changed: int  # account-days whose lane would have been another one
    counts: tuple[tuple[str, str, int], ...]  # lane before, lane after, account-days
    skipped_review: int  # account-days whose trades would have gone out unseen
    skipped_orders: int  # and their trades
    changes: tuple[LaneChange, ...]  # the first of them: the newest day first, by account


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


def counts_matching(
    connection: Connection, run_id: str, trees: Sequence[FilterTree], book: str | None = None
) -> list[int]:
    """What `count_matching` says of each filter, from one look at the accounts."""
    if not trees:
        return []
    counts = [func.count().filter(where(tree)).label(f"of_{place}") for place, tree in enumerate(trees)]
    return list(connection.execute(select(*counts).where(_of(run_id, book))).one())


def matching(
    connection: Connection, run_id: str, tree: FilterTree, book: str | None, after: str, size: int
) -> Matching:
    """What `count_matching` and `page_matching` say. A filter that wants few accounts looks at the book once only."""
    columns = {**_shown(tree), "is_later": _FACTS.account_id > after}
    found = [column.label(name) for name, column in columns.items()]
    few = select(*found).where(_of(run_id, book), where(tree)).limit(_FEW + 1).subquery()
    rows = list(connection.execute(select(few).order_by(few.c.account_id)))
    if len(rows) <= _FEW:
        return Matching(len(rows), [row for row in rows if row.is_later][:size])
    page = page_matching(connection, run_id, tree, book, after, size)
    return Matching(count_matching(connection, run_id, tree, book), page)


def page_matching(
    connection: Connection, run_id: str, tree: FilterTree, book: str | None, after: str, size: int
) -> list[Row[Any]]:
    """Accounts that the filter wants by id, from after `after` on: id, advisor and the fields that the filter names."""
    columns = [column.label(name) for name, column in _shown(tree).items()]
    rows = select(*columns).where(_of(run_id, book), _FACTS.account_id > after, where(tree))
    return list(connection.execute(rows.order_by(_FACTS.account_id).limit(size)))


def _shown(tree: FilterTree) -> dict[str, ColumnElement[Any]]:
    named = {rule.field.name: fact_column(rule.field) for rule in rules_of(tree)}
    return {"account_id": _FACTS.account_id, "advisor_id": _FACTS.advisor_id, **named}


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
    connection: Connection, days: list[FactsDay], before: LanePolicy, after: LanePolicy, book: str | None = None
) -> Iterator[LaneChange]:
    """Every account whose lane on a stored day would be another one by the policy `after` than by `before`.

    By the policy alone: an account that compliance cleared is judged as if nobody had looked. PostgreSQL picks the
    rows whose lane differs; only those are explained.
    """
    if before == after:
        return
    differs = lane_of(before).is_distinct_from(lane_of(after))
    for day in days:
        rows = select(*FACT_COLUMNS).where(_of(day.run_id, book), differs).order_by(_FACTS.account_id)
        for row in connection.execute(rows.execution_options(yield_per=_ROWS_AT_A_TIME)):
            facts = facts_of_row(row)
            old, new = lane(before, facts), lane(after, facts)
            yield LaneChange(
                day.business_date,
                facts.account_id,
                facts.advisor_id,
                old,
                new,
                facts.order_count or 0,
                facts.turnover or 0.0,
                facts.tax or 0.0,
            )


def summarized(days: list[FactsDay], changes: Iterable[LaneChange], kept: int) -> ShadowSummary:
    """Count the changes, and keep the first of them."""
    counts: Counter[tuple[str, str]] = Counter()
    first: list[LaneChange] = []
    skipped = orders = 0
    for change in changes:
        counts[change.before.lane.value, change.after.lane.value] += 1
        skipped += change.skips_review
        orders += change.order_count if change.skips_review else 0
        if len(first) < kept:
            first.append(change)
    ways = tuple((old, new, number) for (old, new), number in counts.most_common())
    return ShadowSummary(tuple(day.business_date for day in days), counts.total(), ways, skipped, orders, tuple(first))


def _of(run_id: str, book: str | None) -> ColumnElement[bool]:
    of_run = _FACTS.run_id == run_id
    return of_run if book is None else and_(of_run, _FACTS.advisor_id == book)
