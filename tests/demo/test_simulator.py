"""A custodian to rehearse with: real files on a real server, broken as asked, mended after their time."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import orjson
import pytest

from trimtab.demo.errors import NothingToBreak
from trimtab.demo.sftp_server import sftp_server
from trimtab.demo.simulator import FAULTS, Rehearsal, announcement, read_fault, rehearse
from trimtab.feeds.errors import FeedRefused
from trimtab.feeds.layouts import FeedKind
from trimtab.feeds.reader import FeedReader
from trimtab.feeds.sftp import fetch
from trimtab.feeds.sources import SftpPlace, Source

DAY = date(2026, 11, 20)


def place(tmp_path: Path, told: dict[str, object]) -> SftpPlace:
    (tmp_path / "secret").write_text(str(told["password"]))
    known = {name: told[name] for name in ("host", "port", "username", "host_key", "folder")}
    return SftpPlace.model_validate({**known, "password_file": tmp_path / "secret"})


@pytest.mark.covers("N21")
async def test_a_broken_file_is_fetched_broken_and_sound_once_it_has_mended(tmp_path: Path) -> None:
    rehearsal = rehearse(tmp_path / "there", 20, 20, DAY)
    faults = [read_fault("cash:wrong-total:0.01"), read_fault("lots:missing")]
    rehearsal.spoil(faults)
    async with sftp_server(rehearsal.folder, "custodian", "s3cret") as served:
        told = announcement(served, rehearsal)
        cash, lots = (
            Source(name="C", kinds=(kind,), sftp=place(tmp_path, told)) for kind in (FeedKind.CASH, FeedKind.LOTS)
        )
        drop, firm = tmp_path / "drop", rehearsal.firm_id
        assert (await fetch(drop, firm, FeedKind.CASH, DAY, cash)).complete
        assert refused(drop / firm / "cash" / "cash-20261120.csv", firm) == "FEED_TOTAL"
        assert not (await fetch(drop, firm, FeedKind.LOTS, DAY, lots)).complete
        await asyncio.gather(*(rehearsal.mend(fault) for fault in faults))
        os.utime(rehearsal.path(FeedKind.CASH))
        assert (await fetch(drop, firm, FeedKind.CASH, DAY, cash)).names == ("cash-20261120.csv",)
    assert refused(drop / firm / "cash" / "cash-20261120.csv", firm) == ""


def refused(path: Path, firm_id: str) -> str:
    with path.open("rb") as stream:
        try:
            list(FeedReader(stream, FeedKind.CASH, firm_id, DAY).batches())
        except FeedRefused as refusal:
            return refusal.code
    return ""


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    """One firm's files, made once and copied."""
    return rehearse(tmp_path_factory.mktemp("rehearsal"), 20, 20, DAY)


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_spoils_its_file(tmp_path: Path, delivered: Rehearsal, name: str) -> None:
    shutil.copytree(delivered.folder, tmp_path / "served")
    rehearsal = replace(delivered, folder=tmp_path / "served")
    folder = rehearsal.path(FeedKind.CASH).parent
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    rehearsal.spoil([read_fault(f"cash:{name}")])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} != before


@pytest.mark.parametrize("text", ["lots", "shares:empty", "lots:odd", "lots:empty:soon", "lots:empty:1:2"])
def test_a_fault_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(NothingToBreak):
        read_fault(text)


def test_the_command_says_how_to_fetch_and_serves_until_it_is_stopped(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "trimtab.cli", "feeds", "simulate", "--accounts", "20", "--fault", "lots:empty"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)})
    assert process.stdout is not None
    told = orjson.loads(process.stdout.readline())
    source = Source(name="C", kinds=(FeedKind.LOTS,), sftp=place(tmp_path, told))
    day = date.fromisoformat(told["business_date"])
    found = asyncio.run(fetch(tmp_path / "drop", told["firm"], FeedKind.LOTS, day, source))
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    process.stdout.close()
    (name,) = found.names
    assert (tmp_path / "drop" / told["firm"] / "lots" / name).read_bytes() == b""
