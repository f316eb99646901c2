"""A paper broker as a process of its own, for tests."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

from trimtab.broker.journal import JournalReading, JournalSummary, read_journal, summarize
from trimtab.broker.protocol import NewOrder, OrderType, TimeInForce
from trimtab.broker.session import BrokerSession, connect
from trimtab.domain.orders import Side

FIRM = "firm-a"
MONDAY = date(2026, 3, 2)
TUESDAY = date(2026, 3, 3)
START_SECONDS = 60.0


@dataclass
class PaperProcess:
    """One broker's files and, while it runs, its process."""

    directory: Path
    process: subprocess.Popen[bytes] | None = None
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def socket_path(self) -> Path:
        return self.directory / "broker.sock"

    @property
    def journal_path(self) -> Path:
        return self.directory / "broker.jsonl"

    @property
    def closes_directory(self) -> Path:
        return self.directory / "closes"

    def start(self, *options: str) -> None:
        """Start and wait until the socket answers."""
        self.process = self.spawn(*options)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the paper broker did not start: {self.process.communicate()[1]!r}")
            time.sleep(0.01)

    def spawn(self, *options: str) -> subprocess.Popen[bytes]:
        """Start without waiting."""
        self.closes_directory.mkdir(exist_ok=True)
        paths = ["--socket", self.socket_path, "--journal", self.journal_path, "--closes", self.closes_directory]
        process = subprocess.Popen(
            [sys.executable, "-m", "trimtab.broker.paper", *map(str, paths), *options], stderr=subprocess.PIPE
        )
        self.children.append(process)
        return process

    def stop(self, signal_number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        assert self.process is not None
        self.process.send_signal(signal_number)
        return self.wait()

    def wait(self) -> int:
        """The exit code of a process that ends by itself; minus the signal's number when one killed it."""
        assert self.process is not None
        return self.process.wait(START_SECONDS)

    def restart(self, *options: str) -> None:
        """kill -9, and start again on the same files."""
        self.stop(signal.SIGKILL)
        self.start(*options)

    def clean_up(self) -> None:
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.communicate()

    async def connect(self, generation: int, firm: str = FIRM) -> BrokerSession:
        return await connect(self.socket_path, firm, generation)

    def write_closes(self, business_date: date, **closes: str) -> None:
        rows = [f"{security_id},{close}" for security_id, close in closes.items()]
        path = self.closes_directory / f"closes-{business_date}.csv"
        path.write_text("\n".join(["security_id,close", *rows]) + "\n")

    def journal(self) -> JournalReading:
        return read_journal(self.journal_path)

    def summary(self) -> JournalSummary:
        return summarize(self.journal())

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket_path)) == 0


def an_order(
    client_order_id: str,
    security_id: str = "VTI",
    quantity: str = "100",
    side: Side = Side.BUY,
    limit: str | None = None,
    business_date: date = MONDAY,
    poss_resend: bool = False,
) -> NewOrder:
    return NewOrder(
        client_order_id=client_order_id,
        security_id=security_id,
        symbol=security_id,
        side=side,
        quantity=Decimal(quantity),
        order_type=OrderType.LIMIT if limit else OrderType.MARKET_ON_CLOSE,
        limit_price=Decimal(limit) if limit else None,
        time_in_force=TimeInForce.DAY,
        business_date=business_date,
        poss_resend=poss_resend,
    )


async def received(session: BrokerSession, count: int) -> list[object]:
    """The next `count` messages of the iterator."""
    return [await anext(session) for _ in range(count)]


def ids(taken: Sequence[NewOrder]) -> list[str]:
    return [order.client_order_id for order in taken]
