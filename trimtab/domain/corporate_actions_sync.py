"""Which source has applied what: holdings, prices, models and the risk model, per security and day (CA-7, W-F1).

States are read off what each source says today and nothing is remembered, so that a disagreement ends by itself
as soon as the sources agree.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from trimtab.domain.corporate_actions import ActionKind, ActionStatus
from trimtab.domain.data_codes import DataCode
from trimtab.domain.securities import SecurityId

ENDS_SECURITY: Final = frozenset({ActionKind.MRGR, ActionKind.REDM, ActionKind.WRTH})
NEEDS_CHOICE: Final = frozenset({ActionKind.TEND, ActionKind.EXOF, ActionKind.DVOP})
MOVES_NOTHING: Final = frozenset({ActionKind.CHAN, ActionKind.DVCA, ActionKind.EXRI})
UNTRADABLE: Final = frozenset({ActionKind.DLST, ActionKind.BRUP})


class Source(StrEnum):
    HOLDINGS = "HOLDINGS"
    PRICES = "PRICES"
    MODELS = "MODELS"
    RISK_MODEL = "RISK_MODEL"


class SourceState(StrEnum):
    APPLIED = "APPLIED"
    WAITING = "WAITING"
    NOT_CONCERNED = "NOT_CONCERNED"


@dataclass(frozen=True, slots=True)
class AnnouncedEvent:
    """An event beyond splits and cash dividends, as the feed has it: its last version, children together."""

    event_id: str
    version: int
    kind: ActionKind
    security_id: SecurityId
    ex_on: date
    status: ActionStatus = ActionStatus.CONFIRMED
    mandatory: bool = True
    received: tuple[SecurityId, ...] = ()  # securities that holders get
    has_allocation: bool = False

    @property
    def is_open(self) -> bool:
        return self.status is not ActionStatus.REVERSED and self.kind not in MOVES_NOTHING


@dataclass(frozen=True, slots=True)
class SyncLine:
    """One line of the sync report."""

    event: AnnouncedEvent
    states: Mapping[Source, SourceState]

    @property
    def is_synced(self) -> bool:
        return SourceState.WAITING not in self.states.values()


@dataclass(frozen=True, slots=True)
class SourcesOfDay:
    """What the sources say on a business date."""

    held: Collection[str]  # securities that some account of the firm holds
    price_dates: Mapping[SecurityId, date]  # the day of each security's close
    targeted: Collection[str]  # securities with weight in some model
    risk_covered: Collection[str]


def code_on_ex_date(event: AnnouncedEvent) -> DataCode | None:
    """Why holders do not trade on the ex-date itself, when closes and holdings are still from before the event."""
    if not event.is_open:
        return None
    if event.status is ActionStatus.ANNOUNCED:
        return DataCode.CA_INCOMPLETE
    if not event.mandatory or event.kind in NEEDS_CHOICE:
        return DataCode.CA_ELECTION
    if event.kind is ActionKind.SOFF and not event.has_allocation:
        return DataCode.CA_BASIS
    return DataCode.NOT_TRADABLE if event.kind in UNTRADABLE else DataCode.CA_UNSYNCED


def holdings_behind(event: AnnouncedEvent, held_since: Mapping[SecurityId, date], business_date: date) -> bool:
    """Whether an account's holdings are still from before an event that has taken effect.

    `held_since`: the day on which the oldest lot of each security held was acquired. A parent bought since the
    ex-date came without the child.
    """
    since = held_since.get(event.security_id)
    if not event.is_open or since is None or not since < event.ex_on <= business_date:
        return False
    if event.status is not ActionStatus.CONFIRMED or not event.mandatory:
        return False
    if event.kind is ActionKind.SOFF:
        return any(child not in held_since for child in event.received)
    return event.kind in ENDS_SECURITY


def model_behind(event: AnnouncedEvent, weights: Collection[str], business_date: date) -> bool:
    """Whether a model still targets a security that no longer exists (case 31)."""
    ended = event.kind in ENDS_SECURITY and event.ex_on <= business_date and event.mandatory
    return event.is_open and event.status is ActionStatus.CONFIRMED and ended and event.security_id in weights


def sync_report(events: Iterable[AnnouncedEvent], sources: SourcesOfDay) -> tuple[SyncLine, ...]:
    """A line for each event that moves holdings, models or prices, in the order of days."""
    lines = [SyncLine(event, _states(event, sources)) for event in events if event.is_open]
    return tuple(sorted(lines, key=lambda line: (line.event.ex_on, line.event.event_id)))


def _states(event: AnnouncedEvent, sources: SourcesOfDay) -> dict[Source, SourceState]:
    name, ends = event.security_id, event.kind in ENDS_SECURITY
    children_held = all(child in sources.held for child in event.received)
    priced_on = sources.price_dates.get(name)
    missing_risk = [child for child in event.received if child not in sources.risk_covered]
    return {
        Source.HOLDINGS: _state(
            name in sources.held, not ends and (event.kind is not ActionKind.SOFF or children_held)
        ),
        Source.PRICES: _state(not ends, priced_on is not None and priced_on >= event.ex_on),
        Source.MODELS: _state(name in sources.targeted, not ends),
        Source.RISK_MODEL: _state(bool(event.received), not missing_risk),
    }


def _state(concerned: bool, applied: bool) -> SourceState:
    if not concerned:
        return SourceState.NOT_CONCERNED
    return SourceState.APPLIED if applied else SourceState.WAITING
