"""From the relaxation's answer to booked trades in whole shares that keep the rules on the whole account.

Rounding itself leans away from hard rows (`rounding_rows.py`). Where that is not enough, because a minimum trade or a
dear share is in the way, what is missed comes off the rule's limit and the account is solved again.
"""

from dataclasses import dataclass, replace

import numpy as np

from trimtab.domain.optimizer.account_rows import TURNOVER
from trimtab.domain.optimizer.arrays import Floats, sum_by
from trimtab.domain.optimizer.booking import Booked, book, sold_weights, taxed_gains
from trimtab.domain.optimizer.errors import SolverStalled
from trimtab.domain.optimizer.objective import evaluate, row_amounts
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.rounding import Start, round_trades
from trimtab.domain.optimizer.sale_order import in_order_of_sale, reorder_like
from trimtab.domain.optimizer.search import search
from trimtab.domain.optimizer.wash_sides import Found
from trimtab.domain.snapshots import AnalysisInput

_TRIES = 4
_ROUND_OFF = 1e-10

TRACKING_ERROR = "TRACKING_ERROR"
"""Name of the limit of tracking error among the rules that whole shares miss."""

NAMES = "NAMES"


@dataclass(frozen=True, slots=True, eq=False)
class InShares:
    """Booked trades, as weights by lot and security of `data`, whose lots are in the order of sale."""

    data: OptimizerData
    rules: OptimizerData  # the same in the regime that was solved, whose rows have its form of a tax budget
    booked: Booked
    lot_sells: Floats  # (m,)
    buys: Floats  # (n,)
    missed: tuple[str, ...]  # rules on the whole account that they do not keep

    @property
    def widened(self) -> OptimizerData:
        """`data` with bands as wide as these trades leave them, and no more demanded of a security than they trade.

        What it bounds are lists that may do the same.
        """
        rows, held, excess = self.data.rows, self.data.securities, self._excess
        sells = sum_by(self.data.lots.security, self.lot_sells, len(self.buys))
        return replace(
            self.data,
            rows=replace(rows, low=rows.low - excess, high=rows.high + excess),
            securities=replace(
                held,
                sell_minimum=np.minimum(held.sell_minimum, sells),
                buy_minimum=np.minimum(held.buy_minimum, self.buys),
            ),
        )

    @property
    def bands_are_missed(self) -> bool:
        """True when whole shares leave a band within its slack."""
        return bool(self._excess.any())

    def keeps_bands_like(self, other: "InShares") -> bool:
        """True when no band is left by more than the other leaves it."""
        return bool((self._excess <= other._excess + _ROUND_OFF).all())

    @property
    def _excess(self) -> Floats:
        return self.data.rows.excess(row_amounts(self.data, self.lot_sells, self.buys))

    @property
    def objective(self) -> float:
        return evaluate(self.data, self.lot_sells, self.buys, as_orders=True).total


def in_whole_shares(request: AnalysisInput, data: OptimizerData, found: Found) -> InShares:
    """The trades of `found`, solved again within tighter limits as long as whole shares miss some rule of `data`."""
    rules = _rules(data, found)
    shares = _rounded(request, data, rules, found)
    for _ in range(_TRIES):
        if not shares.missed:
            break
        tighter = _tightened(found.problem, shares)
        try:
            found = search(tighter, found.prices)
        except SolverStalled:
            break
        again = _rounded(request, data, rules, found)
        if len(again.missed) <= len(shares.missed):
            shares = again
    return shares


def yesterdays_list(request: AnalysisInput, data: OptimizerData, found: Found) -> InShares:
    """Yesterday's trades as far as the limits and sides of `found` allow, improved share by share."""
    return _rounded(request, data, _rules(data, found), found, Start.YESTERDAY)


def _rules(data: OptimizerData, found: Found) -> OptimizerData:
    return replace(found.problem, lots=replace(found.problem.lots, washed=data.lots.washed))


