"""The filter stage gives the lane, by the filters that the run has frozen."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert

from tests.activities.small_book import BUILD, DAY, FIRM, SmallBook
from trimtab.activities.filter import FactsMissing, FrozenInputs, filter_lane
from trimtab.activities.freeze import freeze_filters
from trimtab.contracts import AccountDayRef, RunRef, StageOutcome, run_id
from trimtab.db.tables import setting_version
from trimtab.domain.account_facts import AccountFacts
from trimtab.domain.firm_filters import DEFAULT_FIRM_FILTERS
from trimtab.domain.lifecycle import Lane, Stage, Standstill, TerminalState

SMALL = AccountFacts(
    "A1",
    standing="OPEN",
    approved_for_trading=True,
    discretionary=True,
    is_suspended=False,
    has_data_error=False,
    is_mandate=False,
    under_compliance_review=False,
    account_value=100_000.0,
    order_count=1,
    turnover=0.05,
    tax_bps=0.0,
    score=10.0,
    tracking_error=0.02,
    outcome="OPTIMAL",
)
RUN = RunRef(FIRM, run_id(FIRM, DAY), DAY)


def _facts(**changes: Any) -> dict[str, Any]:
    changed = replace(SMALL, **changes)
    return {name: getattr(changed, name) for name in AccountFacts.__slots__ if name != "account_id"}


def _filter(book: SmallBook, ref: AccountDayRef) -> StageOutcome:
    with book.transaction() as connection:
        freeze_filters(connection, RUN)
        return filter_lane(connection, ref, FrozenInputs(), build=BUILD)


@pytest.mark.covers("W-A1", "W-A2", "W-A5", "W-A6", "W-A7")
@pytest.mark.parametrize(
    ("changes", "lane", "following"),
    [
        ({}, Lane.AUTOMATED, Stage.APPROVE),
        ({"turnover": 0.21}, Lane.REVIEW, Standstill.REVIEW),
        ({"tax_bps": 51.0}, Lane.REVIEW, Standstill.REVIEW),
        ({"score": 1.0}, Lane.REVIEW, Standstill.REVIEW),
        ({"discretionary": False}, Lane.REVIEW, Standstill.REVIEW),
        ({"flags": ("NAV_OLD",)}, Lane.REVIEW, Standstill.REVIEW),
        ({"has_data_error": True}, Lane.SUSPEND, Standstill.SUSPENDED),
        ({"under_compliance_review": True}, Lane.COMPLIANCE, Standstill.REVIEW),
        ({"order_count": 0}, Lane.NO_TRADE, Stage.RECORD),
    ],
)
def test_the_lane_decides_where_the_day_goes(
    book: SmallBook, changes: dict[str, Any], lane: Lane, following: Stage | Standstill
) -> None:
    book.opened()
    ref = book.ref()
    book.analysed(ref, **_facts(**changes))
    outcome = _filter(book, ref)
    assert (outcome.lane, outcome.next) == (lane, following)
    assert book.day(ref).lane == lane
    assert outcome.reason


def test_nothing_to_trade_ends_the_day_with_its_reason(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    book.analysed(ref, **_facts(order_count=0))
    outcome = _filter(book, ref)
    assert (outcome.terminal, outcome.reason) == (TerminalState.NO_TRADE, "There is nothing to trade.")


def test_rules_that_contradict_each_other_are_never_taken_for_quiet(book: SmallBook) -> None:
    """Whatever the firm's compliance filter says: no trade is proposed because none is possible."""
    book.opened()
    ref = book.ref()
    quiet = {"combinator": "and", "rules": [{"field": "standing", "operator": "=", "value": "CLOSED"}]}
    with book.transaction() as connection:
        connection.execute(
            insert(setting_version).values(
                firm_id=FIRM, entity="firm_filter", key="compliance", effective_from=DAY, value=quiet, actor="cora"
            )
        )
    book.analysed(ref, **_facts(order_count=0, outcome="CONFLICT"))
    outcome = _filter(book, ref)
    assert (outcome.lane, outcome.next) == (Lane.REVIEW, Standstill.REVIEW)


@pytest.mark.covers("W2")
def test_the_firms_own_filter_counts_and_the_run_keeps_the_one_it_froze(book: SmallBook) -> None:
    book.opened()
    never = {"combinator": "and", "rules": [{"field": "account_value", "operator": "<", "value": 0}]}
    with book.transaction() as connection:
        freeze_filters(connection, RUN)
        connection.execute(
            insert(setting_version).values(
                firm_id=FIRM, entity="firm_filter", key="automated", effective_from=DAY, value=never, actor="olivia"
            )
        )
    book.analysed(book.ref(), **_facts())
    assert _filter(book, book.ref()).lane is Lane.AUTOMATED
    assert set(DEFAULT_FIRM_FILTERS) == {"automated", "review", "suspend", "compliance", "management"}


def test_cleared_by_compliance_it_takes_the_lane_of_the_other_filters(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    digest = book.analysed(ref, **_facts(under_compliance_review=True))
    assert _filter(book, ref).lane is Lane.COMPLIANCE
    book.decide(ref, "CLEAR", digest, actor="cora", actor_roles=["compliance"])
    book.step(ref, StageOutcome(Stage.REVIEW, Stage.FILTER))
    assert _filter(book, ref).lane is Lane.AUTOMATED


def test_an_account_without_facts_was_not_analysed(book: SmallBook) -> None:
    book.opened()
    ref = book.ref()
    book.step(ref, StageOutcome(Stage.INGEST, Stage.FILTER))
    with pytest.raises(FactsMissing):
        _filter(book, ref)
