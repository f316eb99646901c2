"""The risk estimator, on returns whose covariance is known."""

import numpy as np
import pytest

from trimtab.risk import statistical
from trimtab.risk.errors import TooLittleHistory
from trimtab.risk.statistical import estimate_risk


def returns_of(days: int, seed: int = 1) -> np.ndarray:
    """40 securities, two factors of 16 % and 5 % a year, specific risk 20 %."""
    rng = np.random.default_rng(seed)
    exposures = np.column_stack([rng.normal(1.0, 0.2, 40), rng.normal(0.0, 1.0, 40)])
    factors = rng.normal(0.0, [0.16 / 252**0.5, 0.05 / 252**0.5], (days, 2))
    return factors @ exposures.T + rng.normal(0.0, 0.20 / 252**0.5, (days, 40))


def volatility(model, weights: np.ndarray) -> float:
    exposure = weights @ model.exposures
    variance = exposure @ model.covariance @ exposure + (weights**2) @ model.specific_risk**2
    return float(variance**0.5)


def test_the_risk_of_an_equal_portfolio_is_that_of_its_past():
    returns = returns_of(500)
    equal = np.full(40, 1 / 40)
    realised = (returns @ equal).std(ddof=1) * 252**0.5
    assert volatility(estimate_risk(returns, 2), equal) == pytest.approx(realised, rel=0.03)
    assert realised == pytest.approx(0.165, rel=0.1)


def test_specific_risk_is_found_again():
    specific = estimate_risk(returns_of(500), 2).specific_risk
    assert np.median(specific) == pytest.approx(0.20, rel=0.05)
    assert specific.min() > 0.15


def test_each_securitys_own_volatility_is_kept():
    returns = returns_of(500)
    model = estimate_risk(returns, 2)
    own = [volatility(model, row) for row in np.eye(40)]
    assert np.allclose(own, returns.std(axis=0) * 252**0.5, rtol=0.1)


def test_the_factor_covariance_is_symmetric_and_positive_definite():
    covariance = estimate_risk(returns_of(500)).covariance
    assert covariance.shape == (10, 10)
    assert (covariance == covariance.T).all()
    assert np.linalg.eigvalsh(covariance).min() > 0


def test_a_newcomer_is_taken_for_the_median_security():
    returns = returns_of(500)
    returns[:-5, 3] = np.nan
    model = estimate_risk(returns, 2)
    others = np.delete(model.exposures, 3, axis=0)
    assert np.allclose(model.exposures[3], np.median(others, axis=0), atol=0.05)
    assert model.specific_risk[3] == pytest.approx(np.median(model.specific_risk), rel=0.02)


def test_a_security_without_any_return_has_no_row():
    returns = returns_of(500)
    returns[:, 7] = np.nan
    model = estimate_risk(returns, 2)
    assert np.isnan(model.exposures[7]).all()
    assert not np.isnan(np.delete(model.exposures, 7, axis=0)).any()


def test_equal_returns_give_an_equal_model():
    one, other = estimate_risk(returns_of(300)), estimate_risk(returns_of(300))
    assert (one.exposures == other.exposures).all()
    assert one.factors == other.factors == tuple(f"PC{number:02d}" for number in range(1, 11))


def test_one_security_is_no_market():
    with pytest.raises(TooLittleHistory):
        estimate_risk(returns_of(100)[:, :1])


def test_sixty_days_beside_three_thousand_count_for_half(monkeypatch):
    """Trust is 60 x 3,060 / (120 x 3,000) = 0.51; the rest is the median security."""
    returns = returns_of(3000)
    returns[:-60, 0] = np.nan
    drawn = estimate_risk(returns, 1).exposures[:, 0]
    monkeypatch.setattr(statistical, "HALF_TRUSTED_DAYS", 0)
    own = estimate_risk(returns, 1).exposures[:, 0]
    assert (drawn[1:] == own[1:]).all()
    assert drawn[0] == pytest.approx(0.51 * own[0] + 0.49 * np.median(own[1:]))
