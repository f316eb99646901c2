"""Names of the array types, the sum that every module needs, and the way from decimals to floats."""

from collections.abc import Iterable
from decimal import Decimal

import numpy as np
import orjson
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def sum_by(row: Ints, amount: Floats | Flags, size: int) -> Floats:
    """Sums of `amount` over equal `row`, (size,)."""
    return np.asarray(np.bincount(row, amount, size), dtype=np.float64)


def floats_of(numbers: Iterable[Decimal]) -> Floats:
    """The float nearest to each decimal, as `float` gives it, in half its time: their texts are read in one go."""
    texts = list(map(str, numbers))
    try:
        return np.array(orjson.loads(f"[{','.join(texts)}]"), dtype=np.float64)
    except orjson.JSONDecodeError:  # a number that is none has no text in JSON
        return np.array(list(map(float, texts)), dtype=np.float64)


def sums_of_rows(amount: Floats) -> Floats:
    """Sum of each row, (A,), added from its first number to its last: zeros at the end change not even the last bit."""
    sums: Floats = np.cumsum(amount, axis=1)[:, -1]
    return sums
