"""What whole units come to while they are rounded: cash, tax, and by how much a move changes the objective.

A unit is one share, or a ten-thousandth where fractions trade; units are signed: buys above zero, sells below.
"""

from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Floats, Ints, sum_by
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
    """The prices at which units are weighed; `weight` is that of one unit, 0 without a price, (n,)."""

    def __init__(self, data: OptimizerData, weight: Floats, limit: Floats, before: Floats, rules: RowLedger) -> None:
        held = data.securities
        self._data, self._weight, self._rules = data, weight, rules
        self._limit, self._before = limit, before  # of each lot, (m,)
        self._curvature = (held.loadings**2).sum(axis=1) + held.variance

    def flow(self, units: Ints) -> Floats:
        """Cash that each security's trade brings, (n,)."""
        value = units * self._weight
        flow: Floats = -value - self._data.securities.half_spread * np.abs(value)
        return flow

    def cash(self, units: Ints) -> float:
        """Cash weight after all trades, less what rounding to cents may take."""
        return self._cash_after(units, self.flow(units))

    def _cash_after(self, units: Ints, flow: Floats) -> float:
        orders = int(np.count_nonzero(units))
        margin = _CENTS_AN_ORDER * (orders + 1) / float(self._data.account_value)
        paid = self._data.securities.commission @ (units != 0)
        return float(self._data.cash + flow.sum() - paid - margin)

    def lot_sells(self, units: Ints) -> Floats:
        """Weight sold of each lot, (..., m)."""
        total = np.maximum(-units, 0) * self._weight
        sold: Floats = np.clip(total[..., self._data.lots.security] - self._before, 0.0, self._limit)
        return sold

    def _tax(self, units: Ints) -> Floats:
        """Tax cost of each security's sale, (..., n)."""
        lots = self._data.lots
        taxes = lots.tax * self.lot_sells(units)
        if taxes.ndim == 1:
            return sum_by(lots.security, taxes, len(units))
        return np.array([sum_by(lots.security, each, units.shape[1]) for each in taxes])

    def standing(self, units: Ints) -> Standing:
        data, held = self._data, self._data.securities
        active, flow = data.active + units * self._weight, self.flow(units)
        cash = self._cash_after(units, flow)
        return Standing(
            units=units.copy(),
            gradient=held.loadings @ (held.loadings.T @ active) + held.variance * held.pooled(active),
            tax=self._tax(units),
            flow=flow,
            cash=cash,
            cash_price=float(self._cash_price(np.array([cash]))[0]),
        )

    def of_moves(self, moves: Ints, here: Standing) -> Floats:
        """Change of the objective if each move were made alone, (n,) or (q, n) like the moves; below zero is better."""
        data, held, units = self._data, self._data.securities, here.units
        after, step = units + moves, moves * self._weight
        risk = data.parameters.risk_aversion * (here.gradient * step + self._curvature / 2 * step**2)
        tax = self._tax(after) - here.tax
        value_change = (np.abs(after) - np.abs(units)) * self._weight
        orders = (after != 0).astype(np.int64) - (units != 0)
        cost = (held.half_spread + data.parameters.churn) * value_change + held.commission * orders
        cost += held.preference * (np.maximum(after, 0) - np.maximum(units, 0)) * self._weight
        cash = here.cash + self.flow(after) - here.flow - held.commission * orders
        tilt = -held.tilt * step
        rules = self._rules.worth(units, after) if after.ndim == 1 else self._rules.worths(units, after)
        worth: Floats = risk + tilt + tax + cost + rules + self._cash_price(cash) - here.cash_price
        return worth

    def _cash_price(self, cash: Floats) -> Floats:
        parameters = self._data.parameters
        above = cash - self._data.cash_target
        short = np.maximum(self._data.cash_minimum - cash, 0.0)
        price: Floats = np.maximum(parameters.cash_drag * above, -parameters.cash_shortfall * above)
        return price + _SHORT_CASH_PRICE * short
