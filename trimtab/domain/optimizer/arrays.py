"""Names of the array types, and the one sum that every module needs."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def sum_by(row: Ints, amount: Floats | Flags, size: int) -> Floats:
    """Sums of `amount` over equal `row`, (size,)."""
    return np.asarray(np.bincount(row, amount, size), dtype=np.float64)


def sums_of_rows(amount: Floats) -> Floats:
    """Sum of each row, (A,), added from its first number to its last: zeros at the end change not even the last bit."""
    sums: Floats = np.cumsum(amount, axis=1)[:, -1]
    return sums
