"""What a trade list is worth: the objective's parts, fractions of account value (less is better)."""

from dataclasses import dataclass

from trimtab.domain.optimizer.arrays import Floats, sum_by
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.wash import washed_excess


@dataclass(frozen=True, slots=True)
class Objective:
    risk: float
    tilt: float  # expected excess return given up; negative when the active weights earn some
    tax: float  # of the cheapest regime, less the tax of selling nothing
    cost: float  # half spreads, the churn penalty and commissions
    cash: float  # for cash away from its target
    rules: float  # for rows outside their intervals that have a price

    @property
    def total(self) -> float:
        return self.risk + self.tilt + self.tax + self.cost + self.cash + self.rules


def commissions(data: OptimizerData, sells: Floats, buys: Floats) -> float:
    """What the orders of selling and buying (n,) cost, each at the price of its kind of security; a weight."""
    return float(data.securities.commission[sells + buys > 0].sum())


def cash_after(data: OptimizerData, sells: Floats, buys: Floats, paid: float = 0.0) -> float:
    """Cash weight after selling and buying (n,) weights, paying spreads and `paid` in commissions."""
    half_spread = data.securities.half_spread
    return float(data.cash + ((1 - half_spread) * sells).sum() - ((1 + half_spread) * buys).sum() - paid)


def cash_penalty(data: OptimizerData, cash: float) -> float:
    """Linear on both sides of the cash target; the hard floor is no part of it."""
    above = cash - data.cash_target
    return max(data.parameters.cash_drag * above, -data.parameters.cash_shortfall * above)


def row_amounts(data: OptimizerData, lot_sells: Floats, buys: Floats) -> Floats:
    """Amounts of the account's rows, (r,), after selling `lot_sells` (m,) and buying `buys` (n,)."""
    rows = data.rows
    amounts: Floats = rows.start + rows.sale_effect(data.lots.security) @ lot_sells + rows.purchase_effect @ buys
    return amounts


def evaluate(data: OptimizerData, lot_sells: Floats, buys: Floats, *, as_orders: bool = False) -> Objective:
    """The exact objective of `lot_sells` (m,) and `buys` (n,), weights; with the commissions of lists that are sent.

    What a relaxation answers is no list of orders yet: it pays none.
    """
    held = data.securities
    sells = sum_by(data.lots.security, lot_sells, len(held.ids))
    active = data.active + buys - sells
    factor_active = held.loadings.T @ active
    lam = data.parameters.risk_aversion
    paid = commissions(data, sells, buys) if as_orders else 0.0
    unit_cost, preference = held.half_spread + data.parameters.churn, held.preference
    return Objective(
        risk=float(lam / 2 * (factor_active @ factor_active + held.variance @ held.by_block(active) ** 2)),
        tilt=-float(held.tilt @ active),
        tax=min(regime.tax(lot_sells) for regime in data.regimes)
        + float(washed_excess(data.lots, held.share, lot_sells).sum()),
        cost=float(unit_cost @ (sells + buys) + preference @ buys) + paid,
        cash=cash_penalty(data, cash_after(data, sells, buys, paid)),
        rules=data.rows.penalty(row_amounts(data, lot_sells, buys)),
    )


def standing_still(data: OptimizerData) -> Objective:
    """The objective of an empty trade list."""
    held, active, lam = data.securities, data.active, data.parameters.risk_aversion
    factor_active = held.loadings.T @ active
    return Objective(
        risk=float(lam / 2 * (factor_active @ factor_active + held.variance @ held.by_block(active) ** 2)),
        tilt=-float(held.tilt @ active),
        tax=min(regime.constant + regime.rows.penalty(regime.rows.start) for regime in data.regimes),
        cost=0.0,
        cash=cash_penalty(data, data.cash),
        rules=data.rows.penalty(data.rows.start),
    )
