"""From weights to whole shares: rounding, minimum trades, cash repair, then single shares while they improve.

Works in units (one share, or a ten-thousandth where fractions trade), signed: buys above zero, sells below.
"""

from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sum_by
from trimtab.domain.optimizer.problem import FRACTION_UNITS, WORTH_A_NAME, OptimizerData, cumulative_before
from trimtab.domain.optimizer.rounding_rows import RowLedger
from trimtab.domain.optimizer.rounding_worth import UnitsWorth
from trimtab.domain.optimizer.wash import washed_whole
from trimtab.domain.optimizer.wash_sides import Found

_LEAST_GAIN = 1e-9  # a single share moves only for more than this: 1e-5 bp

_UP_AND_DOWN: Ints = np.array([[1], [-1]], dtype=np.int64)

_WORTH_A_SHARE = 1e-6
"""Yesterday's number of shares is left only for more than this, a hundredth of a basis point: proposals stay calm."""


class Start(Enum):
    """Where whole shares are sought from."""

    SOLUTION = auto()  # the units nearest to the solution, then single shares while they improve
    AS_IT_IS = auto()  # the units nearest to the solution, and no more
    YESTERDAY = auto()  # yesterday's units as far as today's limits allow, then single shares while they improve


@dataclass(frozen=True, slots=True, eq=False)
class Rounded:
    """Signed units by security, (n,), and the lots open for sale, (m,)."""

    units: Ints
    lots_open: Flags
    lot_caps: Floats  # most that may be sold of each lot, as a weight; inf: all of it


def round_trades(
    data: OptimizerData, found: Found, lot_caps: Floats | None = None, start: Start = Start.SOLUTION
) -> Rounded:
    """Whole-share trades near the start. Cash may end short only when no whole share can cure it.

    A lot of which no more would be sold than a recent purchase washes is closed, unless a rule demands its sale, and
    the rest rounded again.
    """
    demanded = data.securities.sell_minimum[data.lots.security] > 0
    caps = _whole_caps(data, lot_caps if lot_caps is not None else np.full(len(data.lots.lots), np.inf))
    lots_open = found.sides.lots
    desk = _Desk(data, found, _in_units(data) if start is Start.YESTERDAY else None)
    while True:
        desk.sell_from(np.minimum(np.where(lots_open, data.lots.limit, 0.0), caps))
        desk.start_from(found)
        desk.raise_cash()
        if start is not Start.AS_IT_IS:
            desk.improve()
        desk.raise_cash()
        wasted = washed_whole(data.lots, data.securities.share, desk.worth.lot_sells(desk.units)) & ~demanded
        if not wasted.any():
            return Rounded(desk.units, lots_open, caps)
        lots_open = lots_open & ~wasted


def _whole_caps(data: OptimizerData, caps: Floats) -> Floats:
    """Caps in units that trade: whole shares where only those do."""
    if not np.isfinite(caps).any():
        return caps
    held, row = data.securities, data.lots.security
    unit = (np.where(held.whole, 1.0, 1.0 / FRACTION_UNITS) * held.share)[row]
    finite = np.isfinite(caps) & (unit > 0)
    whole: Floats = np.where(
        finite, np.floor(np.where(finite, caps, 0.0) / np.where(finite, unit, 1.0) + 0.5) * unit, np.inf
    )
    return whole


