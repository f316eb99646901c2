"""Money and quantities are `Decimal`: dollars to the cent, shares to six places (TL-16)."""

from collections.abc import Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from trimtab.domain.errors import TrimtabError

ZERO = Decimal(0)
CENT = Decimal("0.01")
SHARE_STEP = Decimal("0.000001")
BASIS_POINT = Decimal("0.0001")


class CannotSplit(TrimtabError):
    """Raised when an amount is to be split over weights that do not sum to more than zero."""

    code = "CANNOT_SPLIT"


def to_cents(amount: Decimal) -> Decimal:
    """`amount` in dollars, rounded half-even to the cent."""
    return amount.quantize(CENT, rounding=ROUND_HALF_EVEN)


def to_shares(quantity: Decimal) -> Decimal:
    """`quantity` rounded half-even to six decimal places."""
    return quantity.quantize(SHARE_STEP, rounding=ROUND_HALF_EVEN)


def split_exactly(total: Decimal, weights: Sequence[Decimal], step: Decimal = CENT) -> list[Decimal]:
    """Split `total` in proportion to `weights`, in multiples of `step`, by largest remainder (TL-16).

    The parts sum to `total` exactly; a tie goes to the earlier part. `total` is a non-negative
    multiple of `step`, weights are non-negative. Raises CannotSplit when the weights sum to zero.
    """
    whole = sum(weights, ZERO)
    if whole <= 0:
        raise CannotSplit(f"cannot split {total} over weights that sum to {whole}")
    exact = [total * weight / whole for weight in weights]
    parts = [part.quantize(step, rounding=ROUND_FLOOR) for part in exact]
    left = int((total - sum(parts, ZERO)) / step)
    by_remainder = sorted(range(len(parts)), key=lambda index: (parts[index] - exact[index], index))
    for index in by_remainder[:left]:
        parts[index] += step
    return parts
