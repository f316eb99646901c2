"""Filters: what they refuse, what they match, and the lanes that a firm's five filters give."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from tests.domain.factories import DAY, an_account
from trimtab.domain.account_facts import AccountFacts, fact
from trimtab.domain.account_measures import AccountHistory, OpenSuspension, facts_of, with_standing
from trimtab.domain.account_settings import AccountSettings, CashNeed
from trimtab.domain.fact_fields import FIELDS, Source
from trimtab.domain.filter_answers import matches
from trimtab.domain.filter_sentences import join_and, rule_phrase, sentence, value_text
from trimtab.domain.filters import (
    MOST_RULES,
    FilterError,
    FilterTooLarge,
    MalformedFilter,
    Operator,
    Rule,
    UnknownField,
    WrongOperator,
    WrongValue,
    parse_filter,
)
from trimtab.domain.firm_filters import DEFAULT_FIRM_FILTERS, default_firm_filters
from trimtab.domain.lanes import CLEARED, FilterKey, MatchedValue, lane, parse_firm_filters, should_have_traded
from trimtab.domain.lifecycle import Lane
from trimtab.domain.lots import HoldingPeriod, LotId
from trimtab.domain.orders import Side
from trimtab.domain.proposals import (
    AnalysisOutcome,
    LotSale,
    Measures,
    ProposedTrade,
    Reason,
    ReasonCode,
    RebalanceProposal,
)
from trimtab.domain.securities import SecurityId, SecurityKind

FIRM = default_firm_filters()

SMALL_AND_WORTH_IT = AccountFacts(
    "A1",
    advisor_id="adv-1",
    programme="core",
    tier="STANDARD",
    registration="INDIVIDUAL",
    standing="OPEN",
    discretionary=True,
    approved_for_trading=True,
    is_suspended=False,
    has_data_error=False,
    is_mandate=False,
    under_compliance_review=False,
    account_value=200_000.0,
    cash_need=0.0,
    order_count=3,
    max_drift=0.02,
    active_share=0.04,
    tracking_error=0.01,
    turnover=0.03,
    traded_value=12_000.0,
    tax=80.0,
    tax_bps=4.0,
    cost_bps=0.5,
    realized_gain=400.0,
    benefit_bps=12.0,
    gap_bps=0.1,
    score=2.7,
    outcome="OPTIMAL",
)


def rule(field: str, operator: str, value: object = None) -> dict[str, object]:
    return {"field": field, "operator": operator, "value": value}


def group(*rules: object, combinator: str = "and", negated: bool = False) -> dict[str, object]:
    return {"combinator": combinator, "not": negated, "rules": list(rules)}


def wants(json_value: object, **changes: object) -> bool:
    return matches(parse_filter(json_value), replace(SMALL_AND_WORTH_IT, **changes))  # type: ignore[arg-type]


# --- reading --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("json_value", "error", "path"),
    [
        (None, MalformedFilter, ""),
        ([], MalformedFilter, ""),
        ({"combinator": "and"}, MalformedFilter, ""),
        (group(), MalformedFilter, ""),
        (group(rule("turnover", "<", 1), combinator="xor"), MalformedFilter, ""),
        ({**group(rule("turnover", "<", 1)), "not": "no"}, MalformedFilter, ""),
        ({**group(rule("turnover", "<", 1)), "sql": "1=1"}, MalformedFilter, ""),
        (group(rule("turnover", "<", 1), group()), MalformedFilter, "rules[1]"),
        (group({**rule("turnover", "<", 1), "valueSource": "field"}), MalformedFilter, "rules[0]"),
        (group(rule("account_id", "=", "A1")), UnknownField, "rules[0]"),
        (group(rule("__class__", "=", "x")), UnknownField, "rules[0]"),
        (group({"field": 7, "operator": "=", "value": 1}), UnknownField, "rules[0]"),
        (group(group(rule("turnover", "~", 1))), WrongOperator, "rules[0].rules[0]"),
        (group(rule("turnover", "contains", 1)), WrongOperator, "rules[0]"),
        (group(rule("discretionary", ">", True)), WrongOperator, "rules[0]"),
        (group(rule("flags", "=", "X")), WrongOperator, "rules[0]"),
        (group(rule("turnover", "<", "0.1")), WrongValue, "rules[0]"),
        (group(rule("turnover", "<", True)), WrongValue, "rules[0]"),
        (group(rule("turnover", "<", float("nan"))), WrongValue, "rules[0]"),
        (group(rule("turnover", "<")), WrongValue, "rules[0]"),
        (group(rule("turnover", "between", [1])), WrongValue, "rules[0]"),
        (group(rule("turnover", "between", [2, 1])), WrongValue, "rules[0]"),
        (group(rule("discretionary", "=", 1)), WrongValue, "rules[0]"),
        (group(rule("standing", "=", "OPENED")), WrongValue, "rules[0]"),
        (group(rule("programme", "=", "x" * 201)), WrongValue, "rules[0]"),
        (group(rule("programme", "=", "a\0b")), WrongValue, "rules[0]"),
        (group(rule("tier", "in", [])), WrongValue, "rules[0]"),
        (group(rule("tier", "in", "PLATINUM")), WrongValue, "rules[0]"),
    ],
)
def test_a_filter_that_cannot_be_read_says_where(json_value: object, error: type[FilterError], path: str) -> None:
    with pytest.raises(error) as raised:
        parse_filter(json_value)
    assert raised.value.path == path


def test_depth_and_number_of_rules_are_capped() -> None:
    deep: object = rule("turnover", "<", 1)
    for _ in range(6):
        deep = group(deep)
    parse_filter(deep)
    with pytest.raises(FilterTooLarge):
        parse_filter(group(deep))
    many = [rule("turnover", "<", 1)] * MOST_RULES
    parse_filter(group(*many))
    with pytest.raises(FilterTooLarge):
        parse_filter(group(*many, rule("turnover", "<", 1)))
    with pytest.raises(FilterTooLarge):
        parse_filter(group(group(*many), group(rule("turnover", "<", 1))))


def test_every_field_is_a_value_of_the_row() -> None:
    for name in FIELDS:
        fact(SMALL_AND_WORTH_IT, name)
    assert set(FIELDS) == set(AccountFacts.__dataclass_fields__) - {"account_id", "ancillary"}


# --- deciding -------------------------------------------------------------------------------------------------


@pytest.mark.covers("W1")
@pytest.mark.parametrize(
    ("operator", "value", "matched"),
    [
        ("=", 0.03, True),
        ("!=", 0.03, False),
        ("<", 0.03, False),
        ("<=", 0.03, True),
        (">", 0.03, False),
        (">=", 0.03, True),
        ("between", [0.03, 0.04], True),
        ("between", [0.03, 0.03], True),
        ("between", [0.01, 0.02], False),
        ("notBetween", [0.03, 0.04], False),
        ("null", None, False),
        ("notNull", None, True),
    ],
)
def test_numbers_compare_at_their_limits(operator: str, value: object, matched: bool) -> None:
    assert wants(group(rule("turnover", operator, value))) is matched


def test_words_and_sets_compare() -> None:
    assert wants(group(rule("tier", "in", ["STANDARD", "PLATINUM"])))
    assert not wants(group(rule("tier", "notIn", ["STANDARD"])))
    assert wants(group(rule("standing", "!=", "CLOSING")))
    assert wants(group(rule("flags", "contains", "WASH_SALE")), flags=("A", "WASH_SALE"))
    assert wants(group(rule("flags", "doesNotContain", "WASH_SALE")))
    assert not wants(group(rule("discretionary", "!=", True)))


def test_groups_combine_and_negate() -> None:
    low, high = rule("turnover", "<", 0.01), rule("score", ">", 2)
    assert wants(group(low, high, combinator="or"))
    assert not wants(group(low, high))
    assert wants(group(low, high, negated=True))
    assert not wants(group(low, group(low, high), combinator="or"))


@pytest.mark.parametrize("negated", [False, True])
@pytest.mark.parametrize(("operator", "value"), [("<", 9.0), ("!=", 9.0), ("between", [0, 9])])
def test_an_unknown_value_matches_nothing_not_even_when_negated(operator: str, value: object, negated: bool) -> None:
    assert not wants(group(rule("score", operator, value), negated=negated), score=None)


def test_an_unknown_value_does_not_hide_what_decides_without_it() -> None:
    unknown, true, false = rule("score", ">", 1), rule("turnover", "<", 1), rule("turnover", ">", 1)
    assert wants(group(unknown, true, combinator="or"), score=None)
    assert not wants(group(unknown, true), score=None)
    assert wants(group(unknown, false, negated=True), score=None)  # not (unknown and false) = true, as in SQL
    assert wants(group(rule("score", "null")), score=None)
    assert wants(group(rule("flags", "null")), flags=None)


def test_a_comparison_built_by_hand_with_a_word_is_refused_not_guessed() -> None:
    with pytest.raises(WrongValue):
        matches(
            replace(parse_filter(group(rule("turnover", "<", 1))), rules=(_wrong(),)),
            SMALL_AND_WORTH_IT,
        )


def _wrong() -> Rule:
    return Rule(FIELDS["turnover"], Operator.LESS, "much")


# --- lanes ----------------------------------------------------------------------------------------------------


@pytest.mark.covers("W-A1", "W-A2", "W-A3", "W-A5", "W-A6", "W-A7")
def test_a_small_sound_account_with_trades_worth_it_is_automated() -> None:
    decision = lane(FIRM, SMALL_AND_WORTH_IT)
    assert (decision.lane, decision.filter_key) == (Lane.AUTOMATED, FilterKey.AUTOMATED)
    assert MatchedValue("score", 2.7) in decision.matched
    assert "the turnover is 3 %" in decision.reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"standing": "CLOSED"}, "standing is CLOSED", marks=pytest.mark.covers("W-A1")),
        pytest.param({"account_value": 500_001.0}, "value is $500,001", marks=pytest.mark.covers("W-A3")),
        pytest.param({"score": 1.99}, "score is 1.99", marks=pytest.mark.covers("W-A5")),
        pytest.param({"turnover": 0.11}, "turnover is 11 %", marks=pytest.mark.covers("W-A6")),
        pytest.param({"tax_bps": 20.5}, "tax is 20.5 bp", marks=pytest.mark.covers("W-A7")),
        pytest.param({"score": None}, "score is unknown", marks=pytest.mark.covers("W-A5")),
    ],
)
def test_one_criterion_missed_leaves_it_to_a_person_with_the_reason(changes: dict[str, object], reason: str) -> None:
    decision = lane(FIRM, replace(SMALL_AND_WORTH_IT, **changes))  # type: ignore[arg-type]
    assert (decision.lane, decision.filter_key) == (Lane.REVIEW, None)
    assert reason in decision.reason


@pytest.mark.covers("W-A4")
def test_a_mandate_trades_without_a_score() -> None:
    assert lane(FIRM, replace(SMALL_AND_WORTH_IT, score=0.0, is_mandate=True)).lane is Lane.AUTOMATED


@pytest.mark.covers("W-B")
@pytest.mark.parametrize(
    ("account_value", "turnover", "tax_bps", "wanted"),
    [
        (400_000.0, 0.10, 20.0, False),
        (400_000.0, 0.21, 4.0, True),
        (400_000.0, 0.03, 51.0, True),
        (600_000.0, 0.05, 10.0, False),
        (600_000.0, 0.06, 4.0, True),
        (600_000.0, 0.03, 11.0, True),
        (2_100_000.0, 0.02, 5.0, False),
        (2_100_000.0, 0.03, 4.0, True),
        (2_100_000.0, 0.01, 6.0, True),
    ],
)
def test_the_larger_the_account_the_lower_the_thresholds_of_review(
    account_value: float, turnover: float, tax_bps: float, wanted: bool
) -> None:
    facts = replace(SMALL_AND_WORTH_IT, account_value=account_value, turnover=turnover, tax_bps=tax_bps)
    assert matches(FIRM.filters["review"], facts) is wanted


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"has_data_error": True}, marks=pytest.mark.covers("W-C1")),
        pytest.param({"standing": "CLOSING"}, marks=pytest.mark.covers("W-C2")),
        pytest.param({"is_suspended": True}, marks=pytest.mark.covers("W-C3", "W-C5", "D17")),
        pytest.param({"approved_for_trading": False}, marks=pytest.mark.covers("W-C4", "D18")),
    ],
)
def test_suspend_goes_before_everything_also_without_trades(changes: dict[str, object]) -> None:
    facts = replace(SMALL_AND_WORTH_IT, outcome="CONFLICT", flags=("X",), **changes)  # type: ignore[arg-type]
    assert lane(FIRM, facts).lane is Lane.SUSPEND
    assert lane(FIRM, replace(facts, order_count=0)).lane is Lane.SUSPEND


@pytest.mark.covers("W-D1")
@pytest.mark.parametrize(
    "changes", [{"outcome": "CONFLICT", "order_count": 0}, {"tracking_error": 0.11}, {"under_compliance_review": True}]
)
def test_rules_that_create_risk_go_to_compliance_and_on_when_cleared(changes: dict[str, object]) -> None:
    """Cleared, rules that contradict each other are still a person's: that nothing can trade must not pass as quiet."""
    facts = replace(SMALL_AND_WORTH_IT, **changes)  # type: ignore[arg-type]
    assert (lane(FIRM, facts).lane, lane(FIRM, facts).filter_key) == (Lane.COMPLIANCE, FilterKey.COMPLIANCE)
    after = lane(FIRM, facts, cleared=CLEARED)
    assert after.lane is (Lane.AUTOMATED if facts.order_count else Lane.REVIEW)


