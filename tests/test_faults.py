"""Fault points are inert unless the environment says otherwise."""

import subprocess
import sys

import pytest

from trimtab.faults import VARIABLE

REACH = "from trimtab.faults import fault_at\nfor _ in range(3): fault_at('here'); print('on', flush=True)"


def run(faults: str | None) -> subprocess.CompletedProcess[str]:
    env = {} if faults is None else {VARIABLE: faults}
    return subprocess.run([sys.executable, "-c", REACH], env=env, capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("faults", [None, "", "elsewhere=kill"])
def test_a_point_that_nobody_asked_for_does_nothing(faults: str | None) -> None:
    done = run(faults)
    assert (done.returncode, done.stdout) == (0, "on\n" * 3)


@pytest.mark.parametrize(("faults", "reached"), [("here=kill", 0), ("elsewhere=stop, here=kill@3", 2)])
def test_a_process_dies_at_the_point_the_time_it_was_asked_for(faults: str, reached: int) -> None:
    done = run(faults)
    assert (done.returncode, done.stdout) == (-9, "on\n" * reached)


@pytest.mark.parametrize("faults", ["here", "here=burn", "=kill", "here=kill@soon"])
def test_a_misspelt_fault_is_refused(faults: str) -> None:
    done = run(faults)
    assert done.returncode == 1
    assert "FaultMisspelt" in done.stderr
