"""The completeness ledger: at cut-off and day end every account-day is where it should be, or an alert names it."""

from typing import Any, Final

from sqlalchemy import Connection, Row

from trimtab.contracts import EventRef
from trimtab.db import runs
from trimtab.db.alerts import raise_alert
from trimtab.db.events import emit
from trimtab.domain.lifecycle import MarketEventKind, Standstill

_MAY_WAIT: Final = {
    MarketEventKind.CUT_OFF: frozenset({str(Standstill.REVIEW), str(Standstill.TRADE)}),
    MarketEventKind.DAY_END: frozenset[str](),
}
"""What may still be open: after the cut-off people and the market have their time, after the day nothing has."""


def incomplete(connection: Connection, event: EventRef) -> list[Row[Any]]:
    """The account-days that should be further than they are."""
    may_wait = _MAY_WAIT[event.kind]
    return [row for row in runs.open_account_days(connection, event.run) if row.stage not in may_wait]


def report_incomplete(connection: Connection, event: EventRef) -> int:
    """Name every account that is late or missing in one alert each; returns how many there are (H4)."""
    late = incomplete(connection, event)
    for row in late:
        _alert(connection, event, row.account_id, f"it stands at {row.blocked_stage or row.stage}")
    missing = runs.accounts_without_day(connection, event.run)
    for account_id in missing:
        _alert(connection, event, account_id, "it has no account-day in the run")
    counts = runs.outcome_counts(connection, event.run)
    emit(
        connection,
        event.run.firm_id,
        "LEDGER_CHECKED",
        business_date=event.run.business_date,
        body={"event": event.kind, "late": len(late), "missing": len(missing), "outcomes": counts},
    )
    return len(late) + len(missing)


def _alert(connection: Connection, event: EventRef, account_id: str, why: str) -> None:
    raise_alert(
        connection,
        event.run.firm_id,
        cause=f"INCOMPLETE_AT_{event.kind}",
        scope=account_id,
        business_date=event.run.business_date,
        message=f"account {account_id} is not complete at {event.kind}: {why}",
        severity="ERROR",
    )
