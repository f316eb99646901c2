"""Market data of one business day: prices, and the risk model in plain tuples.

Risk numbers are statistics, not money: they are floats, and only the optimizer computes with them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from trimtab.domain.securities import SecurityId


@dataclass(frozen=True, slots=True)
class Price:
    security_id: SecurityId
    as_of: date
    close: Decimal  # dollars a share, as traded on `as_of`, adjusted for actions effective on the business date


@dataclass(frozen=True, slots=True)
class RiskExposure:
    """One security's row of a factor model."""

    exposures: tuple[float, ...]  # (n_factors,)
    specific_risk: float  # annualised standard deviation, a fraction (0.25 is 25 %)


@dataclass(frozen=True, slots=True)
class RiskModel:
    """Annualised covariance = B F B' + diag(specific_risk^2)."""

    id: str
    as_of: date
    factors: tuple[str, ...]
    factor_covariance: tuple[tuple[float, ...], ...]  # (n_factors, n_factors), annualised
    securities: Mapping[SecurityId, RiskExposure]
