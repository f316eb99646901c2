"""Accounts of one shape, packed, and the way back from places to securities and lots."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints
from trimtab.domain.optimizer.fast.packed import Packed, widened_by
from trimtab.domain.optimizer.problem import OptimizerData


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Accounts of one shape, packed, and what it takes to read their answers."""

    datas: tuple[OptimizerData, ...]
    packed: Packed
    forced_sales: Floats  # (A, m) sold because a rule demands it, where the kernel does not see it
    forced_buys: Floats  # (A, n)
    places: Ints  # (A,) used
    lots: Ints  # (A,) used
    security: Ints  # (A, n) of each place
    lot: Ints  # (A, m) of each packed lot
    closed: Flags  # (A, m) lots that a later step has closed
    row: Ints  # (A, r) place of each of the data's rows, after cash; -1 beyond them
    may_stand_still: Flags  # (A,) an empty trade list breaks no hard rule
    tolerance: Floats  # (A,) improvement below which nothing is traded
    cash_base: Floats  # (A,) what a unit of cash costs beside the price of its row
    demanded: Flags  # (A, n) a rule demands a trade
    smallest: Floats  # (A, n) trades below are not worth sending
    whole_position: Floats  # (A, n) a sale of so much closes the position, and may be small

    @property
    def accounts(self) -> int:
        return len(self.datas)

    def take(self, accounts: Ints) -> "Batch":
        """Only `accounts`."""
        others = (getattr(self, name).take(accounts, 0) for name in _BY_ACCOUNT)
        return Batch(tuple(self.datas[each] for each in accounts.tolist()), self.packed.take(accounts), *others)

    def widened(self, lots: int) -> "Batch":
        """The same with places for `lots` lots."""
        added = lots - self.lot.shape[1]
        sales, lot, closed = (widened_by(each, added, 0) for each in (self.forced_sales, self.lot, self.closed))
        return replace(self, packed=self.packed.widened(lots), forced_sales=sales, lot=lot, closed=closed)


_BY_ACCOUNT = tuple(each.name for each in fields(Batch)[2:])


def joined(batches: Sequence[Batch]) -> Batch:
    """The accounts of batches of one shape, one after the other; with the most places for lots that any has."""
    if len(batches) == 1:
        return batches[0]
    most = max(batch.lot.shape[1] for batch in batches)
    batches = [batch if batch.lot.shape[1] == most else batch.widened(most) for batch in batches]
    others = {name: np.concatenate([getattr(batch, name) for batch in batches]) for name in _BY_ACCOUNT}
    datas = tuple(data for batch in batches for data in batch.datas)
    return Batch(datas, Packed.joined([batch.packed for batch in batches]), **others)
