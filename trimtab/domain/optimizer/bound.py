"""Weak duality: any prices give a lower bound on the objective of every trade list that the rules allow.

The problem is separable by security but for k factor exposures and one cash row. Given prices for those, each
security's best answer has a closed form, so the bound costs one pass over the lots. A wash key that could be sold
at a loss and bought on one day counts as the cheaper of its two lawful branches: the bound is one for the true,
non-convex problem, before whole shares, minimum trades and commissions (which only shrink the set of lists).
"""

from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sum_by
from trimtab.domain.optimizer.capacity import contested_securities
from trimtab.domain.optimizer.problem import OptimizerData, cumulative_before

_PREFERENCE = 1e-15  # a branch must be better by more than round-off to be taken


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """Prices of the coupling rows: `factor` (k,) of active factor exposure, `cash` of one unit of cash."""

    factor: Floats
    cash: float


@dataclass(frozen=True, slots=True, eq=False)
class Branches:
    """The bound, and what each branch of a wash key is worth at its prices, (n_keys,)."""

    value: float
    if_sold: Floats  # smallest value when the key may be sold at a loss and is not bought
    if_bought: Floats  # smallest value when it may be bought and is not sold at a loss

    @property
    def buying(self) -> Flags:
        """True for keys that are better bought (or kept) than sold at a loss."""
        return self.if_bought < self.if_sold - _PREFERENCE

    def with_sides(self, keys: Ints, patterns: Flags) -> Floats:
        """The bound if `keys` (q,) were on the sides of each row of `patterns` (p, q), True for bought; (p,)."""
        cheaper = np.minimum(self.if_sold, self.if_bought)[keys]
        chosen = np.where(patterns, self.if_bought[keys], self.if_sold[keys])
        bounds: Floats = self.value + (chosen - cheaper).sum(axis=1)
        return bounds

    def regret(self, buying: Flags) -> Floats:
        """What each key loses by the side given to it."""
        chosen = np.where(buying, self.if_bought, self.if_sold)
        return np.where(np.isfinite(chosen), chosen - np.minimum(self.if_sold, self.if_bought), 0.0)


def standing_prices(data: OptimizerData) -> Prices:
    """The prices at which trading nothing is judged: the slope of the objective at the present holdings."""
    factor = data.parameters.risk_aversion * (data.securities.loadings.T @ data.active)
    if data.cash > data.cash_target:
        return Prices(factor, -data.parameters.cash_drag)
    return Prices(factor, data.parameters.cash_shortfall if data.cash < data.cash_target else 0.0)


def lower_bound(data: OptimizerData, prices: Prices) -> Branches:
    """A number that no allowed trade list's objective is below."""
    lam = data.parameters.risk_aversion
    cash_price = max(prices.cash, -data.parameters.cash_drag)
    factor = np.asarray(prices.factor, dtype=np.float64)
    no_buys, no_loss_sales = _branch_values(data, factor, cash_price)
    keys = data.securities.keys
    selling = sum_by(data.securities.wash_key, no_buys, keys)
    buying = sum_by(data.securities.wash_key, no_loss_sales, keys)
    blocks = float(np.minimum(selling, buying).sum())
    coupling = float(-(factor @ factor) / (2 * lam)) + _cash_term(data, cash_price)
    return Branches(blocks + coupling, selling, buying)


def _cash_term(data: OptimizerData, price: float) -> float:
    """min over cash c >= minimum of penalty(c) + price * (c - cash today)."""
    shortfall = data.parameters.cash_shortfall
    low = min(data.cash_minimum, data.cash_target)
    if data.cash_minimum >= data.cash_target:
        drag = data.parameters.cash_drag * (data.cash_minimum - data.cash_target)
        return drag + price * (data.cash_minimum - data.cash)
    at_target = price * (data.cash_target - data.cash)
    at_minimum = shortfall * (data.cash_target - low) + price * (low - data.cash)
    return min(at_target, at_minimum)


def _branch_values(data: OptimizerData, factor: Floats, cash_price: float) -> tuple[Floats, Floats]:
    """Each security's smallest value (n,) when its key is not bought, and when it is not sold at a loss.

    Keys that cannot be both lawfully sold at a loss and bought have the same value twice: the joint optimum.
    """
    sold_value = _selling(data, factor, cash_price, data.lots.limit)
    kept_value = _selling(data, factor, cash_price, np.where(data.lots.at_loss, 0.0, data.lots.limit))
    bought_value = _buying(data, factor, cash_price)
    forced_buy = data.securities.buy_minimum > 0
    sold_value, kept_value = np.where(forced_buy, np.inf, sold_value), np.where(forced_buy, np.inf, kept_value)
    joint = np.minimum(sold_value, bought_value)
    contested = contested_securities(data)
    return np.where(contested, sold_value, joint), np.where(contested, np.minimum(kept_value, bought_value), joint)


def _selling(data: OptimizerData, factor: Floats, cash_price: float, limit: Floats) -> Floats:
    """Value of each security's best sale without buying it, (n,); infinite where a minimum cannot be met."""
    held, lots = data.securities, data.lots
    row = lots.security
    curvature = data.parameters.risk_aversion * held.variance
    slope = held.loadings @ factor
    unit_cost = lots.tax + (held.half_spread + data.parameters.churn - cash_price * (1 - held.half_spread))[row]
    before = cumulative_before(row, limit)
    wanted = data.active[row] - (unit_cost - slope[row]) / curvature[row]
    free = sum_by(row, np.clip(wanted - before, 0.0, limit), len(held.ids))
    total = np.minimum(np.maximum(free, held.sell_minimum), held.sell_limit)
    sells = np.clip(total[row] - before, 0.0, limit)
    sold = sum_by(row, sells, len(held.ids))
    left = data.active - sold
    value = curvature / 2 * left**2 + slope * left + sum_by(row, unit_cost * sells, len(held.ids))
    return np.where(sold < held.sell_minimum - 1e-9, np.inf, value)


def _buying(data: OptimizerData, factor: Floats, cash_price: float) -> Floats:
    """Value of each security's best purchase without selling it, (n,); infinite where a sale is due."""
    held = data.securities
    curvature = data.parameters.risk_aversion * held.variance
    slope = held.loadings @ factor
    unit_cost = held.half_spread + data.parameters.churn + cash_price * (1 + held.half_spread)
    free = -(unit_cost + slope) / curvature - data.active
    bought = np.minimum(np.maximum(free, held.buy_minimum), held.buy_limit)
    held_after = data.active + bought
    value = curvature / 2 * held_after**2 + slope * held_after + unit_cost * bought
    return np.where(held.sell_minimum > 0, np.inf, value)
