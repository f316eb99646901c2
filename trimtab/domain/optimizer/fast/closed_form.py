"""Each security's best answer to given prices, for a batch of accounts at once; `blocks.py` says the same for one.

Prices are (A, k + r): of the factor exposures, then of the coupling rows. With p = loadings @ factor prices the slope
of a security's risk term, a sale is worth its while as far as the pull

    q = active weight + (p - cost of a sale at the row prices) / curvature

reaches over the starts of its lots: lot j sells clip(q - start_j, 0, limit_j). What the security saves against doing
nothing is the curvature times the integral of its sales over the pull, the sum of sold_j * (q - start_j - sold_j / 2).
A purchase is one clip of that kind. So one pass over the lots and two sums give all.

Where a sale at a loss and a purchase exclude each other the security takes one of two branches: the one that saves
more, the one it is told, or, so that the bound is smooth, a mixture at a temperature.
"""

from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, sum_by
from trimtab.domain.optimizer.fast.packed import Packed

SOFTENING = 1e-9
"""Rows give way by this times their price while prices are sought: at most a hundredth of a basis point a unit."""


@dataclass(frozen=True, slots=True, eq=False)
class Branching:
    """How a contested security chooses: by the better branch, at a temperature, or as told (`buying`, (A, n))."""

    temperature: float = 0.0
    buying: Flags | None = None

    def take(self, accounts: object) -> "Branching":
        return self if self.buying is None else Branching(buying=self.buying[accounts])  # type: ignore[index]


CHEAPEST = Branching()


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The batch's answer to some prices. A contested security's two trades are weighted by its branches."""

    prices: Floats  # (A, k + r)
    value: Floats  # (A,) of the dual, softening included
    amounts: Floats  # (A, k + r) factor exposures after the trades, and what they add to the rows
    lot_sales: Floats  # (A, m) as if every security were on its selling branch
    sold: Floats  # (A, n) the same
    bought: Floats  # (A, n) as if on the buying branch
    sale_weight: Floats  # (A, n) 1 on the selling branch and where nothing is contested, 0 on the buying branch
    purchase_weight: Floats  # (A, n)
    sale_gain: Floats  # (A, n) what the sale saves against doing nothing
    purchase_gain: Floats  # (A, n)

    def take(self, accounts: object) -> "Answers":
        return Answers(*(getattr(self, name)[accounts] for name in _ANSWERS))

    def joined(self, other: "Answers") -> "Answers":
        """These accounts, then the other's."""
        return Answers(*(np.concatenate((getattr(self, name), getattr(other, name))) for name in _ANSWERS))

    def replaced(self, accounts: object, other: "Answers") -> None:
        """Write the answers of `other` over those of `accounts`."""
        for name in _ANSWERS:
            getattr(self, name)[accounts] = getattr(other, name)


_ANSWERS = tuple(Answers.__dataclass_fields__)


def answer(packed: Packed, prices: Floats, branching: Branching) -> Answers:
    """Best trades of every security at `prices` (A, k + r), and the dual's value there."""
    k = packed.factors
    slope = np.matmul(packed.loadings, prices[:, :k, None])[..., 0]
    sale_price, purchase_price = _at_row_prices(packed, prices[:, k:])
    pull = packed.active + (slope - sale_price) * packed.give
    lot_sales, sold, sale_gain = _sales(packed, pull)
    push = -packed.active - (slope + purchase_price) * packed.give
    bought = np.minimum(np.maximum(push, 0.0), packed.buy_limit)
    purchase_gain = packed.curvature * bought * (push - bought / 2)
    sale_weight, purchase_weight, gain = _branches(packed, sale_gain, purchase_gain, branching)
    amounts = _amounts(packed, sale_weight * sold, purchase_weight * bought)
    value = packed.constant - gain.sum(axis=1) - _held_apart(packed, prices)
    return Answers(
        prices,
        value,
        amounts,
        lot_sales,
        sold,
        bought,
        sale_weight,
        purchase_weight,
        sale_gain,
        purchase_gain,
    )


def _at_row_prices(packed: Packed, prices: Floats) -> tuple[Floats, Floats]:
    """Costs of one unit sold and of one bought, (A, n) each, tax apart."""
    if packed.rows == 1:
        sale = packed.on_sale[..., 0] * prices
        purchase = packed.on_purchase[..., 0] * prices
    else:
        sale = np.matmul(packed.on_sale, prices[..., None])[..., 0]
        purchase = np.matmul(packed.on_purchase, prices[..., None])[..., 0]
    return packed.sale_cost + sale, packed.purchase_cost + purchase


