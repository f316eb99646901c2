"""`trimtab check`, through its entry point, on files that `trimtab optimize --json` wrote and somebody changed."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trimtab.check_proposal import violations_of_files
from trimtab.optimize import WrongInputShape

ACCOUNT = Path(__file__).parent / "data" / "drifted.json"


def trimtab(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trimtab.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def proposal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `trimtab optimize --json` writes for the drifted account."""
    path = tmp_path_factory.mktemp("check") / "proposal.json"
    path.write_text(trimtab("optimize", ACCOUNT, "--json").stdout)
    return path


def changed(proposal: Path, folder: Path, change: Callable[[Any], None]) -> Path:
    document = json.loads(proposal.read_text())
    change(document)
    path = folder / "changed.json"
    path.write_text(json.dumps(document))
    return path


@pytest.mark.covers("N1")
def test_what_optimize_writes_passes(proposal: Path):
    answer = trimtab("check", ACCOUNT, proposal)

    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "passes\n", "")


def test_every_violation_is_a_line_and_the_exit_code_is_1(proposal: Path, tmp_path: Path):
    def forge(document: Any) -> None:
        document["tax"] = "0"
        document["account_id"] = "A9"
        del document["proposal_hash"]

    answer = trimtab("check", ACCOUNT, changed(proposal, tmp_path, forge))

    assert answer.returncode == 1
    lines = answer.stdout.splitlines()
    assert lines[0] == "it is a proposal for account A9"
    assert [line.split(",")[-1] for line in lines[1:]] == [" not 0"]


def test_as_json_it_is_one_object(proposal: Path):
    answer = trimtab("check", ACCOUNT, proposal, "--json")

    assert json.loads(answer.stdout) == {"passes": True, "violations": []}


def test_a_proposal_under_anothers_hash(proposal: Path, tmp_path: Path):
    forged = changed(proposal, tmp_path, lambda document: document.update(note="All is well."))

    found = violations_of_files(ACCOUNT, forged)

    assert len(found) == 1
    assert found[0].startswith("its hash is ")


def test_a_trade_without_its_price_is_named(proposal: Path, tmp_path: Path):
    broken = changed(proposal, tmp_path, lambda document: document["trades"][0].pop("price"))

    with pytest.raises(WrongInputShape, match=r"trades\.0\.price: Field required"):
        violations_of_files(ACCOUNT, broken)


def test_a_missing_file_is_one_line_with_its_code(tmp_path: Path):
    answer = trimtab("check", ACCOUNT, tmp_path / "missing.json")

    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.endswith("cannot be read: No such file or directory [UNREADABLE_INPUT]\n")
