"""Lots of which a recent purchase washes a part, in a household: `optimizer/washed_sales.py` settles one account's."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from trimtab.domain.optimizer.arrays import Floats
from trimtab.domain.optimizer.errors import SolverStalled
from trimtab.domain.optimizer.household.blocks import JointBlocks, JointPrices
from trimtab.domain.optimizer.household.found import JointFound
from trimtab.domain.optimizer.household.problem import HouseholdData, joint_objective, joint_washed_excess
from trimtab.domain.optimizer.household.washed_pairs import on_chosen

_WORTH_A_SOLVE = 1e-6
"""A tax that is less than this above its chord (a hundredth of a basis point) is left as it is."""

_GOOD_ENOUGH = 1e-5
"""A gap of a tenth of a basis point needs no further solve."""

_ROUNDS = 2
_NOTHING = 1e-8  # of one lot: the solver's noise


def with_true_taxes(data: HouseholdData, found: JointFound, again: Callable[[HouseholdData], JointFound]) -> JointFound:
    """The best of `found` in one tax regime, searched `again` without lots whose tax it understates, and on pieces."""
    excess = joint_washed_excess(data, found.solution.lot_sells)
    if excess.sum() <= _WORTH_A_SOLVE:
        return found
    best, least, blocks = found, _total(data, found), JointBlocks(data)
    last = [found.solution.prices]
    for trial in _trials(data, blocks, lambda: last[-1], excess):
        if least - best.bound <= _GOOD_ENOUGH:
            break
        try:
            other = again(trial)
        except SolverStalled:  # or the rules clash without them
            continue
        last.append(other.solution.prices)
        prices = (*best.prices[0], *other.prices[0])
        bound = max(best.bound, *(blocks.bound(each).branches.value for each in other.prices[0]))
        total = _total(data, other)
        kept = replace(other, problem=data) if total < least else best
        best, least = replace(kept, bound=bound, prices=(prices,)), min(total, least)
    return best


def _trials(
    data: HouseholdData, blocks: JointBlocks, last_prices: Callable[[], JointPrices], excess: Floats
) -> Iterator[HouseholdData]:
    """Without the lots, but for those of a sale that a rule demands, then on the best pieces at the last prices."""
    demanded = data.pairs.sell_minimum[data.lots.pair] > 0
    closed = np.where((excess > _NOTHING) & ~demanded, 0.0, data.lots.limit)
    if (closed < data.lots.limit).any():
        yield replace(data, lots=replace(data.lots, limit=closed))
    for _ in range(_ROUNDS):
        chosen = blocks.best_pieces(last_prices())
        if chosen:
            yield on_chosen(data, chosen, least=True)
            yield on_chosen(data, chosen, least=False)


def _total(data: HouseholdData, found: JointFound) -> float:
    return joint_objective(data, found.solution.lot_sells, found.solution.buys).total
