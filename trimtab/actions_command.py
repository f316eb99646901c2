"""What `trimtab actions` does: plain values of events, of the sync report and of an event's preview."""

from collections.abc import Sequence
from datetime import date

from trimtab.corporate_action_desk import EventLine, event_lines
from trimtab.corporate_action_preview import AccountPreview, preview, sync_lines
from trimtab.db.account_signals import business_date
from trimtab.domain.corporate_actions_sync import SyncLine
from trimtab.domain.lots import TaxLot
from trimtab.operator import NoRun, in_firm
from trimtab.settings import Settings


def sync_report(settings: Settings, firm_id: str, day: date | None) -> list[dict[str, object]]:
    """One value for each event of the day's run. Raises NoRun."""
    with in_firm(settings, firm_id) as connection:
        on = day or business_date(connection)
        if on is None:
            raise NoRun("the firm has no run yet")
        return [_line(line) for line in sync_lines(connection, firm_id, on)]


def _line(line: SyncLine) -> dict[str, object]:
    event = line.event
    return {
        "event_id": event.event_id,
        "version": event.version,
        "kind": event.kind.value,
        "security_id": event.security_id,
        "ex_on": event.ex_on.isoformat(),
        "status": event.status.value,
        "synced": line.is_synced,
        **{source.value.lower(): state.value for source, state in line.states.items()},
    }


def events_report(settings: Settings, firm_id: str, day: date | None) -> list[dict[str, object]]:
    """One value for each event about the day: its state, and what it waits for. Raises NoRun."""
    with in_firm(settings, firm_id) as connection:
        on = day or business_date(connection)
        if on is None:
            raise NoRun("the firm has no run yet")
        return [_event(line) for line in event_lines(connection, on)]


def _event(line: EventLine) -> dict[str, object]:
    event = line.event
    return {
        "event_id": event.event_id,
        "version": event.version,
        "kind": event.kind.value,
        "security_id": event.security_id,
        "ex_on": event.ex_on.isoformat(),
        "state": line.state.value,
        "waits_for": None if event.code is None else event.code.value,
        "sources": list(event.sources),
        "approved_by": list(event.approved_by),
        "persons_needed": event.persons_needed,
        "accounts": {state.value: count for state, count in sorted(line.accounts.items())},
    }


def preview_report(settings: Settings, firm_id: str, event_id: str, day: date | None) -> list[dict[str, object]]:
    """One value for each account that holds the security. Raises NoRun, NoSuchEvent and the event's own."""
    with in_firm(settings, firm_id) as connection:
        on = day or business_date(connection)
        if on is None:
            raise NoRun("the firm has no run yet")
        return [account_value(each) for each in preview(connection, on, event_id)]


def account_value(account: AccountPreview) -> dict[str, object]:
    outcome = account.outcome
    return {
        "account_id": account.account_id,
        "before": _lots(account.before),
        "after": _lots(outcome.lots),
        "cash": str(outcome.cash),
        "income": str(outcome.income),
        "gain": str(account.gain),
        "basis_conserved": outcome.conserves(account.before),
    }


def _lots(lots: Sequence[TaxLot]) -> list[str]:
    return [f"{each.quantity:f} {each.security_id} of {each.acquired_on}, basis {each.cost:f}" for each in lots]
