"""One account's list on its way into a proposal: its trades as weights, and what is said of it."""

from dataclasses import dataclass

from trimtab.domain.optimizer.arrays import Floats
from trimtab.domain.optimizer.booking import Booked
from trimtab.domain.proposals import Certificate, Lane, Measures, ProposedTrade


@dataclass(frozen=True, slots=True, eq=False)
class ListInShares:
    """Booked trades as weights, and what they are worth as fractions of account value."""

    booked: Booked
    lot_sells: Floats  # (m,)
    buys: Floats  # (n,)
    benefit: float
    gap: float
    certificate: Certificate | None = None
    lane: Lane = Lane.CLARABEL


@dataclass(frozen=True, slots=True)
class ListTold:
    """What is said of a list."""

    trades: tuple[ProposedTrade, ...]  # with their reasons
    before: Measures
    after: Measures
    score: float
    note: str = ""
