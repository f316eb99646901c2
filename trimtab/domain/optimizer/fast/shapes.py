"""What the kernel knows, and the bucket of an account: both told from the account alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from trimtab.domain.optimizer.arrays import Flags
from trimtab.domain.optimizer.fast.layouts import layout_of, shared_securities
from trimtab.domain.optimizer.problem import OptimizerData

MOST_ROWS = 64
"""Coupling rows beyond it make the row problem dearer than the other lane."""


@dataclass(frozen=True, slots=True, order=True)
class Shape:
    """Sizes of a bucket: the account's, rounded up to a grid, so that its arithmetic does not depend on its mates.

    Lots are left as they are: they add up one by one.
    """

    securities: int
    lots: int
    factors: int
    rows: int  # cash, and rows in which all lots of a security count alike
    lot_rows: int
    shared: bool  # some wash keys are contested by several securities

    @property
    def pool(self) -> "Pool":
        """What problems that may be solved side by side have in common."""
        return self.securities, self.factors, self.rows, self.lot_rows, self.shared


Pool = tuple[int, int, int, int, bool]


def packed_together(shapes: Sequence[Shape], most: int) -> Iterator[tuple[Shape, list[int]]]:
    """Which problems to pack side by side, at most so many of about as many lots, and the shape of the widest."""
    pools: dict[Pool, list[int]] = {}
    for index, shape in enumerate(shapes):
        pools.setdefault(shape.pool, []).append(index)
    for places in pools.values():
        places.sort(key=lambda at: shapes[at].lots)
        for begin in range(0, len(places), most):
            which = places[begin : begin + most]
            yield shapes[which[-1]], which


def supports(data: OptimizerData) -> str | None:
    """None when the kernel knows everything that the account asks for, else the first feature that it does not."""
    if data.securities.has_sets:
        return "equivalence sets"
    if data.tracking_limit is not None:
        return "tracking error limit"
    if data.most_names is not None:
        return "maximum names"
    if _rows(data) > MOST_ROWS:
        return "number of rows"
    held = data.securities
    demanded = (held.sell_minimum > 0) | (held.buy_minimum > 0)
    if demanded.any() and (shared_securities(data) & demanded).any():
        return "demanded trade in a contested wash key of several securities"
    return None


def reasons_against(datas: Sequence[OptimizerData]) -> list[str | None]:
    """What `supports` says of each account; only those with something uncommon are asked."""
    if not datas:
        return []
    held = [data.securities for data in datas]
    sizes = [len(each.ids) for each in held]
    account = np.repeat(np.arange(len(datas)), sizes)
    block, sold, bought = (
        np.concatenate([getattr(each, name) for each in held]) for name in ("block", "sell_minimum", "buy_minimum")
    )
    uncommon = np.zeros(len(datas), dtype=np.bool_)
    uncommon[account[(sold > 0) | (bought > 0)]] = True
    uncommon[account[block != np.arange(len(account)) - np.repeat(np.cumsum(sizes) - sizes, sizes)]] = True
    limited = [_limited(data) for data in datas]
    return [supports(data) if asked else None for data, asked in zip(datas, (uncommon | limited).tolist(), strict=True)]


def _limited(data: OptimizerData) -> bool:
    return data.tracking_limit is not None or data.most_names is not None or _rows(data) > MOST_ROWS


def _rows(data: OptimizerData) -> int:
    return len(data.rows) + max(len(regime.rows) for regime in data.regimes)


def shapes_of(problems: Sequence[OptimizerData]) -> list[Shape]:
    """The bucket of each account in one regime (`OptimizerData.under`)."""
    return [
        _plain(*data.securities.loadings.shape, len(data.lots.lots)) if plain and not len(data.rows) else shape_of(data)
        for data, plain in zip(problems, _without_shared_keys(problems), strict=True)
    ]


def _without_shared_keys(datas: Sequence[OptimizerData]) -> list[bool]:
    """Whether no two securities of each account have a wash key in common."""
    keys = [data.securities.wash_key for data in datas]
    most = np.maximum.reduceat(np.concatenate([*keys, [-1]]), np.cumsum([0] + [len(each) for each in keys[:-1]]))
    return [not len(each) or bool(top == len(each) - 1) for each, top in zip(keys, most.tolist(), strict=True)]


@lru_cache(maxsize=4096)
def _plain(securities: int, factors: int, lots: int) -> Shape:
    """Without rows beside cash and without shared wash keys."""
    return Shape(rounded_up(securities, 4, smallest=8), max(lots, 8), factors, 1, 0, shared=False)


def shape_of(data: OptimizerData) -> Shape:
    """The bucket of one account in one regime (`OptimizerData.under`)."""
    n, k = data.securities.loadings.shape
    by_lot = int(np.count_nonzero(differs_by_lot(data))) if len(data.rows) else 0
    layout = layout_of(data)
    lots = len(data.lots.lots) if layout is None else len(layout.lot)
    return Shape(
        securities=rounded_up(n if layout is None else len(layout.security), 4, smallest=8),
        lots=max(lots, 8),
        factors=k,
        rows=1 + rounded_up(len(data.rows) - by_lot, 2),
        lot_rows=rounded_up(by_lot, 2, smallest=2) if by_lot else 0,  # both regimes of a tax year in one bucket
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
