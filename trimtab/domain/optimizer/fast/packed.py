"""A batch of accounts as padded arrays: one row an account, all of one shape.

A accounts, n places for securities, m lots, k factors, r coupling rows, the first of them cash and the last g those in
which lots of one security count differently (gains). Padding holds nothing: securities without holdings and limits,
lots of size zero at the end, rows without coefficients.

A contested security may be sold or bought, not both. Where the securities of one wash key are contested together
("shared"), each has two places: one sells any lot and stands on the key's selling branch, the other sells only lots
at a gain or buys and stands on its buying branch. The key's first place is its head; every other place is its own.

Every quantity is stated as a trade away from doing nothing. With `sold` and `bought` the amounts traded, a row's amount
changes by `on_sale` a unit sold and `on_purchase` a unit bought, and the amount must end within [`low`, `high`], each
unit outside costing the row's price.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints

HARD_PRICE = 1e6
"""Stands for an infinite price of leaving a row's interval."""

_APART = 64.0
"""Between the securities in the key by which lots are sorted: more than any tax and row price of one unit differ."""

BOTH, SELLING, BUYING = 0, 1, 2
"""A place sells on its wash key's selling branch and buys on the other, or does all it does on one of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """Weights are fractions of account value, costs fractions of what is traded."""

    aversion: Floats  # (A,) lam
    constant: Floats  # (A,) objective of doing nothing, less what rows charge for it
    loadings: Floats  # (A, n, k) whitened
    curvature: Floats  # (A, n) lam times specific variance
    give: Floats  # (A, n) 1 / curvature
    active: Floats  # (A, n) active weights before any trade
    exposure: Floats  # (A, k) their factor exposures
    sale_cost: Floats  # (A, n) of one unit sold, without tax
    purchase_cost: Floats  # (A, n) of one unit bought
    buy_limit: Floats  # (A, n)
    on_sale: Floats  # (A, n, r)
    on_purchase: Floats  # (A, n, r)
    low: Floats  # (A, r) room below the amount of doing nothing: at most zero unless a rule is broken already
    high: Floats  # (A, r)
    least_price: (
        Floats  # (A, r) prices lie in between: what a unit above `high` costs, and minus that of one below `low`
    )
    most_price: Floats  # (A, r)
    lot_security: Ints  # (A, m) place of its security, not decreasing
    lot_first: Ints  # (A, m) the first lot of its security
    lot_limit: Floats  # (A, m) most that may be sold
    lot_start: Floats  # (A, m) pull beyond which the lot is sold: what stands before it, and its tax as a weight
    lot_tax: Floats  # (A, m) of one unit sold
    lot_on_row: Floats  # (A, m, g) what one unit sold adds to the last rows, beside `on_sale`
    least_sold: Floats  # (A, n) of all lots together; zero where g is, the lots' limits then say so
    most_sold: Floats  # (A, n) likewise
    contested: Flags  # (A, n) heads: a sale at a loss and a purchase exclude each other, and both could pay
    head: Ints  # (A, n) place of the head of its wash key
    branch: Ints  # (A, n) BOTH, or the branch on which the place stands
    shared: bool  # whether some places may stand on one branch

    @property
    def accounts(self) -> int:
        return len(self.aversion)

    @property
    def factors(self) -> int:
        return int(self.loadings.shape[2])

    @property
    def rows(self) -> int:
        return int(self.low.shape[1])

    @property
    def lot_rows(self) -> int:
        return int(self.lot_on_row.shape[2])

    @property
    def head_place(self) -> Ints:
        """Place of each head in the flattened (A, n) arrays, (A * n,)."""
        accounts, n = self.active.shape
        place: Ints = (self.head + n * np.arange(accounts)[:, None]).ravel()
        return place

    @property
    def lot_place(self) -> Ints:
        """Place of each lot's security in the flattened (A, n) arrays, (A * m,)."""
        accounts, n = self.active.shape
        place: Ints = (self.lot_security + n * np.arange(accounts)[:, None]).ravel()
        return place

    def take(self, accounts: Ints) -> "Packed":
        """The same problems, only of `accounts`; a row may be taken more than once."""
        return Packed(shared=self.shared, **{name: getattr(self, name).take(accounts, 0) for name in _NAMES})

    def widened(self, lots: int) -> "Packed":
        """The same problems with places for `lots` lots: those added hold nothing and stand with the last security."""
        added = lots - self.lot_limit.shape[1]
        wider = {name: widened_by(getattr(self, name), added, 0) for name in _OF_LOTS}
        security = widened_by(self.lot_security, added, self.active.shape[1] - 1)
        return replace(self, lot_security=security, lot_first=first_lots(security), **wider)

    @staticmethod
    def joined(several: "Sequence[Packed]") -> "Packed":
        """The accounts of problems of one shape, one after the other."""
        return Packed(
            shared=any(one.shared for one in several),
            **{name: np.concatenate([getattr(one, name) for one in several]) for name in _NAMES},
        )

    def without(self, lots: Flags, buys: Flags) -> "Packed":
        """The same problems with `lots` (A, m) and purchases `buys` (A, n) closed."""
        limit = np.where(lots, 0.0, self.lot_limit)
        return replace(
            self,
            lot_limit=limit,
            lot_start=lot_starts(self, limit, self.lot_tax),
            buy_limit=np.where(buys, 0.0, self.buy_limit),
        )


_NAMES = tuple(each.name for each in fields(Packed) if each.name != "shared")
_OF_LOTS = ("lot_limit", "lot_start", "lot_tax", "lot_on_row")


def widened_by(values: Any, added: int, padding: float) -> Any:
    """Values (A, m, ...) with so many places more, (A, m + added, ...)."""
    accounts, m, *others = values.shape
    wider = np.full((accounts, m + added, *others), padding, dtype=values.dtype)
    wider[:, :m] = values
    return wider


def padded(values: Any, place: Ints, accounts: int, width: int, padding: float) -> Any:
    """Values (N, ...) at their `place` in the flattened (accounts, width, ...), `padding` elsewhere."""
    spread = np.full((accounts * width, *values.shape[1:]), padding, dtype=values.dtype)
    spread[place] = values
    return spread.reshape(accounts, width, *values.shape[1:])


def lot_starts(packed: Packed, limit: Floats, tax: Floats) -> Floats:
    """Where each lot's sale starts, (A, m): the sum of the lots before it, and its tax divided by the curvature."""
    starts: Floats = sums_before(packed.lot_first, limit) + tax * by_lot(packed.give, packed.lot_security)
    return starts


def by_lot(values: Any, security: Ints) -> Any:
    """Values of places (A, n) at each lot's, (A, m)."""
    accounts, n = values.shape
    return values.ravel().take(security + n * np.arange(accounts)[:, None])


def selling_order(security: Ints, tax: Floats) -> Floats:
    """A key by which lots are sorted in their securities, the cheapest first, (A, m)."""
    return np.asarray(security * _APART + np.clip(tax, -_APART / 4, _APART / 4), dtype=np.float64)


def first_lots(security: Ints) -> Ints:
    """The first lot of the security of each lot, (A, m); `security` does not decrease."""
    first = np.zeros(security.shape, dtype=np.int64)
    first[:, 1:] = np.where(security[:, 1:] != security[:, :-1], np.arange(1, security.shape[1]), 0)
    return np.maximum.accumulate(first, axis=1)


def sums_before(first: Ints, amount: Floats) -> Floats:
    """Sums of `amount` over the lots that stand before each lot in its security, (A, m); `first` as `first_lots`."""
    running = np.cumsum(amount, axis=1) - amount
    before: Floats = running - by_lot(running, first)
    return before
