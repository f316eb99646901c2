"""Every operation, for every role, in one's own firm, another firm and another book, directly and on behalf.

What is expected comes from the letters of docs/authorization.md, read here without any code of the policy.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from tests.auth.policy_cases import (
    NOW,
    SHORT_NAMES,
    PageRow,
    a_person,
    an_administrator_acting,
    an_integrator,
    page_rows,
)
from trimtab.auth.policy import (
    Act,
    Allowed,
    DenialReason,
    Denied,
    Operation,
    Principal,
    Role,
    Subject,
    decide,
)

ROWS = page_rows()
WHERE = ("own firm", "other firm", "other book")
HOW = ("direct", "on behalf")
ACTS_OF_LETTER = {
    "A": {Act.DO, Act.READ},
    "O": {Act.DO, Act.READ},
    "P": {Act.PROPOSE, Act.READ},
    "V": {Act.VERIFY, Act.READ},
    "R": {Act.READ},
    "-": set(),
}


def the_caller(short: str, how: str) -> Principal:
    role = dict(zip(SHORT_NAMES, Role, strict=True))[short]
    if role is Role.INTEGRATOR:
        caller = an_integrator()
    else:
        caller = a_person(role, book="advisor-1" if role is Role.ADVISOR else None)
    return replace(caller, actor=an_administrator_acting()) if how == "on behalf" else caller


def the_subject(short: str, where: str) -> Subject:
    """Everything that the rules beside the table ask for is in order, so that only the cell decides."""
    return Subject(
        firm_id="firm-b" if where == "other firm" else "firm-a",
        advisor_id="advisor-2" if where == "other book" else "advisor-1",
        proposed_by=frozenset({"bob"}),
        approved_by=frozenset({"cid"}),
        about_person="dan",
        owner_id="ann",
        addressed_to=dict(zip(SHORT_NAMES, Role, strict=True))[short],
        stage="ingest",
    )


def acts_by_the_page(row: PageRow, short: str, where: str, how: str) -> set[Act]:
    letters = row.cells[short].split(",")
    nobody = where == "other firm" or (how == "on behalf" and (row.starred or short == "INT"))
    if nobody or (where == "other book" and letters == ["O"]):
        return set()
    return set().union(*(ACTS_OF_LETTER[letter] for letter in letters))


CASES = [
    pytest.param(row, short, where, how, id=f"{row.name}-{short}-{where}-{how}")
    for row, short, where, how in product(ROWS, SHORT_NAMES, WHERE, HOW)
]


def test_the_number_of_cases_is_that_of_the_table():
    assert len(CASES) == 51 * 8 * 3 * 2 == 2448


@pytest.mark.parametrize(("row", "short", "where", "how"), CASES)
def test_the_policy_answers_what_the_page_says(row: PageRow, short: str, where: str, how: str):
    caller, subject = the_caller(short, how), the_subject(short, where)
    allowed = {act for act in Act if isinstance(decide(caller, Operation(row.row), subject, now=NOW, act=act), Allowed)}
    assert allowed == acts_by_the_page(row, short, where, how)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (None, DenialReason.UNAUTHENTICATED),
        ({"expires_at": NOW}, DenialReason.EXPIRED),
        ({"expires_at": NOW - timedelta(days=1)}, DenialReason.EXPIRED),
        ({"active": False}, DenialReason.DISABLED),
    ],
    ids=["no token", "expires this instant", "expired yesterday", "disabled"],
)
def test_without_a_valid_sign_in_no_role_may_do_anything(row: PageRow, change, reason):
    for short, act in product(SHORT_NAMES, Act):
        caller = None if change is None else replace(the_caller(short, "direct"), **change)
        answer = decide(caller, Operation(row.row), the_subject(short, "own firm"), now=NOW, act=act)
        assert answer == Denied(reason)
