"""A household's problem as arrays; everything is a fraction of the household's value.

n securities of the household, P pairs of an account and a security, m lots, A accounts. Each account's own arrays
have a row for every security, and pairs stand account by account: P = A n; so do lots. What couples the accounts is
risk: the active weight of a security is the sum over its pairs, less the household's target.
"""

from dataclasses import dataclass, replace

import numpy as np

from trimtab.domain.calibration import Parameters
from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sum_by
from trimtab.domain.optimizer.problem import OptimizerData, Regime, Rows, no_rows
from trimtab.domain.optimizer.wash import washed_excess


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """One row an account's security; (P,) each."""

    account: Ints
    security: Ints  # row of the household's security
    holding: Floats
    half_spread: Floats
    location: Floats  # cost of one unit held: of its asset class in that account, less its tilt there
    buy_limit: Floats
    buy_minimum: Floats
    sell_limit: Floats
    sell_minimum: Floats
    minimum_trade: Floats
    unit: Floats  # that trades: a round lot of whole shares, or the smallest fraction
    sale_demanded: (
        Flags  # cash that is owed, names too many, or a broken band of its group, asks for sales of it in any way
    )
    purchase_demanded: Flags


@dataclass(frozen=True, slots=True, eq=False)
class PairLots:
    """One row a lot; (m,) each. Lots of an account without tax have no losses."""

    pair: Ints
    value: Floats
    limit: Floats
    tax: Floats
    at_loss: Flags


@dataclass(frozen=True, slots=True, eq=False)
class HouseholdData:
    """The joint problem. `parts` are the accounts' own arrays in the same unit, for rounding and booking."""

    parts: tuple[OptimizerData, ...]
    pairs: Pairs
    lots: PairLots
    rows: Rows  # of each account, over pairs and lots
    row_account: Ints  # (r,) the account that each row is of; -1 for rows of the taxpayer
    regimes: tuple[Regime, ...]  # one, or two whose least is the taxpayer's tax
    away: Floats  # (n,) what the accounts hold elsewhere
    held_target: Floats  # (n,) the household's target
    loadings: Floats  # (n, k)
    variance: Floats  # (n,)
    specific_risk: Floats  # (n,)
    wash_key: Ints  # (n,) over the whole household
    cash: Floats  # (A,)
    cash_minimum: Floats  # (A,)
    cash_target: Floats  # (A,)
    parameters: Parameters  # of the household: its price of risk
    tracking_limit: float | None = None  # most annualised tracking error of the household; hard

    @property
    def keys(self) -> int:
        return int(self.wash_key.max(initial=-1)) + 1

    @property
    def lot_security(self) -> Ints:
        return self.pairs.security[self.lots.pair]

    @property
    def active(self) -> Floats:
        """The household's active weights before any trade, (n,)."""
        return sum_by(self.pairs.security, self.pairs.holding, len(self.variance)) + self.away - self.held_target

    @property
    def most_names(self) -> Floats:
        """Most securities that each account may hold, infinite without such a rule, (A,)."""
        return np.array([np.inf if part.most_names is None else float(part.most_names) for part in self.parts])

    @property
    def crumb(self) -> Floats:
        """Weight of each pair that counts as nothing, (P,)."""
        return np.concatenate([part.crumb for part in self.parts])

    def squared_tracking_error(self, active: Floats) -> float:
        """Annualised, of active weights (n,), at the risk model's own specific risk."""
        factor = self.loadings.T @ active
        return float(factor @ factor + self.specific_risk**2 @ active**2)

    def amounts(self, lot_sells: Floats, buys: Floats) -> Floats:
        """Amounts of the rows after selling (m,) and buying (P,), (r,)."""
        rows = self.rows
        amounts: Floats = rows.start + rows.sale_effect(self.lots.pair) @ lot_sells + rows.purchase_effect @ buys
        return amounts

    def under(self, regime: Regime) -> "HouseholdData":
        """The convex problem of one regime: its netting rows among the household's, its taxes those of the lots."""
        alone = replace(regime, rows=no_rows(len(self.pairs.account), len(self.lots.pair)))
        return replace(
            self,
            lots=replace(self.lots, tax=regime.lot_tax),
            rows=self.rows.followed_by(regime.rows),
            row_account=np.concatenate((self.row_account, np.full(len(regime.rows), -1, dtype=np.int64))),
            regimes=(alone,),
        )

    def after(self, lot_sells: Floats, buys: Floats) -> Floats:
        """Active weights after selling (m,) and buying (P,), (n,)."""
        sold = sum_by(self.lot_security, lot_sells, len(self.variance))
        bought: Floats = self.active + sum_by(self.pairs.security, buys, len(self.variance)) - sold
        return bought

    def pair_sells(self, lot_sells: Floats) -> Floats:
        return sum_by(self.lots.pair, lot_sells, len(self.pairs.account))

    def slices(self) -> list[tuple[slice, slice]]:
        """Where each account's pairs and lots stand."""
        found, pair, lot = [], 0, 0
        for part in self.parts:
            n, m = len(part.securities.ids), len(part.lots.lots)
            found.append((slice(pair, pair + n), slice(lot, lot + m)))
            pair, lot = pair + n, lot + m
        return found


@dataclass(frozen=True, slots=True)
class JointObjective:
    """The joint objective's parts, fractions of household value (less is better)."""

    risk: float
    tax: float
    washed: float  # tax above the chord of lots that recent purchases wash in part
    cost: float
    location: float
    cash: float
    rules: float  # for rows outside their intervals that have a price

    @property
    def total(self) -> float:
        return self.risk + self.tax + self.washed + self.cost + self.location + self.cash + self.rules


def joint_objective(data: HouseholdData, lot_sells: Floats, buys: Floats, paid: Floats | None = None) -> JointObjective:
    """The exact objective of selling (m,) and buying (P,), with commissions `paid` by each account (A,)."""
    pairs, parameters = data.pairs, data.parameters
    active = data.after(lot_sells, buys)
    factor = data.loadings.T @ active
    sells = data.pair_sells(lot_sells)
    sent = np.zeros(len(data.cash)) if paid is None else paid
    excess = joint_washed_excess(data, lot_sells).sum()
    off = cash_after(data, sells, buys) - sent - data.cash_target
    return JointObjective(
        risk=float(parameters.risk_aversion / 2 * (factor @ factor + data.variance @ active**2)),
        tax=min(regime.tax(lot_sells) for regime in data.regimes),
        washed=float(excess),
        cost=float((pairs.half_spread + parameters.churn) @ (sells + buys)) + float(sent.sum()),
        location=float(pairs.location @ (pairs.holding + buys - sells)),
        cash=float(np.maximum(parameters.cash_drag * off, -parameters.cash_shortfall * off).sum()),
        rules=data.rows.penalty(data.amounts(lot_sells, buys)),
    )


def joint_washed_excess(data: HouseholdData, lot_sells: Floats) -> Floats:
    """Tax of each lot's sale above its chord, (m,): each account's losses are matched by themselves."""
    every = zip(data.parts, data.slices(), strict=True)
    return np.concatenate(
        [washed_excess(part.lots, part.securities.share, lot_sells[lots]) for part, (_, lots) in every]
    )


def cash_after(data: HouseholdData, sells: Floats, buys: Floats) -> Floats:
    """Cash of each account after selling and buying (P,), (A,); before commissions."""
    spread = data.pairs.half_spread
    after: Floats = data.cash + sum_by(data.pairs.account, (1 - spread) * sells - (1 + spread) * buys, len(data.cash))
    return after
