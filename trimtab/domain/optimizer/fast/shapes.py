"""What the kernel knows, and the bucket of an account: both told from the account alone."""

from dataclasses import dataclass, replace

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Ints, sum_by
from trimtab.domain.optimizer.capacity import contested_securities
from trimtab.domain.optimizer.fast.packed import BOTH, BUYING, SELLING
from trimtab.domain.optimizer.problem import OptimizerData

MOST_ROWS = 64
"""Coupling rows beyond it make the row problem dearer than the other lane."""


@dataclass(frozen=True, slots=True, order=True)
class Shape:
    """Sizes of a bucket: the account's, rounded up to a grid, so that its arithmetic does not depend on its mates."""

    securities: int
    lots: int
    factors: int
    rows: int  # cash, and rows in which all lots of a security count alike
    lot_rows: int
    shared: bool  # some wash keys are contested by several securities

    @property
    def pool(self) -> "Shape":
        """The shape without its lots, where they do not matter: all that are left as they are add up one by one."""
        return self if self.lot_rows else replace(self, lots=0)


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Where the securities and lots of an account with shared wash keys stand; first the securities' own places."""

    security: Ints  # (places,)
    branch: Ints  # (places,)
    head: Ints  # (places,)
    lot: Ints  # (packed lots,)
    lot_place: Ints  # (packed lots,) not decreasing


def supports(data: OptimizerData) -> str | None:
    """None when the kernel knows everything that the account asks for, else the first feature that it does not."""
    if data.securities.has_sets:
        return "equivalence sets"
    if data.tracking_limit is not None:
        return "tracking error limit"
    if data.most_names is not None:
        return "maximum names"
    if len(data.rows) + max(len(regime.rows) for regime in data.regimes) > MOST_ROWS:
        return "number of rows"
    held = data.securities
    demanded = (held.sell_minimum > 0) | (held.buy_minimum > 0)
    if demanded.any() and (shared_securities(data) & demanded).any():
        return "demanded trade in a contested wash key of several securities"
    return None


def shape_of(data: OptimizerData) -> Shape:
    """The bucket of one account in one regime (`OptimizerData.under`)."""
    n, k = data.securities.loadings.shape
    by_lot = int(np.count_nonzero(differs_by_lot(data))) if len(data.rows) else 0
    layout = layout_of(data)
    return Shape(
        securities=rounded_up(n if layout is None else len(layout.security), 4, smallest=8),
        lots=rounded_up(len(data.lots.lots) if layout is None else len(layout.lot), 2, smallest=8),
        factors=k,
        rows=1 + rounded_up(len(data.rows) - by_lot, 2),
        lot_rows=rounded_up(by_lot, 2),
        shared=layout is not None,
    )


def rounded_up(size: int, steps: int, *, smallest: int = 0) -> int:
    """The next size of a grid with so many steps an octave, no less than `smallest`."""
    if size <= max(smallest, 2):
        return max(size, smallest)
    step: int = max(2 ** ((size - 1).bit_length() - 1) // steps, 1)
    return -(-size // step) * step


def differs_by_lot(data: OptimizerData) -> Flags:
    """Rows in which two lots of one security count differently, (r,)."""
    on_sale, security = data.rows.on_sale, data.lots.security
    if not len(data.rows):
        return np.zeros(0, dtype=np.bool_)
    same = security[1:] == security[:-1]
    return np.asarray((on_sale[:, 1:] != on_sale[:, :-1])[:, same].any(axis=1))


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


def plain_layout(data: OptimizerData) -> Layout:
    """Every security on its own place, doing all it does there."""
    n = len(data.securities.ids)
    places = np.arange(n)
    return Layout(places, np.zeros(n, dtype=np.int64), places, np.arange(len(data.lots.lots)), data.lots.security)
