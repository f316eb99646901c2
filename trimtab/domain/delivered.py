"""What was delivered about one account, and about the market that all accounts share, as the checks see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from trimtab.domain.account_settings import AccountSettings
from trimtab.domain.accounts import Account, CashBalance
from trimtab.domain.data_codes import DataCode
from trimtab.domain.findings import Finding, FindingScope, Outcome
from trimtab.domain.lots import LotId
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.price_checks import MISSING_PRICE, JudgedPrice
from trimtab.domain.securities import Security, SecurityId


@dataclass(frozen=True, slots=True)
class DeliveredPosition:
    """A position as delivered. `security_id` is None while nobody knows the identifier `security_key`."""

    security_id: SecurityId | None
    security_key: str
    quantity: Decimal  # shares, negative when short
    market_value: Decimal  # dollars, the custodian's figure
    restricted: bool = False  # the custodian marks shares of it as pledged, legended or otherwise not for sale


@dataclass(frozen=True, slots=True)
class DeliveredLot:
    """A tax lot as delivered. `cost` is dollars for the whole lot, None when the custodian does not know it."""

    lot_id: LotId
    security_id: SecurityId | None
    security_key: str
    quantity: Decimal
    acquired_on: date
    cost: Decimal | None
    holding_start: date | None = None
    gift_or_inheritance: bool = False  # such a lot may have a cost of zero
    restricted: bool = False  # pledged or legended: never sold


@dataclass(frozen=True, slots=True)
class AccountHoldings:
    """All that was delivered about one account, as of the previous session, after corporate actions.

    `cash` is None when the account is in no row of the cash file; `model` is None when the account's model is
    not assigned or not published.
    """

    account: Account
    settings: AccountSettings
    model: ModelPortfolio | None
    positions: tuple[DeliveredPosition, ...]
    lots: tuple[DeliveredLot, ...]
    cash: CashBalance | None


@dataclass(frozen=True, slots=True)
class MarketFacts:
    """What all accounts of the run share. A security without an entry in `prices` has no price."""

    as_of: date  # the session before the business date
    securities: Mapping[SecurityId, Security]
    prices: Mapping[SecurityId, JudgedPrice]
    risk_covered: frozenset[SecurityId]  # securities with exposures in the risk model
    duplicate_lots: frozenset[LotId] = frozenset()  # lot ids delivered for more than one account
    missing_accounts: frozenset[str] = field(default_factory=frozenset)  # on the roster, not in the holdings file
    value_jumps: Mapping[str, str] = field(default_factory=dict)  # account id to how its value jumped, in words
    missing_deposits: Mapping[str, str] = field(default_factory=dict)  # account id to what has not come, in words
    incomplete: Mapping[SecurityId, str] = field(default_factory=dict)  # never bought: what each lacks
    oldest_nav: date | None = None  # a fund's net asset value of before this session is old (case 16)
    judged_models: dict[int, object] = field(default_factory=dict, init=False, compare=False, repr=False)
    """What was found about each model once, by the identity of its value: thousands of accounts follow one."""

    def price(self, security_id: SecurityId) -> JudgedPrice:
        return self.prices.get(security_id, MISSING_PRICE)


def suspend(account: Account, code: DataCode, message: str) -> Finding:
    return of_account(account, code, message, Outcome.SUSPEND)


def of_account(account: Account, code: DataCode, message: str, outcome: Outcome) -> Finding:
    return Finding(code, FindingScope.ACCOUNT, account.id, message, outcome)


def of_security(security_id: SecurityId, code: DataCode, message: str, outcome: Outcome) -> Finding:
    return Finding(code, FindingScope.SECURITY, security_id, message, outcome)
