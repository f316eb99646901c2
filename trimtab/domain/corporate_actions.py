"""Corporate actions as values, and what a split does to lots, positions and prices (CA-0 to CA-7)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

from trimtab.domain.accounts import AccountId, Position
from trimtab.domain.corporate_actions_pieces import take_fraction
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lots import LotId, TaxLot
from trimtab.domain.market import Price
from trimtab.domain.money import SHARE_STEP, ZERO, split_exactly, to_cents
from trimtab.domain.securities import SecurityId

LARGEST_DENOMINATOR: Final = 10
RATIO_TOLERANCE: Final = Fraction(1, 10_000)  # relative
PRICE_STEP: Final = Decimal("0.000001")
_SIX_PLACES: Final = Fraction(2, 1_000_000)  # relative


class ActionKind(StrEnum):
    """ISO 20022 event types (CAEV, CA-1)."""

    SPLF = "SPLF"  # forward split
    SPLR = "SPLR"  # reverse split
    DVCA = "DVCA"  # cash dividend
    DVSE = "DVSE"  # stock dividend
    DVOP = "DVOP"  # dividend in cash or stock, at choice
    SOFF = "SOFF"  # spin-off
    MRGR = "MRGR"  # merger
    TEND = "TEND"  # tender offer
    EXOF = "EXOF"  # exchange offer
    CHAN = "CHAN"  # name, ticker or CUSIP change
    CAPD = "CAPD"  # return of capital
    RHDI = "RHDI"  # rights distributed
    EXRI = "EXRI"  # rights exercised
    REDM = "REDM"  # redemption at maturity
    DLST = "DLST"  # delisting
    BRUP = "BRUP"  # bankruptcy
    WRTH = "WRTH"  # worthless


class ActionStatus(StrEnum):
    ANNOUNCED = "ANNOUNCED"
    CONFIRMED = "CONFIRMED"
    REVERSED = "REVERSED"


class NotASplit(TrimtabError):
    """Raised when an action without a positive ratio of new per old shares is to be applied as a split."""

    code = "NOT_A_SPLIT"


class ActionRestated(TrimtabError):
    """Raised when another version of an event was applied already: undo that one first (case 40)."""

    code = "CA_RESTATED"


@dataclass(frozen=True, slots=True)
class CorporateAction:
    """One version of an event. `ratio` is new shares per old share, exact: 4:1 is 4, a 1-for-8 reverse is 1/8."""

    event_id: str
    version: int
    kind: ActionKind
    security_id: SecurityId
    ex_on: date  # holdings and closes of earlier days are before it
    ratio: Fraction | None = None
    cash_per_share: Decimal | None = None  # dollars; of a reverse split the price paid for fractions
    status: ActionStatus = ActionStatus.CONFIRMED

    @property
    def is_split(self) -> bool:
        return self.kind in (ActionKind.SPLF, ActionKind.SPLR)

    @property
    def is_sound_split(self) -> bool:
        """A small rational in the direction of its kind: "1 for 4" is no forward split, whoever says so (CA-7)."""
        if self.ratio is None or not is_small_rational(self.ratio):
            return False
        return self.ratio >= 1 if self.kind is ActionKind.SPLF else self.ratio <= 1

    @property
    def split_ratio(self) -> Fraction:
        """New shares per old share. Raises NotASplit."""
        if not self.is_split or self.ratio is None or self.ratio <= 0:
            raise NotASplit(f"event {self.event_id} ({self.kind}) has no ratio of new per old shares")
        return self.ratio


@dataclass(frozen=True, slots=True)
class CashInLieu:
    """The fraction of a share that an account was paid out for (CA-4). Dollars; `gain` is negative for a loss."""

    account_id: AccountId
    security_id: SecurityId
    quantity: Decimal
    proceeds: Decimal
    basis: Decimal
    gain: Decimal
    lot_ids: tuple[LotId, ...]  # the lots that the fraction came from, last acquired first


@dataclass(frozen=True, slots=True)
class Holdings:
    """What one account holds, and the events already applied to it."""

    account_id: AccountId
    lots: tuple[TaxLot, ...]
    positions: tuple[Position, ...]
    applied: frozenset[tuple[str, int]] = frozenset()  # (event id, version)
    cash_in_lieu: tuple[CashInLieu, ...] = ()  # what was paid for fractions; to be booked as cash by the caller


def is_small_rational(ratio: Fraction) -> bool:
    """True when max(ratio, 1/ratio) is p/q with q <= 10 within 1e-4 relative (CA-7).

    Other ratios are spin-offs or errors that a feed booked as splits (1.589, 1.324): never applied by themselves.
    """
    if ratio <= 0:
        return False
    larger = max(ratio, 1 / ratio)
    nearest = larger.limit_denominator(LARGEST_DENOMINATOR)
    return abs(nearest / larger - 1) <= RATIO_TOLERANCE


def exact_ratio(new_shares: Decimal, old_shares: Decimal) -> Fraction:
    """New per old, with a decimal such as 0.333333 read as the small rational it stands for.

    Raises NotASplit unless both are above zero.
    """
    if not (new_shares.is_finite() and old_shares.is_finite() and new_shares > 0 and old_shares > 0):
        raise NotASplit(f"{new_shares} new for {old_shares} old shares is no ratio")
    ratio = Fraction(new_shares) / Fraction(old_shares)
    if not is_small_rational(ratio):
        return ratio
    if ratio >= 1:
        return ratio.limit_denominator(LARGEST_DENOMINATOR)
    return 1 / (1 / ratio).limit_denominator(LARGEST_DENOMINATOR)


def stated_ratio(new_shares: Decimal, old_shares: Decimal) -> Fraction:
    """New per old as terms are written out: 0.3333 is itself, and only six threes stand for a third.

    Raises NotASplit unless both are above zero.
    """
    near = exact_ratio(new_shares, old_shares)
    written = Fraction(new_shares) / Fraction(old_shares)
    return near if abs(near / written - 1) <= _SIX_PLACES else written


@dataclass(frozen=True, slots=True)
class EffectiveSplits:
    """The confirmed splits with ex-date on a business date; `doubtful` ones need the custodian's own change."""

    applicable: tuple[CorporateAction, ...]
    doubtful: tuple[CorporateAction, ...]


