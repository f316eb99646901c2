"""Fills split back to the accounts, and what they change in lots and cash (OR-2, TL-2)."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from trimtab.domain.accounts import AccountId
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lots import HoldingPeriod, LotId, TaxLot, holding_period
from trimtab.domain.money import CENT, SHARE_STEP, ZERO, split_exactly, to_cents
from trimtab.domain.orders import Block, Intent, IntentId, Member, Side
from trimtab.domain.securities import SecurityId

WHOLE_SHARE: Final = Decimal(1)


class Overfilled(TrimtabError):
    """Raised when more was executed than the block ordered, or allocated than the member asked: stop and look."""

    code = "OVERFILLED"


class LotsDoNotCover(TrimtabError):
    """Raised when a sale's lots hold fewer shares than were sold from them, or a claimed lot is not there."""

    code = "LOTS_DO_NOT_COVER"


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution: shares and dollars a share, both positive."""

    quantity: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class Allocation:
    """What one member gets of a block's fills. All positive; `notional` is before commission."""

    intent_id: IntentId
    account_id: AccountId
    quantity: Decimal
    price: Decimal  # the block's average, the same for all members (OR-2)
    notional: Decimal  # dollars to the cent; the members' sum is the block's
    commission: Decimal  # dollars


@dataclass(frozen=True, slots=True)
class LotPosting:
    """One change of one lot, with its cash. Signs are those of the account: a sale takes shares and gives cash."""

    intent_id: IntentId
    account_id: AccountId
    security_id: SecurityId
    trade_date: date
    lot_id: LotId  # the lot sold from, or the lot that the purchase opens
    quantity: Decimal  # change of the lot's shares
    basis: Decimal  # change of the lot's cost, dollars
    cash: Decimal  # change of the account's cash, dollars, net of commission
    gain: Decimal  # dollars realised, negative for a loss; 0 on a purchase
    term: HoldingPeriod | None  # of the gain; None on a purchase
    wash_adjustment: Decimal = ZERO  # change of the disallowed loss that the lot's cost contains


def rotation_seed(client_order_id: str) -> int:
    """A seed that is the same whenever the block is allocated again, and spreads odd shares over the days."""
    return int.from_bytes(hashlib.sha256(client_order_id.encode()).digest()[:8], "big")


def allocate(filled: Decimal, members: Sequence[Member], seed: int) -> dict[IntentId, Decimal]:
    """Shares of each member: pro rata, rounded to whole shares by largest remainder (OR-2).

    Ties, and fills too small to give anybody a whole share pro rata, go by rotation: members by intent id,
    beginning at `seed`. Nobody gets more than asked; fractions are only allotted when whole shares cannot be.
    Raises Overfilled.
    """
    ordered = sorted(members, key=lambda member: member.intent_id)
    asked = [member.quantity for member in ordered]
    whole = sum(asked, ZERO)
    if filled > whole:
        raise Overfilled(f"{filled} shares were filled of {whole} ordered")
    parts = asked if filled == whole else None
    for step in (WHOLE_SHARE, SHARE_STEP):
        parts = parts or _pro_rata(filled, asked, step, seed)
    if parts is None:
        raise Overfilled(f"{filled} shares cannot be split in steps of {SHARE_STEP}")
    return {member.intent_id: part for member, part in zip(ordered, parts, strict=True)}


def _pro_rata(filled: Decimal, asked: list[Decimal], step: Decimal, seed: int) -> list[Decimal] | None:
    """Parts that are multiples of `step`, none above what was asked; None when there are no such parts."""
    if filled % step:
        return None
    whole = sum(asked, ZERO)
    exact = [filled * quantity / whole for quantity in asked]
    parts = [(part / step).to_integral_value(ROUND_FLOOR) * step for part in exact]
    odd_steps = int((filled - sum(parts, ZERO)) / step)
    turn = sorted(range(len(asked)), key=lambda place: (place - seed) % len(asked))
    if any(parts):
        turn.sort(key=lambda place: parts[place] - exact[place])
    takers = [place for place in turn if parts[place] + step <= asked[place]][:odd_steps]
    for place in takers:
        parts[place] += step
    return parts if len(takers) == odd_steps else None


def average_price(fills: Sequence[Fill]) -> Decimal:
    """Dollars a share over all fills, to six places; 0 without fills."""
    shares = sum((fill.quantity for fill in fills), ZERO)
    if shares == 0:
        return ZERO
    return (sum((fill.quantity * fill.price for fill in fills), ZERO) / shares).quantize(Decimal("0.000001"))


