"""docs/bad-input.md has every case of the catalogue, with codes that exist and tests that are there."""

import re
from pathlib import Path

from trimtab.domain.data_codes import CATALOGUE, DataCode

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "bad-input.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if re.match(r"\| \d\d \|", line)
]
OTHER_CODES = {
    "CA_INCOMPLETE", "CA_BASIS", "CA_ELECTION", "FEED_XML", "FEED_SIGNATURE", "FEED_PATH",
    "WASH_SALE", "WASH_SALE_PEER",
}  # fmt: skip
"""Codes of cases that stand elsewhere, and of orders and archives."""


def test_every_case_has_its_row():
    assert [int(row[0]) for row in ROWS] == list(range(1, 95))


def test_codes_are_those_of_the_catalogue_for_the_case():
    for number, _, _, code, _ in ROWS:
        if code and code not in OTHER_CODES:
            assert code in DataCode.__members__, number
            cases = CATALOGUE[DataCode(code)].cases
            assert int(number) in cases or int(number) in (20, 24, 36, 39), (number, code)


def test_each_row_names_a_test_that_is_there():
    known = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)\(", path.read_text(encoding="utf-8"))
    }
    missing = [(row[0], row[4]) for row in ROWS if row[4] not in known]
    assert missing == []
