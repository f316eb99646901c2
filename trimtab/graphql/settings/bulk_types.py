"""Bulk changes as the API shows them."""

from collections.abc import Mapping
from datetime import date
from enum import Enum
from typing import Any

import strawberry
from strawberry.scalars import JSON

from trimtab.db.bulk_changes import Changes
from trimtab.domain.profile.bulk import BulkChange, BulkStatus, Conflict, Exemption, SampledEffect, Transition
from trimtab.graphql.context import Info
from trimtab.graphql.settings.types import change_told
from trimtab.graphql.shadow.types import ChangeShadow, shadow_of

strawberry.enum(BulkStatus, name="BulkStatus", description="What became of a bulk change.")


@strawberry.enum(description="For whom a bulk change is written.")
class BulkTarget(Enum):
    ACCOUNTS = "ACCOUNTS"
    PROGRAMME = "PROGRAMME"
    FIRM = "FIRM"


@strawberry.type(description="How many accounts go from one sentence to another.")
class BulkTransition:
    before: str | None = strawberry.field(description="Null where nothing was said.")
    level: str | None = strawberry.field(description="Where it came from.")
    after: str
    accounts: int

    @classmethod
    def of(cls, found: Transition) -> "BulkTransition":
        return cls(before=found.before, level=found.level, after=found.after, accounts=found.accounts)


@strawberry.type(description="An account for which the change cannot be, or is beyond its customisation limits.")
class BulkConflict:
    account_id: str
    problems: list[str]

    @classmethod
    def of(cls, found: Conflict) -> "BulkConflict":
        return cls(account_id=found.account_id, problems=list(found.problems))


@strawberry.type(description="An account that the change leaves alone, and why. It ends, or is to be reviewed.")
class BulkExemption:
    account_id: str
    reason: str
    granted_by: list[str]
    until: date | None
    review_on: date | None

    @classmethod
    def of(cls, found: Exemption) -> "BulkExemption":
        return cls(
            account_id=found.account_id,
            reason=found.reason,
            granted_by=list(found.granted_by),
            until=found.until,
            review_on=found.review_on,
        )


@strawberry.type(description="What analysing a sample of the accounts again under the change shows (N8). Dollars.")
class BulkSample:
    sampled: int
    trading_before: int
    trading_after: int
    turnover_before: float
    turnover_after: float
    tax_before: float
    tax_after: float
    failed: JSON = strawberry.field(description="Account to why it could not be analysed.")

    @classmethod
    def of(cls, found: SampledEffect) -> "BulkSample":
        failed: Any = dict(found.failed)
        return cls(
            sampled=found.sampled,
            trading_before=found.trading_before,
            trading_after=found.trading_after,
            turnover_before=found.turnover_before,
            turnover_after=found.turnover_after,
            tax_before=found.tax_before,
            tax_after=found.tax_after,
            failed=failed,
        )


@strawberry.type(description="One change of many accounts' settings, what it would do, and what became of it.")
class BulkChangeItem:
    change_id: str
    target: str
    filter: JSON | None
    changes: list[str]
    effective_from: date
    reason: str
    proposed_by: list[str]
    status: BulkStatus
    accounts: int = strawberry.field(description="Whom it reaches, exempt accounts included.")
    changing: int = strawberry.field(description="Accounts for which something would be different.")
    transitions: list[BulkTransition]
    conflicting: int = strawberry.field(description="Accounts whose settings could not be obeyed with it.")
    conflicts: list[BulkConflict]
    beyond_limits: int
    beyond: list[BulkConflict]
    trading: int = strawberry.field(description="Accounts that the newest run trades.")
    turnover: float = strawberry.field(description="Of the newest run, dollars, one-way.")
    tax: float = strawberry.field(description="Of the newest run, dollars.")
    exemptions: list[BulkExemption]
    decided_by: str | None
    decision_reason: str
    versions_written: int
    undo_reason: str
    undone_by: str | None
    left_alone: int = strawberry.field(description="Accounts whose setting was changed again before the undo.")

    @strawberry.field(description="What it would have done on the last days; null when it has not been run.")
    async def shadow(self, info: Info) -> ChangeShadow | None:
        return await shadow_of(info, self.change_id)

    @classmethod
    def of(cls, change: BulkChange, symbols: Mapping[str, str]) -> "BulkChangeItem":
        preview = change.preview
        wanted: Any = change.filter
        return cls(
            change_id=change.change_id,
            target=change.target,
            filter=wanted,
            changes=told(change.changes, symbols),
            effective_from=change.effective_from,
            reason=change.reason,
            proposed_by=list(change.proposed_by),
            status=change.status,
            accounts=preview.accounts,
            changing=preview.changing,
            transitions=[BulkTransition.of(each) for each in preview.transitions],
            conflicting=preview.conflicting,
            conflicts=[BulkConflict.of(each) for each in preview.conflicts],
            beyond_limits=preview.beyond_limits,
            beyond=[BulkConflict.of(each) for each in preview.beyond],
            trading=preview.trading,
            turnover=preview.turnover,
            tax=preview.tax,
            exemptions=[BulkExemption.of(each) for each in change.exemptions],
            decided_by=change.decided_by,
            decision_reason=change.decision_reason,
            versions_written=change.written,
            undo_reason=change.undo_reason,
            undone_by=change.undone_by,
            left_alone=change.left_alone,
        )


def told(changes: Changes, symbols: Mapping[str, str]) -> list[str]:
    return [change_told(place, what, symbols) for place, what in changes.items()]
