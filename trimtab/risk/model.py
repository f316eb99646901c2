"""A factor risk model as numbers: what the estimators return, and what is tested and written."""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DAYS_A_YEAR: Final = 252


@dataclass(frozen=True, slots=True, eq=False)
class RiskEstimate:
    """Covariance = exposures @ covariance @ exposures.T + diag(specific_risk^2), annualised."""

    factors: tuple[str, ...]
    exposures: Floats  # (n_securities, n_factors); NaN where there is no history
    covariance: Floats  # (n_factors, n_factors)
    specific_risk: Floats  # (n_securities,)

    @property
    def known(self) -> NDArray[np.bool_]:
        """(n_securities,): which have exposures."""
        return np.asarray(np.isfinite(self.exposures).all(axis=1) & np.isfinite(self.specific_risk))

    def variance(self, weights: Floats) -> Floats:
        """(n_portfolios,): annualised variance of each row of `weights`, (n_portfolios, n_securities)."""
        loads = weights @ np.nan_to_num(self.exposures)
        specific = (weights**2) @ np.nan_to_num(self.specific_risk) ** 2
        return np.asarray(np.einsum("pf,fg,pg->p", loads, self.covariance, loads) + specific)


class Estimator(Protocol):
    """Makes a model of the returns of the past, (days, n_securities), the last row being the newest."""

    def __call__(self, until: int) -> RiskEstimate:
        """The model as of the history's day number `until`: that day is the last that it knows."""
        ...


def day_weights(days: int, half_life: float | None) -> Floats:
    """(days,): weights that sum to one; the newest day counts twice as much as one `half_life` days before."""
    ages = np.arange(days - 1, -1, -1, dtype=np.float64)
    weights = np.ones(days) if half_life is None else 0.5 ** (ages / half_life)
    return np.asarray(weights / weights.sum())


def shrunk_covariance(returns: Floats, half_life: float | None, towards_diagonal: float | None = None) -> Floats:
    """(n, n): annualised covariance of daily `returns`, (days, n), drawn towards its own diagonal.

    With `towards_diagonal` None the intensity is the Ledoit-Wolf one for a diagonal target with unequal variances
    (Schaefer and Strimmer 2005, "A shrinkage approach to large-scale covariance matrix estimation", target D).
    """
    weights = day_weights(len(returns), half_life)
    centred = returns - weights @ returns
    sample = (centred * weights[:, None]).T @ centred
    intensity = _intensity(centred, weights, sample) if towards_diagonal is None else towards_diagonal
    shrunk = (1 - intensity) * sample + intensity * np.diag(np.diag(sample))
    return np.asarray((shrunk + shrunk.T) / 2 * DAYS_A_YEAR)


def _intensity(centred: Floats, weights: Floats, sample: Floats) -> float:
    """Sum of the variances of the off-diagonal covariances over the sum of their squares, at most 1."""
    squares = float((weights**2).sum())  # one over the number of days that count
    products = centred[:, :, None] * centred[:, None, :]
    spread = np.einsum("d,dij->ij", weights, (products - sample) ** 2) * squares
    off = ~np.eye(len(sample), dtype=np.bool_)
    total = float((sample[off] ** 2).sum())
    return 1.0 if total <= 0 else float(min(1.0, spread[off].sum() / total))


def regime(returns: Floats, covariance: Floats, half_life: float | None) -> float:
    """By how much the variances of the last weeks exceed the forecast ones: a multiplier of the covariance.

    The mean over factors of squared daily `returns`, (days, n), over forecast variances, newer days weighing more: the
    volatility regime adjustment of USE4 (Menchero, Orr and Wang 2011, section 4.3). 1 without a half-life.
    """
    if half_life is None:
        return 1.0
    daily = np.maximum(np.diag(covariance) / DAYS_A_YEAR, 1e-16)
    return float(day_weights(len(returns), half_life) @ (returns**2 / daily).mean(axis=1))
