"""Tax lots and holding periods (TL-1 to TL-4)."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import NewType

from trimtab.domain.accounts import AccountId
from trimtab.domain.securities import SecurityId

LotId = NewType("LotId", str)


class HoldingPeriod(StrEnum):
    SHORT_TERM = "SHORT_TERM"
    LONG_TERM = "LONG_TERM"


@dataclass(frozen=True, slots=True)
class TaxLot:
    """Shares of one security bought together (TL-1)."""

    id: LotId
    account_id: AccountId
    security_id: SecurityId
    quantity: Decimal  # shares, above zero
    acquired_on: date  # the real trade date
    cost: Decimal  # dollars for the whole lot: commission and wash adjustment included
    holding_start: date | None = None  # the tax date after tacking; None means acquired_on
    wash_adjustment: Decimal = Decimal(0)  # dollars of disallowed loss contained in cost (WS-5)
    purchase_id: str = ""  # the order that bought it: lots of one purchase never wash each other (WS-4)
    covered: bool = True  # the broker reports its basis (TL-10)

    @property
    def unit_cost(self) -> Decimal:
        """Dollars per share."""
        return self.cost / self.quantity

    @property
    def original_cost(self) -> Decimal:
        """What was paid, without wash adjustments."""
        return self.cost - self.wash_adjustment

    @property
    def holding_from(self) -> date:
        return self.holding_start or self.acquired_on


@lru_cache(maxsize=20_000)  # an account asks for each lot, and its lots were bought on few days
def first_long_term_sale_date(held_from: date) -> date:
    """The first day on which a sale is long-term: held MORE than one year (IRC 1222; Rev. Rul. 66-7).

    Counting starts the day after the purchase; a lot bought on a month's last day becomes long-term on
    the first day of the thirteenth month. 2023-02-28 gives 2024-03-01, 2023-02-15 gives 2024-02-16,
    2024-02-28 gives 2025-03-01.
    """
    last_day = monthrange(held_from.year, held_from.month)[1]
    if held_from.day == last_day:
        year, month = divmod(held_from.year * 12 + held_from.month + 12, 12)
        return date(year, month + 1, 1)
    return date(held_from.year + 1, held_from.month, held_from.day) + timedelta(days=1)


def holding_period(lot: TaxLot, sold_on: date) -> HoldingPeriod:
    """Whether a sale of `lot` traded on `sold_on` is short- or long-term (TL-3). Trade dates, never settlement."""
    if sold_on >= first_long_term_sale_date(lot.holding_from):
        return HoldingPeriod.LONG_TERM
    return HoldingPeriod.SHORT_TERM