@pytest.mark.covers("D15")
def test_a_flag_means_review_whatever_the_filters_say() -> None:
    decision = lane(FIRM, replace(SMALL_AND_WORTH_IT, flags=("NAV_OLD", "NON_DISCRETIONARY")))
    assert decision.lane is Lane.REVIEW
    assert decision.reason == "A person looks because of NAV_OLD and NON_DISCRETIONARY."
    assert decision.matched == (MatchedValue("flags", ("NAV_OLD", "NON_DISCRETIONARY")),)


@pytest.mark.parametrize("order_count", [0, None])
def test_without_trades_there_is_nothing_to_review(order_count: int | None) -> None:
    facts = replace(SMALL_AND_WORTH_IT, order_count=order_count, discretionary=False, flags=("X",))
    assert lane(FIRM, facts).lane is Lane.NO_TRADE


def test_the_review_filter_says_what_it_saw() -> None:
    decision = lane(FIRM, replace(SMALL_AND_WORTH_IT, turnover=0.25))
    assert decision.filter_key == FilterKey.REVIEW
    assert decision.matched == (MatchedValue("turnover", 0.25),)
    assert decision.reason == "The review filter wants it: the turnover is 25 %."


def test_a_negated_group_is_explained_by_what_is_inside() -> None:
    not_small = group(rule("account_value", "<=", 100_000), rule("turnover", "<=", 0.5), negated=True)
    filters = parse_firm_filters({**DEFAULT_FIRM_FILTERS, "review": group(not_small)})
    assert lane(filters, SMALL_AND_WORTH_IT).matched == (MatchedValue("account_value", 200_000.0),)


