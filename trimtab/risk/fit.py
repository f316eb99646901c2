"""How well a model forecast what it had not seen: bias statistics and explained variance out of sample.

At each test date the model knows the days up to it and is held against the next ones. A portfolio's daily return over
its forecast deviation has deviation 1 when the forecast is right: that deviation is the bias statistic, above 1 when
risk was higher than forecast. With T independent returns it lies within 1 +- sqrt(2 / T) in 95 of 100 cases
(Connor, Goldberg and Korajczyk 2010, "Portfolio Risk Analysis", chapter 15).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from trimtab.risk.errors import TooLittleHistory
from trimtab.risk.model import DAYS_A_YEAR, Estimator, Floats, RiskEstimate

TEST_EVERY: Final = 21
RANDOM_PORTFOLIOS: Final = 50
NAMES_IN_EACH: Final = 50


@dataclass(frozen=True, slots=True)
class RiskFit:
    """The figures of one model over all its test days."""

    tests: int  # dates on which the model was estimated anew
    days: int  # days that it was held against
    market_bias: float  # of the equally weighted portfolio
    portfolio_bias: float  # mean over random long-only portfolios of fifty names
    active_bias: float  # mean over the same portfolios less the market: what tracking error forecasts are worth
    security_bias: float  # median over single securities
    within_band: float  # share of the random portfolios inside 1 +- sqrt(2 / days)
    yearly_bias: tuple[float, ...]  # the portfolios' mean over each 252 test days: which years were misjudged
    explained_variance: float  # share of the squared returns of single securities that the factors explain


def out_of_sample(estimate: Estimator, returns: Floats, first: int, seed: int = 1) -> RiskFit:
    """Test the model from day number `first` on, anew every 21 days. Raises TooLittleHistory."""
    periods = [
        (until, returns[until + 1 : until + 1 + TEST_EVERY]) for until in range(first, len(returns) - 1, TEST_EVERY)
    ]
    if not periods:
        raise TooLittleHistory(f"no day is left to test a model that needs {first + 1} days")
    chosen = _portfolios(returns.shape[1], seed)
    scores, unexplained, total = [], 0.0, 0.0
    for until, after in periods:
        model = estimate(until)
        scores.append(_scores(model, chosen, after))
        parts = list(_unexplained(model, after))
        unexplained += sum(part for part, _ in parts)
        total += sum(whole for _, whole in parts)
    return _fit(len(periods), np.concatenate(scores), unexplained, total)


def _portfolios(count: int, seed: int) -> Floats:
    """(1 + n, count): the equally weighted portfolio, and random ones of fifty names each."""
    rng = np.random.default_rng(seed)
    size = min(NAMES_IN_EACH, max(2, count // 2))
    rows = np.zeros((1 + RANDOM_PORTFOLIOS, count))
    rows[0] = 1.0
    for row in rows[1:]:
        row[rng.choice(count, size, replace=False)] = rng.uniform(0.2, 1.8, size)
    return rows


def _scores(model: RiskEstimate, chosen: Floats, after: Floats) -> Floats:
    """(days, 1 + n + n + securities): returns over forecast deviations; NaN where there is no forecast or return."""
    there = model.known & ~np.isnan(after).any(axis=0)
    held = chosen * there
    held = held / np.maximum(held.sum(axis=1, keepdims=True), 1e-12)
    active = held[1:] - held[0]
    weights = np.vstack([held, active])
    daily = np.sqrt(model.variance(weights) / DAYS_A_YEAR)
    portfolios = np.nan_to_num(after) @ weights.T / daily
    loads = np.nan_to_num(model.exposures)
    own = np.sqrt((np.einsum("if,fg,ig->i", loads, model.covariance, loads) + model.specific_risk**2) / DAYS_A_YEAR)
    return np.hstack([portfolios, np.where(model.known, after / own, np.nan)])


def _unexplained(model: RiskEstimate, after: Floats) -> Iterator[tuple[float, float]]:
    """(left over, in all) squared returns of each day: by least squares on the exposures known before."""
    for row in after:
        there = model.known & ~np.isnan(row)
        if there.sum() <= model.exposures.shape[1]:
            continue
        weights = 1 / model.specific_risk[there]
        design = model.exposures[there] * weights[:, None]
        solved, *_ = np.linalg.lstsq(design, row[there] * weights, rcond=None)
        left = row[there] - model.exposures[there] @ solved
        yield float(left @ left), float(row[there] @ row[there])


def _by_year(scores: Floats) -> Iterator[float]:
    for start in range(0, len(scores), DAYS_A_YEAR):
        year = scores[start : start + DAYS_A_YEAR]
        if len(year) >= DAYS_A_YEAR // 2:
            yield round(float(np.sqrt(np.nanmean(year**2, axis=0)).mean()), 3)


def _fit(tests: int, scores: Floats, unexplained: float, total: float) -> RiskFit:
    n = RANDOM_PORTFOLIOS
    bias = np.sqrt(np.nanmean(scores[:, : 1 + 2 * n] ** 2, axis=0))
    securities = scores[:, 1 + 2 * n :]
    tested = (~np.isnan(securities)).sum(axis=0) > len(scores) / 2
    own = np.sqrt(np.nanmean(securities[:, tested] ** 2, axis=0))
    band = np.sqrt(2 / len(scores))
    return RiskFit(
        tests=tests,
        days=len(scores),
        market_bias=float(bias[0]),
        portfolio_bias=float(bias[1 : 1 + n].mean()),
        active_bias=float(bias[1 + n :].mean()),
        security_bias=float(np.median(own)),
        within_band=float((np.abs(bias[1 : 1 + 2 * n] - 1) <= band).mean()),
        yearly_bias=tuple(_by_year(scores[:, 1 : 1 + n])),
        explained_variance=1 - unexplained / total if total > 0 else 0.0,
    )
