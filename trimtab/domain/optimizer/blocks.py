"""Each security's best answer to given prices, in closed form.

Given a price p of its active weight and prices of cash and of the account's rows, a security minimises
curvature / 2 * x^2 + p * x plus the cost of its sales or purchases, x being its active weight. Lots are filled
cheapest first; a purchase is one clip. Everything is vectorised over securities, (n,), and lots, (m,).
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sum_by
from trimtab.domain.optimizer.capacity import contested_securities
from trimtab.domain.optimizer.problem import FIXED, OptimizerData, cumulative_before


def _no_prices() -> Floats:
    return np.zeros(0)


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """Prices of what couples the securities, each per unit of account value."""

    factor: Floats  # (k,) of active factor exposure
    cash: float  # of one unit of cash
    rows: Floats = field(default_factory=_no_prices)  # (r,) of one unit more in each row: positive at its upper end
    cap: float = 0.0  # of squared tracking error above its limit
    names: float = 0.0  # of one name held above the most allowed


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """One answer a security, (n,) each unless said."""

    value: Floats  # what it minimises; infinite where a rule cannot be kept
    active: Floats  # active weight after it
    flow: Floats  # cash that it brings
    amount: Floats  # (n, r) what it puts into the rows
    give: Floats  # how far the active weight gives way to a higher price: 1 / curvature, 0 at a limit
    cash_row: Floats  # cash that one unit less of active weight brings
    row_row: Floats  # (n, r) what one unit less of active weight puts into the rows

    def or_better(self, other: "Answers") -> "Answers":
        """The answer of lower value for each security."""
        mine = self.value <= other.value
        wide = mine[:, None]
        return Answers(
            value=np.where(mine, self.value, other.value),
            active=np.where(mine, self.active, other.active),
            flow=np.where(mine, self.flow, other.flow),
            amount=np.where(wide, self.amount, other.amount),
            give=np.where(mine, self.give, other.give),
            cash_row=np.where(mine, self.cash_row, other.cash_row),
            row_row=np.where(wide, self.row_row, other.row_row),
        )

    def barred(self, where: Flags) -> "Answers":
        """The same answers, worth nothing `where` they are not allowed."""
        value = np.where(where, np.inf, self.value)
        return Answers(value, self.active, self.flow, self.amount, self.give, self.cash_row, self.row_row)

    def charged(self, price: float) -> "Answers":
        """The same answers, each dearer by `price`."""
        value = self.value + price
        return Answers(value, self.active, self.flow, self.amount, self.give, self.cash_row, self.row_row)


@dataclass(frozen=True, slots=True, eq=False)
class Priced:
    """One security's side of the bargain: what curves, what slopes, what a unit traded costs at the prices."""

    curvature: Floats  # (n,)
    slope: Floats  # (n,) price of one unit of active weight
    sale_cost: Floats  # (m,) of one unit sold, tax and row prices included
    purchase_cost: Floats  # (n,)
    order: Ints  # (m,) lots by security, cheapest first at these prices
    sale_effect: Floats  # (r, m)
    purchase_effect: Floats  # (r, n)


def branch_answers(data: OptimizerData, prices: Prices) -> tuple[Answers, Answers]:
    """Answers when the security's wash key is not bought, and when it is not sold at a loss.

    Keys that cannot be both lawfully sold at a loss and bought answer alike twice: with their joint optimum, which
    never sells and buys one security, since that costs two spreads and saves no tax.
    """
    priced = priced_at(data, prices)
    forced_buy, forced_sale = data.securities.buy_minimum > 0, data.securities.sell_minimum > 0
    sold = _selling(data, priced, data.lots.limit).barred(forced_buy)
    kept = _selling(data, priced, np.where(data.lots.at_loss, 0.0, data.lots.limit)).barred(forced_buy)
    bought = _buying(data, priced).barred(forced_sale)
    contested = contested_securities(data)
    free_choice = bought.barred(contested)
    not_bought, not_sold = sold.or_better(free_choice), bought.or_better(_choose(contested, kept, sold))
    if data.most_names is None or prices.names <= 0:
        return not_bought, not_sold
    shut = _shut(data, priced, data.lots.limit).barred(forced_buy)
    shut_kept = _shut(data, priced, np.where(data.lots.at_loss, 0.0, data.lots.limit)).barred(forced_buy)
    return (
        shut.or_better(not_bought.charged(prices.names)),
        _choose(contested, shut_kept, shut).or_better(not_sold.charged(prices.names)),
    )


def branch_values(data: OptimizerData, prices: Prices) -> tuple[Floats, Floats]:
    """The values alone of `branch_answers`, (n,) each: all that a bound needs."""
    if data.most_names is not None and prices.names > 0:
        not_bought, not_sold = branch_answers(data, prices)
        return not_bought.value, not_sold.value
    held, lots, priced = data.securities, data.lots, priced_at(data, prices)
    forced_buy = held.buy_minimum > 0
    sold = np.where(forced_buy, np.inf, _best_sale(data, priced, lots.limit, held.sell_minimum).value)
    bought = np.where(held.sell_minimum > 0, np.inf, _best_purchase(data, priced).value)
    contested, better = contested_securities(data), np.minimum(sold, bought)
    if not contested.any():
        return better, better
    gains = np.where(lots.at_loss, 0.0, lots.limit)
    kept = np.where(forced_buy, np.inf, _best_sale(data, priced, gains, held.sell_minimum).value)
    return np.where(contested, sold, better), np.where(contested, np.minimum(bought, kept), better)


def sale_costs(data: OptimizerData, prices: Prices) -> Floats:
    """What one unit sold of each lot costs at `prices`, but for its risk, (m,)."""
    return priced_at(data, prices).sale_cost


