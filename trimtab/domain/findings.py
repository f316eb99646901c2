"""What a data check found, and what follows from all that was found for one account."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from trimtab.domain.data_codes import DataCode
from trimtab.domain.lifecycle import TerminalState
from trimtab.domain.securities import SecurityId


class FindingScope(StrEnum):
    """What the subject id names."""

    ACCOUNT = "ACCOUNT"
    SECURITY = "SECURITY"
    MODEL = "MODEL"
    FIRM = "FIRM"


class Outcome(StrEnum):
    """What a finding does to the account-day, or to the firm's day."""

    SUSPEND = "SUSPEND"  # the account does not trade today
    FREEZE = "FREEZE"  # the security is not traded, the rest of the account is
    FLAG = "FLAG"  # a person looks, whatever the filters say
    TELL = "TELL"  # accepted as it is: the data manager is told, the accounts go on
    NO_TRADE = "NO_TRADE"  # the account's day ends at once
    STOP = "STOP"  # no account of the firm trades


class PriceFaultPolicy(StrEnum):
    """What a fault of one held security does: suspend its holders, or freeze the security in their accounts."""

    SUSPEND = "SUSPEND"
    FREEZE = "FREEZE"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault in plain words. `subject_id` is an account, security, model or firm id, as `scope` says."""

    code: DataCode
    scope: FindingScope
    subject_id: str
    message: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class DataVerdict:
    """What the findings of one account come to."""

    suspended_by: tuple[Finding, ...]  # SUSPEND and STOP, in the order found
    closed_by: tuple[Finding, ...]  # NO_TRADE
    frozen: Mapping[SecurityId, str]  # security to its first code: `AccountSnapshot.frozen`
    flags: tuple[str, ...]  # codes, sorted, each once: `AccountFacts.flags`

    @property
    def terminal(self) -> tuple[TerminalState, str] | None:
        """How the day ends by data alone, with its code; None when the account may be analysed."""
        if self.closed_by:
            return TerminalState.NO_TRADE, str(self.closed_by[0].code)
        if self.suspended_by:
            return TerminalState.SUSPENDED, str(self.suspended_by[0].code)
        return None


def verdict(findings: Iterable[Finding]) -> DataVerdict:
    """Sort findings by what they do."""
    found = tuple(findings)
    frozen: dict[SecurityId, str] = {}
    for finding in found:
        if finding.outcome is Outcome.FREEZE:
            frozen.setdefault(SecurityId(finding.subject_id), str(finding.code))
    return DataVerdict(
        suspended_by=tuple(item for item in found if item.outcome in (Outcome.SUSPEND, Outcome.STOP)),
        closed_by=tuple(item for item in found if item.outcome is Outcome.NO_TRADE),
        frozen=frozen,
        flags=tuple(sorted({str(item.code) for item in found if item.outcome is Outcome.FLAG})),
    )
