"""Fetching a source's files by SFTP: a pinned host key, bounded sizes, no links, nothing half written."""

import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import asyncssh

from trimtab.domain.errors import TrimtabError
from trimtab.feeds.arrivals import arriving, mark
from trimtab.feeds.drop import DONE_SUFFIX, MOST_BYTES, MOST_FILES, place_of
from trimtab.feeds.errors import FeedRefused
from trimtab.feeds.layouts import FeedKind
from trimtab.feeds.sources import SftpPlace, Source

CONNECT_SECONDS: Final = 15
_CHUNK: Final = 1 << 18
_LONGEST_MARKER: Final = 4 << 20
_UNSEEN_NS: Final = 2_000_000_000


class TransferFailed(TrimtabError):
    """The server cannot be reached, refuses, or breaks off: it is tried again."""

    code = "TRANSFER_FAILED"
    transient = True


class HostKeyChanged(TransferFailed):
    """The server shows another key than the one that is pinned: nothing was sent to it."""

    code = "HOST_KEY_CHANGED"


class SecretMissing(TransferFailed):
    """The file with the key or the password cannot be read."""

    code = "SECRET_MISSING"


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a visit brought: the names of new files, and whether the day's delivery is there as a whole."""

    names: tuple[str, ...]
    complete: bool


async def fetch(drop: Path, firm_id: str, kind: FeedKind, business_date: date, source: Source) -> Fetched:
    """Bring the day's delivery into the drop folder. Raises TransferFailed, and FeedRefused for a file too large.

    A file counts once its done-marker lies beside it on the server, as in the drop folder itself. One that is here
    already, with the server's size and time, is not fetched again.
    """
    place = source.sftp
    if place is None:
        raise TransferFailed(f"{source.name} names no server")
    where, marker = place_of(drop, firm_id, kind, business_date, source)
    folder = where if source.is_set else where.parent
    try:
        async with _client(place) as client:
            return await _bring(client, place, folder, marker.name, source, kind, business_date)
    except asyncssh.HostKeyNotVerifiable:
        raise HostKeyChanged(f"{place.host} shows another host key than the one that is pinned") from None
    except (asyncssh.Error, OSError) as error:
        raise TransferFailed(f"{place.host}: {_said(error)}") from None


@asynccontextmanager
async def _client(place: SftpPlace) -> AsyncIterator[asyncssh.SFTPClient]:
    password, keys = None, None
    try:
        pinned = asyncssh.import_public_key(place.host_key)
        if place.password_file is not None:
            password = place.password_file.read_text(encoding="utf-8").strip()
        if place.key_file is not None:
            keys = [asyncssh.read_private_key(str(place.key_file))]
    except (OSError, UnicodeDecodeError, asyncssh.KeyImportError) as error:
        raise SecretMissing(f"a key or the password for {place.host} cannot be read: {type(error).__name__}") from None
    async with (
        asyncssh.connect(
            place.host,
            place.port,
            username=place.username,
            password=password,
            client_keys=keys,
            known_hosts=([pinned], [], []),
            config=None,  # nothing of this machine's own ssh set-up
            agent_path=None,
            x509_trusted_certs=None,
            connect_timeout=CONNECT_SECONDS,
            login_timeout=CONNECT_SECONDS,
            keepalive_interval=15,
        ) as connection,
        connection.start_sftp_client() as client,
    ):
        yield client


async def _bring(
    client: asyncssh.SFTPClient,
    place: SftpPlace,
    folder: Path,
    marker_name: str,
    source: Source,
    kind: FeedKind,
    business_date: date,
) -> Fetched:
    base = place.folder.replace("{date}", f"{business_date:%Y%m%d}").replace("{kind}", kind)
    there = dict(await _listed(client, base))
    if marker_name not in there:
        return Fetched((), complete=False)
    marker = await _small(client, f"{base}/{marker_name}")
    wanted = sorted(name for name in there if source.holds(kind, business_date, name) and name != marker_name)
    brought = []
    for name in wanted:
        if await _brought(client, f"{base}/{name}", folder / name, there[name]):
            brought.append(name)
    if not wanted and not source.is_set:
        return Fetched((), complete=False)
    path = folder / marker_name.removesuffix(DONE_SUFFIX)
    known = folder / marker_name
    if not known.exists() or known.read_text(encoding="utf-8", errors="replace") != marker:
        mark(path, marker)
    return Fetched(tuple(brought), complete=True)


async def _listed(client: asyncssh.SFTPClient, folder: str) -> list[tuple[str, asyncssh.SFTPAttrs]]:
    found = []
    async for entry in client.scandir(folder):
        name = entry.filename if isinstance(entry.filename, str) else entry.filename.decode("utf-8", "replace")
        found.append((name, entry.attrs))
        if len(found) > 2 * MOST_FILES:
            raise FeedRefused("FEED_SIZE", f"the server's folder holds more than {2 * MOST_FILES} files")
    return found


async def _small(client: asyncssh.SFTPClient, path: str) -> str:
    async with client.open(path, "rb") as file:
        content = _bytes(await file.read(_LONGEST_MARKER + 1))
    if len(content) > _LONGEST_MARKER:
        raise FeedRefused("FEED_SIZE", "the server's done-marker is too long")
    return content.decode("utf-8", "replace")


async def _brought(client: asyncssh.SFTPClient, remote: str, local: Path, there: asyncssh.SFTPAttrs) -> bool:
    """Whether the file was fetched: not when it is here already. Raises FeedRefused for a link or a huge file."""
    if there.permissions is not None and stat.S_ISLNK(there.permissions):
        raise FeedRefused("FEED_PATH", f"{local.name} is a link on the server, not a file")
    if there.size is not None and there.size > MOST_BYTES:
        raise FeedRefused("FEED_SIZE", f"{local.name} has {there.size} bytes; at most {MOST_BYTES} are read")
    moment = None if there.mtime is None else int(there.mtime) * 1_000_000_000
    if _is_here(local, there.size, moment):
        return False
    with arriving(local) as arrival:
        async with client.open(remote, "rb") as file:
            while chunk := _bytes(await file.read(_CHUNK)):
                arrival.write(chunk)
        if there.size is not None and arrival.size != there.size:
            raise TransferFailed(f"{local.name} changed while it was fetched")
        arrival.complete(moment, marker=None)
    return True


def _bytes(content: str | bytes) -> bytes:
    """What a file that was opened as bytes gives."""
    return content.encode() if isinstance(content, str) else content


def _is_here(local: Path, size: int | None, moment_ns: int | None) -> bool:
    """Whether the file of this size and time was fetched before.

    Servers tell whole seconds: what was fetched within two of its own time may have been changed since, unseen.
    """
    if not local.exists() or moment_ns is None:
        return False
    here = local.stat()
    return (here.st_size, here.st_mtime_ns) == (size, moment_ns) and here.st_ctime_ns > moment_ns + _UNSEEN_NS


def _said(error: BaseException) -> str:
    """The error's kind: what servers say may hold names and paths."""
    if isinstance(error, asyncssh.PermissionDenied):
        return "it refuses the sign-in"
    if isinstance(error, asyncssh.SFTPNoSuchFile):
        return "the folder is not there"
    return type(error).__name__
