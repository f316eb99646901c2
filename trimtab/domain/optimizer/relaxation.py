"""What the search asks of a solver: the problem with some sides closed, without whole shares and minimum trades."""

from dataclasses import dataclass
from typing import Protocol

from trimtab.domain.optimizer.arrays import Flags, Floats
from trimtab.domain.optimizer.blocks import Prices


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """A solved relaxation: weights sold by lot (m,), bought by security (n,), and the prices of its coupling rows."""

    lot_sells: Floats
    buys: Floats
    prices: Prices


class Relaxation(Protocol):
    """One account's problem."""

    def solve(self, lot_open: Flags, buy_open: Flags) -> Solution:
        """Solve with only the open lots (m,) and securities (n,) tradable. Raises SolverStalled without an answer."""
        ...
