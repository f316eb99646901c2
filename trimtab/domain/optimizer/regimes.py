"""The tax is the least of its regimes, each convex: solve the likelier, prove the other losing or solve it too."""

from collections.abc import Sequence
from dataclasses import dataclass

from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.bound import lower_bound
from trimtab.domain.optimizer.errors import RulesClash, SolverStalled
from trimtab.domain.optimizer.objective import evaluate
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.search import search
from trimtab.domain.optimizer.wash_sides import Found

_WORTH_A_SOLVE = 1e-6
"""A regime is solved when its bound is below the best list by more than a hundredth of a basis point."""


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """The best trades of all regimes, and by regime, in their order, a bound and the prices that prove it."""

    found: Found
    bounds: tuple[float, ...]
    prices: tuple[Prices, ...]
    further: tuple[tuple[Prices, ...], ...]  # by regime: where sides of wash sales were in doubt

    @property
    def bound(self) -> float:
        """No allowed trade list's objective is below it, in any regime."""
        return min(self.bounds)


def problems(data: OptimizerData) -> tuple[OptimizerData, ...]:
    """The convex problem of each regime."""
    return tuple(data.under(regime) for regime in data.regimes)


def search_regimes(data: OptimizerData, prices: Sequence[Prices]) -> Answered:
    """The best trades found, starting from the `prices` of each regime.

    Raises SolverStalled when no regime has an answer, RulesClash when that is because none can keep the rules.
    """
    every = problems(data)
    further: list[tuple[Prices, ...]] = [()] * len(every)
    bounds = [lower_bound(one, at).value for one, at in zip(every, prices, strict=True)]
    best_prices, best, least = list(prices), None, float("inf")
    stalls: list[SolverStalled] = []
    for place in sorted(range(len(every)), key=bounds.__getitem__):
        if bounds[place] >= least - _WORTH_A_SOLVE:
            continue
        try:
            found = search(every[place], prices[place])
        except RulesClash as clash:
            stalls.append(clash)
            continue
        except SolverStalled as stalled:
            stalls.append(stalled)
            continue
        bounds[place], best_prices[place] = max(bounds[place], found.bound), found.prices
        further[place] = found.further
        total = evaluate(data, found.solution.lot_sells, found.solution.buys).total
        if total < least:
            best, least = found, total
    if best is None and not stalls:
        raise RulesClash("a rule demands what another forbids, whatever the prices")
    if best is None:
        raise next((each for each in stalls if not isinstance(each, RulesClash)), stalls[0])
    return Answered(best, tuple(bounds), tuple(best_prices), tuple(further))
