"""The business clock of a run: opening it, its market events, and when a phase has drained."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from trimtab.activities.calendar import calendar_around
from trimtab.activities.review import would_move_from_review
from trimtab.activities.suspended import would_move_from_suspended
from trimtab.contracts import DayRequest, EventRef, MarketTick, OpenedRun, RunRef, Signal, SignalName, run_id
from trimtab.db import runs
from trimtab.db.account_days import ref_of
from trimtab.db.alerts import raise_alert
from trimtab.db.events import emit, signal_open_account_days
from trimtab.db.gateway import blocks_on_the_way
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lifecycle import MarketEventKind, Stage, Standstill
from trimtab.domain.sessions import MarketEvent, market_events, stepped_events

STEPPED: Final = "stepped"
EXCHANGE_ZONE: Final = ZoneInfo("America/New_York")

_EVERYBODY: Final = (*Stage, Standstill.SUSPENDED, Standstill.BLOCKED)
_LISTENERS: Final[dict[MarketEventKind, tuple[str, ...]]] = {
    # What waits for people or the broker has no business with the cut-off; everything else may have to end.
    MarketEventKind.CUT_OFF: tuple(str(place) for place in _EVERYBODY if place not in (Stage.REVIEW, Stage.TRADE)),
    MarketEventKind.REVIEW_EXPIRY: tuple(str(place) for place in _EVERYBODY if place is not Stage.TRADE),
    MarketEventKind.CLOSE: tuple(str(place) for place in _EVERYBODY),
    MarketEventKind.DAY_END: tuple(str(place) for place in _EVERYBODY),
}
"""Which places each market event is signalled to; the others are nobody's wait."""


class BusinessDateMissing(TrimtabError):
    """A run was to be opened without a business date."""

    code = "BUSINESS_DATE_MISSING"


def open_run(connection: Connection, request: DayRequest) -> OpenedRun:
    """Write the run and its market events, once; without a session one row NO_SESSION and nothing else.

    Raises BusinessDateMissing, and RunMissing when there is no such firm.
    """
    on = _business_date(request)
    ref = RunRef(request.firm_id, run_id(request.firm_id, on), on)
    firm = runs.firm_row(connection, request.firm_id)
    calendar = calendar_around(on)
    if not calendar.is_session(on):
        if runs.insert_run(connection, ref, as_of=None, clock_mode=firm.clock_mode, status=runs.NO_SESSION):
            _tell(connection, ref, "RUN_NO_SESSION")
        return OpenedRun(ref, session=False)
    session, before = calendar.session(on), calendar.previous(on)
    new = runs.insert_run(connection, ref, as_of=before.date, clock_mode=firm.clock_mode, status=runs.OPEN)
    run = runs.run_row(connection, ref)
    # The run's own clock counts: its row may have been written before, with a hold, by whoever wants to step it.
    stepped = run.clock_mode == STEPPED
    if runs.next_unpublished(connection, ref) is None and run.status == runs.OPEN:
        events = stepped_events(session, before) if stepped else market_events(session, before)
        runs.insert_market_events(connection, ref, [_row(ref, each) for each in events])
    if new:
        _tell(connection, ref, "RUN_OPENED")
    started = runs.is_published(connection, ref.run_id, [MarketEventKind.RUN_START])
    return OpenedRun(ref, session=True, stepped=stepped, started=started)


def _business_date(request: DayRequest) -> date:
    if request.business_date is not None:
        return request.business_date
    if request.scheduled_at is None:
        raise BusinessDateMissing("a run needs a business date, or the instant that its Schedule meant")
    return request.scheduled_at.astimezone(EXCHANGE_ZONE).date()


def _row(ref: RunRef, event: MarketEvent) -> dict[str, Any]:
    return {
        "event_id": f"{ref.run_id}-{event.ordinal:02d}-{event.kind}",
        "kind": str(event.kind),
        "ordinal": event.ordinal,
        "at": event.at,
    }


def _tell(connection: Connection, ref: RunRef, kind: str, **body: Any) -> None:
    emit(connection, ref.firm_id, kind, business_date=ref.business_date, body={"run_id": ref.run_id, **body})


