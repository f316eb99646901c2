"""Everything that must hold before a change lands: `python -m trimtab.checks` from the root of a checkout."""

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
    ("pytest", ("-m", "pytest", "-n", "2", "--cov=trimtab.domain", "--cov-report=term:skip-covered")),
)


def main() -> int:
    """Run every check, also after one has failed; the exit code is the number of those that failed."""
    console = Console(stderr=True)
    if not (ROOT / "pyproject.toml").exists():
        console.print("Run this from a checkout: the tests are not part of the installed package.")
        return 2
    failed = []
    for name, arguments in CHECKS:
        started = time.monotonic()
        console.rule(name)
        code = subprocess.run([sys.executable, *arguments], cwd=ROOT, check=False).returncode
        console.print(f"{name}: {'ok' if code == 0 else f'failed ({code})'} in {time.monotonic() - started:.0f} s")
        if code != 0:
            failed.append(name)
    if failed:
        console.print(f"Failed: {', '.join(failed)}")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
