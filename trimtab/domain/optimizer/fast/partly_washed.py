"""Lots of which recent purchases wash a part: the least that a security with such lots can really cost, for a batch.

Let the lots at a loss of one security be matched, in order, with purchases that replace nothing else. No lot is sold
of which every share sold would be washed. So either none of them is sold, or the first that is sold takes up all the
purchases that may replace it, and more: the lots before it stay, those after it are free, the least that they can
cost. Each of these pieces is convex, and at given prices the security's least is that of the best. The kernel has the
chord (`wash.py`), which lies below them all: here the bound at its prices is raised to what it is without.

Reg. 1.1091-1(b)-(e): losses are matched in order with replacement shares in order of acquisition, each once.
"""

from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sum_by
from trimtab.domain.optimizer.fast.closed_form import Gains, gains, hardened
from trimtab.domain.optimizer.fast.packed import BUYING, Packed
from trimtab.domain.optimizer.fast.piece_offers import offers_of
from trimtab.domain.optimizer.fast.pieces import Pieces
from trimtab.domain.optimizer.fast.screen import within_range


@dataclass(frozen=True, slots=True, eq=False)
class Bounded:
    """The dual at some prices with nothing taxed along a chord that need not be."""

    value: Floats  # (A,) a number that no allowed trade list's objective is below
    chosen: Ints  # (G,) the piece on which each security costs least


def bounded_at(packed: Packed, pieces: Pieces, prices: Floats) -> Bounded:
    """At `prices` (A, k + r)."""
    return bounded(packed, pieces, gains(packed, within_range(packed, prices)))


def bounded(packed: Packed, pieces: Pieces, answers: Gains) -> Bounded:
    """At the prices of `answers`, in their range, each place on its better branch."""
    security = pieces.security
    saved, along_chord = _saved(packed, pieces, security, answers.prices)
    chosen = _best(pieces, security, saved)
    lost = np.maximum(along_chord - saved[chosen], 0.0)
    return Bounded(hardened(packed, answers) + _without(packed, pieces, answers, lost), chosen)


def _best(pieces: Pieces, security: Ints, saved: Floats) -> Ints:
    """The piece of each security that saves most, the first of several, (G,)."""
    most = np.flatnonzero(saved == np.maximum.reduceat(saved, pieces.start)[security])
    return most[np.searchsorted(security[most], np.arange(len(pieces.start)))]


def _saved(packed: Packed, pieces: Pieces, security: Ints, prices: Floats) -> tuple[Floats, Floats]:
    """What selling a security saves against doing nothing on each piece, (P,), and along the chord, (G,)."""
    begin = pieces.start
    account, at, k = pieces.account[begin], (pieces.account[begin], pieces.place[begin]), packed.factors
    slope = np.einsum("gk,gk->g", packed.loadings[at], prices[account, :k])
    price = packed.sale_cost[at] + np.einsum("gr,gr->g", packed.on_sale[at], prices[account, k:])
    curvature = packed.curvature[at]
    pull = packed.active[at] + (slope - price) * packed.give[at]
    offers = pieces.offers or offers_of(packed, pieces, prices)
    return offers.saved(pull[security], curvature[security]), offers.saved_along(pull, curvature, begin)


def _without(packed: Packed, pieces: Pieces, answers: Gains, lost: Floats) -> Floats:
    """What the dual rises by when selling each of the securities saves `lost` (G,) less, (A,)."""
    account, place = pieces.account[pieces.start], pieces.place[pieces.start]
    n = packed.active.shape[1]
    at, on_buying = account * n + packed.head[account, place], packed.branch[account, place] == BUYING
    if packed.shared:  # several securities may have one head
        heads, number = np.unique(at, return_inverse=True)
        selling, buying = (sum_by(number, np.where(side, lost, 0.0), len(heads)) for side in (~on_buying, on_buying))
    else:
        heads, selling, buying = at, lost, np.zeros(len(lost))
    if_sold, if_bought = answers.if_sold.ravel()[heads], answers.if_bought.ravel()[heads]
    contested = packed.contested.ravel()[heads]
    risen = _saved_by(contested, if_sold, if_bought) - _saved_by(contested, if_sold - selling, if_bought - buying)
    return sum_by(heads // n, risen, len(packed.active))


def _saved_by(contested: Flags, if_sold: Floats, if_bought: Floats) -> Floats:
    return np.where(contested, np.maximum(if_sold, if_bought), if_sold + if_bought)
