"""What each trade contributes to the account's improvement, additive without residual (Aumann-Shapley).

On the straight path from no trade to the list each trade counts with the average slope of the objective. For the
quadratic that is the slope at the midpoint; costs and tilts are linear; the cash penalty and each priced row have as
average slope their change over the change of their amount; the tax is the least of its regimes, each linear between
the points where a netting row bends or another regime becomes the cheaper one, so its average is a finite sum.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from trimtab.domain.optimizer.arrays import Floats, sum_by
from trimtab.domain.optimizer.objective import cash_after, cash_penalty
from trimtab.domain.optimizer.problem import OptimizerData, Regime, Rows
from trimtab.domain.optimizer.wash import washed_excess

_HIGHEST_SCORE = 1000.0
"""What a benefit without any tax or cost scores."""

_STANDS = 1e-15
"""An amount that moves by less does not move."""


@dataclass(frozen=True, slots=True, eq=False)
class Contributions:
    """Fractions of account value by security, (n,); above zero improves the account."""

    factor: Floats
    specific: Floats
    tilt: Floats
    tax: Floats
    cost: Floats
    cash: Floats
    rules: Floats  # rows that have a price, as a forced harvest has

    @property
    def total(self) -> Floats:
        return self.factor + self.specific + self.tilt + self.tax + self.cost + self.cash + self.rules


def attribute(data: OptimizerData, lot_sells: Floats, buys: Floats) -> Contributions:
    """Contributions of selling `lot_sells` (m,) and buying `buys` (n,), weights. They sum to the improvement."""
    held = data.securities
    n = len(held.ids)
    sells = sum_by(data.lots.security, lot_sells, n)
    trade = buys - sells
    midpoint = data.active + trade / 2
    lam = data.parameters.risk_aversion
    orders = (sells + buys > 0).astype(np.float64)
    return Contributions(
        factor=-lam * (held.loadings @ (held.loadings.T @ midpoint)) * trade,
        specific=-lam * held.variance * held.pooled(midpoint) * trade,
        tilt=held.tilt * trade,
        tax=-sum_by(data.lots.security, tax_by_lot(data, lot_sells), n),
        cost=-(held.half_spread + data.parameters.churn) * (sells + buys)
        - held.preference * buys
        - held.commission * orders,
        cash=_cash_part(data, sells, buys, orders),
        rules=_rules_part(data, lot_sells, buys),
    )


def tax_by_lot(data: OptimizerData, lot_sells: Floats) -> Floats:
    """Tax cost of each lot's sale, (m,): at its average rate on the path, and what the wash sale rule takes of it."""
    own: Floats = _average_rates(data.regimes, lot_sells) * lot_sells
    return own + washed_excess(data.lots, data.securities.share, lot_sells)


def _average_rates(regimes: Sequence[Regime], lot_sells: Floats) -> Floats:
    """Tax of one more unit of each lot, (m,), averaged over the path from nothing sold to `lot_sells`."""
    if len(regimes) == 1 and not len(regimes[0].rows):
        return regimes[0].lot_tax
    rates = np.zeros(len(lot_sells))
    for start, end in pairwise(_knots(regimes, lot_sells)):
        between = lot_sells * (start + end) / 2
        cheapest = min(regimes, key=lambda regime: regime.tax(between))
        rates += (end - start) * _rates(cheapest, between)
    return rates


def _rates(regime: Regime, lot_sells: Floats) -> Floats:
    """Tax of one more unit of each lot in the regime, (m,), where no row bends."""
    rows = regime.rows
    amount = rows.start + rows.on_sale @ lot_sells
    above, below = (
        (amount > rows.high) & np.isfinite(rows.price_above),
        (amount < rows.low) & np.isfinite(rows.price_below),
    )
    slope = np.where(above, rows.price_above, 0.0) - np.where(below, rows.price_below, 0.0)
    rates: Floats = regime.lot_tax + slope @ rows.on_sale
    return rates


def _knots(regimes: Sequence[Regime], lot_sells: Floats) -> list[float]:
    """Points of the path from 0 to 1 between which one regime is the cheapest and linear."""
    bends = sorted({0.0, 1.0, *(point for regime in regimes for point in _bends(regime.rows, lot_sells))})
    knots = [0.0]
    for start, end in pairwise(bends):
        if len(regimes) == 2:
            ahead, behind = ([regime.tax(lot_sells * at) for regime in regimes] for at in (start, end))
            one, other = ahead[0] - ahead[1], behind[0] - behind[1]
            if one * other < 0:
                knots.append(start + (end - start) * one / (one - other))
        knots.append(end)
    return knots


def _bends(rows: Rows, lot_sells: Floats) -> list[float]:
    """Where on the path an amount of the rows crosses an end of its interval."""
    move = rows.on_sale @ lot_sells
    moving = np.abs(move) > _STANDS
    points = np.concatenate([(bound - rows.start)[moving] / move[moving] for bound in (rows.low, rows.high)])
    return [float(point) for point in points if 0 < point < 1]


def _cash_part(data: OptimizerData, sells: Floats, buys: Floats, orders: Floats) -> Floats:
    half_spread, commission = data.securities.half_spread, data.securities.commission
    flows = (1 - half_spread) * sells - (1 + half_spread) * buys - commission * orders
    after = cash_after(data, sells, buys, float(commission @ orders))
    moved = after - data.cash
    slope = (cash_penalty(data, after) - cash_penalty(data, data.cash)) / moved if abs(moved) > _STANDS else 0.0
    part: Floats = -slope * flows
    return part


def _rules_part(data: OptimizerData, lot_sells: Floats, buys: Floats) -> Floats:
    rows, n = data.rows, len(buys)
    part = np.zeros(n)
    if not len(rows):
        return part
    sold, bought = rows.sale_effect(data.lots.security) * lot_sells, rows.purchase_effect * buys
    move = sold.sum(axis=1) + bought.sum(axis=1)
    change = _penalties(rows, rows.start + move) - _penalties(rows, rows.start)
    slope = np.divide(change, move, out=np.zeros(len(rows)), where=np.abs(move) > _STANDS)
    part -= sum_by(data.lots.security, slope @ sold, n) + slope @ bought
    return part


def _penalties(rows: Rows, amount: Floats) -> Floats:
    """What each row that is not hard costs at its amount, (r,)."""
    above = np.where(np.isfinite(rows.price_above), rows.price_above, 0.0)
    below = np.where(np.isfinite(rows.price_below), rows.price_below, 0.0)
    cost: Floats = above * np.maximum(amount - rows.high, 0.0) + below * np.maximum(rows.low - amount, 0.0)
    return cost


def score(parts: Contributions) -> float:
    """Benefit over what it costs: less risk, better cash, tilt, rules and tax saved, over tax paid and trading cost.

    Between 0 and 1000.
    """
    kept = parts.factor + parts.specific + parts.tilt + parts.cash + parts.rules
    gained = float(kept.sum() + np.maximum(parts.tax, 0.0).sum())
    paid = float(np.maximum(-parts.tax, 0.0).sum() - parts.cost.sum())
    if gained <= 0:
        return 0.0
    return min(gained / paid, _HIGHEST_SCORE) if paid > 0 else _HIGHEST_SCORE
