"""`trimtab demo`: one business day of the demo firm, through the ordinary paths, with progress and a summary."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from sqlalchemy import Engine, select

from trimtab.contracts import RunRef, run_id
from trimtab.day import start_daily_run
from trimtab.db.engine import VERIFIER_ROLE, firm_transaction, sync_engine
from trimtab.db.runs import count_moving, insert_run, next_unpublished, roster_size, set_run
from trimtab.db.tables import run
from trimtab.demo.custodian import deliver, resume
from trimtab.demo.firm import DEFAULT_ACCOUNTS, DEFAULT_SEED, DemoFirm, build_firm
from trimtab.demo.ledger import evening_book
from trimtab.demo.progress import DayProgress
from trimtab.demo.report import print_json, print_summary, print_where_to_look
from trimtab.demo.reviewers import decide_some_reviews
from trimtab.demo.seed import seed_firm
from trimtab.demo.summary import summarize_day
from trimtab.domain.accounts import FirmId
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lifecycle import MarketEventKind
from trimtab.embedded.supervisor import Supervisor
from trimtab.settings import Settings, load_settings
from trimtab.stack import Stack, broker_files, start_processes, start_servers
from trimtab.verify import verify

POLL_SECONDS = 0.25
HELD_BEFORE = MarketEventKind.REVIEW_EXPIRY
"""The demo's clock stops before reviews expire: its reviewers need a moment."""


class DayDidNotEnd(TrimtabError):
    """The run made no progress for a long time."""

    code = "DAY_DID_NOT_END"


@dataclass(frozen=True, slots=True)
class DemoOptions:
    accounts: int = DEFAULT_ACCOUNTS
    seed: int = DEFAULT_SEED
    data: Path | None = None
    new_day: bool = False
    serve: bool = False
    hold_reviews: bool = False
    as_json: bool = False

    @property
    def firm_id(self) -> str:
        """Each firm that the options describe is a firm of its own in the database."""
        if (self.accounts, self.seed, self.data) == (DEFAULT_ACCOUNTS, DEFAULT_SEED, None):
            return "demo"
        return f"demo-{'real-' if self.data else ''}{self.accounts}-{self.seed}"


def stay_up(settings: Settings) -> None:
    """Servers and processes up, until Ctrl-C."""
    console = Console(stderr=True)
    with Supervisor(settings.state_dir) as supervisor:
        services = start_servers(supervisor, settings)
        stack = start_processes(supervisor, settings, services)
        print_where_to_look(console, stack.urls, None)
        supervisor.run_until_stopped()


def run_demo(settings: Settings, options: DemoOptions) -> int:
    """Run, resume or show the demo firm's day; returns the exit code."""
    console = Console(stderr=True) if options.as_json else Console()
    begun = time.monotonic()
    settings = load_settings(**{**_given(settings), "firm": options.firm_id})
    with Supervisor(settings.state_dir) as supervisor:
        console.print(
            "trimtab demo: embedded PostgreSQL and Temporal, for this machine only, "
            f"in {settings.state_dir}. Not for production."
        )
        services = start_servers(supervisor, settings)
        engine = sync_engine(services.database.app, pool_size=2, application_name="trimtab-demo")
        day = _DemoDay(settings, options, engine, console, begun)
        try:
            firm = day.prepare()
            if firm is not None or options.serve:
                stack = start_processes(supervisor, settings, services)
                day.setup_seconds = time.monotonic() - begun
                if firm is not None:
                    day.go(firm, stack)
            code = day.show(services.database.verifier)
            if options.serve:
                people = settings.state_dir / "demo-people.json"
                print_where_to_look(Console(stderr=True), stack.urls, people)
                supervisor.run_until_stopped()
            return code
        finally:
            engine.dispose()


def _given(settings: Settings) -> dict[str, Any]:
    """The settings as overrides for another load."""
    return {name: getattr(settings, name) for name in settings.model_fields_set}