def effective_splits(actions: Iterable[CorporateAction], business_date: date) -> EffectiveSplits:
    """Sort the day's splits; of an event's versions the last counts, and a reversed one is no split."""
    latest: dict[str, CorporateAction] = {}
    for action in actions:
        known = latest.get(action.event_id)
        if known is None or action.version > known.version:
            latest[action.event_id] = action
    today = [
        action
        for _, action in sorted(latest.items())
        if action.is_split and action.ex_on == business_date and action.status is ActionStatus.CONFIRMED
    ]
    sound = [action for action in today if action.is_sound_split]
    return EffectiveSplits(tuple(sound), tuple(action for action in today if action not in sound))


def apply_split(holdings: Holdings, action: CorporateAction, cash_price: Decimal | None = None) -> Holdings:
    """One account after a split. Lots keep basis, dates and ids; applying the same version again changes nothing.

    With `cash_price` (dollars a new share; default the action's `cash_per_share`) the account's fraction of a
    share is sold at it, out of the lot acquired last (CA-4). Without one the fraction is kept.
    Raises NotASplit, ActionRestated.
    """
    versions = {version for event_id, version in holdings.applied if event_id == action.event_id}
    if action.version in versions:
        return holdings
    if versions:
        raise ActionRestated(f"version {max(versions)} of {action.event_id} stands in account {holdings.account_id}")
    price = action.cash_per_share if cash_price is None else cash_price
    lots = split_lots(holdings.lots, action)
    paid: CashInLieu | None = None
    if price is not None:
        lots, paid = _sell_fraction(holdings.account_id, lots, action.security_id, price)
    return replace(
        holdings,
        lots=lots,
        positions=tuple(_split_position(position, action, paid) for position in holdings.positions),
        applied=holdings.applied | {(action.event_id, action.version)},
        cash_in_lieu=holdings.cash_in_lieu if paid is None else (*holdings.cash_in_lieu, paid),
    )


