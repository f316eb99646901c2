"""What selling a lot counts in tax: ramps without cliffs, in the price and in the date (X5)."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.optimizer.accounts import a_lot, a_market, a_model, an_input
from trimtab.domain.account_settings import AccountSettings, Harvesting, HarvestSeason, TaxSensitivity
from trimtab.domain.calibration import harvest_threshold, parameters_for, wait_ramp
from trimtab.domain.optimizer.analysis import analyze
from trimtab.domain.optimizer.data import build_data
from trimtab.domain.optimizer.market_arrays import MarketArrays
from trimtab.domain.optimizer.targets import account_value, prepare_target
from trimtab.domain.snapshots import AnalysisInput

SEASON = HarvestSeason()
SEASONAL = AccountSettings(harvesting=Harvesting.AGGRESSIVE, harvest_season=SEASON)


def a_year_day(number: int) -> date:
    return date(2026, 1, 1) + timedelta(days=number)


def one_lot(price: str, on: date, settings: AccountSettings, bought: date, unit_cost: str = "100") -> AnalysisInput:
    market = a_market({"AAA": price, "BBB": "50"})
    request = an_input(market, a_model({"BBB": "1"}), lots=(a_lot("AAA", "100", unit_cost, bought),), settings=settings)
    return replace(request, snapshot=replace(request.snapshot, business_date=on))


def tax_a_share(price: str, on: date, settings: AccountSettings, bought: date = date(2025, 12, 20)) -> float:
    """Dollars that selling one of 100 shares bought at $100 counts in the objective; negative for a credit."""
    request = one_lot(price, on, settings, bought)
    value = account_value(request)
    market = MarketArrays.from_snapshot(request.market)
    data = build_data(request, prepare_target(request, value), market, value)
    return float(data.lots.tax[0]) * float(price)


@pytest.mark.covers("X5")
def test_the_threshold_falls_evenly_from_20_to_5_percent_and_stays_there_in_december():
    """167 of the 334 days from 1 January to 1 December have gone on 17 June: 20 % - 7.5 % = 12.5 %."""
    days = (date(2026, 1, 1), date(2026, 6, 17), date(2026, 12, 1), date(2026, 12, 31), date(2027, 1, 1))

    assert [harvest_threshold(SEASON, day) for day in days] == pytest.approx([0.20, 0.125, 0.05, 0.05, 0.20])


def test_without_a_season_the_threshold_is_that_of_the_style_all_year():
    settings = AccountSettings(harvesting=Harvesting.AGGRESSIVE)

    assert {parameters_for(settings, a_year_day(day)).full_credit_loss for day in (0, 200, 350)} == {0.03}


@pytest.mark.covers("X5")
def test_a_loss_of_10_percent_counts_nothing_in_january_and_whole_in_december():
    """Of $10 a share at 35 %: nothing while 10 % is half the threshold or less, all of $3.50 from 1 December."""
    assert tax_a_share("90", date(2026, 1, 2), SEASONAL) == pytest.approx(0.0, abs=0.02)
    assert tax_a_share("90", date(2026, 12, 1), SEASONAL) == pytest.approx(-3.5)


def test_the_credit_rises_evenly_between_half_the_threshold_and_the_whole():
    """On 17 June the threshold is 12.5 %: a loss of 9.375 % is half way up, 35 % of $9.375 counts half."""
    assert tax_a_share("90.625", date(2026, 6, 17), SEASONAL) == pytest.approx(-0.5 * 0.35 * 9.375)


def test_the_season_decides_on_the_business_date_whether_a_loss_is_harvested():
    """AAA (49.5 %) lies 8 % below its basis, BBB is on target: nothing in March, a harvest in December."""
    market = a_market({"AAA": "92", "BBB": "92"}, market_risk=0.0, specific_risk=0.05)
    lots = (a_lot("AAA", "495", "100", date(2026, 1, 5)), a_lot("BBB", "495", "92", date(2026, 1, 5)))
    request = an_input(market, a_model({"AAA": "0.5", "BBB": "0.5"}), lots=lots, cash="920", settings=SEASONAL)
    december = replace(request, snapshot=replace(request.snapshot, business_date=date(2026, 12, 1)))

    assert analyze(request).is_empty
    assert analyze(december).short_term_gain < 0


@given(
    st.integers(0, 364),
    st.decimals("40", "160", places=2),
    st.decimals("0.01", "0.5", places=2),
    st.sampled_from(list(Harvesting)),
    st.sampled_from(list(TaxSensitivity)),
)
def test_a_higher_price_never_makes_a_sale_cheaper_and_a_cent_never_makes_a_leap(
    day: int, price: Decimal, step: Decimal, harvesting: Harvesting, sensitivity: TaxSensitivity
):
    """The steepest part is the ramp: 2 / threshold times the loss, at most 4 dollars a dollar at 35 %."""
    settings = AccountSettings(harvesting=harvesting, harvest_season=SEASON, tax_sensitivity=sensitivity)
    on = a_year_day(day)
    lower, higher = (tax_a_share(str(each), on, settings, on - timedelta(days=300)) for each in (price, price + step))

    assert higher >= lower - 1e-12
    assert higher - lower <= 4 * 0.35 * float(step) + 1e-9


@given(st.integers(0, 363), st.decimals("40", "100", places=2), st.sampled_from(list(Harvesting)))
def test_the_credit_of_a_loss_never_shrinks_from_one_day_to_the_next_and_never_leaps(
    day: int, price: Decimal, harvesting: Harvesting
):
    """The threshold falls by 15 % / 334 = 0.045 % of basis a day: the ramp moves by less than 2 % of the credit."""
    settings = AccountSettings(harvesting=harvesting, harvest_season=SEASON)
    bought = a_year_day(day) - timedelta(days=200)
    today, tomorrow = (tax_a_share(str(price), a_year_day(each), settings, bought) for each in (day, day + 1))

    assert tomorrow <= today + 1e-12
    assert today - tomorrow <= 0.02 * 0.35 * float(100 - price) + 1e-9


# The wait for long-term.


def test_the_price_of_not_waiting_rises_over_45_days():
    assert [wait_ramp(days) for days in (46, 45, 23, 1, 0, -100)] == pytest.approx([0, 1 / 45, 23 / 45, 1, 0, 0])


def test_a_gain_a_day_before_long_term_counts_the_tax_that_a_day_would_save():
    """$20 of gain at 35 % weighs half, $3.50; half of the 15 % that waiting saves is $1.50 more. Then half of 20 %."""
    settings = AccountSettings()
    bought = date(2025, 3, 3)
    on = [tax_a_share("120", day, settings, bought) for day in (date(2026, 1, 10), date(2026, 3, 3), date(2026, 3, 4))]

    assert on == pytest.approx([3.5, 5.0, 2.0])


def test_a_client_who_counts_the_whole_tax_anyway_pays_nothing_on_top():
    settings = AccountSettings(tax_sensitivity=TaxSensitivity.HIGH)

    assert tax_a_share("120", date(2026, 3, 3), settings, date(2025, 3, 3)) == pytest.approx(7.0)


def test_a_loss_does_not_wait():
    settings = AccountSettings(harvesting=Harvesting.AGGRESSIVE)

    assert tax_a_share("80", date(2026, 3, 3), settings, date(2025, 3, 3)) == pytest.approx(-7.0)


@given(st.integers(1, 364), st.decimals("100", "300", places=2), st.sampled_from(list(TaxSensitivity)))
def test_until_it_is_long_term_a_gain_costs_a_little_more_each_day(
    age: int, price: Decimal, sensitivity: TaxSensitivity
):
    """At most a 45th of 15 % of the gain from one day to the next."""
    settings = AccountSettings(tax_sensitivity=sensitivity)
    bought = date(2025, 6, 1)
    today, tomorrow = (tax_a_share(str(price), bought + timedelta(days=age + day), settings, bought) for day in (0, 1))

    assert -1e-12 <= tomorrow - today <= 0.15 * float(price - 100) / 45 + 1e-9
