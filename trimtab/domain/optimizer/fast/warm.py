"""What the last analysis of an account came to, as a start for today's."""

from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Floats, Ints
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.snapshots import Incumbent


@dataclass(frozen=True, slots=True, eq=False)
class WarmStart:
    """Prices of factors, cash and rows (k + 1 + r,), None when unknown, and each security's side, (n,)."""

    prices: Floats | None
    sides: Ints  # 1 bought, -1 sold, 0 neither


def warm_start(data: OptimizerData, incumbent: Incumbent | None) -> WarmStart | None:
    """None without an incumbent. Prices of a problem with other rows say nothing and are left out."""
    if incumbent is None:
        return None
    known = len(incumbent.prices) == data.securities.loadings.shape[1] + 1 + len(data.rows)
    prices = np.array(incumbent.prices, dtype=np.float64) if known else None
    if prices is not None and not np.isfinite(prices).all():
        prices = None
    trades = incumbent.net_trades
    sides = [int(np.sign(trades[each])) if each in trades else 0 for each in data.securities.ids]
    return WarmStart(prices, np.array(sides, dtype=np.int64))
