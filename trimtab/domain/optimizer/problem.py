"""One account's problem as arrays; everything is a fraction of account value.

n securities, ordered by id; m lots, ordered by security, then by what selling one unit of value costs in tax
(cheapest first), then by lot id. In that order the best way to sell a given amount takes lots from the front.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from trimtab.domain.calibration import Parameters
from trimtab.domain.lots import TaxLot
from trimtab.domain.optimizer.arrays import Flags, Floats, Ints, sum_by
from trimtab.domain.proposals import WhyNotCode
from trimtab.domain.securities import SecurityId

FRACTION_UNITS = 10_000
"""Units a share where fractions trade."""

WORTH_A_CHANGE = 5e-5
"""Yesterday's sides are kept unless others are better by more than half a basis point: proposals stay calm."""

WORTH_A_NAME = 2e-5
"""Names join or leave yesterday's list only for more than a fifth of a basis point."""


@dataclass(frozen=True, slots=True, eq=False)
class Securities:
    """One row a security that the account holds, targets or must hold; (n,) each unless said."""

    ids: tuple[SecurityId, ...]
    holding: Floats  # weight today
    target: Floats  # weight wanted, of what is held here and elsewhere
    away: Floats  # weight held elsewhere: cannot be traded, counts towards the target and shapes risk
    tilt: Floats  # expected excess return a year of one unit of weight
    loadings: Floats  # (n, k) whitened factor loadings
    variance: Floats  # specific variance in the objective: floored, so that proposals stay calm
    specific_risk: Floats  # the risk model's own, for reports
    half_spread: Floats  # cost of one unit traded
    commission: Floats  # cost of one order, whatever its size
    share: Floats  # weight of one share; 0 without a price
    price: Floats  # dollars a share; 0 without a price
    whole: Flags  # trades in whole shares
    round_lot: Ints  # shares that a purchase, or a sale of less than everything, is a multiple of; 1 for fractions
    minimum_holding: Floats  # no trade leaves a smaller position, unless it leaves none
    buy_limit: Floats  # most that may be bought
    buy_minimum: Floats  # least that must be bought: a weight band asks for it
    sell_limit: Floats  # most that may be sold, whole shares
    sell_minimum: Floats  # least that must be sold: a weight band, or a name never to be held
    minimum_trade: Floats  # smaller trades are not worth sending, unless they close the position
    wash_key: Ints  # securities with one number are substantially identical
    block: Ints  # row of the first security of its equivalence set; its own where it has none
    preference: Floats  # cost of one unit bought beside the real ones: hurdles and ranks of substitutes
    untouchable: Mapping[SecurityId, tuple[WhyNotCode, str]]  # must not trade today, and why

    @property
    def keys(self) -> int:
        """How many wash keys there are."""
        return int(self.wash_key.max(initial=-1)) + 1

    @property
    def has_sets(self) -> bool:
        """True when some security stands in for another: a set has one target and one specific risk."""
        return bool((self.block != np.arange(len(self.block))).any())

    def by_block(self, weight: Floats) -> Floats:
        """Sums of (n,) weights over each set, at the row of its first security; zero at the others', (n,)."""
        return sum_by(self.block, weight, len(weight))

    def pooled(self, weight: Floats) -> Floats:
        """Sums of (n,) weights over the set that each security belongs to, (n,)."""
        pooled: Floats = self.by_block(weight)[self.block]
        return pooled


@dataclass(frozen=True, slots=True, eq=False)
class Replacements:
    """Purchases of the last 30 days that wash losses, and the lots whose losses they may wash (`wash.py`)."""

    lots: Ints  # (w,) rows of lots, in the order in which the rule matches their sales
    purchases: tuple[tuple[int, ...], ...]  # for each of them those that may replace its shares, first used first
    bought: Floats  # shares of each purchase


