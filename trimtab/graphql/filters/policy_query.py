"""Queries about the lane policy: what holds, what is proposed, and what a changed one would have done."""

from datetime import date
from typing import Any

import strawberry
from sqlalchemy import Connection
from strawberry.scalars import JSON

from trimtab.auth.matrix import Operation
from trimtab.db.account_signals import business_date
from trimtab.db.ancillary import catalogue
from trimtab.db.filter_versions import filter_changes
from trimtab.db.lane_policies import LANE_POLICY, POLICY_KEY, lane_policy_on, policy_version
from trimtab.db.policy_shadow import shadow
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lane_policy import policy_difference
from trimtab.graphql.access import guarded
from trimtab.graphql.context import Info
from trimtab.graphql.errors import BadInput
from trimtab.graphql.filters.policy_types import LanePolicyChange, LanePolicyInfo
from trimtab.graphql.filters.types import ShadowRun
from trimtab.graphql.paging import DEFAULT_PAGE, page_size

MOST_SHADOW_DAYS = 20


@strawberry.type
class LanePolicyQuery:
    @guarded(
        Operation.READ_ACCOUNT,
        description="The lane policy that holds on the day, as it was known at the version; today's without `asOf`.",
    )
    async def lane_policy(
        self, info: Info, as_of: date | None = None, known_at: int | None = None
    ) -> LanePolicyInfo | None:
        def read(connection: Connection) -> LanePolicyInfo:
            on = as_of or business_date(connection) or date.max
            version = policy_version(connection, on, known_at)
            return LanePolicyInfo.of(lane_policy_on(connection, on, known_at), version)

        return await info.context.reader.run(read)

    @guarded(Operation.READ_ACCOUNT, description="In English: how the lane policy of one day differs from another's.")
    async def lane_policy_diff(self, info: Info, before: date, after: date) -> list[str] | None:
        def read(connection: Connection) -> list[str]:
            return list(policy_difference(lane_policy_on(connection, before), lane_policy_on(connection, after)))

        return await info.context.reader.run(read)

    @guarded(Operation.SET_AUTOMATED_TRADING_FILTER, description="Lane policies that were proposed, newest first.")
    async def lane_policy_changes(self, info: Info, status: str | None = None) -> list[LanePolicyChange] | None:
        found = await info.context.reader.run(lambda one: filter_changes(one, LANE_POLICY))
        several = sorted(found.values(), key=lambda each: (each.effective_from, each.change_id), reverse=True)
        return [LanePolicyChange.of(each) for each in several if status in (None, each.status.value)]

    @guarded(
        Operation.SET_AUTOMATED_TRADING_FILTER,
        description="What the lanes of the last days with facts would have been by another lane policy.",
    )
    async def shadow_lane_policy(
        self, info: Info, policy: JSON, days: int = 5, first: int = DEFAULT_PAGE
    ) -> ShadowRun | None:
        size, book = page_size(first), info.context.book(Operation.READ_ACCOUNT)
        return await info.context.reader.run(lambda one: _shadow(one, policy, days, size, book))


def _shadow(connection: Connection, policy: Any, days: int, size: int, book: str | None) -> ShadowRun:
    """Raises BadInput for a policy that cannot be, and for too many days."""
    if not 1 <= days <= MOST_SHADOW_DAYS:
        raise BadInput(f"days must be 1 to {MOST_SHADOW_DAYS}")
    on = business_date(connection) or date.max
    try:
        found = shadow(connection, on, LANE_POLICY, POLICY_KEY, policy, days=days, kept=size, book=book)
    except TrimtabError as error:
        raise BadInput(str(error), reason=error.code) from error
    return ShadowRun.of(found, catalogue(connection))
