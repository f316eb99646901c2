"""Lots of which a recent purchase washes a part, for a batch: `washed_sales.py` settles them for one account.

The kernel sees the chord of their concave tax. Where the true tax of the solution is above it, the account is solved
again without those lots, and on pieces of that tax (`partly_washed.py`): without lots that would be washed in every
share sold, the others at what they cost unwashed. The best of all by the true tax is kept, and the bound is the highest
that the true tax gives at the prices of any.
"""

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sums_of_rows
from trimtab.domain.optimizer.fast.batches import Batch
from trimtab.domain.optimizer.fast.closed_form import gains
from trimtab.domain.optimizer.fast.packed import Packed
from trimtab.domain.optimizer.fast.partly_washed import bounded_at
from trimtab.domain.optimizer.fast.pieces import NONE, Pieces, pieces_of
from trimtab.domain.optimizer.fast.reading import lots_sold
from trimtab.domain.optimizer.fast.retaxing import replaced, retaxed
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


def settle_washed_sales(batch: Batch, settled: Settled) -> tuple[Batch, Settled]:
    """The batch on the pieces that are best for each account, and its solutions; objectives with the true tax.

    `settled` is the batch along its chords.
    """
    return settle_true_tax(batch, None, batch, settled)


def settle_true_tax(batch: Batch, pieces: Pieces | None, on: Batch, settled: Settled) -> tuple[Batch, Settled]:
    """The same for accounts that are `settled` `on` some of the `pieces` of the batch; None: they are not known.

    The bounds of `settled` are those of the batch.
    """
    excess = _excess(on, settled)
    settled = settled.take(np.arange(batch.accounts))
    above = sums_of_rows(excess)
    settled.objective[:] += above
    in_doubt = above > _WORTH_A_SOLVE
    if pieces is not None:
        in_doubt[pieces.account] |= settled.gap[pieces.account] > _GOOD_ENOUGH
    rows = np.flatnonzero(in_doubt & settled.arrived)
    if not len(rows):
        return on, settled
    part, best = batch.take(rows), on.take(rows)
    its = pieces.of(rows) if pieces is not None else pieces_of(part)
    understated = _same_lots(best, excess[rows] > _NOTHING, part)
    trials = _Trials(part, best, its, settled.take(rows), understated)
    if pieces is None:
        trials.without_understated()
    trials.run()
    settled.replaced(rows, trials.best)
    return replaced(on, rows, trials.on), settled


def _same_lots(on: Batch, flags: Flags, batch: Batch) -> Flags:
    """Flags of the packed lots of `on` at those of `batch`, (A, m): the same accounts, another order of lots."""
    row, column = np.nonzero(flags)
    flagged = np.zeros((on.accounts, max(len(data.lots.lots) for data in on.datas)), dtype=np.bool_)
    flagged[row, on.lot[row, column]] = True
    same: Flags = np.take_along_axis(flagged, batch.lot, axis=1)
    return same & (np.arange(same.shape[1]) < batch.lots[:, None])


class _Trials:
    """Accounts solved on several pieces, and the best of it."""

    def __init__(self, batch: Batch, on: Batch, pieces: Pieces | None, settled: Settled, understated: Flags) -> None:
        self.best, self.on = settled, on
        self._batch, self._understated = batch, understated
        self._pieces = pieces
        self._prices = settled.answers.prices.copy()  # of the last solve of each
        self._in_pieces = np.zeros_like(understated)
        if self._pieces is not None:
            self._in_pieces = self._pieces.spread(self._pieces.washed, understated.shape)

    def without_understated(self) -> None:
        """The first trial of accounts that were settled along their chords."""
        self._raise_bound()
        packed = self._batch.packed
        self._attempt(self._open(), packed.lot_tax, packed.lot_limit, self._understated)

    def run(self) -> None:
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
        at_prices = bounded_at(self._batch.packed, self._pieces, self._prices)
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
        batch = retaxed(self._batch.take(rows), tax[rows], limit[rows], closed[rows])
        solved = on_sides(batch.packed, self._prices[rows], self._sides(batch.packed, rows))
        solved.objective[:] += sums_of_rows(_excess(batch, solved))
        for name in ("bound", "proof", "proved", "further"):  # those of fewer lists bound nothing
            getattr(solved, name)[:] = getattr(self.best, name)[rows]
        self._prices[rows] = np.where(solved.arrived[:, None], solved.answers.prices, self._prices[rows])
        lawful = solved.arrived & ~_washed_whole(batch, solved)
        better = np.flatnonzero(lawful & (solved.objective < self.best.objective[rows]))
        self.best.replaced(rows[better], solved.take(better))
        self.on = replaced(self.on, rows[better], batch.take(better))

    def _sides(self, packed: Packed, rows: Ints) -> Flags:
        """The best sides so far; of places that are contested on these pieces alone what is better at the prices."""
        best, once = self.best.buying[rows], self._batch.packed.contested[rows]
        new = packed.contested & ~once
        if not new.any():
            return best
        at_prices = gains(packed, self._prices[rows])
        return np.where(new, at_prices.if_bought > at_prices.if_sold, best)


def _excess(batch: Batch, settled: Settled) -> Floats:
    """What the true tax of each packed lot's sale is above the one in `batch`, (A, m)."""
    answers, packed = settled.answers, batch.packed
    sold = answers.lot_sales * np.take_along_axis(answers.sale_weight, packed.lot_security, axis=1) + batch.forced_sales
    excess = np.zeros(sold.shape)
    for row, data in enumerate(batch.datas):
        if data.lots.replacements is not None:
            lots, used = data.lots, batch.lots[row]
            own, its = batch.lot[row, :used], lots_sold(batch, answers, row)
            washed = washed_weight(lots, data.securities.share, its)
            above = lots.wash_cost * (washed - lots.washed_share * its)
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
