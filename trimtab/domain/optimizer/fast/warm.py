"""What the last analysis of an account came to, as a start for today's."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from trimtab.domain.optimizer.arrays import Floats, Ints
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.snapshots import Incumbent


@dataclass(frozen=True, slots=True, eq=False)
class WarmStart:
    """Prices of factors, cash and rows (k + 1 + r,), None when unknown, and each security's side, (n,)."""

    prices: Floats | None
    sides: Ints  # 1 bought, -1 sold, 0 neither

    def knows(self, problem: OptimizerData) -> bool:
        """Whether the prices are those of a problem with as many factors and rows."""
        expected = problem.securities.loadings.shape[1] + 1 + len(problem.rows)
        return self.prices is not None and len(self.prices) == expected


def warm_start(data: OptimizerData, incumbent: Incumbent | None) -> WarmStart | None:
    """None without an incumbent."""
    if incumbent is None:
        return None
    trades = incumbent.net_trades
    sides = [_side(trades[each]) if each in trades else 0 for each in data.securities.ids]
    return WarmStart(_prices(data, incumbent), np.array(sides, dtype=np.int64))


def _side(shares: Decimal) -> int:
    return int(shares > 0) - int(shares < 0)


def _prices(data: OptimizerData, incumbent: Incumbent) -> Floats | None:
    """In the order of the first regime's rows, those that are new at nothing; None when not all are numbers."""
    if not incumbent.prices:
        return None
    rows = data.under(data.regimes[0]).rows.names
    prices = np.array([*incumbent.prices, *(incumbent.row_prices.get(name, 0.0) for name in rows)], dtype=np.float64)
    return prices if np.isfinite(prices).all() else None
