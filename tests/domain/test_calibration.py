"""Plain words become prices: stricter words never give weaker prices."""

from datetime import date

import pytest

from trimtab.domain.account_settings import AccountSettings, Harvesting, TaxSensitivity, Tracking
from trimtab.domain.calibration import Parameters, parameters_for

A_DAY = date(2026, 3, 3)


def prices_of(settings: AccountSettings, on: date = A_DAY) -> Parameters:
    return parameters_for(settings, on)


@pytest.mark.covers("C1", "C2")
def test_a_tighter_word_makes_tracking_error_dearer_and_trades_sooner():
    loose, moderate, tight = (
        prices_of(AccountSettings(tracking=word)) for word in (Tracking.LOOSE, Tracking.MODERATE, Tracking.TIGHT)
    )

    assert (loose.risk_aversion, moderate.risk_aversion, tight.risk_aversion) == (5.0, 20.0, 80.0)
    assert (loose.tolerance, moderate.tolerance, tight.tolerance) == (5e-4, 2e-4, 1e-4)


def test_more_tax_sensitivity_counts_more_of_a_gains_tax():
    weights = [prices_of(AccountSettings(tax_sensitivity=word)).gain_tax_weight for word in TaxSensitivity]

    assert weights == [0.25, 0.5, 1.0]


def test_more_harvesting_credits_more_of_a_smaller_loss():
    off, opportunistic, aggressive = (prices_of(AccountSettings(harvesting=word)) for word in Harvesting)

    assert (off.loss_credit, opportunistic.loss_credit, aggressive.loss_credit) == (0.0, 0.5, 1.0)
    assert opportunistic.full_credit_loss > aggressive.full_credit_loss


def test_what_does_not_hang_on_a_word_is_the_same_for_all():
    tight, loose = (prices_of(AccountSettings(tracking=word)) for word in (Tracking.TIGHT, Tracking.LOOSE))

    assert (tight.churn, tight.cash_drag, tight.specific_risk_floor) == (5e-4, 0.01, 0.12)
    assert (loose.churn, loose.cash_drag, loose.specific_risk_floor) == (5e-4, 0.01, 0.12)
