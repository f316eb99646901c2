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
from typing import Any, Self

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sum_by
from trimtab.domain.optimizer.fast.packed import BUYING, Packed, by_lot, selling_order, sums_before

SOFTENING = 1e-9
"""Rows give way by this times their price while prices are sought: at most a hundredth of a basis point a unit."""


@dataclass(frozen=True, slots=True, eq=False)
class Branching:
    """How a contested security chooses: by the better branch, at a temperature, or as told (`buying`, (A, n))."""

    temperature: float = 0.0
    buying: Flags | None = None

    def take(self, accounts: Ints) -> "Branching":
        return self if self.buying is None else Branching(buying=self.buying[accounts])


CHEAPEST = Branching()


@dataclass(frozen=True, slots=True, eq=False)
class Gains:
    """What trading saves at some prices, each security on its better branch or as it was told."""

    prices: Floats  # (A, k + r)
    value: Floats  # (A,) of the dual, softening included
    if_sold: Floats  # (A, n) what a head's selling branch saves against doing nothing
    if_bought: Floats  # (A, n) what its buying branch saves

    def take(self, accounts: Ints) -> Self:
        return type(self)(*(getattr(self, name).take(accounts, 0) for name in self.__dataclass_fields__))


@dataclass(frozen=True, slots=True, eq=False)
class Answers(Gains):
    """The batch's answer to some prices. What contested securities do is weighted by their branches."""

    amounts: Floats  # (A, k + r) factor exposures after the trades, and what they add to the rows
    lot_sales: Floats  # (A, m) before the weights
    lot_gives: Flags  # (A, m) sold in part: would give way to a higher price
    sold: Floats  # (A, n) before the weights
    bought: Floats  # (A, n)
    sale_weight: Floats  # (A, n) 1 on the selling branch and where nothing is contested, 0 on the buying branch
    purchase_weight: Floats  # (A, n)

    def joined(self, other: "Answers") -> "Answers":
        """These accounts, then the other's."""
        return Answers(*(np.concatenate((getattr(self, name), getattr(other, name))) for name in _ANSWERS))

    def replaced(self, accounts: Ints | Flags, other: "Answers") -> None:
        """Write the answers of `other` over those of `accounts`."""
        for name in _ANSWERS:
            getattr(self, name)[accounts] = getattr(other, name)


_ANSWERS = tuple(Answers.__dataclass_fields__)


def gains(packed: Packed, prices: Floats) -> Gains:
    """What the best trades of every security at `prices` (A, k + r) save, and the dual's value: all a bound needs."""
    offers = _offers(packed, prices)
    if_sold, if_bought = _by_branch(packed, offers.sale_gain, offers.purchase_gain)
    saved = np.where(packed.contested, np.maximum(if_sold, if_bought), if_sold + if_bought)
    return Gains(prices, packed.constant - saved.sum(axis=1) - _held_apart(packed, prices), if_sold, if_bought)