def test_an_or_is_explained_by_the_rules_that_hold_and_its_failure_by_all() -> None:
    either = group(rule("score", ">", 2), rule("turnover", ">", 0.5), combinator="or")
    wanted = parse_firm_filters({**DEFAULT_FIRM_FILTERS, "automated": either})
    assert lane(wanted, SMALL_AND_WORTH_IT).matched == (MatchedValue("score", 2.7),)
    neither = replace(SMALL_AND_WORTH_IT, score=1.0)
    assert lane(wanted, neither).matched == (MatchedValue("score", 1.0), MatchedValue("turnover", 0.03))
    nested = group(rule("score", ">", 2), group(rule("tax_bps", ">", 3), rule("turnover", ">", 0.5)), combinator="or")
    filters = parse_firm_filters({**DEFAULT_FIRM_FILTERS, "automated": nested})
    assert lane(filters, SMALL_AND_WORTH_IT).matched == (MatchedValue("score", 2.7),)
    both = group(rule("score", ">", 2), rule("turnover", "<", 0.5))
    one_missed = parse_firm_filters({**DEFAULT_FIRM_FILTERS, "automated": both})
    assert lane(one_missed, neither).matched == (MatchedValue("score", 1.0),)


@pytest.mark.covers("W-E2")
def test_management_finds_drift_that_nobody_traded() -> None:
    idle = replace(SMALL_AND_WORTH_IT, order_count=0, max_drift=0.06)
    assert should_have_traded(FIRM, idle)
    assert not should_have_traded(FIRM, replace(idle, is_suspended=True))
    assert not should_have_traded(FIRM, replace(idle, max_drift=0.05))


