"""A provider's bill for a month: lines that sum to what was accrued, to the cent (M1d).

Accruals and lines are never rewritten: what turns out to be wrong is put right by a further line with its reason.
"""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from trimtab.domain.errors import TrimtabError
from trimtab.domain.hub.contracts import ProviderContract
from trimtab.domain.money import CENT, ZERO, split_exactly, to_cents


class LineKind(StrEnum):
    ASSETS = "ASSETS"  # one account's share of what a model has accrued
    MINIMUM = "MINIMUM"  # what the month's accruals fall short of the contract's minimum
    ADJUSTMENT = "ADJUSTMENT"  # entered by a person


class StatementStatus(StrEnum):
    DRAFT = "DRAFT"
    FINAL = "FINAL"
    REJECTED = "REJECTED"


class MonthOpen(TrimtabError):
    """The month cannot be billed: days of it are not accrued, or the contract was not in force in it."""

    code = "MONTH_OPEN"


@dataclass(frozen=True, slots=True)
class AccountMonth:
    """An account's part in a model's month. `share` is dollars, unrounded; `days` those on which it had assets."""

    model_id: str
    account_id: str
    days: int
    asset_days: Decimal  # dollars times days
    share: Decimal


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of a statement. `amount` is dollars and cents, negative for a credit."""

    kind: LineKind
    amount: Decimal
    model_id: str | None = None
    account_id: str | None = None
    days: int | None = None
    average_assets: Decimal | None = None  # dollars, over the month's days in force
    reason: str = ""
    entered_by: str = "trimtab"


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month."""

    year: int
    month: int

    @classmethod
    def of(cls, text: str) -> "Month":
        """From YYYY-MM. Raises MonthOpen for anything else."""
        try:
            first = date.fromisoformat(f"{text}-01")
        except ValueError:
            raise MonthOpen(f"{text!r} is no month: write it as 2026-03") from None
        return cls(first.year, first.month)

    @property
    def first(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def last(self) -> date:
        return self.first.replace(day=self.length)

    @property
    def length(self) -> int:
        return monthrange(self.year, self.month)[1]

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


def asset_lines(parts: Sequence[AccountMonth], accrued: Decimal, days_in_force: int) -> list[StatementLine]:
    """A line for each account and model; they sum to `accrued` rounded half-even to the cent.

    Each is the account's share rounded down, and the cents that are left go to the largest remainders.
    """
    total = to_cents(accrued)
    shares = [part.share for part in parts]
    amounts = split_exactly(total, shares, CENT) if sum(shares, ZERO) > 0 else [ZERO] * len(parts)
    return [
        StatementLine(
            LineKind.ASSETS,
            amount,
            part.model_id,
            part.account_id,
            part.days,
            to_cents(part.asset_days / days_in_force),
        )
        for part, amount in zip(parts, amounts, strict=True)
    ]


def minimum_line(
    contract: ProviderContract, month: Month, accrued: Decimal, days_in_force: int
) -> StatementLine | None:
    """What the accruals fall short of the month's minimum, prorated by the days in force; None when nothing."""
    least = to_cents(contract.minimum * days_in_force / month.length)
    short = least - to_cents(accrued)
    if short <= 0:
        return None
    reason = f"minimum of {least} for {days_in_force} of {month.length} days; {to_cents(accrued)} accrued"
    return StatementLine(LineKind.MINIMUM, short, days=days_in_force, reason=reason)


def total_of(lines: Sequence[StatementLine]) -> Decimal:
    return sum((line.amount for line in lines), ZERO)
