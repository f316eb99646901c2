"""Lots of which a recent purchase washes a part: sold far enough to be worth it, or not at all.

The solver sees the chord of their concave tax. Where a sale stops part of the way, or a younger lot is sold without the
older one that would use up the purchase, the true tax is above it; then those lots are closed, or the account is taxed
on the pieces that cost least at the prices (`washed_pieces.py`), it is solved again, and the best by the true tax kept.
The bound has the pieces and holds for every list.
"""

from collections.abc import Iterator
from dataclasses import replace

from trimtab.domain.optimizer.arrays import Flags
from trimtab.domain.optimizer.blocks import Prices, priced_at
from trimtab.domain.optimizer.bound import priced_sale
from trimtab.domain.optimizer.clarabel_lane import ClarabelLane
from trimtab.domain.optimizer.errors import SolverStalled
from trimtab.domain.optimizer.objective import evaluate
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.relaxation import Relaxation, Solution
from trimtab.domain.optimizer.wash import washed_excess, washed_whole
from trimtab.domain.optimizer.wash_sides import Found
from trimtab.domain.optimizer.washed_pieces import Piece, WashedSecurity, by_piece, on_pieces, washed_securities

_WORTH_A_SOLVE = 1e-6
"""A tax that is less than this above its chord (a hundredth of a basis point) is left as it is."""

_GOOD_ENOUGH = 1e-5
"""A gap of a tenth of a basis point needs no further solve."""

_ROUNDS = 2
_NOTHING = 1e-8  # of one lot: the solver's noise


def settle_washed_sales(data: OptimizerData, relaxation: Relaxation, found: Found) -> Found:
    """The best of the solution, the one without the lots whose tax it understates, and those on pieces of their tax."""
    excess = washed_excess(data.lots, data.securities.share, found.solution.lot_sells)
    if excess.sum() <= _WORTH_A_SOLVE:
        return found
    understated = excess > _NOTHING
    sides = replace(found.sides, lots=found.sides.lots & ~understated)
    try:
        solution = relaxation.solve(sides.lots, sides.buys)
    except SolverStalled:  # the cash cannot be raised without them
        return found
    better = _total(data, solution) < _total(data, found.solution)
    without = found.with_prices(data, solution.prices)
    without = replace(without, solution=solution, sides=sides) if better else without
    if data.most_names is not None:  # names are closed next, and then prices are others
        return without
    return _on_pieces(data, without, found.sides.lots, understated)


def _on_pieces(data: OptimizerData, best: Found, lots_open: Flags, understated: Flags) -> Found:
    """The better of `best` and solutions on the pieces that cost least at the prices of the last solve."""
    prices = best.solution.prices
    for _ in range(_ROUNDS):
        chosen = list(best_pieces(data, prices))
        if not chosen or _total(data, best.solution) - best.bound <= _GOOD_ENOUGH:
            return best
        in_pieces = [lot for security, _ in chosen for lot in security.washed]
        closed = understated.copy()
        closed[in_pieces] = False
        for least in (True, False):
            problem = on_pieces(data, chosen, least=least)
            sides = replace(best.sides, lots=lots_open & ~closed & (problem.lots.limit > 0))
            try:
                solution = ClarabelLane(problem).solve(sides.lots, sides.buys)
            except SolverStalled:
                continue
            prices = solution.prices
            best = best.with_prices(data, prices)
            whole = washed_whole(data.lots, data.securities.share, solution.lot_sells)
            if not whole.any() and _total(data, solution) < _total(data, best.solution):
                best = replace(best, problem=problem, solution=solution, sides=sides)
    return best


def best_pieces(data: OptimizerData, prices: Prices) -> Iterator[tuple[WashedSecurity, Piece]]:
    """Of each security with such lots the piece on which selling it costs least at `prices`."""
    at = priced_at(data, prices)
    for security in washed_securities(data):
        values = by_piece(data.lots, security, priced_sale(data, at, security.row), at.sale_cost)
        yield security, security.pieces[values.index(min(values))]


def _total(data: OptimizerData, solution: Solution) -> float:
    return evaluate(data, solution.lot_sells, solution.buys).total
