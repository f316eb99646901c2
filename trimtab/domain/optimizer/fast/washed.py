"""Lots of which a recent purchase washes a part, for a batch: `washed_sales.py` settles them for one account.

The kernel sees the chord of their concave tax. Where the true tax of the solution is above it, the account is solved
again without those lots, and on pieces of that tax (`partly_washed.py`): without lots that would be washed in every
share sold, the others at what they cost unwashed. The best of all by the true tax is kept, and the bound is the highest
that the true tax gives at the prices of any.
"""

from dataclasses import replace

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints
from trimtab.domain.optimizer.fast.packed import lot_starts
from trimtab.domain.optimizer.fast.packing import Batch
from trimtab.domain.optimizer.fast.partly_washed import NONE, Pieces, bounded, pieces_of
from trimtab.domain.optimizer.fast.reading import lots_sold
from trimtab.domain.optimizer.fast.screen import doing_nothing
from trimtab.domain.optimizer.fast.sides import Settled, on_sides
from trimtab.domain.optimizer.problem import FRACTION_UNITS
from trimtab.domain.optimizer.wash import washed_weight, washed_whole

_WORTH_A_SOLVE = 1e-6
"""A tax that is less than this above its chord (a hundredth of a basis point) is left as it is."""

_GOOD_ENOUGH = 1e-5
"""A gap of a tenth of a basis point needs no further solve."""

_FIRST = -4.0
"""Tax of shares that a piece has sold in any case: nothing is worth as much, so that the kernel sells them."""

_NOTHING = 1e-8  # of one lot: round-off
_OF_LOTS = ("lot_security", "lot_limit", "lot_start", "lot_tax", "lot_on_row")


def settle_washed_sales(batch: Batch, settled: Settled) -> tuple[Batch, Settled]:
    """The batch on the pieces that are best for each account, and its solutions; objectives with the true tax."""
    excess = _excess(batch, settled)
    settled = settled.take(np.arange(batch.accounts))
    settled.objective[:] += excess.sum(axis=1)
    rows = np.flatnonzero((excess.sum(axis=1) > _WORTH_A_SOLVE) & settled.arrived)
    if not len(rows):
        return batch, settled
    trials = _Trials(batch.take(rows), settled.take(rows), excess[rows] > _NOTHING)
    trials.run()
    settled.replaced(rows, trials.best)
    return _replaced(batch, rows, trials.on), settled


class _Trials:
    """Accounts solved on several pieces, and the best of it."""

    def __init__(self, batch: Batch, settled: Settled, understated: Flags) -> None:
        self.best, self.on = settled, batch
        self._batch, self._understated = batch, understated
        self._pieces = pieces_of(batch)
        self._prices = settled.answers.prices.copy()  # of the last solve of each
        self._in_pieces = np.zeros_like(understated)
        if self._pieces is not None:
            self._in_pieces = self._pieces.spread(self._pieces.washed, understated.shape)

    def run(self) -> None:
        self._raise_bound()
        tax, limit = self._batch.packed.lot_tax, self._batch.packed.lot_limit
        self._attempt(self._open(), tax, limit, self._understated)
        for _ in range(2):
            chosen = self._raise_bound()
            if chosen is None or not len(self._open()):
                return
            self._on_pieces(chosen, least=True)
            self._on_pieces(chosen, least=False)
        self._raise_bound()

    def _open(self) -> Ints:
        """Accounts in which a better list is not ruled out, and trading is."""
        batch = self._batch
        proved = batch.may_stand_still & (doing_nothing(batch.packed) - self.best.bound < batch.tolerance)
        return np.flatnonzero(~proved & (self.best.gap > _GOOD_ENOUGH))

    def _raise_bound(self) -> Pieces | None:
        """The pieces that cost least at the last prices; their value there is a bound."""
        if self._pieces is None:
            return None
        at_prices = bounded(self._batch.packed, self._pieces, self._prices)
        self.best.raise_bound(np.arange(self._batch.accounts), at_prices.value, self._prices)
        return self._pieces.take(at_prices.chosen)

    def _on_pieces(self, chosen: Pieces, *, least: bool) -> None:
        """Solve on the chosen pieces: the first lot sold takes up what was bought and one unit, or as far as it pays.

        The latter may leave its piece, which the true tax shows.
        """
        packed, shape = self._batch.packed, self._understated.shape
        tax = packed.lot_tax - chosen.spread(np.where(chosen.stays, 0.0, chosen.chord), shape)
        closed = chosen.spread(chosen.stays, shape) | (self._understated & ~self._in_pieces)
        limit, rows = packed.lot_limit, self._open()
        if least:
            sells = (chosen.first_sold != NONE)[:, None]
            first = sells & (np.arange(chosen.lot.shape[1]) == chosen.first_sold[:, None])
            at_first, most = (
                chosen.spread(first, shape),
                chosen.spread(np.where(first, self._least(chosen), 0.0), shape),
            )
            tax, limit = np.where(at_first, _FIRST, tax), np.where(at_first, np.minimum(most, limit), limit)
            rows = rows[at_first[rows].any(axis=1)]
        self._attempt(rows, tax, limit, closed)

    def _least(self, chosen: Pieces) -> Floats:
        """One unit that trades more than was bought, (G, 1)."""
        datas, security = self._batch.datas, self._batch.security[chosen.account, chosen.place]
        held = [datas[row].securities for row in chosen.account]
        unit = np.array(
            [of.share[at] / (1 if of.whole[at] else FRACTION_UNITS) for of, at in zip(held, security, strict=True)]
        )
        return np.asarray(((np.floor(chosen.purchased / unit + 1e-9) + 1) * unit)[:, None])

    def _attempt(self, rows: Ints, tax: Floats, limit: Floats, closed: Flags) -> None:
        """Solve `rows` with lots taxed like this, (A, m) each, and some closed."""
        if not len(rows):
            return
        batch = _retaxed(self._batch.take(rows), tax[rows], limit[rows], closed[rows])
        solved = on_sides(batch.packed, self._prices[rows], self.best.buying[rows])
        solved.objective[:] += _excess(batch, solved).sum(axis=1)
        for name in ("bound", "proof", "proved", "further"):  # those of fewer lists bound nothing
            getattr(solved, name)[:] = getattr(self.best, name)[rows]
        self._prices[rows] = np.where(solved.arrived[:, None], solved.answers.prices, self._prices[rows])
        lawful = solved.arrived & ~_washed_whole(batch, solved)
        better = np.flatnonzero(lawful & (solved.objective < self.best.objective[rows]))
        self.best.replaced(rows[better], solved.take(better))
        self.on = _replaced(self.on, rows[better], batch.take(better))


