"""Children are watched, restarted, stopped in order and never left behind."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.embedded.programs import SLEEPER, ChildFactory, until
from trimtab.embedded.child import StopOrder
from trimtab.embedded.errors import AlreadyRunning, ChildFailed, StateDirUnusable
from trimtab.embedded.state import State, is_free, mark_of, running
from trimtab.embedded.supervisor import Supervisor


def test_a_killed_child_comes_back_with_the_same_arguments(supervisor: Supervisor, a_child: ChildFactory) -> None:
    port = supervisor.port("web")
    serve = (
        "import socket; s = socket.create_server(('127.0.0.1', "
        f"{port}))\nwhile True: s.accept()[0].sendall(str(os.getpid()).encode())"
    )
    supervisor.start(a_child("web", serve, ready=lambda: not is_free(port)))
    first = supervisor.pid("web")
    os.kill(first, signal.SIGKILL)
    until(lambda: supervisor.deaths("web") == 1 and supervisor.pid("web") != first)
    until(lambda: not is_free(port))
    found = running(supervisor.state_dir)
    assert found is not None
    assert found.children["web"].pid == supervisor.pid("web")


def test_what_a_killed_child_left_in_its_group_is_killed_too(
    supervisor: Supervisor, a_child: ChildFactory, state_dir: Path
) -> None:
    grandchild_file = state_dir.parent / "grandchild"
    fork = f"pid = os.fork()\nif pid: pathlib.Path({str(grandchild_file)!r}).write_text(str(pid))\n{SLEEPER}"
    supervisor.start(a_child("parent", fork, ready=grandchild_file.exists))
    until(grandchild_file.read_text)
    grandchild = mark_of(int(grandchild_file.read_text()))
    assert grandchild.is_alive()
    os.kill(supervisor.pid("parent"), signal.SIGKILL)
    until(lambda: not grandchild.is_alive())


def test_children_stop_in_order_with_the_database_last(state_dir: Path, a_child: ChildFactory) -> None:
    journal = state_dir.parent / "journal"
    for_order = {order: order.name.lower() for order in reversed(StopOrder)}
    with Supervisor(state_dir) as supervisor:
        for order, name in for_order.items():
            say = (
                "import signal, sys, time\n"
                "def leave(*_):\n"
                f"    with open({str(journal)!r}, 'a') as f: f.write('{name}\\n')\n"
                "    sys.exit(0)\n"
                "signal.signal(signal.SIGTERM, leave)\n"
                f"pathlib.Path({str(state_dir.parent / name)!r}).touch()\n"
                "time.sleep(600)"
            )
            supervisor.start(a_child(name, say, order=order, ready=(state_dir.parent / name).exists))
    assert journal.read_text().split() == ["api", "gateway", "broker", "worker", "temporal", "postgres"]


def test_a_child_that_does_not_stop_is_killed(state_dir: Path, a_child: ChildFactory) -> None:
    with Supervisor(state_dir) as supervisor:
        deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"
        supervisor.start(a_child("deaf", deaf, stop_seconds=0.2))
        mark = mark_of(supervisor.pid("deaf"))
    assert not mark.is_alive()


def test_a_child_that_never_comes_up_is_an_error_with_the_end_of_its_log(
    supervisor: Supervisor, a_child: ChildFactory
) -> None:
    broken = a_child("broken", "raise SystemExit('no such firm')", ready=lambda: False)
    with pytest.raises(ChildFailed, match=r"broken did not start \(exit code 1\).*no such firm"):
        supervisor.start(broken)
    silent = a_child("silent", SLEEPER, ready=lambda: False, ready_seconds=0.2)
    with pytest.raises(ChildFailed, match="silent did not start"):
        supervisor.start(silent)
    assert running(supervisor.state_dir) is not None
    assert State.load(supervisor.state_dir).children == {}


def test_output_of_children_goes_to_log_files(supervisor: Supervisor, a_child: ChildFactory) -> None:
    supervisor.start(a_child("talker", f"import sys; print('out'); print('err', file=sys.stderr); {SLEEPER}"))
    log = supervisor.state_dir / "logs" / "talker.log"
    until(lambda: log.read_text() == "out\nerr\n")


def test_a_second_owner_is_refused_and_told_who_the_first_is(supervisor: Supervisor) -> None:
    with pytest.raises(AlreadyRunning, match=f"in use by trimtab process {os.getpid()}"):
        Supervisor(supervisor.state_dir).__enter__()
    assert running(supervisor.state_dir) is not None


def test_nobody_runs_before_the_start_and_after_the_end(state_dir: Path) -> None:
    assert running(state_dir) is None
    with Supervisor(state_dir):
        assert running(state_dir) is not None
    assert running(state_dir) is None


def test_ports_are_chosen_once_per_state_directory(state_dir: Path) -> None:
    with Supervisor(state_dir) as first:
        ports = [first.port(name) for name in ("api", "temporal", "temporal_ui")]
    with Supervisor(state_dir) as second:
        assert [second.port(name) for name in ("api", "temporal", "temporal_ui")] == ports
    assert len(set(ports)) == 3


def test_ctrl_c_and_sigterm_leave_the_owner_with_every_child_stopped(state_dir: Path) -> None:
    for number, code in ((signal.SIGINT, 0), (signal.SIGTERM, 143)):
        owner, child = _an_owner_of_a_sleeper(state_dir)
        mark = mark_of(child)
        owner.send_signal(number)
        assert owner.wait(20) == code
        assert not State.load(state_dir).children
        assert not mark.is_alive()


def test_a_killed_owner_leaves_no_child(state_dir: Path) -> None:
    owner, child = _an_owner_of_a_sleeper(state_dir)
    mark = mark_of(child)
    owner.kill()
    owner.wait()
    until(lambda: not mark.is_alive())
    assert State.load(state_dir).children["sleeper"].pid == child  # stale, and recovered from:
    with Supervisor(state_dir) as supervisor:
        assert State.load(supervisor.state_dir).children == {}


def test_the_next_owner_ends_a_child_that_outlived_a_killed_one(state_dir: Path) -> None:
    deaf = "signal.signal(signal.SIGUSR1, signal.SIG_IGN); "
    owner, child = _an_owner_of_a_sleeper(state_dir, before=deaf, owner_death_signal="SIGUSR1")
    mark = mark_of(child)
    owner.kill()
    owner.wait()
    assert mark.is_alive()
    with Supervisor(state_dir):
        assert not mark.is_alive()


def test_a_stranger_with_the_process_id_of_a_dead_child_is_left_alone(state_dir: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", SLEEPER])
    later = mark_of(stranger.pid)
    state_dir.mkdir()
    State(children={"worker": type(later)(later.pid, later.started - 1)}).save(state_dir)
    with Supervisor(state_dir):
        assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_damaged_state_file_is_an_error_that_says_what_to_do(state_dir: Path) -> None:
    state_dir.mkdir()
    (state_dir / "state.json").write_text('{"ports": ')
    with pytest.raises(StateDirUnusable, match=r"state.json cannot be read: remove it"):
        Supervisor(state_dir).__enter__()
    (state_dir / "state.json").unlink()
    with Supervisor(state_dir):
        pass


def test_a_state_directory_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateDirUnusable, match="TRIMTAB_STATE_DIR"):
        Supervisor(tmp_path / "file" / "state").__enter__()


def _an_owner_of_a_sleeper(
    state_dir: Path, before: str = "", owner_death_signal: str = "SIGTERM"
) -> tuple[subprocess.Popen[str], int]:
    """Another process that owns the state directory, and the id of its child once both are up."""
    program = f"""
        import contextlib, signal, sys
        from pathlib import Path
        from tests.embedded.programs import SLEEPER, child_factory
        from trimtab.embedded.supervisor import Supervisor
        with Supervisor(Path(sys.argv[1])) as supervisor:
            spec = child_factory(Path(sys.argv[1]).parent)(
                "sleeper", "import signal; {before}" + "pathlib.Path(" + repr(sys.argv[2]) + ").touch();" + SLEEPER,
                ready=Path(sys.argv[2]).exists, owner_death_signal=signal.{owner_death_signal})
            supervisor.start(spec)
            with contextlib.suppress(KeyboardInterrupt):  # it may come as soon as the line is read
                print(supervisor.pid("sleeper"), flush=True)
                supervisor.run_until_stopped()
    """
    sign = state_dir.parent / "ready"
    sign.unlink(missing_ok=True)
    owner = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(state_dir), str(sign)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert owner.stdout is not None
    with owner.stdout:
        return owner, int(owner.stdout.readline())
