"""The pieces of the tax of partly washed lots, for a batch; `partly_washed.py` says what they are.

Reg. 1.1091-1(b)-(e): losses are matched in order with replacement shares in order of acquisition, each once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import Any

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sum_by
from trimtab.domain.optimizer.fast.batches import Batch
from trimtab.domain.optimizer.fast.packed import widened_by
from trimtab.domain.optimizer.fast.piece_offers import Offers, offers_of
from trimtab.domain.optimizer.problem import Replacements

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
    best: Flags  # (P,) one of each security: that which saved most at the best prices so far
    offers: Offers | None = None  # None where they depend on prices

    @property
    def security(self) -> Ints:
        """Which of the G securities each piece is of, (P,)."""
        begins = np.zeros(len(self.account), dtype=np.int64)
        begins[self.start] = 1
        return np.cumsum(begins) - 1

    def take(self, chosen: Ints) -> "Pieces":
        """One piece of each security, (G,)."""
        return Pieces(start=np.arange(len(chosen)), account=self.account[chosen], **self._of_pieces(chosen))

    def _of_pieces(self, kept: Ints) -> dict[str, Any]:
        values = {name: getattr(self, name)[kept] for name in _OF_PIECES}
        return values if self.offers is None else values | {"offers": self.offers[kept]}

    def choose(self, chosen: Ints, accounts: Flags) -> None:
        """Make the `chosen` ones (G,) the best of some accounts, (A,)."""
        flags = np.zeros(len(self.account), dtype=np.bool_)
        flags[chosen] = True
        np.copyto(self.best, flags, where=accounts[self.account])

    def best_of(self, first: int, end: int) -> Flags:
        """Which pieces are the best, of those of the accounts from `first` up to `end`."""
        return self.best[(self.account >= first) & (self.account < end)]

    def of(self, accounts: Ints) -> "Pieces | None":
        """Those of some rows of the batch, ascending, as rows of a batch of only these; None without any."""
        kept, number = self.among(accounts)
        if not len(kept):
            return None
        first = np.zeros(len(self.account), dtype=np.bool_)
        first[self.start] = True
        return Pieces(account=number, start=np.flatnonzero(first[kept]), **self._of_pieces(kept))

    def among(self, accounts: Ints) -> tuple[Ints, Ints]:
        """Which pieces are of some rows of the batch, and where in `accounts` each of these rows stands, (q,) each."""
        number = np.full(int(max(self.account.max(), accounts.max())) + 1, NONE)
        number[accounts] = np.arange(len(accounts))
        number = number[self.account]
        kept = np.flatnonzero(number != NONE)
        return kept, number[kept]

    @staticmethod
    def joined(several: "Sequence[tuple[Pieces | None, int]]") -> "Pieces | None":
        """Those of batches of so many accounts, one after the other; None without any."""
        if len(several) == 1:
            return several[0][0]
        pieces, account, start, added, before = [], [], [], 0, 0
        for each, accounts in several:
            if each is not None:
                pieces.append(each)
                account.append(each.account + added)
                start.append(each.start + before)
                before += len(each.account)
            added += accounts
        if not pieces:
            return None
        most = max(each.lot.shape[1] for each in pieces)
        others = {name: np.concatenate([each._widened(name, most) for each in pieces]) for name in _OF_PIECES}
        offers = [each.offers for each in pieces if each.offers is not None]
        return Pieces(
            account=np.concatenate(account),
            start=np.concatenate(start),
            **others,
            offers=Offers.joined(offers) if offers else None,
        )

    def _widened(self, name: str, lots: int) -> Any:
        """The values with places for so many lots."""
        values = getattr(self, name)
        return values if values.ndim == 1 else widened_by(values, lots - values.shape[1], 0)

    def spread(self, values: Any, shape: tuple[int, ...]) -> Any:
        """Values (P, L) at their lots in an array of `shape` (A, m), nothing elsewhere."""
        spread = np.zeros(shape, dtype=values.dtype)
        account = np.broadcast_to(self.account[:, None], self.lot.shape)
        spread[account[self.real], self.lot[self.real]] = values[self.real]
        return spread


_OF_PIECES = tuple(each.name for each in fields(Pieces) if each.name not in ("account", "start", "offers"))


def pieces_of(batch: Batch, asked: Flags | None = None) -> Pieces | None:
    """Of all accounts, or only those `asked` for, (A,); None when none has such lots."""
    rows = list(range(batch.accounts)) if asked is None else np.flatnonzero(asked).tolist()
    rows = [row for row in rows if batch.datas[row].lots.replacements is not None]
    # Short of cash, an account sells losses that are washed whole.
    rows = [row for row in rows if batch.datas[row].cash >= batch.datas[row].cash_required]
    matched = _matched(batch, np.array(rows)) if rows else None
    return _pieces(batch, matched) if matched is not None and len(matched.account) else None


@dataclass(frozen=True, slots=True, eq=False)
class _Matched:
    """Lots that purchases may wash, by account and security, those of a security in the order of the rule; (W,)."""

    account: Ints
    place: Ints
    lot: Ints  # packed
    wash_cost: Floats  # what a washed unit costs more than one that is not
    washed_share: Floats
    purchased: Floats  # weight of the purchases that may replace it

    def take(self, lots: Ints | Flags) -> "_Matched":
        return _Matched(*(getattr(self, each.name)[lots] for each in fields(self)))


def _matched(batch: Batch, rows: Ints) -> _Matched:
    """Lots of securities whose purchases wash no other's lots, and of which no rule demands a sale."""
    packed, datas = batch.packed, [batch.datas[row] for row in rows.tolist()]
    known = [data.lots.replacements for data in datas if data.lots.replacements is not None]
    account = np.repeat(rows, [len(each.lots) for each in known])
    own = np.concatenate([each.lots for each in known])
    starts = np.cumsum([0] + [len(data.lots.lots) for data in datas[:-1]])
    at = own + np.repeat(starts, [len(each.lots) for each in known])
    value, washed, wash_cost = (
        np.concatenate([getattr(data.lots, name) for data in datas])[at] for name in ("value", "washed", "wash_cost")
    )
    share = np.concatenate([data.securities.share[data.lots.security] for data in datas])[at]
    lot = _packed_lot(batch, rows)[account, own]
    place = packed.lot_security[account, lot]
    security = account * packed.active.shape[1] + place
    shares, shared = _purchases(known, security)
    demanded = sum_by(packed.lot_place, batch.forced_sales.ravel(), packed.active.size) > 0
    demanded |= packed.least_sold.ravel() > 0
    left_out = demanded | (sum_by(security, shared | (washed >= value), packed.active.size) > 0)
    kept = np.flatnonzero(~left_out[security])
    kept = kept[np.argsort(security[kept], kind="stable")]
    washed_share = np.divide(washed, value, out=np.zeros(len(value)), where=value > 0)
    return _Matched(account, place, lot, wash_cost, washed_share, shares * share).take(kept)


