"""Clashing rules are named as a minimal set, proved by deletion, with the cheapest ways out."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from scipy.optimize import linprog

from tests.optimizer.accounts import a_lot, a_market, a_model, a_rule, a_security, an_input
from tests.optimizer.test_optimize_command import DATA, optimize
from trimtab.domain.account_settings import (
    AccountSettings,
    CashNeed,
    GroupBand,
    GroupKind,
    RestrictionKind,
    WeightBand,
)
from trimtab.domain.optimizer.account_rules import rules_of, with_settings
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.conflict_sets import conflict_sets
from trimtab.domain.optimizer.data import build_data
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.targets import account_value, prepare_target
from trimtab.domain.proposals import AnalysisOutcome
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import AnalysisInput

AAA, BBB = SecurityId("AAA"), SecurityId("BBB")
PAY_DAY = date(2026, 3, 6)


def never(kind: RestrictionKind, *names: str) -> tuple[object, ...]:
    return tuple(a_rule(kind, name) for name in names)


def needing(amount: int) -> tuple[CashNeed, ...]:
    return (CashNeed(Decimal(amount), PAY_DAY),)


def an_account(settings: AccountSettings) -> AnalysisInput:
    """$100,000: 50 % AAA at a gain of $20 a share, 29 % BBB, 20 % CCC (a bond), 1 % cash; DDD is a bond too."""
    shares = {each: a_security(each, asset_class="US") for each in ("AAA", "BBB")}
    funds = {each: a_security(each, asset_class="BOND") for each in ("CCC", "DDD")}
    market = a_market({"AAA": "100", "BBB": "50", "CCC": "20", "DDD": "10"}, securities={**shares, **funds})
    lots = (a_lot("AAA", "500", "80"), a_lot("BBB", "580", "45"), a_lot("CCC", "1000", "20"))
    model = a_model({"AAA": "0.4", "BBB": "0.3", "CCC": "0.2", "DDD": "0.1"})
    return an_input(market, model, lots=lots, cash="1000", settings=settings)


SEEDED = {
    "a withdrawal beyond what may be sold": (
        AccountSettings(cash_needs=needing(60000), restrictions=never(RestrictionKind.NEVER_SELL, "AAA")),  # type: ignore[arg-type]
        {"NEVER_SELL:AAA", "CASH_NEED:2026-03-06"},
    ),
    "a withdrawal that takes more turnover than is allowed": (
        AccountSettings(cash_needs=needing(20000), turnover_limit=Decimal("0.05"), cash_reserve=Decimal(100)),
        {"CASH_NEED:2026-03-06", "TURNOVER"},
    ),
    "a withdrawal that two names of three must not be sold for": (
        AccountSettings(
            cash_needs=needing(45000),
            restrictions=never(RestrictionKind.NEVER_SELL, "AAA", "BBB"),  # type: ignore[arg-type]
            group_bands=(GroupBand(GroupKind.ASSET_CLASS, "BOND", maximum=Decimal("0.9")),),
            minimum_trade=Decimal(0),
        ),
        {"NEVER_SELL:AAA", "NEVER_SELL:BBB", "CASH_NEED:2026-03-06"},
    ),
    "a withdrawal that takes more gains than are allowed": (
        AccountSettings(cash_needs=needing(50000), gain_budget=Decimal(100)),
        {"CASH_NEED:2026-03-06", "GAIN_BUDGET"},
    ),
    "a largest weight of what must not be sold": (
        AccountSettings(
            weight_bands={AAA: WeightBand(maximum=Decimal("0.2"))},
            restrictions=never(RestrictionKind.NEVER_SELL, "AAA"),  # type: ignore[arg-type]
        ),
        {"NEVER_SELL:AAA", "LARGEST_WEIGHT:AAA"},
    ),
    "a tracking error that what must not be sold exceeds": (
        AccountSettings(
            tracking_error_limit=Decimal("0.002"),
            restrictions=never(RestrictionKind.NEVER_SELL, "AAA"),  # type: ignore[arg-type]
        ),
        {"NEVER_SELL:AAA", "TRACKING_ERROR"},
    ),
}
seeded = pytest.mark.parametrize(("settings", "clash"), SEEDED.values(), ids=SEEDED.keys())


@pytest.mark.covers("N3")
@seeded
def test_a_seeded_conflict_is_named_by_exactly_its_rules(settings: AccountSettings, clash: set[str]):
    conflicts = conflict_sets(an_account(settings))

    assert [{rule.key for rule in each.rules} for each in conflicts] == [clash]


@pytest.mark.covers("N3")
@seeded
def test_all_of_a_set_cannot_be_kept_and_without_any_one_the_others_can(settings: AccountSettings, clash: set[str]):
    core = an_account(settings)
    for rule in reversed(rules_of(core)):
        if rule.key not in clash:
            core = with_settings(core, next(each for each in rules_of(core) if each.key == rule.key).without)

    assert analyze(core).outcome is AnalysisOutcome.CONFLICT
    for rule in rules_of(core):
        assert analyze(with_settings(core, rule.without)).outcome is not AnalysisOutcome.CONFLICT, rule.words


def has_a_list(request: AnalysisInput) -> bool:
    """Whether HiGHS finds any trades inside the rules as the arrays have them; bands asked for as the settings say."""
    value = account_value(request)
    data = build_data(request, prepare_target(request, value), MarketArrays.from_snapshot(request.market), value)
    held, lots, n, m = data.securities, data.lots, len(data.securities.ids), len(data.lots.lots)
    sold = np.zeros((n, m))
    sold[lots.security, np.arange(m)] = 1
    none = np.zeros((n, n))
    above, below = [], []
    for coefficients, low, high in _bounded(request, data, np.hstack([sold, none])):
        above.append((coefficients, high))
        below.append((-coefficients, -low))
    every = [each for each in above + below if np.isfinite(each[1])]
    answer = linprog(
        np.zeros(m + n),
        A_ub=np.array([each[0] for each in every]),
        b_ub=np.array([each[1] for each in every]) + 1e-9,
        bounds=[(0, limit) for limit in lots.limit]
        + [(low, max(low, high)) for low, high in zip(held.buy_minimum, held.buy_limit, strict=True)],
        method="highs",
    )
    assert answer.status in (0, 2)
    return bool(answer.status == 0)


def _bounded(request: AnalysisInput, data: object, sold: np.ndarray) -> Iterator[tuple[np.ndarray, float, float]]:
    """Rows of sales (m) and purchases (n): cash, sales by security, bands of names, rows of the account."""
    held, lots, rows = data.securities, data.lots, data.rows  # type: ignore[attr-defined]
    n = len(held.ids)
    cash = np.concatenate([1 - held.half_spread[lots.security], -(1 + held.half_spread)])
    yield cash, data.cash_required - data.cash, np.inf  # type: ignore[attr-defined]
    for row in range(n):
        yield sold[row], held.sell_minimum[row], held.sell_limit[row]
        band = request.snapshot.settings.weight_bands.get(held.ids[row])
        if band:
            bought = np.concatenate([np.zeros(len(lots.lots)), np.eye(n)[row]])
            slack = 0.0025
            yield (
                bought - sold[row],
                float(band.minimum) - held.holding[row] - slack,
                float(band.maximum) - held.holding[row] + slack,
            )
    for row in range(len(rows.names)):
        effect = np.concatenate([rows.sale_effect(lots.security)[row], rows.purchase_effect[row]])
        yield effect, rows.low[row] - rows.start[row], rows.high[row] - rows.start[row]


@pytest.mark.covers("N3")
@pytest.mark.parametrize("name", [each for each in SEEDED if "tracking" not in each])
def test_highs_agrees_on_every_seeded_conflict(name: str):
    """An oracle that shares nothing with the product's own tests for conflicts but the arrays; linear rules only."""
    settings, clash = SEEDED[name]
    request = an_account(settings)

    assert not has_a_list(request)
    for rule in rules_of(request):
        assert has_a_list(with_settings(request, rule.without)) is (rule.key in clash), rule.words


