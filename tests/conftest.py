"""What every test may ask for: real servers, started once per session, and no network beyond this machine."""

import ipaddress
import logging
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog
from sqlalchemy.engine import make_url

from tests.servers import FreshDatabase, SessionServer
from trimtab.embedded.postgres import create_roles_and_database, start_postgres
from trimtab.embedded.supervisor import Supervisor
from trimtab.embedded.temporal import DEFAULT_NAMESPACE, start_temporal

# What a crash would lose does not matter here.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "64MB"}


# The suite draws the same examples on every machine, so that whoever changed nothing sees nothing fail. New ones are
# hunted by a command of its own: `pytest tests/domain tests/optimizer --hypothesis-profile hunt`.
hypothesis.settings.register_profile("suite", derandomize=True, deadline=None)
hypothesis.settings.register_profile("hunt", derandomize=False, deadline=None, print_blob=True)
hypothesis.settings.load_profile("suite")

PLAIN = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)


class NetworkBlocked(OSError):
    """A test tried to leave this machine."""


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """Connections and look-ups of other hosts than loopback raise NetworkBlocked."""
    connect, connect_ex, resolve = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _refuse_far(self.family, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _refuse_far(self.family, address)
        return connect_ex(self, address)

    def guarded_resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_far(socket.AF_INET, (host,))
        return resolve(host, *args, **kwargs)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", guarded_connect)
    patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    patch.setattr(socket, "getaddrinfo", guarded_resolve)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """What a test configures, or a program that it runs in this process, does not outlive it: its stream closes.

    Tracebacks are plain, as the product's are: the rich ones of structlog's defaults, with every local variable, take
    seconds each.
    """
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], PLAIN])
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def session_supervisor() -> Iterator[Supervisor]:
    """The owner of the session's servers, in a folder that the database's user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="trimtab-tests-"))
    try:
        with Supervisor(folder / "state") as supervisor:
            yield supervisor
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> SessionServer:
    """One PostgreSQL per session (per worker process under xdist), with the four roles."""
    prefix = f"t{secrets.token_hex(4)}"
    if given := os.environ.get("DATABASE_URL"):
        admin_url = make_url(given).set(drivername="postgresql").render_as_string(hide_password=False)
        create_roles_and_database(admin_url)
        return SessionServer(admin_url, None, prefix)
    supervisor: Supervisor = request.getfixturevalue("session_supervisor")
    supervisor.state_dir.parent.chmod(0o711)
    address = start_postgres(supervisor, FAST)
    return SessionServer(address.superuser_url(), address, prefix)


@pytest.fixture(scope="session")
def migrated(postgres: SessionServer) -> Iterator[str]:
    """The name of a database with every migration applied, to be copied."""
    from trimtab.db.migrate import upgrade  # here: most tests need no alembic

    template = postgres.create()
    upgrade(template.owner_url)
    postgres.freeze(template)
    yield template.name
    postgres.drop(template.name)


@pytest.fixture
def database(postgres: SessionServer, migrated: str) -> Iterator[FreshDatabase]:
    """A migrated database of this test's own."""
    fresh = postgres.create(template=migrated)
    yield fresh
    postgres.drop(fresh.name)


@pytest.fixture
def blank_database(postgres: SessionServer) -> Iterator[FreshDatabase]:
    """A database of this test's own without any table."""
    fresh = postgres.create()
    yield fresh
    postgres.drop(fresh.name)


@pytest.fixture(scope="session")
def temporal_target(request: pytest.FixtureRequest) -> str:
    """host:port of a Temporal server whose default namespace has our search attributes.

    Workflow ids are shared by the whole session: a test puts its own firm or a random part into them.
    """
    if given := os.environ.get("TEMPORAL_ADDRESS"):
        return given
    supervisor: Supervisor = request.getfixturevalue("session_supervisor")
    return start_temporal(supervisor, DEFAULT_NAMESPACE).target


def _refuse_far(family: int, address: Any) -> None:
    if family == socket.AF_UNIX:
        return
    host = address[0] if isinstance(address, tuple) else address
    if host in (None, "", b"", "localhost", b"localhost"):
        return
    try:
        near = ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host)).is_loopback
    except ValueError:
        near = False
    if not near:
        raise NetworkBlocked(f"tests do not leave this machine: {host}")
