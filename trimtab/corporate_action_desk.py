"""What data managers see and do about corporate actions: events with their state, accounts, approvals."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection

from trimtab.corporate_action_calendar import DueEvent, calendar_of
from trimtab.corporate_action_preview import NoSuchEvent
from trimtab.db.content import get_content
from trimtab.db.corporate_actions import (
    Approval,
    StoredApplication,
    application_rows,
    approvals,
    stored,
    write_approval,
)
from trimtab.db.data_changes import entered_events
from trimtab.db.deliveries import loaded_delivery
from trimtab.db.inputs import prices_of
from trimtab.db.settings_versions import newest_seq
from trimtab.db.unknown_securities import master_on
from trimtab.domain.corporate_actions_lifecycle import EventState, overall_state
from trimtab.domain.data_codes import DataCode
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lots import LotId
from trimtab.domain.securities import SecurityId, names_of

LOOKS_BACK: Final = timedelta(days=31)


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
class KeptLot:
    """A lot as it is kept with an application. `cost` is dollars of the whole lot, None when nobody knows it."""

    lot_id: LotId
    security_key: str
    quantity: Decimal
    acquired_on: date
    cost: Decimal | None
    security_id: SecurityId | None = None


@dataclass(frozen=True, slots=True)
class _KeptLots:
    lots: tuple[KeptLot, ...] = ()


@dataclass(frozen=True, slots=True)
class ApplicationLine:
    """What a version of an event did to an account. Lots are of the securities concerned."""

    account_id: str
    application: StoredApplication
    before: tuple[KeptLot, ...]
    after: tuple[KeptLot, ...]


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


def application_lines(
    connection: Connection, event_id: str, account_id: str | None = None, after: str = "", most: int = 100
) -> list[ApplicationLine]:
    """What the event did to accounts, state by state, with lots before and after.

    To one account, or to up to `most` of those whose ids come after `after`.
    """
    rows = application_rows(connection, [event_id], None if account_id is None else [account_id])
    page = sorted({row.account_id for row in rows if row.account_id > after})[:most]
    return [
        ApplicationLine(
            row.account_id, stored(row), _lots(connection, row.before_hash), _lots(connection, row.after_hash)
        )
        for name in page
        for row in rows
        if row.account_id == name
    ]


def _lots(connection: Connection, digest: str) -> tuple[KeptLot, ...]:
    return get_content(connection, digest, _KeptLots).lots


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
