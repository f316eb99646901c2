"""Each security's best answer to given prices, in closed form.

Given a price p of its active weight and a price of cash, a security minimises curvature / 2 * x^2 + p * x plus the
cost of its sales or purchases, x being its active weight. Lots stand cheapest first, so a sale fills them from the
front; a purchase is one clip. Everything is vectorised over securities, (n,), and lots, (m,).
"""

from dataclasses import dataclass

import numpy as np

from trimtab.domain.optimizer.arrays import Flags, Floats, sum_by
from trimtab.domain.optimizer.capacity import contested_securities
from trimtab.domain.optimizer.problem import OptimizerData, cumulative_before


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """Prices of the coupling rows: `factor` (k,) of active factor exposure, `cash` of one unit of cash."""

    factor: Floats
    cash: float


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """One answer a security, (n,) each."""

    value: Floats  # what it minimises; infinite where a rule cannot be kept
    active: Floats  # active weight after it
    flow: Floats  # cash that it brings
    give: Floats  # how far the active weight gives way to a higher price: 1 / curvature, 0 at a limit
    cash_row: Floats  # cash that one unit less of active weight brings

    def or_better(self, other: "Answers") -> "Answers":
        """The answer of lower value for each security."""
        mine = self.value <= other.value
        return Answers(
            value=np.where(mine, self.value, other.value),
            active=np.where(mine, self.active, other.active),
            flow=np.where(mine, self.flow, other.flow),
            give=np.where(mine, self.give, other.give),
            cash_row=np.where(mine, self.cash_row, other.cash_row),
        )

    def barred(self, where: Flags) -> "Answers":
        """The same answers, worth nothing `where` they are not allowed."""
        return Answers(np.where(where, np.inf, self.value), self.active, self.flow, self.give, self.cash_row)


def branch_answers(data: OptimizerData, prices: Prices) -> tuple[Answers, Answers]:
    """Answers when the security's wash key is not bought, and when it is not sold at a loss.

    Keys that cannot be both lawfully sold at a loss and bought answer alike twice: with their joint optimum, which
    never sells and buys one security, since that costs two spreads and saves no tax.
    """
    forced_buy, forced_sale = data.securities.buy_minimum > 0, data.securities.sell_minimum > 0
    sold = _selling(data, prices, data.lots.limit).barred(forced_buy)
    kept = _selling(data, prices, np.where(data.lots.at_loss, 0.0, data.lots.limit)).barred(forced_buy)
    bought = _buying(data, prices).barred(forced_sale)
    contested = contested_securities(data)
    free_choice = bought.barred(contested)
    return sold.or_better(free_choice), bought.or_better(_choose(contested, kept, sold))


def _choose(where: Flags, one: Answers, other: Answers) -> Answers:
    return one.barred(~where).or_better(other.barred(where))


def _selling(data: OptimizerData, prices: Prices, limit: Floats) -> Answers:
    """Best sale of each security without buying it; infinite where a minimum cannot be met."""
    held, lots = data.securities, data.lots
    row, n = lots.security, len(held.ids)
    curvature = data.parameters.risk_aversion * held.variance
    slope = held.loadings @ prices.factor
    cash_row = 1 - held.half_spread
    unit_cost = lots.tax + (held.half_spread + data.parameters.churn - prices.cash * cash_row)[row]
    before = cumulative_before(row, limit)
    wanted = data.active[row] - (unit_cost - slope[row]) / curvature[row] - before
    inside = sum_by(row, (wanted > 0) & (wanted < limit), n) > 0
    free = sum_by(row, np.clip(wanted, 0.0, limit), n)
    total = np.minimum(np.maximum(free, held.sell_minimum), held.sell_limit)
    sells = np.clip(total[row] - before, 0.0, limit)
    sold = sum_by(row, sells, n)
    left = data.active - sold
    value = curvature / 2 * left**2 + slope * left + sum_by(row, unit_cost * sells, n)
    return Answers(
        value=np.where(sold < held.sell_minimum - 1e-9, np.inf, value),
        active=left,
        flow=cash_row * sold,
        give=np.where(inside & (total == free), 1 / curvature, 0.0),
        cash_row=cash_row,
    )


def _buying(data: OptimizerData, prices: Prices) -> Answers:
    """Best purchase of each security without selling it."""
    held = data.securities
    curvature = data.parameters.risk_aversion * held.variance
    slope = held.loadings @ prices.factor
    cash_row = 1 + held.half_spread
    unit_cost = held.half_spread + data.parameters.churn + prices.cash * cash_row
    free = -(unit_cost + slope) / curvature - data.active
    bought = np.minimum(np.maximum(free, held.buy_minimum), held.buy_limit)
    after = data.active + bought
    return Answers(
        value=curvature / 2 * after**2 + slope * after + unit_cost * bought,
        active=after,
        flow=-cash_row * bought,
        give=np.where((bought > 0) & (bought == free), 1 / curvature, 0.0),
        cash_row=cash_row,
    )
