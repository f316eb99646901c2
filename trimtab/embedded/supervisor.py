"""Starts, watches, restarts and stops the processes of one machine's trimtab."""

import contextlib
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final, Self

import structlog

from trimtab.embedded.child import Child, ChildSpec
from trimtab.embedded.errors import ChildFailed, StateDirUnusable
from trimtab.embedded.ownership import OwnerLock
from trimtab.embedded.state import ProcessMark, State, mark_of

_log = structlog.get_logger(__name__)

_POLL_SECONDS: Final = 0.05
_FIRST_DELAY_SECONDS: Final = 0.2
_LONGEST_DELAY_SECONDS: Final = 10.0
_STEADY_SECONDS: Final = 30.0  # up for so long: the next death starts again at the first delay
_DEATHS_WHILE_STARTING: Final = 3
_ORPHAN_SECONDS: Final = 15.0


@dataclass(slots=True)
class _Watched:
    child: Child
    delay_seconds: float = _FIRST_DELAY_SECONDS
    restart_due: float | None = None  # monotonic; set while it is down
    deaths: int = 0


class Supervisor:
    """The owner of a state directory and of every process started through it.

    `with Supervisor(state_dir) as supervisor: supervisor.start(spec)`. On leaving, children stop in their
    StopOrder. A child that dies is started again with the same arguments. When this process is killed, the
    kernel tells every child; what is left over all the same is ended by the next owner.

    Everything is spawned on one thread that lives until the end, because the parent-death signal follows
    the thread that forked.
    """

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self._lock = OwnerLock(state_dir)
        self._requests: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="trimtab-supervisor", daemon=True)
        self._watched: dict[str, _Watched] = {}
        self._state = State()
        self._state_lock = threading.RLock()
        self._old_sigterm: signal.Handlers | Callable[[int, FrameType | None], object] | int | None = None

    def __enter__(self) -> Self:
        _make_state_dir(self.state_dir)
        self._lock.acquire()
        try:
            self._state = State.load(self.state_dir)
            _end_orphans(self._state.children)
            self._state.children.clear()
            self._state.urls.clear()
            self._state.owner = mark_of(os.getpid())
            self._save()
        except BaseException:
            self._lock.release()
            raise
        if threading.current_thread() is threading.main_thread():
            self._old_sigterm = signal.signal(signal.SIGTERM, _leave)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def port(self, name: str, preferred: int | None = None) -> int:
        """The loopback port that `name` keeps for the life of the state directory."""
        with self._state_lock:
            port = self._state.choose_port(name, preferred)
            self._save()
        return port

    def publish_url(self, name: str, url: str) -> None:
        """Writes a URL to state.json for other processes. Never one with a password."""
        with self._state_lock:
            self._state.urls[name] = url
            self._save()

    def pid(self, name: str) -> int:
        """The process id of a child as it runs now."""
        return self._watched[name].child.mark.pid

    def deaths(self, name: str) -> int:
        """How often the child has died and was started again."""
        return self._watched[name].deaths

    def start(self, *specs: ChildSpec) -> None:
        """Starts children side by side and returns when all are ready. Raises ChildFailed, with the end of a log."""
        for spec in specs:
            self._on_thread(partial(self._spawn, spec))
        for spec in specs:
            self._await_ready(spec)

    def _await_ready(self, spec: ChildSpec) -> None:
        deadline = time.monotonic() + spec.ready_seconds
        while not spec.ready():
            watched = self._watched[spec.name]
            if watched.deaths >= _DEATHS_WHILE_STARTING or time.monotonic() > deadline:
                self._on_thread(lambda: self._drop(spec.name))
                how = watched.child.exit_text() if watched.deaths else "not ready in time"
                raise ChildFailed(
                    f"{spec.name} did not start ({how}); {watched.child.log} ends: {watched.child.tail()}"
                )
            time.sleep(_POLL_SECONDS)

    def run_until_stopped(self) -> None:
        """Blocks until Ctrl-C or SIGTERM."""
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                time.sleep(3600)

    def stop(self) -> None:
        """Stops every child in order and gives up the directory. Doing it twice is harmless."""
        with _signals_held_back():
            self._stopping.set()
            if self._thread.is_alive():
                self._thread.join()
            self._lock.release()
        if self._old_sigterm is not None:
            signal.signal(signal.SIGTERM, self._old_sigterm)
            self._old_sigterm = None

    def _on_thread(self, action: Callable[[], None]) -> None:
        if not self._thread.is_alive():
            raise ChildFailed("the supervisor has stopped")
        done: Future[None] = Future()

        def act() -> None:
            try:
                action()
            except BaseException as error:  # noqa: BLE001 - raised again where the caller waits
                done.set_exception(error)
            else:
                done.set_result(None)

        self._requests.put(act)
        done.result()

    def _watch(self) -> None:
        try:
            while not self._stopping.is_set():
                self._serve_request()
                self._revive_dead()
        finally:
            self._stop_children()

    def _serve_request(self) -> None:
        with contextlib.suppress(queue.Empty):
            self._requests.get(timeout=_POLL_SECONDS)()

    def _spawn(self, spec: ChildSpec) -> None:
        logs = self.state_dir / "logs"
        logs.mkdir(mode=0o700, exist_ok=True)
        if spec.name in self._watched:
            raise ChildFailed(f"{spec.name} is already running")
        self._watched[spec.name] = _Watched(Child(spec, logs / f"{spec.name}.log"))
        self._mark(spec.name)

    def _revive_dead(self) -> None:
        for name, watched in self._watched.items():
            if watched.restart_due is None and watched.child.has_exited():
                self._plan_restart(watched)
            if watched.restart_due is not None and time.monotonic() >= watched.restart_due:
                self._restart(name, watched)

    def _restart(self, name: str, watched: _Watched) -> None:
        try:
            watched.child = Child(watched.child.spec, watched.child.log)
            self._mark(name)
        except OSError as error:  # a full disk, no memory: it may pass
            watched.restart_due = time.monotonic() + _LONGEST_DELAY_SECONDS
            _log.error("child could not be started again", child=name, error=str(error))
            return
        watched.restart_due = None
        _log.info("child started again", child=name, pid=watched.child.mark.pid)

    def _plan_restart(self, watched: _Watched) -> None:
        up_seconds = time.monotonic() - watched.child.spawned
        if up_seconds > _STEADY_SECONDS:
            watched.delay_seconds = _FIRST_DELAY_SECONDS
        watched.restart_due = time.monotonic() + watched.delay_seconds
        watched.deaths += 1
        _log.warning(
            "child died",
            child=watched.child.spec.name,
            how=watched.child.exit_text(),
            restart_in_seconds=watched.delay_seconds,
        )
        watched.delay_seconds = min(2 * watched.delay_seconds, _LONGEST_DELAY_SECONDS)

    def _drop(self, name: str) -> None:
        watched = self._watched.pop(name)
        _stop_together([watched.child])
        with self._state_lock:
            self._state.children.pop(name, None)
            self._save()

    def _stop_children(self) -> None:
        children = [watched.child for watched in self._watched.values()]
        for order in sorted({child.spec.order for child in children}):
            _stop_together([child for child in children if child.spec.order == order])
        with self._state_lock:
            self._state.children.clear()
            self._state.urls.clear()
            self._state.owner = None
            self._save()

    def _mark(self, name: str) -> None:
        with self._state_lock:
            self._state.children[name] = self._watched[name].child.mark
            self._save()

    def _save(self) -> None:
        with self._state_lock:
            self._state.save(self.state_dir)


