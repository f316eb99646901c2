"""Accounts as the API shows them."""

from datetime import date, datetime
from typing import Any

import strawberry
from sqlalchemy import Row

from trimtab.db.day_pages import DayFilter
from trimtab.graphql.accounts.days import AccountDay, AccountDayConnection, read_days, require_past
from trimtab.graphql.context import Info
from trimtab.graphql.ids import cursor, node_id
from trimtab.graphql.paging import DEFAULT_PAGE, PageInfo
from trimtab.graphql.suspensions.types import Suspension


@strawberry.type(description="A custodial account.")
class Account:
    row: strawberry.Private[Row[Any]]
    id: strawberry.ID
    account_id: str
    household_id: str
    advisor_id: str

    @strawberry.field
    def programme(self) -> str | None:
        return self.row.profile.get("programme")  # type: ignore[no-any-return]

    @strawberry.field
    def registration(self) -> str | None:
        return self.row.profile.get("registration")  # type: ignore[no-any-return]

    @strawberry.field
    def model_id(self) -> str | None:
        return self.row.profile.get("model_id")  # type: ignore[no-any-return]

    @strawberry.field
    def discretionary(self) -> bool:
        return bool(self.row.profile.get("discretionary", True))

    @strawberry.field
    def standing(self) -> str | None:
        return self.row.profile.get("standing")  # type: ignore[no-any-return]

    @strawberry.field(description="Suspensions of the account and of the firm that stand open now.")
    async def open_suspensions(self, info: Info) -> list[Suspension]:
        rows = await info.context.loaders.suspensions(info.context.firm_id).load(self.account_id)
        return [Suspension.of(row) for row in rows]

    @strawberry.field(description="The current account-day of its newest business date.")
    async def latest_day(self, info: Info) -> AccountDay | None:
        row = await info.context.loaders.latest_day.load(self.account_id)
        return None if row is None else AccountDay.of(row)

    @strawberry.field(
        description="Every attempt of every business day, newest first; of the dates from `since` to `until`. With "
        "`knownAt` as the records stood then: what was recorded later is left out. Row 28: the audit log."
    )
    async def history(
        self,
        info: Info,
        since: date | None = None,
        until: date | None = None,
        known_at: datetime | None = None,
        first: int = DEFAULT_PAGE,
        after: str | None = None,
    ) -> AccountDayConnection | None:
        require_past(info, self.advisor_id, known_at)
        wanted = DayFilter(account_id=self.account_id, every_attempt=True, since=since, until=until, known_at=known_at)
        return await read_days(info, wanted, None, first, after)

    @classmethod
    def of(cls, row: Row[Any]) -> "Account":
        return cls(
            row=row,
            id=strawberry.ID(node_id("Account", row.account_id)),
            account_id=row.account_id,
            household_id=row.household_id,
            advisor_id=row.advisor_id,
        )


@strawberry.type
class AccountEdge:
    cursor: str
    node: Account


@strawberry.type
class AccountConnection:
    edges: list[AccountEdge]
    page_info: PageInfo


def account_cursor(row: Row[Any]) -> str:
    return cursor("account", row.account_id)