def next_event(connection: Connection, ref: RunRef) -> tuple[MarketTick | None, bool]:
    """The next event of the clock and whether it is due to be waited for by the caller.

    (None, True): the clock has run out. (None, False): on the stepped clock, the phase has not drained or a person
    holds the clock: ask again. On the market clock the tick says how long to sleep.
    """
    event = runs.next_unpublished(connection, ref)
    if event is None:
        return None, True
    run = runs.run_row(connection, ref)
    kind = MarketEventKind(event.kind)
    if run.clock_mode != STEPPED:
        return MarketTick(event.event_id, kind, max(event.at - datetime.now(UTC), timedelta(0))), True
    if run.hold_before == event.kind or not _drained(connection, ref, kind):
        return None, False
    return MarketTick(event.event_id, kind), True


def _drained(connection: Connection, ref: RunRef, upcoming: MarketEventKind) -> bool:
    """Whether everything that the phase before `upcoming` set going stands still."""
    if runs.count_moving(connection, ref) or runs.count_unsent(connection, ref.firm_id):
        return False
    if _about_to_move(connection, ref):
        return False
    if upcoming is MarketEventKind.CLOSE:
        return not blocks_on_the_way(connection, ref.run_id)
    if upcoming is MarketEventKind.DAY_END:
        return not runs.count_in_trade(connection, ref)
    return True


def _about_to_move(connection: Connection, ref: RunRef) -> bool:
    """Whether a waiting account-day has what it waits for, and its lifecycle is just about to look."""
    for row in runs.days_with_news(connection, ref):
        day = ref_of(ref.firm_id, row)
        would = would_move_from_review if row.stage == Standstill.REVIEW else would_move_from_suspended
        if would(connection, day, row):
            return True
    return False


def publish_event(connection: Connection, event: EventRef) -> bool:
    """Publish the event and signal it to whom it may concern; False when it was published before."""
    ref = event.run
    runs.lock_run(connection, ref)
    row = runs.mark_published(connection, ref, event.event_id)
    if row is None:
        return False
    runs.set_run(connection, ref, phase=str(event.kind))
    _tell(connection, ref, "MARKET_EVENT", event=event.kind, at=row.at)
    listeners = _LISTENERS.get(event.kind)
    if listeners is not None:
        note = Signal(event.event_id, str(event.kind))
        signal_open_account_days(connection, ref.firm_id, ref.run_id, SignalName.MARKET, note, listeners)
    return True


def tell_stalled(connection: Connection, ref: RunRef) -> None:
    """Tell that a stepped clock waits for something that does not come, unless a person holds it."""
    event, run = runs.next_unpublished(connection, ref), runs.run_row(connection, ref)
    if event is None or run.hold_before == event.kind:
        return
    moving, unsent = runs.count_moving(connection, ref), runs.count_unsent(connection, ref.firm_id)
    in_trade, on_the_way = runs.count_in_trade(connection, ref), blocks_on_the_way(connection, ref.run_id)
    raise_alert(
        connection,
        ref.firm_id,
        cause=f"CLOCK_STALLED_BEFORE_{event.kind}",
        scope=ref.run_id,
        business_date=ref.business_date,
        message=(
            f"the stepped clock waits before {event.kind}: {moving} account-days on their way, {unsent} commands"
            f" not delivered, {in_trade} account-days in trade, {on_the_way} blocks not acknowledged"
        ),
    )


def close_run(connection: Connection, ref: RunRef) -> None:
    """Mark the run as done, with the seconds that its stages took."""
    row = runs.lock_run(connection, ref)
    if row.status == runs.DONE:
        return
    seconds = runs.stage_seconds(connection, ref) | {"total": runs.wall_seconds(connection, ref)}
    merged = dict(row.seconds) | seconds
    runs.set_run(connection, ref, status=runs.DONE, phase="DONE", seconds=merged)
    _tell(connection, ref, "RUN_DONE", outcomes=runs.outcome_counts(connection, ref))
