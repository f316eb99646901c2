"""Small programs for the supervisor to run, and ways to watch them."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from trimtab.embedded.child import ChildSpec, StopOrder

PYTHON = (sys.executable, "-I", "-S", "-u", "-c")
SLEEPER = "import time; time.sleep(600)"


class ChildFactory(Protocol):
    def __call__(self, name: str, program: str, **changes: Any) -> ChildSpec: ...


def child_factory(folder: Path) -> ChildFactory:
    """Children whose program first writes its process id to `<folder>/<name>.pid`: then they are ready."""

    def build(name: str, program: str, **changes: Any) -> ChildSpec:
        sign = folder / f"{name}.pid"
        announce = f"import os, pathlib; pathlib.Path({str(sign)!r}).write_text(str(os.getpid()))\n"
        settings: dict[str, Any] = {"order": StopOrder.WORKER, "ready": sign.exists, **changes}
        return ChildSpec(name=name, argv=(*PYTHON, announce + program), **settings)

    return build


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Waits for the condition; fails the test when it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
