"""What `policy` answers: allowed, refused with a reason, and how far a list may reach."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from trimtab.domain.errors import TrimtabError

if TYPE_CHECKING:
    from trimtab.auth.matrix import Operation, Role


class DenialReason(Enum):
    """Why a request was refused; the values are stable and appear in answers and logs."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    EXPIRED = "EXPIRED"
    DISABLED = "DISABLED"
    OTHER_FIRM = "OTHER_FIRM"
    ON_BEHALF_INVALID = "ON_BEHALF_INVALID"
    ON_BEHALF_EXPIRED = "ON_BEHALF_EXPIRED"
    NEVER_ON_BEHALF = "NEVER_ON_BEHALF"
    SECOND_APPROVER_NEEDED = "SECOND_APPROVER_NEEDED"
    NOT_PERMITTED = "NOT_PERMITTED"
    OTHER_BOOK = "OTHER_BOOK"
    SCOPE_MISSING = "SCOPE_MISSING"
    STAGE_NOT_PERMITTED = "STAGE_NOT_PERMITTED"
    NOT_ADDRESSED = "NOT_ADDRESSED"
    NOT_OWN_ITEM = "NOT_OWN_ITEM"
    OWN_ROLES = "OWN_ROLES"
    NOT_A_PERSON = "NOT_A_PERSON"
    PROPOSER_UNKNOWN = "PROPOSER_UNKNOWN"
    SELF_APPROVAL = "SELF_APPROVAL"
    SAME_APPROVER = "SAME_APPROVER"
    FIRST_APPROVAL_MISSING = "FIRST_APPROVAL_MISSING"


class ActRequired(TrimtabError):
    """A row with proposals was asked without saying whether to read, propose or verify."""

    code = "ACT_REQUIRED"


class NotPermitted(TrimtabError):
    """Raised by `require`; `reason` says why."""

    code = "NOT_PERMITTED"

    def __init__(self, operation: Operation, reason: DenialReason) -> None:
        super().__init__(f"{operation.name} refused: {reason.value}")
        self.operation = operation
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Allowed:
    """`role` is the one whose cell allowed it; `further_approvals` more persons must approve as well."""

    role: Role
    further_approvals: int = 0


@dataclass(frozen=True, slots=True)
class Denied:
    """Refused, and why."""

    reason: DenialReason


@dataclass(frozen=True, slots=True)
class WholeFirm:
    """A list may show everything of the principal's firm."""


@dataclass(frozen=True, slots=True)
class OwnBook:
    """A list may show only what belongs to this advisor's accounts."""

    advisor_id: str
