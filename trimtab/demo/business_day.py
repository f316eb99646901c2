"""One business day of the demo firm: founded and delivered, started or found running, and seen through to its end."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rich.console import Console
from sqlalchemy import Engine, select

from trimtab.contracts import RunRef, run_id
from trimtab.day import start_daily_run
from trimtab.db.engine import VERIFIER_ROLE, firm_transaction, sync_engine
from trimtab.db.runs import count_moving, insert_run, next_unpublished, roster_size, set_run
from trimtab.db.tables import person, run
from trimtab.demo.custodian import deliver, resume
from trimtab.demo.errors import DayDidNotEnd
from trimtab.demo.firm import DemoFirm, build_firm
from trimtab.demo.ledger import evening_book
from trimtab.demo.options import DemoOptions
from trimtab.demo.progress import DayProgress
from trimtab.demo.reviewers import decide_some_reviews
from trimtab.demo.seed import seed_firm
from trimtab.demo.summary import DaySummary, summarize_day
from trimtab.domain.accounts import FirmId
from trimtab.domain.lifecycle import MarketEventKind
from trimtab.settings import Settings
from trimtab.stack import broker_files
from trimtab.verify import VerifyReport, verify

POLL_SECONDS = 0.25
STILL_SECONDS = 300.0
"""A run in which nothing moves for so long is given up; nothing is lost by it."""
HELD_BEFORE = MarketEventKind.REVIEW_EXPIRY
"""The demo's clock stops before reviews expire: its reviewers need a moment."""


