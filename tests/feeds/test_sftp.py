"""Fetching from a real SFTP server on this machine."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import asyncssh
import paramiko
import pytest

from trimtab.demo.sftp_server import Served, sftp_server
from trimtab.feeds.drop import parts, pending
from trimtab.feeds.errors import FeedRefused
from trimtab.feeds.layouts import FeedKind
from trimtab.feeds.sftp import HostKeyChanged, SecretMissing, TransferFailed, fetch
from trimtab.feeds.sources import FirmSources, SftpPlace, Source

DAY = date(2026, 11, 20)
NAME = "cash-20261120.csv"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Served]:
    (tmp_path / "out" / "20261120").mkdir(parents=True)
    (tmp_path / "secret").write_text("s3cret\n")
    async with sftp_server(tmp_path / "out", "trimtab", "s3cret") as served:
        yield served


def source_of(tmp_path: Path, server: Served, **changes: object) -> Source:
    place = {
        "host": "127.0.0.1",
        "port": server.port,
        "username": "trimtab",
        "host_key": server.host_key,
        "password_file": tmp_path / "secret",
        "folder": "{date}",
        **changes,
    }
    return Source(name="BANK", kinds=(FeedKind.CASH,), sftp=SftpPlace.model_validate(place))


def put(tmp_path: Path, name: str, content: str) -> Path:
    path = tmp_path / "out" / "20261120" / name
    path.write_text(content)
    return path


def an_hour_ago(path: Path) -> None:
    os.utime(path, (time.time() - 3_600,) * 2)


async def visit(tmp_path: Path, source: Source) -> tuple[tuple[str, ...], bool]:
    found = await fetch(tmp_path / "drop", "f1", FeedKind.CASH, DAY, source)
    return found.names, found.complete


@pytest.mark.covers("H1")
async def test_a_file_is_fetched_once_its_marker_is_there_and_not_again(tmp_path, server):
    source = source_of(tmp_path, server)
    an_hour_ago(put(tmp_path, NAME, "one\n"))
    assert await visit(tmp_path, source) == ((), False)
    put(tmp_path, NAME + ".done", "")
    assert await visit(tmp_path, source) == ((NAME,), True)
    assert await visit(tmp_path, source) == ((), True)
    sources = FirmSources(dict.fromkeys(FeedKind, source))
    (file,) = [each for each in pending(tmp_path / "drop", "f1", DAY, sources) if each.kind is FeedKind.CASH]
    assert parts(file, DAY)[0].path.read_text() == "one\n"
    assert [path.name for path in file.path.parent.iterdir() if path.name.startswith(".")] == []


async def test_a_corrected_file_under_the_same_name_is_fetched_again(tmp_path, server):
    source = source_of(tmp_path, server)
    put(tmp_path, NAME, "one\n")
    put(tmp_path, NAME + ".done", "")
    await visit(tmp_path, source)
    put(tmp_path, NAME, "another\n")
    assert await visit(tmp_path, source) == ((NAME,), True)
    assert (tmp_path / "drop" / "f1" / "cash" / NAME).read_text() == "another\n"


async def test_a_server_that_shows_another_key_gets_no_password(tmp_path, server):
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().split()
    with pytest.raises(HostKeyChanged):
        await visit(tmp_path, source_of(tmp_path, server, host_key=f"{other[0]} {other[1]}"))


async def test_a_wrong_password_a_dead_port_and_a_lost_secret_are_failures_to_try_again(tmp_path, server):
    (tmp_path / "secret").write_text("wrong")
    with pytest.raises(TransferFailed, match="refuses the sign-in"):
        await visit(tmp_path, source_of(tmp_path, server))
    with pytest.raises(TransferFailed):
        await visit(tmp_path, source_of(tmp_path, server, port=1))
    with pytest.raises(SecretMissing):
        await visit(tmp_path, source_of(tmp_path, server, password_file=tmp_path / "gone"))


async def test_a_folder_that_is_not_there_is_a_failure(tmp_path, server):
    with pytest.raises(TransferFailed, match="folder is not there"):
        await visit(tmp_path, source_of(tmp_path, server, folder="elsewhere"))


async def test_a_link_on_the_server_is_not_followed(tmp_path, server):
    (tmp_path / "out" / "20261120" / NAME).symlink_to(tmp_path / "secret")
    put(tmp_path, NAME + ".done", "")
    with pytest.raises(FeedRefused) as refusal:
        await visit(tmp_path, source_of(tmp_path, server))
    assert refusal.value.code == "FEED_PATH"
    assert not (tmp_path / "drop" / "f1" / "cash" / NAME).exists()


async def test_another_client_sees_the_server_read_only(tmp_path, server):
    """By paramiko, an implementation of its own."""
    put(tmp_path, NAME, "one\n")

    def use() -> tuple[list[str], bytes]:
        client = paramiko.SSHClient()
        kind, key = server.host_key.split()
        keys = paramiko.hostkeys.HostKeyEntry.from_line(f"[127.0.0.1]:{server.port} {kind} {key}")
        assert keys is not None
        assert keys.key is not None
        client.get_host_keys().add(f"[127.0.0.1]:{server.port}", kind, keys.key)
        client.connect("127.0.0.1", server.port, "trimtab", "s3cret", allow_agent=False, look_for_keys=False)
        with client, client.open_sftp() as sftp:
            with pytest.raises(OSError):
                sftp.open("20261120/new", "w")
            with sftp.open(f"20261120/{NAME}") as file:
                return sftp.listdir("20261120"), file.read()

    started = time.monotonic()
    assert await asyncio.to_thread(use) == ([NAME], b"one\n")
    assert time.monotonic() - started < 60
