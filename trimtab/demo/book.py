"""What a custodian keeps of a firm's accounts at the end of a day."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from trimtab.domain.accounts import AccountId, CashBalance
from trimtab.domain.lots import TaxLot
from trimtab.domain.securities import SecurityId


@dataclass(frozen=True, slots=True)
class Holding:
    account_id: AccountId
    security_id: SecurityId
    quantity: Decimal  # shares


@dataclass(frozen=True, slots=True)
class Sale:
    """A past sale: what wash sale windows are judged by."""

    account_id: AccountId
    security_id: SecurityId
    sold_on: date
    quantity: Decimal  # shares, above zero
    proceeds: Decimal  # dollars, net
    basis: Decimal  # dollars: proceeds below it are a loss


@dataclass(frozen=True, slots=True)
class Book:
    """Holdings, lots, cash and recent sales of all accounts. An account in none of the first three is not in it."""

    holdings: tuple[Holding, ...] = ()
    lots: tuple[TaxLot, ...] = ()
    cash: Mapping[AccountId, CashBalance] = field(default_factory=dict)
    sales: tuple[Sale, ...] = ()
