"""The trade-off curve: a dearer risk never leaves more of it, and never pays less for having less."""

import json
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest

from tests.optimizer.accounts import a_lot, a_market, a_model, an_input
from tests.optimizer.test_optimize_command import DATA, optimize
from trimtab.domain.account_settings import AccountSettings, CashNeed
from trimtab.domain.accounts import Registration
from trimtab.domain.optimizer.curve import trade_off_curve
from trimtab.domain.optimizer.errors import RulesClash
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.snapshots import AnalysisInput, TaxYear
from trimtab.simulated_accounts import BUSINESS_DATE, a_book


@pytest.mark.covers("N18")
@pytest.mark.parametrize("year", [None, TaxYear()], ids=["fixed rates", "netting"])
def test_curves_of_a_simulated_book_are_monotone_and_mark_one_own_point(year: TaxYear | None):
    """To a hundredth of a basis point, the accuracy of the solver's answers."""
    market, accounts = a_book(12)
    arrays = MarketArrays.from_snapshot(market)
    for request in accounts:
        curve = trade_off_curve(replace(request, snapshot=replace(request.snapshot, tax_year=year)), arrays)

        assert [point.own for point in curve].count(True) == 1
        assert curve[3].own
        for looser, tighter in pairwise(curve):
            assert tighter.risk_price == 2 * looser.risk_price
            assert tighter.risk_bps <= looser.risk_bps + Decimal("0.01")
            assert tighter.paid_bps >= looser.paid_bps - Decimal("0.01")


def an_ira(gap: str) -> AnalysisInput:
    """$1,000,000, all invested: AAA `gap` shares of $10 above 50,000 wanted, BBB as many below."""
    market = a_market({"AAA": "10", "BBB": "10"}, specific_risk=0.2)
    above = Decimal(gap)
    lots = (a_lot("AAA", str(50000 + above), "10"), a_lot("BBB", str(50000 - above), "10"))
    settings = AccountSettings(cash_target=Decimal(0))
    return an_input(
        market, a_model({"AAA": "0.5", "BBB": "0.5"}), lots=lots, settings=settings, registration=Registration.ROTH_IRA
    )


def test_what_stays_off_target_is_what_trading_costs_over_the_price_of_risk():
    """lam d x = 7 bp of cost a unit on each side: x = 0.0007 / (0.04 lam), in two names: 0.2 x sqrt(2)."""
    for point in trade_off_curve(an_ira("10000"), points=5):
        left = 0.0007 / (0.04 * point.risk_price)
        assert float(point.tracking_error) == pytest.approx(0.2 * left * 2**0.5, abs=2e-5)
        assert float(point.turnover) == pytest.approx(0.1 - left, abs=1e-4)
        assert point.tax == 0


def test_an_account_in_conflict_has_no_curve():
    request = an_ira("0")
    needs = (CashNeed(Decimal(2_000_000), BUSINESS_DATE),)
    with pytest.raises(RulesClash):
        trade_off_curve(
            replace(
                request,
                snapshot=replace(request.snapshot, settings=replace(request.snapshot.settings, cash_needs=needs)),
            )
        )


def test_a_curve_has_five_seven_or_nine_points():
    assert len(trade_off_curve(an_ira("500"), points=9)) == 9
    with pytest.raises(ValueError, match="5, 7 or 9"):
        trade_off_curve(an_ira("500"), points=6)


def test_the_command_prints_a_table_with_the_own_setting_marked():
    lines = optimize(DATA / "drifted.json", "--curve").stdout.splitlines()

    table = lines[lines.index("trade-off, before whole shares (* the account's own setting):") + 1 :]
    assert table[0].split() == ["price", "of", "risk", "tracking", "error", "tax", "trading", "cost", "turnover"]
    assert [line[0] for line in table[1:]] == [" ", " ", " ", "*", " ", " ", " "]
    document = json.loads(optimize(DATA / "drifted.json", "--curve", "--json").stdout)
    assert len(document["curve"]) == 7
    assert json.loads(optimize(DATA / "conflict.json", "--curve", "--json").stdout)["curve"] == []
