"""The life of an event: told, confirmed, applied, reconciled, reversed; and whose word confirms it."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from trimtab.domain.corporate_actions import ActionKind


class EventState(StrEnum):
    """States of an event, and from APPLIED on of an event in one account. Each is a row that is never changed."""

    ANNOUNCED = "ANNOUNCED"
    CONFIRMED = "CONFIRMED"  # terms complete and agreed on: the night applies it from its ex-date on
    APPLIED = "APPLIED"  # to an account's lots, before its custodian's file shows it
    RECONCILED = "RECONCILED"  # the custodian's file shows the same shares
    REVERSED = "REVERSED"


class BookedBy(StrEnum):
    """Who applied an event to an account first."""

    TRIMTAB = "TRIMTAB"
    CUSTODIAN = "CUSTODIAN"


BY_THE_FEEDS_WORD: Final = frozenset({ActionKind.SPLF, ActionKind.SPLR, ActionKind.CHAN, ActionKind.DVCA})
"""Kinds that a confirmed row of a feed is enough for: their terms are checked against holdings and closes."""

PERSONS_FOR_ONE_SOURCE: Final = 2
PERSONS_FOR_AGREEING_SOURCES: Final = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands behind a version of an event: who told of it alike, and who approved just these terms."""

    kind: ActionKind
    sources: tuple[str, ...]  # that tell of the same terms
    approved_by: tuple[str, ...] = ()  # different persons
    entered: bool = False  # by two persons

    @property
    def persons_needed(self) -> int:
        """How many persons have to approve it altogether."""
        if self.entered or self.kind in BY_THE_FEEDS_WORD:
            return 0
        return PERSONS_FOR_AGREEING_SOURCES if len(self.sources) > 1 else PERSONS_FOR_ONE_SOURCE

    @property
    def is_agreed(self) -> bool:
        return len(self.approved_by) >= self.persons_needed


def overall_state(confirmed: bool, reversed_: bool, accounts: Collection[EventState]) -> EventState:
    """An event's state from its accounts': reconciled when all that applied it are, applied when some have."""
    if reversed_:
        return EventState.REVERSED
    booked = [state for state in accounts if state in (EventState.APPLIED, EventState.RECONCILED)]
    if booked:
        return EventState.APPLIED if EventState.APPLIED in booked else EventState.RECONCILED
    return EventState.CONFIRMED if confirmed else EventState.ANNOUNCED


_ORDER_OF_A_DAY: Final = (
    {ActionKind.CAPD, ActionKind.DVCA},
    {ActionKind.SOFF, ActionKind.RHDI, ActionKind.DVSE, ActionKind.DVOP},
    {ActionKind.SPLF, ActionKind.SPLR},
    {ActionKind.CHAN},
)
_LAST: Final = len(_ORDER_OF_A_DAY)


def order_on_a_day(kind: ActionKind) -> int:
    """Distributions count the old shares, then the split, then the new name; exchanges come last (CA-5, 4 and 13)."""
    return next((place for place, kinds in enumerate(_ORDER_OF_A_DAY) if kind in kinds), _LAST)
