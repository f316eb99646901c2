"""Accounts, households and what an account holds."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NewType

from trimtab.domain.securities import SecurityId

FirmId = NewType("FirmId", str)
AccountId = NewType("AccountId", str)
HouseholdId = NewType("HouseholdId", str)
PersonId = NewType("PersonId", str)
ModelId = NewType("ModelId", str)


class Registration(StrEnum):
    INDIVIDUAL = "INDIVIDUAL"
    JOINT = "JOINT"
    TRUST = "TRUST"
    TRADITIONAL_IRA = "TRADITIONAL_IRA"
    ROTH_IRA = "ROTH_IRA"


class TaxStatus(StrEnum):
    """Only TAXABLE lots carry tax cost (TL-14)."""

    TAXABLE = "TAXABLE"
    TAX_DEFERRED = "TAX_DEFERRED"
    TAX_FREE = "TAX_FREE"


class Standing(StrEnum):
    OPEN = "OPEN"
    CLOSING = "CLOSING"
    CLOSED = "CLOSED"


_TAX_STATUS = {
    Registration.TRADITIONAL_IRA: TaxStatus.TAX_DEFERRED,
    Registration.ROTH_IRA: TaxStatus.TAX_FREE,
}


@dataclass(frozen=True, slots=True)
class Account:
    """A custodial account with one tax treatment."""

    id: AccountId
    household_id: HouseholdId
    advisor_id: PersonId
    programme: str
    registration: Registration
    model_id: ModelId | None
    discretionary: bool = True  # False: never traded without the client's consent (D15)
    standing: Standing = Standing.OPEN
    approved_for_trading: bool = True  # D18
    tier: str = "STANDARD"

    @property
    def tax_status(self) -> TaxStatus:
        return _TAX_STATUS.get(self.registration, TaxStatus.TAXABLE)


@dataclass(frozen=True, slots=True)
class Position:
    """What the custodian says an account holds of one security."""

    security_id: SecurityId
    quantity: Decimal  # shares; negative is a short position, refused in a long-only account
    market_value: Decimal  # dollars, as the custodian states it


@dataclass(frozen=True, slots=True)
class CashBalance:
    """Dollars. `unsettled` is proceeds of sales that have not settled (positive) or purchases (negative)."""

    settled: Decimal
    unsettled: Decimal = Decimal(0)

    @property
    def trade_date_total(self) -> Decimal:
        return self.settled + self.unsettled
