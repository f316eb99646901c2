"""Both kinds of model, on histories whose risk is known: what they find, and that they are usable whatever comes."""

import contextlib
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.risk.histories import SECTORS, returns_of
from trimtab.risk.errors import TooLittleHistory
from trimtab.risk.fit import out_of_sample
from trimtab.risk.fundamental import FundamentalEstimator, FundamentalOptions
from trimtab.risk.model import RiskEstimate, day_weights, regime, shrunk_covariance
from trimtab.risk.statistical import StatisticalOptions, estimate_risk

ALIKE = FundamentalOptions(half_life=None, specific_half_life=None, regime_half_life=None)
NAMES = [f"N{place:02d}" for place in range(30)]
SECTOR_OF = {name: SECTORS[place >= 15] for place, name in enumerate(NAMES)}


def fundamental(returns: np.ndarray, options: FundamentalOptions = ALIKE) -> FundamentalEstimator:
    return FundamentalEstimator(returns, NAMES[: returns.shape[1]], SECTOR_OF, options=options)


def test_the_market_and_the_sectors_are_found_again():
    """A variance of 0.16^2 for the market; sector returns of +-8 % about it."""
    model = fundamental(returns_of(700))(699)
    assert model.factors[:3] == ("MARKET", "SECTOR_ENERGY", "SECTOR_HEALTH_CARE")
    deviations = np.sqrt(np.diag(model.covariance))
    assert deviations[0] == pytest.approx(0.16, rel=0.12)
    assert deviations[1] == pytest.approx(0.08, rel=0.2)
    assert np.median(model.specific_risk) == pytest.approx(0.20, rel=0.05)


def test_sector_exposures_are_the_members_and_styles_are_centred():
    estimator = fundamental(returns_of(400))
    exposures = estimator.exposures(399)
    assert exposures[:, 0].tolist() == [1.0] * 30
    assert exposures[:15, 1].tolist() == [1.0] * 15
    assert exposures[15:, 1].tolist() == [0.0] * 15
    assert np.allclose(exposures[:, 3:].mean(axis=0), 0, atol=0.05)
    assert np.abs(exposures[:, 3:]).max() <= 3


def test_volumes_add_liquidity():
    returns = returns_of(400)
    dollars = np.tile(np.linspace(1e6, 1e8, 30), (400, 1))
    estimator = FundamentalEstimator(returns, NAMES, SECTOR_OF, dollars)
    assert estimator.factors[-1] == "LIQUIDITY"
    liquidity = estimator.exposures(399)[:, -1]
    assert (np.diff(liquidity) > 0).all()


def test_a_newcomer_has_its_sector_average_styles_and_the_sectors_specific_risk():
    returns = returns_of(400)
    returns[:-5, 3] = np.nan
    model = fundamental(returns)(399)
    assert model.exposures[3].tolist() == [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    assert model.specific_risk[3] == pytest.approx(np.median(model.specific_risk[:15]), rel=0.1)


def test_what_never_traded_has_no_exposures():
    returns = returns_of(400)
    returns[:, 3] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        assert fundamental(returns)(399).known.tolist() == [True] * 3 + [False] + [True] * 26


def test_too_little_is_refused():
    with pytest.raises(TooLittleHistory):
        fundamental(returns_of(40))(39)
    with pytest.raises(TooLittleHistory):
        out_of_sample(fundamental(returns_of(100)), returns_of(100), 99)


@pytest.mark.covers("D1")
def test_a_right_forecast_has_a_bias_of_one_and_half_the_risk_of_two():
    """The market is 16 % and the forecast is of the same days' kind; with half the deviations the bias doubles."""
    returns = returns_of(900)
    right = out_of_sample(fundamental(returns), returns, 500)
    assert right.days == 399
    for bias in (right.market_bias, right.portfolio_bias, right.active_bias, right.security_bias):
        assert bias == pytest.approx(1.0, abs=0.12)
    assert right.explained_variance == pytest.approx((0.16**2 + 0.08**2) / (0.16**2 + 0.08**2 + 0.2**2), abs=0.12)

    def halved(until: int) -> RiskEstimate:
        model = fundamental(returns)(until)
        return RiskEstimate(model.factors, model.exposures, model.covariance / 4, model.specific_risk / 2)

    wrong = out_of_sample(halved, returns, 860)
    assert wrong.market_bias == pytest.approx(2 * out_of_sample(fundamental(returns), returns, 860).market_bias)


def test_the_newest_day_counts_twice_as_much_as_one_a_half_life_ago():
    weights = day_weights(11, 10)
    assert weights.sum() == pytest.approx(1)
    assert weights[-1] == pytest.approx(2 * weights[0])
    assert day_weights(4, None).tolist() == [0.25] * 4


def test_a_covariance_of_independent_returns_is_drawn_to_its_diagonal_and_one_of_equal_returns_is_not():
    rng = np.random.default_rng(0)
    independent = rng.normal(0, 0.01, (60, 4))
    drawn = shrunk_covariance(independent, None)
    plain = shrunk_covariance(independent, None, 0.0)
    off = ~np.eye(4, dtype=bool)
    assert np.abs(drawn[off]).sum() < 0.5 * np.abs(plain[off]).sum()
    assert np.allclose(np.diag(drawn), np.diag(plain))
    equal = independent[:, [0, 0, 0, 0]]
    assert shrunk_covariance(equal, None)[0, 1] > 0.9 * shrunk_covariance(equal, None, 0.0)[0, 1]


def test_twice_the_forecast_variance_gives_a_regime_of_two():
    returns = np.full((50, 3), 0.02)
    covariance = np.eye(3) * 0.02**2 / 2 * 252
    assert regime(returns, covariance, 10.0) == pytest.approx(2.0)
    assert regime(returns, covariance, None) == 1.0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), holes=st.floats(0, 0.5), calm=st.integers(0, 3), factors=st.integers(1, 12))
def test_whatever_the_history_each_model_is_semidefinite_and_knows_every_security(seed, holes, calm, factors):
    """Holes anywhere, some securities that hardly ever move: finite exposures, and no risk below zero."""
    returns = returns_of(120, 14, seed)
    rng = np.random.default_rng(seed)
    returns[rng.random(returns.shape) < holes] = np.nan
    returns[0] = 0.001
    returns[1:, :calm] *= 1e-6
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # means of days without a return
        models = [fundamental(returns, FundamentalOptions())(119)]
        with contextlib.suppress(TooLittleHistory):  # no two securities without many holes
            options = StatisticalOptions(factors, 50.0, 50.0, None, 10.0)
            models.append(estimate_risk(returns, options=options))
    for model in models:
        assert model.known.all()
        assert (model.specific_risk > 0).all()
        largest = np.abs(model.covariance).max()
        assert np.linalg.eigvalsh(model.covariance).min() >= -1e-12 * largest
        assert (model.covariance == model.covariance.T).all()
