"""The checklist is honest: what no test proves is listed, and the list only shrinks."""

import re
from pathlib import Path

import pytest

from trimtab.checklist import UNPROVEN, UnknownPromise, proofs_in, read_checklist

ROOT = Path(__file__).parent.parent


@pytest.mark.covers("N22")
def test_the_unproven_promises_are_exactly_those_on_the_committed_list() -> None:
    listed = re.findall(r"^- ([A-Z][A-Za-z0-9-]*)$", (ROOT / UNPROVEN).read_text(encoding="utf-8"), re.MULTILINE)
    unproven = [item.id for item in read_checklist(ROOT) if not item.tests]
    assert unproven == listed, "remove from the list what is proven now; never add to it"


def test_the_page_has_the_whole_mission() -> None:
    ids = [item.id for item in read_checklist(ROOT)]
    assert len(ids) == 152
    assert {"P1", "W-A7", "M4d", "V2b", "X14", "N22"} <= set(ids)


def test_a_test_that_names_an_unknown_promise_is_refused(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "docs" / "checklist.md").write_text("| P1 | a promise |\n", encoding="utf-8")
    (tmp_path / "tests" / "test_it.py").write_text(
        "import pytest\n\n@pytest.mark.covers('P1', 'P99')\ndef test_it(): ...\n", encoding="utf-8"
    )
    assert proofs_in(tmp_path) == {"P1": ["tests/test_it.py::test_it"], "P99": ["tests/test_it.py::test_it"]}
    with pytest.raises(UnknownPromise, match="P99"):
        read_checklist(tmp_path)
