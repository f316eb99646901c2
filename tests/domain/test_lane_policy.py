"""The lane policy: an ordered document that a firm may change, within rules that keep bad trades from going out."""

from dataclasses import replace
from typing import Any

import pytest

from trimtab.domain.account_facts import AccountFacts
from trimtab.domain.firm_filters import DEFAULT_FIRM_FILTERS
from trimtab.domain.lane_policy import (
    DEFAULT_POLICY,
    LanePolicyError,
    json_of_policy,
    policy_difference,
    policy_sentences,
    read_policy,
)
from trimtab.domain.lanes import CLEARED, LanePolicy, explain, lane, lane_policy
from trimtab.domain.lifecycle import Lane

QUIET = AccountFacts(
    "A1",
    tier="PLATINUM",
    standing="OPEN",
    approved_for_trading=True,
    discretionary=True,
    is_suspended=False,
    has_data_error=False,
    under_compliance_review=False,
    account_value=100_000.0,
    order_count=2,
    turnover=0.03,
    tax_bps=5.0,
    score=4.0,
    tracking_error=0.02,
    outcome="OPTIMAL",
)
PLATINUM = {"combinator": "and", "rules": [{"field": "tier", "operator": "=", "value": "PLATINUM"}]}


def steps() -> list[dict[str, str]]:
    """The starting policy's steps as JSON: suspend, compliance, three conditions, review, automated."""
    found: Any = json_of_policy(DEFAULT_POLICY)["steps"]
    return [dict(step) for step in found]


def a_policy(listed: list[dict[str, str]], **filters: object) -> LanePolicy:
    return lane_policy(read_policy({"steps": listed}), {**DEFAULT_FIRM_FILTERS, **filters})


@pytest.mark.covers("W2", "W-B", "D19")
def test_a_firm_adds_a_filter_of_its_own_before_what_trades_unseen() -> None:
    """Platinum accounts are looked at, however small: the same account traded unseen by the starting policy."""
    assert lane(a_policy(steps()), QUIET).lane is Lane.AUTOMATED
    listed = steps()
    listed.insert(6, {"filter": "platinum", "lane": "REVIEW"})
    decision = lane(a_policy(listed, platinum=PLATINUM), QUIET)
    assert (decision.lane, decision.filter_key, decision.step) == (Lane.REVIEW, "platinum", 7)
    assert decision.reason == "The platinum filter wants it: the tier is PLATINUM."


def test_the_order_decides_between_two_filters_that_both_want_the_account() -> None:
    """Bad data and a compliance review: the first of the two steps gives the lane."""
    both = replace(QUIET, has_data_error=True, under_compliance_review=True)
    listed = steps()
    assert lane(a_policy(listed), both).lane is Lane.SUSPEND
    listed[0], listed[1] = listed[1], listed[0]
    assert lane(a_policy(listed), both).lane is Lane.COMPLIANCE


def test_the_explanation_tells_the_steps_before_the_one_that_decided() -> None:
    told = explain(a_policy(steps()), replace(QUIET, turnover=0.25))
    assert [(each.step, each.wanted) for each in told] == [(n, n == 6) for n in range(1, 7)]
    assert told[1].reason.startswith("The compliance filter does not want it: the analysis is OPTIMAL")
    assert told[3].reason == "There is something to trade."
    assert told[5].sentence == "When the review filter wants it, a person reviews."
    assert told[5].reason == "The review filter wants it: the turnover is 25 %."


def test_what_compliance_has_cleared_is_passed_over_and_said_to_be() -> None:
    told = explain(a_policy(steps()), replace(QUIET, under_compliance_review=True), CLEARED)
    assert [each.passed_over for each in told] == [True, True, False, False, False, False, False]
    assert told[-1].wanted
    assert told[0].reason == "Compliance has cleared it."


def test_what_no_step_wants_is_reviewed_and_every_step_says_why_not() -> None:
    large = replace(QUIET, account_value=600_000.0)
    told = explain(a_policy(steps()), large)
    assert [each.wanted for each in told] == [False] * 7
    assert lane(a_policy(steps()), large).step is None
    assert told[-1].reason == "The automated filter does not want it: the value is $600,000."


def _without(name: str) -> list[dict[str, str]]:
    return [step for step in steps() if name not in step.values()]


def _moved(name: str, place: int) -> list[dict[str, str]]:
    listed = _without(name)
    listed.insert(place, next(step for step in steps() if name in step.values()))
    return listed


@pytest.mark.parametrize(
    ("listed", "problem"),
    [
        (_without("suspend"), "steps: suspend is missing"),
        (_without("flagged"), "steps: flagged is missing"),
        (_moved("automated", 0), r"steps\[0\]: it trades unseen before suspend was asked"),
        (_moved("automated", 4), r"steps\[4\]: it trades unseen before flagged was asked"),
        (_moved("nothing_to_trade", 2), r"steps\[2\]: it ends the day before rules_clash was asked"),
        ([*steps(), {"filter": "review", "lane": "AUTOMATED"}], r"steps\[7\]: review stands in it twice"),
        ([{"filter": "suspend", "lane": "AUTOMATED"}, *steps()[1:]], r"steps\[0\]: suspend gives SUSPEND and no other"),
        ([*steps(), {"filter": "x", "lane": "FAST"}], r"steps\[7\]: the lane is one of"),
        ([*steps(), {"condition": "x", "lane": "REVIEW"}], r"steps\[7\]: it names a firm filter, or one of"),
        ([*steps(), {"lane": "REVIEW"}], r"steps\[7\]: a step has"),
    ],
)
def test_a_policy_that_would_trade_what_must_not_trade_is_refused(listed: list[dict[str, str]], problem: str) -> None:
    with pytest.raises(LanePolicyError, match=problem):
        read_policy({"steps": listed})


def test_a_firm_filter_may_have_the_name_of_a_condition() -> None:
    listed = [*steps()[:6], {"filter": "flagged", "lane": "REVIEW"}, steps()[6]]
    assert (
        lane(a_policy(listed, flagged=PLATINUM), QUIET).reason == "The flagged filter wants it: the tier is PLATINUM."
    )


def test_a_policy_is_read_back_from_its_json_and_told_in_english() -> None:
    assert read_policy(json_of_policy(DEFAULT_POLICY)) == DEFAULT_POLICY
    assert policy_sentences(DEFAULT_POLICY)[:4] == (
        "When the suspend filter wants it, suspend.",
        "When the compliance filter wants it, compliance reviews.",
        "When its rules contradict each other, a person reviews.",
        "When there is nothing to trade, do not trade.",
    )


def test_the_difference_of_two_policies_is_told_in_english() -> None:
    listed = [steps()[1], steps()[0], *steps()[2:4], {"condition": "flagged", "lane": "COMPLIANCE"}, steps()[6]]
    after = read_policy({"steps": [*listed, {"filter": "platinum", "lane": "REVIEW"}]})
    assert policy_difference(DEFAULT_POLICY, after) == (
        "Gone: When the review filter wants it, a person reviews.",
        "New: When the platinum filter wants it, a person reviews.",
        "Now: When it carries a flag, compliance reviews. Before: When it carries a flag, a person reviews.",
        "The order is now compliance, suspend, rules_clash, nothing_to_trade, flagged, automated.",
    )
    assert policy_difference(after, after) == ()