class _DemoDay:
    """What the demo does on one business day, and what it remembers between its steps."""

    def __init__(
        self, settings: Settings, options: DemoOptions, engine: Engine, console: Console, begun: float
    ) -> None:
        self._settings = settings
        self._options = options
        self._engine = engine
        self._console = console
        self._begun = begun
        self._firm_id = options.firm_id
        self._journal, self._closes = broker_files(settings.state_dir)
        self._business_date: date | None = None
        self.setup_seconds = 0.0

    def prepare(self) -> DemoFirm | None:
        """The firm whose day is to be run, delivered; None when the newest day is over and no new one is wanted.

        A run that was cut short is found open and goes on with the files that it already has.
        """
        newest = self._newest_run()
        if newest is not None:
            self._business_date = newest.business_date
            if newest.status != "OPEN" and not self._options.new_day:
                return None
        self._console.print(f"Building the demo firm {self._firm_id} ({self._options.accounts} accounts) ...")
        firm = replace(self._first_day(), id=FirmId(self._firm_id))
        if newest is not None:
            firm = self._later(firm, newest)
        self._business_date = firm.business_date
        with firm_transaction(self._engine, self._firm_id) as connection:
            seed_firm(connection, firm, self._settings.state_dir)
        begun = time.monotonic()
        files = deliver(firm, self._settings.drop_folder, self._closes)
        self._console.print(f"The custodian delivered {len(files)} files in {time.monotonic() - begun:.1f} s")
        for remark in firm.remarks:
            self._console.print(f"  {remark}", highlight=False)
        return firm

    def _first_day(self) -> DemoFirm:
        if self._options.data is None:
            return build_firm(self._options.accounts, self._options.seed)
        from trimtab.demo.real_firm import build_real_firm

        return build_real_firm(self._options.data, self._options.accounts, self._options.seed)

    def _later(self, first: DemoFirm, newest: Any) -> DemoFirm:
        """The firm of the open run, or of the session after the newest run."""
        last = newest.as_of if newest.status == "OPEN" else newest.business_date
        if last < first.business_date:
            return first
        with firm_transaction(self._engine, self._firm_id) as connection:
            return resume(first, last, evening_book(connection, last))

    def go(self, firm: DemoFirm, stack: Stack) -> None:
        """Start the run, or find it running, and see it through to the day's end."""
        ref = RunRef(self._firm_id, run_id(self._firm_id, firm.business_date), firm.business_date)
        with firm_transaction(self._engine, self._firm_id) as connection:
            new = insert_run(connection, ref, as_of=firm.as_of, clock_mode="stepped", status="OPEN")
            if new:
                set_run(connection, ref, hold_before=str(HELD_BEFORE))
        asyncio.run(start_daily_run(_connected(self._settings, stack), self._firm_id, firm.business_date))
        with DayProgress(self._console, self._engine, ref, firm.business_date) as progress:
            self._until(lambda: self._is_held(ref) or self._is_done(ref), progress, ref)
            if self._is_held(ref):
                asyncio.run(decide_some_reviews(stack.api_url, self._settings.state_dir, progress.say))
                if self._options.hold_reviews:
                    return
                with firm_transaction(self._engine, self._firm_id) as connection:
                    set_run(connection, ref, hold_before=None)
            self._until(lambda: self._is_done(ref), progress, ref)

    def _until(self, reached: Callable[[], bool], progress: DayProgress, ref: RunRef) -> None:
        """Wait, as long as something moves now and then."""
        quiet_since, before = time.monotonic(), progress.refresh()
        while not reached():
            time.sleep(POLL_SECONDS)
            now = progress.refresh()
            if now != before:
                quiet_since, before = time.monotonic(), now
            if time.monotonic() - quiet_since > 300:
                raise DayDidNotEnd(
                    f"the run of {ref.business_date} has not moved for 5 minutes; the logs are in "
                    f"{self._settings.state_dir / 'logs'}; the same command goes on where it stands"
                )

    def _is_held(self, ref: RunRef) -> bool:
        with firm_transaction(self._engine, self._firm_id) as connection:
            row = connection.execute(select(run).where(run.c.run_id == ref.run_id)).one()
            following = next_unpublished(connection, ref)
            return (
                row.hold_before is not None
                and following is not None
                and following.kind == row.hold_before
                and roster_size(connection) > 0
                and count_moving(connection, ref) == 0
            )

    def _is_done(self, ref: RunRef) -> bool:
        with firm_transaction(self._engine, self._firm_id) as connection:
            return connection.scalar(select(run.c.status).where(run.c.run_id == ref.run_id)) != "OPEN"

    def show(self, verifier_url: str) -> int:
        """Print the stored day; 0 when its outcomes sum to the roster and every record verifies."""
        if self._business_date is None:
            raise DayDidNotEnd("there is no run to show")
        with firm_transaction(self._engine, self._firm_id) as connection:
            summary = summarize_day(connection, self._firm_id, self._business_date, self._journal)
        report = verify(sync_engine(verifier_url, role=VERIFIER_ROLE, pool_size=1), self._firm_id)
        urls = _published_urls(self._settings.state_dir)
        if self._options.as_json:
            seconds = {**summary.seconds, "setup": round(self.setup_seconds, 2)}
            seconds["total"] = round(time.monotonic() - self._begun, 2)
            print_json(replace(summary, seconds=seconds), report, urls)
        else:
            print_summary(self._console, summary, report, urls)
        return 0 if not report.broken and sum(summary.outcomes.values()) == summary.roster else 1

    def _newest_run(self) -> Any:
        with firm_transaction(self._engine, self._firm_id) as connection:
            return connection.execute(select(run).order_by(run.c.business_date.desc()).limit(1)).one_or_none()


def _connected(settings: Settings, stack: Stack) -> Settings:
    """The settings with the addresses of what the stack started."""
    services = stack.services
    found: dict[str, Any] = {"database_url": services.database.app, "temporal_address": services.temporal_address}
    if services.payload_key_file is not None:
        found["payload_key"] = services.payload_key_file.read_text(encoding="utf-8").strip()
    return load_settings(**{**_given(settings), **found})


def _published_urls(state_dir: Path) -> dict[str, str]:
    state = json.loads((state_dir / "state.json").read_text(encoding="utf-8"))
    shown = ("api", "temporal_ui")
    return {name: url for name, url in state["urls"].items() if name in shown}
