"""What whole units come to while they are rounded: cash, tax, and by how much a move changes the objective.

A unit is one share, or a ten-thousandth where fractions trade; units are signed: buys above zero, sells below.
"""

from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Floats, Ints, sum_by
from trimtab.domain.optimizer.objective import cash_penalty
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.rounding_rows import RowLedger

_CENTS_AN_ORDER = 0.02
"""Dollars by which the exact cash after an order may differ from the one in floats: two roundings to the cent."""

_SHORT_CASH_PRICE = 10.0
"""Price of cash below its hard minimum while single shares are tried: above anything a share can earn."""


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """The units from which moves are tried, and what they come to: the same for every move."""

    units: Ints  # (n,)
    gradient: Floats  # of half the variance in each weight, (n,)
    tax: Floats  # (n,)
    flow: Floats  # (n,)
    cash: float
    cash_price: float


class UnitsWorth:
    """The prices at which units are weighed; `weight` is that of one unit, 0 without a price, (n,).

    It is asked again for every share that moves, so terms that an account does not have are not added up.
    """

    def __init__(self, data: OptimizerData, weight: Floats) -> None:
        held = data.securities
        self._data, self._weight = data, weight
        self._half_curvature = ((held.loadings**2).sum(axis=1) + held.variance) / 2
        self._unit_cost = held.half_spread + data.parameters.churn
        self._has_commissions, self._has_preferences = bool(held.commission.any()), bool(held.preference.any())
        self._has_sets, self._active = held.has_sets, data.active
        self._has_tilts = bool(held.tilt.any())
        self._account_value = float(data.account_value)
        self._place = np.concatenate([data.lots.security, data.lots.security + len(weight)])  # of two ways' lots

    def sell_from(self, limit: Floats, before: Floats, rules: RowLedger) -> None:
        """Of each lot at most `limit` (m,) is for sale, after what is `before` it, and the `rules` are on that."""
        self._limit, self._before, self._rules = limit, before, rules

    def flow(self, units: Ints) -> Floats:
        """Cash that each security's trade brings, (n,)."""
        value = units * self._weight
        flow: Floats = -value - self._data.securities.half_spread * np.abs(value)
        return flow

    def cash(self, units: Ints) -> float:
        """Cash weight after all trades, less what rounding to cents may take."""
        return self._cash_after(units, self.flow(units))

    def _cash_after(self, units: Ints, flow: Floats) -> float:
        margin = _CENTS_AN_ORDER * (int(np.count_nonzero(units)) + 1) / self._account_value
        paid = self._data.securities.commission @ (units != 0) if self._has_commissions else 0.0
        return float(self._data.cash + flow.sum() - paid - margin)

    def lot_sells(self, units: Ints) -> Floats:
        """Weight sold of each lot, (..., m)."""
        total = np.maximum(-units, 0) * self._weight
        left = total.take(self._data.lots.security, axis=-1) - self._before
        sold: Floats = np.minimum(np.maximum(left, 0.0), self._limit)
        return sold

    def _tax(self, units: Ints) -> Floats:
        """Tax cost of each security's sale, (n,) or (2, n) like the units."""
        taxes = self._data.lots.tax * self.lot_sells(units)
        return sum_by(self._place[: taxes.size], taxes.ravel(), units.size).reshape(units.shape)

    def standing(self, units: Ints) -> Standing:
        held = self._data.securities
        active, flow = self._active + units * self._weight, self.flow(units)
        pooled = held.pooled(active) if self._has_sets else active
        cash = self._cash_after(units, flow)
        return Standing(
            units=units.copy(),
            gradient=held.loadings @ (held.loadings.T @ active) + held.variance * pooled,
            tax=self._tax(units),
            flow=flow,
            cash=cash,
            cash_price=self._price_of(cash),
        )

    def of_moves(self, moves: Ints, here: Standing) -> Floats:
        """Change of the objective if each move were made alone, (n,) or (2, n) like the moves; below zero is better."""
        data, held, units = self._data, self._data.securities, here.units
        after, step = units + moves, moves * self._weight
        worth: Floats = data.parameters.risk_aversion * (here.gradient * step + self._half_curvature * step**2)
        if self._has_tilts:
            worth -= held.tilt * step
        worth += self._tax(after) - here.tax
        cost = self._unit_cost * ((np.abs(after) - np.abs(units)) * self._weight)
        cash = here.cash + self.flow(after) - here.flow
        if self._has_commissions:
            commission = held.commission * ((after != 0).astype(np.int64) - (units != 0))
            cost, cash = cost + commission, cash - commission
        if self._has_preferences:
            cost += held.preference * (np.maximum(after, 0) - np.maximum(units, 0)) * self._weight
        worth += cost
        worth += self._rules.worth(units, after) if after.ndim == 1 else self._rules.worths(units, after)
        worth += self._cash_price(cash)
        worth -= here.cash_price
        return worth

    def _price_of(self, cash: float) -> float:
        """`_cash_price` of one amount."""
        return cash_penalty(self._data, cash) + _SHORT_CASH_PRICE * max(self._data.cash_minimum - cash, 0.0)

    def _cash_price(self, cash: Floats) -> Floats:
        parameters = self._data.parameters
        above = cash - self._data.cash_target
        short = np.maximum(self._data.cash_minimum - cash, 0.0)
        price: Floats = np.maximum(parameters.cash_drag * above, -parameters.cash_shortfall * above)
        return price + _SHORT_CASH_PRICE * short
