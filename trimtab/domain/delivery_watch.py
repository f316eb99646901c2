"""Where an awaited delivery stands on the market clock, and what waits on it (H2, H3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from trimtab.domain.errors import TrimtabError


class WrongDeadlines(TrimtabError):
    """Raised for deadlines that are naive or out of order."""

    code = "WRONG_DEADLINES"


class Standing(StrEnum):
    """How long a delivery that has not come is awaited, in the order of the night."""

    EXPECTED = "EXPECTED"  # not due yet
    DUE = "DUE"  # due, and within its grace
    LATE = "LATE"  # the source's people are to be asked
    URGENT = "URGENT"  # the cut-off is near: the firm's people are to decide
    MISSING = "MISSING"  # the cut-off has passed: its accounts do not trade today

    @property
    def escalated(self) -> bool:
        """Whether somebody was told."""
        return self in (Standing.LATE, Standing.URGENT, Standing.MISSING)


@dataclass(frozen=True, slots=True)
class Deadlines:
    """When a delivery is due, late, urgent, and given up for the day. Raises WrongDeadlines."""

    due_at: datetime
    late_at: datetime
    urgent_at: datetime
    missing_at: datetime  # the cut-off

    def __post_init__(self) -> None:
        instants = (self.due_at, self.late_at, self.urgent_at, self.missing_at)
        if any(at.tzinfo is None for at in instants):
            raise WrongDeadlines("deadlines are instants with a time zone")
        if list(instants) != sorted(instants):
            raise WrongDeadlines("a delivery is due before it is late, late before urgent, urgent before missing")

    def standing(self, now: datetime) -> Standing:
        """Where a delivery that has not come stands at `now`; an instant belongs to what begins with it."""
        if now >= self.missing_at:
            return Standing.MISSING
        if now >= self.urgent_at:
            return Standing.URGENT
        if now >= self.late_at:
            return Standing.LATE
        return Standing.DUE if now >= self.due_at else Standing.EXPECTED


WAITS: Final[Mapping[str, str]] = {
    "securities": "every security's identifiers and class: prices, holdings and models cannot be told apart without",
    "accounts": "the roster and every account's profile",
    "restrictions": "what accounts must not buy, sell or hold",
    "restriction_lists": "names that nobody, or nobody who screens by their list, may buy",
    "cash_needs": "cash that accounts must raise",
    "corporate_actions": "lots, prices and models on the right side of the day's events",
    "prices": "the value of every holding, and every trade",
    "risk_covariance": "the risk model: tracking error of every account",
    "risk_exposures": "the risk model: tracking error of every account",
    "models": "the targets of the accounts that follow a model",
    "positions": "the holdings of every account",
    "lots": "tax lots: gains, losses and wash sales of every account",
    "cash": "what every account may spend",
    "sales": "wash sale windows of every household",
    "transactions": "nothing: what the custodian booked is kept for comparison",
}
"""What a run cannot do without the kind, by kind."""
