"""Newton's direction for the dual: factors eliminated, then a small problem with bounds in the row prices.

The curvature of the dual is the sum, over the securities whose trade is strictly inside its limits, of the outer
product of what one unit of that trade puts into factors and rows, times how far it gives way. Between two branches of
a contested security the difference of their whole answers counts too, the more the lower the temperature.

A row's price has a kink at zero and may not leave its range, so within one step it stays on its side of zero. With the
factors eliminated (Schur) what is left is a strictly convex quadratic in the r row prices with bounds: with cash alone
one clip, otherwise an active set that may also release what it has pinned.
"""

from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sum_by
from trimtab.domain.optimizer.fast.closed_form import SOFTENING, Answers
from trimtab.domain.optimizer.fast.packed import BOTH, BUYING, Packed

_PINNINGS = 24
"""Rounds of the active set; what is still in doubt then is left to the line search."""

_ROUND_OFF = 1e-13


@dataclass(frozen=True, slots=True, eq=False)
class Direction:
    """A step, the slope of the dual along it, and where each row price stays: on its side of zero, in its range."""

    step: Floats  # (A, k + r)
    slope: Floats  # (A,)
    side: Floats  # (A, r) of zero: 1, -1, or 0 for a price that stays there
    lowest: Floats  # (A, r) prices of rows
    highest: Floats  # (A, r)

    def take(self, accounts: Ints) -> "Direction":
        return Direction(*(getattr(self, name).take(accounts, 0) for name in self.__dataclass_fields__))


def direction(packed: Packed, answers: Answers, temperature: float, damping: Floats) -> Direction:
    """Newton's step from `answers`, damped (A,)."""
    k, r = packed.factors, packed.rows
    side, prices = _sides(packed, answers), answers.prices[:, k:]
    lowest = np.where(side < 0, packed.least_price, 0.0)
    highest = np.where(side > 0, packed.most_price, 0.0)
    gradient = slope_of(packed, answers, side)
    factors, cross, rows = _curvature(packed, answers, temperature)
    factors.reshape(-1, k * k)[:, :: k + 1] += (1 / packed.aversion + damping)[:, None]
    rows.reshape(-1, r * r)[:, :: r + 1] += (SOFTENING + damping)[:, None]
    solved = np.linalg.solve(factors, np.concatenate((gradient[:, :k, None], cross), axis=2))
    towards = np.matmul(cross.transpose(0, 2, 1), solved)  # (A, r, 1 + r)
    moves = _within(rows - towards[..., 1:], gradient[:, k:] - towards[..., 0], lowest - prices, highest - prices)
    factor_moves = solved[..., 0] - np.matmul(solved[..., 1:], moves[..., None])[..., 0]
    step = np.concatenate((factor_moves, moves), axis=1)
    return Direction(step, (gradient * step).sum(axis=1), side, lowest, highest)


def slope_of(packed: Packed, answers: Answers, side: Floats) -> Floats:
    """Gradient of the dual, (A, k + r), with each row price at zero seen from its `side`."""
    k = packed.factors
    prices, amounts = answers.prices[:, k:], answers.amounts[:, k:]
    end = np.where(side > 0, packed.high, np.where(side < 0, packed.low, amounts))
    factor = answers.amounts[:, :k] - answers.prices[:, :k] / packed.aversion[:, None]
    return np.concatenate((factor, amounts - end - SOFTENING * prices), axis=1)


def _sides(packed: Packed, answers: Answers) -> Floats:
    """Where a price is, or at zero where its row pulls it; 0 when the amount is inside its interval."""
    prices, amounts = answers.prices[:, packed.factors :], answers.amounts[:, packed.factors :]
    pulled = (amounts > packed.high).astype(np.float64) - (amounts < packed.low)
    return np.where(prices != 0, np.sign(prices), pulled)


def _curvature(packed: Packed, answers: Answers, temperature: float) -> tuple[Floats, Floats, Floats]:
    """Minus the second derivative by factors (A, k, k), by factors and rows (A, k, r), by rows (A, r, r)."""
    by_sale, by_purchase = _giving(packed, answers)
    on_sale = _on_sale(packed, answers.lot_gives)
    total = by_sale + by_purchase
    on_rows = by_purchase[..., None] * packed.on_purchase - by_sale[..., None] * on_sale
    rows = _rows(packed, on_sale, by_sale, by_purchase)
    across = packed.loadings.transpose(0, 2, 1)
    shared: Floats | None = None
    if temperature:
        weight, difference, row_difference = _between(packed, answers, temperature)
        if packed.shared:
            shared = _between_shared(packed, weight, difference, row_difference)
            weight = np.where(packed.branch == BOTH, weight, 0.0)
        total = total + weight * difference**2
        on_rows = on_rows + (weight * difference)[..., None] * row_difference
        rows += _weighted(row_difference, weight)
    factors, cross = np.matmul(across, packed.loadings * total[..., None]), np.matmul(across, on_rows)
    if shared is not None:
        k = packed.factors
        factors, cross, rows = factors + shared[:, :k, :k], cross + shared[:, :k, k:], rows + shared[:, k:, k:]
    return factors, cross, rows


def _rows(packed: Packed, on_sale: Floats, by_sale: Floats, by_purchase: Floats) -> Floats:
    """The rows' own curvature by sales and purchases, (A, r, r)."""
    if packed.rows > 1:
        return _weighted(on_sale, by_sale) + _weighted(packed.on_purchase, by_purchase)
    sale, purchase = on_sale[..., 0], packed.on_purchase[..., 0]
    return np.asarray((sale * by_sale * sale + purchase * by_purchase * purchase).sum(axis=1)[:, None, None])


