"""An SFTP server of one folder and one user: a custodian's side, for rehearsals and tests."""

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh


@dataclass(frozen=True, slots=True)
class Served:
    """Where the folder is served. `host_key` is what a source pins: its kind and its key."""

    port: int
    host_key: str
    username: str
    password: str


class _OneUser(asyncssh.SSHServer):
    """One for each connection; it keeps `connections`, those that stand."""

    def __init__(self, username: str, password: str, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._username, self._password = username, password
        self._connections = connections
        self._own: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._own = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._own is not None:
            self._connections.discard(self._own)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return username == self._username and hmac.compare_digest(password.encode(), self._password.encode())


class _OneFolder(asyncssh.SFTPServer):
    """Nothing outside of the folder is there, and nothing in it can be written."""

    def __init__(self, channel: "asyncssh.SSHServerChannel[bytes]", root: Path) -> None:
        super().__init__(channel, chroot=str(root).encode())

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if pflags & (asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC | asyncssh.FXF_APPEND):
            raise asyncssh.SFTPPermissionDenied("this server is read only")
        return super().open(path, pflags, attrs)

    def remove(self, path: bytes) -> None:
        raise asyncssh.SFTPPermissionDenied("this server is read only")

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPPermissionDenied("this server is read only")


@asynccontextmanager
async def sftp_server(
    folder: Path,
    username: str,
    password: str,
    *,
    port: int = 0,
    host: str = "127.0.0.1",
    key: asyncssh.SSHKey | None = None,
) -> AsyncIterator[Served]:
    """Serve `folder` until the block ends; a key is made unless one is given."""
    host_key = key or asyncssh.generate_private_key("ssh-ed25519")
    connections: set[asyncssh.SSHServerConnection] = set()
    acceptor = await asyncssh.create_server(
        lambda: _OneUser(username, password, connections),
        host,
        port,
        server_host_keys=[host_key],
        sftp_factory=lambda channel: _OneFolder(channel, folder.resolve()),
        allow_scp=False,
    )
    try:
        public = host_key.export_public_key().decode().split()
        yield Served(acceptor.get_port(), f"{public[0]} {public[1]}", username, password)
    finally:
        acceptor.close()
        await acceptor.wait_closed()
        for connection in tuple(connections):
            connection.abort()
            await connection.wait_closed()