def _make_state_dir(state_dir: Path) -> None:
    """Root's directory may be entered (not listed) by the database's user; others' is private."""
    mode = 0o711 if os.geteuid() == 0 else 0o700
    try:
        state_dir.mkdir(mode=mode, parents=True, exist_ok=True)
        if os.geteuid() == 0:
            state_dir.chmod(mode)
    except OSError as error:
        raise _unusable(state_dir, error.strerror or "unknown error") from error
    if not os.access(state_dir, os.R_OK | os.W_OK | os.X_OK):
        raise _unusable(state_dir, "permission denied")


def _unusable(state_dir: Path, why: str) -> StateDirUnusable:
    return StateDirUnusable(f"{state_dir} cannot be used ({why}): set TRIMTAB_STATE_DIR to a folder of yours")


def _end_orphans(children: dict[str, ProcessMark]) -> None:
    """Ends what a killed owner left running: asks, waits, and kills."""
    orphans = {name: mark for name, mark in children.items() if mark.is_alive()}
    for name, mark in orphans.items():
        _log.warning("ending a process that the last owner left behind", child=name, pid=mark.pid)
        _signal(mark, signal.SIGINT if name == "postgres" else signal.SIGTERM)
    deadline = time.monotonic() + _ORPHAN_SECONDS
    while any(mark.is_alive() for mark in orphans.values()) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    for mark in orphans.values():
        _signal(mark, signal.SIGKILL)


def _signal(mark: ProcessMark, number: signal.Signals) -> None:
    if mark.is_alive():
        with contextlib.suppress(ProcessLookupError):
            os.kill(mark.pid, number)


def _stop_together(children: list[Child]) -> None:
    for child in children:
        child.ask_to_stop()
    begun = time.monotonic()
    for child in children:
        if child.wait_or_kill(begun + child.spec.stop_seconds):
            _log.warning("child did not stop in time and was killed", child=child.spec.name)


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + signal.SIGTERM)


@contextlib.contextmanager
def _signals_held_back() -> Iterator[None]:
    """A second Ctrl-C must not cut the clean-up short and leave the servers running."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
