"""What people do about a proposed bulk change: exempt an account, decide it, or ask for it to be taken back."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any

import strawberry
from sqlalchemy import Connection

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Act, Operation
from trimtab.auth.principal import Subject
from trimtab.db import bulk_decisions
from trimtab.db.bulk_changes import bulk_change_of
from trimtab.db.history import accounts_by_id
from trimtab.db.settings_versions import StaleVersion
from trimtab.db.shadow_runs import ShadowRunMissing, require_shadow_run
from trimtab.db.shadow_subjects import bulk_subject
from trimtab.domain.profile.bulk import BulkChange, BulkChangeRefused, BulkStatus, Exemption
from trimtab.domain.profile.errors import SettingError
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    forbidden,
    kept,
    not_found,
    once,
)
from trimtab.graphql.context import Info, RequestContext, let_others_go_on
from trimtab.graphql.errors import BadInput
from trimtab.graphql.ids import key_of
from trimtab.graphql.settings.mutations.change_settings import names_of
from trimtab.graphql.settings.mutations.propose_bulk_change import WHOLE_BOOK_SECONDS

Settle = Callable[[BulkChange, int], BulkChange]


@kept
@strawberry.type(description="The bulk change as it stands now.")
class BulkChangeSettled:
    change_id: str
    status: str
    exempt: int
    conflicting: int
    versions_written: int
    left_alone: int


BulkChangeResult = Annotated[
    BulkChangeSettled | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="BulkChangeResult"),
]


@strawberry.input
class ExemptFromBulkChangeInput:
    change_id: str
    account_id: strawberry.ID
    reason: str
    idempotency_key: str
    until: date | None = strawberry.field(default=None, description="Its last day; from the next the change holds.")
    review_on: date | None = strawberry.field(default=None, description="When somebody is to look at it again.")


@guarded_mutation(
    Operation.EXEMPT_FROM_BULK_CHANGE,
    description="Leave an account out of a bulk change, with a reason; of an applied one, prolong or end that.",
)
async def exempt_from_bulk_change(info: Info, input: ExemptFromBulkChangeInput) -> BulkChangeResult:
    try:
        account_id = key_of("Account", input.account_id)
    except BadInput as error:
        return InvalidInput(code="INVALID_ID", message=error.message, field="accountId")
    context = info.context
    persons = tuple(sorted(context.who.persons))
    exemption = Exemption(account_id, input.reason, persons, input.until, input.review_on)

    def work(connection: Connection) -> Any:
        rows = accounts_by_id(connection, [account_id])
        if not rows or not context.may_reach(Operation.READ_ACCOUNT, rows[0].advisor_id):
            return not_found("account")
        subject = Subject(context.firm_id, advisor_id=rows[0].advisor_id)
        allowed = context.decide(Operation.EXEMPT_FROM_BULK_CHANGE, subject)
        if isinstance(allowed, Denied):
            return forbidden(allowed)
        return _settle(
            connection,
            input.change_id,
            lambda change, seq: bulk_decisions.exempt(connection, context.firm_id, change, seq, exemption),
        )

    asked = {"change": input.change_id, "account": account_id, "until": input.until, "review_on": input.review_on}
    return await _once(info, "exempt_from_bulk_change", input.idempotency_key, asked, work, input.reason)


@strawberry.input
class DecideBulkChangeInput:
    change_id: str
    approve: bool = strawberry.field(description="False rejects it.")
    reason: str
    idempotency_key: str


@guarded_mutation(
    Operation.CHANGE_SETTINGS_IN_BULK,
    Operation.UNDO_BULK_CHANGE,
    description="Approve or reject another person's bulk change, or its undo. Approved, all of its accounts change.",
)
async def decide_bulk_change(info: Info, input: DecideBulkChangeInput) -> BulkChangeResult:
    context = info.context

    def work(connection: Connection) -> Any:
        found = bulk_change_of(connection, input.change_id)
        if found is None:
            return not_found("bulk change")
        refused = _may_decide(context, found[0])
        if refused is not None:
            return refused
        firm_id, who, reason = context.firm_id, names_of(context), input.reason

        def settle(change: BulkChange, seq: int) -> BulkChange:
            if not input.approve:
                return bulk_decisions.reject(connection, firm_id, change, seq, who, reason)
            if change.status is BulkStatus.PROPOSED:  # an undo only gives back what was
                require_shadow_run(connection, change.change_id, bulk_subject(change))
            return bulk_decisions.approve(connection, firm_id, change, seq, who, reason, let_others_go_on)

        return _settle(connection, input.change_id, settle)

    asked = {"change": input.change_id, "approve": input.approve}
    return await _once(info, "decide_bulk_change", input.idempotency_key, asked, work, input.reason)


def _may_decide(context: RequestContext, change: BulkChange) -> Forbidden | None:
    """Nobody decides their own proposal, exemption or undo; beyond the limits row 5 must allow it as well."""
    undoing = change.status is BulkStatus.UNDO_PROPOSED
    persons = frozenset(change.undo_proposed_by) if undoing else change.persons
    operations = [Operation.UNDO_BULK_CHANGE if undoing else Operation.CHANGE_SETTINGS_IN_BULK]
    if change.preview.beyond_limits and not undoing:
        operations.append(Operation.EXCEED_CUSTOMISATION_LIMITS)
    for operation in operations:
        allowed = context.decide(operation, Subject(context.firm_id, proposed_by=persons), Act.VERIFY)
        if isinstance(allowed, Denied):
            return forbidden(allowed)
    return None


@strawberry.input
class UndoBulkChangeInput:
    change_id: str
    reason: str
    idempotency_key: str


@guarded_mutation(
    Operation.UNDO_BULK_CHANGE, description="Ask for an applied bulk change to be taken back; another person decides."
)
async def undo_bulk_change(info: Info, input: UndoBulkChangeInput) -> BulkChangeResult:
    context = info.context
    allowed = context.decide(Operation.UNDO_BULK_CHANGE, Subject(context.firm_id), Act.PROPOSE)
    if isinstance(allowed, Denied):
        return forbidden(allowed)
    persons = tuple(sorted(context.who.persons))

    def work(connection: Connection) -> Any:
        return _settle(
            connection,
            input.change_id,
            lambda change, seq: bulk_decisions.propose_undo(
                connection, context.firm_id, change, seq, persons, input.reason
            ),
        )

    asked = {"change": input.change_id}
    return await _once(info, "undo_bulk_change", input.idempotency_key, asked, work, input.reason)


def _settle(connection: Connection, change_id: str, act: Settle) -> BulkChangeSettled | NotFound | InvalidInput:
    found = bulk_change_of(connection, change_id)
    if found is None:
        return not_found("bulk change")
    try:
        with connection.begin_nested():  # refused, it leaves nothing behind
            change = act(*found)
    except (BulkChangeRefused, SettingError, StaleVersion, ShadowRunMissing) as wrong:
        return InvalidInput(code=wrong.code, message=str(wrong), field="changeId")
    return BulkChangeSettled(
        change_id=change.change_id,
        status=change.status.value,
        exempt=len(change.exemptions),
        conflicting=change.preview.conflicting,
        versions_written=change.written,
        left_alone=change.left_alone,
    )


async def _once(
    info: Info, mutation: str, key: str, asked: Mapping[str, object], work: Callable[[Connection], Any], reason: str
) -> BulkChangeResult:
    info.context.allow_seconds(WHOLE_BOOK_SECONDS)
    answer: BulkChangeResult = await once(info, mutation, key, {**asked, "reason": reason}, work, reason)
    return answer
