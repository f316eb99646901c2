"""A statement: a provider's bill for one month, drafted by one person and final when another has approved it."""

from dataclasses import dataclass, replace
from decimal import Decimal

from trimtab.domain.hub.billing import StatementStatus


@dataclass(frozen=True, slots=True)
class Statement:
    """What a statement says apart from its lines. Amounts are dollars; lines sum to `total`."""

    id: str
    provider_id: str
    month: str  # YYYY-MM
    number: int  # of the month: one that was rejected is followed by another
    days_in_force: int
    accrued: Decimal  # the month's accruals to six places; lines of kind ASSETS sum to them in cents
    total: Decimal
    lines: int
    drafted_by: tuple[str, ...]
    adjusted_by: tuple[str, ...] = ()
    status: StatementStatus = StatementStatus.DRAFT
    decided_by: str | None = None
    decision_reason: str = ""

    @property
    def proposed_by(self) -> tuple[str, ...]:
        """Everybody who stands behind its amounts: none of them may approve it."""
        return tuple(sorted({*self.drafted_by, *self.adjusted_by}))

    def adjusted(self, amount: Decimal, persons: tuple[str, ...]) -> "Statement":
        behind = tuple(sorted({*self.adjusted_by, *persons}))
        return replace(self, total=self.total + amount, lines=self.lines + 1, adjusted_by=behind)
