"""Named points at which a test or a rehearsal kills or stops a process: `TRIMTAB_FAULTS=gateway.before_write=kill`.

Inert unless TRIMTAB_FAULTS is set. Several are separated by commas; `kill@3` means the third time the point is
reached. Each fires once in the life of a process.
"""

import os
import signal
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Final

from trimtab.domain.errors import TrimtabError

VARIABLE: Final = "TRIMTAB_FAULTS"
_SIGNALS: Final = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


class FaultMisspelt(TrimtabError):
    """TRIMTAB_FAULTS names something that is not `point=kill`, `point=stop` or either with `@number`."""

    code = "FAULT_MISSPELT"


@dataclass(frozen=True, slots=True)
class _Fault:
    signal: signal.Signals
    time: int


_reached: Final[Counter[str]] = Counter()


def fault_at(point: str) -> None:
    """Do to this process what TRIMTAB_FAULTS says about the point; nothing when it says nothing."""
    faults = _faults()
    if point not in faults:
        return
    _reached[point] += 1
    if _reached[point] == faults[point].time:
        os.kill(os.getpid(), faults[point].signal)


@cache
def _faults() -> dict[str, _Fault]:
    text = os.environ.get(VARIABLE, "")
    return dict(_fault(part.strip()) for part in text.split(",") if part.strip())


def _fault(text: str) -> tuple[str, _Fault]:
    point, _, act = text.partition("=")
    name, _, time = act.partition("@")
    if not point or name not in _SIGNALS or not (time or "1").isdecimal():
        raise FaultMisspelt(f"{VARIABLE}: {text!r} is not POINT=kill, POINT=stop, or either with @NUMBER")
    return point, _Fault(_SIGNALS[name], int(time or 1))
