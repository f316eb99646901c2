"""One firm's day on real parts: PostgreSQL, the paper broker and gateways as processes of their own."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from tests.broker.paper_process import PaperProcess
from tests.gateway.quick import QUICK
from tests.orders.factories import BROKER, BUILD, DAY, FIRM, Plan, approved_days, commit_all, publish
from trimtab.activities.close_orders import close_orders
from trimtab.activities.release import release
from trimtab.broker.journal import JournaledOrder, JournaledRepeat
from trimtab.contracts import AccountDayRef, RunRef
from trimtab.db.engine import firm_transaction
from trimtab.db.gateway import blocks_on_the_way
from trimtab.db.orders import OPEN_INTENTS
from trimtab.db.tables import block, gateway_lease, intent
from trimtab.domain.lifecycle import MarketEventKind
from trimtab.faults import VARIABLE
from trimtab.gateway.owner import Gateway, Timing
from trimtab.invariants import check_invariants

ROOT = Path(__file__).parents[2]
PATIENCE = 40.0  # seconds, on a machine that is busy with other things


@dataclass
class TradingDay:
    """What a test of the gateway drives."""

    engine: Engine
    app_url: str
    run: RunRef
    paper: PaperProcess
    refs: list[AccountDayRef] = field(default_factory=list)
    gateways: list[subprocess.Popen[bytes]] = field(default_factory=list)

    # --- our side ---

    def commit(self, plans: Sequence[Plan]) -> None:
        with self.transaction() as connection:
            self.refs += approved_days(connection, self.run, plans)
            commit_all(connection, self.refs[-len(plans) :])

    def open(self) -> int:
        """Publish the open and release; how many blocks."""
        with self.transaction() as connection:
            publish(connection, self.run, MarketEventKind.OPEN)
            return release(connection, self.run, BROKER)

    def close(self) -> None:
        with self.transaction() as connection:
            publish(connection, self.run, MarketEventKind.CLOSE)

    def end_days(self) -> list[tuple[str, str]]:
        """Close each account's orders; its terminal state and code."""
        with self.transaction() as connection:
            ends = [close_orders(connection, ref, build=BUILD) for ref in self.refs]
        return [(str(end.terminal), end.code) for end in ends]

    def transaction(self) -> Any:
        return firm_transaction(self.engine, FIRM)

    def scalar(self, query: Any) -> Any:
        with self.transaction() as connection:
            return connection.scalar(query)

    # --- waiting ---

    def until(self, holds: Callable[[Connection], bool], what: str) -> None:
        """Wait until it holds in the database."""
        deadline = time.monotonic() + PATIENCE
        while True:
            with self.transaction() as connection:
                if holds(connection):
                    return
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {PATIENCE:g} s: {what}; blocks: {self.block_statuses()}")
            time.sleep(0.03)

    def until_sent(self) -> None:
        self.until(lambda c: blocks_on_the_way(c, self.run.run_id) == 0, "every block acknowledged")

    def until_ended(self) -> None:
        left = select(func.count()).where(intent.c.status.in_(OPEN_INTENTS))
        self.until(lambda c: not c.scalar(left), "every intent ended")

    def until_owned_above(self, generation: int) -> int:
        """Wait for a logon with a higher generation than this; the generation."""
        newest = select(func.max(gateway_lease.c.generation))
        self.until(lambda c: (c.scalar(newest) or 0) > generation, f"a generation above {generation}")
        return int(self.scalar(newest))

    def violations(self) -> list[str]:
        """Every invariant that does not hold, told by our rows and the broker's own journal."""
        with self.transaction() as connection:
            return [str(each) for each in check_invariants(connection, self.paper.journal().entries)]

    def block_statuses(self) -> dict[str, int]:
        with self.transaction() as connection:
            rows = connection.execute(select(block.c.status, func.count()).group_by(block.c.status))
            return {row[0]: row[1] for row in rows}

    # --- gateways ---

    def start_gateway(self, faults: str = "", module: str = "tests.gateway.quick") -> subprocess.Popen[bytes]:
        env = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | {
            "TRIMTAB_DATABASE_URL": self.app_url,
            "TRIMTAB_FIRM": FIRM,
            "TRIMTAB_BROKER": BROKER,
            "TRIMTAB_BROKER_SOCKET": str(self.paper.socket_path),
            "TRIMTAB_STATE_DIR": str(self.paper.directory),
            VARIABLE: faults,
        }
        log = (self.paper.directory / f"gateway-{len(self.gateways)}.log").open("wb")
        with log:
            process = subprocess.Popen([sys.executable, "-m", module], cwd=ROOT, env=env, stderr=log, stdout=log)
        self.gateways.append(process)
        return process

    def until_stopped(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until a gateway has stopped itself (state T in /proc)."""
        deadline = time.monotonic() + PATIENCE
        while Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "T":
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("the gateway did not stop itself")
            time.sleep(0.02)

    def clean_up(self) -> None:
        for process in self.gateways:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()
        self.paper.clean_up()

    # --- the broker's side ---

    def taken(self) -> list[JournaledOrder]:
        """Every order that the broker took, from its own journal."""
        return [event for event in self.paper.journal().events() if isinstance(event, JournaledOrder)]

    def repeats(self) -> list[JournaledRepeat]:
        return [event for event in self.paper.journal().events() if isinstance(event, JournaledRepeat)]

    def write_closes(self, **closes: str) -> None:
        self.paper.closes_directory.mkdir(exist_ok=True)
        self.paper.write_closes(DAY, **closes)


@asynccontextmanager
async def a_gateway(day: TradingDay, timing: Timing = QUICK) -> AsyncIterator[None]:
    """A gateway in this process, until the block ends."""
    stop = asyncio.Event()
    gateway = Gateway(day.engine, FIRM, BROKER, day.paper.socket_path, build=BUILD, timing=timing)
    running = asyncio.create_task(gateway.run(stop))
    try:
        yield
    finally:
        stop.set()
        await running
