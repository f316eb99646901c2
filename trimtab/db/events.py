"""Events for subscribers, and commands for Temporal: rows of the same transaction as what they tell of.

Ids are no cursor: a row that commits late would be skipped for ever. The firm's one sequencer numbers
committed events; readers page by `event_seq`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from trimtab.contracts import Signal, SignalName
from trimtab.db.tables import account_day, event, outbox
from trimtab.domain.records import plain

COMMANDS_CHANNEL = "trimtab_commands"
"""Where a transaction that wrote outbox rows wakes the relay when it commits."""
EVENTS_CHANNEL = "trimtab_events"
"""Where the sequencer announces published events: one notification per batch, "<firm>:<last event_seq>"."""


def emit(
    connection: Connection,
    firm_id: str,
    kind: str,
    *,
    business_date: date | None = None,
    account_id: str | None = None,
    account_day_id: str | None = None,
    advisor_id: str | None = None,
    body: Mapping[str, Any] | None = None,
) -> None:
    """Write one event; subscribers see it once the sequencer has numbered it."""
    connection.execute(
        insert(event).values(
            firm_id=firm_id,
            kind=kind,
            business_date=business_date,
            account_id=account_id,
            account_day_id=account_day_id,
            advisor_id=advisor_id,
            body=plain(body or {}),
        )
    )


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What is to be told, when there is much of it."""

    kind: str
    business_date: date | None = None
    account_id: str | None = None
    account_day_id: str | None = None
    advisor_id: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict)


def emit_all(connection: Connection, firm_id: str, new: Sequence[NewEvent]) -> None:
    """Write events, in their order."""
    if new:
        rows = [
            {
                "firm_id": firm_id,
                "kind": each.kind,
                "business_date": each.business_date,
                "account_id": each.account_id,
                "account_day_id": each.account_day_id,
                "advisor_id": each.advisor_id,
                "body": plain(each.body),
            }
            for each in new
        ]
        connection.execute(insert(event), rows)


def read_events(connection: Connection, after: int, limit: int = 500) -> list[Row[Any]]:
    """Published events with event_seq above `after`, in order, without a gap."""
    rows = select(event).where(event.c.event_seq > after).order_by(event.c.event_seq).limit(limit)
    return list(connection.execute(rows))


def start_lifecycle(connection: Connection, firm_id: str, workflow_id: str, request: Mapping[str, Any]) -> None:
    """Ask the relay to start the account's lifecycle. `request` is an AccountDayRef as plain values."""
    connection.execute(
        insert(outbox).values(firm_id=firm_id, kind="start_lifecycle", workflow_id=workflow_id, body=plain(request))
    )
    _wake_relay(connection)


def signal(connection: Connection, firm_id: str, workflow_id: str, name: SignalName, note: Signal) -> None:
    """Ask the relay to send a signal."""
    signal_all(connection, firm_id, name, [(workflow_id, note)])


def signal_all(connection: Connection, firm_id: str, name: SignalName, notes: Sequence[tuple[str, Signal]]) -> None:
    """Ask the relay to signal several workflows, each with its own note."""
    if notes:
        rows = [
            {"firm_id": firm_id, "kind": "signal", "workflow_id": workflow, "signal": name.value, "body": plain(note)}
            for workflow, note in notes
        ]
        connection.execute(insert(outbox), rows)
        _wake_relay(connection)


def signal_open_account_days(
    connection: Connection,
    firm_id: str,
    run_id: str,
    name: SignalName,
    note: Signal,
    stages: tuple[str, ...] | None = None,
) -> int:
    """Ask the relay to signal every open account-day of the run (in `stages`, when given); returns how many."""
    days = select(account_day.c.workflow_id).where(
        account_day.c.run_id == run_id, account_day.c.current, account_day.c.terminal_state.is_(None)
    )
    if stages is not None:
        days = days.where(account_day.c.stage.in_(stages))
    targets = list(connection.scalars(days.order_by(account_day.c.account_id)))
    signal_all(connection, firm_id, name, [(target, note) for target in targets])
    return len(targets)


def _wake_relay(connection: Connection) -> None:
    """The relay polls as well: this only makes it look at once. Repeated in one transaction it is sent once."""
    connection.execute(select(func.pg_notify(COMMANDS_CHANNEL, "")))