def allocate_block(
    block: Block,
    fills: Sequence[Fill],
    commissions: Mapping[IntentId, Decimal] | None = None,
    seed: int | None = None,
) -> tuple[Allocation, ...]:
    """The block's fills split over its members: one price for all, cents that sum to what was traded.

    Members that get no share are left out and pay no commission. Raises Overfilled.
    """
    shares = sum((fill.quantity for fill in fills), ZERO)
    if shares == 0:
        return ()
    chosen_seed = rotation_seed(block.client_order_id) if seed is None else seed
    quantities = allocate(shares, block.members, chosen_seed)
    served = [member for member in block.members if quantities[member.intent_id] > 0]
    traded = to_cents(sum((fill.quantity * fill.price for fill in fills), ZERO))
    notionals = split_exactly(traded, [quantities[member.intent_id] for member in served], CENT)
    price = average_price(fills)
    charged = commissions or {}
    return tuple(
        Allocation(
            member.intent_id,
            member.account_id,
            quantities[member.intent_id],
            price,
            notional,
            charged.get(member.intent_id, ZERO),
        )
        for member, notional in zip(served, notionals, strict=True)
    )


def post_allocation(
    intent: Intent, allocation: Allocation, lots: Mapping[LotId, TaxLot], trade_date: date
) -> tuple[LotPosting, ...]:
    """What an allocation changes. A sale reduces the claimed lots in order; a purchase opens one lot.

    Proceeds are net of commission and cost includes it (TL-2, TL-1). Raises Overfilled, LotsDoNotCover.
    """
    if allocation.quantity > intent.quantity:
        raise Overfilled(f"{allocation.quantity} shares were allocated to intent {intent.id} for {intent.quantity}")
    if intent.side is Side.BUY:
        return (_purchase(intent, allocation, trade_date),)
    return _sale(intent, allocation, lots, trade_date)


def _purchase(intent: Intent, allocation: Allocation, trade_date: date) -> LotPosting:
    cost = allocation.notional + allocation.commission
    return LotPosting(
        intent.id,
        intent.account_id,
        intent.security_id,
        trade_date,
        LotId(intent.id),
        allocation.quantity,
        cost,
        -cost,
        ZERO,
        None,
    )


def _sale(
    intent: Intent, allocation: Allocation, lots: Mapping[LotId, TaxLot], trade_date: date
) -> tuple[LotPosting, ...]:
    taken = _shares_by_lot(intent, allocation.quantity, lots)
    net = allocation.notional - allocation.commission
    # A commission above the proceeds leaves nothing to split: the first lot bears it.
    shares = split_exactly(net, [quantity for _, quantity in taken]) if net >= 0 else [net, *[ZERO] * (len(taken) - 1)]
    return tuple(
        _sale_posting(intent, lot, quantity, proceeds, trade_date)
        for (lot, quantity), proceeds in zip(taken, shares, strict=True)
    )


def _shares_by_lot(intent: Intent, sold: Decimal, lots: Mapping[LotId, TaxLot]) -> list[tuple[TaxLot, Decimal]]:
    taken = []
    left = sold
    for claim in intent.lot_claims:
        quantity = min(claim.quantity, left)
        if quantity <= 0:
            break
        lot = lots.get(claim.lot_id)
        if lot is None or lot.quantity < quantity:
            held = "is not there" if lot is None else f"holds {lot.quantity} shares"
            raise LotsDoNotCover(f"intent {intent.id} sold {quantity} shares of lot {claim.lot_id}, which {held}")
        taken.append((lot, quantity))
        left -= quantity
    if left > 0:
        raise LotsDoNotCover(f"the lots of intent {intent.id} cover all but {left} of the {sold} shares sold")
    return taken


def _sale_posting(intent: Intent, lot: TaxLot, quantity: Decimal, proceeds: Decimal, trade_date: date) -> LotPosting:
    closes = quantity == lot.quantity
    basis = lot.cost if closes else to_cents(lot.cost * quantity / lot.quantity)
    wash = lot.wash_adjustment if closes else to_cents(lot.wash_adjustment * quantity / lot.quantity)
    return LotPosting(
        intent.id,
        intent.account_id,
        intent.security_id,
        trade_date,
        lot.id,
        -quantity,
        -basis,
        proceeds,
        proceeds - basis,
        holding_period(lot, trade_date),
        -wash,
    )


def apply_postings(lots: Mapping[LotId, TaxLot], postings: Iterable[LotPosting]) -> dict[LotId, TaxLot]:
    """The lots after the postings; a lot without shares is gone. Raises LotsDoNotCover."""
    after = dict(lots)
    for posting in postings:
        lot = after.get(posting.lot_id)
        if lot is None:
            if posting.quantity <= 0:
                raise LotsDoNotCover(f"lot {posting.lot_id} is not there to be sold from")
            after[posting.lot_id] = _opened(posting)
            continue
        quantity = lot.quantity + posting.quantity
        if quantity < 0:
            raise LotsDoNotCover(f"lot {posting.lot_id} would hold {quantity} shares")
        if quantity == 0:
            del after[posting.lot_id]
            continue
        after[posting.lot_id] = replace(
            lot,
            quantity=quantity,
            cost=lot.cost + posting.basis,
            wash_adjustment=lot.wash_adjustment + posting.wash_adjustment,
        )
    return after


def _opened(posting: LotPosting) -> TaxLot:
    """The purchase's own order is its purchase id: its lots never wash each other (WS-4)."""
    return TaxLot(
        posting.lot_id,
        posting.account_id,
        posting.security_id,
        posting.quantity,
        posting.trade_date,
        posting.basis,
        purchase_id=posting.intent_id,
    )