@pytest.mark.covers("W2")
def test_a_firm_may_edit_its_filters_and_must_keep_all_five() -> None:
    edited = {**DEFAULT_FIRM_FILTERS, "automated": group(rule("tier", "=", "PLATINUM"))}
    assert lane(parse_firm_filters(edited), SMALL_AND_WORTH_IT).lane is Lane.REVIEW
    with pytest.raises(MalformedFilter, match="suspend: is missing"):
        parse_firm_filters({key: value for key, value in edited.items() if key != "suspend"})


def test_the_default_filters_are_plain_json() -> None:
    assert parse_firm_filters(json.loads(json.dumps(DEFAULT_FIRM_FILTERS))) == FIRM


# --- English --------------------------------------------------------------------------------------------------


def test_a_filter_reads_as_a_sentence() -> None:
    tree = parse_filter(
        group(
            rule("standing", "=", "OPEN"),
            rule("account_value", "<=", 500_000),
            group(rule("is_mandate", "=", True), rule("score", ">=", 2), combinator="or"),
            group(rule("tax_bps", ">", 12.5), negated=True),
        )
    )
    assert sentence(tree) == (
        "The account is wanted when the standing is OPEN and the value is at most $500,000 and "
        "(the account is required to trade by a mandate or the score is at least 2) and not (the tax is above 12.5 bp)."
    )


