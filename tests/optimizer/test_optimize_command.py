"""`trimtab optimize`, through its entry point, on accounts kept as files."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.optimizer.random_accounts import a_random_account
from trimtab.domain.optimizer.analysis import analyze, proposal_hash
from trimtab.optimize import UnreadableInput, WrongInputShape, read_input, write_input

DATA = Path(__file__).parent / "data"


def optimize(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trimtab.cli", "optimize", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def a_file(folder: Path, change: Any) -> Path:
    """The drifted account, changed."""
    document = json.loads((DATA / "drifted.json").read_text())
    change(document)
    path = folder / "account.json"
    path.write_text(json.dumps(document))
    return path


@pytest.mark.covers("P1")
def test_an_account_is_answered_with_trades_lots_reasons_and_before_and_after():
    answer = optimize(DATA / "drifted.json", "--explain")

    assert (answer.returncode, answer.stderr) == (0, "")
    lines = answer.stdout.splitlines()
    assert lines[0] == "account A1, 2026-03-03: OPTIMAL"
    assert "certified gap" in lines[1]
    assert "SELL 200 AAA at $100.00, $20,000.00" in lines
    # The lot of $125 a share is sold whole: 200 x 100 less 200 x 125.
    assert "    lot L2: 200 shares, proceeds $20,000.00, basis $25,000.00, gain -$5,000.00 SHORT_TERM" in lines
    assert any(
        line.startswith("    LOSS_HARVEST: Selling AAA realises a short-term loss of $5,000.00") for line in lines
    )
    assert "NOT DDD: DDD stays 8.00 % above its target because the account must never sell it." in lines
    assert [line.split()[0] for line in lines[2:8]] == ["before", "account", "cash", "largest", "active", "tracking"]


def test_without_explain_reasons_are_codes():
    answer = optimize(DATA / "drifted.json")

    assert "SELL 200 AAA at $100.00, $20,000.00: LOSS_HARVEST" in answer.stdout.splitlines()
    assert "NOT DDD: NEVER_SELL" in answer.stdout.splitlines()


def test_json_is_one_object_with_the_proposals_own_hash():
    answer = optimize(DATA / "drifted.json", "--json")

    document = json.loads(answer.stdout)
    assert document["outcome"] == "OPTIMAL"
    assert document["proposal_hash"] == proposal_hash(analyze(read_input(DATA / "drifted.json")))


def test_clashing_rules_are_an_answer_in_words():
    answer = optimize(DATA / "conflict.json")

    assert answer.returncode == 0
    assert answer.stdout.splitlines()[:2] == [
        "account A1, 2026-03-03: CONFLICT",
        # 17,000 of cash and 300 BBB at $50 less half a spread of 2 bp
        "The rules ask for withdrawals of $60,000.00, but at most $31,997.00 of cash can be had: "
        "AAA and DDD must never be sold.",
    ]
    assert "certified" not in answer.stdout


def test_an_input_that_cannot_be_is_one_line_with_its_code(tmp_path: Path):
    path = a_file(tmp_path, lambda document: document["snapshot"]["lots"][0].update(quantity="-5"))

    answer = optimize(path)

    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.count("\n") == 1
    assert answer.stderr.endswith("[INVALID_ANALYSIS_INPUT]\n")


def test_a_file_that_cannot_be_read_is_one_line_with_its_code(tmp_path: Path):
    answer = optimize(tmp_path / "missing.json")

    assert answer.returncode == 1
    assert (
        answer.stderr
        == f"trimtab: {tmp_path}/missing.json cannot be read: No such file or directory [UNREADABLE_INPUT]\n"
    )


def test_a_file_that_is_not_json_is_refused(tmp_path: Path):
    path = tmp_path / "account.json"
    path.write_text("{half")

    with pytest.raises(UnreadableInput, match="is not JSON"):
        read_input(path)


def test_a_missing_field_is_named(tmp_path: Path):
    path = a_file(tmp_path, lambda document: document["snapshot"].pop("cash"))

    with pytest.raises(WrongInputShape, match=r"snapshot\.cash: Field required"):
        read_input(path)


def test_a_misspelt_setting_is_refused_and_not_ignored(tmp_path: Path):
    path = a_file(tmp_path, lambda document: document["snapshot"]["settings"].update(cash_targt="0.02"))

    with pytest.raises(WrongInputShape, match=r"snapshot\.settings\.cash_targt is not a field"):
        read_input(path)


@pytest.mark.parametrize("price", ["NaN", "-Infinity", "many"])
def test_a_price_that_is_no_number_is_refused(tmp_path: Path, price: str):
    path = a_file(tmp_path, lambda document: document["market"]["prices"]["AAA"].update(close=price))

    with pytest.raises(WrongInputShape, match=r"market.prices.AAA.close"):
        read_input(path)


@pytest.mark.parametrize("seed", range(20))
def test_an_input_that_is_written_and_read_is_the_same(tmp_path: Path, seed: int):
    request = a_random_account(seed)
    write_input(request, tmp_path / "account.json")

    assert read_input(tmp_path / "account.json") == request


@pytest.mark.parametrize("noise", ["-5", "nan", "inf"])
def test_prices_cannot_be_shaken_by_what_is_no_number_of_basis_points(noise: str):
    command = [sys.executable, "-m", "trimtab", "calm", str(DATA / "drifted.json"), "--noise", noise]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert (answer.returncode, answer.stdout) == (2, "")
    assert "--noise" in answer.stderr
