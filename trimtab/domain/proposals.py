"""What an analysis proposes, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from trimtab.domain.lots import HoldingPeriod, LotId
from trimtab.domain.orders import Side
from trimtab.domain.securities import SecurityId


class AnalysisOutcome(StrEnum):
    OPTIMAL = "OPTIMAL"  # trades are proposed
    NO_TRADE = "NO_TRADE"  # nothing is worth trading; the gap certifies it
    CONFLICT = "CONFLICT"  # the account's rules contradict each other
    SOLVER_FAILED = "SOLVER_FAILED"


class ReasonCode(StrEnum):
    """Why a trade is proposed (RP-6)."""

    CASH_NEED = "CASH_NEED"
    CASH_EXCESS = "CASH_EXCESS"
    DRIFT = "DRIFT"
    RISK = "RISK"  # hedges a factor exposure that cannot be traded away directly
    RESTRICTION = "RESTRICTION"
    LOSS_HARVEST = "LOSS_HARVEST"
    REPLACEMENT = "REPLACEMENT"  # keeps exposure while a sold name may not be bought
    SUBSTITUTE_BACK = "SUBSTITUTE_BACK"  # either leg of going back from a substitute to the name of the model
    MODEL_CHANGE = "MODEL_CHANGE"  # drift from a version of the model that holds from the business date
    TRANSITION = "TRANSITION"  # sells what is not in the model
    TILT = "TILT"  # towards what is expected to return more
    MINIMUM_HOLDING = "MINIMUM_HOLDING"  # a position at its target would be too small
    LOCATION = "LOCATION"  # of a household: in this account rather than in another, where holding it costs more


class WhyNotCode(StrEnum):
    """Why a trade that drift or a loss suggests is not proposed (N4)."""

    NEVER_BUY = "NEVER_BUY"
    NEVER_SELL = "NEVER_SELL"
    WASH_SALE_WINDOW = "WASH_SALE_WINDOW"
    TAX_COST = "TAX_COST"
    MINIMUM_TRADE = "MINIMUM_TRADE"
    MINIMUM_HOLDING = "MINIMUM_HOLDING"  # it would leave a position that is too small
    ROUND_LOT = "ROUND_LOT"  # it would be less than a round lot
    HOLDING_PERIOD = "HOLDING_PERIOD"  # the account's lots are too young
    REDEMPTION_WINDOW = "REDEMPTION_WINDOW"  # the fund's lots are too young
    WEIGHT_BAND = "WEIGHT_BAND"  # the smallest or largest weight of the name itself
    GROUP_BAND = "GROUP_BAND"  # of its asset class or sector
    TURNOVER_LIMIT = "TURNOVER_LIMIT"
    TRACKING_ERROR_LIMIT = "TRACKING_ERROR_LIMIT"
    GAIN_BUDGET = "GAIN_BUDGET"
    TAX_BUDGET = "TAX_BUDGET"
    MAXIMUM_NAMES = "MAXIMUM_NAMES"
    CASH_MINIMUM = "CASH_MINIMUM"  # there is no cash for it, and selling others for it costs more than it gains
    FROZEN = "FROZEN"
    NO_PRICE = "NO_PRICE"
    WITHIN_TOLERANCE = "WITHIN_TOLERANCE"


@dataclass(frozen=True, slots=True)
class LotSale:
    """Shares of one lot to be sold. `gain` is negative for a loss; dollars."""

    lot_id: LotId
    quantity: Decimal
    proceeds: Decimal
    basis: Decimal
    gain: Decimal
    term: HoldingPeriod


@dataclass(frozen=True, slots=True)
class Reason:
    code: ReasonCode
    sentence: str  # plain English, with its figures
    counts_bps: Decimal = Decimal(0)  # what the sentence's part counts, bp of account value; above zero improves it
    counts: Decimal = Decimal(0)  # the same in dollars


@dataclass(frozen=True, slots=True)
class ProposedTrade:
    """One leg. Quantity is positive for buys and for sells; `lot_sales` sum to it on a sale, and are empty on a buy."""

    security_id: SecurityId
    side: Side
    quantity: Decimal
    price: Decimal  # the close that the analysis used, dollars a share
    notional: Decimal  # quantity x price, dollars
    lot_sales: tuple[LotSale, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class WhyNot:
    security_id: SecurityId
    code: WhyNotCode
    sentence: str


@dataclass(frozen=True, slots=True)
class Measures:
    """One account before or after the trades. Weights and risk are fractions of account value."""

    account_value: Decimal
    cash: Decimal  # dollars, trade date
    max_drift: Decimal  # largest |weight - target|
    active_share: Decimal  # half the sum of |weight - target|
    tracking_error: Decimal  # annualised


class Lane(StrEnum):
    """Who answered: the batched dual method, the interior-point solver, or nobody was needed."""

    SCREEN = "SCREEN"
    FAST = "FAST"
    CLARABEL = "CLARABEL"


class Rung(StrEnum):
    """How much of the problem was answered when time ran short (N12)."""

    FULL = "FULL"
    REDUCED = "REDUCED"  # without whole-share improvement and branch search beyond the first sides
    MINIMUM = "MINIMUM"  # only what the account's rules demand
    HOLD = "HOLD"  # nothing, with the reason


@dataclass(frozen=True, slots=True)
class RegimePrices:
    """The prices of one tax regime: no trade list that is taxed in it has an objective below its bound at them."""

    factor: tuple[float, ...]  # (k,)
    cash: float
    rows: Mapping[str, float]  # of the account's rows, by name
    own_rows: Mapping[str, float]  # of the regime's netting rows, by name
    cap: float  # of squared tracking error above its limit
    names: float  # of one name above the most that may be held


@dataclass(frozen=True, slots=True)
class SideProof:
    """Further prices of one regime, where no single ones prove enough on every pattern of sides of some wash keys.

    A key is sold at a loss or bought, never both on one day, and at any prices the bound can be told for each pattern
    of sides. What is proved is the least, over all patterns, of the highest bound that any of the prices has on it.
    """

    keys: tuple[SecurityId, ...]  # one security of each wash key whose sides are told apart
    prices: tuple[RegimePrices, ...]


@dataclass(frozen=True, slots=True)
class Certificate:
    """Prices at which anybody can compute the bound that the gap is measured against (weak duality).

    Pure numbers per unit of account value, so floats. The bound is the least of the bounds of all regimes, each at its
    own prices, `by_regime`; the fields above that hold those of the regime with the lowest. Where wash sales leave
    sides in doubt, `sides` has further prices of a regime. `bound_bps` is the lower bound on the objective of every
    allowed trade list that they prove together, `objective_bps` the objective of this proposal; the gap is their
    difference.
    """

    factor: tuple[float, ...]  # (k,)
    cash: float
    rows: Mapping[str, float]  # by the row's name
    regime: Mapping[str, Mapping[str, float]]  # by the regime's name: prices of its own rows
    cap: float  # price of squared tracking error above its limit
    bound_bps: Decimal
    objective_bps: Decimal
    by_regime: Mapping[str, RegimePrices] = field(default_factory=dict)
    sides: Mapping[str, SideProof] = field(default_factory=dict)  # by regime, where there are any


@dataclass(frozen=True, slots=True)
class RebalanceProposal:
    """Trades suggested for one account and business date. Immutable; its content hash is what is approved."""

    account_id: str
    business_date: date
    input_hash: str
    outcome: AnalysisOutcome
    trades: tuple[ProposedTrade, ...]
    why_nots: tuple[WhyNot, ...]
    before: Measures
    after: Measures
    short_term_gain: Decimal  # dollars realised net, negative for a loss
    long_term_gain: Decimal
    tax: Decimal  # dollars at the account's rates; negative is tax saved
    cost: Decimal  # dollars of spread and commission
    turnover: Decimal  # one-way: half the l1 norm of trades over account value
    benefit_bps: Decimal  # improvement of the objective over trading nothing, bp of account value
    gap_bps: Decimal  # certified distance to the best possible trade list, bp of account value
    score: Decimal  # benefit over tax paid and cost
    note: str = ""  # for CONFLICT and SOLVER_FAILED: what clashes, in the user's words
    certificate: Certificate | None = None  # None for CONFLICT and SOLVER_FAILED
    lane: Lane = Lane.CLARABEL
    rung: Rung = Rung.FULL

    @property
    def is_empty(self) -> bool:
        return not self.trades
