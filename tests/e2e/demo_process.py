"""`trimtab demo --serve` as a person runs it: a process of its own, looked at and hurt from outside."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, select

from trimtab.broker.journal import JournalReading, read_journal
from trimtab.db.engine import firm_transaction, sync_engine
from trimtab.db.tables import account_day, intent, posting, run
from trimtab.demo.options import DemoOptions
from trimtab.embedded.state import State
from trimtab.stack import broker_files

ACCOUNTS = 24
FIRM = DemoOptions(accounts=ACCOUNTS).firm_id
PATIENCE_SECONDS = 150.0


class Demo:
    """A running demo of a small firm, in a state directory of its own."""

    def __init__(self, home: Path, *options: str, accounts: int = ACCOUNTS) -> None:
        self.accounts = accounts
        self.firm = DemoOptions(accounts=accounts).firm_id
        self.state_dir = home / "state"
        self._output = home / "output"
        self._errors = home / "errors"
        self._engines: list[Engine] = []
        command = [sys.executable, "-m", "trimtab.cli", "demo", f"--accounts={accounts}", "--json", "--serve"]
        with self._output.open("w") as output, self._errors.open("w") as errors:
            self.process = subprocess.Popen(
                [*command, *options], stdout=output, stderr=errors, env=self.environment, start_new_session=True
            )

    @cached_property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "TRIMTAB_STATE_DIR": str(self.state_dir)}

    @cached_property
    def engine(self) -> Engine:
        return self.connect(sync_engine(self.url("database"), pool_size=2))

    @cached_property
    def superuser(self) -> Engine:
        """For doing from outside what nobody may do from inside."""
        url = self.url("database").replace("trimtab_app@", "postgres@")
        return self.connect(sync_engine(url, role=None, pool_size=1))

    def connect(self, engine: Engine) -> Engine:
        """The engine, to be disposed of with the demo."""
        self._engines.append(engine)
        return engine

    def disconnect(self) -> None:
        for engine in self._engines:
            engine.dispose()

    def url(self, name: str) -> str:
        return State.load(self.state_dir).urls[name]

    @property
    def journal_file(self) -> Path:
        return broker_files(self.state_dir)[0]

    @property
    def journal(self) -> JournalReading:
        return read_journal(self.journal_file)

    def child(self, name: str) -> int:
        """The process id of a supervised child as it runs now."""
        return State.load(self.state_dir).children[name].pid

    def kill(self, name: str) -> int:
        """kill -9; returns the id that the process had."""
        pid = self.child(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def ask(self, question: Callable[[Connection], Any]) -> Any:
        with firm_transaction(self.engine, self.firm) as connection:
            return question(connection)

    def until(self, reached: Callable[[], Any], what: str, *, every: float = 0.05) -> Any:
        """What `reached` returns once it is true; fails with the demo's own words when the demo ends before."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := reached()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{what} did not come: exit {self.process.poll()}, {self._errors.read_text()}")
            time.sleep(every)
        return found

    def until_run_exists(self) -> None:
        self.until(lambda: "verifier_database" in self._urls(), "a database")
        self.until(lambda: (self.state_dir / "worker-1.ready").exists(), "a worker")
        self.until(lambda: self.ask(lambda c: c.execute(select(run)).first()), "a run")

    def _urls(self) -> dict[str, str]:
        return State.load(self.state_dir).urls if (self.state_dir / "state.json").exists() else {}

    def answer(self) -> dict[str, Any]:
        """The one JSON object on stdout: it comes when the day is over, or when the clock is held."""
        self.until(lambda: self._output.read_text().endswith("\n"), "the day's end")
        (line,) = self._output.read_text().splitlines()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def cli(self, *arguments: str) -> str:
        """What another command of the same state directory prints. It must succeed."""
        done = subprocess.run(
            [sys.executable, "-m", "trimtab.cli", *arguments], env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def again(self, *options: str) -> tuple[dict[str, Any], float]:
        """The same command once more, to its end: what it prints, and its seconds."""
        begun = time.monotonic()
        printed = self.cli("demo", f"--accounts={self.accounts}", "--json", *options)
        (line,) = printed.splitlines()
        answer: dict[str, Any] = json.loads(line)
        return answer, time.monotonic() - begun

    def stop(self) -> None:
        """Ctrl-C, and nothing is left running."""
        children = list(State.load(self.state_dir).children.values())
        self.disconnect()
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(60) == 0
        assert not [mark for mark in children if mark.is_alive()]


@contextmanager
def demo(*options: str, accounts: int = ACCOUNTS) -> Iterator[Demo]:
    home = Path(tempfile.mkdtemp(prefix="trimtab-e2e-"))
    home.chmod(0o711)  # the database's user has to pass
    running = Demo(home, *options, accounts=accounts)
    try:
        yield running
    finally:
        running.disconnect()
        if running.process.poll() is None:
            running.process.send_signal(signal.SIGINT)
            running.process.wait(60)
        shutil.rmtree(home, ignore_errors=True)


def outcome_rows(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """What a day came to, without what differs from one run to the next: instants and visits."""
    days = account_day.c
    legs = intent.c
    lots = posting.c
    return {
        "days": _rows(
            connection, select(days.account_id, days.terminal_state, days.terminal_code, days.lane, days.proposal_hash)
        ),
        "intents": _rows(
            connection,
            select(legs.account_id, legs.security_id, legs.side, legs.quantity, legs.status, legs.filled_quantity),
        ),
        "postings": _rows(
            connection, select(lots.account_id, lots.lot_id, lots.quantity, lots.basis, lots.cash, lots.gain)
        ),
    }


def _rows(connection: Connection, rows: Any) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in connection.execute(rows)), key=repr)
