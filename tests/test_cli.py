"""The command line as a person meets it when something is wrong: one line that says what to do, and no traceback."""

import os
import socket
import subprocess
import sys

import pytest

from trimtab.embedded.ownership import OwnerLock


def trimtab(state_dir, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own; without the servers of the surroundings."""
    named = {"TRIMTAB_STATE_DIR": str(state_dir), **environment}
    kept = {
        name: value for name, value in os.environ.items() if not name.endswith(("DATABASE_URL", "TEMPORAL_ADDRESS"))
    }
    command = [sys.executable, "-m", "trimtab", *arguments]
    return subprocess.run(command, env=kept | named, capture_output=True, text=True, timeout=120)


def assert_one_line(done: subprocess.CompletedProcess[str], said: str) -> None:
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("trimtab: ")
    assert said in line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["demo", "--accounts", "5"], "at least 20 accounts, not 5 [TOO_FEW_ACCOUNTS]"),
        (["demo", "--data", "/nowhere"], "/nowhere is no folder"),
        (["run", "status"], "start `trimtab up` or `trimtab demo --serve`, or set DATABASE_URL [NOTHING_RUNS]"),
        (["run", "start", "2026-07-03"], "closed on 2026-07-03; the next session is 2026-07-06 [NOT_A_SESSION]"),
        (["feeds", "load"], "name the business date: --date YYYY-MM-DD"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(tmp_path, arguments, said):
    assert_one_line(trimtab(tmp_path, *arguments), said)


def test_the_package_itself_is_the_command(tmp_path):
    done = subprocess.run([sys.executable, "-m", "trimtab", "--version"], capture_output=True, text=True, timeout=120)

    assert (done.returncode, done.stdout) == (0, trimtab(tmp_path, "--version").stdout)


def test_a_state_directory_in_use_names_its_owner(tmp_path):
    lock = OwnerLock(tmp_path).acquire()
    try:
        done = trimtab(tmp_path, "demo", "--json")
    finally:
        lock.release()
    assert_one_line(done, f"{tmp_path} is in use by trimtab process {os.getpid()}")


def test_a_port_that_is_taken_is_told_before_anything_starts(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = str(stranger.getsockname()[1])
        done = trimtab(tmp_path, "demo", "--json", TRIMTAB_PORT=port)
    assert done.returncode == 1
    assert f"port {port} is in use" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "postgres").exists()


def test_a_database_that_does_not_answer_is_one_line_without_its_password(tmp_path):
    done = trimtab(tmp_path, "verify", TRIMTAB_DATABASE_URL="postgresql://app:hunter2@127.0.0.1:1/trimtab")
    assert_one_line(done, "port 1 failed: Connection refused")
    assert "hunter2" not in done.stderr
