"""One business day of the demo firm, and where its processor time goes: `python -m benchmarks.day [--accounts N]`.

Runs `trimtab demo --json` in a state directory of its own and samples the processor time of its processes. Prints
one JSON object: the demo's own seconds, and seconds of processor time by solver, worker, Temporal, database, API,
gateway and broker, with each one's share of the whole.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

POLL_SECONDS = 0.2
_TICKS = os.sysconf("SC_CLK_TCK")
_FAMILIES = (
    ("spawn_main", "solver"),
    ("trimtab.worker", "worker"),
    ("temporal", "temporal"),
    ("postgres", "database"),
    ("trimtab.server", "api"),
    ("trimtab.gateway", "gateway"),
    ("trimtab.broker", "broker"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=200)
    parser.add_argument("--data", type=Path, default=None)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="trimtab-bench-"))
    folder.chmod(0o711)
    try:
        print(json.dumps(measure(options.accounts, options.data, folder), indent=2))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(accounts: int, data: Path | None, folder: Path) -> dict[str, object]:
    """The demo's figures with processor seconds by family."""
    command = [sys.executable, "-m", "trimtab.cli", "demo", "--json", "--accounts", str(accounts)]
    if data is not None:
        command += ["--data", str(data)]
    env = {**os.environ, "TRIMTAB_STATE_DIR": str(folder / "state")}
    begun = time.monotonic()
    demo = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    spent: dict[int, tuple[str, float]] = {}
    while demo.poll() is None:
        for pid, family, seconds in _descendants(demo.pid):
            spent[pid] = (family, seconds)
        time.sleep(POLL_SECONDS)
    wall = time.monotonic() - begun
    output = demo.stdout.read() if demo.stdout is not None else ""
    if demo.returncode != 0:
        raise SystemExit(f"the demo failed with exit code {demo.returncode}")
    figures = json.loads(output)
    by_family: defaultdict[str, float] = defaultdict(float)
    for family, seconds in spent.values():
        by_family[family] += seconds
    whole = sum(by_family.values())
    return {
        "accounts": accounts,
        "wall_seconds": round(wall, 1),
        "demo_seconds": figures["seconds"],
        "outcomes": figures["outcomes"],
        "processor_seconds": {name: round(value, 1) for name, value in sorted(by_family.items())},
        "processor_share": {name: round(value / whole, 3) for name, value in sorted(by_family.items())},
    }


def _descendants(root: int) -> list[tuple[int, str, float]]:
    """Every process below `root` with its family and processor seconds so far."""
    parents: dict[int, int] = {}
    seconds: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it has ended meanwhile
                continue
            pid = int(entry.name)
            parents[pid] = int(fields[1])
            seconds[pid] = (int(fields[11]) + int(fields[12])) / _TICKS
    found = []
    for pid in parents:
        if pid == root or _is_below(pid, root, parents):
            found.append((pid, _family(pid, root), seconds[pid]))
    return found


def _is_below(pid: int, root: int, parents: dict[int, int]) -> bool:
    while pid in parents and pid > 1:
        pid = parents[pid]
        if pid == root:
            return True
    return False


def _family(pid: int, root: int) -> str:
    if pid == root:
        return "demo"
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "other"
    return next((family for mark, family in _FAMILIES if mark in command), "other")


if __name__ == "__main__":
    main()