def _sales(packed: Packed, pull: Floats) -> tuple[Floats, Floats, Floats]:
    """Sales by lot (A, m), by security (A, n), and what these save."""
    place = packed.lot_place
    beyond = pull.ravel()[place].reshape(packed.lot_start.shape) - packed.lot_start
    lot_sales = np.minimum(np.maximum(beyond, 0.0), packed.lot_limit)
    sold = sum_by(place, lot_sales.ravel(), pull.size).reshape(pull.shape)
    saved = sum_by(place, (lot_sales * (beyond - lot_sales / 2)).ravel(), pull.size).reshape(pull.shape)
    return lot_sales, sold, packed.curvature * saved


def _branches(
    packed: Packed, sale_gain: Floats, purchase_gain: Floats, branching: Branching
) -> tuple[Floats, Floats, Floats]:
    """Weights of the selling and of the buying branch, and what the security saves, (A, n) each."""
    contested = packed.contested
    if branching.temperature:
        ahead = np.clip((sale_gain - purchase_gain) / branching.temperature, -50.0, 50.0)
        selling = 1 / (1 + np.exp(-ahead))
        saved = np.maximum(sale_gain, purchase_gain) + branching.temperature * np.log1p(np.exp(-np.abs(ahead)))
    else:
        buying = purchase_gain > sale_gain if branching.buying is None else branching.buying
        selling = np.where(buying, 0.0, 1.0)
        saved = np.where(buying, purchase_gain, sale_gain)
    sale_weight = np.where(contested, selling, 1.0)
    purchase_weight = np.where(contested, 1 - selling, 1.0)
    return sale_weight, purchase_weight, np.where(contested, saved, sale_gain + purchase_gain)


def _amounts(packed: Packed, sold: Floats, bought: Floats) -> Floats:
    exposure = packed.exposure + np.matmul((bought - sold)[:, None, :], packed.loadings)[:, 0]
    if packed.rows == 1:
        rows = (packed.on_sale[..., 0] * sold + packed.on_purchase[..., 0] * bought).sum(axis=1)[:, None]
    else:
        rows = np.matmul(sold[:, None, :], packed.on_sale)[:, 0]
        rows += np.matmul(bought[:, None, :], packed.on_purchase)[:, 0]
    return np.concatenate((exposure, rows), axis=1)


def _held_apart(packed: Packed, prices: Floats) -> Floats:
    """What the prices of factors and rows cost the dual, against doing nothing at the present exposures, (A,)."""
    k, lam = packed.factors, packed.aversion
    off = packed.exposure - prices[:, :k] / lam[:, None]
    return lam / 2 * (off * off).sum(axis=1) + support(packed, prices[:, k:]).sum(axis=1)


def support(packed: Packed, prices: Floats) -> Floats:
    """Conjugate of the rows' penalties, softened, (A, r)."""
    end = np.where(prices > 0, packed.high, packed.low)
    return prices * end + SOFTENING / 2 * prices * prices


def hardened(packed: Packed, answers: Answers) -> Floats:
    """The dual's value without the softening, (A,): higher, and a bound all the same."""
    prices = answers.prices[:, packed.factors :]
    return answers.value + SOFTENING / 2 * (prices * prices).sum(axis=1)


def duality_gap(packed: Packed, answers: Answers) -> Floats:
    """Objective of the answers less the dual's value, (A,): what factors and rows do not agree on yet."""
    k, lam = packed.factors, packed.aversion
    off = answers.amounts[:, :k] - answers.prices[:, :k] / lam[:, None]
    prices, amounts = answers.prices[:, k:], answers.amounts[:, k:]
    charged = _charged(amounts - packed.high, packed.most_price) + _charged(packed.low - amounts, -packed.least_price)
    rows = charged + support(packed, prices) - prices * amounts
    return lam / 2 * (off * off).sum(axis=1) + rows.sum(axis=1)


def _charged(outside: Floats, price: Floats) -> Floats:
    """Softened penalty of being `outside` by so much: quadratic up to where it costs the row's price."""
    outside = np.maximum(outside, 0.0)
    near = outside <= SOFTENING * price
    return np.where(near, outside * outside / (2 * SOFTENING), price * outside - SOFTENING / 2 * price * price)
