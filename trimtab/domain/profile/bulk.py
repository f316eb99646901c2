"""One change of many accounts' settings: proposed, previewed, exempted from, approved by another, undone (S1-S6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from trimtab.domain.errors import TrimtabError
from trimtab.domain.profile.statements import Statement


class BulkChangeRefused(TrimtabError):
    """A bulk change, or an exemption from one, that cannot be made as things stand."""

    code = "BULK_CHANGE_REFUSED"


class BulkStatus(StrEnum):
    PROPOSED = "PROPOSED"
    APPLIED = "APPLIED"
    REJECTED = "REJECTED"
    UNDO_PROPOSED = "UNDO_PROPOSED"
    UNDONE = "UNDONE"


ACCOUNTS = "ACCOUNTS"
"""The target of a change that is written for each account; otherwise it is a layer: "FIRM" or "PROGRAMME:CORE"."""


@dataclass(frozen=True, slots=True)
class Exemption:
    """An account that the change leaves alone. It ends on a day, or is to be reviewed on one: never forgotten."""

    account_id: str
    reason: str
    granted_by: tuple[str, ...]
    until: date | None = None  # its last day: from the next on the change holds for the account as well
    review_on: date | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """An account whose settings could not be obeyed with the change."""

    account_id: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Transition:
    """How many accounts go from one sentence to another; `before` is None where nothing was said."""

    before: str | None
    level: str | None  # where it came from
    after: str
    accounts: int


@dataclass(frozen=True, slots=True)
class BulkPreview:
    """What a change would do, without analysing again. Counts are accounts, `trading` and `tax` the newest run's."""

    accounts: int
    changing: int
    transitions: tuple[Transition, ...] = ()
    conflicts: tuple[Conflict, ...] = ()  # the first of them
    conflicting: int = 0
    beyond: tuple[Conflict, ...] = ()  # the first that go beyond their customisation limits
    beyond_limits: int = 0
    trading: int = 0
    turnover: float = 0.0  # dollars, one-way
    tax: float = 0.0  # dollars


def without(whole: BulkPreview, alone: BulkPreview, account_id: str) -> BulkPreview:
    """A preview when one of its accounts, previewed alone, is left out."""
    fewer = {(each.before, each.level, each.after): each.accounts for each in alone.transitions}
    transitions = (
        replace(each, accounts=each.accounts - fewer.get((each.before, each.level, each.after), 0))
        for each in whole.transitions
    )
    return replace(
        whole,
        changing=whole.changing - alone.changing,
        transitions=tuple(each for each in transitions if each.accounts > 0),
        conflicts=tuple(each for each in whole.conflicts if each.account_id != account_id),
        conflicting=whole.conflicting - alone.conflicting,
        beyond=tuple(each for each in whole.beyond if each.account_id != account_id),
        beyond_limits=whole.beyond_limits - alone.beyond_limits,
    )


@dataclass(frozen=True, slots=True)
class BulkChange:
    """A change of many accounts and everything that people have done about it."""

    change_id: str
    target: str
    filter: Mapping[str, object] | None
    changes: Mapping[str, Statement | str | None]
    effective_from: date
    reason: str
    proposed_by: tuple[str, ...]
    members: str  # hash of the list of the accounts that it was proposed for
    known_seq: int  # what was known when it was previewed
    preview: BulkPreview
    exemptions: tuple[Exemption, ...] = ()
    status: BulkStatus = BulkStatus.PROPOSED
    decided_by: str | None = None
    decision_reason: str = ""
    written: int = 0  # versions
    undo_reason: str = ""
    undo_proposed_by: tuple[str, ...] = ()
    undone_by: str | None = None
    left_alone: int = 0  # accounts whose setting was changed again before the undo

    @property
    def persons(self) -> frozenset[str]:
        """Everybody whose own work an approval would judge: those who proposed, and those who exempted."""
        granted = (person for each in self.exemptions for person in each.granted_by)
        return frozenset((*self.proposed_by, *granted))


@dataclass(frozen=True, slots=True)
class SampledEffect:
    """What analysing some accounts again under the change shows (N8): counts of accounts, dollars."""

    sampled: int
    trading_before: int
    trading_after: int
    turnover_before: float
    turnover_after: float
    tax_before: float
    tax_after: float
    failed: Mapping[str, str] = field(default_factory=dict)  # account to why it could not be analysed
