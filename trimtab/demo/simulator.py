"""A custodian to rehearse with: the demo firm's files on an SFTP server, some of them broken, late or missing."""

import asyncio
import json
import secrets
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from trimtab.demo import faults
from trimtab.demo.custodian import deliver
from trimtab.demo.drop import done_marker, feed_path
from trimtab.demo.errors import NothingToBreak
from trimtab.demo.firm import DEFAULT_BUSINESS_DATE, build_firm
from trimtab.demo.sftp_server import Served, sftp_server
from trimtab.feeds.layouts import FeedKind

USERNAME: Final = "custodian"

FAULTS: Final[Mapping[str, Callable[[Path], object]]] = {
    "empty": faults.empty,
    "header-only": faults.leave_header_only,
    "truncated": faults.truncate,
    "no-trailer": faults.remove_trailer,
    "wrong-count": faults.miscount,
    "wrong-total": faults.falsify_total,
    "trailing-bytes": faults.append_after_trailer,
    "semicolons": faults.use_semicolons,
    "utf-16": lambda path: faults.encode_as(path, "utf-16"),
    "latin-1": lambda path: faults.encode_as(path, "latin-1"),
    "nul-bytes": lambda path: faults.insert_bytes(path, 3, b"\x00"),
    "unfinished": faults.unmark,
    "missing": faults.withhold,
    "wrong-checksum": lambda path: done_marker(path).write_text("0" * 64 + "\n"),
}
"""What can be wrong with a file, by name."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One file's fault. With `for_seconds` it mends by itself after so long."""

    kind: FeedKind
    name: str
    for_seconds: float | None = None


def read_fault(text: str) -> Fault:
    """`lots:truncated`, or `lots:missing:60` for a file that comes after a minute. Raises NothingToBreak."""
    parts = text.split(":")
    if len(parts) not in (2, 3) or parts[0] not in list(FeedKind) or parts[1] not in FAULTS:
        raise NothingToBreak(f"{text!r} is no fault: write KIND:FAULT, the fault one of {', '.join(FAULTS)}")
    try:
        seconds = float(parts[2]) if len(parts) == 3 else None
    except ValueError:
        raise NothingToBreak(f"{parts[2]!r} is no number of seconds") from None
    return Fault(FeedKind(parts[0]), parts[1], seconds)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The files of one business date in a folder, and what is to be wrong with them."""

    folder: Path
    firm_id: str
    business_date: date

    def path(self, kind: FeedKind) -> Path:
        return feed_path(self.folder, self.firm_id, kind, self.business_date)

    def spoil(self, several: Iterable[Fault]) -> None:
        for fault in several:
            path = self.path(fault.kind)
            for each in (path, done_marker(path)):
                shutil.copy2(each, self._sound(each))
            FAULTS[fault.name](path)

    async def mend(self, fault: Fault) -> None:
        """Put the sound file back after the fault's time; one without a time stays."""
        if fault.for_seconds is None:
            return
        await asyncio.sleep(fault.for_seconds)
        path = self.path(fault.kind)
        for each in (path, done_marker(path)):
            await asyncio.to_thread(shutil.copy2, self._sound(each), each)

    def _sound(self, path: Path) -> Path:
        away = self.folder.parent / "sound"
        away.mkdir(exist_ok=True)
        return away / path.name


def rehearse(folder: Path, accounts: int, seed: int, day: date | None) -> Rehearsal:
    """Write the demo firm's files of a business date into `folder`/served."""
    firm = build_firm(accounts, seed, day or DEFAULT_BUSINESS_DATE)
    served = folder / "served"
    deliver(firm, served, folder / "closes")
    return Rehearsal(served, firm.id, firm.business_date)


def announcement(served: Served, rehearsal: Rehearsal) -> dict[str, object]:
    """What a source's configuration needs to fetch from here."""
    return {
        "host": "127.0.0.1",
        "port": served.port,
        "username": served.username,
        "password": served.password,
        "host_key": served.host_key,
        "folder": f"{rehearsal.firm_id}/{{kind}}",
        "business_date": rehearsal.business_date.isoformat(),
        "firm": rehearsal.firm_id,
    }


async def simulate(
    accounts: int, seed: int, day: date | None, several: list[Fault], port: int, announce: Callable[[str], None]
) -> None:
    """Serve until SIGINT or SIGTERM; `announce` is told once, as JSON, how to fetch."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    with tempfile.TemporaryDirectory(prefix="trimtab-custodian-") as folder:
        rehearsal = await asyncio.to_thread(rehearse, Path(folder), accounts, seed, day)
        rehearsal.spoil(several)
        async with sftp_server(rehearsal.folder, USERNAME, secrets.token_urlsafe(12), port=port) as served:
            announce(json.dumps(announcement(served, rehearsal)))
            mending = [asyncio.create_task(rehearsal.mend(fault)) for fault in several]
            await stop.wait()
            for task in mending:
                task.cancel()
