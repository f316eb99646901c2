"""Sparse matrices by column, as Clarabel reads them: built from blocks of entries, without scipy."""

from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """Compressed columns, by the names that Clarabel looks for. It reads lists faster than arrays."""

    data: list[float]
    indices: list[int]
    indptr: list[int]
    shape: tuple[int, int]
    has_sorted_indices: bool = True
    has_canonical_format: bool = True


def diagonal(values: Floats) -> Matrix:
    """The diagonal matrix of `values`, without its zeros."""
    filled = values != 0
    indptr = np.concatenate(([0], np.cumsum(filled)))
    size = len(values)
    return Matrix(values[filled].tolist(), np.flatnonzero(filled).tolist(), indptr.tolist(), (size, size))


class Entries:
    """Rows of linear constraints in the making: `add` fills the rows that the next `put` closes."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._height = 0
        self._row: list[Ints] = []
        self._column: list[Ints] = []
        self._value: list[Floats] = []
        self._right: list[Floats] = []

    def add(self, row: Ints, column: Ints, value: Floats | float) -> None:
        """Entries of the rows in the making, which are numbered from 0."""
        self._row.append(self._height + row)
        self._column.append(column)
        self._value.append(np.broadcast_to(np.asarray(value, dtype=np.float64), row.shape))

    def put(self, right: Floats) -> int:
        """Close as many rows as `right` has numbers; their first row's place."""
        first = self._height
        self._right.append(right)
        self._height += len(right)
        return first

    def matrix(self) -> tuple[Matrix, Floats]:
        """All rows, and their right sides."""
        row, column = np.concatenate(self._row), np.concatenate(self._column)
        order = np.argsort(column * self._height + row, kind="stable")
        indptr = np.concatenate(([0], np.cumsum(np.bincount(column, minlength=self._columns))))
        values = np.concatenate(self._value)[order]
        shape = (self._height, self._columns)
        return Matrix(values.tolist(), row[order].tolist(), indptr.tolist(), shape), np.concatenate(self._right)
