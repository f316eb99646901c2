"""Which corporate actions hold on a business date, whose word stands behind each, and what each waits for."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Final

from sqlalchemy import Connection

from trimtab.db.corporate_actions import Approval, approvals, approvers, touched_events, write_state
from trimtab.db.data_changes import elections_on
from trimtab.db.event_terms import announced_event, event_of, is_voluntary, with_entries
from trimtab.db.inputs import DeliveredAction, actions_between
from trimtab.domain.corporate_actions import ActionKind, ActionStatus, CorporateAction, NotASplit
from trimtab.domain.corporate_actions_elections import AccountElection
from trimtab.domain.corporate_actions_entries import EventEntry
from trimtab.domain.corporate_actions_events import AnyEvent
from trimtab.domain.corporate_actions_lifecycle import EventState, Standing, order_on_a_day
from trimtab.domain.corporate_actions_sync import code_on_ex_date
from trimtab.domain.data_codes import DataCode
from trimtab.domain.errors import TrimtabError
from trimtab.domain.records import content_hash
from trimtab.domain.securities import SecurityId

LOOKS_AHEAD: Final = timedelta(days=90)
REMEMBERED: Final = timedelta(days=400)
"""How long a later version of an event that was applied is still looked for."""

NEVER_LATE: Final = frozenset({ActionKind.WRTH})  # custodians want proof first, and write off when they have it
_SPLITS: Final = (ActionKind.SPLF, ActionKind.SPLR)
Closes = Mapping[SecurityId, Decimal]


@dataclass(frozen=True)
class DueEvent:
    """The last version of an event. CONFIRMED is applied from its ex-date on, ANNOUNCED waits for `code`."""

    rows: tuple[DeliveredAction, ...]
    terms_hash: str
    state: EventState
    code: DataCode | None = None
    sources: tuple[str, ...] = ()  # that tell of the same terms
    approved_by: tuple[str, ...] = ()
    persons_needed: int = 0
    elections: Mapping[str, AccountElection] = field(default_factory=dict)  # by account
    close_before: Decimal | None = None  # dollars an old share, where the day's close is from before the event

    @property
    def first(self) -> DeliveredAction:
        return self.rows[0]

    @property
    def event_id(self) -> str:
        return self.first.event_id

    @property
    def version(self) -> int:
        return self.first.version

    @property
    def kind(self) -> ActionKind:
        return ActionKind(self.first.kind)

    @property
    def security_id(self) -> SecurityId:
        return self.first.security_id

    @property
    def ex_on(self) -> date:
        return self.first.ex_on

    @property
    def is_confirmed(self) -> bool:
        return self.state is EventState.CONFIRMED

    @property
    def is_split(self) -> bool:
        return self.kind in _SPLITS

    @property
    def is_voluntary(self) -> bool:
        return is_voluntary(self.rows)

    @property
    def received(self) -> tuple[SecurityId, ...]:
        return tuple(row.new_security_id for row in self.rows if row.new_security_id is not None)

    @property
    def names(self) -> tuple[SecurityId, ...]:
        """The securities concerned."""
        return (self.security_id, *(name for name in self.received if name != self.security_id))

    def is_late(self, as_of: date) -> bool:
        """Whether a custodian's file of that evening should show the event."""
        return self.kind not in NEVER_LATE and as_of >= max(self.ex_on, self.first.pay_on or self.ex_on)

    @cached_property
    def event(self) -> AnyEvent:
        """As it is for every account. Raises ElectionPending, TermsIncomplete, NotASplit."""
        closes = {} if self.close_before is None else {self.security_id: self.close_before}
        return event_of(self.rows, closes)

    @property
    def split_ratio(self) -> Fraction:
        """New shares per old share. Raises NotASplit."""
        if not isinstance(self.event, CorporateAction):
            raise NotASplit(f"event {self.event_id} ({self.kind}) is no split")
        return self.event.split_ratio


@dataclass(frozen=True, slots=True)
class ActionCalendar:
    """The events of the weeks about a business date."""

    due: tuple[DueEvent, ...]  # with ex-dates up to the business date, in the order in which they are applied
    ahead: tuple[DueEvent, ...]  # of the weeks to come
    conflicts: tuple[DueEvent, ...] = ()  # told twice, with different terms (case 36)


def terms_hash(rows: Sequence[DeliveredAction]) -> str:
    """Stands for the terms alone: neither for who tells of them, nor for what the master has learnt meanwhile."""
    bare = [replace(row, source="", entered=False, new_security_id=None, status="") for row in rows]
    return content_hash(sorted(bare, key=lambda row: row.new_key or ""))


def calendar_of(
    connection: Connection,
    business_date: date,
    seq: int,
    names: Mapping[str, SecurityId],
    entries: Mapping[str, EventEntry],
    since: date,
    closes: Closes,
) -> ActionCalendar:
    """Every event with an ex-date after `since`, and older ones that accounts have applied, as known now."""
    oldest, until = business_date - REMEMBERED, business_date + LOOKS_AHEAD
    touched = touched_events(connection, oldest)
    told = actions_between(connection, oldest if touched else since, until, names, business_date)
    told = [row for row in told if row.kind != ActionKind.DVCA and (row.ex_on > since or row.event_id in touched)]
    events = _latest(with_entries(told, entries, oldest if touched else since, until))
    words = _Words(told, approvals(connection, business_date, seq), elections_on(connection, business_date, seq))
    found = [words.judged(rows, closes) for rows in events]
    alike, conflicts = _told_once(found, touched)
    in_order = sorted(alike, key=lambda each: (each.ex_on, order_on_a_day(each.kind), each.event_id))
    return ActionCalendar(
        due=tuple(each for each in in_order if each.ex_on <= business_date),
        ahead=tuple(each for each in in_order if each.ex_on > business_date),
        conflicts=tuple(each for each in conflicts if each.ex_on <= business_date),
    )


