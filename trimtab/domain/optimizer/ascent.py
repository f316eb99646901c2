"""Better prices: Newton's method on the lower bound, smoothed over the wash branches.

The bound is concave in the prices but has a kink wherever a key's two branches are worth the same. The smooth minimum
-T log(exp(-a / T) + exp(-b / T)) lies below the minimum by at most T log 2, so it is a bound too; T falls in steps.
The prices of rows have a kink at zero and end at their caps: each step stays between such points, and which prices
stand still is found by an active set that pins and releases them. Whatever prices come out, `lower_bound` at them is
valid: nothing here has to be trusted.
"""

from dataclasses import dataclass, replace

import numpy as np

from trimtab.domain.optimizer.arrays import Floats, Ints, sum_by
from trimtab.domain.optimizer.blocks import Answers, Prices, branch_answers
from trimtab.domain.optimizer.bound import cash_term, coupling_value, lower_bound, row_caps, row_slopes, within_caps
from trimtab.domain.optimizer.problem import OptimizerData

_TEMPERATURES = (3e-5, 3e-6)
_STEPS = 15
_HALVINGS = 12
_DONE = 1e-9  # a step that promises less (a hundred-thousandth of a basis point) ends the climb
_RIDGE = 1e-12
_PINNINGS = 20

_FARTHEST_STEP = 0.1
"""A row's price moves no farther at once, or four times its size: where nothing gives way, Newton would go for ever."""

_FARTHEST_CAP_STEP = 50.0


@dataclass(frozen=True, slots=True, eq=False)
class _Slope:
    """The smoothed bound at some prices: value, gradient and the negative of its Hessian.

    Order: k factors, cash, r rows, and the cap of tracking error where there is one.
    """

    value: float
    gradient: Floats
    curvature: Floats
    into_rows: Floats  # (r,) what the answers put into the rows, the start included


def ascend(data: OptimizerData, start: Prices) -> Prices:
    """Prices whose bound is at least that of `start`, as a rule close to the highest there is."""
    start = within_caps(data, start)
    if data.securities.has_sets:  # their bound has no slope here; the solver's prices are as good
        return start
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
        low, high = _room(data, prices, here)
        gradient = _one_sided(data, prices, here)
        step = _newton_step(here.curvature, gradient, low, high)
        if float(gradient @ step) < _DONE:
            return prices
        for _ in range(_HALVINGS):
            there = _moved(prices, step)
            ahead = _slope(data, there, temperature)
            if ahead.value > here.value:
                break
            step = step / 2
        else:
            return prices
        prices, here = there, ahead
    return prices


def _room(data: OptimizerData, prices: Prices, here: _Slope) -> tuple[Floats, Floats]:
    """How far each price may move down (zero or less) and up before it meets a cap or a kink."""
    k = len(prices.factor)
    far = _FARTHEST_STEP + 3 * np.abs(prices.rows)
    lowest, highest = row_caps(data.rows)
    lowest, highest = np.maximum(lowest, prices.rows - far), np.minimum(highest, prices.rows + far)
    wants_up, wants_down = here.into_rows > data.rows.high, here.into_rows < data.rows.low
    rows_low = np.where((prices.rows < 0) | ((prices.rows == 0) & wants_down), lowest, 0.0)
    rows_high = np.where((prices.rows > 0) | ((prices.rows == 0) & wants_up), highest, 0.0)
    cash_low, cash_high = _cash_range(data, prices)
    capped = data.tracking_limit is not None
    everywhere = np.full(k, np.inf)
    cap_low, cap_high = ([-prices.cap], [_FARTHEST_CAP_STEP + 3 * prices.cap]) if capped else ([], [])
    low = np.concatenate((-everywhere, [cash_low - prices.cash], rows_low - prices.rows, cap_low))
    high = np.concatenate((everywhere, [cash_high - prices.cash], rows_high - prices.rows, cap_high))
    return low, high


def _one_sided(data: OptimizerData, prices: Prices, here: _Slope) -> Floats:
    """The gradient; for a row at a price of zero towards the side on which its interval is missed, else zero."""
    k, rows = len(prices.factor), data.rows
    gradient = here.gradient.copy()
    missed = np.maximum(here.into_rows - rows.high, 0.0) - np.maximum(rows.low - here.into_rows, 0.0)
    place = slice(k + 1, k + 1 + len(rows))
    gradient[place] = np.where(prices.rows == 0, missed, gradient[place])
    return gradient


def _newton_step(curvature: Floats, gradient: Floats, low: Floats, high: Floats) -> Floats:
    """max gradient'd - d'curvature d / 2 over low <= d <= high, by an active set that pins and releases."""
    pinned = ((low >= 0) & (gradient <= 0)) | ((high <= 0) & (gradient >= 0))
    step = np.zeros(len(gradient))
    for _ in range(_PINNINGS):
        free = np.flatnonzero(~pinned)
        at_end = np.where(pinned, step, 0.0)
        step = at_end.copy()
        step[free] = _solved(curvature[np.ix_(free, free)], (gradient - curvature @ at_end)[free])
        outside = ~pinned & ((step < low - 1e-15) | (step > high + 1e-15))
        if outside.any():
            step = np.clip(step, low, high)
            pinned = pinned | outside
            continue
        pull = gradient - curvature @ step
        released = pinned & (low < high) & (((step <= low) & (pull > 1e-12)) | ((step >= high) & (pull < -1e-12)))
        if not released.any():
            break
        pinned = pinned & ~released
    return np.clip(step, low, high)


