"""Queries about filters. What they find is limited to the accounts that the person may read."""

from collections.abc import Callable
from datetime import date
from typing import Any, Final, TypeVar

import strawberry
from sqlalchemy import Connection
from strawberry.scalars import JSON

from trimtab.auth.matrix import Operation
from trimtab.contracts import RunRef
from trimtab.db.account_signals import business_date
from trimtab.db.ancillary import catalogue
from trimtab.db.filter_pages import (
    FactsDay,
    counts_by_advisor,
    facts_days,
    matching,
)
from trimtab.db.filter_routines import filter_routine
from trimtab.db.filter_versions import FIRM_FILTER, filter_changes, firm_filters_on, personal_filters
from trimtab.db.filters import read_facts
from trimtab.db.lane_policies import document_of_run, frozen_policy, lane_policy_on
from trimtab.db.policy_shadow import shadow
from trimtab.domain.account_facts import AccountFacts
from trimtab.domain.filter_sentences import sentence
from trimtab.domain.filters import Fields, FilterError, FilterTree, parse_filter
from trimtab.domain.lanes import explain, lane
from trimtab.graphql.access import guarded
from trimtab.graphql.context import Info
from trimtab.graphql.errors import BadInput
from trimtab.graphql.filters.types import (
    AdvisorCount,
    FilterAnswer,
    FilterField,
    FilterMatch,
    FilterPreview,
    FirmFilterChange,
    LaneExplanation,
    LaneReason,
    PolicyStepAnswer,
    SavedFilterInfo,
    ShadowRun,
)
from trimtab.graphql.ids import cursor, key_of, read_cursor
from trimtab.graphql.paging import DEFAULT_PAGE, cut, page_size

MOST_SHADOW_DAYS: Final = 20
_DAY = "Without `asOf` the newest day that has facts."
Value = TypeVar("Value")


