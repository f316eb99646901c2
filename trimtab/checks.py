"""Everything that must hold before a change lands: `python -m trimtab.checks` from the root of a checkout.

The pages are tested in Chromium, which is installed when it is missing and this runs as root on Debian.
TRIMTAB_SKIP_BROWSER=1 leaves those tests out, and says so at the end as well.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console

ROOT = Path(__file__).resolve().parent.parent

CHECKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ruff check", ("-m", "ruff", "check", "trimtab", "tests", "benchmarks")),
    ("ruff format", ("-m", "ruff", "format", "--check", "trimtab", "tests", "benchmarks")),
    ("mypy --strict", ("-m", "mypy", "trimtab")),
    ("import-linter", ("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")),
    ("pages: build, types, unit tests", ("web/build.py", "--check")),
    # loadgroup: the tests in the browser share one demo, in one of the processes.
    (
        "pytest",
        ("-m", "pytest", "-n", "2", "--dist", "loadgroup", "--cov=trimtab.domain", "--cov-report=term:skip-covered"),
    ),
)
_SKIPPED = "TRIMTAB_SKIP_BROWSER=1: the pages were NOT tested in a browser."
_NO_CHROMIUM = (
    "There is no Chromium, and it could not be installed. Install it (Debian: apt-get install chromium), name it in "
    "TRIMTAB_CHROMIUM, or leave the tests in the browser out with TRIMTAB_SKIP_BROWSER=1."
)
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def main() -> int:
    """Run every check, also after one has failed; the exit code is the number of those that failed."""
    console = Console(stderr=True)
    if not (ROOT / "pyproject.toml").exists():
        console.print("Run this from a checkout: the tests are not part of the installed package.")
        return 2
    skips = os.environ.get("TRIMTAB_SKIP_BROWSER") == "1"
    failed = [] if skips or has_chromium(console) else ["Chromium"]
    if failed:
        console.print(_NO_CHROMIUM)
    for name, arguments in CHECKS:
        started = time.monotonic()
        console.rule(name)
        code = subprocess.run([sys.executable, *arguments], cwd=ROOT, check=False).returncode
        console.print(f"{name}: {'ok' if code == 0 else f'failed ({code})'} in {time.monotonic() - started:.0f} s")
        if code != 0:
            failed.append(name)
    if skips:
        console.print(_SKIPPED, style="bold red")
    if failed:
        console.print(f"Failed: {', '.join(failed)}")
    return len(failed)


def has_chromium(console: Console) -> bool:
    """Whether there is a Chromium, also after it was installed."""
    if os.environ.get("TRIMTAB_CHROMIUM") or _on_path():
        return True
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        return False
    console.rule("Chromium")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (("update", "-qq"), ("install", "-y", "-qq", "--no-install-recommends", "chromium")):
        subprocess.run([apt, *arguments], check=False, env=environment, stdout=subprocess.DEVNULL)
    return _on_path()


def _on_path() -> bool:
    return any(shutil.which(name) for name in _CHROMIUM)


if __name__ == "__main__":
    sys.exit(main())
