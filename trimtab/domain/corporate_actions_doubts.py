"""Which of a vendor's actions and which moves of a close need a second source before anybody trades (CA-7)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

from trimtab.domain.corporate_actions import ActionKind, is_small_rational
from trimtab.domain.securities import SecurityId

LARGE_MOVE: Final = Fraction(2, 5)  # of the close before, after the announced action (case 06)
LARGE_DIVIDEND: Final = Fraction(1, 10)  # of the close before (case 39)
USUAL_RATIOS: Final = (Fraction(2), Fraction(3), Fraction(4), Fraction(5), Fraction(10), Fraction(3, 2))
RATIO_LIKENESS: Final = Fraction(1, 100)  # relative: a move this near to a usual ratio looks like a split (case 07)
SAME_MOVE: Final = Fraction(1, 50)  # relative: two sources' moves this near are one move


class Doubt(StrEnum):
    """Why a security waits for a second source. The words are reason codes."""

    PRICE_SPIKE = "PRICE_SPIKE"  # more than 40 % without an action
    SPLIT_SUSPECTED = "SPLIT_SUSPECTED"  # near a usual ratio without an action
    ODD_RATIO = "ODD_RATIO"  # a "split" that is no small rational: a spin-off or an error
    LARGE_DIVIDEND = "LARGE_DIVIDEND"  # above a tenth of the close: a spin-off, or a special dividend
    NOT_IN_PRICES = "NOT_IN_PRICES"  # a split that the close did not follow


_SPLITS: Final = frozenset({ActionKind.SPLF, ActionKind.SPLR, ActionKind.DVSE})
_RESHAPING: Final = frozenset({ActionKind.SOFF, ActionKind.MRGR, ActionKind.REDM})
CONFIRMED_BY: Final[Mapping[Doubt, frozenset[ActionKind]]] = {
    Doubt.PRICE_SPIKE: _SPLITS | _RESHAPING,
    Doubt.SPLIT_SUSPECTED: _SPLITS | _RESHAPING,
    Doubt.ODD_RATIO: frozenset({ActionKind.SOFF, ActionKind.DVSE}),
    Doubt.LARGE_DIVIDEND: frozenset({ActionKind.SOFF, ActionKind.DVCA, ActionKind.CAPD}),
    Doubt.NOT_IN_PRICES: frozenset(),  # prices heal that, not another announcement
}


@dataclass(frozen=True, slots=True)
class VendorAction:
    """What a price vendor's feed says of one security and day. Never booked as it stands when in doubt."""

    security_id: SecurityId
    ex_on: date
    ratio: Fraction | None = None  # new shares per old
    dividend: Decimal | None = None  # dollars a share


def action_doubts(action: VendorAction, close_before: Decimal) -> tuple[Doubt, ...]:
    """What forbids applying the vendor's action without confirmation; nothing when it may be applied."""
    found = []
    if action.ratio is not None and not is_small_rational(action.ratio):
        found.append(Doubt.ODD_RATIO)
    if action.dividend is not None and Fraction(action.dividend) > LARGE_DIVIDEND * Fraction(close_before):
        found.append(Doubt.LARGE_DIVIDEND)
    return tuple(found)


def move_doubt(
    close_before: Decimal, close: Decimal, ratio: Fraction = Fraction(1), dividend: Decimal = Decimal(0)
) -> Doubt | None:
    """Whether a move needs a second source. `ratio` and `dividend` are those of the day's announced actions.

    With an announced split a move beyond 40 % of what the split explains means that prices did not follow.
    Both closes are above zero.
    """
    expected = (Fraction(close_before) - Fraction(dividend)) / ratio
    if expected <= 0:
        return Doubt.PRICE_SPIKE
    move = Fraction(close) / expected
    if ratio != 1 and abs(move - 1) > LARGE_MOVE:
        return Doubt.NOT_IN_PRICES
    if any(_near(max(move, 1 / move), usual) for usual in USUAL_RATIOS):
        return Doubt.SPLIT_SUSPECTED
    return Doubt.PRICE_SPIKE if abs(move - 1) > LARGE_MOVE else None


def _near(move: Fraction, ratio: Fraction) -> bool:
    return abs(move / ratio - 1) <= RATIO_LIKENESS


@dataclass(frozen=True, slots=True)
class SecondSource:
    """What another source says of the same security and day: a second price feed, or a custodian's own value."""

    close_before: Decimal
    close: Decimal
    has_split: bool  # whether it knows of a split that day


def closes_move(close_before: Decimal, close: Decimal, second: SecondSource | None) -> bool:
    """Whether the second source shows the same move and knows of no split: then the move is the market's."""
    if second is None or second.has_split or min(second.close, second.close_before, close, close_before) <= 0:
        return False
    own = Fraction(close) / Fraction(close_before)
    other = Fraction(second.close) / Fraction(second.close_before)
    return abs(own / other - 1) <= SAME_MOVE


def confirmed(doubt: Doubt, kinds: Iterable[ActionKind]) -> bool:
    """Whether events of the same security and day, from an issuer or custodian, explain what is in doubt.

    A rename explains no ratio, and a split no dividend.
    """
    return not CONFIRMED_BY[doubt].isdisjoint(kinds)