class _Desk:
    """The units while they are being rounded, with what each move is worth."""

    def __init__(self, data: OptimizerData, found: Found, yesterday: Ints | None) -> None:
        held = data.securities
        self.data, self._row_prices = data, found.solution.prices.rows
        self.unit: Floats = np.where(held.whole, 1.0, 1.0 / FRACTION_UNITS) * held.share
        self.unit[self.unit <= 0] = np.inf  # without a price nothing trades
        self.weight = _finite(self.unit)
        self.worth = UnitsWorth(data, self.weight)
        self.lot = held.round_lot
        self.in_lots = bool((self.lot > 1).any())
        self.most_bought = self._lots_below(np.where(found.sides.buys, _down(held.buy_limit / self.unit), 0))
        self.least_bought = np.minimum(self._lots_above(_up(held.buy_minimum / self.unit)), self.most_bought)
        self.smallest = self._lots_above(_up(np.where(np.isfinite(self.unit), held.minimum_trade / self.unit, 0.0)))
        self.held: Floats = held.holding / self.unit
        self.least_left = np.where(np.isfinite(self.unit), held.minimum_holding / self.unit, 0.0)
        self.smallest_entry = np.maximum(self._lots_above(_up(self.least_left - self.held)), self.smallest)
        self.yesterday = yesterday  # where it is kept as far as can be

    def sell_from(self, limit: Floats) -> None:
        """Nothing is traded, and at most `limit` (m,) of each lot is for sale."""
        data, held, weight = self.data, self.data.securities, self.weight
        before = cumulative_before(data.lots.security, limit)
        self.worth.sell_from(limit, before, RowLedger.of(data, weight, limit, before, self._row_prices))
        sellable = np.minimum(sum_by(data.lots.security, limit, len(held.ids)), held.sell_limit)
        most_sold = _down(sellable / self.unit)
        self.closes = (most_sold > 0) & (most_sold * weight >= held.holding - weight * (1 - 1e-6))
        self.most_sold = np.where(self.closes, most_sold, self._lots_below(most_sold))
        self.least_sold = np.minimum(self._lots_above(_up(held.sell_minimum / self.unit)), self.most_sold)
        self.is_demanded = bool(self.least_sold.any() or self.least_bought.any())
        self.may_leave_little = (self.least_sold > 0) & ~self.closes
        self.units: Ints = np.zeros(len(held.ids), dtype=np.int64)

    def start_from(self, found: Found) -> None:
        """Units of the start; nothing or the minimum where a trade is too small; no crumbs of names off the target."""
        if self.yesterday is not None:
            wanted = self.yesterday
        else:
            sells = sum_by(self.data.lots.security, found.solution.lot_sells, len(self.unit))
            wanted = np.rint((found.solution.buys - sells) / self.unit).astype(np.int64)
        units = np.clip(wanted, -self.most_sold, self.most_bought)
        size = np.abs(units)
        small = (size > 0) & (size < self.smallest) & ~((units == -self.most_sold) & self.closes)
        lifted = np.sign(units) * np.where(2 * size >= self.smallest, self.smallest, 0)
        units = np.where(small, lifted, units)
        units = np.where((units < -self.most_sold) | (units > self.most_bought), 0, units)
        crumb = (units < 0) & self.closes & (self.most_sold + units < self.smallest)
        units = np.where(crumb & (self.data.securities.target == 0), -self.most_sold, units)
        units = np.where(self.least_sold > 0, np.minimum(units, -self.least_sold), units)
        units = np.where(self.least_bought > 0, np.maximum(units, self.least_bought), units)
        self.units = self._nearest_lawful(units)

    def _lots_below(self, units: Ints) -> Ints:
        return np.asarray(units // self.lot * self.lot, dtype=np.int64)

    def _lots_above(self, units: Ints) -> Ints:
        return np.asarray(-(-units // self.lot) * self.lot, dtype=np.int64)

    def _lawful(self, units: Ints) -> Flags:
        """Multiples of the round lot that leave no position below the smallest; a sale of everything always is.

        A sale that a rule demands, of less than everything because lots are locked, may leave little.
        """
        large = self.held + units >= self.least_left - 1e-6
        if self.is_demanded:
            large |= self.may_leave_little
        if self.in_lots:
            large &= units % self.lot == 0
        large |= units == 0
        large |= self.closes & (units == -self.most_sold)
        return large

    def _nearest_lawful(self, units: Ints) -> Ints:
        """The lawful units nearest to those given, (n,): nothing, everything, whole lots, or the smallest position."""
        wrong = ~self._lawful(units)
        if not wrong.any():
            return units
        to_smallest = -self._lots_below(_down(np.maximum(self.held - self.least_left, 0.0)))
        whole_lots = np.rint(units / self.lot).astype(np.int64) * self.lot
        sold_out = np.where(self.closes, -self.most_sold, 0)
        ways = np.array([np.zeros_like(units), whole_lots, to_smallest, self.smallest_entry, sold_out])
        large = (np.abs(ways) >= self.smallest) | (ways == 0) | (self.closes & (ways == -self.most_sold))
        due = ((ways <= -self.least_sold) | (self.least_sold == 0)) & (
            (ways >= self.least_bought) | (self.least_bought == 0)
        )
        inside = (ways >= -self.most_sold) & (ways <= self.most_bought) & (ways * np.sign(units) >= 0)
        allowed = inside & due & large & np.array([self._lawful(way) for way in ways])
        distance = np.where(allowed, np.abs(ways - units), np.iinfo(np.int64).max)
        best = np.argmin(distance, axis=0)
        nearest = np.where(allowed.any(axis=0), ways[best, np.arange(len(units))], self._lots_toward_nothing(units))
        return np.where(wrong, nearest, units)

    def _lots_toward_nothing(self, units: Ints) -> Ints:
        return np.asarray(np.sign(units) * self._lots_below(np.abs(units)), dtype=np.int64)

    def _change(self, moves: Ints) -> Floats | float:
        """What moves, (2, n), must gain beside the objective: leaving yesterday's number, or name, is not free."""
        if self.yesterday is None:
            return 0.0
        leaves_name = (self.units + moves == 0) != (self.yesterday == 0)
        least = np.where(leaves_name, WORTH_A_NAME, _WORTH_A_SHARE)
        return np.where(self.units == self.yesterday, least, 0.0)

    def raise_cash(self) -> None:
        """Buy less or sell more, cheapest way first, until cash reaches its minimum.

        Without an order nothing is rounded to cents: an account without a cent may stand still.
        """
        if not self.units.any() and self.data.cash >= self.data.cash_minimum:
            return
        for _ in range(4 * len(self.units) + 4):
            short = self.data.cash_minimum - self.worth.cash(self.units)
            if short <= 0:
                return
            moves, here = self._cash_moves(short), self.worth.standing(self.units)
            raised = self.worth.flow(self.units + moves) - here.flow
            price = np.where(raised > 0, self.worth.of_moves(moves, here) / np.maximum(raised, 1e-300), np.inf)
            best = int(np.argmin(price))
            if not np.isfinite(price[best]):
                return
            self.units[best] += moves[best]

    def improve(self) -> None:
        """Move single shares while that improves the objective; no security is moved both ways."""
        direction = np.zeros(len(self.units), dtype=np.int64)
        for _ in range(4 * len(self.units)):
            moves = np.where(direction != -_UP_AND_DOWN, self._singles(), 0)
            worth = self.worth.of_moves(moves, self.worth.standing(self.units)) + self._change(moves)
            worth = np.where(moves != 0, worth, np.inf)
            way, best = np.unravel_index(np.argmin(worth), worth.shape)
            if worth[way, best] >= -_LEAST_GAIN:
                return
            self.units[best] += moves[way, best]
            direction[best] = np.sign(moves[way, best])

    def _singles(self) -> Ints:
        """The smallest move up, then down, of each security, (2, n); 0 where its limits bar it.

        From nothing it is the smallest trade, from the smallest trade to nothing; a sale of everything stays.
        """
        units, least = self.units, -self.most_sold
        up: Ints = units + self.lot
        up = np.where(units >= 0, np.maximum(up, self.smallest), np.where((up < 0) & (-up < self.smallest), 0, up))
        down = np.where(self.closes & (units > least), np.maximum(units - self.lot, least), units - self.lot)
        small = (down > 0) & (down < self.smallest)
        down = np.where(units <= 0, np.minimum(down, -self.smallest), np.where(small, 0, down))
        moved = np.array([up, down])
        lawful = self._lawful(moved)
        if not lawful.all():
            moved = np.where(lawful, moved, [self._next_position(1), self._next_position(-1)])
            lawful = self._lawful(moved)
        allowed = lawful & (moved >= least) & (moved <= self.most_bought)
        if self.is_demanded:
            allowed &= (self.least_sold == 0) | (-moved >= self.least_sold)
            allowed &= (self.least_bought == 0) | (moved >= self.least_bought)
        allowed &= self.data.securities.whole & ~((units < 0) & (units == least) & self.closes)
        return np.where(allowed, moved - units, 0)

    def _next_position(self, step: int) -> Ints:
        """Beyond positions that are too small: up to the smallest that is not, down to none (or no trade), (n,)."""
        if step > 0:
            return np.where(self.units >= 0, self.smallest_entry, 0)
        less = np.where(self.least_bought > 0, self.units, 0)
        return np.where(self.units > 0, less, np.where(self.closes, -self.most_sold, self.units))

    def _cash_moves(self, short: float) -> Ints:
        """For each security the move that raises `short`, or as near as its limits allow; 0 when it has none."""
        needed = self._lots_above(np.maximum(_up(short / (self.unit * 0.99)), 1))
        floor = np.where(self.least_bought > 0, self.least_bought, 0)
        lower = self.units - needed
        buys_less = np.where((lower >= self.smallest) & (lower >= floor), lower, np.where(floor > 0, floor, 0))
        sells_more = np.minimum(np.maximum(-lower, self.smallest), self.most_sold)
        allowed = (sells_more >= self.smallest) | (self.closes & (sells_more == self.most_sold))
        sells_more = np.where(allowed, sells_more, -self.units)
        target = np.where(self.units > 0, buys_less, -np.maximum(sells_more, -self.units))
        target = np.where(self._lawful(target), target, self._next_position(-1))
        return np.asarray(target - self.units, dtype=np.int64)


def _in_units(data: OptimizerData) -> Ints | None:
    """Yesterday's net trades, (n,)."""
    if data.yesterday is None:
        return None
    units: Ints = np.rint(data.yesterday * np.where(data.securities.whole, 1, FRACTION_UNITS)).astype(np.int64)
    return units


def _finite(unit: Floats) -> Floats:
    return np.where(np.isfinite(unit), unit, 0.0)


def _down(units: Floats) -> Ints:
    return np.asarray(np.floor(units + 1e-6), dtype=np.int64)


def _up(units: Floats) -> Ints:
    return np.asarray(np.ceil(units - 1e-9), dtype=np.int64)
