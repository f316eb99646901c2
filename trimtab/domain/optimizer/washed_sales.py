"""Lots of which a recent purchase washes a part: sold far enough to be worth it, or not at all.

The solver sees the chord of their concave tax. Where a sale stops part of the way, or a younger lot is sold without the
older one that would use up the purchase, the true tax is above it; then those lots are closed, the account is solved
again, and the better of the two by the true tax is kept. The bound has the chord and holds for every list.
"""

from dataclasses import replace

from trimtab.domain.optimizer.errors import SolverStalled
from trimtab.domain.optimizer.objective import evaluate
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.relaxation import Relaxation, Solution
from trimtab.domain.optimizer.wash import washed_excess
from trimtab.domain.optimizer.wash_sides import Found

_WORTH_A_SOLVE = 1e-6
"""A tax that is less than this above its chord (a hundredth of a basis point) is left as it is."""

_NOTHING = 1e-8  # of one lot: the solver's noise


def settle_washed_sales(data: OptimizerData, relaxation: Relaxation, found: Found) -> Found:
    """The better of the solution and the one without the lots whose tax it understates."""
    excess = washed_excess(data.lots, data.securities.share, found.solution.lot_sells)
    if excess.sum() <= _WORTH_A_SOLVE:
        return found
    sides = replace(found.sides, lots=found.sides.lots & (excess <= _NOTHING))
    try:
        solution = relaxation.solve(sides.lots, sides.buys)
    except SolverStalled:  # the cash cannot be raised without them
        return found
    better = _total(data, solution) < _total(data, found.solution)
    found = found.with_prices(data, solution.prices)
    return replace(found, solution=solution, sides=sides) if better else found


def _total(data: OptimizerData, solution: Solution) -> float:
    return evaluate(data, solution.lot_sells, solution.buys).total