def in_whole_shares_at_once(request: AnalysisInput, data: OptimizerData, found: Found) -> InShares:
    """The trades of `found` rounded, and no more: nothing is improved share by share, nothing solved again."""
    return _rounded(request, data, found.problem, found, Start.AS_IT_IS)


def _rounded(
    request: AnalysisInput, data: OptimizerData, rules: OptimizerData, found: Found, start: Start = Start.SOLUTION
) -> InShares:
    ordered = in_order_of_sale(found.problem, found)
    booked = book(request, ordered.data, round_trades(ordered.data, ordered.found, ordered.caps, start))
    lot_sells, buys = sold_weights(ordered.data, booked)
    data, rules = reorder_like(data, ordered.data), reorder_like(rules, ordered.data)
    return InShares(data, rules, booked, lot_sells, buys, missed_rules(rules, booked, lot_sells, buys))


def missed_rules(data: OptimizerData, booked: Booked, lot_sells: Floats, buys: Floats) -> tuple[str, ...]:
    """Names of the rules on the whole account that sales (m,) and purchases (n,), booked, do not keep."""
    excess = row_excess(data, booked, lot_sells, buys)
    beyond = excess - data.rows.slack
    names = [name for name, amount in zip(data.rows.names, beyond, strict=True) if amount > _ROUND_OFF]
    if _cap_overshoot(data, lot_sells, buys) > 1:
        names.append(TRACKING_ERROR)
    left = data.securities.holding + buys - sum_by(data.lots.security, lot_sells, len(buys))
    if data.most_names is not None and int((left > data.crumb).sum()) > data.most_names:
        names.append(NAMES)
    return tuple(names)


def row_excess(data: OptimizerData, booked: Booked, lot_sells: Floats, buys: Floats) -> Floats:
    """What hard rows are missed by, (r,), with gains as booked."""
    return data.rows.excess(_amounts(data, booked, lot_sells, buys))


def _amounts(data: OptimizerData, booked: Booked, lot_sells: Floats, buys: Floats) -> Floats:
    """Amounts of the rows, (r,), with gains as booked: to the cent, losses washed share by share.

    In the rows a lot's washed loss is the mean over all its shares.
    """
    if not len(data.rows):
        return np.zeros(0)
    counted = data.lots.counted_gain
    on_gains = np.array([name != TURNOVER for name in data.rows.names], dtype=np.bool_)[:, None] & (counted != 0)
    rates = np.where(on_gains, data.rows.on_sale / np.where(counted != 0, counted, 1.0), 0.0)
    booked_otherwise = taxed_gains(data, booked) - counted * lot_sells
    return row_amounts(data, lot_sells, buys) + rates @ booked_otherwise


def _cap_overshoot(data: OptimizerData, lot_sells: Floats, buys: Floats) -> float:
    """Tracking error over its limit, as a ratio; zero without one."""
    if data.tracking_limit is None:
        return 0.0
    sold = sum_by(data.lots.security, lot_sells, len(buys))
    squared = data.squared_tracking_error(data.active + buys - sold)
    return float(np.sqrt(squared) / data.tracking_limit)


def _tightened(problem: OptimizerData, shares: InShares) -> OptimizerData:
    """Twice what was missed comes off each hard end that was missed."""
    rules, rows = shares.rules, problem.rows
    amounts = _amounts(rules, shares.booked, shares.lot_sells, shares.buys)
    above = np.where(np.isinf(rows.price_above), np.maximum(amounts - rules.rows.high, 0.0), 0.0)
    below = np.where(np.isinf(rows.price_below), np.maximum(rules.rows.low - amounts, 0.0), 0.0)
    high, low = rows.high - 2 * above, rows.low + 2 * below
    tight = replace(rows, high=high, low=np.minimum(low, high))
    overshoot = max(_cap_overshoot(rules, shares.lot_sells, shares.buys), 1.0)
    limit = problem.tracking_limit and problem.tracking_limit / overshoot**2
    return replace(problem, rows=tight, tracking_limit=limit)
