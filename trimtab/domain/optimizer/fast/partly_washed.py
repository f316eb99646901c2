"""Lots of which recent purchases wash a part: the least that a security with such lots can really cost, for a batch.

Let the lots at a loss of one security be matched, in order, with purchases that replace nothing else. No lot is sold
of which every share sold would be washed. So either none of them is sold, or the first that is sold takes up all the
purchases that may replace it, and more: the lots before it stay, those after it are free, the least that they can
cost. Each of these pieces is convex, and at given prices the security's least is that of the best. The kernel has the
chord (`wash.py`), which lies below them all: here the bound at its prices is raised to what it is without.

Reg. 1.1091-1(b)-(e): losses are matched in order with replacement shares in order of acquisition, each once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints
from trimtab.domain.optimizer.fast.closed_form import CHEAPEST, Answers, answer, hardened
from trimtab.domain.optimizer.fast.packed import BUYING, Packed
from trimtab.domain.optimizer.fast.packing import Batch

NONE = -1
"""The piece on which no lot is sold that purchases may wash."""


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """P pieces of G securities with partly washed lots, L lots each; those of a security stand together."""

    account: Ints  # (P,) row of the batch
    place: Ints  # (P,)
    start: Ints  # (G,) a security's first piece
    first_sold: Ints  # (P,) column of the first such lot that is sold, or NONE
    lot: Ints  # (P, L) packed lots of the place
    real: Flags  # (P, L) no padding
    stays: Flags  # (P, L) not sold
    washed: Flags  # (P, L) lots that purchases may wash
    chord: Floats  # (P, L) what a unit sold costs more along its chord than unwashed
    wash_cost: Floats  # (P, L) what a washed unit costs more than one that is not
    purchased: Floats  # (P,) weight of the purchases that may replace the first lot sold

    @property
    def security(self) -> Ints:
        """Which of the G securities each piece is of, (P,)."""
        sizes = np.diff(np.append(self.start, len(self.account)))
        return np.repeat(np.arange(len(self.start)), sizes)

    def take(self, chosen: Ints) -> "Pieces":
        """One piece of each security, (G,)."""
        others = {each.name: getattr(self, each.name)[chosen] for each in fields(self) if each.name != "start"}
        return Pieces(start=np.arange(len(chosen)), **others)

    def spread(self, values: Any, shape: tuple[int, ...]) -> Any:
        """Values (P, L) at their lots in an array of `shape` (A, m), nothing elsewhere."""
        spread = np.zeros(shape, dtype=values.dtype)
        account = np.broadcast_to(self.account[:, None], self.lot.shape)
        spread[account[self.real], self.lot[self.real]] = values[self.real]
        return spread


@dataclass(frozen=True, slots=True)
class _Group:
    """One security's lots, from `begin` on as packed, and those that purchases wash, in the order of the rule."""

    account: int
    place: int
    begin: int
    lots: int
    matched: tuple[int, ...]  # counted from `begin`
    purchased: tuple[float, ...]  # by matched lot: weight of the purchases that may replace it


def pieces_of(batch: Batch) -> Pieces | None:
    """None when no account has such lots."""
    groups = [group for row in range(batch.accounts) for group in _groups(batch, row)]
    if not groups:
        return None
    of_group = np.repeat(np.arange(len(groups)), [len(each.matched) + 1 for each in groups])
    start = np.searchsorted(of_group, np.arange(len(groups)))
    number = np.arange(len(of_group)) - start[of_group] - 1  # of the first lot sold, in the order of the rule; or NONE
    account, place, begin, lots = (
        np.array([getattr(each, name) for each in groups])[of_group] for name in ("account", "place", "begin", "lots")
    )
    columns = np.arange(max(each.lots for each in groups))
    rank = np.array([_ranks(each, len(columns)) for each in groups])[of_group]
    real = columns < lots[:, None]
    lot = np.where(real, begin[:, None] + columns, begin[:, None])
    chord, cost = _wash_costs(batch, sorted({each.account for each in groups}))
    washed = rank >= 0
    return Pieces(
        account=account,
        place=place,
        start=start,
        first_sold=np.where(number < 0, NONE, (rank == number[:, None]).argmax(axis=1)),
        lot=lot,
        real=real,
        stays=washed & ((rank < number[:, None]) | (number < 0)[:, None]),
        washed=washed,
        chord=np.where(washed, chord[account[:, None], lot], 0.0),
        wash_cost=np.where(washed, cost[account[:, None], lot], 0.0),
        purchased=np.concatenate([(0.0, *each.purchased) for each in groups]),
    )


def _ranks(group: _Group, width: int) -> list[int]:
    """Of each lot in the order of the rule, -1 for lots that are not matched."""
    ranks = [-1] * width
    for rank, column in enumerate(group.matched):
        ranks[column] = rank
    return ranks


def _wash_costs(batch: Batch, rows: list[int]) -> tuple[Floats, Floats]:
    """What a unit sold costs more by its chord, and a washed unit, than one that is not washed, (A, m) each."""
    chord, cost = np.zeros(batch.lot.shape), np.zeros(batch.lot.shape)
    for row in rows:
        lots, used = batch.datas[row].lots, batch.lots[row]
        own = batch.lot[row, :used]
        cost[row, :used] = lots.wash_cost[own]
        chord[row, :used] = cost[row, :used] * lots.washed_share[own]
    return chord, cost


