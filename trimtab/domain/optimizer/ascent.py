"""Better prices: Newton's method on the lower bound, smoothed over the wash branches.

The bound is concave in the prices but has a kink wherever a key's two branches are worth the same. The smooth minimum
-T log(exp(-a / T) + exp(-b / T)) lies below the minimum by at most T log 2, so it is a bound too; T falls in steps.
Whatever prices come out, `lower_bound` at them is valid: nothing here has to be trusted.
"""

from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Floats, Ints, sum_by
from trimtab.domain.optimizer.blocks import Answers, Prices, branch_answers
from trimtab.domain.optimizer.bound import cash_term, lower_bound
from trimtab.domain.optimizer.problem import OptimizerData

_TEMPERATURES = (3e-5, 3e-6)
_STEPS = 15
_HALVINGS = 12
_DONE = 1e-9  # a step that promises less (a hundred-thousandth of a basis point) ends the climb
_RIDGE = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class _Slope:
    """The smoothed bound at some prices: value, gradient and the negative of its Hessian; k factors, then cash."""

    value: float
    gradient: Floats  # (k + 1,)
    curvature: Floats  # (k + 1, k + 1)


def ascend(data: OptimizerData, start: Prices) -> Prices:
    """Prices whose bound is at least that of `start`, as a rule close to the highest there is."""
    best, best_value = start, lower_bound(data, start).value
    prices = start
    for temperature in _TEMPERATURES:
        prices = _climb(data, prices, temperature)
        value = lower_bound(data, prices).value
        if value > best_value:
            best, best_value = prices, value
    return best


def _climb(data: OptimizerData, prices: Prices, temperature: float) -> Prices:
    here = _slope(data, prices, temperature)
    for _ in range(_STEPS):
        free = _free_rows(data, prices, here.gradient)
        step = np.zeros(len(here.gradient))
        step[free] = np.linalg.solve(here.curvature[np.ix_(free, free)], here.gradient[free])
        promised = float(here.gradient @ step)
        if promised < _DONE:
            return prices
        for _ in range(_HALVINGS):
            there = _moved(data, prices, step)
            ahead = _slope(data, there, temperature)
            if ahead.value > here.value:
                break
            step = step / 2
        else:
            return prices
        prices, here = there, ahead
    return prices


def _free_rows(data: OptimizerData, prices: Prices, gradient: Floats) -> Ints:
    """All rows but that of cash when its price is at an end of its range and would leave it."""
    low, high = _cash_range(data, prices)
    pinned = (prices.cash <= low and gradient[-1] < 0) or (prices.cash >= high and gradient[-1] > 0)
    return np.arange(len(gradient) - 1 if pinned else len(gradient))


def _cash_range(data: OptimizerData, prices: Prices) -> tuple[float, float]:
    """Where the cash term is linear: up to the price of a shortfall, or above it when cash is on its minimum."""
    parameters = data.parameters
    if data.cash_minimum >= data.cash_target:
        return -parameters.cash_drag, np.inf
    if prices.cash > parameters.cash_shortfall:
        return parameters.cash_shortfall, np.inf
    return -parameters.cash_drag, parameters.cash_shortfall


def _moved(data: OptimizerData, prices: Prices, step: Floats) -> Prices:
    low, high = _cash_range(data, prices)
    return Prices(prices.factor + step[:-1], float(np.clip(prices.cash + step[-1], low, high)))


def _slope(data: OptimizerData, prices: Prices, temperature: float) -> _Slope:
    lam, key = data.parameters.risk_aversion, data.securities.wash_key
    selling, buying = branch_answers(data, prices)
    if_sold, if_bought = (
        sum_by(key, selling.value, data.securities.keys),
        sum_by(key, buying.value, data.securities.keys),
    )
    share, blocks = _smooth_minimum(if_sold, if_bought, temperature)
    weight = share[key]
    sold_rows, bought_rows = _moves(data, selling), _moves(data, buying)
    cash_value, cash_slope = cash_term(data, prices.cash)
    k = len(prices.factor)
    gradient = weight @ sold_rows + (1 - weight) @ bought_rows
    gradient[:k] -= prices.factor / lam
    gradient[k] += cash_slope
    curvature = _gives(data, selling, weight) + _gives(data, buying, 1 - weight)
    curvature += _between(key, sold_rows - bought_rows, share * (1 - share) / temperature)
    curvature[np.arange(k), np.arange(k)] += 1 / lam
    curvature[np.arange(k + 1), np.arange(k + 1)] += _RIDGE
    value = float(blocks.sum()) + cash_value - float(prices.factor @ prices.factor) / (2 * lam)
    return _Slope(value, gradient, curvature)


def _smooth_minimum(if_sold: Floats, if_bought: Floats, temperature: float) -> tuple[Floats, Floats]:
    """Weight of the selling branch and smoothed value of each key; keys without a choice keep their value."""
    lower = np.minimum(if_sold, if_bought)
    choice = (if_sold != if_bought) | ~np.isfinite(lower)
    ahead = np.clip((np.minimum(if_bought, 1e6) - np.minimum(if_sold, 1e6)) / temperature, -50.0, 50.0)
    share = np.where(choice, 1 / (1 + np.exp(-ahead)), 0.5)
    return share, lower - np.where(choice, temperature * np.log1p(np.exp(-np.abs(ahead))), 0.0)


def _moves(data: OptimizerData, answers: Answers) -> Floats:
    """What each security's answer puts into the coupling rows, (n, k + 1): factor exposure, and cash taken."""
    return np.column_stack([data.securities.loadings * answers.active[:, None], -answers.flow])


def _gives(data: OptimizerData, answers: Answers, weight: Floats) -> Floats:
    """Curvature of the answers that are strictly inside their limits, (k + 1, k + 1)."""
    rows = np.column_stack([data.securities.loadings, answers.cash_row])
    curvature: Floats = rows.T @ (rows * (weight * answers.give)[:, None])
    return curvature


def _between(key: Ints, difference: Floats, weight: Floats) -> Floats:
    """Curvature of keys between their branches: the outer products of the whole difference of their rows."""
    by_key = np.zeros((len(weight), difference.shape[1]))
    np.add.at(by_key, key, difference)
    curvature: Floats = by_key.T @ (by_key * weight[:, None])
    return curvature
