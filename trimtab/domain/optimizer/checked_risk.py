"""Risk as the checker reads it from the factor model: plain numpy, nothing from the optimizer's market arrays."""

from collections.abc import Sequence
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import MarketSnapshot

_UNCOVERED_SPECIFIC_RISK: Final = 0.35
"""Annualised, of a security that the risk model does not cover (docs/formulation.md, section Data)."""


class CheckedRisk:
    """One market's factor model; rows are built for the securities that are asked for."""

    def __init__(self, market: MarketSnapshot) -> None:
        self._market, self._model = market, market.risk_model

    @cached_property
    def _root(self) -> NDArray[np.float64]:
        """The symmetric square root of the factor covariance, (k, k): the prices of factors are in its units."""
        size = len(self._model.factors)
        covariance = np.array(self._model.factor_covariance, dtype=np.float64).reshape(size, size)
        scale, axes = np.linalg.eigh((covariance + covariance.T) / 2)
        root: NDArray[np.float64] = axes @ np.diag(np.sqrt(np.clip(scale, 0.0, None))) @ axes.T
        return root

    def loadings(self, ids: Sequence[SecurityId]) -> NDArray[np.float64]:
        """Whitened exposures, (n, k): their outer product is the factor part of the annualised covariance."""
        rows = [self._exposures(each) for each in ids]
        return np.array(rows, dtype=np.float64).reshape(len(ids), len(self._model.factors)) @ self._root

    def specific_risk(self, ids: Sequence[SecurityId]) -> NDArray[np.float64]:
        """Annualised, the model's own, (n,)."""
        known, master = self._model.securities, self._market.securities
        return np.array(
            [
                known[each].specific_risk if each in known and each in master else _UNCOVERED_SPECIFIC_RISK
                for each in ids
            ]
        )

    def _exposures(self, security_id: SecurityId) -> Sequence[float]:
        """Its own, or the mean of its asset class when the model does not cover it; none outside the master."""
        if security_id not in self._market.securities:
            return (0.0,) * len(self._model.factors)
        known = self._model.securities.get(security_id)
        if known is not None:
            return known.exposures
        return self._class_means.get(self._market.securities[security_id].asset_class, self._class_means[None])

    @cached_property
    def _class_means(self) -> dict[str | None, Sequence[float]]:
        """Mean exposures of the covered names by asset class; None is that of all."""
        by_class: dict[str | None, list[Sequence[float]]] = {None: []}
        for security_id, security in self._market.securities.items():
            known = self._model.securities.get(security_id)
            if known is not None:
                by_class[None].append(known.exposures)
                by_class.setdefault(security.asset_class, []).append(known.exposures)
        nothing = [0.0] * len(self._model.factors)
        return {each: np.mean(rows or [nothing], axis=0).tolist() for each, rows in by_class.items()}
