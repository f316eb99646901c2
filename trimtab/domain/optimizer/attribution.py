"""What each trade contributes to the account's improvement, additive without residual (Aumann-Shapley).

On the straight path from no trade to the list the quadratic's average gradient is the one at the midpoint, the tax
and the costs are linear, and the cash penalty's average slope is its change over the change in cash.
"""

from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Floats, sum_by
from trimtab.domain.optimizer.objective import cash_after, cash_penalty
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.wash import washed_excess

_HIGHEST_SCORE = 1000.0
"""What a benefit without any tax or cost scores."""


@dataclass(frozen=True, slots=True, eq=False)
class Contributions:
    """Fractions of account value by security, (n,); above zero improves the account."""

    factor: Floats
    specific: Floats
    tax: Floats
    cost: Floats
    cash: Floats

    @property
    def total(self) -> Floats:
        return self.factor + self.specific + self.tax + self.cost + self.cash


def attribute(data: OptimizerData, lot_sells: Floats, buys: Floats) -> Contributions:
    """Contributions of selling `lot_sells` (m,) and buying `buys` (n,), weights. They sum to the improvement."""
    held = data.securities
    n = len(held.ids)
    sells = sum_by(data.lots.security, lot_sells, n)
    trade = buys - sells
    midpoint = data.active + trade / 2
    lam = data.parameters.risk_aversion
    orders = (sells + buys > 0).astype(np.float64)
    flows = (1 - held.half_spread) * sells - (1 + held.half_spread) * buys - data.commission * orders
    after = cash_after(data, sells, buys, int(orders.sum()))
    moved = after - data.cash
    slope = (cash_penalty(data, after) - cash_penalty(data, data.cash)) / moved if abs(moved) > 1e-15 else 0.0
    return Contributions(
        factor=-lam * (held.loadings @ (held.loadings.T @ midpoint)) * trade,
        specific=-lam * held.variance * held.pooled(midpoint) * trade,
        tax=-sum_by(data.lots.security, data.lots.tax * lot_sells + washed_excess(data.lots, held.share, lot_sells), n),
        cost=-(held.half_spread + data.parameters.churn) * (sells + buys)
        - held.preference * buys
        - data.commission * orders,
        cash=-slope * flows,
    )


def score(parts: Contributions) -> float:
    """Benefit over what it costs: less risk, better cash and tax saved, over tax paid and trading cost; 0 to 1000."""
    gained = float((parts.factor + parts.specific + parts.cash).sum() + np.maximum(parts.tax, 0.0).sum())
    paid = float(np.maximum(-parts.tax, 0.0).sum() - parts.cost.sum())
    if gained <= 0:
        return 0.0
    return min(gained / paid, _HIGHEST_SCORE) if paid > 0 else _HIGHEST_SCORE
