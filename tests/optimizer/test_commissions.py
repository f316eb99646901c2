"""An order costs what its kind of security costs: in the trades, the books, the parts of the objective, the checker.

The account of the first tests is worth $100,000 in shares of $100: 460 AAA wanted at half of it, and 270 each of an ETF
and a fund, wanted at a quarter. All three carry the same risk, and nothing stands at a gain.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.optimizer.accounts import a_lot, a_market, a_model, a_rule, a_security, an_input
from tests.optimizer.households import a_household, a_member
from tests.optimizer.random_accounts import a_random_account, with_random_prices
from tests.optimizer.trade_lists import a_list, violations
from trimtab.domain.account_settings import AccountSettings, RestrictionKind
from trimtab.domain.accounts import CashBalance
from trimtab.domain.households import HouseholdProposal
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.attribution import attribute
from trimtab.domain.optimizer.bound import standing_prices
from trimtab.domain.optimizer.checked_account import CheckedAccount
from trimtab.domain.optimizer.checked_at_once import hold_at_once
from trimtab.domain.optimizer.checked_market import checked_market
from trimtab.domain.optimizer.checker import check
from trimtab.domain.optimizer.data import build_data
from trimtab.domain.optimizer.errors import SolverStalled
from trimtab.domain.optimizer.formulation import Specification
from trimtab.domain.optimizer.household.analysis import analyze_household
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.objective import evaluate, standing_still
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.rounding_rows import RowLedger
from trimtab.domain.optimizer.rounding_worth import UnitsWorth
from trimtab.domain.optimizer.search import search
from trimtab.domain.optimizer.targets import account_value, prepare_target
from trimtab.domain.orders import Side
from trimtab.domain.proposals import RebalanceProposal
from trimtab.domain.securities import SecurityKind
from trimtab.domain.snapshots import AnalysisInput, MarketSnapshot

ETF, FUND = SecurityKind.ETF, SecurityKind.FUND
TWENTY = Decimal(20)


def a_market_of_kinds(*names: str) -> MarketSnapshot:
    """EEE is an ETF, FFF a fund, the others are stocks; $100 each, with half a spread of 2 bp."""
    kinds = {"EEE": ETF, "FFF": FUND}
    securities = {name: replace(a_security(name), kind=kinds[name]) for name in kinds}
    return a_market(dict.fromkeys((*names, *kinds), "100"), securities=securities)


def wants(by_kind: Mapping[SecurityKind, Decimal], **changes: object) -> AccountSettings:
    plain = AccountSettings(minimum_trade=Decimal(0), cash_target=Decimal(0), commission_by_kind=by_kind)
    return replace(plain, **changes)  # type: ignore[arg-type]


def an_account(by_kind: Mapping[SecurityKind, Decimal]) -> AnalysisInput:
    lots = (a_lot("AAA", "460", "100"), a_lot("EEE", "270", "100"), a_lot("FFF", "270", "100"))
    model = a_model({"AAA": "0.5", "EEE": "0.25", "FFF": "0.25"})
    return an_input(a_market_of_kinds("AAA"), model, lots=lots, settings=wants(by_kind))


def quantities(proposal: RebalanceProposal) -> dict[str, Decimal]:
    return {each.security_id: each.quantity * (1 if each.side is Side.BUY else -1) for each in proposal.trades}


def the_data(request: AnalysisInput) -> OptimizerData:
    value = account_value(request) or Decimal(1)
    return build_data(request, prepare_target(request, value), MarketArrays.from_snapshot(request.market), value)


@pytest.mark.parametrize(
    ("by_kind", "sold"),
    [
        ({}, {"EEE", "FFF"}),
        ({FUND: TWENTY}, {"EEE"}),
        ({ETF: TWENTY}, {"FFF"}),
        ({ETF: TWENTY, FUND: TWENTY}, set()),
    ],
)
def test_of_two_equal_securities_the_one_is_sold_whose_order_is_free(by_kind, sold):
    """A trade t from scratch earns at most 10 * 0.04 * t^2: $20, 2 bp, are not earned below 2.24 % of the account."""
    proposal = analyze(an_account(by_kind))

    assert {name for name, shares in quantities(proposal).items() if shares < 0} == sold
    assert proposal.cost == Decimal("0.02") * sum(abs(shares) for shares in quantities(proposal).values())


def test_the_reason_why_not_names_the_commission_that_a_trade_would_not_earn():
    [why_not] = [each for each in analyze(an_account({FUND: TWENTY})).why_nots if each.security_id == "FFF"]

    assert why_not.sentence == (
        "FFF stays 2.00 % above its target because the trade would not earn its commission of $20.00."
    )


def a_forced_sale(by_kind: Mapping[SecurityKind, Decimal]) -> AnalysisInput:
    """100 shares each of the ETF and the fund must go; the $20,000 are wanted in cash."""
    lots = (a_lot("EEE", "100", "100"), a_lot("FFF", "100", "100"), a_lot("AAA", "800", "100"))
    rules = tuple(a_rule(RestrictionKind.NEVER_HOLD, name) for name in ("EEE", "FFF"))
    desired = wants(by_kind, restrictions=rules, cash_target=Decimal("0.2"), commission=Decimal(1))
    return an_input(a_market_of_kinds("AAA"), a_model({"AAA": "1"}), lots=lots, settings=desired)


def test_costs_and_cash_are_booked_at_the_price_of_each_order_to_the_cent():
    """Half spreads of $2 each, $4.95 for the ETF's order and $20 for the fund's; the $1 of other kinds is not paid."""
    proposal = analyze(a_forced_sale({ETF: Decimal("4.95"), FUND: TWENTY}))

    assert quantities(proposal) == {"EEE": -100, "FFF": -100}
    assert proposal.cost == Decimal("28.95")
    assert proposal.after.cash == Decimal("19971.05")
    assert proposal.after.account_value == Decimal("99971.05")


def test_each_order_counts_its_own_commission_and_the_parts_sum_to_the_improvement():
    """Of $10,000 sold 7 bp are spread and churn, $7.00; the ETF's order is $4.95 more, the fund's $20."""
    data = the_data(a_forced_sale({ETF: Decimal("4.95"), FUND: TWENTY}))
    assert data.securities.ids == ("AAA", "EEE", "FFF")
    lot_sells, buys = np.where(data.lots.security > 0, data.lots.value, 0.0), np.zeros(3)

    parts = attribute(data, lot_sells, buys)

    assert parts.cost * 100_000 == pytest.approx([0, -11.95, -27.00])
    improvement = standing_still(data).total - evaluate(data, lot_sells, buys, as_orders=True).total
    assert parts.total.sum() == pytest.approx(improvement, abs=1e-15)


def test_the_checker_refuses_costs_at_another_kinds_price():
    """The fund's order at the ETF's price would be $15.05 cheaper.

    The list's objective is 7 bp of the $20,000 sold, $24.95 of commissions, and 1 % of the $28.95 that cash falls
    short: 1.4 + 2.495 + 0.02895 bp.
    """
    request = a_forced_sale({ETF: Decimal("4.95"), FUND: TWENTY})
    right, cheap = analyze(request), analyze(a_forced_sale({ETF: Decimal("4.95"), FUND: Decimal("4.95")}))
    check(request, right)

    assert violations(request, cheap)[:2] == [
        "the cost is 28.95, not 13.90",
        "the cash after is 19971.05, not 19986.10",
    ]
    [claim] = violations(request, replace(right, certificate=cheap.certificate))
    assert claim == "its objective is 3.9239500 bp, not 2.403900"


def test_the_checkers_own_objective_counts_each_order_at_its_price():
    """The list that it makes up itself, of one ETF and one fund, has the worth that the optimizer's arrays give it."""
    request = an_account({ETF: Decimal("4.95"), FUND: TWENTY})
    data, proposal = the_data(request), a_list(request, sells={"EEE-2020-01-15-100": "10", "FFF-2020-01-15-100": "10"})
    sells = np.where(data.lots.security > 0, 0.01, 0.0)

    assert proposal.cost == Decimal("25.35")
    assert proposal.certificate is not None
    ours = evaluate(data, sells, np.zeros(3), as_orders=True).total * 1e4
    assert float(proposal.certificate.objective_bps) == pytest.approx(ours, abs=1e-9)