@pytest.mark.parametrize(
    ("json_rule", "phrase"),
    [
        (rule("is_suspended", "=", False), "the account is not suspended"),
        (rule("is_suspended", "!=", False), "the account is suspended"),
        (rule("turnover", "between", [0.05, 0.1]), "the turnover is between 5 % and 10 %"),
        (rule("tier", "in", ["GOLD", "PLATINUM"]), "the tier is one of GOLD, PLATINUM"),
        (rule("flags", "contains", "WASH_SALE"), "the flags hold WASH_SALE"),
        (rule("score", "null"), "the score is unknown"),
        (rule("realized_gain", "<", -1500), "the realised gain is below -$1,500"),
        (rule("order_count", "=", 0), "the number of trades is 0"),
    ],
)
def test_each_rule_reads_as_english(json_rule: dict[str, object], phrase: str) -> None:
    (node,) = parse_filter(group(json_rule)).rules
    assert isinstance(node, Rule)
    assert rule_phrase(node) == phrase


def test_numbers_are_written_without_noise() -> None:
    assert value_text(FIELDS["score"], -0.001) == "0"
    assert value_text(FIELDS["score"], 1234.5) == "1,234.5"
    assert value_text(FIELDS["tax"], 0.4) == "$0"
    assert value_text(FIELDS["discretionary"], True) == "True"
    assert join_and([]) == ""
    assert join_and(["a", "b", "c"]) == "a, b and c"


