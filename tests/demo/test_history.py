"""What a lot cost, in today's shares, when splits lie between."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from trimtab.demo.history import History, Split, prices_in_last_shares
from trimtab.demo.universe import unlisted_security

SPLITS = {
    0: (Split(2, Fraction(4)),),
    1: (Split(1, Fraction(3, 2)), Split(2, Fraction(3, 2))),
    2: (Split(2, Fraction(1, 3)),),
}
"""Column 0 splits four for one in row 2; 1 three for two twice; 2 one for three."""

CLOSES = np.array([[174.00, 45.24, 30.50], [500.00, 30.0, 30.50], [129.00, 20.0, 91.2]])


@pytest.fixture
def history() -> History:
    first_rows = np.array([0, 0, 1])
    return History(
        sessions=(date(2020, 8, 27), date(2020, 8, 28), date(2020, 8, 31)),
        securities=(),
        closes=CLOSES,
        prices=prices_in_last_shares(CLOSES, SPLITS, first_rows),
        splits=SPLITS,
        first_rows=first_rows,
        purchase_rows=np.arange(3),
        dividends_due=np.zeros(3),
        fund_count=0,
        legacy=(),
        targets={},
        unlisted=unlisted_security(),
        business_date=date(2020, 9, 1),
        seed=1,
    )


def test_a_hundred_shares_after_a_four_for_one_cost_what_twenty_five_did(history):
    assert history.amount(0, 0, 100) == Decimal("4350.00")  # 25 x 174.00
    assert history.amount(2, 0, 100) == Decimal("12900.00")


def test_two_splits_of_three_for_two_make_nine_shares_of_four(history):
    assert history.ratio_since(0, 1) == Fraction(9, 4)
    assert history.amount(0, 1, 9) == Decimal("180.96")  # 4 x 45.24
    assert history.amount(1, 1, 9) == Decimal("180.00")  # 6 x 30.00


def test_a_reverse_split_makes_one_share_of_three(history):
    assert history.amount(1, 2, 10) == Decimal("915.00")  # 30 x 30.50


def test_only_shares_that_were_whole_then_can_have_been_bought(history):
    assert history.purchasable(0, 0, 103) == 100
    assert history.purchasable(0, 1, 103) == 99
    assert history.purchasable(1, 1, 103) == 102
    assert history.purchasable(2, 1, 103) == 103
    assert history.purchasable(0, 2, 103) == 103


def test_prices_are_in_todays_shares_and_begin_with_the_first_row(history):
    assert history.prices[:, 0] == pytest.approx([174.00 / 4, 500.00 / 4, 129.00])
    assert history.prices[:, 1] == pytest.approx([45.24 * 4 / 9, 20.0, 20.0])
    assert np.isnan(history.prices[0, 2])
    assert history.prices[1:, 2] == pytest.approx([91.50, 91.2])


def test_days_ago_are_calendar_days_of_the_business_date(history):
    assert history.first_since(1) == 2  # 2020-08-31
    assert history.first_since(4) == 1  # 2020-08-28
    assert history.first_since(100) == 0
