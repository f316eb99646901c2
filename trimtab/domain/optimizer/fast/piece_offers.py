"""How the lots of each piece of partly washed securities are offered: cheapest first, each from its own pull on.

Without rows that tell lots apart nothing of it depends on prices: it is laid out once, and asked at every price.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from trimtab.domain.optimizer.arrays import Floats, Ints, sums_of_rows
from trimtab.domain.optimizer.fast.packed import Packed, widened_by

if TYPE_CHECKING:
    from trimtab.domain.optimizer.fast.pieces import Pieces


@dataclass(frozen=True, slots=True, eq=False)
class Offers:
    """P pieces of L lots. What is sold as far as a pull q reaches saves the curvature times its integral over q."""

    first: Floats  # (P,) sold in any case: as much of the first lot sold as purchases wash
    first_begin: Floats  # (P,) pull from which that pays
    begin: Floats  # (P, L) pull beyond `first` from which each lot is sold
    most: Floats  # (P, L)
    charge: Floats  # (P,) cost of what is washed; infinite where the first lot is smaller
    along_begin: Floats  # (P, L) the same along the chord
    along_most: Floats  # (P, L)

    def __getitem__(self, pieces: Ints) -> "Offers":
        return Offers(*(getattr(self, each.name)[pieces] for each in fields(self)))

    @staticmethod
    def joined(several: "Sequence[Offers]") -> "Offers":
        """With as many lots as the widest has: those added sell nothing."""
        most = max(each.begin.shape[1] for each in several)
        return Offers(
            *(np.concatenate([_widened(getattr(one, each.name), most) for one in several]) for each in fields(Offers))
        )

    def saved(self, pull: Floats, curvature: Floats) -> Floats:
        """What each piece saves against doing nothing, (P,)."""
        first = curvature * self.first * (pull - self.first_begin - self.first / 2)
        saved: Floats = first + curvature * _reached(pull - self.first, self.begin, self.most) - self.charge
        return saved

    def saved_along(self, pull: Floats, curvature: Floats, pieces: Ints) -> Floats:
        """What selling along the chord saves, of some pieces (q,) with their pull and curvature."""
        saved: Floats = curvature * _reached(pull, self.along_begin[pieces], self.along_most[pieces])
        return saved


def _widened(values: Floats, lots: int) -> Floats:
    wider: Floats = values if values.ndim == 1 else widened_by(values, lots - values.shape[1], 0.0)
    return wider


def _reached(pull: Floats, begin: Floats, most: Floats) -> Floats:
    """Integral of the sales of lots (P, L) over the pull, (P,)."""
    beyond = pull[:, None] - begin
    sold = np.minimum(np.maximum(beyond, 0.0), most)
    return sums_of_rows(sold * (beyond - sold / 2))


def offers_of(packed: Packed, lots: "Pieces", prices: Floats | None = None) -> Offers:
    """At the `prices` (A, k + r) of rows that tell lots apart; None: there are no such rows."""
    at = (lots.account[:, None], lots.lot)
    limit, chord = np.where(lots.real, packed.lot_limit[at], 0.0), packed.lot_tax[at]
    if prices is not None:
        chord = chord + np.einsum("plg,pg->pl", packed.lot_on_row[at], prices[lots.account, -packed.lot_rows :])
    give = packed.give[lots.account, lots.place]
    every, sells = np.arange(len(give)), lots.first_sold >= 0
    tax, most = chord - lots.chord, np.where(lots.stays, 0.0, limit)
    first = np.where(sells, np.minimum(lots.purchased, most[every, lots.first_sold]), 0.0)
    most[every, lots.first_sold] -= first
    charge = np.where(sells, lots.wash_cost[every, lots.first_sold] * lots.purchased, 0.0)
    begin, most, along_begin, along_most = *_begins(give, tax, most), *_begins(give, chord, limit)
    return Offers(
        first=first,
        first_begin=tax[every, lots.first_sold] * give,
        begin=begin,
        most=most,
        charge=np.where(sells & (first < lots.purchased), np.inf, charge),
        along_begin=along_begin,
        along_most=along_most,
    )


def _begins(give: Floats, tax: Floats, limit: Floats) -> tuple[Floats, Floats]:
    """Cheapest first: the pull from which each lot is sold, and the most of it, (P, L) each."""
    order = np.argsort(tax, axis=1, kind="stable") + tax.shape[1] * np.arange(len(tax))[:, None]
    limit, tax = limit.ravel()[order], tax.ravel()[order]
    return np.cumsum(limit, axis=1) - limit + tax * give[:, None], limit