def _weighted(rows: Floats, weight: Floats) -> Floats:
    """rows' diag(weight) rows, (A, r, r)."""
    if rows.shape[2] == 1:
        only = rows[..., 0]
        return np.asarray((only * weight * only).sum(axis=1)[:, None, None])
    return np.asarray(np.matmul(rows.transpose(0, 2, 1), rows * weight[..., None]))


def _giving(packed: Packed, answers: Answers) -> tuple[Floats, Floats]:
    """How far sales and purchases give way to their prices, (A, n): zero at a limit."""
    gives = np.zeros(answers.sold.size, dtype=np.bool_)
    gives[packed.lot_place[answers.lot_gives.ravel()]] = True
    buying = (answers.bought > 0) & (answers.bought < packed.buy_limit)
    by_sale = np.where(gives.reshape(answers.sold.shape), answers.sale_weight * packed.give, 0.0)
    return by_sale, np.where(buying, answers.purchase_weight * packed.give, 0.0)


def _on_sale(packed: Packed, lots: Floats | Flags) -> Floats:
    """What one unit sold adds to the rows, (A, n, r), with the lot-wise part of `lots` (A, m)."""
    if not packed.lot_rows:
        return packed.on_sale
    on_sale = packed.on_sale.copy()
    on_sale[..., -packed.lot_rows :] += _lot_amounts(packed, lots)
    return on_sale


def _lot_amounts(packed: Packed, lots: Floats | Flags) -> Floats:
    """Sums over the lots of each security of `lots` (A, m) times what each adds to the last rows, (A, n, g)."""
    place = packed.lot_place
    amounts = [
        sum_by(place, (lots * packed.lot_on_row[..., row]).ravel(), packed.active.size)
        for row in range(packed.lot_rows)
    ]
    return np.stack(amounts, axis=1).reshape(*packed.active.shape, packed.lot_rows)


def _between(packed: Packed, answers: Answers, temperature: float) -> tuple[Floats, Floats, Floats]:
    """Weight of the difference of both branches (A, n), and each place's part of it in weight and rows (A, n, r)."""
    selling = np.where(packed.contested, answers.sale_weight, 0.0)
    weight = selling * (1 - selling) / temperature
    on_buying = packed.branch == BUYING
    sold = np.where(on_buying, -answers.sold, answers.sold)
    row_difference = answers.bought[..., None] * packed.on_purchase - sold[..., None] * packed.on_sale
    if packed.lot_rows:
        sign = np.take_along_axis(np.where(on_buying, 1.0, -1.0), packed.lot_security, axis=1)
        row_difference[..., -packed.lot_rows :] += _lot_amounts(packed, sign * answers.lot_sales)
    return weight, answers.bought + sold, row_difference


def _between_shared(packed: Packed, weight: Floats, difference: Floats, row_difference: Floats) -> Floats:
    """The same curvature of wash keys with several places, whose parts add up first, (A, k + r, k + r)."""
    parts = np.concatenate((packed.loadings * difference[..., None], row_difference), axis=2)
    parts = np.where((packed.branch == BOTH)[..., None], 0.0, parts)
    whole = np.zeros((difference.size, parts.shape[2]))
    np.add.at(whole, packed.head_place, parts.reshape(whole.shape))
    return _weighted(whole.reshape(parts.shape), np.where(packed.branch == BOTH, 0.0, weight))


def _within(curvature: Floats, gradient: Floats, lowest: Floats, highest: Floats) -> Floats:
    """The x (A, r) that maximises gradient' x - x' curvature x / 2 with lowest <= x <= highest."""
    if gradient.shape[1] == 1:
        return np.minimum(np.maximum(gradient / curvature[..., 0], lowest), highest)
    pinned = (lowest >= highest) | ((lowest >= 0) & (gradient < 0)) | ((highest <= 0) & (gradient > 0))
    moves = np.where(pinned, np.clip(0.0, lowest, highest), 0.0)
    open_ = np.arange(len(gradient))
    for _ in range(_PINNINGS):
        free = ~pinned[open_]
        tried = _with_pinned(curvature[open_], gradient[open_], moves[open_], free)
        low, high = lowest[open_], highest[open_]
        out = free & ((tried < low - _ROUND_OFF) | (tried > high + _ROUND_OFF))
        moves[open_] = np.minimum(np.maximum(tried, low), high)
        left = gradient[open_] - np.matmul(curvature[open_], moves[open_][..., None])[..., 0]
        wrong = ((moves[open_] <= low) & (left > _ROUND_OFF)) | ((moves[open_] >= high) & (left < -_ROUND_OFF))
        release = ~free & wrong & (low < high) & ~out.any(axis=1, keepdims=True)
        pinned[open_] = (pinned[open_] | out) & ~release
        open_ = open_[(out | release).any(axis=1)]
        if not len(open_):
            break
    return moves


def _with_pinned(curvature: Floats, gradient: Floats, moves: Floats, free: Flags) -> Floats:
    """Solve for the free moves with the others where they are."""
    fixed = np.where(free, 0.0, moves)
    right = gradient - np.matmul(curvature, fixed[..., None])[..., 0]
    matrix = np.where(free[:, :, None] & free[:, None, :], curvature, 0.0)
    diagonal = np.arange(gradient.shape[1])
    matrix[:, diagonal, diagonal] += np.where(free, 0.0, 1.0)
    return np.asarray(np.linalg.solve(matrix, np.where(free, right, fixed)[..., None])[..., 0])