def _excess(batch: Batch, settled: Settled) -> Floats:
    """What the true tax of each packed lot's sale is above the one in `batch`, (A, m)."""
    answers, packed = settled.answers, batch.packed
    sold = answers.lot_sales * np.take_along_axis(answers.sale_weight, packed.lot_security, axis=1) + batch.forced_sales
    excess = np.zeros(sold.shape)
    for row, data in enumerate(batch.datas):
        if data.lots.replacements is not None:
            lots, used = data.lots, batch.lots[row]
            own = batch.lot[row, :used]
            washed = washed_weight(lots, data.securities.share, lots_sold(batch, answers, row))
            above = lots.wash_cost * (washed - lots.washed_share * lots_sold(batch, answers, row))
            dearer = (packed.lot_tax[row, :used] - lots.tax[own]) * sold[row, :used]
            excess[row, :used] = np.where(above[own] - dearer > _NOTHING, above[own] - dearer, 0.0)
    return excess


def _washed_whole(batch: Batch, settled: Settled) -> Flags:
    """Accounts that sell a lot of which every share sold is washed, (A,): such a sale is no trade of theirs."""
    whole = [
        washed_whole(data.lots, data.securities.share, lots_sold(batch, settled.answers, row)).any()
        for row, data in enumerate(batch.datas)
    ]
    return np.array(whole, dtype=np.bool_)


def _retaxed(batch: Batch, tax: Floats, limit: Floats, closed: Flags) -> Batch:
    """The batch with other taxes and limits of lots, cheapest first again."""
    packed = batch.packed
    used = np.arange(tax.shape[1]) < batch.lots[:, None]
    order = np.lexsort((np.where(used, tax, np.inf), packed.lot_security), axis=1)
    if packed.lot_rows:  # the kernel sorts them itself
        order = np.broadcast_to(np.arange(tax.shape[1]), tax.shape)
    tax, limit, closed = (
        np.take_along_axis(each, order, axis=1) for each in (tax, np.where(closed, 0.0, limit), closed)
    )
    smaller = replace(
        packed,
        lot_tax=tax,
        lot_limit=limit,
        lot_start=lot_starts(packed.lot_security, limit, tax, packed.give),
        lot_on_row=np.take_along_axis(packed.lot_on_row, order[..., None], axis=1),
    )
    lot: Ints = np.take_along_axis(batch.lot, order, axis=1)
    forced: Floats = np.take_along_axis(batch.forced_sales, order, axis=1)
    return replace(batch, packed=smaller, lot=lot, forced_sales=forced, closed=closed)


def _replaced(batch: Batch, rows: Ints, other: Batch) -> Batch:
    """The batch with the lots of `rows` as `other` has them."""
    if not len(rows):
        return batch
    of_packed = {name: getattr(batch.packed, name).copy() for name in _OF_LOTS}
    of_batch = {name: getattr(batch, name).copy() for name in ("lot", "forced_sales", "closed")}
    for source, values in ((other.packed, of_packed), (other, of_batch)):
        for name, value in values.items():
            value[rows] = getattr(source, name)
    return replace(batch, packed=replace(batch.packed, **of_packed), **of_batch)
