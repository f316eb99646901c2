"""Where the securities and lots of accounts stand: each on its own place, or on two where a wash key is shared."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Ints, sum_by
from trimtab.domain.optimizer.capacity import contested_securities
from trimtab.domain.optimizer.fast.packed import BOTH, BUYING, SELLING
from trimtab.domain.optimizer.problem import OptimizerData


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Where the securities and lots of one account stand; first the securities' own places."""

    security: Ints  # (places,)
    branch: Ints  # (places,)
    head: Ints  # (places,)
    lot: Ints  # (packed lots,)
    lot_place: Ints  # (packed lots,) not decreasing


def shared_securities(data: OptimizerData) -> Flags:
    """Securities that can trade, of contested wash keys with several such, (n,)."""
    held, key = data.securities, data.securities.wash_key
    if not data.taxable or len(held.ids) == held.keys:
        return np.zeros(len(held.ids), dtype=np.bool_)
    trading = (held.buy_limit > 0) | (sum_by(data.lots.security, data.lots.limit, len(held.ids)) > 0)
    several = sum_by(key, trading, held.keys) > 1
    shared: Flags = trading & several[key] & contested_securities(data)
    return shared


def layout_of(data: OptimizerData) -> Layout | None:
    """None without shared wash keys: then every security has one place."""
    if not data.taxable or len(data.securities.ids) == data.securities.keys:
        return None
    shared = shared_securities(data)
    if not shared.any():
        return None
    held, lots, n = data.securities, data.lots, len(data.securities.ids)
    open_ = lots.limit > 0
    keeps = sum_by(lots.security, open_ & ~lots.at_loss, n) > 0
    sells, buys = sum_by(lots.security, open_, n) > 0, (held.buy_limit > 0) | keeps
    twins = np.flatnonzero(shared & sells & buys)
    branch = np.where(shared, np.where(sells, SELLING, BUYING), BOTH)
    first = np.full(held.keys, n)
    np.minimum.at(first, held.wash_key[shared], np.flatnonzero(shared))
    head = np.where(shared, first[held.wash_key], np.arange(n))
    twin_lots = np.flatnonzero(np.isin(lots.security, twins) & open_ & ~lots.at_loss)
    return Layout(
        security=np.concatenate((np.arange(n), twins)),
        branch=np.concatenate((branch, np.full(len(twins), BUYING))),
        head=np.concatenate((head, head[twins])),
        lot=np.concatenate((np.arange(len(lots.lots)), twin_lots)),
        lot_place=np.concatenate((lots.security, n + np.searchsorted(twins, lots.security[twin_lots]))),
    )


def _plain_layout(data: OptimizerData) -> Layout:
    """Every security on its own place, doing all it does there."""
    n = len(data.securities.ids)
    places = np.arange(n)
    return Layout(places, np.zeros(n, dtype=np.int64), places, np.arange(len(data.lots.lots)), data.lots.security)


@dataclass(frozen=True, slots=True, eq=False)
class SideBySide:
    """The places (N,) and lots (M,) of all accounts of a batch, one account after the other."""

    account: Ints  # (N,)
    place: Ints  # (N,) in its account
    security: Ints  # (N,) of its account
    source: Ints  # (N,) its security among those of all accounts
    branch: Ints  # (N,)
    head: Ints  # (N,) place of the head in its account
    own: Flags  # (N,) the first place of its security
    lot_account: Ints  # (M,)
    lot_number: Ints  # (M,) packed lot of its account
    lot: Ints  # (M,) of its account
    lot_source: Ints  # (M,) among the lots of all accounts
    lot_place: Ints  # (M,) place of its security in its account


def side_by_side(datas: Sequence[OptimizerData], *, shared: bool) -> SideBySide:
    """`shared`: some of them may have shared wash keys."""
    sizes, lots = [len(data.securities.ids) for data in datas], [len(data.lots.lots) for data in datas]
    if shared:
        return _joined([layout_of(data) or _plain_layout(data) for data in datas], sizes, lots)
    account, place = _counted(sizes)
    lot_account, lot = _counted(lots)
    return SideBySide(
        account=account,
        place=place,
        security=place,
        source=np.arange(len(place)),
        branch=np.full(len(place), BOTH),
        head=place,
        own=np.ones(len(place), dtype=np.bool_),
        lot_account=lot_account,
        lot_number=lot,
        lot=lot,
        lot_source=np.arange(len(lot)),
        lot_place=np.concatenate([data.lots.security for data in datas]),
    )


def _joined(layouts: Sequence[Layout], sizes: Sequence[int], lots: Sequence[int]) -> SideBySide:
    account, place = _counted([len(each.security) for each in layouts])
    lot_account, lot_number = _counted([len(each.lot) for each in layouts])
    security, branch, head, lot, lot_place = (
        np.concatenate([getattr(each, name) for each in layouts]) for name in Layout.__dataclass_fields__
    )
    return SideBySide(
        account=account,
        place=place,
        security=security,
        source=security + _starts(sizes)[account],
        branch=branch,
        head=head,
        own=place < np.array(sizes)[account],
        lot_account=lot_account,
        lot_number=lot_number,
        lot=lot,
        lot_source=lot + _starts(lots)[lot_account],
        lot_place=lot_place,
    )


def _starts(sizes: Sequence[int]) -> Ints:
    """Where each account's part begins."""
    starts: Ints = np.cumsum(sizes) - np.array(sizes)
    return starts


def _counted(sizes: Sequence[int]) -> tuple[Ints, Ints]:
    """For accounts of so many rows: the account of each row, and its number there."""
    account = np.repeat(np.arange(len(sizes)), sizes)
    return account, np.arange(len(account)) - _starts(sizes)[account]