def _packed_lot(batch: Batch, rows: Ints) -> Ints:
    """Where each lot of some accounts stands among the packed ones, (A, m): its first place where it has two."""
    m = batch.lot.shape[1]
    place = np.zeros(batch.lot.shape, dtype=np.int64)
    backwards = np.arange(m)[::-1]
    row, column = np.nonzero(backwards < batch.lots[rows, None])
    place[rows[row], batch.lot[rows[row], m - 1 - column]] = m - 1 - column
    return place


def _purchases(known: Sequence[Replacements], security: Ints) -> tuple[Floats, Flags]:
    """Shares bought that may replace each lot's, (W,), and whether lots of another `security` (W,) may use them too."""
    sizes = np.array([len(own) for each in known for own in each.purchases])
    starts = np.cumsum([0] + [len(each.bought) for each in known[:-1]])
    purchase = np.array(
        list(chain.from_iterable(chain.from_iterable(each.purchases for each in known))), dtype=np.int64
    )
    lot = np.repeat(np.arange(len(sizes)), sizes)
    purchase += np.repeat(starts, [len(each.lots) for each in known])[lot]
    bought = np.concatenate([each.bought for each in known])
    lowest, highest = np.full(len(bought), len(security) and security.max() + 1), np.full(len(bought), -1)
    np.minimum.at(lowest, purchase, security[lot])
    np.maximum.at(highest, purchase, security[lot])
    shares = sum_by(lot, bought[purchase], len(sizes))
    return shares, sum_by(lot, (lowest < highest)[purchase], len(sizes)) > 0


def _pieces(batch: Batch, matched: _Matched) -> Pieces:
    """One piece without these lots, and one for each that may be the first sold."""
    n = batch.packed.active.shape[1]
    security = matched.account * n + matched.place
    head = np.flatnonzero(np.diff(security, prepend=-1))  # first lot of each of the G securities
    group = np.cumsum(np.diff(security, prepend=-1) != 0) - 1  # (W,)
    rank = np.arange(len(security)) - head[group]
    begin, size = _lots_of(batch, matched.account[head], matched.place[head])
    columns = np.arange(size.max())
    column = matched.lot - begin[group]
    ranks = np.full((len(head), len(columns)), NONE)
    chord, cost = np.zeros(ranks.shape), np.zeros(ranks.shape)
    ranks[group, column] = rank
    cost[group, column], chord[group, column] = matched.wash_cost, matched.wash_cost * matched.washed_share
    of_group = np.repeat(np.arange(len(head)), np.diff(head, append=len(security)) + 1)
    start = head + np.arange(len(head))
    number = np.arange(len(of_group)) - start[of_group] - 1  # of the first lot sold, in the order of the rule; or NONE
    ranks = ranks[of_group]
    washed, sells = ranks != NONE, number != NONE
    real = columns < size[of_group][:, None]
    lot = np.where(real, begin[of_group][:, None] + columns, begin[of_group][:, None])
    purchased = np.zeros(len(of_group))
    purchased[sells] = matched.purchased
    pieces = Pieces(
        account=matched.account[head][of_group],
        place=matched.place[head][of_group],
        start=start,
        first_sold=np.where(sells, (ranks == number[:, None]).argmax(axis=1), NONE),
        lot=lot,
        real=real,
        stays=washed & ((ranks < number[:, None]) | ~sells[:, None]),
        washed=washed,
        chord=chord[of_group],
        wash_cost=cost[of_group],
        purchased=purchased,
        best=~sells,
    )
    return pieces if batch.packed.lot_rows else replace(pieces, offers=offers_of(batch.packed, pieces))


def _lots_of(batch: Batch, account: Ints, place: Ints) -> tuple[Ints, Ints]:
    """The first packed lot of some places, and how many they have; (G,) each."""
    packed, n = batch.packed, batch.packed.active.shape[1]
    m = batch.lot.shape[1]
    by_place = (packed.lot_security + n * np.arange(len(packed.active))[:, None]).ravel()
    begin, end = (np.searchsorted(by_place, account * n + place, side) for side in ("left", "right"))
    begin, end = begin - account * m, np.minimum(end - account * m, batch.lots[account])
    return begin, end - begin
