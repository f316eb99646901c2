"""Lots of which recent purchases wash a part, of one account: its pieces of convex tax (docs/formulation.md).

Let the lots at a loss of one security be matched, in order, with purchases that replace nothing else. Either none of
them is sold, or one is the first that is: it takes up all the purchases that may replace it, and more, those before it
stay, and those after it lose nothing. `fast/partly_washed.py` has the same for a batch.

Reg. 1.1091-1(b)-(e): losses are matched in order with replacement shares in order of acquisition, each once.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from trimtab.domain.optimizer.arrays import Floats
from trimtab.domain.optimizer.problem import FRACTION_UNITS, Lots, OptimizerData

ALL_SOLD = -4.0
"""Tax of shares that a piece has sold in any case: nothing is worth as much, so that a solver sells them."""

Offer = tuple[float, float]
"""What a unit sold costs, and the most of it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece: which lot is the first sold, if any, and which are not."""

    first: int | None  # row of the lot
    purchased: float  # weight of the purchases that it takes up
    stays: tuple[int, ...]  # rows of lots that are not sold


@dataclass(frozen=True, slots=True)
class WashedSecurity:
    """One security with such lots."""

    row: int
    lots: tuple[int, ...]  # rows of all its lots that may be sold
    washed: tuple[int, ...]  # rows of those that purchases may wash, in the order of the rule
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class PricedSale:
    """A security's sales at some prices: what curves and slopes, and what a unit of each lot costs."""

    active: float
    curvature: float
    slope: float
    most: float

    def least(self, offers: Sequence[Offer], sold: float = 0.0) -> float:
        """The least that it can cost when `sold` of it is gone, and the offers may be taken, cheapest first."""
        active, taken, cost = self.active - sold, 0.0, 0.0
        for price, most in sorted(offers):
            wanted = min(active - (price - self.slope) / self.curvature, self.most) - taken
            if wanted <= 0:
                break
            more = min(wanted, most)  # an offer of nothing, of a lot that is closed, leaves the next one
            taken, cost = taken + more, cost + price * more
        left = active - taken
        return cost + self.curvature / 2 * left**2 + self.slope * left


def washed_securities(data: OptimizerData) -> Iterator[WashedSecurity]:
    """Securities whose purchases wash no other's lots, of which no rule demands a trade; none while cash is owed."""
    lots, known = data.lots, data.lots.replacements
    if known is None or data.cash < data.cash_required:
        return
    security = lots.security[known.lots].tolist()
    users = {(purchase, row) for row, own in zip(security, known.purchases, strict=True) for purchase in own}
    shared = Counter(purchase for purchase, _ in users)
    left_out = {row for purchase, row in users if shared[purchase] > 1}
    demanded = (data.securities.sell_minimum > 0) | (data.securities.buy_minimum > 0)
    places: dict[int, list[int]] = {}
    for place, row in enumerate(security):
        places.setdefault(row, []).append(place)
    for row in sorted(places.keys() - left_out):
        matched = places[row]
        washed = known.lots[matched]
        if demanded[row] or (lots.washed[washed] >= lots.value[washed]).any():
            continue
        bought = [float(known.bought[list(known.purchases[place])].sum()) for place in matched]
        purchased = [each * float(data.securities.share[row]) for each in bought]
        open_to = np.flatnonzero((lots.security == row) & (lots.limit > 0))
        own = tuple(washed.tolist())
        yield WashedSecurity(row, tuple(open_to.tolist()), own, tuple(_pieces(lots, own, purchased)))


def _pieces(lots: Lots, washed: Sequence[int], purchased: Sequence[float]) -> Iterator[Piece]:
    yield Piece(None, 0.0, tuple(washed))
    for place, (lot, taken) in enumerate(zip(washed, purchased, strict=True)):
        if lots.limit[lot] >= taken:
            yield Piece(lot, taken, tuple(washed[:place]))


def by_piece(lots: Lots, security: WashedSecurity, sale: PricedSale, cost: Floats) -> list[float]:
    """The least that selling the security can cost on each of its pieces, at `cost` (m,) along the chords."""
    free = {lot: float(cost[lot]) for lot in {*security.lots, *security.washed}}
    for lot in security.washed:
        free[lot] -= float(lots.wash_cost[lot]) * float(lots.washed[lot]) / float(lots.value[lot])
    return [_on_piece(lots, security, piece, sale, free) for piece in security.pieces]


def along_chord(lots: Lots, security: WashedSecurity, sale: PricedSale, cost: Floats) -> float:
    """The same along the chords."""
    return sale.least([(float(cost[lot]), float(lots.limit[lot])) for lot in security.lots])


def _chord(lots: Lots, security: WashedSecurity) -> Floats:
    """What a unit sold of each lot costs more along its chord than unwashed, (m,)."""
    own = list(security.washed)
    chord = np.zeros(len(lots.tax))
    chord[own] = lots.wash_cost[own] * lots.washed[own] / lots.value[own]
    return chord


def _on_piece(lots: Lots, security: WashedSecurity, piece: Piece, sale: PricedSale, free: Mapping[int, float]) -> float:
    """The least on one piece; `free` is what a unit sold of each lot costs unwashed."""
    offers = [
        (free[lot], float(lots.limit[lot]) - (piece.purchased if lot == piece.first else 0.0))
        for lot in security.lots
        if lot not in piece.stays
    ]
    charge = 0.0 if piece.first is None else (free[piece.first] + float(lots.wash_cost[piece.first])) * piece.purchased
    return charge + sale.least(offers, piece.purchased)


def on_pieces(data: OptimizerData, chosen: Sequence[tuple[WashedSecurity, Piece]], *, least: bool) -> OptimizerData:
    """The one regime of `data` with lots taxed as on these pieces: what is washed of them comes on top.

    With `least` the first lot sold takes up what was bought and one unit, and no more; else as far as it pays.
    """
    lots = data.lots
    tax, limit, washed = lots.tax.copy(), lots.limit.copy(), lots.washed.copy()
    for security, piece in chosen:
        tax -= _chord(lots, security)
        washed[list(security.washed)] = 0.0
        limit[list(piece.stays)] = 0.0
        if least and piece.first is not None:
            limit[piece.first] = min(least_beyond(data, security, piece), limit[piece.first])
            tax[piece.first] = ALL_SOLD
    retaxed = replace(lots, tax=tax, limit=limit, washed=washed)
    return replace(data, lots=retaxed, regimes=(replace(data.regimes[0], lot_tax=tax),))


def least_beyond(data: OptimizerData, security: WashedSecurity, piece: Piece) -> float:
    """Weight of what was bought and one unit that trades."""
    held = data.securities
    unit = float(held.share[security.row]) / (1 if held.whole[security.row] else FRACTION_UNITS)
    return float((np.floor(piece.purchased / unit + 1e-9) + 1) * unit)
