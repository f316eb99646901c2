"""`trimtab filter ...` over the facts of a small book."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.activities.small_book import DAY, FIRM, SmallBook
from tests.activities.test_filter_stage import SMALL
from tests.servers import FreshDatabase
from trimtab.cli import app
from trimtab.domain.account_facts import AccountFacts
from trimtab.domain.filters import MalformedFilter
from trimtab.domain.lane_policy import DEFAULT_POLICY, json_of_policy

TURNED = "The account is wanted when the turnover is above 5 %."


@pytest.fixture
def facts(book: SmallBook) -> SmallBook:
    """A1 and A2 are small and quiet; A2 turns over 8 %, A3 is under compliance review."""
    book.opened()
    known = {name: getattr(SMALL, name) for name in AccountFacts.__slots__ if name != "account_id"}
    for account_id, changes in (("A1", {}), ("A2", {"turnover": 0.08}), ("A3", {"under_compliance_review": True})):
        book.analysed(book.ref(account_id), **{**known, "advisor_id": "ann", **changes})
    return book


def run(database: FreshDatabase, *arguments: str) -> Any:
    return CliRunner().invoke(app, ["filter", *arguments], env={"DATABASE_URL": database.app_url, "TRIMTAB_FIRM": FIRM})


def test_a_sentence_is_counted_and_shown(facts: SmallBook, database: FreshDatabase) -> None:
    assert run(database, "count", TURNED).stdout == f"{DAY}: 1 accounts. {TURNED}\n"
    found = json.loads(run(database, "count", "compliance", "--by-advisor", "--json").stdout)
    assert found["advisors"] == [{"advisor": "ann", "wanted": 1, "accounts": 3}]
    shown = json.loads(run(database, "show", TURNED, "--json").stdout)
    assert shown["accounts"] == [{"account_id": "A2", "advisor_id": "ann", "turnover": 0.08}]
    assert shown["filter"]["rules"] == [{"field": "turnover", "operator": ">", "value": 0.05}]


def test_a_json_file_is_a_filter_too(facts: SmallBook, database: FreshDatabase, tmp_path: Any) -> None:
    file = tmp_path / "mine.json"
    file.write_text('{"combinator": "and", "rules": [{"field": "turnover", "operator": ">", "value": 0.05}]}')
    assert run(database, "count", str(file)).stdout == f"{DAY}: 1 accounts. {TURNED}\n"


def test_the_lane_of_an_account_is_explained_with_its_values(facts: SmallBook, database: FreshDatabase) -> None:
    lines = run(database, "explain", "A3").stdout.splitlines()
    assert lines[:2] == [
        f"account A3, {DAY}: COMPLIANCE",
        "The compliance filter wants it: the account is under compliance review.",
    ]
    assert lines[2].startswith(
        "1. When the suspend filter wants it, suspend. The suspend filter does not want it: the account is not touched"
    )
    assert "  the standing is CLOSING: the standing is OPEN" in lines
    assert lines[-4].startswith("2. When the compliance filter wants it, compliance reviews.")


def test_a_changed_filter_is_tried_before_it_holds(facts: SmallBook, database: FreshDatabase) -> None:
    """A2 alone turns over more than 5 %; it was to trade unseen and would be looked at."""
    assert run(database, "shadow", "review", TURNED).stdout.splitlines() == [
        f"1 changes on {DAY}",
        "  AUTOMATED to REVIEW: 1",
        f"{DAY} A2: AUTOMATED to REVIEW. The review filter wants it: the turnover is 8 %.",
    ]


def test_another_order_of_the_policy_is_tried_before_it_holds(
    facts: SmallBook, database: FreshDatabase, tmp_path: Any
) -> None:
    """A policy that trades nothing unseen: A1 and A2 were to trade, and would be looked at."""
    assert run(database, "policy").stdout.splitlines()[-2:] == [
        "7. When the automated filter wants it, trade without a person.",
        "8. Otherwise a person reviews.",
    ]
    file = tmp_path / "policy.json"
    steps = json.loads(json.dumps(json_of_policy(DEFAULT_POLICY)["steps"]))[:-1]
    file.write_text(json.dumps({"steps": steps}))
    told = run(database, "shadow-policy", str(file)).stdout.splitlines()
    assert told[:2] == [f"2 changes on {DAY}", "  AUTOMATED to REVIEW: 2"]
    assert told[2] == f"{DAY} A1: AUTOMATED to REVIEW. No filter wants it, so a person looks."


def test_what_is_no_filter_is_said(facts: SmallBook, database: FreshDatabase) -> None:
    wrong = run(database, "count", "nonsense")
    assert isinstance(wrong.exception, MalformedFilter)
    assert "is no firm filter, no sentence" in str(wrong.exception)


def test_the_firms_filters_and_all_fields_are_listed(facts: SmallBook, database: FreshDatabase) -> None:
    listed = run(database, "list").stdout.splitlines()
    assert [line.split(" ")[0] for line in listed] == ["automated", "compliance", "management", "review", "suspend"]
    fields = run(database, "fields").stdout.splitlines()
    assert "turnover: turnover (number, fraction; analysis)" in fields
    assert len(fields) >= 80
