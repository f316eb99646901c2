"""Decides whether a principal may do an operation. Pure: the clock and the table come in as arguments.

Every mutation, query and subscription asks here, and nowhere else. The table is in `matrix`; the rules that
no table can change (one's own firm, four eyes, acting on behalf) are in this module.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from trimtab.auth.decisions import (
    ActRequired,
    Allowed,
    DenialReason,
    Denied,
    NotPermitted,
    OwnBook,
    WholeFirm,
)
from trimtab.auth.matrix import (
    CELLS,
    LIFT_SUSPENSION,
    NEVER_ON_BEHALF,
    ON_BEHALF_BY_CHOICE,
    SCOPE_OF,
    Act,
    Cell,
    Operation,
    Role,
    SuspensionReason,
)
from trimtab.auth.policy_table import MATRIX, InvalidPolicyTable, PolicyTable
from trimtab.auth.principal import ON_BEHALF_AT_MOST, Actor, InvalidPrincipal, Principal, Subject

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "LIFT_SUSPENSION",
    "MATRIX",
    "NEVER_ON_BEHALF",
    "ON_BEHALF_AT_MOST",
    "ON_BEHALF_BY_CHOICE",
    "SCOPE_OF",
    "Act",
    "ActRequired",
    "Actor",
    "Allowed",
    "Cell",
    "DenialReason",
    "Denied",
    "InvalidPolicyTable",
    "InvalidPrincipal",
    "NotPermitted",
    "Operation",
    "OwnBook",
    "PolicyTable",
    "Principal",
    "Role",
    "Subject",
    "SuspensionReason",
    "WholeFirm",
    "decide",
    "decide_approval",
    "natural_act",
    "reach",
    "require",
]


_APPROVALS: Final = frozenset(
    {Operation.APPROVE_TRADES, Operation.APPROVE_TRADES_ABOVE_LIMIT, Operation.APPROVE_NON_DISCRETIONARY}
)
_ADDRESSED: Final = frozenset({Operation.VIEW_OWN_DASHBOARD, Operation.ACKNOWLEDGE_ALERT, Operation.WORK_QUEUE})
_PERSONAL: Final = frozenset({Operation.EDIT_PERSONAL_FILTER, Operation.DELEGATE_APPROVALS})
_STAGES_OF_DATA_MANAGERS: Final = frozenset({"ingest", "validate"})

# When several roles are refused for different reasons, the answer is the one nearest to being allowed.
_NEARNESS: Final = (
    DenialReason.SCOPE_MISSING,
    DenialReason.STAGE_NOT_PERMITTED,
    DenialReason.OTHER_BOOK,
    DenialReason.NOT_PERMITTED,
)


def natural_act(operation: Operation) -> Act:
    """The act meant when a caller names none; raises ActRequired for rows in which people propose."""
    row = Cell.DENIED
    for role in Role:
        row |= CELLS[operation, role]
    if row & Cell.PROPOSE:
        raise ActRequired(f"{operation.name}: say whether to read, propose or verify")
    if row & Cell.VERIFY:
        return Act.VERIFY
    return Act.READ if row & Cell.READ else Act.DO


def decide(
    principal: Principal | None,
    operation: Operation,
    subject: Subject,
    *,
    now: datetime,
    act: Act | None = None,
    table: PolicyTable = MATRIX,
) -> Allowed | Denied:
    """Whether the principal may do `act` in the operation's row, about the subject, at the instant `now`.

    Without `act` the row's natural act is meant. Refusals are values; ActRequired is a caller's mistake.
    """
    meant = act if act is not None else natural_act(operation)
    if principal is None:
        return Denied(DenialReason.UNAUTHENTICATED)
    refusal = (
        _standing(principal, now)
        or (DenialReason.OTHER_FIRM if subject.firm_id != principal.firm_id else None)
        or _on_behalf(principal, operation, subject, now, table)
        or _addressed(principal, operation, subject, meant)
    )
    if refusal:
        return Denied(refusal)
    granted = _union_of_roles(principal, operation, subject, meant, table)
    if isinstance(granted, DenialReason):
        return Denied(granted)
    refusal = _four_eyes(principal, operation, subject, meant)
    return Denied(refusal) if refusal else Allowed(granted)


def require(
    principal: Principal | None,
    operation: Operation,
    subject: Subject,
    *,
    now: datetime,
    act: Act | None = None,
    table: PolicyTable = MATRIX,
) -> Allowed:
    """Like `decide`, but raises NotPermitted instead of returning a refusal."""
    answer = decide(principal, operation, subject, now=now, act=act, table=table)
    if isinstance(answer, Denied):
        raise NotPermitted(operation, answer.reason)
    return answer


def decide_approval(
    principal: Principal | None,
    subject: Subject,
    *,
    above_limit: bool,
    now: datetime,
    table: PolicyTable = MATRIX,
) -> Allowed | Denied:
    """Whether the principal may give the next approval of a proposal's trades.

    Up to the limit one approval holds (row 16). Above it the first (row 16) leaves one further approval,
    which a second person gives (row 17).
    """
    if not above_limit:
        return decide(principal, Operation.APPROVE_TRADES, subject, now=now, table=table)
    if subject.approved_by:
        return decide(principal, Operation.APPROVE_TRADES_ABOVE_LIMIT, subject, now=now, table=table)
    first = decide(principal, Operation.APPROVE_TRADES, subject, now=now, table=table)
    return replace(first, further_approvals=1) if isinstance(first, Allowed) else first


def reach(
    principal: Principal | None,
    operation: Operation,
    *,
    now: datetime,
    act: Act | None = None,
    table: PolicyTable = MATRIX,
) -> WholeFirm | OwnBook | Denied:
    """How far a list, search or subscription may reach; the scope belongs in the query's WHERE, not after it.

    Always inside the principal's own firm. Not for proposing or verifying, which are decided item by item.
    """
    if principal is None:
        return Denied(DenialReason.UNAUTHENTICATED)
    meant = act if act is not None else natural_act(operation)
    elsewhere = Subject(firm_id=principal.firm_id)
    everything = decide(principal, operation, elsewhere, now=now, act=meant, table=table)
    if isinstance(everything, Allowed):
        return WholeFirm()
    if principal.book is None:
        return everything
    own = replace(elsewhere, advisor_id=principal.book)
    in_book = decide(principal, operation, own, now=now, act=meant, table=table)
    return OwnBook(principal.book) if isinstance(in_book, Allowed) else in_book


def _standing(principal: Principal, now: datetime) -> DenialReason | None:
    if now >= principal.expires_at:
        return DenialReason.EXPIRED
    return None if principal.active else DenialReason.DISABLED


def _on_behalf(
    principal: Principal, operation: Operation, subject: Subject, now: datetime, table: PolicyTable
) -> DenialReason | None:
    """The rules of delegation: the represented person's rights, minus the starred rows, for a short time."""
    actor = principal.actor
    if actor is None:
        return None
    if not _is_valid_delegation(principal, actor):
        return DenialReason.ON_BEHALF_INVALID
    if not actor.started_at <= now < actor.expires_at:
        return DenialReason.ON_BEHALF_EXPIRED
    if operation not in NEVER_ON_BEHALF:
        return None
    if operation not in table.on_behalf:
        return DenialReason.NEVER_ON_BEHALF
    # The firm opened this row, but then somebody who is neither of the two must have approved as well.
    return None if subject.approved_by - principal.persons else DenialReason.SECOND_APPROVER_NEEDED


