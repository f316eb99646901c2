"""What a person may enter as differences of a variant: whatever its parent is, these could never be followed."""

from trimtab.domain.asset_allocations import InvalidProgramme
from trimtab.domain.model_variants import Cap, Difference, Drop, Pin, ReplaceProduct, Tilt, Variant


def require_sound_variant(variant: Variant) -> None:
    """Raises InvalidProgramme for a weight that is none, or two differences of one kind on one class."""
    seen: set[tuple[str, str]] = set()
    for each in variant.differences:
        if (each.kind, each.asset_class) in seen:
            twice = f"variant {variant.id}: {each.asset_class} has two differences {each.kind}: keep one of them"
            raise InvalidProgramme(twice)
        seen.add((each.kind, each.asset_class))
        _require_a_weight(variant, each)


def _require_a_weight(variant: Variant, difference: Difference) -> None:
    low = 0
    match difference:
        case Pin(weight=value) | Cap(most=value):
            pass
        case Tilt(change=value):
            low = -1
        case Drop() | ReplaceProduct():
            return
    if not (value.is_finite() and low <= value <= 1):
        raise InvalidProgramme(
            f"variant {variant.id}: the {difference.kind} of {difference.asset_class} is {value}, "
            f"not between {low} and 1: give a fraction of the account"
        )
