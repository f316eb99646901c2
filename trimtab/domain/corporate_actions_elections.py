"""What an account chose among an event's options, as its custodian confirmed it. Two persons agree on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from trimtab.domain.lots import LotId


class Choice(StrEnum):
    CASH = "CASH"
    STOCK = "STOCK"
    TENDER = "TENDER"
    EXERCISE = "EXERCISE"
    LAPSE = "LAPSE"
    DECLINE = "DECLINE"  # the shares stay as they are


@dataclass(frozen=True, slots=True)
class AccountElection:
    """One account's choice. What it is paid after proration is an input of its own, never computed (CA-5, 10)."""

    choice: Choice
    tendered: Mapping[LotId, Decimal] = field(default_factory=dict)  # shares by lot; empty: all of them
    accepted: Decimal = Decimal(1)  # the part of the shares tendered that is bought
    cash_per_share: Decimal | None = None  # dollars an old share; None: the event's own
    new_shares: Decimal | None = None  # for `old_shares`; None: the event's own
    old_shares: Decimal | None = None

    def problem(self) -> str:
        """Why this is no choice, in words; nothing when it is one."""
        if not 0 <= self.accepted <= 1:
            return "the part accepted is between 0 and 1"
        if any(quantity <= 0 for quantity in self.tendered.values()):
            return "the shares tendered of a lot are above zero"
        given = [each for each in (self.new_shares, self.old_shares) if each is not None]
        if len(given) == 1 or any(each <= 0 for each in given):
            return "shares received are above zero for shares above zero"
        return "" if self.cash_per_share is None or self.cash_per_share >= 0 else "cash a share is not negative"
