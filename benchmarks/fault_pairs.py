"""Random pairs of faults, as many as wanted: on the pure core, or through files, loading and validation.

python -m benchmarks.fault_pairs [--examples 5000] [--json]
python -m benchmarks.fault_pairs --through files [--examples 500] [--json]
"""

import argparse
import json
import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tests.domain.fault_pairs import FAULTS
from tests.domain.test_fault_pairs import ACCOUNTS, check_pair


@dataclass(frozen=True, slots=True)
class Ran:
    """How many pairs were planted; each that failed, with what it was."""

    through: str
    examples: int
    failures: list[str]
    seconds: float  # processor time


def through_core(examples: int, seed: int) -> list[str]:
    """Pairs on the validator's functions alone."""
    rng = random.Random(seed)
    failures = []
    for _ in range(examples):
        planted = [(rng.choice(sorted(FAULTS)), rng.choice(ACCOUNTS)) for _ in range(2)]
        try:
            check_pair(planted)
        except AssertionError as broken:
            failures.append(f"{planted}: {broken}")
    return failures


def through_files(examples: int, seed: int) -> list[str]:
    """Pairs planted in delivered files, two of them a night."""
    from tests.activities.planted_files import pairs_on_a_server

    return pairs_on_a_server(examples, seed)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--through", choices=("core", "files"), default="core")
    parser.add_argument("--examples", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    began = time.process_time()
    failures = (through_core if asked.through == "core" else through_files)(asked.examples, asked.seed)
    ran = Ran(asked.through, asked.examples, failures, round(time.process_time() - began, 1))
    if asked.json:
        print(json.dumps(asdict(ran)))
    else:
        print(f"{ran.examples} pairs through the {ran.through}: {len(failures)} failures, {ran.seconds} s")
        for failure in failures:
            print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