def _solved(curvature: Floats, gradient: Floats) -> Floats:
    """The step to the top; the shortest of all where the curvature is flat in some direction."""
    try:
        return np.asarray(np.linalg.solve(curvature, gradient), dtype=np.float64)
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.lstsq(curvature, gradient, rcond=None)[0], dtype=np.float64)


def _cash_range(data: OptimizerData, prices: Prices) -> tuple[float, float]:
    """Where the cash term is linear: up to the price of a shortfall, or above it when cash is on its minimum."""
    parameters = data.parameters
    if data.cash_minimum >= data.cash_target:
        return -parameters.cash_drag, np.inf
    if prices.cash > parameters.cash_shortfall:
        return parameters.cash_shortfall, np.inf
    return -parameters.cash_drag, parameters.cash_shortfall


def _moved(prices: Prices, step: Floats) -> Prices:
    k, r = len(prices.factor), len(prices.rows)
    cap = prices.cap + float(step[k + 1 + r]) if len(step) > k + 1 + r else prices.cap
    rows = prices.rows + step[k + 1 : k + 1 + r]
    rows = np.where(np.abs(rows) < 1e-12, 0.0, rows)
    return replace(
        prices, factor=prices.factor + step[:k], cash=prices.cash + float(step[k]), rows=rows, cap=max(cap, 0.0)
    )


def _slope(data: OptimizerData, prices: Prices, temperature: float) -> _Slope:
    key = data.securities.wash_key
    selling, buying = branch_answers(data, prices)
    if_sold, if_bought = (
        sum_by(key, selling.value, data.securities.keys),
        sum_by(key, buying.value, data.securities.keys),
    )
    share, blocks = _smooth_minimum(if_sold, if_bought, temperature)
    weight = share[key]
    sold_rows, bought_rows = _moves(data, selling), _moves(data, buying)
    gradient = weight @ sold_rows + (1 - weight) @ bought_rows
    curvature = _gives(data, selling, weight) + _gives(data, buying, 1 - weight)
    curvature += _between(key, sold_rows - bought_rows, share * (1 - share) / temperature)
    k, r = len(prices.factor), len(prices.rows)
    into_rows = data.rows.start + gradient[k + 1 : k + 1 + r]
    _add_coupling(data, prices, gradient, curvature)
    return _Slope(float(blocks.sum()) + coupling_value(data, prices), gradient, curvature, into_rows)


def _add_coupling(data: OptimizerData, prices: Prices, gradient: Floats, curvature: Floats) -> None:
    """Gradient and curvature of `coupling_value`, added in place."""
    k, r = len(prices.factor), len(prices.rows)
    loose = data.parameters.risk_aversion + 2 * prices.cap
    diagonal = np.arange(len(gradient))
    gradient[:k] -= prices.factor / loose
    gradient[k] += cash_term(data, prices.cash)[1]
    gradient[k + 1 : k + 1 + r] += row_slopes(data.rows, prices.rows)
    curvature[diagonal[:k], diagonal[:k]] += 1 / loose
    if data.tracking_limit is not None:
        exposure = float(prices.factor @ prices.factor)
        gradient[-1] += exposure / loose**2 - data.tracking_limit**2
        curvature[:k, -1] -= 2 * prices.factor / loose**2
        curvature[-1, :k] -= 2 * prices.factor / loose**2
        curvature[-1, -1] += 4 * exposure / loose**3
    curvature[diagonal, diagonal] += _RIDGE


def _smooth_minimum(if_sold: Floats, if_bought: Floats, temperature: float) -> tuple[Floats, Floats]:
    """Weight of the selling branch and smoothed value of each key; keys without a choice keep their value."""
    lower = np.minimum(if_sold, if_bought)
    choice = (if_sold != if_bought) | ~np.isfinite(lower)
    ahead = np.clip((np.minimum(if_bought, 1e6) - np.minimum(if_sold, 1e6)) / temperature, -50.0, 50.0)
    share = np.where(choice, 1 / (1 + np.exp(-ahead)), 0.5)
    return share, lower - np.where(choice, temperature * np.log1p(np.exp(-np.abs(ahead))), 0.0)


def _moves(data: OptimizerData, answers: Answers) -> Floats:
    """What each security's answer puts into the coupling rows: factor exposure, cash taken, rows, own variance."""
    held = data.securities
    columns = [held.loadings * answers.active[:, None], -answers.flow[:, None], answers.amount]
    if data.tracking_limit is not None:
        columns.append((held.specific_risk**2 * answers.active**2)[:, None])
    return np.concatenate(columns, axis=1)


def _gives(data: OptimizerData, answers: Answers, weight: Floats) -> Floats:
    """Curvature of the answers that are strictly inside their limits."""
    held = data.securities
    columns = [held.loadings, answers.cash_row[:, None], -answers.row_row]
    if data.tracking_limit is not None:
        columns.append((2 * held.specific_risk**2 * answers.active)[:, None])
    rows = np.concatenate(columns, axis=1)
    curvature: Floats = rows.T @ (rows * (weight * answers.give)[:, None])
    return curvature


def _between(key: Ints, difference: Floats, weight: Floats) -> Floats:
    """Curvature of keys between their branches: the outer products of the whole difference of their rows."""
    by_key = np.zeros((len(weight), difference.shape[1]))
    np.add.at(by_key, key, difference)
    curvature: Floats = by_key.T @ (by_key * weight[:, None])
    return curvature