@strawberry.type
class FiltersQuery:
    @guarded(Operation.READ_ACCOUNT, description="The fields that filters may name.")
    async def filter_fields(self, info: Info) -> list[FilterField]:
        found = await info.context.reader.run(catalogue)
        return [FilterField.of(field) for field in found.values()]

    @guarded(
        Operation.EDIT_PERSONAL_FILTER,
        Operation.SET_AUTOMATED_TRADING_FILTER,
        description="The firm's filters as they hold on the day, and your own as they are now.",
    )
    async def filters(
        self, info: Info, as_of: date | None = None, known_at: int | None = None
    ) -> list[SavedFilterInfo] | None:
        person = info.context.who.person_id

        def read(connection: Connection) -> list[SavedFilterInfo]:
            on = as_of or business_date(connection) or date.max
            own = personal_filters(connection, person) if person else {}
            favourites = filter_routine(connection, person).favourites if person else ()
            deciding = lane_policy_on(connection, on, known_at).filters
            found, fields = [*firm_filters_on(connection, on, known_at).values(), *own.values()], catalogue(connection)
            return [SavedFilterInfo.of(each, favourites, deciding, fields) for each in found]

        return await info.context.reader.run(read)

    @guarded(Operation.SET_AUTOMATED_TRADING_FILTER, description="Changes proposed to firm filters, newest first.")
    async def firm_filter_changes(self, info: Info, status: str | None = None) -> list[FirmFilterChange] | None:
        found, fields = await info.context.reader.run(lambda one: (filter_changes(one), catalogue(one)))
        several = sorted(found.values(), key=lambda each: (each.effective_from, each.change_id), reverse=True)
        return [FirmFilterChange.of(each, fields) for each in several if status in (None, each.status.value)]

    @guarded(Operation.READ_ACCOUNT, description=f"How many accounts a filter wants, and a page of them. {_DAY}")
    async def filter_preview(
        self,
        info: Info,
        filter: JSON,
        as_of: date | None = None,
        first: int = DEFAULT_PAGE,
        after: str | None = None,
    ) -> FilterPreview | None:
        size, book = page_size(first), info.context.book(Operation.READ_ACCOUNT)
        start = read_cursor(after, 1)

        def read(connection: Connection, day: FactsDay) -> FilterPreview:
            fields = catalogue(connection)
            tree = _tree(filter, fields)
            found = matching(connection, day.run_id, tree, book, start[0] if start else "", size + 1)
            page = cut(found.rows, size)
            return FilterPreview(
                business_date=day.business_date,
                sentence=sentence(tree),
                count=found.count,
                accounts=[FilterMatch.of(row, fields) for row in page.rows],
                end_cursor=cursor(page.rows[-1].account_id) if page.has_more else None,
            )

        return await _on_a_day(info, as_of, read)

    @guarded(Operation.READ_ACCOUNT, description=f"Advisors by how many of their accounts a filter wants. {_DAY}")
    async def filter_by_advisor(self, info: Info, filter: JSON, as_of: date | None = None) -> list[AdvisorCount] | None:
        book = info.context.book(Operation.READ_ACCOUNT)

        def read(connection: Connection, day: FactsDay) -> list[AdvisorCount]:
            tree = _tree(filter, catalogue(connection))
            found = counts_by_advisor(connection, day.run_id, tree, book)
            return [AdvisorCount(advisor_id=name, wanted=wanted, accounts=whole) for name, wanted, whole in found]

        return await _on_a_day(info, as_of, read)

    @guarded(Operation.READ_ACCOUNT, description=f"Whether a filter wants one account, rule by rule. {_DAY}")
    async def filter_account(
        self, info: Info, filter: JSON, account_id: str, as_of: date | None = None
    ) -> FilterAnswer | None:
        wanted = key_of("Account", account_id)
        book = info.context.book(Operation.READ_ACCOUNT)

        def read(connection: Connection, day: FactsDay) -> FilterAnswer | None:
            facts = _facts(connection, day, wanted, book)
            tree = _tree(filter, catalogue(connection))
            return None if facts is None else FilterAnswer.of(day.business_date, tree, facts)

        return await _on_a_day(info, as_of, read)

    @guarded(Operation.READ_ACCOUNT, description=f"Why an account is in its lane: the firm's policy in words. {_DAY}")
    async def lane_explanation(self, info: Info, account_id: str, as_of: date | None = None) -> LaneExplanation | None:
        wanted, book = key_of("Account", account_id), info.context.book(Operation.READ_ACCOUNT)

        def read(connection: Connection, day: FactsDay) -> LaneExplanation | None:
            facts = _facts(connection, day, wanted, book)
            if facts is None:
                return None
            ref = RunRef(info.context.firm_id, day.run_id, day.business_date)
            policy, fields = frozen_policy(document_of_run(connection, ref)), catalogue(connection)
            return LaneExplanation(
                business_date=day.business_date,
                account_id=wanted,
                decision=LaneReason.of(lane(policy, facts), fields),
                steps=[PolicyStepAnswer.of(each, fields) for each in explain(policy, facts)],
            )

        return await _on_a_day(info, as_of, read)

    @guarded(
        Operation.SET_AUTOMATED_TRADING_FILTER,
        description="What the lanes of the last days with facts would have been with one firm filter changed.",
    )
    async def shadow_filter(
        self, info: Info, name: str, filter: JSON, days: int = 5, first: int = DEFAULT_PAGE
    ) -> ShadowRun | None:
        size, book = page_size(first), info.context.book(Operation.READ_ACCOUNT)
        if not 1 <= days <= MOST_SHADOW_DAYS:
            raise BadInput(f"days must be 1 to {MOST_SHADOW_DAYS}")
        value: Any = filter
        return await info.context.reader.run(lambda one: _shadow(one, name, value, days, size, book))


def _shadow(connection: Connection, name: str, value: Any, days: int, size: int, book: str | None) -> ShadowRun:
    """Raises BadInput for a filter that decides no lane."""
    on, fields = business_date(connection) or date.max, catalogue(connection)
    _tree(value, fields)
    deciding = lane_policy_on(connection, on).filters
    if name not in deciding:
        raise BadInput(f"{name} decides no lane: those that do are {', '.join(deciding)}")
    found = shadow(connection, on, FIRM_FILTER, name, value, days=days, kept=size, book=book)
    return ShadowRun.of(found, fields)


def _tree(value: object, fields: Fields) -> FilterTree:
    """Raises BadInput with the place that cannot be read."""
    try:
        return parse_filter(value, fields)
    except FilterError as error:
        raise BadInput(str(error), reason=error.code, place=error.path) from error


async def _on_a_day(info: Info, as_of: date | None, read: Callable[[Connection, FactsDay], Value]) -> Value | None:
    """What is read of the newest day that has facts; None before the first."""

    def find(connection: Connection) -> Value | None:
        found = facts_days(connection, as_of)
        return read(connection, found[0]) if found else None

    return await info.context.reader.run(find)


def _facts(connection: Connection, day: FactsDay, account_id: str, book: str | None) -> AccountFacts | None:
    """The account's row, None for one that is not there or outside of the book."""
    facts = read_facts(connection, day.run_id, account_id)
    return facts if facts is not None and book in (None, facts.advisor_id) else None
