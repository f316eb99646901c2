"""Which side each wash key is on: sold at a loss, or bought, never both on one day.

The prices of every solve give a lower bound for every pattern of sides at once (`Branches.with_sides`). So each
further solve goes to the pattern with the lowest bound, and the search ends when no pattern can beat the best found:
an exact method when few keys are in doubt, a certified one always.
"""

from dataclasses import dataclass, replace

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Ints, sum_by
from trimtab.domain.optimizer.blocks import Prices
from trimtab.domain.optimizer.bound import Branches, lower_bound
from trimtab.domain.optimizer.capacity import contested_securities
from trimtab.domain.optimizer.errors import RulesClash, SolverStalled
from trimtab.domain.optimizer.objective import evaluate
from trimtab.domain.optimizer.problem import WORTH_A_CHANGE, OptimizerData
from trimtab.domain.optimizer.relaxation import Relaxation, Solution

DUST = 1e-7
"""A weight below this is the solver's noise, not a trade."""

_WORTH_A_SOLVE = 5e-5
"""Other sides are tried only while the gap is above half a basis point."""

_MOST_SOLVES = 8

_KEYS_IN_DOUBT = 10
"""Patterns are enumerated over this many keys, those that lose most by the side they are on; 2^10 sums each time."""


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """What the wash branches leave open: lots (m,) and securities (n,)."""

    lots: Flags
    buys: Flags


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The best solution before whole shares, its sides, and a number that no allowed trade list is below."""

    problem: OptimizerData  # what was solved: fewer names may be open than at first
    solution: Solution
    sides: Sides
    bound: float
    prices: Prices  # the best single ones; patterns enumerated over several prices may raise the bound above theirs
    further: tuple[Prices, ...] = ()  # those prices

    def with_prices(self, data: OptimizerData, prices: Prices) -> "Found":
        """The same trades with the bound of `data` at `prices`, if that is higher."""
        value = lower_bound(data, prices).value
        return replace(self, bound=value, prices=prices) if value > self.bound else self


def settle_wash_sides(data: OptimizerData, relaxation: Relaxation, prices: Prices) -> Found:
    """The best sides found, starting from yesterday's, or else those cheaper at `prices`.

    Raises SolverStalled without an answer.
    """
    cut = lower_bound(data, prices)
    if np.isinf(cut.value):
        raise RulesClash("a rule demands what another forbids, whatever the prices")
    if not contested_securities(data).any():
        everything = Sides(np.ones(len(data.lots.lots), dtype=np.bool_), data.securities.buy_limit > 0)
        solution = relaxation.solve(everything.lots, everything.buys)
        found = Found(data, solution, everything, cut.value, prices)
        return found.with_prices(data, solution.prices)
    search = _SideSearch(data, relaxation, cut, prices)
    search.start(_kept_sides(data, cut))
    for _ in range(_MOST_SOLVES):
        if not search.try_most_promising():
            break
    return search.found()


class _SideSearch:
    """The best pattern so far, and the cuts that bound all others."""

    def __init__(self, data: OptimizerData, relaxation: Relaxation, cut: Branches, prices: Prices) -> None:
        self._data, self._relaxation = data, relaxation
        self._contested = contested_securities(data)
        self._cuts = [cut]
        self._impossible: list[Flags] = []
        self._bound = self._best_value = cut.value
        self._best_prices = prices
        self._prices = [prices]
        self._tried: set[bytes] = set()
        self._total = np.inf
        self._change_costs = 0.0 if data.yesterday is None else WORTH_A_CHANGE
        self._buying: Flags
        self._solution: Solution

    def start(self, buying: Flags) -> None:
        """Solve a first pattern; when it cannot raise the cash, sell every key that need not be bought; else others.

        Raises SolverStalled when none of those tried has an answer, RulesClash when none there is can have one.
        """
        self._buying = buying
        if self._try(buying) or self._try(np.isinf(self._cuts[0].if_sold)):
            return
        for _ in range(_MOST_SOLVES):
            tried = len(self._tried)
            self.try_most_promising()
            if np.isfinite(self._total):
                return
            if len(self._tried) == tried:
                break
        if np.isinf(self._bound):
            raise RulesClash("the rules cannot be kept on any sides of the wash sale keys")
        if len(self._impossible) == len(self._tried):
            raise RulesClash(
                f"the rules cannot be kept on {len(self._tried)} sides of the wash sale keys, the likeliest"
            )
        raise SolverStalled("Clarabel gave no answer on any side of the wash sale keys that was tried")

    def try_most_promising(self) -> bool:
        """Solve the pattern with the lowest bound; False when none is worth a solve."""
        if self._total - self._bound <= _WORTH_A_SOLVE:
            return False
        keys = self._keys_in_doubt()
        patterns = _patterns(len(keys))
        bounds = np.max([cut.with_sides(keys, patterns) for cut in self._cuts], axis=0)
        bounds = np.where(self._known_impossible(keys, patterns), np.inf, bounds)
        lowest = int(np.argmin(bounds))
        self._bound = max(self._bound, float(bounds[lowest]))
        buying = self._buying.copy()
        buying[keys] = patterns[lowest]
        if self._total - self._bound <= _WORTH_A_SOLVE or buying.tobytes() in self._tried:
            return False
        self._try(buying)
        return True

    def found(self) -> Found:
        sides, further = self._sides(self._buying), tuple(self._prices)
        return Found(self._data, self._solution, sides, self._bound, self._best_prices, further)

    def _keys_in_doubt(self) -> Ints:
        """Keys that lose most by their present side at the prices of any solve, at most _KEYS_IN_DOUBT.

        Once some sides have proved impossible it may be any contested key, if they are few enough.
        """
        if self._impossible:
            keys = np.unique(self._data.securities.wash_key[self._contested])
            if len(keys) <= _KEYS_IN_DOUBT:
                return keys
        regret = np.max([cut.regret(self._buying) for cut in self._cuts], axis=0)
        order = np.argsort(-regret, kind="stable")[:_KEYS_IN_DOUBT]
        return np.sort(order[regret[order] > 0])

    def _known_impossible(self, keys: Ints, patterns: Flags) -> Flags:
        """Patterns that no solve could answer because the rules clash, (p,); all contested keys must be listed."""
        known = np.zeros(len(patterns), dtype=np.bool_)
        if len(keys) == len(np.unique(self._data.securities.wash_key[self._contested])):
            for sides in self._impossible:
                known |= (patterns == sides[keys]).all(axis=1)
        return known

    def _try(self, buying: Flags) -> bool:
        """Solve with each contested key on one side, keep the better; False when those sides have no answer."""
        self._tried.add(buying.tobytes())
        sides = self._sides(buying)
        try:
            solution = self._relaxation.solve(sides.lots, sides.buys)
        except RulesClash:
            self._impossible.append(buying)
            return False
        except SolverStalled:
            return False
        self._add_cut(solution.prices)
        total = evaluate(self._data, solution.lot_sells, solution.buys).total
        if total < self._total - self._change_costs:
            if np.isfinite(self._total):
                self._add_cut(_midpoint(solution.prices, self._solution.prices))
                self._change_costs = 0.0  # yesterday's sides are left: the best of the others is wanted
            self._total, self._buying, self._solution = total, buying, solution
        return True

    def _add_cut(self, prices: Prices) -> None:
        cut = lower_bound(self._data, prices)
        self._cuts.append(cut)
        self._prices.append(prices)
        self._bound = max(self._bound, cut.value)
        if cut.value > self._best_value:
            self._best_value, self._best_prices = cut.value, prices

    def _sides(self, buying: Flags) -> Sides:
        """Close loss lots of contested keys that are bought, purchases of those that are sold."""
        data = self._data
        key = data.securities.wash_key
        lot_closed = self._contested[data.lots.security] & buying[key[data.lots.security]] & data.lots.at_loss
        return Sides(~lot_closed, ~(self._contested & ~buying[key]) & (data.securities.buy_limit > 0))


def _kept_sides(data: OptimizerData, cut: Branches) -> Flags:
    """Yesterday's sides, (n_keys,), where they are possible today; without a yesterday the cheaper ones.

    A key that was not traded stays on the side that may be bought: had a sale at a loss been better, it would have
    been made, and trading nothing is allowed there.
    """
    if data.yesterday is None:
        return cut.buying
    sold = sum_by(data.securities.wash_key, data.yesterday < 0, data.securities.keys) > 0
    bought = sum_by(data.securities.wash_key, data.yesterday > 0, data.securities.keys) > 0
    kept: Flags = np.where(sold & ~bought, np.isinf(cut.if_sold), np.isfinite(cut.if_bought))
    return kept


def _patterns(keys: int) -> Flags:
    """All 2^keys patterns of two sides, one a row."""
    numbers = np.arange(2**keys)[:, None]
    patterns: Flags = (numbers >> np.arange(keys)) % 2 == 1
    return patterns


def _midpoint(one: Prices, other: Prices) -> Prices:
    """The bound is concave in the prices: between two good ones it is often better than at either."""
    return Prices(
        (one.factor + other.factor) / 2,
        (one.cash + other.cash) / 2,
        (one.rows + other.rows) / 2,
        (one.cap + other.cap) / 2,
        (one.names + other.names) / 2,
    )
