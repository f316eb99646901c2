"""The frozen inputs of one account's analysis. Two equal snapshots give the same proposal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.accounts import Account, CashBalance, Position
from trimtab.domain.calibration import SHIPPED, Calibration
from trimtab.domain.lots import TaxLot
from trimtab.domain.market import Price, RiskModel
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.securities import Security, SecurityId


@dataclass(frozen=True, slots=True)
class WashWindow:
    """One side of the 61-day window that is open for the account's tax household on the business date."""

    wash_key: str  # `Security.wash_key`
    opened_on: date  # trade date of the sale at a loss, or of the purchase
    last_day: date  # the window's last calendar day, opened_on + 30
    quantity: Decimal  # shares sold at a loss, or bought
    account_id: str  # which member of the household opened it
    purchase_id: str = ""  # of a purchase: selling shares of that same purchase is no wash (WS-4, RR 56-602)


@dataclass(frozen=True, slots=True)
class WashWindows:
    """`loss_sales` bar buys of their wash key; `purchases` void losses on sales of theirs (WS-1, WS-12)."""

    loss_sales: tuple[WashWindow, ...] = ()
    purchases: tuple[WashWindow, ...] = ()

    def buy_blocked(self) -> frozenset[str]:
        """Wash keys that must not be bought today."""
        return frozenset(window.wash_key for window in self.loss_sales)


@dataclass(frozen=True, slots=True)
class TaxYear:
    """What the taxpayer has realised this year before today, and what a net loss is worth (IRC 1211(b), 1212(b)).

    Dollars. An account's snapshot carries its own share when several accounts of one taxpayer are analysed on one day.
    """

    short_term_realised: Decimal = Decimal(0)  # net, negative for a loss; without what was carried in
    long_term_realised: Decimal = Decimal(0)
    short_term_carried: Decimal = Decimal(0)  # losses carried in, zero or more
    long_term_carried: Decimal = Decimal(0)
    ordinary_rate: Decimal = Decimal("0.35")  # what a dollar of the deduction against ordinary income saves
    deduction_limit: Decimal = Decimal(3000)  # most net loss deducted in a year; 1,500 when married filing separately
    carried_loss_value: Decimal = Decimal("0.10")  # what a dollar of loss carried to later years is worth today


@dataclass(frozen=True, slots=True)
class HeldAway:
    """A position at another custodian: it shapes risk and counts towards the target, and cannot be traded."""

    security_id: SecurityId
    market_value: Decimal  # dollars


@dataclass(frozen=True, slots=True)
class Incumbent:
    """What the last analysis of the account came to; today's starts from it, so that proposals stay calm."""

    net_trades: Mapping[SecurityId, Decimal]  # shares, positive bought: sides are kept unless a change gains more
    prices: tuple[float, ...] = ()  # of the last answer's factors, in the order of the risk model, then of cash
    row_prices: Mapping[str, float] = field(default_factory=dict)  # of rules on the whole account, by the row's name


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """What one account is and wants on the business date. Lots, positions and model are after corporate actions."""

    business_date: date  # the session on which orders may trade
    as_of: date  # the session before it: holdings and closes are of that day
    account: Account
    positions: tuple[Position, ...]
    lots: tuple[TaxLot, ...]
    cash: CashBalance
    settings: AccountSettings
    wash_windows: WashWindows
    frozen: Mapping[SecurityId, str]  # securities that must not trade today, with the reason code
    tax_year: TaxYear | None = None  # None: each lot is taxed at the rate of its own term, nothing nets
    held_away: tuple[HeldAway, ...] = ()
    incumbent: Incumbent | None = None


@dataclass(frozen=True, slots=True)
class MarketSnapshot:
    """What every account of a run shares."""

    as_of: date
    securities: Mapping[SecurityId, Security]
    prices: Mapping[SecurityId, Price]
    risk_model: RiskModel


@dataclass(frozen=True, slots=True)
class AnalysisInput:
    """Everything that the optimizer reads, and nothing else."""

    snapshot: AccountSnapshot
    target: ModelPortfolio
    market: MarketSnapshot
    calibration: Calibration = SHIPPED  # what the words of the settings stand for
