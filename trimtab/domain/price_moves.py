"""Closes that moved as prices seldom do, and what a second source says about them (cases 05 to 08, 13, 39).

A move here is an exception, not a verdict: the custodian's own valuation, the day's volume or the sector close it.
What is open at the cut-off bars the security.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import log
from statistics import median
from typing import Final

from trimtab.domain.price_checks import LARGE_MOVE, PriceStatus

STUCK_SESSIONS: Final = 5
UNIT: Final = 100  # pence for pounds, and a bond's price per 100 of par for one per 1
UNIT_LIKENESS: Final = 0.15  # |ln(move / 100)|: what the market itself may have moved beside the change of unit
SPLIT_LIKENESS: Final = 0.03
SPLIT_RATIOS: Final = tuple(map(Decimal, ("1.5", "2", "3", "4", "5", "10", "20")))
AGREEMENT: Final = Decimal("0.02")  # how far the custodian's value of a share may lie from the close
SAME_QUANTITY: Final = Decimal("0.01")
SURGE: Final = Decimal(3)  # times the usual volume
FEWEST_IN_SECTOR: Final = 5
SECTOR_SHARE: Final = Decimal(1) / 3  # of the security's own move: as much of it the sector must explain


@dataclass(frozen=True, slots=True)
class PastDay:
    """One earlier session's close, in shares of today (after splits), and its volume in shares where known."""

    close: Decimal
    volume: Decimal | None = None


@dataclass(frozen=True, slots=True)
class CustodianView:
    """What the custodian says about a security: medians over the accounts that hold it."""

    unit_value: Decimal  # dollars a share: market value over quantity
    quantity_ratio: Decimal | None  # today's shares over those of the day before; None when no account is in both


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a close that moved far. Every part may be missing."""

    custodian: CustodianView | None = None
    sector_moves: Sequence[Decimal] = ()  # of the other securities of the sector: today's close over the one before
    volume: Decimal | None = None
    past_volumes: Sequence[Decimal] = ()


def suspicion(
    close: Decimal, volume: Decimal | None, past: Sequence[PastDay], dividend: Decimal = Decimal(0)
) -> PriceStatus:
    """What the close looks like beside the sessions before, newest first; GOOD when there is nothing to see.

    `close` and `past` are dollars a share of today, above zero; `dividend` went ex since the session before, dollars
    a share: it explains its own part of a fall (case 39). The same close for five sessions in which the security
    traded is stuck; one without volume may well stand still.
    """
    if not past:
        return PriceStatus.GOOD
    move = (close + dividend) / past[0].close
    if _is_like(move, Decimal(UNIT), UNIT_LIKENESS):
        return PriceStatus.UNIT
    if any(_is_like(move, ratio, SPLIT_LIKENESS) for ratio in SPLIT_RATIOS):
        return PriceStatus.SPLIT_SUSPECTED
    if abs(move - 1) > LARGE_MOVE:
        return PriceStatus.SPIKE
    return PriceStatus.STUCK if _is_stuck(close, volume, past) else PriceStatus.GOOD


def _is_like(move: Decimal, ratio: Decimal, likeness: float) -> bool:
    """Whether a move is the ratio or its inverse, within a distance of logarithms."""
    return abs(abs(log(move)) - log(ratio)) < likeness


def _is_stuck(close: Decimal, volume: Decimal | None, past: Sequence[PastDay]) -> bool:
    days = [PastDay(close, volume), *past[: STUCK_SESSIONS - 1]]
    traded = all(day.volume is not None and day.volume > 0 for day in days)
    return len(days) == STUCK_SESSIONS and traded and len({day.close for day in days}) == 1


def is_closed(status: PriceStatus, close: Decimal, move: Decimal, evidence: Evidence) -> bool:
    """Whether a second source confirms the close, so that it may be traded on.

    `move`: the close over the one before. Where the custodian holds the security its word decides: its value of a
    share agrees, and the shares are those of the day before (a split changes them). Elsewhere a sector that went a
    third of the same way confirms the move: no split takes its sector along. Three times the usual volume confirms a
    spike, and no suspected split, which changes the volume as well. A price in another unit is wrong whoever repeats
    it.
    """
    if status in (PriceStatus.UNIT, PriceStatus.STUCK):
        return False
    if evidence.custodian is not None:
        return _agrees(evidence.custodian, close)
    return _with_sector(move, evidence.sector_moves) or (status is PriceStatus.SPIKE and _surged(evidence))


def _agrees(view: CustodianView, close: Decimal) -> bool:
    same_value = abs(view.unit_value / close - 1) <= AGREEMENT
    return same_value and view.quantity_ratio is not None and abs(view.quantity_ratio - 1) <= SAME_QUANTITY


def _surged(evidence: Evidence) -> bool:
    usual = [volume for volume in evidence.past_volumes if volume > 0]
    return evidence.volume is not None and bool(usual) and evidence.volume >= SURGE * median(usual)


def _with_sector(move: Decimal, sector: Sequence[Decimal]) -> bool:
    if len(sector) < FEWEST_IN_SECTOR:
        return False
    middle = median(sector) - 1
    return middle * (move - 1) > 0 and abs(middle) >= SECTOR_SHARE * abs(move - 1)
