"""A corporate action as a person enters it, for what a feed has not, or has wrong. Two persons agree on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from trimtab.domain.corporate_actions import ActionKind, ActionStatus
from trimtab.domain.corporate_actions_events import Treatment
from trimtab.domain.securities import SecurityId


@dataclass(frozen=True, slots=True)
class ReceivedTerms:
    """What holders receive of one security."""

    security_id: SecurityId
    new_shares: Decimal
    old_shares: Decimal
    fair_value: Decimal | None = None  # dollars a new share
    basis_percent: Decimal | None = None  # of the old shares' basis; counts only with the entry's basis_source
    fraction_price: Decimal | None = None  # dollars a new share, paid for the account's fraction; None keeps it


@dataclass(frozen=True, slots=True)
class EventEntry:
    """One version of an event. It stands before the feed's versions of the same event up to its own."""

    version: int
    kind: ActionKind
    security_id: SecurityId
    ex_on: date
    status: ActionStatus = ActionStatus.CONFIRMED
    mandatory: bool = True
    treatment: Treatment | None = None
    new_shares: Decimal | None = None  # of the security itself: splits and stock dividends
    old_shares: Decimal | None = None
    cash_per_share: Decimal | None = None  # dollars
    received: tuple[ReceivedTerms, ...] = ()
    basis_source: str = ""  # who says how basis is divided, and by which method
    pay_on: date | None = None  # when custodians book it; None: on the ex-date
    fraction_price: Decimal | None = None  # of a stock dividend
    new_names: Mapping[str, str] = field(default_factory=dict)  # from the ex-date on: cusip, isin, symbol

    def problem(self) -> str:
        """Why this is no event, in words; nothing when it is one."""
        percents = [each.basis_percent for each in self.received if each.basis_percent is not None]
        if percents and not self.basis_source.strip():
            return "a basis allocation needs its source"
        if any(percent < 0 for percent in percents) or sum(percents) > 100:
            return "the basis percentages are not between 0 and 100 together"
        shares = [(each.new_shares, each.old_shares) for each in self.received]
        if any(new <= 0 or old <= 0 for new, old in shares):
            return "shares received are above zero for shares above zero"
        if not self.new_names.keys() <= {"cusip", "isin", "symbol"}:
            return "new names are by cusip, isin and symbol"
        return "" if self.version > 0 else "the version is above zero"