@dataclass(frozen=True, slots=True, eq=False)
class Lots:
    """One row a lot; (m,) each."""

    lots: tuple[TaxLot, ...]
    security: Ints  # row of its security
    value: Floats  # weight of the whole lot
    limit: Floats  # weight that may be sold: 0 for locked lots
    gain: Floats  # gain of one unit of value sold; negative for a loss
    rate: Floats  # tax rate of its term; 0 in accounts without tax
    tax: Floats  # what one unit sold costs in the objective; negative for a credited loss
    at_loss: Flags
    void: Flags  # its whole loss would be washed, or a peer bought its key today: no credit
    washed: Floats  # weight of it whose loss is washed when all of it is sold; `tax` is the mean over the whole lot
    wash_cost: Floats  # tax cost of one unit washed above one that is not
    replacements: Replacements | None  # None when no loss is washed

    @property
    def counted_gain(self) -> Floats:
        """Gain of one unit sold that counts for tax, (m,): less the washed part of a loss, as a mean over the lot."""
        counted: Floats = self.gain * (1 - np.where(self.void, 1.0, self.washed_share))
        return counted

    @property
    def washed_share(self) -> Floats:
        """Share of each lot whose loss is washed when all of it is sold, (m,)."""
        return np.divide(self.washed, self.value, out=np.zeros(len(self.value)), where=self.value > 0)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Elastic interval rows over the whole account, (r,) each unless said; docs/formulation.md, section Rows.

    A row's amount is `start` + `on_active` @ (active weights after the trades - before) + `on_sale` @ lot sales
    + `on_purchase` @ purchases. Inside [`low`, `high`] it costs nothing, each unit outside costs its price: an
    infinite price makes the row hard.
    """

    names: tuple[str, ...]  # what the row is, in one word and its subject: "SECTOR:Energy", "TURNOVER", "GAIN"
    start: Floats  # amount before any trade
    on_active: Floats  # (r, n)
    on_sale: Floats  # (r, m)
    on_purchase: Floats  # (r, n)
    low: Floats
    high: Floats
    price_below: Floats  # cost of one unit below `low`; inf: hard
    price_above: Floats  # cost of one unit above `high`; inf: hard
    slack: Floats  # by how much whole shares may miss a hard row: zero for budgets and turnover, some for bands

    def __len__(self) -> int:
        return len(self.names)

    def sale_effect(self, security: Ints) -> Floats:
        """What one unit sold of each lot adds to each row, (r, m); `security` is `Lots.security`."""
        effect: Floats = self.on_sale - self.on_active[:, security]
        return effect

    @property
    def purchase_effect(self) -> Floats:
        """What one unit bought of each security adds to each row, (r, n)."""
        return self.on_purchase + self.on_active

    def penalty(self, amount: Floats) -> float:
        """What amounts (r,) outside the intervals of the rows that are not hard cost."""
        if not len(self):
            return 0.0
        above, below = np.maximum(amount - self.high, 0.0), np.maximum(self.low - amount, 0.0)
        soft_above, soft_below = np.isfinite(self.price_above), np.isfinite(self.price_below)
        return float(
            above[soft_above] @ self.price_above[soft_above] + below[soft_below] @ self.price_below[soft_below]
        )

    def excess(self, amount: Floats) -> Floats:
        """How far amounts (r,) are outside the intervals of hard rows; zero for others."""
        above = np.where(np.isinf(self.price_above), np.maximum(amount - self.high, 0.0), 0.0)
        below = np.where(np.isinf(self.price_below), np.maximum(self.low - amount, 0.0), 0.0)
        return np.asarray(above + below, dtype=np.float64)

    def followed_by(self, other: "Rows") -> "Rows":
        """These rows, then the others."""
        if not len(other):
            return self
        names = self.names + other.names
        mine, theirs = ([getattr(rows, name) for name in _ROW_ARRAYS] for rows in (self, other))
        return Rows(names, *(np.concatenate(pair) for pair in zip(mine, theirs, strict=True)))


_ROW_ARRAYS = ("start", "on_active", "on_sale", "on_purchase", "low", "high", "price_below", "price_above", "slack")


def no_rows(securities: int, lots: int) -> Rows:
    """No rows of an account of so many securities and lots."""
    none, by_security = np.zeros(0), np.zeros((0, securities))
    return Rows((), none, by_security, np.zeros((0, lots)), by_security, none, none, none, none, none)


FIXED = "FIXED"
"""The one regime of an account whose gains do not net: each lot at the rate of its own term, cheapest lots first."""


@dataclass(frozen=True, slots=True, eq=False)
class Regime:
    """One convex piece of the tax: the tax is the least of all regimes (docs/formulation.md, section Netting)."""

    name: str  # FIXED, or "LONG" and "SHORT"
    lot_tax: Floats  # (m,) what one unit sold costs in the objective at the regime's base rate
    rows: Rows  # netting rows of this regime, and its form of a tax budget; empty for FIXED
    constant: float  # so that the least of all regimes' taxes is zero when nothing is sold
    base: float = 0.0  # what a unit of gain costs in the objective at the base rate; FIXED has none

    def tax(self, lot_sells: Floats) -> float:
        """Tax cost of selling `lot_sells` (m,) in this regime, netting rows included."""
        amount = self.rows.start + self.rows.on_sale @ lot_sells
        return self.constant + float(self.lot_tax @ lot_sells) + self.rows.penalty(amount)


@dataclass(frozen=True, slots=True, eq=False)
class OptimizerData:
    """Everything that the specification, the bound and the rounding read."""

    securities: Securities
    lots: Lots
    cash: float
    cash_minimum: float  # hard for a trade list: reserve, withdrawals and the floor below which nothing is bought
    cash_required: float  # hard even for an empty trade list: reserve and withdrawals
    cash_target: float
    parameters: Parameters
    account_value: Decimal  # dollars
    taxable: bool
    rows: Rows  # of the whole account, in every regime
    regimes: tuple[Regime, ...]  # one, or two whose least is the tax
    tracking_limit: float | None = None  # most annualised tracking error, at the risk model's own specific risk; hard
    most_names: int | None = None  # most securities held
    yesterday: Floats | None = None  # (n,) yesterday's net trades, shares, positive bought; None: nothing is remembered

    @property
    def active(self) -> Floats:
        """Active weights before any trade, (n,)."""
        held = self.securities
        active: Floats = held.holding + held.away - held.target
        return active

    @property
    def tolerance(self) -> float:
        """Improvement below which nothing is traded; a list that was worth it yesterday stays so longer."""
        traded_yesterday = self.yesterday is not None and bool(self.yesterday.any())
        return self.parameters.tolerance - (WORTH_A_CHANGE if traded_yesterday else 0.0)

    @property
    def may_stand_still(self) -> bool:
        """True when an empty trade list breaks no hard rule."""
        held = self.securities
        demanded = held.sell_minimum.any() or held.buy_minimum.any() or self.rows.excess(self.rows.start).any()
        return self.cash >= self.cash_required and not demanded and not self._breaks_a_limit

    @property
    def _breaks_a_limit(self) -> bool:
        too_risky = (
            self.tracking_limit is not None and self.squared_tracking_error(self.active) > self.tracking_limit**2
        )
        return too_risky or (
            self.most_names is not None and int((self.securities.holding > self.crumb).sum()) > self.most_names
        )

    @property
    def crumb(self) -> Floats:
        """Weight of each security that counts as nothing: less than one unit that trades, (n,)."""
        return nothing(self.securities)

    def squared_tracking_error(self, active: Floats) -> float:
        """Annualised, of active weights (n,), at the risk model's own specific risk."""
        factor_active = self.securities.loadings.T @ active
        return float(
            factor_active @ factor_active + self.securities.specific_risk**2 @ self.securities.by_block(active) ** 2
        )

    def under(self, regime: Regime) -> "OptimizerData":
        """The convex problem of one regime: its netting rows among the account's, its taxes those of the lots.

        Its objective is nowhere below the account's, and the same where the regime is the cheapest.
        """
        if len(self.regimes) == 1 and not len(regime.rows) and regime.lot_tax is self.lots.tax:
            return self
        alone = replace(regime, rows=no_rows(len(self.securities.ids), len(self.lots.lots)))
        lots = self.lots if regime.lot_tax is self.lots.tax else replace(self.lots, tax=regime.lot_tax)
        return replace(self, lots=lots, rows=self.rows.followed_by(regime.rows), regimes=(alone,))


def nothing(held: Securities) -> Floats:
    """Weight of each security that counts as nothing: less than one unit that trades, (n,)."""
    unit: Floats = np.where(held.whole, held.share, held.share / FRACTION_UNITS) * (1 - 1e-6)
    return unit


def fill(security: Ints, limit: Floats, total: Floats) -> Floats:
    """Sales by lot, (m,), that reach `total`, (n,), by taking lots from the front of each security."""
    filled: Floats = np.clip(total[security] - cumulative_before(security, limit), 0.0, limit)
    return filled


def cumulative_before(security: Ints, amount: Floats) -> Floats:
    """Sum of `amount` over the lots that stand before each lot in its security, (m,)."""
    if len(amount) == 0:
        return np.zeros(0)
    running = np.cumsum(amount) - amount
    first = np.concatenate(([True], security[1:] != security[:-1]))
    before: Floats = running - running[np.flatnonzero(first)[np.cumsum(first) - 1]]
    return before
