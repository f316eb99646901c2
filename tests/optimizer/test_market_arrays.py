"""The shared market: risk arrays that reproduce the model, and models that cannot be refused."""

from dataclasses import replace

import numpy as np
import pytest

from tests.optimizer.accounts import a_market, a_security
from trimtab.domain.market import RiskExposure, RiskModel
from trimtab.domain.optimizer.errors import InvalidAnalysisInput
from trimtab.domain.optimizer.market_arrays import UNKNOWN_SPECIFIC_RISK, MarketArrays
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import MarketSnapshot

AAA, BBB = SecurityId("AAA"), SecurityId("BBB")


def two_factors(covariance: tuple[tuple[float, ...], ...], **changes: object) -> MarketSnapshot:
    market = a_market({"AAA": "100", "BBB": "50"})
    risk = RiskModel(
        id="two",
        as_of=market.as_of,
        factors=("MARKET", "VALUE"),
        factor_covariance=covariance,
        securities={AAA: RiskExposure((1.0, 0.5), 0.2), BBB: RiskExposure((0.8, -0.5), 0.3)},
    )
    return replace(market, risk_model=replace(risk, **changes))  # type: ignore[arg-type]


def test_whitened_loadings_reproduce_the_factor_covariance():
    """AAA: 0.04 + 2 * 0.5 * 0.01 + 0.25 * 0.09 = 0.0725; with BBB: 0.032 + (-0.5 + 0.4) * 0.01 - 0.0225 = 0.0085."""
    arrays = MarketArrays.from_snapshot(two_factors(((0.04, 0.01), (0.01, 0.09))))

    covariance = arrays.loadings @ arrays.loadings.T

    assert covariance[0, 0] == pytest.approx(0.0725)
    assert covariance[0, 1] == pytest.approx(0.0085)
    assert arrays.half_spread.tolist() == [0.0002, 0.0002]


@pytest.mark.parametrize(
    ("covariance", "complaint"),
    [
        (((0.04, 0.05), (0.05, 0.04)), "not positive semidefinite"),
        (((0.04, 0.01), (0.02, 0.09)), "not symmetric"),
        (((0.04, float("nan")), (float("nan"), 0.09)), "2 x 2 finite numbers"),
        (((0.04, 0.01),), "2 x 2 finite numbers"),
    ],
)
def test_a_covariance_that_cannot_be_is_refused(covariance: tuple[tuple[float, ...], ...], complaint: str):
    with pytest.raises(InvalidAnalysisInput, match=complaint):
        MarketArrays.from_snapshot(two_factors(covariance))


@pytest.mark.parametrize("exposure", [RiskExposure((1.0,), 0.2), RiskExposure((1.0, 0.0), -0.1)])
def test_exposures_that_cannot_be_are_refused(exposure: RiskExposure):
    with pytest.raises(InvalidAnalysisInput):
        MarketArrays.from_snapshot(two_factors(((0.04, 0.0), (0.0, 0.09)), securities={AAA: exposure}))


def test_a_security_that_the_model_does_not_cover_gets_the_mean_exposures_of_its_class():
    securities = {"CCC": a_security("CCC", asset_class="BOND"), "DDD": a_security("DDD", asset_class="BOND")}
    market = a_market(dict.fromkeys(["AAA", "CCC", "DDD"], "10"), securities=securities)
    exposures = {AAA: RiskExposure((1.0,), 0.2), SecurityId("CCC"): RiskExposure((0.2,), 0.05)}
    arrays = MarketArrays.from_snapshot(replace(market, risk_model=replace(market.risk_model, securities=exposures)))

    assert arrays.loadings[2] == pytest.approx(arrays.loadings[1])
    assert arrays.specific_risk[2] == UNKNOWN_SPECIFIC_RISK
    assert arrays.covered.tolist() == [True, True, False]


def test_a_model_without_factors_is_all_specific_risk():
    market = two_factors((), factors=(), securities={AAA: RiskExposure((), 0.2)})

    assert MarketArrays.from_snapshot(market).loadings.shape == (2, 0)


def test_equal_markets_have_equal_hashes():
    first, second = (MarketArrays.from_snapshot(a_market({"AAA": "100"})) for _ in range(2))

    assert first.market_hash == second.market_hash
    assert np.array_equal(first.loadings, second.loadings)
