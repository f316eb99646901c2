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

from trimtab.domain.optimizer.arrays import Flags, Floats, sum_by
from trimtab.domain.optimizer.fast.closed_form import SOFTENING, Answers
from trimtab.domain.optimizer.fast.packed import Packed

_PINNINGS = 24
"""Rounds of the active set; what is still in doubt then is left to the line search."""

_ROUND_OFF = 1e-13


@dataclass(frozen=True, slots=True, eq=False)
class Direction:
    """A step, the slope of the dual along it, and the side of zero on which each row price stays."""

    step: Floats  # (A, k + r)
    slope: Floats  # (A,)
    side: Floats  # (A, r) 1, -1, or 0 for a price that stays at zero


def direction(packed: Packed, answers: Answers, temperature: float, damping: Floats) -> Direction:
    """Newton's step from `answers`, damped (A,)."""
    k = packed.factors
    side = _sides(packed, answers)
    gradient = slope_of(packed, answers, side)
    factors, cross, rows = _curvature(packed, answers, temperature)
    diagonal = np.arange(k)
    factors[:, diagonal, diagonal] += (1 / packed.aversion + damping)[:, None]
    rows[:, np.arange(packed.rows), np.arange(packed.rows)] += SOFTENING + damping[:, None]
    solved = np.linalg.solve(factors, np.concatenate((gradient[:, :k, None], cross), axis=2))
    towards = np.matmul(cross.transpose(0, 2, 1), solved)  # (A, r, 1 + r)
    lowest, highest = _room(packed, answers, side)
    moves = _within(rows - towards[..., 1:], gradient[:, k:] - towards[..., 0], lowest, highest)
    factor_moves = solved[..., 0] - np.matmul(solved[..., 1:], moves[..., None])[..., 0]
    step = np.concatenate((factor_moves, moves), axis=1)
    return Direction(step, (gradient * step).sum(axis=1), side)


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


def _room(packed: Packed, answers: Answers, side: Floats) -> tuple[Floats, Floats]:
    """How far each row price may move down and up, (A, r)."""
    prices = answers.prices[:, packed.factors :]
    lowest = np.where(side < 0, packed.least_price, 0.0) - prices
    highest = np.where(side > 0, packed.most_price, 0.0) - prices
    return lowest, highest


def _curvature(packed: Packed, answers: Answers, temperature: float) -> tuple[Floats, Floats, Floats]:
    """Minus the second derivative by factors (A, k, k), by factors and rows (A, k, r), by rows (A, r, r)."""
    by_sale, by_purchase = _giving(packed, answers)
    total = by_sale + by_purchase
    on_rows = by_purchase[..., None] * packed.on_purchase - by_sale[..., None] * packed.on_sale
    rows = _weighted(packed.on_sale, by_sale, packed.on_sale)
    rows += _weighted(packed.on_purchase, by_purchase, packed.on_purchase)
    if temperature:
        between, difference, row_difference = _between(packed, answers, temperature)
        total = total + between * difference**2
        on_rows = on_rows + (between * difference)[..., None] * row_difference
        rows += _weighted(row_difference, between, row_difference)
    across = packed.loadings.transpose(0, 2, 1)
    return np.matmul(across, packed.loadings * total[..., None]), np.matmul(across, on_rows), rows


def _weighted(left: Floats, weight: Floats, right: Floats) -> Floats:
    """left' diag(weight) right, (A, r, r)."""
    if left.shape[2] == 1:
        return (left[..., 0] * weight * right[..., 0]).sum(axis=1)[:, None, None]
    return np.asarray(np.matmul(left.transpose(0, 2, 1), right * weight[..., None]))


def _giving(packed: Packed, answers: Answers) -> tuple[Floats, Floats]:
    """How far sales and purchases give way to their prices, (A, n): zero at a limit."""
    inside = (answers.lot_sales > 0) & (answers.lot_sales < packed.lot_limit)
    selling = sum_by(packed.lot_place, inside.ravel(), answers.sold.size).reshape(answers.sold.shape) > 0
    buying = (answers.bought > 0) & (answers.bought < packed.buy_limit)
    by_sale = np.where(selling, answers.sale_weight * packed.give, 0.0)
    return by_sale, np.where(buying, answers.purchase_weight * packed.give, 0.0)


def _between(packed: Packed, answers: Answers, temperature: float) -> tuple[Floats, Floats, Floats]:
    """Weight of the difference of both branches (A, n), and that difference in weight and in rows (A, n, r)."""
    weight = np.where(packed.contested, answers.sale_weight * answers.purchase_weight / temperature, 0.0)
    difference = answers.bought + answers.sold
    row_difference = answers.bought[..., None] * packed.on_purchase - answers.sold[..., None] * packed.on_sale
    return weight, difference, row_difference


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
        release = ~free & wrong & (low < high) & ~out.any(axis=1)[:, None]
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