def test_a_set_is_observed_as_a_set() -> None:
    filters = parse_firm_filters(
        {**DEFAULT_FIRM_FILTERS, "compliance": group(rule("flags", "doesNotContain", "CLEAN"))}
    )
    assert "there are no flags" in lane(filters, SMALL_AND_WORTH_IT).reason
    assert "the flags are A, B" in lane(filters, replace(SMALL_AND_WORTH_IT, flags=("A", "B"))).reason


# --- the row --------------------------------------------------------------------------------------------------


def a_proposal(trades: tuple[ProposedTrade, ...], account_value: str = "100000") -> RebalanceProposal:
    before = Measures(Decimal(account_value), Decimal(500), Decimal("0.04"), Decimal("0.05"), Decimal("0.03"))
    after = Measures(Decimal(account_value), Decimal(900), Decimal("0.01"), Decimal("0.02"), Decimal("0.01"))
    return RebalanceProposal(
        "A1",
        DAY,
        "0" * 64,
        AnalysisOutcome.OPTIMAL,
        trades,
        (),
        before,
        after,
        Decimal(-100),
        Decimal(400),
        Decimal(45),
        Decimal(12),
        Decimal("0.02"),
        Decimal(8),
        Decimal("0.1"),
        Decimal("1.4"),
    )


def test_the_row_of_an_account_takes_its_measures_in_their_units() -> None:
    sale = LotSale(LotId("L"), Decimal(4), Decimal(400), Decimal(300), Decimal(100), HoldingPeriod.LONG_TERM)
    trades = (
        ProposedTrade(
            SecurityId("VTI"),
            Side.SELL,
            Decimal(4),
            Decimal(100),
            Decimal(400),
            (sale,),
            (Reason(ReasonCode.CASH_NEED, "cash"),),
        ),
    )
    settings = AccountSettings(
        cash_needs=(CashNeed(Decimal(350), DAY),),
        commission=Decimal("4.95"),
        commission_by_kind={SecurityKind.FUND: Decimal(20), SecurityKind.ETF: Decimal(0)},
    )
    facts = facts_of(an_account(), settings, a_proposal(trades), flags=["B", "A", "B"])
    assert (facts.tax_bps, facts.cost_bps, facts.tax) == (4.5, 1.2, 45.0)
    assert (facts.realized_gain, facts.traded_value, facts.order_count) == (300.0, 400.0, 1)
    assert (facts.max_drift, facts.tracking_error, facts.is_mandate) == (0.04, 0.01, True)
    assert (facts.cash_need, facts.flags, facts.standing) == (350.0, ("A", "B"), "OPEN")
    assert facts.commission == 20.0  # of the dearest kind of security


def test_the_row_of_an_account_without_analysis_knows_no_measures() -> None:
    opened = (OpenSuspension("ADVISOR", "FLOW_EXPECTED", date(2026, 2, 27)),)
    facts = with_standing(facts_of(an_account(), AccountSettings(), None), opened, AccountHistory(), date(2026, 3, 2))
    assert (facts.is_suspended, facts.turnover, facts.order_count, facts.score) == (True, None, None, None)
    assert (facts.flow_expected, facts.has_data_error, facts.days_suspended) == (True, False, 3)
    unmeasured = (Source.ANALYSIS, Source.HOLDINGS)
    assert all(fact(facts, each.name) is None for each in FIELDS.values() if each.source in unmeasured)


def test_an_empty_account_has_no_tax_in_basis_points() -> None:
    assert facts_of(an_account(), AccountSettings(), a_proposal((), "0")).tax_bps is None
