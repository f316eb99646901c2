"""Queries about bulk changes of settings."""

import asyncio
from typing import Final

import strawberry
from sqlalchemy import Connection

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Act, Operation
from trimtab.auth.principal import Subject
from trimtab.db.bulk_changes import Changes, bulk_change_of, bulk_changes, members_of
from trimtab.db.bulk_sample import sample_of
from trimtab.db.profile_changes import newest_names
from trimtab.domain.profile.bulk import BulkStatus
from trimtab.domain.profile.what_if import Sampled, sampled_effect
from trimtab.graphql.access import guarded
from trimtab.graphql.context import Info
from trimtab.graphql.errors import BadInput, NotAllowed
from trimtab.graphql.paging import DEFAULT_PAGE, page_size
from trimtab.graphql.settings.bulk_types import BulkChangeItem, BulkSample
from trimtab.graphql.settings.mutations.propose_bulk_change import WHOLE_BOOK_SECONDS

MOST_SAMPLED: Final = 50
"""Accounts that one preview analyses again."""


@strawberry.type
class BulkChangesQuery:
    @guarded(Operation.CHANGE_SETTINGS_IN_BULK, description="A bulk change of settings with its preview.")
    async def bulk_change(self, info: Info, change_id: str) -> BulkChangeItem | None:
        require_bulk_reading(info)

        def read(connection: Connection) -> BulkChangeItem | None:
            found = bulk_change_of(connection, change_id)
            return None if found is None else BulkChangeItem.of(found[0], newest_names(connection).symbols)

        return await info.context.reader.run(read)

    @guarded(Operation.CHANGE_SETTINGS_IN_BULK, description="Bulk changes of settings, the last proposed first.")
    async def bulk_changes(
        self, info: Info, status: BulkStatus | None = None, first: int = DEFAULT_PAGE
    ) -> list[BulkChangeItem] | None:
        require_bulk_reading(info)
        size = page_size(first)

        def read(connection: Connection) -> list[BulkChangeItem]:
            symbols = newest_names(connection).symbols
            return [BulkChangeItem.of(each, symbols) for each in bulk_changes(connection, status, size)]

        return await info.context.reader.run(read)

    @guarded(
        Operation.CHANGE_SETTINGS_IN_BULK,
        description="Analyse a sample of a bulk change's accounts again as they would be with it (N8).",
    )
    async def bulk_change_sample(self, info: Info, change_id: str, accounts: int = 10) -> BulkSample | None:
        require_bulk_reading(info)
        if not 1 <= accounts <= MOST_SAMPLED:
            raise BadInput(f"accounts is 1 to {MOST_SAMPLED}")
        info.context.allow_seconds(WHOLE_BOOK_SECONDS)

        def read(connection: Connection) -> tuple[list[Sampled], Changes] | None:
            found = bulk_change_of(connection, change_id)
            if found is None:
                return None
            exempt = {each.account_id for each in found[0].exemptions}
            members = [name for name in members_of(connection, found[0]) if name not in exempt]
            return sample_of(connection, members, accounts), found[0].changes

        sampled = await info.context.reader.run(read)
        if sampled is None:
            return None
        await info.context.reader.close()  # no transaction stays open while the solver works
        return BulkSample.of(await asyncio.to_thread(sampled_effect, *sampled))


def require_bulk_reading(info: Info) -> None:
    """Raises NotAllowed."""
    context = info.context
    answer = context.decide(Operation.CHANGE_SETTINGS_IN_BULK, Subject(context.firm_id), Act.READ)
    if isinstance(answer, Denied):
        raise NotAllowed(answer.reason.value)