def _groups(batch: Batch, row: int) -> Iterator[_Group]:
    """Securities whose lots are replaced by purchases that wash no other's, and of which no rule demands a sale."""
    data, packed = batch.datas[row], batch.packed
    known = data.lots.replacements
    if known is None:
        return
    security = data.lots.security[known.lots].tolist()
    users: dict[int, set[int]] = {}
    for mine, own in zip(security, known.purchases, strict=True):
        for purchase in own:
            users.setdefault(purchase, set()).add(mine)
    used = int(batch.lots[row])
    position = {lot: place for place, lot in reversed(list(enumerate(batch.lot[row, :used].tolist())))}
    whole = (data.lots.washed >= data.lots.value)[known.lots].tolist()
    if data.cash < data.cash_required:  # then losses are sold that are washed whole
        return
    for mine in dict.fromkeys(security):
        numbers = [number for number, each in enumerate(security) if each == mine]
        alone = all(len(users[purchase]) == 1 for number in numbers for purchase in known.purchases[number])
        if not alone or any(whole[each] for each in numbers):
            continue
        at = [position[int(known.lots[each])] for each in numbers]
        place = int(packed.lot_security[row, at[0]])
        begin, end = np.searchsorted(packed.lot_security[row, :used], [place, place + 1]).tolist()
        if batch.forced_sales[row, begin:end].any() or packed.least_sold[row, place] > 0:
            continue
        share = data.securities.share[mine]
        purchased = tuple(float(known.bought[list(known.purchases[each])].sum() * share) for each in numbers)
        yield _Group(row, place, begin, end - begin, tuple(each - begin for each in at), purchased)


@dataclass(frozen=True, slots=True, eq=False)
class Bounded:
    """The dual at some prices with nothing taxed along a chord that need not be."""

    value: Floats  # (A,) a number that no allowed trade list's objective is below
    chosen: Ints  # (G,) the piece on which each security costs least


def bounded(packed: Packed, pieces: Pieces, prices: Floats) -> Bounded:
    """At `prices` (A, k + r) inside their range."""
    answers = answer(packed, prices, CHEAPEST)
    saved, along_chord = _saved(packed, pieces, prices)
    chosen = _best(pieces, saved)
    lost = np.maximum(along_chord[pieces.start] - saved[chosen], 0.0)
    return Bounded(hardened(packed, answers) + _without(packed, pieces, answers, lost), chosen)


def _best(pieces: Pieces, saved: Floats) -> Ints:
    """The piece of each security that saves most, (G,)."""
    order = np.lexsort((-saved, pieces.security))
    return np.asarray(order[pieces.start])


def _saved(packed: Packed, pieces: Pieces, prices: Floats) -> tuple[Floats, Floats]:
    """What selling a security saves against doing nothing on each piece, and along the chord, (P,) each."""
    at, k = (pieces.account, pieces.place), packed.factors
    mine = prices[pieces.account]
    slope = np.einsum("pk,pk->p", packed.loadings[at], mine[:, :k])
    price = packed.sale_cost[at] + np.einsum("pr,pr->p", packed.on_sale[at], mine[:, k:])
    pull, curvature, give = packed.active[at] + (slope - price) * packed.give[at], packed.curvature[at], packed.give[at]
    lots = (pieces.account[:, None], pieces.lot)
    limit = np.where(pieces.real, packed.lot_limit[lots], 0.0)
    chord = packed.lot_tax[lots]
    if packed.lot_rows:
        chord = chord + np.einsum("plg,pg->pl", packed.lot_on_row[lots], mine[:, -packed.lot_rows :])
    along_chord = _by_selling(pull, curvature, give, chord, limit)
    every, sells = np.arange(len(pull)), pieces.first_sold != NONE
    tax, limit = chord - pieces.chord, np.where(pieces.stays, 0.0, limit)
    first = np.where(sells, np.minimum(pieces.purchased, limit[every, pieces.first_sold]), 0.0)
    saved = curvature * first * (pull - tax[every, pieces.first_sold] * give - first / 2)
    limit[every, pieces.first_sold] -= first
    saved += _by_selling(pull - first, curvature, give, tax, limit)
    charge = np.where(sells, pieces.wash_cost[every, pieces.first_sold] * pieces.purchased, 0.0)
    return np.where(sells & (first < pieces.purchased), -np.inf, saved - charge), along_chord


def _by_selling(pull: Floats, curvature: Floats, give: Floats, tax: Floats, limit: Floats) -> Floats:
    """What selling the lots (P, L) saves, cheapest first, (P,)."""
    order = np.argsort(tax, axis=1, kind="stable")
    limit, start = np.take_along_axis(limit, order, axis=1), np.take_along_axis(tax, order, axis=1) * give[:, None]
    beyond = pull[:, None] - (np.cumsum(limit, axis=1) - limit) - start
    sold = np.minimum(np.maximum(beyond, 0.0), limit)
    saved: Floats = curvature * (sold * (beyond - sold / 2)).sum(axis=1)
    return saved


def _without(packed: Packed, pieces: Pieces, answers: Answers, lost: Floats) -> Floats:
    """What the dual rises by when selling each of the securities saves `lost` (G,) less, (A,)."""
    account, place = pieces.account[pieces.start], pieces.place[pieces.start]
    head = packed.head[account, place]
    on_buying = packed.branch[account, place] == BUYING
    selling, buying = answers.if_sold.copy(), answers.if_bought.copy()
    np.subtract.at(selling, (account[~on_buying], head[~on_buying]), lost[~on_buying])
    np.subtract.at(buying, (account[on_buying], head[on_buying]), lost[on_buying])

    def saved(sold: Floats, bought: Floats) -> Floats:
        return np.where(packed.contested, np.maximum(sold, bought), sold + bought)

    risen: Floats = (saved(answers.if_sold, answers.if_bought) - saved(selling, buying)).sum(axis=1)
    return risen
