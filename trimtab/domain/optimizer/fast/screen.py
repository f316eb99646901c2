"""The proof, before any solve, that trading nothing is good enough: for a batch (`screening.py` has it for one)."""

import numpy as np

from trimtab.domain.optimizer.arrays import Floats
from trimtab.domain.optimizer.fast.closed_form import gains, hardened
from trimtab.domain.optimizer.fast.packed import HARD_PRICE, Packed


def standing_prices(packed: Packed) -> Floats:
    """The slope of the objective where nothing is traded, (A, k + r): of factors, and of soft rows that are broken."""
    above = (packed.high < 0) & (packed.most_price < HARD_PRICE)
    below = (packed.low > 0) & (packed.least_price > -HARD_PRICE)
    rows = np.where(above, packed.most_price, np.where(below, packed.least_price, 0.0))
    return np.concatenate((packed.aversion[:, None] * packed.exposure, rows), axis=1)


def doing_nothing(packed: Packed) -> Floats:
    """Objective of no trade beyond the demanded ones, (A,)."""
    above, below = np.maximum(-packed.high, 0.0), np.maximum(packed.low, 0.0)
    charged: Floats = above * packed.most_price - below * packed.least_price
    objective: Floats = packed.constant + charged.sum(axis=1)
    return objective


def bound_at(packed: Packed, prices: Floats) -> Floats:
    """A number that no allowed trade list's objective is below, (A,)."""
    return hardened(packed, gains(packed, within_range(packed, prices)))


def within_range(packed: Packed, prices: Floats) -> Floats:
    """The same with the rows' prices in the range in which the bound holds, (A, k + r)."""
    inside, k = prices.copy(), packed.factors
    inside[:, k:] = np.clip(inside[:, k:], packed.least_price, packed.most_price)
    return inside
