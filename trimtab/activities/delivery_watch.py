"""Watching the night's deliveries on the market clock: expected, due, late, urgent, missing, and recovered (H2, H3)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row

from trimtab.activities.calendar import calendar_around
from trimtab.activities.deliveries import KINDS, awaited
from trimtab.contracts import RunRef
from trimtab.db import runs
from trimtab.db.alerts import raise_alert
from trimtab.db.events import emit
from trimtab.db.expectations import (
    accounts_in_need,
    expect,
    is_escalated,
    locked_expectations,
    needed_by,
    set_expectation,
    settle_alerts,
)
from trimtab.db.suspensions import SYSTEM
from trimtab.domain.delivery_watch import WAITS, Deadlines, Standing
from trimtab.domain.sessions import DEFAULT_PLAN
from trimtab.feeds.sources import FirmSources

LATE, URGENT, TRANSFER_FAILED = "FEED_LATE", "FEED_URGENT", "TRANSFER_FAILED"
_TOLD: Final[Mapping[Standing, tuple[str, str]]] = {
    Standing.LATE: (LATE, "WARNING"),
    Standing.URGENT: (URGENT, "CRITICAL"),
}
"""Cause and severity of the alert with which a standing begins. MISSING is told by the freezing of the inputs."""
_ENDED_BY_A_FILE: Final = (LATE, URGENT, TRANSFER_FAILED, "FEED_MISSING", "FEED_INCOMPLETE")


def expect_deliveries(connection: Connection, ref: RunRef, sources: FirmSources) -> None:
    """Write the day's expectations from the sources' times and the exchange's calendar, once."""
    calendar = calendar_around(ref.business_date)
    session, before = calendar.session(ref.business_date), calendar.previous(ref.business_date)
    cut_off = session.open_at - DEFAULT_PLAN.cut_off_before_open
    rows = []
    for kind in (*KINDS, *sources.further):
        source = sources.of(kind)
        times = source.deadlines(ref.business_date, before.date, cut_off)
        rows.append(
            {
                "business_date": ref.business_date,
                "kind": str(kind),
                "source": source.name,
                "form": str(source.form),
                "due_at": times.due_at,
                "late_at": times.late_at,
                "urgent_at": times.urgent_at,
                "missing_at": times.missing_at,
            }
        )
    expect(connection, ref.firm_id, rows)


def watch_deliveries(
    connection: Connection, ref: RunRef, now: datetime, arriving: frozenset[str] = frozenset()
) -> dict[str, Standing]:
    """Move each kind to where it stands at `now`, tell of what has become worse, and settle what has come.

    Returns the standing of the kinds of which nothing usable has come. `arriving` are those whose file lies there
    without its done-marker.
    """
    waiting = set(awaited(connection, ref.business_date))
    found: dict[str, Standing] = {}
    for kind, row in locked_expectations(connection, ref.business_date).items():
        if kind not in waiting:
            _settle(connection, ref, row, now)
            continue
        standing = _times(row).standing(now)
        if standing != row.standing or (kind in arriving) != row.arriving:
            set_expectation(
                connection, ref.business_date, kind, standing=str(standing), arriving=kind in arriving, resolved_at=None
            )
        if standing != row.standing and standing in _TOLD:
            _tell(connection, ref, row, standing, is_arriving=kind in arriving)
        found[kind] = standing
    return found


def give_up_waiting(connection: Connection, ref: RunRef) -> None:
    """The run goes on without what has not come: on the stepped clock nothing else says so."""
    waiting = set(awaited(connection, ref.business_date))
    for kind, row in locked_expectations(connection, ref.business_date).items():
        if kind in waiting and row.standing != Standing.MISSING:
            set_expectation(connection, ref.business_date, kind, standing=str(Standing.MISSING))


def _tell(connection: Connection, ref: RunRef, row: Row[Any], standing: Standing, *, is_arriving: bool) -> None:
    cause, severity = _TOLD[standing]
    count = needed_by(row.kind, accounts_in_need(connection, ref.business_date))
    state = "has begun to arrive and is not whole" if is_arriving else "has not come"
    failed = f"; fetching it failed {row.tries} times, last with {row.last_error}" if row.last_error else ""
    raise_alert(
        connection,
        ref.firm_id,
        cause=cause,
        scope=f"feed/{row.kind}",
        business_date=ref.business_date,
        message=(
            f"the {row.kind} file of {row.source} was due {row.due_at:%H:%M} UTC and {state}{failed};"
            f" {count} accounts wait: {WAITS[row.kind]}; the cut-off is {row.missing_at:%H:%M} UTC"
        ),
        severity=severity,
    )


def _settle(connection: Connection, ref: RunRef, row: Row[Any], now: datetime) -> None:
    """What was told of has ended by itself: its alerts are taken care of, and the record says by what."""
    failed = row.last_error is not None and row.resolved_at is None
    if not (is_escalated(row) or failed):
        return
    resolution = "the file came" if row.tries == 0 else f"fetched at the {_ordinal(row.tries)} try"
    settle_alerts(connection, _ENDED_BY_A_FILE, f"feed/{row.kind}", ref.business_date, SYSTEM)
    set_expectation(connection, ref.business_date, row.kind, resolved_at=now, resolution=resolution, arriving=False)
    emit(
        connection,
        ref.firm_id,
        "DELIVERY_RECOVERED",
        business_date=ref.business_date,
        body={"kind": row.kind, "was": row.standing, "resolution": resolution},
    )


def _ordinal(number: int) -> str:
    ends = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if 10 <= number % 100 <= 20 else ends.get(number % 10, 'th')}"


def is_market_clock(connection: Connection, ref: RunRef) -> bool:
    """Whether deadlines are instants: on the stepped clock what has come has come."""
    return bool(runs.run_row(connection, ref).clock_mode != "stepped")


def _times(row: Row[Any]) -> Deadlines:
    return Deadlines(row.due_at, row.late_at, row.urgent_at, row.missing_at)
