"""What the command line's operators do: each function opens what it needs and returns text or plain values."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row, func, select, update

from trimtab.contracts import RunRef, Signal, SignalName
from trimtab.db.content import get_content, put_content
from trimtab.db.engine import VERIFIER_ROLE, firm_transaction, sync_engine
from trimtab.db.events import signal
from trimtab.db.runs import firm_row, outcome_counts, roster_size
from trimtab.db.tables import account_day, blocked_step, firm, run
from trimtab.domain.calibration import SHIPPED, Calibration
from trimtab.domain.errors import TrimtabError
from trimtab.embedded.state import running
from trimtab.settings import Settings
from trimtab.stack import served_firm_file

Value = TypeVar("Value")


class NothingRuns(TrimtabError):
    """No servers are up and none are named."""

    code = "NOTHING_RUNS"


class NoFirm(TrimtabError):
    """The database knows no firm of this name."""

    code = "NO_FIRM"


class NotASession(TrimtabError):
    """The exchange is closed on the date."""

    code = "NOT_A_SESSION"


class NoRun(TrimtabError):
    """The firm has no run that fits."""

    code = "NO_RUN"


def with_running_services(settings: Settings) -> Settings:
    """The settings, with the URLs of the servers that `trimtab demo --serve` or `up` keeps up here.

    Raises NothingRuns when the settings name no database and nobody keeps one up.
    """
    if settings.database_url is not None:
        return settings
    state = running(settings.state_dir)
    if state is None or "database" not in state.urls:
        raise NothingRuns("no trimtab is up here: start `trimtab up` or `trimtab demo --serve`, or set DATABASE_URL")
    found = {
        "database_url": state.urls["database"],
        "migration_database_url": state.urls["migration_database"],
        "relay_database_url": state.urls["relay_database"],
        "verifier_database_url": state.urls["verifier_database"],
        "temporal_address": state.urls.get("temporal"),
    }
    from trimtab.embedded.payload_key import ensure_payload_key
    from trimtab.settings import load_settings

    key = ensure_payload_key(settings.state_dir).read_text(encoding="utf-8").strip()
    return load_settings(**{"state_dir": settings.state_dir, "payload_key": key, **found})


def which_firm(settings: Settings, named: str | None) -> str:
    """The firm that a command means: the one named, else the settings', else the one whose gateway runs here."""
    if named is not None:
        return named
    served = served_firm_file(settings.state_dir)
    if "firm" in settings.model_fields_set or not served.exists():
        return settings.firm
    return served.read_text(encoding="utf-8")


def owner_url(settings: Settings) -> str:
    """The URL that may migrate."""
    found = with_running_services(settings)
    url = found.migration_database_url or found.database_url
    if url is None:
        raise NothingRuns("set MIGRATION_DATABASE_URL or DATABASE_URL")
    return url.get_secret_value()


@contextmanager
def in_firm(settings: Settings, firm_id: str) -> Iterator[Connection]:
    """A transaction of the firm, as the application's role. Raises NoFirm, and NothingRuns."""
    engine = app_engine(settings)
    try:
        with firm_transaction(engine, firm_id) as connection:
            _require_firm(connection, firm_id)
            yield connection
    finally:
        engine.dispose()


def _require_firm(connection: Connection, firm_id: str) -> None:
    if connection.scalar(select(firm.c.firm_id).where(firm.c.firm_id == firm_id)) is None:
        raise NoFirm(f"there is no firm {firm_id} here: name another with --firm or TRIMTAB_FIRM")


def verifier_engine(settings: Settings, firm_id: str) -> Engine:
    """An engine of the role that may read everything of a firm and write nothing. Raises NoFirm."""
    with in_firm(settings, firm_id):  # raises for a firm that is not there, before anything is read
        pass
    found = with_running_services(settings)
    url = found.verifier_database_url or found.database_url
    if url is None:
        raise NothingRuns("set DATABASE_URL")
    return sync_engine(url.get_secret_value(), role=VERIFIER_ROLE, pool_size=1, application_name="trimtab-verify")


def app_engine(settings: Settings) -> Engine:
    found = with_running_services(settings)
    if found.database_url is None:
        raise NothingRuns("set DATABASE_URL")
    return sync_engine(found.database_url.get_secret_value(), pool_size=1, application_name="trimtab-cli")


def start_run(settings: Settings, firm_id: str, day: date) -> str:
    """Start DailyRun for the business date; starting it again does nothing. Raises NotASession and NoFirm."""
    from trimtab.day import start_daily_run

    require_session(day)
    with in_firm(settings, firm_id):  # raises for a firm that is not there, before anything is read
        pass
    return asyncio.run(start_daily_run(with_running_services(settings), firm_id, day))


