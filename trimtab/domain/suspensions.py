"""Suspensions: an account or the whole firm must not trade, why, and who may lift it.

A suspension is a row, not a state of a workflow: it stands until somebody with the right lifts it, or until
what caused it is gone.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from trimtab.domain.errors import TrimtabError


class LiftingRole(StrEnum):
    """The roles that may lift some suspension, by the words of their tokens (authorization rows 22 to 24)."""

    ADVISOR = "advisor"
    COMPLIANCE = "compliance"
    DATA_MANAGER = "data_manager"


class SuspensionScope(StrEnum):
    ACCOUNT = "ACCOUNT"
    FIRM = "FIRM"


class SuspensionKind(StrEnum):
    """Whose reason it is. The kind decides who may lift the suspension."""

    DATA = "DATA"  # bad data (W-C1)
    COMPLIANCE = "COMPLIANCE"  # under review, or paperwork incomplete (W-C4, W-C5)
    ADVISOR = "ADVISOR"  # the advisor's wish, or a large flow is imminent (W-C3)
    STANDING = "STANDING"  # the account is to be closed (W-C2)


class SuspensionCode(StrEnum):
    """Why people suspend. Data suspensions carry a `DataCode` instead."""

    CLOSING = "CLOSING"
    PAPERWORK = "PAPERWORK"
    FLOW_EXPECTED = "FLOW_EXPECTED"
    COMPLIANCE = "COMPLIANCE"
    ADVISOR = "ADVISOR"


class LiftRefusal(StrEnum):
    WRONG_ROLE = "WRONG_ROLE"
    STILL_FAULTY = "STILL_FAULTY"  # today's input shows the same fault


class UnknownSuspension(TrimtabError):
    """Raised when an accounts feed names a suspension that is not one of `SuspensionCode`."""

    code = "UNKNOWN_SUSPENSION"


LIFTED_BY: Final[Mapping[SuspensionKind, frozenset[LiftingRole]]] = {
    SuspensionKind.DATA: frozenset({LiftingRole.DATA_MANAGER}),
    SuspensionKind.COMPLIANCE: frozenset({LiftingRole.COMPLIANCE}),
    SuspensionKind.ADVISOR: frozenset({LiftingRole.ADVISOR, LiftingRole.COMPLIANCE}),
    SuspensionKind.STANDING: frozenset(),
}

_KIND_OF_CODE: Final[Mapping[SuspensionCode, SuspensionKind]] = {
    SuspensionCode.CLOSING: SuspensionKind.STANDING,
    SuspensionCode.PAPERWORK: SuspensionKind.COMPLIANCE,
    SuspensionCode.FLOW_EXPECTED: SuspensionKind.ADVISOR,
    SuspensionCode.COMPLIANCE: SuspensionKind.COMPLIANCE,
    SuspensionCode.ADVISOR: SuspensionKind.ADVISOR,
}

_CLEARED_BY: Final[Mapping[SuspensionCode, str]] = {
    SuspensionCode.CLOSING: "the accounts feed gives the account the standing OPEN again",
    SuspensionCode.PAPERWORK: "compliance confirms that the paperwork is complete",
    SuspensionCode.FLOW_EXPECTED: "the flow has arrived, or the advisor no longer expects it",
    SuspensionCode.COMPLIANCE: "compliance closes its review",
    SuspensionCode.ADVISOR: "the advisor or compliance lifts it",
}


@dataclass(frozen=True, slots=True)
class Suspension:
    """One open suspension. `since` is a business date; `opened_by` a person's id, a feed's name or "trimtab"."""

    scope: SuspensionScope
    scope_id: str  # the account's or the firm's id
    kind: SuspensionKind
    code: str  # a SuspensionCode or a DataCode
    reason: str
    since: date
    opened_by: str

    @property
    def lifted_by(self) -> frozenset[LiftingRole]:
        """Who may lift it; nobody when only a feed ends it."""
        return LIFTED_BY[self.kind]

    @property
    def cleared_by(self) -> str:
        """What has to happen, in words. Data suspensions say what their code's catalogue entry says."""
        if self.kind is SuspensionKind.DATA:
            return "a new input without the fault"
        return _CLEARED_BY.get(SuspensionCode(self.code), "the role that opened it lifts it")


def kind_of(code: str) -> SuspensionKind:
    """Whose reason a suspension's code is: codes that people do not give are data codes."""
    try:
        return _KIND_OF_CODE[SuspensionCode(code)]
    except ValueError:
        return SuspensionKind.DATA


def delivered_suspension(
    account_id: str, word: str, reason: str, since: date, source: str = "accounts feed"
) -> Suspension | None:
    """The suspension that a row of the accounts feed states; None when its column is empty.

    Raises UnknownSuspension when the word is none of the known ones.
    """
    if not word:
        return None
    try:
        code = SuspensionCode(word)
    except ValueError:
        known = ", ".join(SuspensionCode)
        raise UnknownSuspension(f"suspension {word!r} of account {account_id} is none of {known}") from None
    return Suspension(SuspensionScope.ACCOUNT, account_id, _KIND_OF_CODE[code], code, reason or code, since, source)


def refuse_lifting(
    suspension: Suspension, roles: Set[str], codes_found_today: Iterable[str] = ()
) -> LiftRefusal | None:
    """Why a person with `roles` may not lift it now, or None when they may.

    A data suspension needs the data manager and an input in which the fault is gone: `codes_found_today` are
    the codes that validation finds in the newest one.
    """
    if not {str(role) for role in suspension.lifted_by} & {str(role) for role in roles}:
        return LiftRefusal.WRONG_ROLE
    if suspension.kind is SuspensionKind.DATA and suspension.code in {str(code) for code in codes_found_today}:
        return LiftRefusal.STILL_FAULTY
    return None
