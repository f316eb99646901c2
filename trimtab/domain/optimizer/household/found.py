"""What the search for a household's trades hands on, to be rounded and certified."""

from dataclasses import dataclass, replace

from trimtab.domain.optimizer.household.blocks import JointPrices, Trades
from trimtab.domain.optimizer.household.lane import JointSolution
from trimtab.domain.optimizer.household.problem import HouseholdData


@dataclass(frozen=True, slots=True, eq=False)
class JointFound:
    """The best trades before whole shares, what was open to them, and a number that no allowed list is below."""

    problem: HouseholdData  # in the tax regime that was solved
    solution: JointSolution
    trades: Trades
    bound: float
    prices: tuple[tuple[JointPrices, ...], ...]  # by regime: prices that were tried

    def with_prices_of(self, other: "JointFound") -> "JointFound":
        """The same answer with more prices to bound it by: those tried for the same household with other ends."""
        return replace(self, prices=tuple(mine + more for mine, more in zip(self.prices, other.prices, strict=True)))