def require_session(day: date) -> None:
    from trimtab.activities.calendar import calendar_around

    calendar = calendar_around(day)
    if not calendar.is_session(day):
        following = next(each.date for each in calendar.sessions if each.date > day)
        raise NotASession(f"the exchange is closed on {day}; the next session is {following}")


def run_summary(settings: Settings, firm_id: str, day: date | None) -> dict[str, Any]:
    """Counts by terminal state, by the stage of those that are open, and how they sum to the roster."""
    with in_firm(settings, firm_id) as connection:
        row = run_of(connection, day)
        ref = RunRef(firm_id, row.run_id, row.business_date)
        stages = connection.execute(
            select(account_day.c.stage, func.count())
            .where(account_day.c.run_id == row.run_id, account_day.c.current, account_day.c.terminal_state.is_(None))
            .group_by(account_day.c.stage)
        )
        return {
            "business_date": row.business_date.isoformat(),
            "status": row.status,
            "phase": row.phase,
            "hold_before": row.hold_before,
            "roster": roster_size(connection),
            "outcomes": {state or "OPEN": count for state, count in outcome_counts(connection, ref).items()},
            "open": {row[0]: row[1] for row in stages},
        }


def step_on(settings: Settings, firm_id: str) -> str:
    """Clear the hold of the open run's stepped clock."""
    with in_firm(settings, firm_id) as connection:
        held = connection.execute(
            update(run)
            .where(run.c.status == "OPEN", run.c.hold_before.is_not(None))
            .values(hold_before=None)
            .returning(run.c.business_date)
        ).all()
    if not held:
        raise NoRun("no run's clock is held")
    return f"the clock of {held[0].business_date} goes on"


def promote_account(settings: Settings, firm_id: str, account_id: str) -> str:
    """Ask the relay to start the account's workflow for the newest run."""
    from trimtab.day import promote

    with in_firm(settings, firm_id) as connection:
        return promote(connection, firm_id, account_id)


def blocked_steps(settings: Settings, firm_id: str) -> list[str]:
    """One line a parked step."""
    with in_firm(settings, firm_id) as connection:
        rows = connection.execute(_blocked())
        return [f"{row.account_id:12} {row.stage:10} {row.error_type}: {row.message} ({row.runbook})" for row in rows]


def retry_blocked(settings: Settings, firm_id: str, stage: str | None, account_id: str | None) -> int:
    """Signal `retry_step` to every blocked account-day that fits, through the outbox; returns how many."""
    with in_firm(settings, firm_id) as connection:
        wanted = _blocked()
        if stage is not None:
            wanted = wanted.where(blocked_step.c.stage == stage)
        if account_id is not None:
            wanted = wanted.where(account_day.c.account_id == account_id)
        rows = connection.execute(wanted).all()
        for row in rows:
            note = Signal(f"retry-{row.account_day_id}-{row.stage}-{row.tries}", "cli")
            signal(connection, firm_id, row.workflow_id, SignalName.RETRY_STEP, note)
    return len(rows)


def firm_calibration(settings: Settings, firm_id: str, adopt: Calibration | None = None) -> Calibration:
    """What the words of the firm's settings stand for, after adopting `adopt` (the shipped map takes it back).

    Runs that froze their inputs before keep theirs, and every record names the map that it was made with.
    """
    with in_firm(settings, firm_id) as connection:
        if adopt is not None:
            own = "" if adopt == SHIPPED else put_content(connection, firm_id, "calibration", adopt)
            connection.execute(update(firm).where(firm.c.firm_id == firm_id).values(calibration_hash=own))
        digest = firm_row(connection, firm_id).calibration_hash
        return get_content(connection, digest, Calibration) if digest else SHIPPED


def _blocked() -> Any:
    return (
        select(blocked_step, account_day.c.account_id, account_day.c.workflow_id)
        .join(account_day, account_day.c.account_day_id == blocked_step.c.account_day_id)
        .where(~blocked_step.c.resolved)
        .order_by(account_day.c.account_id)
    )


def run_of(connection: Connection, day: date | None) -> Row[Any]:
    rows = select(run).order_by(run.c.business_date.desc()).limit(1)
    row = connection.execute(rows if day is None else rows.where(run.c.business_date == day)).one_or_none()
    if row is None:
        raise NoRun("there is no such run" if day else "the firm has no run yet")
    return row
