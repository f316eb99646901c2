"""Lots of which recent purchases wash a part, in a household: the least that selling a security can cost over all
accounts, each on the pieces of its own lots (`washed_pieces.py`). Each account's losses are matched by themselves.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Final

import numpy as np

from trimtab.domain.optimizer.arrays import Floats
from trimtab.domain.optimizer.household.problem import HouseholdData
from trimtab.domain.optimizer.problem import Lots
from trimtab.domain.optimizer.washed_pieces import (
    ALL_SOLD,
    Offer,
    Piece,
    PricedSale,
    WashedSecurity,
    least_beyond,
    washed_securities,
)

_MOST_COMBINATIONS: Final = 64
"""Of pieces of the accounts that hold a security: beyond that it is taxed along the chords."""


@dataclass(frozen=True, slots=True, eq=False)
class WashedPair:
    """One account's lots of one security, of which purchases wash some in part."""

    account: int
    security: WashedSecurity  # rows are those of the account
    lots: Lots  # of the account
    first_lot: int  # row of the account's first lot among the household's
    most: float

    @property
    def chord(self) -> Floats:
        """What a unit sold of each of the account's lots costs more along its chord than unwashed, (m_a,)."""
        chord = np.zeros(len(self.lots.tax))
        own = list(self.security.washed)
        chord[own] = self.lots.wash_cost[own] * self.lots.washed[own] / self.lots.value[own]
        return chord

    def choices(self, sale: Floats) -> Iterator["_Choice"]:
        """By piece what selling the pair may be, at costs `sale` (m,)."""
        chord = self.chord
        free = sale[self.first_lot : self.first_lot + len(chord)] - chord
        for piece in self.security.pieces:
            charge = 0.0
            if piece.first is not None:
                charge = float(free[piece.first] + self.lots.wash_cost[piece.first]) * piece.purchased
            yield _Choice(self, piece, charge, self._offers(piece, free))

    def _offers(self, piece: Piece, free: Floats) -> list[Offer]:
        """Cheapest first, and no more than the account may sell."""
        offers, room = [], self.most
        for lot in sorted(self.security.lots, key=lambda lot: float(free[lot])):
            if lot not in piece.stays:
                size = float(self.lots.limit[lot]) - (piece.purchased if lot == piece.first else 0.0)
                offers.append((float(free[lot]), min(size, room)))
                room -= offers[-1][1]
        return offers


@dataclass(frozen=True, slots=True, eq=False)
class _Choice:
    """One piece of a pair at some prices."""

    pair: WashedPair
    piece: Piece
    charge: float  # of what is sold in any case
    offers: list[Offer]  # what else may be sold


Chosen = tuple[tuple[WashedPair, Piece], ...]
"""One piece of each pair."""


def washed_pairs(data: HouseholdData) -> Mapping[int, tuple[WashedPair, ...]]:
    """By row of the security, those of all accounts."""
    found: dict[int, list[WashedPair]] = {}
    for account, (part, (_, lots)) in enumerate(zip(data.parts, data.slices(), strict=True)):
        for security in washed_securities(part):
            most = float(part.securities.sell_limit[security.row])
            pair = WashedPair(account, security, part.lots, lots.start, most)
            found.setdefault(security.row, []).append(pair)
    return {row: tuple(pairs) for row, pairs in found.items() if _few(pairs)}


def _few(pairs: list[WashedPair]) -> bool:
    return prod(len(pair.security.pieces) for pair in pairs) <= _MOST_COMBINATIONS


def least_on_pieces(
    pairs: tuple[WashedPair, ...], sale: Floats, others: PricedSale, offers: list[Offer], paid: float
) -> tuple[float, Chosen]:
    """The least of selling one security when the `others`' sales that are due are made and `paid`, and its pieces.

    `others` has the weight that is left then; its `offers` are what accounts without such lots may sell.
    """
    least, best = np.inf, Chosen()
    for choice in product(*(list(pair.choices(sale)) for pair in pairs)):
        merged = [*offers, *(offer for each in choice for offer in each.offers)]
        gone = sum(each.piece.purchased for each in choice)
        value = paid + sum(each.charge for each in choice) + others.least(merged, gone)
        if value < least:
            least, best = value, tuple((each.pair, each.piece) for each in choice)
    return float(least), best


def on_chosen(data: HouseholdData, chosen: Sequence[tuple[WashedPair, Piece]], *, least: bool) -> HouseholdData:
    """The one regime of `data` with lots taxed as on these pieces, as `on_pieces` of one account."""
    tax, limit = data.lots.tax.copy(), data.lots.limit.copy()
    for pair, piece in chosen:
        start, chord = pair.first_lot, pair.chord
        tax[start : start + len(chord)] -= chord
        limit[[start + lot for lot in piece.stays]] = 0.0
        if least and piece.first is not None:
            first = start + piece.first
            taken = least_beyond(data.parts[pair.account], pair.security, piece)
            tax[first], limit[first] = ALL_SOLD, min(taken, limit[first])
    lots = replace(data.lots, tax=tax, limit=limit)
    return replace(data, lots=lots, regimes=(replace(data.regimes[0], lot_tax=tax),))
