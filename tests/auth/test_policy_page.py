"""The matrix in docs/authorization.md and the matrix in the code are the same matrix."""

from __future__ import annotations

import re

import pytest

from tests.auth.policy_cases import PAGE, SHORT_NAMES, PageRow, page_rows
from trimtab.auth.matrix import CELLS, NEVER_ON_BEHALF, SCOPE_OF, Operation, Role, cell_of


def test_the_page_has_one_row_for_each_operation_in_order():
    rows = page_rows()
    assert [(row.row, row.name) for row in rows] == [(op.value, op.name) for op in Operation]
    assert len(rows) == 51


def test_the_columns_are_the_roles():
    assert tuple(role.short for role in Role) == SHORT_NAMES


@pytest.mark.parametrize("row", page_rows(), ids=lambda row: row.name)
def test_each_cell_of_the_page_is_the_cell_in_the_code(row: PageRow):
    in_code = {role.short: CELLS[Operation(row.row), role] for role in Role}
    assert in_code == {short: cell_of(letters) for short, letters in row.cells.items()}


def test_the_starred_rows_are_those_never_done_on_behalf():
    assert {row.row for row in page_rows() if row.starred} == {op.value for op in NEVER_ON_BEHALF}


def test_the_page_names_the_scope_of_each_row_open_to_integrators():
    on_page = {
        int(row): found[1]
        for found in re.finditer(r"\| `(\w+:\w+)` \| ([\d, ]+) \|", PAGE.read_text(encoding="utf-8"))
        for row in found[2].split(",")
    }
    assert on_page == {op.value: scope for op, scope in SCOPE_OF.items()}
    assert set(on_page) == {row.row for row in page_rows() if row.cells["INT"] != "-"}