def test_a_list_that_pays_by_kind_is_checked_together_with_others():
    """It is ordinary: no account has to be looked at leg by leg for its prices."""
    request = an_account({ETF: Decimal("4.95"), FUND: TWENTY, SecurityKind.STOCK: Decimal("0.50")})
    lots = (a_lot("AAA", "360", "100"), a_lot("EEE", "320", "100"), a_lot("FFF", "320", "100"))
    request = an_input(request.market, request.target, lots=lots, settings=request.snapshot.settings)
    proposal = analyze(request)

    assert len(proposal.trades) == 3
    assert hold_at_once([CheckedAccount(request, proposal)], checked_market(request.market)) == [True]


def test_while_shares_are_rounded_the_first_of_an_order_costs_its_commission_and_the_second_nothing_more():
    """$10,000 of cash more than wanted: what an order takes from it saves 1 % of that."""
    request = an_account({ETF: Decimal("4.95"), FUND: TWENTY})
    request = replace(request, snapshot=replace(request.snapshot, cash=CashBalance(Decimal(10_000))))
    data = the_data(request)
    weight, limit = data.securities.share, data.lots.limit
    rules = RowLedger.of(data, weight, limit, np.zeros(3), np.zeros(0))
    worth = UnitsWorth(data, weight)
    worth.sell_from(limit, np.zeros(3), rules)

    def at(*units: int) -> float:
        sells, buys = np.maximum(-np.array(units), 0) * weight, np.maximum(np.array(units), 0) * weight
        return evaluate(data, sells, buys, as_orders=True).total

    one_more = np.ones(3, dtype=np.int64)
    here = worth.standing(np.array([0, 0, -3]))
    first, closing = worth.of_moves(one_more, here), worth.of_moves(3 * one_more, here)
    after = [at(1, 0, -3), at(0, 1, -3), at(0, 0, -2)]
    assert first == pytest.approx([total - at(0, 0, -3) for total in after])
    assert closing[2] == pytest.approx(at(0, 0, 0) - at(0, 0, -3))
    assert here.cash * 110_000 == pytest.approx(10_000 + 300 - 0.06 - 20 - 2 * 0.02)


