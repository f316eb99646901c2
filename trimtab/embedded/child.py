"""One supervised process: how it is described, started, watched and stopped."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Final

from trimtab.embedded.state import ProcessMark, mark_of
from trimtab.embedded.unix_user import UnixUser

_LAUNCHER: Final = Path(__file__).with_name("launch.py")
_LOG_LIMIT_BYTES: Final = 20_000_000
_TAIL_BYTES: Final = 2_000


class StopOrder(IntEnum):
    """Lower stops first: nobody loses a server that it still needs to finish its work."""

    API = 1
    GATEWAY = 2
    BROKER = 3
    WORKER = 4
    TEMPORAL = 5
    POSTGRES = 6


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run. The same argv and env serve every restart, so ports in them stay the same."""

    name: str
    argv: tuple[str, ...]  # argv[0] is an absolute path
    order: StopOrder
    ready: Callable[[], bool]  # quick, and called from any thread
    env: Mapping[str, str] = field(default_factory=dict)  # on top of this process's own, if inherited
    inherit_env: bool = True
    cwd: Path = Path("/")
    user: UnixUser | None = None  # None: as this process
    stop_signal: signal.Signals = signal.SIGTERM
    owner_death_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15.0
    ready_seconds: float = 60.0


class Child:
    """A running process of a ChildSpec, leader of a session and process group of its own.

    In the terminal's group, Ctrl-C would reach the database before the worker has drained.
    """

    def __init__(self, spec: ChildSpec, log: Path) -> None:
        self.spec = spec
        self.log = log
        self._process = _spawn(spec, log)
        self.mark: ProcessMark = mark_of(self._process.pid)
        self.spawned = time.monotonic()

    def has_exited(self) -> bool:
        """True once the process is gone; whatever it left in its process group is killed first."""
        if self._process.returncode is not None:
            return True
        # Looked at without reaping: until it is reaped its id, and its group's, belong to nobody else.
        if os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return False
        self._signal_group(signal.SIGKILL)
        self._process.wait()
        return True

    def exit_text(self) -> str:
        """How it ended: "exit code 1" or "signal SIGKILL"."""
        code = self._process.returncode
        if code is None:
            return "still running"
        return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"

    def ask_to_stop(self) -> None:
        if not self.has_exited():
            self._process.send_signal(self.spec.stop_signal)

    def wait_or_kill(self, deadline: float) -> bool:
        """Waits for the end until the monotonic instant `deadline`, then kills. True when it was killed."""
        while not self.has_exited():
            if time.monotonic() > deadline:
                self._signal_group(signal.SIGKILL)
                self._process.wait()
                return True
            time.sleep(0.02)
        return False

    def tail(self) -> str:
        """The end of its log."""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - _TAIL_BYTES))
            return file.read().decode(errors="replace").strip()

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def _spawn(spec: ChildSpec, log: Path) -> subprocess.Popen[bytes]:
    """Starts the launcher, which becomes the program.

    The parent-death signal follows the thread that is here now: it must outlive the child.
    """
    user = f"{spec.user.uid}:{spec.user.gid}" if spec.user else "-"
    owner = (str(int(spec.owner_death_signal)), str(os.getpid()))
    _rotate(log)
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(_LAUNCHER), *owner, user, *spec.argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**(os.environ if spec.inherit_env else {}), **spec.env},
            cwd=spec.cwd,
            start_new_session=True,
        )


def _rotate(log: Path) -> None:
    """Keeps one older log: the state directory must not grow without end."""
    if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))
