"""Parts of tax lots: what is taken out of a lot takes its share of basis and wash adjustment with it."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal

from trimtab.domain.lots import TaxLot
from trimtab.domain.money import ZERO, to_cents
from trimtab.domain.securities import SecurityId


def divide(lot: TaxLot, quantity: Decimal) -> tuple[TaxLot, TaxLot | None]:
    """(the piece of `quantity` shares, what is left of the lot or None).

    The piece's basis is rounded to the cent and what is left keeps the rest: both sum to the lot.
    """
    if quantity == lot.quantity:
        return lot, None
    cost = to_cents(lot.cost * quantity / lot.quantity)
    wash = to_cents(lot.wash_adjustment * quantity / lot.quantity)
    piece = replace(lot, quantity=quantity, cost=cost, wash_adjustment=wash)
    left = replace(
        lot, quantity=lot.quantity - quantity, cost=lot.cost - cost, wash_adjustment=lot.wash_adjustment - wash
    )
    return piece, left


def take_fraction(lots: Sequence[TaxLot], security_id: SecurityId) -> tuple[tuple[TaxLot, ...], tuple[TaxLot, ...]]:
    """(lots left, pieces taken): the account's fraction of a share, out of the lots acquired last (CA-4)."""
    concerned = [lot for lot in lots if lot.security_id == security_id]
    held = sum((lot.quantity for lot in concerned), ZERO)
    wanted = held - held.to_integral_value(ROUND_FLOOR)
    after: dict[str, TaxLot | None] = {lot.id: lot for lot in lots}
    pieces: list[TaxLot] = []
    for lot in sorted(concerned, key=lambda each: (each.acquired_on, each.id), reverse=True):
        if wanted == 0:
            break
        piece, after[lot.id] = divide(lot, min(lot.quantity, wanted))
        wanted -= piece.quantity
        pieces.append(piece)
    return tuple(lot for lot in after.values() if lot is not None), tuple(pieces)