def curvatures(data: OptimizerData, cap: float) -> Floats:
    """Curvature of each security's own risk, (n,): the price `cap` adds the model's own specific variance."""
    held = data.securities
    curvature: Floats = data.parameters.risk_aversion * held.variance + 2 * cap * held.specific_risk**2
    return curvature


def priced_at(data: OptimizerData, prices: Prices) -> Priced:
    held, lots = data.securities, data.lots
    cost = held.half_spread + data.parameters.churn
    sale_cost = lots.tax + (cost - prices.cash * (1 - held.half_spread))[lots.security]
    purchase_cost = cost + held.preference + prices.cash * (1 + held.half_spread)
    sale_effect, purchase_effect = data.rows.sale_effect(lots.security), data.rows.purchase_effect
    if len(data.rows):
        sale_cost = sale_cost + prices.rows @ sale_effect
        purchase_cost = purchase_cost + prices.rows @ purchase_effect
    in_order = not len(data.rows) and data.regimes[0].name == FIXED
    order = np.arange(len(sale_cost)) if in_order else np.lexsort((sale_cost, lots.security))
    return Priced(
        curvature=curvatures(data, prices.cap),
        slope=held.loadings @ prices.factor - held.tilt,
        sale_cost=sale_cost,
        purchase_cost=purchase_cost,
        order=order,
        sale_effect=sale_effect,
        purchase_effect=purchase_effect,
    )


def _choose(where: Flags, one: Answers, other: Answers) -> Answers:
    return one.barred(~where).or_better(other.barred(where))


def _shut(data: OptimizerData, priced: Priced, limit: Floats) -> Answers:
    """Each position closed but for a fraction of a unit, or not opened; infinite where it cannot be."""
    nothing_left = np.maximum(data.securities.holding - data.crumb, 0.0)
    return _selling(data, priced, limit, np.maximum(nothing_left, data.securities.sell_minimum))


class _Sale(NamedTuple):
    """The best sale of each security without buying it."""

    value: Floats  # (n,) infinite where it cannot be
    free: Floats  # (n,) what would be sold without limits on the security
    total: Floats  # (n,) within them
    left: Floats  # (n,) active weight after it
    sells: Floats  # (m,) by lot, in the order of the prices
    wanted: Floats  # (m,) of each lot, were it not limited
    limit: Floats  # (m,)


def _best_sale(data: OptimizerData, priced: Priced, limit: Floats, least: Floats) -> _Sale:
    held, order = data.securities, priced.order
    row, n, active = data.lots.security, len(held.ids), data.active  # the order keeps each security's lots together
    curvature, slope = priced.curvature, priced.slope
    limit, unit_cost = limit[order], priced.sale_cost[order]
    before = cumulative_before(row, limit)
    wanted = active[row] - (unit_cost - slope[row]) / curvature[row] - before
    free = sum_by(row, np.clip(wanted, 0.0, limit), n)
    total = np.minimum(np.maximum(free, least), held.sell_limit)
    sells = np.clip(total[row] - before, 0.0, limit)
    sold = sum_by(row, sells, n)
    left = active - sold
    value = curvature / 2 * left**2 + slope * left + sum_by(row, unit_cost * sells, n)
    return _Sale(np.where(sold < least - 1e-9, np.inf, value), free, total, left, sells, wanted, limit)


def _selling(data: OptimizerData, priced: Priced, limit: Floats, least: Floats | None = None) -> Answers:
    """Best sale of each security, at least `least`, without buying it; infinite where that cannot be."""
    held, order, row = data.securities, priced.order, data.lots.security
    n, best = len(held.ids), _best_sale(data, priced, limit, held.sell_minimum if least is None else least)
    inside = ((best.wanted > 0) & (best.wanted < best.limit)).astype(np.float64)
    effect = priced.sale_effect[:, order]
    return Answers(
        value=best.value,
        active=best.left,
        flow=(1 - held.half_spread) * sum_by(row, best.sells, n),
        amount=_by_security(row, effect * best.sells, n),
        give=np.where((sum_by(row, inside, n) > 0) & (best.total == best.free), 1 / priced.curvature, 0.0),
        cash_row=1 - held.half_spread,
        row_row=_by_security(row, effect * inside, n),
    )


def _by_security(row: Ints, amount: Floats, size: int) -> Floats:
    """Sums of (r, m) amounts over the lots of each security, (size, r)."""
    if not len(amount):
        return np.zeros((size, 0))
    return np.column_stack([sum_by(row, each, size) for each in amount])


class _Purchase(NamedTuple):
    """The best purchase of each security without selling it, (n,) each."""

    value: Floats
    free: Floats  # what would be bought without limits
    bought: Floats
    active: Floats  # after it


def _best_purchase(data: OptimizerData, priced: Priced) -> _Purchase:
    held, curvature, slope, active = data.securities, priced.curvature, priced.slope, data.active
    free = -(priced.purchase_cost + slope) / curvature - active
    bought = np.minimum(np.maximum(free, held.buy_minimum), held.buy_limit)
    after = active + bought
    return _Purchase(curvature / 2 * after**2 + slope * after + priced.purchase_cost * bought, free, bought, after)


def _buying(data: OptimizerData, priced: Priced) -> Answers:
    """Best purchase of each security without selling it."""
    held, best = data.securities, _best_purchase(data, priced)
    return Answers(
        value=best.value,
        active=best.active,
        flow=-(1 + held.half_spread) * best.bought,
        amount=(priced.purchase_effect * best.bought).T,
        give=np.where((best.bought > 0) & (best.bought == best.free), 1 / priced.curvature, 0.0),
        cash_row=1 + held.half_spread,
        row_row=-priced.purchase_effect.T,
    )
