"""What trades contribute adds up without residual, with taxes that net, tilts, and rules that have a price."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.optimizer.accounts import LAST_YEAR, LONG_AGO, a_lot, a_market, a_model, an_input
from tests.optimizer.random_accounts import a_random_ruled_account, with_random_prices
from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.lots import TaxLot
from trimtab.domain.optimizer.attribution import attribute, tax_by_lot
from trimtab.domain.optimizer.data import build_data
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.objective import evaluate, standing_still
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.targets import account_value, prepare_target
from trimtab.domain.snapshots import AnalysisInput, TaxYear

YEAR = TaxYear(ordinary_rate=Decimal("0.30"), carried_loss_value=Decimal("0.10"))


def the_data(request: AnalysisInput) -> OptimizerData:
    value = account_value(request)
    return build_data(request, prepare_target(request, value), MarketArrays.from_snapshot(request.market), value)


@pytest.mark.covers("N4", "V3")
@settings(max_examples=150, deadline=None)
@given(st.integers(0, 100_000))
def test_contributions_of_any_list_sum_to_its_improvement_to_a_billionth_of_a_basis_point(seed: int):
    request, rng = with_random_prices(a_random_ruled_account(seed), seed), np.random.default_rng(seed)
    if account_value(request) <= 0:
        return
    data = the_data(request)
    lot_sells = (
        data.lots.value * rng.uniform(0, 1, len(data.lots.lots)) * (rng.uniform(0, 1, len(data.lots.lots)) < 0.6)
    )
    buys = rng.uniform(0, 0.1, len(data.securities.ids)) * (rng.uniform(0, 1, len(data.securities.ids)) < 0.4)

    parts = attribute(data, lot_sells, buys)

    improvement = standing_still(data).total - evaluate(data, lot_sells, buys, as_orders=True).total
    assert parts.total.sum() * 1e4 == pytest.approx(improvement * 1e4, abs=1e-9, rel=1e-12)
    untraded = (buys == 0) & (np.bincount(data.lots.security, lot_sells, len(buys)) == 0)
    assert (parts.total[untraded] == 0).all()


def two_sales(year: TaxYear | None, lots: tuple[TaxLot, ...]) -> AnalysisInput:
    """$100,000 of AAA and BBB at $100 a share."""
    request = an_input(a_market({"AAA": "100", "BBB": "100"}), a_model({"AAA": "0.5", "BBB": "0.5"}), lots=lots)
    return replace(request, snapshot=replace(request.snapshot, tax_year=year, settings=AccountSettings()))


GAIN, LOSS = a_lot("AAA", "500", "80", LONG_AGO), a_lot("BBB", "500", "120", LAST_YEAR)


def test_a_gain_and_a_loss_that_cancel_share_what_their_netting_saves():
    """Both sold whole: 10,000 long-term gain, 10,000 short-term loss, a year of nothing: no tax, 50 and -50 % of it.

    On the path net short a = -10,000 t and net long c = 10,000 t cancel everywhere, so N = 0 and the tax never moves;
    what each counts is equal and opposite, whatever regime is asked.
    """
    data = the_data(two_sales(YEAR, (GAIN, LOSS)))
    own = data.lots.tax - data.parameters.gain_tax_weight * data.lots.rate * data.lots.gain
    taxes = tax_by_lot(data, data.lots.value) - own * data.lots.value

    assert taxes.sum() == pytest.approx(0.0, abs=1e-15)


def test_a_loss_beyond_three_thousand_dollars_counts_at_its_average_rate():
    """10,000 of loss in a year of nothing: 3,000 save 30 %, 7,000 carried are worth 10 %: 1,600 dollars in all."""
    data = the_data(two_sales(YEAR, (LOSS, a_lot("AAA", "500", "100"))))
    sold = np.where(data.lots.gain < 0, data.lots.value, 0.0)
    own = data.lots.tax - data.parameters.gain_tax_weight * data.lots.rate * data.lots.gain

    saved = -(tax_by_lot(data, sold) - own * sold).sum() / data.parameters.gain_tax_weight * 100_000

    assert saved == pytest.approx(1600, abs=1e-6)


@pytest.mark.covers("N4")
def test_a_lot_split_in_two_contributes_what_it_did_whole():
    whole = the_data(two_sales(YEAR, (GAIN, LOSS)))
    halves = tuple(replace(a_lot("BBB", "250", "120", LAST_YEAR), id=f"half-{number}") for number in (1, 2))  # type: ignore[arg-type]
    split = the_data(two_sales(YEAR, (GAIN, *halves)))

    one, other = (attribute(data, data.lots.value * 0.7, np.zeros(2)).total for data in (whole, split))

    assert one * 1e4 == pytest.approx(other * 1e4, abs=1e-9)
    by_lot = tax_by_lot(split, split.lots.value * 0.7)
    assert by_lot[split.lots.at_loss].sum() == pytest.approx(
        tax_by_lot(whole, whole.lots.value * 0.7)[whole.lots.at_loss].sum(), abs=1e-13
    )
