"""What the firm, the advisor and the client want of one account, in their own terms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from trimtab.domain.records import LEFT_OUT_WHEN_EMPTY
from trimtab.domain.securities import SecurityId, SecurityKind


class Tracking(StrEnum):
    """How closely the account is to follow its target."""

    TIGHT = "TIGHT"
    MODERATE = "MODERATE"
    LOOSE = "LOOSE"


class TaxSensitivity(StrEnum):
    """How much of a gain's tax counts against a trade."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class Harvesting(StrEnum):
    """How eagerly losses are realised."""

    OFF = "OFF"
    OPPORTUNISTIC = "OPPORTUNISTIC"
    AGGRESSIVE = "AGGRESSIVE"


class RestrictionKind(StrEnum):
    NEVER_BUY = "NEVER_BUY"
    NEVER_SELL = "NEVER_SELL"
    NEVER_HOLD = "NEVER_HOLD"  # never bought, and sold when held
    NEVER_TRADE = "NEVER_TRADE"  # neither bought nor sold


@dataclass(frozen=True, slots=True)
class Restriction:
    kind: RestrictionKind
    security_id: SecurityId
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WeightBand:
    """Smallest and largest weight of one security, fractions of account value."""

    minimum: Decimal = Decimal(0)
    maximum: Decimal = Decimal(1)


class GroupKind(StrEnum):
    """What a `GroupBand` groups securities by."""

    ASSET_CLASS = "ASSET_CLASS"
    SECTOR = "SECTOR"


@dataclass(frozen=True, slots=True)
class GroupBand:
    """Smallest and largest weight of one asset class or sector, fractions of account value."""

    kind: GroupKind
    name: str  # as the security master spells it
    minimum: Decimal = Decimal(0)
    maximum: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class HarvestSeason:
    """The loss, a fraction of basis, from which a lot is worth harvesting: from January to December it falls (X5)."""

    in_january: Decimal = Decimal("0.20")
    in_december: Decimal = Decimal("0.05")


@dataclass(frozen=True, slots=True)
class ForcedHarvest:
    """Losses to be realised on purpose (X4): until the date no net gain is realised either; a shortfall is noted."""

    losses: Decimal  # dollars, above zero: how far the year's net realised gain is to fall below zero
    preserve_until: date
    short_term_only: bool = False


@dataclass(frozen=True, slots=True)
class CashNeed:
    """Money that leaves the account: it must be there, settled, on `due_on`."""

    amount: Decimal  # dollars, above zero
    due_on: date


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """The settings of one account on one day. Rates and weights are fractions, money is dollars."""

    tracking: Tracking = Tracking.MODERATE
    tax_sensitivity: TaxSensitivity = TaxSensitivity.MEDIUM
    harvesting: Harvesting = Harvesting.OPPORTUNISTIC
    short_term_rate: Decimal = Decimal("0.35")
    long_term_rate: Decimal = Decimal("0.20")
    cash_target: Decimal = Decimal("0.01")  # desired cash weight
    cash_reserve: Decimal = Decimal(0)  # dollars that must not be invested
    cash_needs: tuple[CashNeed, ...] = ()
    minimum_trade: Decimal = Decimal(250)  # dollars: no smaller trade, unless it closes a position
    commission: Decimal = Decimal(0)  # dollars an order, of kinds that have no price of their own
    commission_by_kind: Mapping[SecurityKind, Decimal] = field(default_factory=dict, metadata=LEFT_OUT_WHEN_EMPTY)
    restrictions: tuple[Restriction, ...] = ()
    weight_bands: Mapping[SecurityId, WeightBand] = field(default_factory=dict)
    group_bands: tuple[GroupBand, ...] = ()
    tilts: Mapping[SecurityId, Decimal] = field(default_factory=dict)  # expected excess return a year, a fraction
    turnover_limit: Decimal | None = None  # of one rebalance, one-way, a fraction of account value
    tracking_error_limit: Decimal | None = None  # annualised, a fraction; never exceeded for any tax preference (X14)
    gain_budget: Decimal | None = None  # dollars of net gain that one rebalance may still realise
    short_term_gain_budget: Decimal | None = None  # the same of net short-term gain
    tax_budget: Decimal | None = None  # dollars of tax, not gain, that one rebalance may still cause (X3)
    harvest_season: HarvestSeason | None = None  # None: the threshold of the harvesting style all year
    forced_harvest: ForcedHarvest | None = None
    minimum_holding: Decimal = Decimal(0)  # dollars: no smaller position is left by a trade, unless it is nothing
    maximum_names: int | None = None  # most securities held after a rebalance
    minimum_holding_days: int = 0  # lots younger than this are not sold

    def commission_of(self, kind: SecurityKind | None) -> Decimal:
        """Dollars of one order of a security of the kind; None is a security that nobody knows the kind of."""
        return self.commission if kind is None else self.commission_by_kind.get(kind, self.commission)

    @property
    def dearest_commission(self) -> Decimal:
        """Dollars of one order of the dearest kind of security."""
        return max(map(self.commission_of, SecurityKind))

    def restricted(self, kind: RestrictionKind) -> frozenset[SecurityId]:
        return frozenset(rule.security_id for rule in self.restrictions if rule.kind is kind)

    @property
    def never_bought(self) -> frozenset[SecurityId]:
        """Names that no rule of the account allows to be bought."""
        kinds = (RestrictionKind.NEVER_BUY, RestrictionKind.NEVER_HOLD, RestrictionKind.NEVER_TRADE)
        return frozenset().union(*map(self.restricted, kinds))

    @property
    def never_sold(self) -> frozenset[SecurityId]:
        """Names that must not be sold, whatever else is asked of them."""
        return self.restricted(RestrictionKind.NEVER_SELL) | self.restricted(RestrictionKind.NEVER_TRADE)

    @property
    def cash_needed(self) -> Decimal:
        """Dollars of all announced withdrawals."""
        return sum((need.amount for need in self.cash_needs), Decimal(0))