def split_lots(lots: Sequence[TaxLot], action: CorporateAction) -> tuple[TaxLot, ...]:
    """The lots in new shares: quantities sum to the account's entitlement to six places, basis and dates stand."""
    ratio = action.split_ratio
    concerned = [lot for lot in lots if lot.security_id == action.security_id]
    if not concerned:
        return tuple(lots)
    old_quantities = [lot.quantity for lot in concerned]
    entitled = times(sum(old_quantities, ZERO), ratio)
    new_quantities = dict(
        zip((lot.id for lot in concerned), split_exactly(entitled, old_quantities, SHARE_STEP), strict=True)
    )
    return tuple(
        replace(lot, quantity=new_quantities[lot.id]) if lot.security_id == action.security_id else lot for lot in lots
    )


def times(quantity: Decimal, ratio: Fraction) -> Decimal:
    """`quantity` shares times an exact ratio, to six places: also for old sales and purchases (WS-11)."""
    return (quantity * ratio.numerator / ratio.denominator).quantize(SHARE_STEP)


def split_price(close: Decimal, ratio: Fraction) -> Decimal:
    """A close from before the split in dollars a new share, to six places."""
    return (close * ratio.denominator / ratio.numerator).quantize(PRICE_STEP)


def split_prices(
    prices: Mapping[SecurityId, Price], splits: Iterable[CorporateAction], business_date: date
) -> dict[SecurityId, Price]:
    """Closes in the units of the business date: those from before a split's ex-date are divided by its ratio."""
    adjusted = dict(prices)
    for action in splits:
        price = adjusted.get(action.security_id)
        if price is not None and price.as_of < action.ex_on <= business_date:
            adjusted[action.security_id] = replace(price, close=split_price(price.close, action.split_ratio))
    return adjusted


class SplitState(StrEnum):
    """Which shares a custodian's position is in on the eve of a split."""

    BEFORE = "BEFORE"  # old shares, as expected
    APPLIED = "APPLIED"  # the custodian has booked the new shares already
    UNCLEAR = "UNCLEAR"  # neither fits: suspend


def split_state(quantity: Decimal, market_value: Decimal, close: Decimal, ratio: Fraction) -> SplitState:
    """Judge by the custodian's own value against the close from before the split (CA-7).

    In old shares the value is quantity x close, in new ones it is quantity x close / ratio; within 5 %.
    """
    if quantity <= 0 or market_value <= 0 or close <= 0:
        return SplitState.UNCLEAR
    seen = Fraction(market_value) / (Fraction(quantity) * Fraction(close))
    near = Fraction(1, 20)
    before, applied = abs(seen - 1) <= near, abs(seen * ratio - 1) <= near
    if before == applied:
        return SplitState.UNCLEAR
    return SplitState.BEFORE if before else SplitState.APPLIED


def _split_position(position: Position, action: CorporateAction, paid: CashInLieu | None) -> Position:
    if position.security_id != action.security_id:
        return position
    quantity = times(position.quantity, action.split_ratio)
    if paid is None:
        return replace(position, quantity=quantity)
    left = quantity - paid.quantity
    value = to_cents(position.market_value * left / quantity) if quantity else ZERO
    return replace(position, quantity=left, market_value=value)


def _sell_fraction(
    account_id: AccountId, lots: tuple[TaxLot, ...], security_id: SecurityId, price: Decimal
) -> tuple[tuple[TaxLot, ...], CashInLieu | None]:
    """Take the account's fraction out of the lots acquired last, at a basis rounded to the cent."""
    left, pieces = take_fraction(lots, security_id)
    if not pieces:
        return lots, None
    fraction = sum((piece.quantity for piece in pieces), ZERO)
    basis = sum((piece.cost for piece in pieces), ZERO)
    proceeds = to_cents(fraction * price)
    sold_from = tuple(piece.id for piece in pieces)
    return left, CashInLieu(account_id, security_id, fraction, proceeds, basis, proceeds - basis, sold_from)