def test_the_least_loosening_of_a_withdrawal_is_all_that_may_be_sold():
    """BBB and CCC bring 49,000 less 2 bp, and $1,000 of cash lies there: 49,990.20, in whole dollars."""
    settings, _ = SEEDED["a withdrawal beyond what may be sold"]
    fix = next(each for each in conflict_sets(an_account(settings))[0].fixes if each.level is not None)

    assert fix.level == 49990
    assert fix.sentence.startswith('Change "pay out $60,000.00 on 2026-03-06" to "pay out $49,990.00 on 2026-03-06"; ')


@seeded
def test_each_fix_alone_ends_the_conflict_and_the_first_is_the_cheapest(settings: AccountSettings, clash: set[str]):
    request = an_account(settings)
    (conflict,) = conflict_sets(request)

    assert {fix.rule.key for fix in conflict.fixes} == clash
    costs = []
    for fix in conflict.fixes:
        level = fix.rule.level
        fixed = level.settings_at(fix.level) if level and fix.level is not None else fix.rule.without
        answer = analyze(with_settings(request, fixed))
        assert answer.outcome in (AnalysisOutcome.OPTIMAL, AnalysisOutcome.NO_TRADE)
        assert answer.tax == fix.tax
        costs.append(answer.certificate.objective_bps)  # type: ignore[union-attr]
    assert costs == sorted(costs)
    assert [cost - costs[0] for cost in costs] == [fix.more_bps for fix in conflict.fixes]


def test_two_conflicts_are_two_sets():
    settings = AccountSettings(
        weight_bands={AAA: WeightBand(maximum=Decimal("0.2")), BBB: WeightBand(Decimal("0.5"))},
        restrictions=(a_rule(RestrictionKind.NEVER_SELL, "AAA"), a_rule(RestrictionKind.NEVER_BUY, "BBB")),
    )

    found = [{rule.key for rule in each.rules} for each in conflict_sets(an_account(settings))]

    assert sorted(map(sorted, found)) == [
        ["LARGEST_WEIGHT:AAA", "NEVER_SELL:AAA"],
        ["NEVER_BUY:BBB", "SMALLEST_WEIGHT:BBB"],
    ]


def test_rules_that_can_be_kept_have_no_conflict():
    assert conflict_sets(an_account(AccountSettings(cash_needs=needing(5000)))) == ()


def test_the_command_names_the_set_and_numbers_the_ways_out():
    answer = optimize(DATA / "conflict.json")

    lines = answer.stdout.splitlines()
    assert any(
        line.startswith("These rules cannot all be kept; without any one of them the others can: ") for line in lines
    )
    # Selling 300 BBB at $70 of basis and $50 realises $6,000 of loss, and less of AAA's gain.
    assert any(line.startswith('    1. Drop "never sell AAA"; the account then saves $') for line in lines)
    # $17,000 of cash and 300 BBB at $50 less 2 bp, to the dollar: as the conflict itself says.
    assert '    2. Change "pay out $60,000.00 on 2026-03-06" to "pay out $31,997.00 on 2026-03-06"; ' in answer.stdout
    asked = optimize(DATA / "conflict.json", "--price-tags", "--curve").stdout
    assert asked == answer.stdout  # rules that clash have no prices and no curve
    document = json.loads(optimize(DATA / "conflict.json", "--json").stdout)
    assert len(document["conflicts"][0]["fixes"]) == len(document["conflicts"][0]["rules"])
