"""What every account of a run shares, as arrays: built once from a `MarketSnapshot`, passed to each `analyze`."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from trimtab.domain.market import RiskModel
from trimtab.domain.optimizer.arrays import Flags, Floats
from trimtab.domain.optimizer.errors import InvalidAnalysisInput
from trimtab.domain.records import NotCanonical, content_hash
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import MarketSnapshot

UNKNOWN_SPECIFIC_RISK = 0.35
"""Annualised specific risk of a security that the risk model does not cover; it is held and never bought."""

_LARGEST_RISK = 100.0
"""Annualised: nothing swings by 10,000 % of its value, so beyond it the model is in another unit (or broken)."""

_LARGEST_EXPOSURE = 1e4

_ROUND_OFF = 1e-9
"""An eigenvalue this far below zero, relative to the largest, is round-off and counts as zero."""


@dataclass(frozen=True, slots=True, eq=False)
class MarketArrays:
    """One row a security of the master, ordered by id; k factors.

    `loadings` are whitened: loadings @ loadings.T is the factor part of the annualised covariance.
    """

    index: Mapping[SecurityId, int]
    loadings: Floats  # (n_all, k)
    specific_risk: Floats  # (n_all,), annualised standard deviation
    covered: Flags  # (n_all,), in the risk model
    half_spread: Floats  # (n_all,), fraction of price
    market_hash: str  # content hash of the snapshot

    @classmethod
    def from_snapshot(cls, market: MarketSnapshot) -> "MarketArrays":
        """Raises InvalidAnalysisInput for a number that is none, and a risk model that is malformed or not positive
        semidefinite.
        """
        ids = sorted(market.securities)
        risk = market.risk_model
        root = _covariance_root(risk)
        exposures, specific, covered = _exposures(ids, risk)
        _proxy_uncovered(exposures, covered, [market.securities[each].asset_class for each in ids])
        return cls(
            index={security_id: row for row, security_id in enumerate(ids)},
            loadings=exposures @ root,
            specific_risk=specific,
            covered=covered,
            half_spread=np.array([float(market.securities[each].half_spread_bps) for each in ids]) * 1e-4,
            market_hash=_hash_of(market),
        )


def _hash_of(market: MarketSnapshot) -> str:
    try:
        return content_hash(market)
    except NotCanonical as error:
        raise InvalidAnalysisInput(f"the market of {market.as_of}: {error}") from error


def _covariance_root(risk: RiskModel) -> Floats:
    """A square root R of the factor covariance, R @ R.T = F; symmetric, so no order of factors matters."""
    size = len(risk.factors)
    covariance = np.array(risk.factor_covariance, dtype=np.float64).reshape(-1, size) if size else np.zeros((0, 0))
    if covariance.shape != (size, size) or not (np.abs(covariance) <= _LARGEST_RISK**2).all():
        raise InvalidAnalysisInput(
            f"risk model {risk.id}: the factor covariance must be {size} x {size} finite numbers, "
            f"none above {_LARGEST_RISK**2:g}"
        )
    if not np.allclose(covariance, covariance.T, rtol=1e-6, atol=1e-12):
        raise InvalidAnalysisInput(f"risk model {risk.id}: the factor covariance is not symmetric")
    if size == 0:
        return covariance
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    if values.min() < -_ROUND_OFF * max(values.max(), 0.0):
        raise InvalidAnalysisInput(f"risk model {risk.id}: the factor covariance is not positive semidefinite")
    root: Floats = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return root


def _exposures(ids: list[SecurityId], risk: RiskModel) -> tuple[Floats, Floats, Flags]:
    size = len(risk.factors)
    exposures = np.zeros((len(ids), size))
    specific = np.full(len(ids), UNKNOWN_SPECIFIC_RISK)
    covered = np.zeros(len(ids), dtype=np.bool_)
    for row, security_id in enumerate(ids):
        known = risk.securities.get(security_id)
        if known is None:
            continue
        if len(known.exposures) != size:
            raise InvalidAnalysisInput(
                f"risk model {risk.id}: {security_id} has {len(known.exposures)} exposures, not {size}"
            )
        exposures[row], specific[row], covered[row] = known.exposures, known.specific_risk, True
    # Written so that a NaN fails.
    if not ((np.abs(exposures) <= _LARGEST_EXPOSURE).all() and ((specific >= 0) & (specific <= _LARGEST_RISK)).all()):
        raise InvalidAnalysisInput(
            f"risk model {risk.id}: exposures must be finite and at most {_LARGEST_EXPOSURE:g}, specific risks finite, "
            f"not negative and at most {_LARGEST_RISK:g}"
        )
    return exposures, specific, covered


def _proxy_uncovered(exposures: Floats, covered: Flags, classes: list[str]) -> None:
    """Give each uncovered security the mean exposures of its asset class, or of all: it is held, so it has risk."""
    if covered.all() or not covered.any():
        return
    names = np.array(classes)
    for row in np.flatnonzero(~covered):
        peers = covered & (names == names[row])
        exposures[row] = exposures[peers if peers.any() else covered].mean(axis=0)