def answer(packed: Packed, prices: Floats, branching: Branching) -> Answers:
    """Best trades of every security at `prices` (A, k + r), and the dual's value there."""
    offers = _offers(packed, prices)
    lot_sales, lot_gives, bought = offers.sales, offers.gives, offers.bought
    sold = sum_by(offers.place, lot_sales.ravel(), bought.size).reshape(bought.shape)
    if_sold, if_bought = _by_branch(packed, offers.sale_gain, offers.purchase_gain)
    selling, saved = _choice(packed, if_sold, if_bought, branching)
    sale_weight, purchase_weight = _weights(packed, selling)
    if offers.lots.order is not None:
        lot_sales, lot_gives = (_in_data_order(each, offers.lots.order) for each in (lot_sales, lot_gives))
    amounts = _amounts(packed, sale_weight * sold, purchase_weight * bought)
    if packed.lot_rows:
        weighted = lot_sales * by_lot(sale_weight, packed.lot_security)
        amounts[:, -packed.lot_rows :] += _on_lot_rows(packed, weighted)
    return Answers(
        prices=prices,
        value=packed.constant - saved.sum(axis=1) - _held_apart(packed, prices),
        if_sold=if_sold,
        if_bought=if_bought,
        amounts=amounts,
        lot_sales=lot_sales,
        lot_gives=lot_gives,
        sold=sold,
        bought=bought,
        sale_weight=sale_weight,
        purchase_weight=purchase_weight,
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


@dataclass(frozen=True, slots=True, eq=False)
class _Offers:
    """What every lot and place does for itself at some prices."""

    lots: "_LotOffers"
    place: Ints  # (A * m,) of each lot in the flattened (A, n) arrays
    sales: Floats  # (A, m) in the order of `lots`
    bought: Floats  # (A, n)
    sale_gain: Floats  # (A, n) what selling saves
    purchase_gain: Floats  # (A, n)

    @property
    def gives(self) -> Flags:
        """Whether each lot is sold in part, (A, m)."""
        gives: Flags = (self.sales > self.lots.least) & (self.sales < self.lots.most)
        return gives


def _offers(packed: Packed, prices: Floats) -> _Offers:
    k = packed.factors
    slope = np.matmul(packed.loadings, prices[:, :k, None])[..., 0]
    sale_price, purchase_price = _at_row_prices(packed, prices[:, k:])
    pull = packed.active + (slope - sale_price) * packed.give
    place = packed.lot_place
    lots = _lot_offers(packed, prices, place)
    beyond = pull.ravel().take(place).reshape(lots.start.shape) - lots.start
    sales = np.minimum(np.maximum(beyond, lots.least), lots.most)
    saved = sum_by(place, (sales * (beyond - sales / 2)).ravel(), pull.size).reshape(pull.shape)
    push = -packed.active - (slope + purchase_price) * packed.give
    bought = np.minimum(np.maximum(push, 0.0), packed.buy_limit)
    return _Offers(
        lots=lots,
        place=place,
        sales=sales,
        bought=bought,
        sale_gain=packed.curvature * saved,
        purchase_gain=packed.curvature * bought * (push - bought / 2),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _LotOffers:
    """Lots in the order in which they are sold, (A, m) each."""

    start: Floats
    least: Floats | float  # sold whatever the pull
    most: Floats
    order: Ints | None  # of these lots, their places in the flattened (A, m) of the data's order; None: that order


def _on_lot_rows(packed: Packed, sold: Floats) -> Floats:
    """What selling `sold` (A, m) adds to the last rows, (A, g); lot by lot, so that padding changes no bit of it."""
    effects: Floats = np.cumsum(sold[..., None] * packed.lot_on_row, axis=1)[:, -1]
    return effects


def _lot_offers(packed: Packed, prices: Floats, place: Ints) -> _LotOffers:
    """At prices of gains lots change places: the cheapest of each security, all counted, is sold first."""
    if not packed.lot_rows:
        return _LotOffers(packed.lot_start, 0.0, packed.lot_limit, None)
    shape = packed.lot_limit.shape
    tax = packed.lot_tax + np.matmul(packed.lot_on_row, prices[:, -packed.lot_rows :, None])[..., 0]
    order = np.argsort(selling_order(packed.lot_security, tax), axis=1, kind="stable")
    order += shape[1] * np.arange(shape[0])[:, None]
    tax, limit = tax.ravel().take(order), packed.lot_limit.ravel().take(order)
    before = sums_before(packed.lot_first, limit)
    give, least, most = (
        each.ravel().take(place).reshape(shape) for each in (packed.give, packed.least_sold, packed.most_sold)
    )
    least, most = (np.minimum(np.maximum(total - before, 0.0), limit) for total in (least, most))
    return _LotOffers(before + tax * give, least, most, order)


def _in_data_order(values: Any, order: Ints) -> Any:
    unsorted = np.empty_like(values)
    unsorted.ravel()[order] = values
    return unsorted


def _by_branch(packed: Packed, sale_gain: Floats, purchase_gain: Floats) -> tuple[Floats, Floats]:
    """What each head saves on the selling and on the buying branch of its wash key, (A, n)."""
    if not packed.shared:
        return sale_gain, purchase_gain
    buying, place = packed.branch == BUYING, packed.head_place
    if_sold = sum_by(place, np.where(buying, 0.0, sale_gain).ravel(), sale_gain.size)
    if_bought = sum_by(place, (purchase_gain + np.where(buying, sale_gain, 0.0)).ravel(), sale_gain.size)
    return if_sold.reshape(sale_gain.shape), if_bought.reshape(sale_gain.shape)


def _choice(packed: Packed, if_sold: Floats, if_bought: Floats, branching: Branching) -> tuple[Floats, Floats]:
    """Weight of the selling branch where it is contested, and what the security saves, (A, n) each."""
    if branching.temperature:
        ahead = np.clip((if_sold - if_bought) / branching.temperature, -50.0, 50.0)
        selling = 1 / (1 + np.exp(-ahead))
        saved = np.maximum(if_sold, if_bought) + branching.temperature * np.log1p(np.exp(-np.abs(ahead)))
    else:
        buying = if_bought > if_sold if branching.buying is None else branching.buying
        selling = np.where(buying, 0.0, 1.0)
        saved = np.where(buying, if_bought, if_sold)
    return selling, np.where(packed.contested, saved, if_sold + if_bought)


def _weights(packed: Packed, selling: Floats) -> tuple[Floats, Floats]:
    """Weights of each place's sale and purchase, (A, n): those of its head's branches, 1 where nothing is contested."""
    contested = packed.contested
    if not packed.shared:
        return np.where(contested, selling, 1.0), np.where(contested, 1 - selling, 1.0)
    place, shape = packed.head_place, contested.shape
    contested, selling = contested.ravel()[place].reshape(shape), selling.ravel()[place].reshape(shape)
    sale = np.where(packed.branch == BUYING, 1 - selling, selling)
    return np.where(contested, sale, 1.0), np.where(contested, 1 - selling, 1.0)


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
    apart: Floats = lam / 2 * (off * off).sum(axis=1) + support(packed, prices[:, k:]).sum(axis=1)
    return apart


def support(packed: Packed, prices: Floats) -> Floats:
    """Conjugate of the rows' penalties, softened, (A, r)."""
    end = np.where(prices > 0, packed.high, packed.low)
    return prices * end + SOFTENING / 2 * prices * prices


def hardened(packed: Packed, answers: Gains) -> Floats:
    """The dual's value without the softening, (A,): higher, and a bound all the same."""
    prices = answers.prices[:, packed.factors :]
    value: Floats = answers.value + SOFTENING / 2 * (prices * prices).sum(axis=1)
    return value


def duality_gap(packed: Packed, answers: Answers) -> Floats:
    """Objective of the answers less the dual's value, (A,): what factors and rows do not agree on yet."""
    k, lam = packed.factors, packed.aversion
    off = answers.amounts[:, :k] - answers.prices[:, :k] / lam[:, None]
    prices, amounts = answers.prices[:, k:], answers.amounts[:, k:]
    above = amounts > packed.high
    outside = np.maximum(np.where(above, amounts - packed.high, packed.low - amounts), 0.0)
    charged = _charged(outside, np.where(above, packed.most_price, -packed.least_price))
    rows = charged + support(packed, prices) - prices * amounts
    gap: Floats = lam / 2 * (off * off).sum(axis=1) + rows.sum(axis=1)
    return gap


def _charged(outside: Floats, price: Floats) -> Floats:
    """Softened penalty of being `outside` by so much: quadratic up to where it costs the row's price."""
    near = outside <= SOFTENING * price
    return np.where(near, outside * outside / (2 * SOFTENING), price * outside - SOFTENING / 2 * price * price)
