"""`bound.lower_bound` along the chords of many accounts in one pass: those whose securities share but factors and cash.

The same numbers to the last bit, so that an account's certificate does not depend on those beside it: what is summed
is summed account by account in the same order.
"""

from collections.abc import Callable, Sequence

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sum_by
from trimtab.domain.optimizer.blocks import Prices, curvatures
from trimtab.domain.optimizer.bound import Branches, coupling_value, lower_bound, within_caps
from trimtab.domain.optimizer.problem import FIXED, OptimizerData

_Priced = tuple[OptimizerData, Prices]


def lower_bounds(every: Sequence[_Priced]) -> list[Branches]:
    """`lower_bound` along the chords for each problem, in its one regime, at its prices."""
    plain = [each for each in every if _is_plain(each[0])]
    cuts = iter(_Columns([(data, within_caps(data, prices)) for data, prices in plain]).cuts() if plain else ())
    return [next(cuts) if _is_plain(data) else _alone(data, prices) for data, prices in every]


def _alone(data: OptimizerData, prices: Prices) -> Branches:
    return lower_bound(data, prices, along_chords=True)


def _is_plain(data: OptimizerData) -> bool:
    """No rows and no names are priced, and lots are sold in the order in which they stand."""
    ruled = len(data.rows) or data.regimes[0].name != FIXED or data.most_names is not None
    return not (ruled or data.securities.has_sets)


class _Columns:
    """One row a security, or a lot, the accounts one after the other."""

    def __init__(self, every: Sequence[_Priced]) -> None:
        self._every = every
        self._sizes = [len(data.securities.ids) for data, _ in every]
        self._lots = [len(data.lots.lots) for data, _ in every]
        self._keys = [data.securities.keys for data, _ in every]
        self._row = self._joined(lambda data: data.lots.security) + np.repeat(_starts(self._sizes), self._lots)
        self._key = self._joined(lambda data: data.securities.wash_key) + np.repeat(_starts(self._keys), self._sizes)
        self._active = self._joined(lambda data: data.active)
        self._sell_limit = self._joined(lambda data: data.securities.sell_limit)
        self._least_sold = self._joined(lambda data: data.securities.sell_minimum)
        self._least_bought = self._joined(lambda data: data.securities.buy_minimum)
        self._price()

    def cuts(self) -> list[Branches]:
        """As `branch_values` and `lower_bound` have it."""
        forced_buy = self._least_bought > 0
        limit, contested = self._joined(lambda data: data.lots.limit), self._contested()
        sold = np.where(forced_buy, np.inf, self._sale(limit))
        bought = np.where(self._least_sold > 0, np.inf, self._purchase())
        if_sold = if_bought = np.minimum(sold, bought)
        if contested.any():
            gains = np.where(self._joined(lambda data: data.lots.at_loss), 0.0, limit)
            kept = np.where(forced_buy, np.inf, self._sale(gains))
            if_bought = np.where(contested, np.minimum(bought, kept), if_bought)
            if_sold = np.where(contested, sold, if_sold)
        keys = sum(self._keys)
        if_sold, if_bought = sum_by(self._key, if_sold, keys), sum_by(self._key, if_bought, keys)
        cheaper, ends = np.minimum(if_sold, if_bought), np.cumsum(self._keys).tolist()
        own = [slice(end - size, end) for end, size in zip(ends, self._keys, strict=True)]
        return [
            Branches(float(cheaper[at].sum()) + coupling_value(data, prices), if_sold[at], if_bought[at])
            for (data, prices), at in zip(self._every, own, strict=True)
        ]

    def _price(self) -> None:
        """As `priced_at` has it."""
        held = self._joined(lambda data: data.securities.half_spread)
        churn = np.repeat([data.parameters.churn for data, _ in self._every], self._sizes)
        cash = np.repeat([prices.cash for _, prices in self._every], self._sizes)
        cost = held + churn
        self._purchase_cost = cost + self._joined(lambda data: data.securities.preference) + cash * (1 + held)
        self._sale_cost = self._joined(lambda data: data.lots.tax) + (cost - cash * (1 - held))[self._row]
        self._curvature = np.concatenate([curvatures(data, prices.cap) for data, prices in self._every])
        self._slope = np.concatenate(
            [data.securities.loadings @ prices.factor - data.securities.tilt for data, prices in self._every]
        )

    def _sale(self, limit: Floats) -> Floats:
        """What the best sale of each security leaves it at, (n,)."""
        row, n, active, curvature, slope = self._row, len(self._active), self._active, self._curvature, self._slope
        before = self._before(limit)
        wanted = active[row] - (self._sale_cost - slope[row]) / curvature[row] - before
        free = sum_by(row, np.clip(wanted, 0.0, limit), n)
        total = np.minimum(np.maximum(free, self._least_sold), self._sell_limit)
        sells = np.clip(total[row] - before, 0.0, limit)
        sold = sum_by(row, sells, n)
        left = active - sold
        value = curvature / 2 * left**2 + slope * left + sum_by(row, self._sale_cost * sells, n)
        return np.where(sold < self._least_sold - 1e-9, np.inf, value)

    def _purchase(self) -> Floats:
        """What the best purchase of each security leaves it at, (n,)."""
        free = -(self._purchase_cost + self._slope) / self._curvature - self._active
        bought = np.minimum(np.maximum(free, self._least_bought), self._joined(lambda data: data.securities.buy_limit))
        after = self._active + bought
        value: Floats = self._curvature / 2 * after**2 + self._slope * after + self._purchase_cost * bought
        return value

    def _before(self, limit: Floats) -> Floats:
        """As `cumulative_before` has it: each account's lots are added up on their own."""
        account = np.repeat(np.arange(len(self._every)), self._lots)
        place = np.arange(len(limit)) - np.repeat(_starts(self._lots), self._lots)
        padded = np.zeros((len(self._every), max(self._lots, default=0)))
        padded[account, place] = limit
        running = np.cumsum(padded, axis=1)[account, place] - limit
        first = np.concatenate(([True], self._row[1:] != self._row[:-1]))
        before: Floats = running - running[np.flatnonzero(first)[np.cumsum(first) - 1]]
        return before

    def _contested(self) -> Flags:
        """As `contested_securities` has it."""
        keys, limit = sum(self._keys), self._joined(lambda data: data.lots.limit)
        losing = sum_by(self._key[self._row], self._joined(lambda data: data.lots.at_loss) & (limit > 0), keys) > 0
        buyable = sum_by(self._key, self._joined(lambda data: data.securities.buy_limit) > 0, keys) > 0
        taxable = np.repeat([data.taxable for data, _ in self._every], self._sizes)
        contested: Flags = (losing & buyable)[self._key] & taxable
        return contested

    def _joined(self, column: Callable[[OptimizerData], Floats | Ints | Flags]) -> np.ndarray:
        return np.concatenate([column(data) for data, _ in self._every])


def _starts(sizes: Sequence[int]) -> Ints:
    return np.cumsum([0, *sizes[:-1]])
