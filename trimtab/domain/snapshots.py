"""The frozen inputs of one account's analysis. Two equal snapshots give the same proposal."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.accounts import Account, CashBalance, Position
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
