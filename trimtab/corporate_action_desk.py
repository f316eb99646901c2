"""What data managers see and do about corporate actions: events with their state, accounts, approvals, reversals."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, Row

from trimtab.corporate_action_calendar import DueEvent, calendar_of
from trimtab.corporate_action_preview import NoSuchEvent
from trimtab.db.content import get_plain
from trimtab.db.corporate_actions import (
    Approval,
    application_rows,
    approvals,
    state_rows,
    write_approval,
)
from trimtab.db.data_changes import DataChange, DataChangeKind, entered_events, last_seq, plain_value, propose
from trimtab.db.deliveries import loaded_delivery
from trimtab.db.inputs import prices_of
from trimtab.db.settings_versions import newest_seq
from trimtab.db.unknown_securities import master_on
from trimtab.domain.corporate_actions import ActionKind, ActionStatus
from trimtab.domain.corporate_actions_entries import EventEntry, ReceivedTerms
from trimtab.domain.corporate_actions_events import Treatment
from trimtab.domain.corporate_actions_lifecycle import EventState, overall_state
from trimtab.domain.data_codes import DataCode
from trimtab.domain.errors import TrimtabError
from trimtab.domain.securities import SecurityId, names_of

LOOKS_BACK: Final = timedelta(days=31)
REVERSAL: Final = "reversed"


class OtherVersion(TrimtabError):
    """The version that somebody looked at is not the last one any more."""

    code = "OTHER_VERSION"


class NothingToApprove(TrimtabError):
    """The event waits for something that no approval gives, or for nothing."""

    code = "NOTHING_TO_APPROVE"


@dataclass(frozen=True, slots=True)
class EventLine:
    """An event's last version, its state, and how many accounts have it in each state."""

    event: DueEvent
    state: EventState
    accounts: Mapping[EventState, int]


@dataclass(frozen=True, slots=True)
class ApplicationLine:
    """What a version of an event did to an account. Lots are of the securities concerned."""

    row: Row[Any]
    before: Sequence[Mapping[str, Any]]
    after: Sequence[Mapping[str, Any]]


def event_lines(connection: Connection, business_date: date) -> list[EventLine]:
    """Events of the last weeks and of those to come, and older ones that accounts have applied, by ex-date."""
    events = _events(connection, business_date)
    by_event: dict[tuple[str, int], dict[str, EventState]] = {}
    for row in application_rows(connection, [each.event_id for each in events]):
        by_event.setdefault((row.event_id, row.version), {})[row.account_id] = EventState(row.state)
    return [_line(each, by_event.get((each.event_id, each.version), {})) for each in events]


def _line(event: DueEvent, accounts: Mapping[str, EventState]) -> EventLine:
    state = overall_state(event.is_confirmed, event.state is EventState.REVERSED, accounts.values())
    return EventLine(event, state, Counter(accounts.values()))


def _events(connection: Connection, business_date: date) -> tuple[DueEvent, ...]:
    names = names_of(master_on(connection, business_date))
    seq = newest_seq(connection)
    entries = entered_events(connection, business_date, seq)
    since, closes = business_date - LOOKS_BACK, _closes(connection, business_date)
    calendar = calendar_of(connection, business_date, seq, names, entries, since, closes)
    return (*calendar.due, *calendar.ahead)


def _closes(connection: Connection, business_date: date) -> dict[SecurityId, Decimal]:
    """Dollars a share, of the newest price file: what rights are judged by."""
    loaded = loaded_delivery(connection, "prices", business_date)
    if loaded is None:
        return {}
    prices = prices_of(connection, loaded.delivery_id, {})
    return {each.security_id: each.close for each in prices if each.security_id is not None}


def event_line(connection: Connection, business_date: date, event_id: str) -> EventLine:
    """Raises NoSuchEvent."""
    for line in event_lines(connection, business_date):
        if line.event.event_id == event_id:
            return line
    raise NoSuchEvent(f"no event {event_id} about {business_date}")