def _is_valid_delegation(principal: Principal, actor: Actor) -> bool:
    return (
        principal.person_id is not None
        and principal.person_id != actor.person_id
        and actor.firm_id == principal.firm_id
        and actor.active
        and Role.ADMINISTRATOR in actor.roles
        and bool(actor.reason.strip())
        and actor.expires_at - actor.started_at <= ON_BEHALF_AT_MOST
    )


def _union_of_roles(
    principal: Principal, operation: Operation, subject: Subject, act: Act, table: PolicyTable
) -> Role | DenialReason:
    """The first role that allows it, else the refusal nearest to being allowed."""
    refusals = {DenialReason.NOT_PERMITTED}
    # A dashboard, alert or queue is that of one role: another role of the same person does not open it.
    roles = principal.roles & {subject.addressed_to} if operation in _ADDRESSED else principal.roles
    for role in Role:
        if role not in roles:
            continue
        refusal = _refusal_of_role(principal, role, operation, subject, act, table)
        if refusal is None:
            return role
        refusals.add(refusal)
    return next(reason for reason in _NEARNESS if reason in refusals)


def _refusal_of_role(
    principal: Principal, role: Role, operation: Operation, subject: Subject, act: Act, table: PolicyTable
) -> DenialReason | None:
    cell = table.cell(operation, role)
    if not _covers(cell, act):
        return DenialReason.NOT_PERMITTED
    if cell & Cell.OWN and not _is_own(principal, subject):
        return DenialReason.OTHER_BOOK
    if role is Role.INTEGRATOR and SCOPE_OF.get(operation) not in principal.scopes:
        return DenialReason.SCOPE_MISSING
    if operation is Operation.RETRY_STEP and role is Role.DATA_MANAGER:
        return None if subject.stage in _STAGES_OF_DATA_MANAGERS else DenialReason.STAGE_NOT_PERMITTED
    return None


def _covers(cell: Cell, act: Act) -> bool:
    """Whether the cell's letters include the act; whoever may do, propose or verify may also read."""
    if act is Act.READ:
        return cell is not Cell.DENIED
    if act is Act.DO:
        return bool(cell & Cell.ALLOWED) or cell is Cell.OWN
    return bool(cell & (Cell.PROPOSE if act is Act.PROPOSE else Cell.VERIFY))


def _is_own(principal: Principal, subject: Subject) -> bool:
    return principal.book is not None and subject.advisor_id == principal.book


def _addressed(principal: Principal, operation: Operation, subject: Subject, act: Act) -> DenialReason | None:
    """Rows about one's own dashboard, queue, filter or delegation, and never granting one's own roles."""
    if operation in _ADDRESSED and subject.addressed_to not in principal.roles:
        return DenialReason.NOT_ADDRESSED
    if operation in _PERSONAL and (subject.owner_id is None or subject.owner_id != principal.person_id):
        return DenialReason.NOT_OWN_ITEM
    # An unknown person is refused too: whoever grants must say to whom.
    grants = operation is Operation.GRANT_ROLES and act is not Act.READ
    if grants and subject.about_person in {None, *principal.persons}:
        return DenialReason.OWN_ROLES
    return None


def _four_eyes(principal: Principal, operation: Operation, subject: Subject, act: Act) -> DenialReason | None:
    """No approver may stand behind the proposal or an earlier approval, whatever roles they hold."""
    if act is not Act.VERIFY and not (operation in _APPROVALS and act is Act.DO):
        return None
    if not principal.persons:
        return DenialReason.NOT_A_PERSON
    if subject.proposed_by is None:
        return DenialReason.PROPOSER_UNKNOWN
    if principal.persons & subject.proposed_by:
        return DenialReason.SELF_APPROVAL
    if principal.persons & subject.approved_by:
        return DenialReason.SAME_APPROVER
    if operation is Operation.APPROVE_TRADES_ABOVE_LIMIT and not subject.approved_by:
        return DenialReason.FIRST_APPROVAL_MISSING
    return None