class DemoDay:
    """The newest business day of the firm that the options describe, or the one after it."""

    def __init__(self, settings: Settings, options: DemoOptions, engine: Engine, console: Console) -> None:
        self._settings = settings
        self._options = options
        self._engine = engine
        self._console = console
        self._firm_id = options.firm_id
        self._journal, self._closes = broker_files(settings.state_dir)
        self._ref: RunRef | None = None

    @property
    def ref(self) -> RunRef:
        """The run. Raises DayDidNotEnd before `prepare`."""
        if self._ref is None:
            raise DayDidNotEnd("there is no run yet")
        return self._ref

    def prepare(self) -> DemoFirm | None:
        """The firm whose day is to be run, delivered; None when the newest day is over and no new one is wanted.

        A run that was cut short is found open and goes on with the files that it already has.
        """
        newest = self._newest_run()
        if newest is not None:
            self._ref = self._run_on(newest)
            if newest.status != "OPEN" and not self._options.new_day:
                return None
            if newest.status == "OPEN":
                self._console.print(f"The day {newest.business_date} is not over: it goes on where it was.")
        self._console.print(f"Building the demo firm {self._firm_id} ({self._options.accounts} accounts) ...")
        firm = replace(self._first_day(), id=FirmId(self._firm_id))
        if newest is not None:
            firm = self._later(firm, newest)
        self._ref = self._run_on(firm)
        with firm_transaction(self._engine, self._firm_id) as connection:
            seed_firm(connection, firm, self._settings.state_dir)
        self._deliver(firm)
        return firm

    def _deliver(self, firm: DemoFirm) -> None:
        begun = time.monotonic()
        files = deliver(firm, self._settings.drop_folder, self._closes)
        self._console.print(
            f"The custodian delivered {len(files)} files for {firm.business_date} in {time.monotonic() - begun:.1f} s"
        )
        for remark in firm.remarks:
            self._console.print(f"  {remark}", highlight=False)

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

    def begin(self, firm: DemoFirm, connected: Settings) -> None:
        """Start the run with its clock held before reviews expire; one that runs already is left as it is."""
        with firm_transaction(self._engine, self._firm_id) as connection:
            if insert_run(connection, self.ref, as_of=firm.as_of, clock_mode="stepped", status="OPEN"):
                set_run(connection, self.ref, hold_before=str(HELD_BEFORE))
        asyncio.run(start_daily_run(connected, self._firm_id, firm.business_date))

    def see_through(self, api_url: str) -> None:
        """Wait for the reviews, let the demo's reviewers decide, and wait for the day's end.

        With `hold_reviews` it returns as soon as reviews wait: they are somebody else's. Raises DayDidNotEnd.
        """
        with DayProgress(self._console, self._engine, self.ref) as progress:
            self._until(lambda: self.is_held() or self.is_over(), progress)
            if self.is_held():
                if self._options.hold_reviews:
                    return
                on, state_dir = self.ref.business_date, self._settings.state_dir
                asyncio.run(decide_some_reviews(api_url, state_dir, on, self._advisors(), progress.say))
                with firm_transaction(self._engine, self._firm_id) as connection:
                    set_run(connection, self.ref, hold_before=None)
            self._until(self.is_over, progress)

    def _advisors(self) -> dict[str, str]:
        """Each advisor's username by the id of their book."""
        with firm_transaction(self._engine, self._firm_id) as connection:
            rows = select(person.c.advisor_id, person.c.username).where(person.c.advisor_id.is_not(None))
            return {row.advisor_id: row.username for row in connection.execute(rows)}

    def _until(self, reached: Callable[[], bool], progress: DayProgress) -> None:
        """Wait, as long as something moves now and then."""
        still_since, before = time.monotonic(), progress.refresh()
        while not reached():
            time.sleep(POLL_SECONDS)
            now = progress.refresh()
            if now != before:
                still_since, before = time.monotonic(), now
            if time.monotonic() - still_since > STILL_SECONDS:
                raise DayDidNotEnd(
                    f"the run of {self.ref.business_date} has not moved for {STILL_SECONDS / 60:g} minutes; the logs"
                    f" are in {self._settings.state_dir / 'logs'}; the same command goes on where it stands"
                )

    def is_held(self) -> bool:
        """Whether the clock is held and everything before the hold has come to rest."""
        with firm_transaction(self._engine, self._firm_id) as connection:
            row = connection.execute(select(run).where(run.c.run_id == self.ref.run_id)).one()
            following = next_unpublished(connection, self.ref)
            return (
                row.hold_before is not None
                and following is not None
                and following.kind == row.hold_before
                and roster_size(connection) > 0
                and count_moving(connection, self.ref) == 0
            )

    def is_over(self) -> bool:
        with firm_transaction(self._engine, self._firm_id) as connection:
            return connection.scalar(select(run.c.status).where(run.c.run_id == self.ref.run_id)) != "OPEN"

    def note_seconds(self, setup: float, command: float) -> None:
        """Note in the run's row what the command took that saw it through: until everything was up, and in all."""
        with firm_transaction(self._engine, self._firm_id) as connection:
            spent = dict(connection.execute(select(run.c.seconds).where(run.c.run_id == self.ref.run_id)).scalar_one())
            set_run(connection, self.ref, seconds=spent | {"setup": round(setup, 2), "command": round(command, 2)})

    def summary(self) -> DaySummary:
        with firm_transaction(self._engine, self._firm_id) as connection:
            return summarize_day(connection, self.ref, self._journal)

    def verified(self, verifier_url: str) -> VerifyReport:
        """Every record of the firm, checked."""
        engine = sync_engine(verifier_url, role=VERIFIER_ROLE, pool_size=1, application_name="trimtab-verify")
        try:
            return verify(engine, self._firm_id)
        finally:
            engine.dispose()

    def _run_on(self, day: Any) -> RunRef:  # Any: a firm or a row of run: both have a business date
        return RunRef(self._firm_id, run_id(self._firm_id, day.business_date), day.business_date)

    def _newest_run(self) -> Any:
        with firm_transaction(self._engine, self._firm_id) as connection:
            return connection.execute(select(run).order_by(run.c.business_date.desc()).limit(1)).one_or_none()
