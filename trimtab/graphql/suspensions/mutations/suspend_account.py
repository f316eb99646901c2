"""Suspend an account: nothing of it is released to the broker any more."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final

import strawberry
from sqlalchemy import Connection

from trimtab.auth.decisions import Denied
from trimtab.auth.matrix import Operation, Role
from trimtab.auth.principal import Principal, Subject
from trimtab.contracts import Signal, SignalName
from trimtab.db.account_signals import business_date, open_suspension_row, signal_accounts
from trimtab.db.history import accounts_by_id
from trimtab.db.suspensions import open_suspension
from trimtab.domain.suspensions import Suspension as NewSuspension
from trimtab.domain.suspensions import SuspensionCode, SuspensionKind, SuspensionScope
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
from trimtab.graphql.context import Info, RequestContext
from trimtab.graphql.errors import BadInput
from trimtab.graphql.ids import key_of, node_id

REPORTED: Final = "REPORTED"
"""The code of a suspension for bad data that a person saw and no check found."""


@strawberry.enum(description="Whose reason it is; decides who may lift it.")
class ReasonKind(StrEnum):
    ADVISOR = "ADVISOR"
    COMPLIANCE = "COMPLIANCE"
    DATA = "DATA"


_CODES: Final[Mapping[ReasonKind, str]] = {
    ReasonKind.ADVISOR: SuspensionCode.ADVISOR.value,
    ReasonKind.COMPLIANCE: SuspensionCode.COMPLIANCE.value,
    ReasonKind.DATA: REPORTED,
}
_OWN_KIND: Final[Mapping[Role, ReasonKind]] = {
    Role.COMPLIANCE: ReasonKind.COMPLIANCE,
    Role.DATA_MANAGER: ReasonKind.DATA,
}


@strawberry.input
class SuspendAccountInput:
    account_id: strawberry.ID
    reason: str
    idempotency_key: str
    kind: ReasonKind | None = strawberry.field(
        default=None, description="Compliance and data managers may give their own kind; others suspend as ADVISOR."
    )


@kept
@strawberry.type
class AccountSuspended:
    suspension_id: strawberry.ID
    account_id: str
    already_open: bool = strawberry.field(description="It stood already, and stands.")


SuspendAccountResult = Annotated[
    AccountSuspended | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="SuspendAccountResult"),
]


@guarded_mutation(Operation.SUSPEND_ACCOUNT, description="Suspend an account, until somebody with the right lifts it.")
async def suspend_account(info: Info, input: SuspendAccountInput) -> SuspendAccountResult:
    try:
        account_id = key_of("Account", input.account_id)
    except BadInput as error:
        return InvalidInput(code="INVALID_ID", message=error.message, field="accountId")
    context, kind = info.context, input.kind or _kind_of(info.context.who)
    if _needed_role(kind) not in (None, *context.who.roles):
        return Forbidden(code="NOT_PERMITTED", message=f"Your roles do not suspend for a reason of kind {kind}.")
    answer: SuspendAccountResult = await once(
        info,
        "suspend_account",
        input.idempotency_key,
        {"account": account_id, "reason": input.reason, "kind": kind},
        lambda connection: _suspend(connection, context, account_id, kind, input.reason),
        input.reason,
    )
    return answer


def _kind_of(principal: Principal) -> ReasonKind:
    kinds = [kind for role, kind in _OWN_KIND.items() if role in principal.roles]
    return kinds[0] if kinds else ReasonKind.ADVISOR


def _needed_role(kind: ReasonKind) -> Role | None:
    return next((role for role, own in _OWN_KIND.items() if own is kind), None)


def _suspend(
    connection: Connection, context: RequestContext, account_id: str, kind: ReasonKind, reason: str
) -> AccountSuspended | NotFound | Forbidden | InvalidInput:
    rows = accounts_by_id(connection, [account_id])
    if not rows or not context.may_reach(Operation.READ_ACCOUNT, rows[0].advisor_id):
        return not_found("account")
    allowed = context.decide(Operation.SUSPEND_ACCOUNT, Subject(context.firm_id, advisor_id=rows[0].advisor_id))
    if isinstance(allowed, Denied):
        return forbidden(allowed)
    since = business_date(connection)
    if since is None:
        return InvalidInput(code="NO_BUSINESS_DATE", message="No day has run yet.", field="accountId")
    wanted = NewSuspension(
        SuspensionScope.ACCOUNT,
        account_id,
        SuspensionKind(kind.value),
        _CODES[kind],
        reason,
        since,
        context.who.name_in_records,
    )
    new = open_suspension(connection, context.firm_id, wanted)
    if new is None:
        standing = open_suspension_row(connection, account_id, wanted.kind.value, wanted.code)
        found = standing.suspension_id if standing is not None else ""
        return AccountSuspended(suspension_id=_id(found), account_id=account_id, already_open=True)
    signal_accounts(connection, context.firm_id, [account_id], SignalName.SUSPEND, Signal(new))
    return AccountSuspended(suspension_id=_id(new), account_id=account_id, already_open=False)


def _id(suspension_id: str) -> strawberry.ID:
    return strawberry.ID(node_id("Suspension", suspension_id))
