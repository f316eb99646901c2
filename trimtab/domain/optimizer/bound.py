"""Weak duality: any prices give a lower bound on the objective of every trade list that the rules allow.

The problem is separable by security but for k factor exposures, cash, the account's rows and its limits of risk and
names. Given prices for those, each security's best answer has a closed form, so the bound costs one pass over the
lots. A wash key that could be sold at a loss and bought on one day counts as the cheaper of its two lawful branches:
the bound is one for the true, non-convex problem, before whole shares, minimum trades and commissions (which only
shrink the set of lists).

It is taken in one tax regime (`OptimizerData.under`): the tax is the least of the regimes, so the least of their
bounds is the account's.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sum_by
from trimtab.domain.optimizer.blocks import Priced, Prices, branch_values, priced_at
from trimtab.domain.optimizer.capacity import contested_securities
from trimtab.domain.optimizer.merged import cell_values
from trimtab.domain.optimizer.problem import OptimizerData, Rows
from trimtab.domain.optimizer.washed_pieces import PricedSale, along_chord, by_piece, washed_securities

_PREFERENCE = 1e-15  # a branch must be better by more than round-off to be taken


@dataclass(frozen=True, slots=True, eq=False)
class Branches:
    """The bound, and what each branch of a wash key is worth at its prices, (n_keys,)."""

    value: float
    if_sold: Floats  # smallest value when the key may be sold at a loss and is not bought
    if_bought: Floats  # smallest value when it may be bought and is not sold at a loss
    cell: Ints | None = None  # keys whose values are those of one cell, set by set (`merged.py`); None: each its own

    @property
    def buying(self) -> Flags:
        """True for keys that are better bought (or kept) than sold at a loss."""
        return self.if_bought < self.if_sold - _PREFERENCE

    def with_sides(self, keys: Ints, patterns: Flags) -> Floats:
        """The bound if `keys` (q,) were on the sides of each row of `patterns` (p, q), True for bought; (p,)."""
        cheaper = np.minimum(self.if_sold, self.if_bought)[keys]
        chosen = np.where(patterns, self.if_bought[keys], self.if_sold[keys])
        worse = chosen - cheaper
        if self.cell is None:
            bounds: Floats = self.value + worse.sum(axis=1)
            return bounds
        # Keys of one cell do not add up: each tells what its cell costs at least on that side of it.
        cells = self.cell[keys]
        by_cell = [worse[:, cells == each].max(axis=1) for each in np.unique(cells)]
        return np.asarray(self.value + np.sum(by_cell, axis=0), dtype=np.float64)

    def regret(self, buying: Flags) -> Floats:
        """What each key loses by the side given to it."""
        chosen = np.where(buying, self.if_bought, self.if_sold)
        return np.where(np.isfinite(chosen), chosen - np.minimum(self.if_sold, self.if_bought), 0.0)


def standing_prices(data: OptimizerData) -> Prices:
    """The prices at which trading nothing is judged: the slope of the objective at the present holdings."""
    factor = data.parameters.risk_aversion * (data.securities.loadings.T @ data.active)
    rows = data.rows
    above = np.where(np.isfinite(rows.price_above) & (rows.start > rows.high), rows.price_above, 0.0)
    below = np.where(np.isfinite(rows.price_below) & (rows.start < rows.low), rows.price_below, 0.0)
    cash = 0.0
    if data.cash != data.cash_target:
        over = data.cash > data.cash_target
        cash = -data.parameters.cash_drag if over else data.parameters.cash_shortfall
    return Prices(factor, cash, above - below)


def lower_bound(data: OptimizerData, prices: Prices, *, along_chords: bool = False) -> Branches:
    """A number that no allowed trade list's objective is below, in the one regime of `data`.

    Lots that purchases wash in part are on the pieces of their tax, or `along_chords`, which is less and sooner told.
    """
    prices = within_caps(data, prices)
    if data.securities.has_sets:
        return _of_cells(data, prices)
    not_bought, not_sold_at_a_loss = branch_values(data, prices)
    key, keys = data.securities.wash_key, data.securities.keys
    if_sold, if_bought = sum_by(key, not_bought, keys), sum_by(key, not_sold_at_a_loss, keys)
    value = float(np.minimum(if_sold, if_bought).sum()) + coupling_value(data, prices)
    told = Branches(value, if_sold, if_bought)
    return told if along_chords else raised(data, prices, told)


def raised(data: OptimizerData, prices: Prices, along_chords: Branches) -> Branches:
    """The bound at `prices` inside their caps with lots that purchases wash in part on the pieces of their tax.

    It is that `along_chords` where there are none, and where sets or a price of names keep it there.
    """
    if data.securities.has_sets or data.lots.replacements is None or prices.names > 0:
        return along_chords
    if_sold, if_bought = along_chords.if_sold.copy(), along_chords.if_bought.copy()
    cheaper = np.minimum(if_sold, if_bought)
    key, contested = data.securities.wash_key, contested_securities(data)
    for row, dearer in dearer_on_pieces(data, priced_at(data, prices)):
        if_sold[key[row]] += dearer
        if not contested[row]:
            if_bought[key[row]] += dearer
    finite = np.isfinite(cheaper)
    risen = float((np.minimum(if_sold, if_bought)[finite] - cheaper[finite]).sum())
    return Branches(along_chords.value + risen, if_sold, if_bought)


def dearer_on_pieces(data: OptimizerData, at: Priced) -> Iterator[tuple[int, float]]:
    """By how much selling costs more than along the chords at least, for each security with such lots."""
    for security in washed_securities(data):
        sale, cost = priced_sale(data, at, security.row), at.sale_cost
        dearer = min(by_piece(data.lots, security, sale, cost)) - along_chord(data.lots, security, sale, cost)
        if dearer > 0:
            yield security.row, dearer


def priced_sale(data: OptimizerData, at: Priced, row: int) -> PricedSale:
    most = float(data.securities.sell_limit[row])
    return PricedSale(float(data.active[row]), float(at.curvature[row]), float(at.slope[row]), most)


def _of_cells(data: OptimizerData, prices: Prices) -> Branches:
    values = cell_values(data, prices)
    return Branches(values.total + coupling_value(data, prices), values.if_sold, values.if_bought, cell=values.cell)


def within_caps(data: OptimizerData, prices: Prices) -> Prices:
    """The nearest prices at which the bound is not minus infinity; without any for the rows, zeros."""
    rows = prices.rows if len(prices.rows) else np.zeros(len(data.rows))
    return Prices(
        factor=prices.factor,
        cash=max(prices.cash, -data.parameters.cash_drag),
        rows=np.clip(rows, *row_caps(data.rows)) if len(data.rows) else rows,
        cap=max(prices.cap, 0.0) if data.tracking_limit is not None else 0.0,
        names=max(prices.names, 0.0) if data.most_names is not None and not data.securities.has_sets else 0.0,
    )


def row_caps(rows: Rows) -> tuple[Floats, Floats]:
    """Smallest and largest price of each row: minus what a unit below costs, and what a unit above costs; (r,)."""
    lowest = np.where(np.isfinite(rows.low), -rows.price_below, 0.0)
    highest = np.where(np.isfinite(rows.high), rows.price_above, 0.0)
    return lowest, highest


def coupling_value(data: OptimizerData, prices: Prices) -> float:
    """What cash, factor exposures, rows and limits add to the bound at `prices` inside their caps."""
    loose = 2 * (data.parameters.risk_aversion + 2 * prices.cap)
    value = cash_term(data, prices.cash)[0] - float(prices.factor @ prices.factor) / loose
    of_rows = float(prices.rows @ row_slopes(data.rows, prices.rows)) if len(data.rows) else 0.0
    value += of_rows + data.regimes[0].constant
    if data.tracking_limit is not None:
        value -= prices.cap * data.tracking_limit**2
    if data.most_names is not None:
        value -= prices.names * data.most_names
    return value


def row_slopes(rows: Rows, price: Floats) -> Floats:
    """Start less the end of the interval that each row's price stands for, (r,); zero at a price of zero."""
    slope: Floats = np.where(
        price > 0, rows.start - _finite(rows.high), np.where(price < 0, rows.start - _finite(rows.low), 0.0)
    )
    return slope


def _finite(end: Floats) -> Floats:
    """Open ends never carry a price, so any number stands for them."""
    return np.where(np.isfinite(end), end, 0.0)


def cash_term(data: OptimizerData, price: float) -> tuple[float, float]:
    """min over cash c >= minimum of penalty(c) + price * (c - cash today), and its slope in the price."""
    parameters = data.parameters
    if data.cash_minimum >= data.cash_target:
        drag = parameters.cash_drag * (data.cash_minimum - data.cash_target)
        return drag + price * (data.cash_minimum - data.cash), data.cash_minimum - data.cash
    at_target = price * (data.cash_target - data.cash)
    short = parameters.cash_shortfall * (data.cash_target - data.cash_minimum)
    at_minimum = short + price * (data.cash_minimum - data.cash)
    if at_minimum < at_target:
        return at_minimum, data.cash_minimum - data.cash
    return at_target, data.cash_target - data.cash
