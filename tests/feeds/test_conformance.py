"""The suite that a custodian's adapter must pass: sound adapters do, and one that loses rows does not."""

from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.feeds import forms
from tests.feeds.test_forms import FIXED, OFX, POSITIONS, SCHWAB, SEMT
from trimtab.cli import app
from trimtab.demo.custodian import deliver
from trimtab.demo.firm import build_firm
from trimtab.feeds.conformance import conform
from trimtab.feeds.sources import SourcesInvalid

STAMP = "20261120"


def adapter(tmp_path: Path, source: str, folder: str, files: dict[str, str], marker: str | None) -> Path:
    """A folder to be checked. Without `marker` every file has a marker of its own."""
    place = tmp_path / folder
    place.mkdir(parents=True)
    (tmp_path / "source.yaml").write_text(source)
    for name, content in files.items():
        path = place / name
        path.write_bytes(content.encode())
        if marker is None:
            (place / f"{name}.done").write_text(forms.sha256_line(path)[:64])
    if marker is not None:
        (place / marker).write_text("".join(forms.sha256_line(place / name) for name in files))
    return tmp_path


ADAPTERS = {
    "a layout of fixed width": (
        "{name: OLD, kinds: [lots], form: layout, layout: fixed-width-lots, file: 'lots-{date}.txt'}",
        "lots",
        {f"lots-{STAMP}.txt": FIXED},
        None,
    ),
    "a delimited layout": (
        "{name: SCHWAB, kinds: [positions], form: layout, layout: schwab-positions}",
        "positions",
        {f"positions-{STAMP}.csv": SCHWAB},
        None,
    ),
    "one file of two kinds": (
        "{name: BANK, kinds: [positions, cash], form: ofx, folder: bank, file: 'all-{date}.ofx'}",
        "bank",
        {f"all-{STAMP}.ofx": OFX},
        None,
    ),
    "a set": (
        "{name: ISO, kinds: [positions], form: semt.002, file: 'semt-{date}-*.xml'}",
        "positions",
        {f"semt-{STAMP}-A1.xml": SEMT, f"semt-{STAMP}-A2.xml": SEMT.replace("A1", "A2")},
        f"positions-{STAMP}.done",
    ),
}


@pytest.mark.covers("N21")
@pytest.mark.parametrize("case", ADAPTERS)
def test_a_sound_adapter_passes_every_check(tmp_path, case):
    findings = list(conform(adapter(tmp_path, *ADAPTERS[case])))
    assert [finding for finding in findings if not finding.passed] == []
    assert len({finding.check for finding in findings}) == 8


def test_the_demo_firms_own_files_pass(tmp_path):
    firm = build_firm(20, 20, date(2026, 11, 20))
    deliver(firm, tmp_path / "drop", tmp_path / "closes")
    folder = tmp_path / "drop" / firm.id
    (folder / "source.yaml").write_text(f"{{firm: {firm.id}, name: DEMO, kinds: [positions, lots, cash, prices]}}")
    findings = list(conform(folder))
    assert [finding for finding in findings if not finding.passed] == []
    assert len(findings) == 32


def test_a_file_without_trailer_or_checksum_fails_where_its_end_can_be_lost(tmp_path):
    gains = forms.realized_gains(
        "A1", [{**POSITIONS[0], "sold_on": "2026-11-18", "proceeds": "9", "basis": "8"}] * 3, date(2026, 11, 19)
    )
    source = "{name: G, kinds: [sales], form: layout, layout: schwab-realized-gains, file: 'rg-{date}.csv'}"
    folder = adapter(tmp_path, source, "sales", {f"rg-{STAMP}.csv": gains}, None)
    (folder / "sales" / f"rg-{STAMP}.csv.done").write_text("")
    failed = {finding.check: finding.detail for finding in conform(folder) if not finding.passed}
    assert failed == {"notices: the last line missing": "read as 2 rows of 3, 0 kept aside"}


def test_rows_that_cannot_be_read_fail_with_line_and_column(tmp_path):
    source, folder, _, marker = ADAPTERS["a delimited layout"]
    files = {f"positions-{STAMP}.csv": SCHWAB.replace('"5"', '"--"')}
    failed = [finding for finding in conform(adapter(tmp_path, source, folder, files, marker)) if not finding.passed]
    assert [finding.detail for finding in failed] == [
        "1 rows cannot be read; line 3, quantity: '--' is not a plain decimal number"
    ]


def test_an_empty_folder_is_no_adapter(tmp_path):
    with pytest.raises(SourcesInvalid):
        list(conform(tmp_path))
    (tmp_path / "source.yaml").write_text("{name: S, kinds: [cash]}")
    with pytest.raises(SourcesInvalid):
        list(conform(tmp_path))


def test_the_command_answers_by_its_exit_code(tmp_path):
    folder = adapter(tmp_path, *ADAPTERS["a set"])
    found = CliRunner().invoke(app, ["feeds", "conform", str(folder)])
    assert found.exit_code == 0
    assert "pass  positions 2026-11-20             is read whole" in found.stdout
    (folder / "positions" / f"semt-{STAMP}-A1.xml").write_text("<a/>")
    assert CliRunner().invoke(app, ["feeds", "conform", str(folder)]).exit_code == 1