def test_one_price_of_each_kind_gives_the_proposal_of_one_price_of_all():
    one = an_account({})
    one = replace(one, snapshot=replace(one.snapshot, settings=wants({}, commission=Decimal("1.50"))))
    each = an_account(dict.fromkeys(SecurityKind, Decimal("1.50")))

    assert replace(analyze(each), input_hash="") == replace(analyze(one), input_hash="")


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6))
def test_the_lane_answers_as_the_specification_does_where_each_kind_has_its_price(seed: int):
    data = the_data(with_random_prices(a_random_account(seed), seed))
    try:
        lane, specified = (search(data, standing_prices(data), way) for way in (None, Specification(data)))
    except SolverStalled:
        return

    totals = [evaluate(data, each.solution.lot_sells, each.solution.buys).total for each in (lane, specified)]
    assert totals[0] == pytest.approx(totals[1], abs=1e-7)


def test_a_household_pays_each_accounts_own_prices():
    """Both accounts must sell 100 ETF and 100 fund; T pays $20 for the fund's order, I $3 for the ETF's.

    The $23 are 1.15 bp of the household's $200,000, and cash that falls short by as much costs another hundredth.
    """
    lots = (a_lot("EEE", "100", "100"), a_lot("FFF", "100", "100"), a_lot("AAA", "800", "100"))
    rules = tuple(a_rule(RestrictionKind.NEVER_HOLD, name) for name in ("EEE", "FFF"))
    market, model = a_market_of_kinds("AAA"), a_model({"AAA": "1"})

    def proposed(**by_kind: Mapping[SecurityKind, Decimal]) -> HouseholdProposal:
        desired = {name: wants(each, restrictions=rules, cash_target=Decimal("0.2")) for name, each in by_kind.items()}
        members = [a_member(name, market, model, lots=lots, settings=each) for name, each in desired.items()]
        return analyze_household(a_household(market, model, *members))

    proposal, free = proposed(T={FUND: TWENTY}, I={ETF: Decimal(3)}), proposed(T={}, I={})

    assert [quantities(leg) for leg in proposal.legs] == [{"EEE": -100, "FFF": -100}] * 2
    assert [leg.cost for leg in proposal.legs] == [Decimal(24), Decimal(7)]
    assert [leg.after.cash for leg in proposal.legs] == [Decimal(19976), Decimal(19993)]
    assert free.benefit_bps - proposal.benefit_bps == pytest.approx(Decimal("1.1615"), abs=Decimal("0.001"))
