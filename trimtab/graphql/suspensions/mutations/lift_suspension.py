"""Lift a suspension: who may depends on whose reason it is (rows 22 to 24)."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import strawberry
from sqlalchemy import Connection, Row

from trimtab.auth.decisions import DenialReason, Denied
from trimtab.auth.matrix import Operation
from trimtab.auth.principal import Subject
from trimtab.contracts import Signal, SignalName
from trimtab.db.account_signals import business_date, signal_accounts, suspension_row
from trimtab.db.history import accounts_by_id
from trimtab.db.suspensions import lift_suspension as lift_row
from trimtab.domain.suspensions import SuspensionKind, SuspensionScope
from trimtab.graphql.access import guarded_mutation
from trimtab.graphql.answers import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    UserError,
    forbidden,
    kept,
    not_found,
    once,
)
from trimtab.graphql.context import Info, RequestContext
from trimtab.graphql.errors import BadInput
from trimtab.graphql.ids import key_of, node_id

_OPERATIONS: Final[Mapping[str, Operation]] = {
    SuspensionKind.ADVISOR.value: Operation.LIFT_ADVISOR_SUSPENSION,
    SuspensionKind.DATA.value: Operation.LIFT_DATA_SUSPENSION,
    SuspensionKind.COMPLIANCE.value: Operation.LIFT_COMPLIANCE_SUSPENSION,
}


@strawberry.input
class LiftSuspensionInput:
    suspension_id: strawberry.ID
    reason: str
    idempotency_key: str


@kept
@strawberry.type(description="The suspension is over. Accounts that waited for it go on.")
class SuspensionLifted:
    suspension_id: strawberry.ID
    lifecycles_told: int


@kept
@strawberry.type(description="Somebody has lifted it already.")
class AlreadyLifted(UserError):
    suspension_id: strawberry.ID


LiftSuspensionResult = Annotated[
    SuspensionLifted | AlreadyLifted | NotFound | Forbidden | InvalidInput | IdempotencyKeyReused,
    strawberry.union(name="LiftSuspensionResult"),
]


@guarded_mutation(*_OPERATIONS.values(), description="Lift a suspension, with a reason.")
async def lift_suspension(info: Info, input: LiftSuspensionInput) -> LiftSuspensionResult:
    try:
        suspension_id = key_of("Suspension", input.suspension_id)
    except BadInput as error:
        return InvalidInput(code="INVALID_ID", message=error.message, field="suspensionId")
    context = info.context
    answer: LiftSuspensionResult = await once(
        info,
        "lift_suspension",
        input.idempotency_key,
        {"suspension": suspension_id, "reason": input.reason},
        lambda connection: _lift(connection, context, suspension_id, input.reason),
        input.reason,
    )
    return answer


def _lift(
    connection: Connection, context: RequestContext, suspension_id: str, reason: str
) -> SuspensionLifted | AlreadyLifted | NotFound | Forbidden:
    row = suspension_row(connection, suspension_id)
    if row is None:
        return not_found("suspension")
    advisor_id = _advisor(connection, row)
    if advisor_id is not None and not context.may_reach(Operation.READ_ACCOUNT, advisor_id):
        return not_found("suspension")
    refused = _refused(context, row, advisor_id)
    if refused is not None:
        return refused
    shown = strawberry.ID(node_id("Suspension", suspension_id))
    lifted_on = business_date(connection) or row.since
    done = lift_row(
        connection,
        context.firm_id,
        suspension_id,
        lifted_on=lifted_on,
        lifted_by=context.who.name_in_records,
        reason=reason,
    )
    if not done:
        return AlreadyLifted(code="ALREADY_LIFTED", message="Somebody has lifted it already.", suspension_id=shown)
    accounts = [row.scope_id] if row.scope == SuspensionScope.ACCOUNT else None
    told = signal_accounts(connection, context.firm_id, accounts, SignalName.RESUME, Signal(suspension_id))
    return SuspensionLifted(suspension_id=shown, lifecycles_told=told)


def _advisor(connection: Connection, row: Row[Any]) -> str | None:
    """Whose account it is; None for a suspension of the whole firm."""
    if row.scope != SuspensionScope.ACCOUNT:
        return None
    accounts = accounts_by_id(connection, [row.scope_id])
    return accounts[0].advisor_id if accounts else None


def _refused(context: RequestContext, row: Row[Any], advisor_id: str | None) -> Forbidden | None:
    operation = _OPERATIONS.get(row.kind)
    if operation is None:
        message = "Only a new accounts file ends this suspension."
        return Forbidden(code=DenialReason.NOT_PERMITTED.value, message=message)
    answer = context.decide(operation, Subject(context.firm_id, advisor_id=advisor_id))
    return forbidden(answer) if isinstance(answer, Denied) else None
