"""What each rule of an account costs: the difference that its removal makes, inside a certified interval."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from tests.optimizer.accounts import a_lot, a_market, a_model, a_rule, an_input
from tests.optimizer.test_optimize_command import DATA, a_file, optimize
from trimtab.domain.account_settings import AccountSettings, CashNeed, RestrictionKind, WeightBand
from trimtab.domain.accounts import Registration
from trimtab.domain.optimizer.account_rules import rules_of, with_settings
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.data import build_data
from trimtab.domain.optimizer.formulation import Specification
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.objective import evaluate
from trimtab.domain.optimizer.price_tags import PriceTag, price_tags
from trimtab.domain.optimizer.targets import account_value, prepare_target
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput
from trimtab.simulated_accounts import a_book

AAA = SecurityId("AAA")
ROTH = Registration.ROTH_IRA


def tags_of(request: AnalysisInput) -> dict[str, PriceTag]:
    return {tag.rule.key: tag for tag in price_tags(request, analyze(request))}


def an_ira(settings: AccountSettings) -> AnalysisInput:
    """$1,000,000 without cash, 60 % in AAA and 40 % in BBB, half of each wanted; no tax, both of one risk."""
    market = a_market({"AAA": "10", "BBB": "10"}, specific_risk=0.2)
    lots = (a_lot("AAA", "60000", "10"), a_lot("BBB", "40000", "10"))
    model = a_model({"AAA": "0.5", "BBB": "0.5"})
    return an_input(market, model, lots=lots, settings=replace(settings, cash_target=Decimal(0)), registration=ROTH)


@pytest.mark.covers("N2")
def test_never_sell_costs_the_risk_that_stays():
    """10 % stays off in AAA and in BBB: lam d x^2 = 20 (0.2)^2 (0.1)^2 = 80 bp, less what the trade would cost.

    That is 2 bp of half spread and 5 bp of churn each way on 0.0991 of the account: 1.4 bp.
    """
    tag = tags_of(an_ira(AccountSettings(restrictions=(a_rule(RestrictionKind.NEVER_SELL, "AAA"),))))["NEVER_SELL:AAA"]

    assert float(tag.worth.value_bps) == pytest.approx(80 - 1.4, abs=0.1)
    assert tag.worth.value == pytest.approx(tag.worth.value_bps * 100, abs=Decimal("0.01"))
    assert (tag.tax, tag.cost < 0) == (0, True)
    # Of 0.1 off in each of two names, less that of the 0.0009 which it is not worth to trade.
    assert float(tag.tracking_error) == pytest.approx(0.2 * (0.1 - 0.0009) * 2**0.5, abs=1e-4)


def test_room_for_one_name_is_never_said_to_be_worth_more_than_the_whole_rule():
    """Of three names on target one is sold. The dual price of a name is a slope; the rule itself costs less than it."""
    market, model = (
        a_market({"AAA": "100", "BBB": "50", "CCC": "25"}),
        a_model({"AAA": "0.4", "BBB": "0.3", "CCC": "0.3"}),
    )
    lots = (a_lot("AAA", "400", "90"), a_lot("BBB", "600", "45"), a_lot("CCC", "1200", "20"))
    tag = tags_of(an_input(market, model, lots=lots, cash="1010", settings=AccountSettings(maximum_names=2)))[
        "MAXIMUM_NAMES"
    ]

    assert tag.marginal_bps is not None
    assert tag.marginal_bps > tag.worth.most_bps
    assert tag.sentence.endswith(" bp. One name more would be worth no more than that.")


def test_the_sentence_has_the_tags_own_figures():
    tag = tags_of(an_ira(AccountSettings(restrictions=(a_rule(RestrictionKind.NEVER_SELL, "AAA"),))))["NEVER_SELL:AAA"]

    assert tag.sentence == (
        f'"Never sell AAA" costs this account {float(tag.tracking_error) * 100:.2f} % of tracking error and saves '
        f"${-tag.cost:,.2f} of trading cost; in all {tag.worth.value_bps:.1f} bp of the account "
        f"(${tag.worth.value:,.2f}), certainly between {tag.worth.least_bps:.1f} and {tag.worth.most_bps:.1f} bp."
    )


def test_a_rule_that_does_not_bind_costs_nothing():
    rules = AccountSettings(
        restrictions=(a_rule(RestrictionKind.NEVER_BUY, "AAA"),),
        weight_bands={AAA: WeightBand(Decimal("0.1"), Decimal("0.9"))},
        minimum_trade=Decimal(0),
    )
    tags = tags_of(an_ira(rules))

    assert tags.keys() == {"NEVER_BUY:AAA", "SMALLEST_WEIGHT:AAA", "LARGEST_WEIGHT:AAA"}
    for tag in tags.values():
        assert (tag.worth.value_bps, tag.tax, tag.cost, tag.tracking_error) == (0, 0, 0, 0)
        assert tag.sentence.endswith("costs this account nothing today.")


@pytest.mark.covers("N2")
def test_the_dual_price_of_a_turnover_limit_is_what_a_little_more_of_it_gains():
    """5 % of 10 % may be traded: risk falls by 2 (20 (0.2)^2 0.05) = 0.08 a unit more, less 14 bp of cost and churn.

    So 10 bp more are worth 0.786 bp, and a solve with a limit of 5.1 % gains as much.
    """
    limited = an_ira(AccountSettings(turnover_limit=Decimal("0.05")))
    looser = an_ira(AccountSettings(turnover_limit=Decimal("0.051")))

    tag, gained = tags_of(limited)["TURNOVER"], analyze(looser).benefit_bps - analyze(limited).benefit_bps

    assert tag.marginal_bps is not None
    assert float(tag.marginal_bps) == pytest.approx(0.786, abs=0.005)
    assert float(gained) == pytest.approx(float(tag.marginal_bps), abs=0.01)
    assert tag.sentence.endswith(" 10 bp more would be worth about 0.79 bp, by its dual price.")


def test_a_limit_that_is_not_reached_has_a_dual_price_of_nothing():
    assert tags_of(an_ira(AccountSettings(turnover_limit=Decimal("0.5"))))["TURNOVER"].marginal_bps == 0


def ruled(request: AnalysisInput) -> AnalysisInput:
    """Three names that would be sold must not be, and $5,000 leave the account."""
    sold = [each.security_id for each in analyze(request).trades if each.side == "SELL"][:3]
    settings = replace(
        request.snapshot.settings,
        restrictions=tuple(a_rule(RestrictionKind.NEVER_SELL, each) for each in sold),
        cash_needs=(CashNeed(Decimal(5000), date(2026, 3, 6)),),
    )
    return with_settings(request, settings)


def best_objective_bps(request: AnalysisInput, market: MarketArrays) -> float:
    """Of the specification in cvxpy, both sides of every wash key open as far as the search left them."""
    value = account_value(request)
    data = build_data(request, prepare_target(request, value), market, value)
    everything = np.ones(len(data.lots.lots), dtype=bool), np.ones(len(data.securities.ids), dtype=bool)
    solution = Specification(data).solve(*everything)
    return evaluate(data, solution.lot_sells, solution.buys).total * 1e4


@pytest.mark.covers("N2")
def test_the_value_of_removal_by_the_specification_is_inside_the_interval():
    """Simulated accounts without a loss to harvest, so that the problem is convex and cvxpy knows the best there is."""
    market, accounts = a_book(12)
    arrays = MarketArrays.from_snapshot(market)
    for request in (ruled(each) for each in accounts if each.snapshot.account.registration == "TRADITIONAL_IRA"):
        proposal, with_rule = analyze(request, arrays), best_objective_bps(request, arrays)
        tags = price_tags(request, proposal, arrays)
        assert len(tags) == len(rules_of(request))
        for tag in tags:
            removed = with_rule - best_objective_bps(with_settings(request, tag.rule.without), arrays)
            assert float(tag.worth.least_bps) - 0.01 <= removed <= float(tag.worth.most_bps) + 0.01, tag.sentence


def test_no_rule_is_worth_less_than_nothing_but_for_the_gap():
    """Rules that only bar lists: what cannot be had without one cannot be better with it."""
    market, accounts = a_book(6)
    arrays = MarketArrays.from_snapshot(market)
    for request in map(ruled, accounts):
        for tag in price_tags(request, analyze(request, arrays), arrays):
            if tag.rule.key.startswith("NEVER_SELL"):
                assert tag.worth.most_bps >= 0
                assert tag.worth.value_bps >= -Decimal("0.5")


def test_an_account_in_conflict_has_no_price_tags():
    settings = AccountSettings(cash_reserve=Decimal(2000000))

    assert tags_of(an_ira(settings)) == {}


def test_every_setting_that_is_a_rule_has_words_and_can_be_taken_out():
    settings = AccountSettings(
        restrictions=tuple(a_rule(kind, "AAA") for kind in RestrictionKind),
        weight_bands={AAA: WeightBand(Decimal("0.1"), Decimal("0.3"))},
        cash_reserve=Decimal(1000),
        cash_needs=(CashNeed(Decimal(500), date(2026, 3, 6)),),
        turnover_limit=Decimal("0.05"),
        tracking_error_limit=Decimal("0.01"),
        gain_budget=Decimal(100),
        short_term_gain_budget=Decimal(50),
        tax_budget=Decimal(20),
        minimum_holding=Decimal(400),
        minimum_holding_days=90,
        maximum_names=30,
        cash_target=Decimal(0),
    )
    rules = rules_of(an_ira(settings))

    assert [rule.words for rule in rules] == [
        "never buy AAA",
        "never sell AAA",
        "never hold AAA",
        "never trade AAA",
        "hold at least 10.00 % of AAA",
        "hold at most 30.00 % of AAA",
        "keep a cash reserve of $1,000.00",
        "pay out $500.00 on 2026-03-06",
        "turn over at most 5.00 %",
        "have a tracking error of at most 1.00 %",
        "realise net gains of at most $100.00",
        "realise net short-term gains of at most $50.00",
        "cause tax of at most $20.00",
        "make no trade below $250.00",
        "leave no position below $400.00",
        "sell no lot younger than 90 days",
        "hold at most 30 securities",
    ]
    for rule in rules:
        assert len(rules_of(with_settings(an_ira(settings), rule.without))) == len(rules) - 1
        if rule.level:
            assert rule.level.settings_at(rule.level.value) == settings
            assert rule.level.settings_at(rule.level.loosest) != settings


def test_the_command_prints_a_tag_for_each_rule(tmp_path: Path):
    answer = optimize(DATA / "drifted.json", "--price-tags")

    lines = answer.stdout.splitlines()
    tags = lines[lines.index("price tags:") + 1 :]
    assert answer.returncode == 0
    assert any(line.startswith('    "Never sell DDD" costs this account ') for line in tags)

    document = json.loads(optimize(a_file(tmp_path, lambda _: None), "--price-tags", "--json").stdout)
    assert {tag["rule"] for tag in document["price_tags"]} >= {"NEVER_SELL:DDD", "MINIMUM_TRADE"}
