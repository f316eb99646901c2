"""Corporate actions beyond splits, as values: what the terms say, and what the tax treatment is (CA-0 to CA-3)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TypeAlias

from trimtab.domain.corporate_actions import ActionKind, CorporateAction
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lots import LotId
from trimtab.domain.securities import SecurityId


class PendingAllocation(TrimtabError):
    """Raised when a distribution's basis allocation is not there yet: holders wait (case 33)."""

    code = "CA_BASIS"


class ElectionPending(TrimtabError):
    """Raised when the account has not chosen among an event's options (case 34)."""

    code = "CA_ELECTION"


class TermsIncomplete(TrimtabError):
    """Raised when an event cannot be applied because a term that it needs is missing (case 32)."""

    code = "CA_INCOMPLETE"


class Treatment(StrEnum):
    """How the Internal Revenue Code treats what holders receive. The documents say it, never the terms alone."""

    TAX_FREE = "TAX_FREE"  # 305(a), 307, 355, 368: basis and dates carry over
    TAXABLE = "TAXABLE"  # 301 for a distribution, 1001 for an exchange: new basis, new date


@dataclass(frozen=True, slots=True)
class Allocation:
    """Basis between the shares kept and those received (IRC 358, 307): an input, never computed silently (CA-3)."""

    weights: Mapping[SecurityId, Decimal]  # relative fair market values, in any unit; the kept shares among them
    method: str  # "Form 8937", "closes of 2020-04-03"
    source: str  # who said so


@dataclass(frozen=True, slots=True)
class Received:
    """New shares for each old one. `price_of_fraction` is dollars a share; None keeps the fraction."""

    security_id: SecurityId
    ratio: Fraction
    price_of_fraction: Decimal | None = None
    fair_value: Decimal | None = None  # dollars a share on the day, where the treatment needs it


@dataclass(frozen=True, slots=True)
class Event:
    """What every event has. `effective_on`: lots and closes of earlier days are before it."""

    event_id: str
    version: int
    security_id: SecurityId
    effective_on: date


@dataclass(frozen=True, slots=True)
class StockDividend(Event):
    """DVSE, IRC 305(a): `additional` shares for each one held (ADEX); basis is spread, the old date stands."""

    additional: Fraction
    price_of_fraction: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ElectiveDividend(Event):
    """DVOP paid in stock, IRC 305(b): income at fair value, a new lot at that basis and date."""

    stock: Received


@dataclass(frozen=True, slots=True)
class Distribution(Event):
    """SOFF and another class's DVSE: shares of other securities; all children of one day together.

    TAX_FREE is IRC 355 (or 305(a) with 307) and needs `allocation`; TAXABLE is IRC 301 and needs fair values:
    `dividend_part` of the value is income, the rest a return of capital.
    """

    children: tuple[Received, ...]
    treatment: Treatment = Treatment.TAX_FREE
    allocation: Allocation | None = None
    dividend_part: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Merger(Event):
    """MRGR, REDM: every share becomes cash, stock or both.

    TAX_FREE with cash is a reorganisation with boot (IRC 356, 358); TAXABLE is a sale at cash plus fair value.
    """

    treatment: Treatment
    cash_per_share: Decimal = Decimal(0)
    stock: Received | None = None


@dataclass(frozen=True, slots=True)
class ReturnOfCapital(Event):
    """CAPD, IRC 301(c): lowers basis to zero lot by lot, the rest is gain."""

    cash_per_share: Decimal


@dataclass(frozen=True, slots=True)
class Tender(Event):
    """TEND accepted for cash: `tendered` shares by lot, of which `accepted` (the proration) are bought."""

    price: Decimal
    tendered: Mapping[LotId, Decimal] = field(default_factory=dict)
    accepted: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class RightsDistribution(Event):
    """RHDI, IRC 307(b): rights worth less than 15 % of the stock get no basis unless the holder elects it."""

    right: Received  # with its fair value
    stock_fair_value: Decimal  # dollars a share, ex rights
    elects_allocation: bool = False


@dataclass(frozen=True, slots=True)
class RightsExercise(Event):
    """EXRI: the rights in `security_id` become shares at `price` each."""

    stock_id: SecurityId
    shares_per_right: Fraction
    price: Decimal


@dataclass(frozen=True, slots=True)
class RightsLapse(Event):
    """The rights in `security_id` lapse: no loss, and their basis returns to the stock (Reg. 1.307-1)."""


@dataclass(frozen=True, slots=True)
class Worthless(Event):
    """WRTH, IRC 165(g): a loss as if sold for nothing on the last day of the tax year."""


@dataclass(frozen=True, slots=True)
class Unchanged(Event):
    """CHAN, DLST, BRUP: lots stay as they are; identifiers, models and tradability do not."""

    kind: ActionKind


AnyEvent: TypeAlias = (
    CorporateAction
    | StockDividend
    | ElectiveDividend
    | Distribution
    | Merger
    | ReturnOfCapital
    | Tender
    | RightsDistribution
    | RightsExercise
    | RightsLapse
    | Worthless
    | Unchanged
)


def effective_on(event: AnyEvent) -> date:
    """The day before which lots, closes, models and lists are from before the event."""
    return event.ex_on if isinstance(event, CorporateAction) else event.effective_on
