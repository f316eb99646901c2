"""What the rules on the whole account cost while units are being rounded: hard ones dearly, priced ones their price."""

from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Floats, Ints, sum_by
from trimtab.domain.optimizer.problem import OptimizerData

_HARD_PRICE = 10.0
"""Least price of a unit beyond a hard row while single shares are tried: above anything a share can earn."""

_CAP_PRICE = 1e6
"""Price of squared tracking error above its limit, for the same reason."""

_DEARER = 3.0
"""A hard row costs at least so many times what the solution pays for it."""

_CENTS_A_LEG = 0.02
"""Dollars by which the exact gain or weight of an order may differ from the one in floats."""


@dataclass(frozen=True, slots=True, eq=False)
class RowLedger:
    """Amounts of the account's rows, by what each security's units put into them."""

    data: OptimizerData
    unit: Floats  # (n,) weight of one unit; 0 where nothing trades
    limit: Floats  # (m,) most that may be sold of each lot
    before: Floats  # (m,) what is sold before it
    hard_price: Floats  # (r,) of hard rows
    margin: float  # kept from hard ends for rounding to cents

    @classmethod
    def of(cls, data: OptimizerData, unit: Floats, limit: Floats, before: Floats, row_prices: Floats) -> "RowLedger":
        """`row_prices` (r,) are those of the solution that is being rounded."""
        legs = len(data.securities.ids) + len(data.lots.lots) + 1
        hard = np.maximum(_DEARER * np.abs(row_prices), _HARD_PRICE) if len(row_prices) else np.zeros(0)
        return cls(data, unit, limit, before, hard, _CENTS_A_LEG * legs / float(data.account_value))

    def worth(self, units: Ints, after: Ints) -> Floats | float:
        """Change of what the rules cost if each security alone went from `units` to `after`, (n,)."""
        worth: Floats | float = 0.0
        if len(self.data.rows):
            now, then = self._by_security(units), self._by_security(after)
            total = self.data.rows.start + now.sum(axis=0)
            worth = self._cost(total + then - now) - self._cost(total[None, :])[0]
        if self.data.tracking_limit is not None:
            worth = worth + self._risk_worth(units, after, self.data.tracking_limit)
        return worth

    def worths(self, units: Ints, ways: Ints) -> Floats | float:
        """The same of several ways to go, (q, n)."""
        if not len(self.data.rows) and self.data.tracking_limit is None:
            return 0.0
        return np.array([self.worth(units, after) for after in ways])

    def _by_security(self, units: Ints) -> Floats:
        """What each security's trade puts into the rows, (n, r)."""
        row, rows = self.data.lots.security, self.data.rows
        weight = units * self.unit
        sold = np.clip(np.maximum(-weight, 0.0)[row] - self.before, 0.0, self.limit)
        sales = [sum_by(row, each, len(units)) for each in rows.sale_effect(row) * sold]
        amounts: Floats = np.column_stack(sales) + (rows.purchase_effect * np.maximum(weight, 0.0)).T
        return amounts

    def _cost(self, amounts: Floats) -> Floats:
        """Of each line of (q, r) amounts, (q,). The margin never asks for more than the account starts with."""
        rows = self.data.rows
        high = np.where(
            np.isinf(rows.price_above),
            np.maximum(rows.high - self.margin, np.minimum(rows.high, rows.start)),
            rows.high,
        )
        low = np.where(
            np.isinf(rows.price_below), np.minimum(rows.low + self.margin, np.maximum(rows.low, rows.start)), rows.low
        )
        above = np.maximum(amounts - high, 0.0) * np.where(
            np.isinf(rows.price_above), self.hard_price, rows.price_above
        )
        below = np.maximum(low - amounts, 0.0) * np.where(np.isinf(rows.price_below), self.hard_price, rows.price_below)
        cost: Floats = (above + below).sum(axis=1)
        return cost

    def _risk_worth(self, units: Ints, after: Ints, limit: float) -> Floats:
        held = self.data.securities
        active = self.data.active + units * self.unit
        step = (after - units) * self.unit
        gradient = held.loadings @ (held.loadings.T @ active) + held.specific_risk**2 * held.pooled(active)
        curvature = (held.loadings**2).sum(axis=1) + held.specific_risk**2
        now = self.data.squared_tracking_error(active)
        then = now + 2 * gradient * step + curvature * step**2
        most = limit**2 * (1 - 1e-9)
        worth: Floats = _CAP_PRICE * (np.maximum(then - most, 0.0) - max(now - most, 0.0))
        return worth
