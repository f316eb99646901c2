"""Checks of a risk model's covariance as delivered."""

from collections.abc import Sequence

import numpy as np

from trimtab.feeds.errors import FeedRefused

_SYMMETRY = 1e-9  # relative to the largest entry
_SEMIDEFINITE = 1e-8


def refuse_bad_covariance(rows: Sequence[tuple[str, Sequence[float]]], factors: Sequence[str]) -> None:
    """Raises FeedRefused unless the matrix is square over `factors`, symmetric and positive semidefinite.

    `rows` are (factor, covariances in the order of `factors`).
    """
    by_factor = dict(rows)
    if len(by_factor) != len(rows) or sorted(by_factor) != sorted(factors):
        raise FeedRefused("FEED_SCHEMA", "the covariance's rows and columns do not name the same factors")
    matrix = np.array([by_factor[factor] for factor in factors], dtype=np.float64)
    largest = float(np.abs(matrix).max())
    if float(np.abs(matrix - matrix.T).max()) > _SYMMETRY * largest:
        raise FeedRefused("FEED_SCHEMA", "the covariance is not symmetric")
    if float(np.linalg.eigvalsh(matrix).min()) < -_SEMIDEFINITE * largest:
        raise FeedRefused("FEED_SCHEMA", "the covariance is not positive semidefinite")