def application_lines(connection: Connection, event_id: str) -> list[ApplicationLine]:
    """Every account that the event touched, state by state, with lots before and after."""
    return [
        ApplicationLine(row, _lots(connection, row.before_hash), _lots(connection, row.after_hash))
        for row in application_rows(connection, [event_id])
    ]


def _lots(connection: Connection, digest: str) -> Sequence[Mapping[str, Any]]:
    lots: Sequence[Mapping[str, Any]] = get_plain(connection, digest)["lots"]
    return lots


def history(connection: Connection, event_id: str) -> list[Row[Any]]:
    """The states that the event's versions have reached, in order."""
    return state_rows(connection, event_id)


# --- approving ----------------------------------------------------------------------------------------------------


def approved_by(connection: Connection, business_date: date, event: DueEvent) -> frozenset[str]:
    """Every person behind an approval of just these terms."""
    given = approvals(connection, business_date, newest_seq(connection))
    wanted = (event.event_id, event.version, event.terms_hash)
    return frozenset(
        person for each in given if (each.event_id, each.version, each.terms_hash) == wanted for person in each.persons
    )


def approvable(connection: Connection, business_date: date, event_id: str, version: int) -> DueEvent:
    """The event, when it waits for an approval alone. Raises NoSuchEvent, OtherVersion, NothingToApprove."""
    event = event_line(connection, business_date, event_id).event
    if event.version != version:
        raise OtherVersion(f"version {event.version} of {event_id} has come: look at it")
    if event.state is not EventState.ANNOUNCED or not event.persons_needed:
        raise NothingToApprove(f"{event_id} waits for nobody's approval: it is {event.state.lower()}")
    if event.code in (DataCode.CA_BASIS, DataCode.CA_INCOMPLETE, DataCode.CA_CONFLICT):
        raise NothingToApprove(f"{event_id} waits for its terms first ({event.code})")
    return event


def approve(
    connection: Connection,
    firm_id: str,
    business_date: date,
    event: DueEvent,
    *,
    persons: tuple[str, ...],
    reason: str,
) -> EventLine:
    """Keep the approval of these terms, and tell where the event stands then. Raises StaleVersion."""
    approval = Approval(event.event_id, event.version, event.terms_hash, persons)
    write_approval(connection, firm_id, approval, effective_from=business_date, actor="+".join(persons), reason=reason)
    return event_line(connection, business_date, event.event_id)


# --- reversing ----------------------------------------------------------------------------------------------------


def propose_reversal(
    connection: Connection,
    firm_id: str,
    business_date: date,
    event_id: str,
    *,
    change_id: str,
    persons: tuple[str, ...],
    reason: str,
) -> DataChange:
    """Propose the event's next version, which takes it back: a second person decides. Raises NoSuchEvent,
    NothingToApprove."""
    event = event_line(connection, business_date, event_id).event
    if event.state is EventState.REVERSED:
        raise NothingToApprove(f"{event_id} is reversed already")
    change = DataChange(
        change_id=change_id,
        kind=DataChangeKind.CORPORATE_ACTION,
        key=event_id,
        effective_from=business_date,
        value=plain_value(_reversal(event)),
        reason=reason,
        proposed_by=persons,
        supersedes=last_seq(connection, DataChangeKind.CORPORATE_ACTION, event_id),
    )
    propose(connection, firm_id, change)
    return change


def _reversal(event: DueEvent) -> EventEntry:
    first = event.first
    return EventEntry(
        version=event.version + 1,
        kind=ActionKind(first.kind),
        security_id=first.security_id,
        ex_on=first.ex_on,
        status=ActionStatus.REVERSED,
        mandatory=first.mandatory,
        treatment=None if first.treatment is None else Treatment(first.treatment),
        new_shares=first.new_shares,
        old_shares=first.old_shares,
        cash_per_share=first.cash_per_share,
        received=tuple(
            ReceivedTerms(row.new_security_id, row.new_shares or Decimal(1), row.old_shares or Decimal(1))
            for row in event.rows
            if row.new_security_id is not None
        ),
        pay_on=first.pay_on,
    )