def _latest(rows: Iterable[DeliveredAction]) -> list[tuple[DeliveredAction, ...]]:
    """The rows of each event's last version. A later file that repeats a row replaces it."""
    versions: dict[str, dict[int, dict[str, DeliveredAction]]] = {}
    for row in rows:
        versions.setdefault(row.event_id, {}).setdefault(row.version, {})[row.new_key or ""] = row
    return [tuple(found[max(found)].values()) for _, found in sorted(versions.items())]


class _Words:
    """Whose word stands behind events."""

    def __init__(
        self,
        told: Sequence[DeliveredAction],
        given: Sequence[Approval],
        elections: Mapping[str, Mapping[str, AccountElection]],
    ) -> None:
        self._elections = elections
        self._approvals: dict[str, list[Approval]] = {}
        for each in given:
            self._approvals.setdefault(each.event_id, []).append(each)
        self._sources: dict[object, set[str]] = {}
        by_source: dict[tuple[str, str], list[DeliveredAction]] = {}
        for row in told:
            by_source.setdefault((row.source, row.event_id), []).append(row)
        for (source, _), rows in by_source.items():
            for latest in _latest(rows):
                self._sources.setdefault(_shape(latest), set()).add(source)

    def judged(self, rows: tuple[DeliveredAction, ...], closes: Closes) -> DueEvent:
        first, digest = rows[0], terms_hash(rows)
        standing = Standing(
            kind=ActionKind(first.kind),
            sources=tuple(sorted(self._sources.get(_shape(rows), ()))),
            approved_by=approvers(self._approvals.get(first.event_id, ()), first.version, digest),
            entered=first.entered,
        )
        event = DueEvent(
            rows,
            digest,
            EventState.ANNOUNCED,
            sources=standing.sources,
            approved_by=standing.approved_by,
            persons_needed=standing.persons_needed,
            elections=self._elections.get(first.event_id, {}),
            close_before=closes.get(first.security_id),
        )
        if first.status == ActionStatus.REVERSED:
            return replace(event, state=EventState.REVERSED)
        code = _waits_for(event, standing)
        return replace(event, code=code) if code is not None else replace(event, state=EventState.CONFIRMED)


def _shape(rows: Sequence[DeliveredAction]) -> object:
    """What two sources must tell alike: which security, what happens to it when, shares and cash."""
    first = rows[0]
    parts = frozenset(
        (row.new_security_id or row.new_key, _ratio(row.new_shares, row.old_shares), row.cash_per_share) for row in rows
    )
    return (str(first.kind), first.security_id, first.ex_on, str(first.status), parts)


def _ratio(new: Decimal | None, old: Decimal | None) -> object:
    return (new, old) if new is None or old is None or not old else new / old


def _waits_for(event: DueEvent, standing: Standing) -> DataCode | None:
    """Why the event is not applied; None when it is."""
    announced = announced_event(event.rows)
    if announced.status is ActionStatus.ANNOUNCED:
        return DataCode.CA_INCOMPLETE
    if not standing.is_agreed:
        return code_on_ex_date(announced) or DataCode.CA_UNSYNCED
    if event.is_voluntary:
        return None  # each account waits for its own choice
    lacking = _lacking(event)
    if lacking is not None:
        return lacking
    if isinstance(event.event, CorporateAction):
        return None if event.event.is_sound_split else DataCode.CA_UNSYNCED
    if announced.kind is ActionKind.SOFF and not announced.has_allocation:
        return DataCode.CA_BASIS
    return None


def _lacking(event: DueEvent) -> DataCode | None:
    """Why the terms do not make an event; None when they do."""
    try:
        _ = event.event
    except TrimtabError as lacking:
        return DataCode(lacking.code) if lacking.code in DataCode.__members__ else DataCode.CA_UNSYNCED
    return None


def _told_once(found: Sequence[DueEvent], touched: Collection[str]) -> tuple[list[DueEvent], list[DueEvent]]:
    """(events, events in conflict): of several of one kind, security and day that agree one stands for all (36)."""
    groups: dict[object, list[DueEvent]] = {}
    for each in found:
        alone = each.event_id if each.state is EventState.REVERSED else None
        groups.setdefault((each.kind, each.security_id, each.ex_on, alone), []).append(each)
    alike: list[DueEvent] = []
    conflicts: list[DueEvent] = []
    for events in groups.values():
        entered = [each for each in events if each.first.entered]
        events = entered or events
        if len({_shape(each.rows) for each in events}) > 1:
            conflicts += [replace(each, state=EventState.ANNOUNCED, code=DataCode.CA_CONFLICT) for each in events]
        else:
            alike.append(min(events, key=lambda each: (each.event_id not in touched, each.event_id)))
    return [*alike, *conflicts], conflicts


def record_states(connection: Connection, firm_id: str, business_date: date, events: Iterable[DueEvent]) -> None:
    """Keep which states the events have reached; repeating it adds nothing."""
    for each in events:
        reached = {EventState.ANNOUNCED, each.state}
        for state in (EventState.ANNOUNCED, EventState.CONFIRMED, EventState.REVERSED):
            if state in reached:
                write_state(connection, firm_id, business_date, state, each.rows, each.terms_hash)
