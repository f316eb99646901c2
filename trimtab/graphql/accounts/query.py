"""Queries about accounts and their days."""

from datetime import date, datetime
from typing import Annotated

import strawberry

from trimtab.auth.matrix import Operation
from trimtab.db.as_known import attempt_as_known
from trimtab.db.day_pages import DayFilter, account_page
from trimtab.db.history import account_days_by_id, accounts_by_id
from trimtab.domain.lifecycle import Lane, TerminalState
from trimtab.graphql.access import guarded
from trimtab.graphql.accounts.days import AccountDay, AccountDayConnection, read_day, read_days, require_past
from trimtab.graphql.accounts.places import Place
from trimtab.graphql.accounts.types import Account, AccountConnection, AccountEdge, account_cursor
from trimtab.graphql.context import Info
from trimtab.graphql.ids import key_of, read_cursor, search_text
from trimtab.graphql.paging import DEFAULT_PAGE, cut, page_size


@strawberry.input(description="Which account-days; what is left out does not matter.")
class AccountDayFilter:
    business_date: date | None = None
    stage: Place | None = None
    lane: Lane | None = None
    terminal_state: TerminalState | None = None
    reason: str | None = strawberry.field(
        default=None, description="A code of how the day ended, why it waits, or what blocks it."
    )
    open_only: bool = False

    def as_filter(self) -> DayFilter:
        return DayFilter(
            business_date=self.business_date,
            stage=self.stage,
            lane=self.lane,
            terminal_state=self.terminal_state,
            reason=self.reason,
            open_only=self.open_only,
        )


@strawberry.type
class AccountsQuery:
    @guarded(Operation.READ_ACCOUNT, description="One account; null when there is none that you may see.")
    async def account(self, info: Info, id: strawberry.ID) -> Account | None:
        key, book = key_of("Account", id), info.context.book(Operation.READ_ACCOUNT)
        rows = await info.context.reader.run(lambda one: accounts_by_id(one, [key], book))
        return Account.of(rows[0]) if rows else None

    @guarded(
        Operation.READ_ACCOUNT, description="Accounts by number: all that you may see, or those that are searched."
    )
    async def accounts(
        self,
        info: Info,
        search: Annotated[
            str | None,
            strawberry.argument(description="How the number of the account, its household or its advisor begins."),
        ] = None,
        first: int = DEFAULT_PAGE,
        after: str | None = None,
    ) -> AccountConnection | None:
        book, sought = info.context.book(Operation.READ_ACCOUNT), search_text("search", search)
        size, parts = page_size(first), read_cursor(after, 2)
        start = None if parts is None else parts[1]
        page = cut(await info.context.reader.run(lambda one: account_page(one, book, sought, size, start)), size)
        edges = [AccountEdge(cursor=account_cursor(row), node=Account.of(row)) for row in page.rows]
        return AccountConnection(edges=edges, page_info=page.info(account_cursor))

    @guarded(Operation.READ_ACCOUNT, description="One account-day; null when there is none that you may see.")
    async def account_day(
        self,
        info: Info,
        id: strawberry.ID,
        known_at: Annotated[
            datetime | None,
            strawberry.argument(description="What was seen at an instant, with its offset: it asks for the audit log."),
        ] = None,
    ) -> AccountDay | None:
        key, book = key_of("AccountDay", id), info.context.book(Operation.READ_ACCOUNT)
        rows = await info.context.reader.run(lambda one: account_days_by_id(one, [key], book))
        if known_at is None or not rows:
            return AccountDay.of(rows[0]) if rows else None
        require_past(info, rows[0].advisor_id, known_at)
        found = await info.context.reader.run(lambda one: attempt_as_known(one, rows[0], known_at))
        return None if found is None else await read_day(info, found, known_at)

    @guarded(Operation.READ_ACCOUNT, description="Account-days, newest business date first.")
    async def account_days(
        self,
        info: Info,
        filter: AccountDayFilter | None = None,
        first: int = DEFAULT_PAGE,
        after: str | None = None,
    ) -> AccountDayConnection | None:
        wanted = (filter or AccountDayFilter()).as_filter()
        return await read_days(info, wanted, info.context.book(Operation.READ_ACCOUNT), first, after)
