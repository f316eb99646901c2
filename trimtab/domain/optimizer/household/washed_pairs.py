"""Lots of which recent purchases wash a part, in a household: the least that selling a security can cost over all
accounts, each on the pieces of its own lots (`washed_pieces.py`). Each account's losses are matched by themselves.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Final

import numpy as np

from trimtab.domain.optimizer.arrays import Floats
from trimtab.domain.optimizer.household.problem import HouseholdData
from trimtab.domain.optimizer.problem import Lots
from trimtab.domain.optimizer.washed_pieces import Offer, Piece, PricedSale, WashedSecurity, washed_securities

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

    def choices(self, sale: Floats) -> Iterator[tuple[float, float, list[Offer]]]:
        """By piece what washing charges, what is sold in any case, and what else may be, at costs `sale` (m,)."""
        chord = np.zeros(len(self.lots.tax))
        own = list(self.security.washed)
        chord[own] = self.lots.wash_cost[own] * self.lots.washed[own] / self.lots.value[own]
        free = sale[self.first_lot : self.first_lot + len(chord)] - chord
        for piece in self.security.pieces:
            charge = 0.0
            if piece.first is not None:
                charge = float(free[piece.first] + self.lots.wash_cost[piece.first]) * piece.purchased
            yield charge, piece.purchased, self._offers(piece, free)

    def _offers(self, piece: Piece, free: Floats) -> list[Offer]:
        """Cheapest first, and no more than the account may sell."""
        offers, room = [], self.most
        for lot in sorted(self.security.lots, key=lambda lot: float(free[lot])):
            if lot not in piece.stays:
                size = float(self.lots.limit[lot]) - (piece.purchased if lot == piece.first else 0.0)
                offers.append((float(free[lot]), min(size, room)))
                room -= offers[-1][1]
        return offers


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
) -> float:
    """The least of selling one security when the `others`' sales that are due are made and `paid`.

    `others` has the weight that is left then; its `offers` are what accounts without such lots may sell.
    """
    least = np.inf
    for choice in product(*(list(pair.choices(sale)) for pair in pairs)):
        charge = sum(each[0] for each in choice)
        merged = [*offers, *(offer for each in choice for offer in each[2])]
        least = min(least, paid + charge + others.least(merged, sum(each[1] for each in choice)))
    return float(least)
