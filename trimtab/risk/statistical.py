"""Estimates a statistical factor risk model from daily returns: principal components, then shrinkage.

1. Securities with enough history are scaled to unit variance; the leading eigenvectors of their correlation
   matrix are the portfolios whose returns are the factors.
2. Each security's exposures are its regression on those factors over the days that it has, drawn towards the
   median security when it has few; with hardly any it gets the median security's.
3. Specific risk is the residual's, drawn towards the median by a fixed share of its logarithm.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trimtab.risk.errors import TooLittleHistory
from trimtab.risk.model import DAYS_A_YEAR, Floats, RiskEstimate, day_weights, regime, shrunk_covariance

FACTOR_COUNT = 10
CORE_COVERAGE = 0.95  # share of days that a security needs to help to define the factors
LEAST_DAYS = 30  # with fewer a security gets the median security's numbers; with none, none
HALF_TRUSTED_DAYS = 60  # with as many days half of the estimate is its own, half the median security's
SPECIFIC_SHRINKAGE = 0.1  # share of the median's logarithm in everybody's specific variance


@dataclass(frozen=True, slots=True)
class StatisticalOptions:
    """How the estimate weighs its days. Without half-lives each day counts alike, and nothing is drawn together."""

    factors: int = FACTOR_COUNT
    half_life: float | None = None  # days, of the factors' covariance
    specific_half_life: float | None = None  # days, of specific risk
    shrinkage: float | None = 0.0  # of the factor covariance towards its diagonal; None: as much as the days ask for
    regime_half_life: float | None = None  # of a multiplier that follows the last weeks


def estimate_risk(
    returns: Floats, factor_count: int = FACTOR_COUNT, options: StatisticalOptions | None = None
) -> RiskEstimate:
    """The model of daily total `returns`, (days, securities), NaN where there is none.

    Equal input gives equal output: each eigenvector's sign is chosen so that its weights sum above zero.
    `factor_count` counts where there are no `options`. Raises TooLittleHistory when too few securities have a history.
    """
    wanted = options or StatisticalOptions(factor_count)
    days = (~np.isnan(returns)).sum(axis=0)
    moving = np.nan_to_num(returns).std(axis=0) > 0
    core = np.flatnonzero((days >= CORE_COVERAGE * len(returns)) & moving)
    count = min(wanted.factors, len(core) // 2)
    if count < 1:
        raise TooLittleHistory("fewer than two securities have a history to estimate risk from")
    factor_returns = _factor_returns(returns[:, core], count)
    exposures, specific_variance = _regressions(returns, factor_returns, wanted.specific_half_life)
    exposures, specific_variance = _shrunk(exposures, specific_variance, days, core)
    covariance = (
        np.atleast_2d(np.cov(factor_returns, rowvar=False)) * DAYS_A_YEAR
        if wanted.half_life is None and wanted.shrinkage == 0.0
        else shrunk_covariance(factor_returns, wanted.half_life, wanted.shrinkage)
    )
    covariance = covariance * regime(factor_returns, covariance, wanted.regime_half_life)
    return RiskEstimate(
        factors=tuple(f"PC{number:02d}" for number in range(1, count + 1)),
        exposures=exposures,
        covariance=(covariance + covariance.T) / 2,
        specific_risk=np.sqrt(specific_variance * DAYS_A_YEAR),
    )


def _factor_returns(returns: Floats, count: int) -> Floats:
    """(days, count): returns of portfolios that hold each security by its loading over its volatility."""
    centred = np.nan_to_num(returns - np.nanmean(returns, axis=0))
    scaled = centred / centred.std(axis=0)
    _, vectors = np.linalg.eigh(scaled.T @ scaled / len(scaled))
    leading = vectors[:, ::-1][:, :count]
    leading = leading * np.where(leading.sum(axis=0) < 0, -1.0, 1.0)
    return np.asarray(scaled @ leading / scaled.shape[1] ** 0.5 * np.median(centred.std(axis=0)), dtype=np.float64)


def _regressions(returns: Floats, factor_returns: Floats, half_life: float | None) -> tuple[Floats, Floats]:
    """Least-squares exposures and daily residual variance of each security, over its own days."""
    n_securities, n_factors = returns.shape[1], factor_returns.shape[1]
    exposures = np.full((n_securities, n_factors), np.nan)
    variance = np.full(n_securities, np.nan)
    design = np.column_stack([np.ones(len(factor_returns)), factor_returns])
    for column in range(n_securities):
        there = ~np.isnan(returns[:, column])
        if there.sum() < max(LEAST_DAYS, 2 * design.shape[1]):
            continue
        coefficients, *_ = np.linalg.lstsq(design[there], returns[there, column], rcond=None)
        residuals = returns[there, column] - design[there] @ coefficients
        exposures[column] = coefficients[1:]
        variance[column] = _daily_variance(residuals, design.shape[1], half_life)
    return exposures, variance


def _daily_variance(residuals: Floats, parameters: int, half_life: float | None) -> float:
    days = len(residuals)
    if half_life is None:
        return float(residuals @ residuals / (days - parameters))
    return float(day_weights(days, half_life) @ residuals**2 * days / (days - parameters))


def _shrunk(
    exposures: Floats, variance: Floats, days: NDArray[np.int64], core: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    full = days[core].max()
    trust = np.minimum(days * (full + HALF_TRUSTED_DAYS) / ((days + HALF_TRUSTED_DAYS) * full), 1.0)[:, None]
    typical, typical_variance = np.median(exposures[core], axis=0), np.median(variance[core])
    few = np.isnan(variance) & (days > 0)
    drawn = np.where(few[:, None], typical, trust * exposures + (1 - trust) * typical)
    own_variance = np.where(few, typical_variance, variance)
    return drawn, own_variance ** (1 - SPECIFIC_SHRINKAGE) * typical_variance**SPECIFIC_SHRINKAGE
