"""`state.json`: the ports chosen once per state directory, and where everything is now."""

import json
import os
import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from trimtab.embedded.errors import StateDirUnusable
from trimtab.embedded.ownership import is_owned

_FILE: Final = "state.json"
_LOOPBACK: Final = "127.0.0.1"
# Below Linux's range of ephemeral ports (32768 and up): an outgoing connection must not take the port
# of a server that is being restarted.
_PORTS: Final = range(20_000, 32_000)
_TRIES: Final = 200


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """A process that cannot be confused with a later one of the same id."""

    pid: int
    started: int  # clock ticks since boot; 0 where the system does not tell

    def is_alive(self) -> bool:
        return self.started != 0 and self.started == started_at(self.pid)


@dataclass(slots=True)
class State:
    """The content of `state.json`."""

    ports: dict[str, int] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    children: dict[str, ProcessMark] = field(default_factory=dict)
    owner: ProcessMark | None = None

    @classmethod
    def load(cls, state_dir: Path) -> Self:
        """What was written last; empty when there is no file. Raises StateDirUnusable when unreadable."""
        try:
            raw: Mapping[str, Any] = json.loads((state_dir / _FILE).read_bytes())
            return cls(
                ports={name: int(port) for name, port in raw["ports"].items()},
                urls={name: str(url) for name, url in raw["urls"].items()},
                children={name: ProcessMark(**mark) for name, mark in raw["children"].items()},
                owner=ProcessMark(**raw["owner"]) if raw["owner"] else None,
            )
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StateDirUnusable(f"{state_dir / _FILE} cannot be read: remove it ({error})") from error

    def save(self, state_dir: Path) -> None:
        """Replaces the file in one step, so that a reader never sees half of it."""
        new = state_dir / f"{_FILE}.new"
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(self._plain(), file, indent=2, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        new.replace(state_dir / _FILE)

    def choose_port(self, name: str, preferred: int | None = None) -> int:
        """The port that `name` has in this directory; another only if a stranger holds it now."""
        known = self.ports.get(name)
        candidates = [port for port in (known, preferred) if port is not None]
        taken = {port for other, port in self.ports.items() if other != name}
        candidates += random.SystemRandom().sample(_PORTS, _TRIES)
        for port in candidates:
            if port not in taken and is_free(port):
                self.ports[name] = port
                return port
        raise StateDirUnusable(f"no free port on {_LOOPBACK} for {name}")

    def _plain(self) -> dict[str, object]:
        return {
            "ports": self.ports,
            "urls": self.urls,
            "children": {name: _mark(mark) for name, mark in self.children.items()},
            "owner": _mark(self.owner) if self.owner else None,
        }


def running(state_dir: Path) -> State | None:
    """The state of the servers that another process keeps up there now, else None."""
    return State.load(state_dir) if is_owned(state_dir) else None


def mark_of(pid: int) -> ProcessMark:
    return ProcessMark(pid, started_at(pid))


def started_at(pid: int) -> int:
    """When the process started, in clock ticks since boot; 0 when there is none, or nobody tells."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    # The name in brackets may itself hold blanks and brackets; field 22 is the 20th after it.
    fields = status.rpartition(")")[2].split()
    is_corpse = fields[0] in ("Z", "X")
    return 0 if is_corpse else int(fields[19])


def is_free(port: int) -> bool:
    """True when a server could listen on the loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_LOOPBACK, port))
        except OSError:
            return False
    return True


def _mark(mark: ProcessMark) -> dict[str, int]:
    return {"pid": mark.pid, "started": mark.started}
