"""Queries about a firm's own fields and what accounts have in them."""

from datetime import date

import strawberry
from sqlalchemy import Connection

from trimtab.auth.matrix import Operation
from trimtab.db.account_signals import business_date
from trimtab.db.ancillary import ANCILLARY_FIELD, fields_on, value_history, values_on
from trimtab.db.filter_versions import filter_changes
from trimtab.db.history import accounts_by_id
from trimtab.domain.ancillary import value_differences
from trimtab.graphql.access import guarded
from trimtab.graphql.ancillary.types import (
    AncillaryFieldChange,
    AncillaryFieldInfo,
    AncillaryValue,
    AncillaryValueChange,
)
from trimtab.graphql.context import Info
from trimtab.graphql.ids import key_of


@strawberry.type
class AncillaryQuery:
    @guarded(Operation.READ_ACCOUNT, description="The firm's own fields on a day, as known at a version; now without.")
    async def ancillary_fields(
        self, info: Info, as_of: date | None = None, known_at: int | None = None
    ) -> list[AncillaryFieldInfo] | None:
        found = await info.context.reader.run(lambda one: fields_on(one, as_of, known_at))
        return [AncillaryFieldInfo.of(each) for each in found.values()]

    @guarded(Operation.SET_AUTOMATED_TRADING_FILTER, description="Definitions that were proposed, newest first.")
    async def ancillary_field_changes(self, info: Info, status: str | None = None) -> list[AncillaryFieldChange] | None:
        found = await info.context.reader.run(lambda one: filter_changes(one, ANCILLARY_FIELD))
        several = sorted(found.values(), key=lambda each: (each.effective_from, each.change_id), reverse=True)
        return [AncillaryFieldChange.of(each) for each in several if status in (None, each.status.value)]

    @guarded(
        Operation.READ_ACCOUNT,
        description="An account's values of the firm's own fields on a day, as known at a version; today without.",
    )
    async def account_ancillary(
        self, info: Info, account_id: strawberry.ID, as_of: date | None = None, known_at: int | None = None
    ) -> list[AncillaryValue] | None:
        wanted, book = key_of("Account", account_id), info.context.book(Operation.READ_ACCOUNT)

        def read(connection: Connection) -> list[AncillaryValue] | None:
            if not accounts_by_id(connection, [wanted], book):
                return None
            on = as_of or business_date(connection) or date.max
            values = values_on(connection, wanted, on, known_at)
            fields = fields_on(connection, on, known_at).values()
            return [AncillaryValue.of(each, values.get(each.name)) for each in fields]

        return await info.context.reader.run(read)

    @guarded(Operation.READ_ACCOUNT, description="Every change of an account's values, the newest first.")
    async def account_ancillary_history(
        self, info: Info, account_id: strawberry.ID
    ) -> list[AncillaryValueChange] | None:
        wanted, book = key_of("Account", account_id), info.context.book(Operation.READ_ACCOUNT)

        def read(connection: Connection) -> list[AncillaryValueChange] | None:
            if not accounts_by_id(connection, [wanted], book):
                return None
            fields, versions = fields_on(connection), value_history(connection, wanted)
            pairs = zip([None, *versions], versions, strict=False)
            return [AncillaryValueChange.of(fields, before, after) for before, after in pairs][::-1]

        return await info.context.reader.run(read)

    @guarded(
        Operation.READ_ACCOUNT,
        description="In English: how an account's values differ between two days, each as known at a version.",
    )
    async def account_ancillary_diff(
        self,
        info: Info,
        account_id: strawberry.ID,
        before: date,
        after: date,
        before_known_at: int | None = None,
        after_known_at: int | None = None,
    ) -> list[str] | None:
        wanted, book = key_of("Account", account_id), info.context.book(Operation.READ_ACCOUNT)

        def read(connection: Connection) -> list[str] | None:
            if not accounts_by_id(connection, [wanted], book):
                return None
            old = values_on(connection, wanted, before, before_known_at)
            new = values_on(connection, wanted, after, after_known_at)
            return list(value_differences(fields_on(connection), old, new))

        return await info.context.reader.run(read)
