"""Embedded PostgreSQL: one foreground server on a Unix socket, for one machine.

The bootstrap superuser `postgres` serves the supervisor alone. Everyone else logs in as one of the four
roles below, none of which may bypass row-level security. Logins need no password: the socket stands in a
folder with mode 0700, there is no TCP, and whoever can enter that folder can read the files anyway.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg
from psycopg import sql

from trimtab.embedded.child import ChildSpec, StopOrder
from trimtab.embedded.errors import DataDirVersionMismatch, InitdbFailed, StateDirUnusable
from trimtab.embedded.postgres_binaries import PostgresBinaries, find_binaries, reachable_by
from trimtab.embedded.sockets import make_private_folder, socket_folder
from trimtab.embedded.supervisor import Supervisor
from trimtab.embedded.unix_user import UnixUser, can_reach, database_user, give

DATABASE: Final = "trimtab"
OWNER_ROLE: Final = "trimtab_owner"
LOGIN_ROLES: Final = (OWNER_ROLE, "trimtab_app", "trimtab_relay", "trimtab_verifier")

_SUPERUSER: Final = "postgres"
_PORT: Final = 5432  # only a part of the socket's file name
_BUILTIN_LOCALE_SINCE: Final = 17
_INITDB_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """Where an embedded server listens."""

    socket_dir: Path

    def url(self, user: str, database: str = DATABASE) -> str:
        """A libpq and SQLAlchemy URL, without a password."""
        return f"postgresql://{user}@/{quote(database)}?host={quote(str(self.socket_dir))}&port={_PORT}"

    def superuser_url(self, database: str = "postgres") -> str:
        """For the supervisor and the tests' set-up only: row-level security does not bind this user."""
        return self.url(_SUPERUSER, database)


@dataclass(frozen=True, slots=True)
class PostgresHome:
    """The folder of one embedded server: `data/`, and a copy of the programs where that is needed."""

    folder: Path
    user: UnixUser | None
    binaries: PostgresBinaries

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def address(self) -> PostgresAddress:
        return PostgresAddress(socket_folder(self.data, f".s.PGSQL.{_PORT}"))


def start_postgres(
    supervisor: Supervisor, options: Mapping[str, str] | None = None, binaries: PostgresBinaries | None = None
) -> PostgresAddress:
    """Starts the server of the supervisor's state directory, with the roles and the database in it.

    `options` are server settings, such as {"fsync": "off"} for tests. Raises BinariesMissing,
    DataDirVersionMismatch, InitdbFailed, StateDirUnusable or ChildFailed.
    """
    home = prepare_home(supervisor.state_dir / "postgres", binaries or find_binaries())
    supervisor.start(server_spec(home, options or {}))
    create_roles_and_database(home.address.superuser_url())
    return home.address


def prepare_home(folder: Path, binaries: PostgresBinaries, user: UnixUser | None = None) -> PostgresHome:
    """Makes the folder and, the first time, the data directory. Raises as `start_postgres` does."""
    user = user or database_user(folder / "data")
    _make_folder(folder, user)
    _check_version(folder / "data", binaries)
    home = PostgresHome(folder, user, reachable_by(user, binaries, folder))
    if not home.data.exists():
        _initdb(home)
    if home.address.socket_dir != home.data:
        make_private_folder(home.address.socket_dir, user)
    return home


def server_spec(home: PostgresHome, options: Mapping[str, str]) -> ChildSpec:
    """How the server runs: in the foreground, and stopped fast (SIGINT) also when its owner dies."""
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(home.address.socket_dir),
        "port": str(_PORT),
        "log_line_prefix": "%m [%p] %q%u@%d ",
        **options,
    }
    flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return ChildSpec(
        name="postgres",
        argv=(str(home.binaries.bin / "postgres"), "-D", str(home.data), *flags),
        order=StopOrder.POSTGRES,
        ready=lambda: _answers(home.address),
        env=_plain_environment(),
        inherit_env=False,
        user=home.user,
        stop_signal=signal.SIGINT,
        owner_death_signal=signal.SIGINT,
        stop_seconds=60.0,
        ready_seconds=60.0,  # recovery of a long write-ahead log takes its time
    )


def create_roles_and_database(superuser_url: str, database: str = DATABASE) -> None:
    """Creates what is missing of the four login roles and the database, which trimtab_owner owns."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        known = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        for role in LOGIN_ROLES:
            if role not in known:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone()
        if found is None:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), sql.Identifier(OWNER_ROLE))
            )


def _make_folder(folder: Path, user: UnixUser | None) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    give(folder, user)
    if not can_reach(folder, user):
        name = user.name if user else "this user"
        raise StateDirUnusable(
            f"{folder} stands below a private folder which {name}, who runs PostgreSQL for root, may not"
            " enter: set TRIMTAB_STATE_DIR to a folder such as /var/lib/trimtab, or set DATABASE_URL"
        )


def _check_version(data: Path, binaries: PostgresBinaries) -> None:
    if not data.exists():
        return
    found = int((data / "PG_VERSION").read_text().strip())
    if found != binaries.major:
        raise DataDirVersionMismatch(
            f"{data} is of PostgreSQL {found}, the installed server is {binaries.major}. Convert it with"
            f" `{binaries.bin / 'pg_upgrade'} --old-datadir {data} ...`, or dump it with pg_dump of"
            f" version {found}, move it away and restore"
        )


def _initdb(home: PostgresHome) -> None:
    """Creates the data directory under another name first: a killed initdb leaves nothing half made."""
    unfinished = home.folder / "data.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    locale = (
        ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
        if home.binaries.major >= _BUILTIN_LOCALE_SINCE
        else ("--locale=C.UTF-8",)
    )
    outcome = subprocess.run(
        [
            str(home.binaries.bin / "initdb"),
            *("-D", str(unfinished), "-U", _SUPERUSER, "-E", "UTF8", *locale),
            *("--auth-local=trust", "--auth-host=reject", "--data-checksums", "--no-instructions"),
        ],
        capture_output=True,
        text=True,
        errors="replace",
        cwd="/",
        env=_plain_environment(),
        timeout=_INITDB_SECONDS,
        start_new_session=True,
        user=home.user.uid if home.user else None,
        group=home.user.gid if home.user else None,
        extra_groups=[] if home.user else None,
    )
    if outcome.returncode != 0:
        raise InitdbFailed(f"initdb could not create {home.data}: {outcome.stderr.strip()[-500:]}")
    unfinished.rename(home.data)


def _plain_environment() -> dict[str, str]:
    """Nothing of ours: PGDATA and the like would mislead the server, and secrets do not concern it."""
    kept = ("PATH", "TMPDIR", "LD_LIBRARY_PATH")
    return {"TZ": "UTC", "LC_ALL": "C", **{name: os.environ[name] for name in kept if name in os.environ}}


def _answers(address: PostgresAddress) -> bool:
    try:
        with psycopg.connect(address.superuser_url(), connect_timeout=2) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True
