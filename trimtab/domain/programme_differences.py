"""In English how the firm's programme of one moment differs from another's: documents new, gone, and changed."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from trimtab.domain.asset_allocations import AssetAllocation, Product, ProductSet
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.model_variants import Cap, Difference, Drop, Pin, ReplaceProduct, RescaleScope, Tilt, Variant
from trimtab.domain.records import plain

Told = Mapping[str, str]
"""What a document says: of what, e.g. "the weight of LC", to its value, e.g. "30 %"."""

_HUNDRED: Final = Decimal(100)
_NOT_DECIDED: Final = ("id", "version", "effective_on")


def differences(kind: str, before: Mapping[Any, Any], after: Mapping[Any, Any]) -> tuple[str, ...]:
    """Of one kind of document by id. `kind` is how a sentence names it, e.g. "Allocation"."""
    found = [f"{kind} {name} is gone." for name in sorted(before.keys() - after.keys())]
    for name in sorted(after):
        new = told(after[name])
        if name not in before:
            found.append(f"{kind} {name} is new: {'; '.join(f'{what} is {value}' for what, value in new.items())}.")
        else:
            found += [f"{kind} {name}: {each}" for each in _changed(told(before[name]), new)]
    return tuple(found)


def told(document: object) -> Told:
    """What a document of the programme says, each part in words."""
    match document:
        case AssetAllocation():
            return _allocation(document)
        case ProductSet():
            return {f"product {each.id}": _product(each) for each in document.products}
        case Variant():
            return _variant(document)
        case ModelPortfolio():  # a provider's weights are told to nobody but its accounts
            return {"the version": str(document.version), "the first day": document.effective_on.isoformat()}
        case _:
            return dict(_flat(plain(document)))


def percent(fraction: Decimal) -> str:
    """A fraction of account value, exactly: 0.305 is "30.5 %"."""
    return f"{(fraction * _HUNDRED).normalize():f} %"


def _changed(old: Told, new: Told) -> list[str]:
    found = [f"no more {what} ({old[what]})." for what in old if what not in new]
    for what, value in new.items():
        if what not in old:
            found.append(f"{what} is {value}, before there was none.")
        elif old[what] != value:
            found.append(f"{what} is {value}, before {old[what]}.")
    return found


def _allocation(allocation: AssetAllocation) -> Told:
    weights = {f"the weight of {name}": percent(weight) for name, weight in allocation.weights.items()}
    groups = {f"the group of {name}": group for name, group in allocation.groups.items()}
    rest = {"the weight of cash": percent(allocation.cash_weight)}
    if allocation.product_set:
        rest["the product set"] = allocation.product_set
    return {**weights, **groups, **rest}


def _product(product: Product) -> str:
    kind = f"{product.kind.value} for {product.asset_class}"
    if product.model_id:
        return f"{kind} by model {product.model_id}"
    return f"{kind} of {', '.join(f'{name} {percent(weight)}' for name, weight in product.weights.items())}"


def _variant(variant: Variant) -> Told:
    """Differences by what they are about: two of one kind on one class are told together."""
    found = {"the parent": str(variant.parent)}
    for each in variant.differences:
        what = f"the {each.kind.lower().replace('_', ' ')} of {each.asset_class}"
        found[what] = f"{found[what]} and {_difference(each)}" if what in found else _difference(each)
    return found


def _difference(difference: Difference) -> str:
    match difference:
        case Drop(scope=scope):
            return "over all classes" if scope is RescaleScope.ALL else "within its group"
        case Pin(weight=weight):
            return f"at {percent(weight)}"
        case Tilt(change=change):
            return f"by {percent(change)}"
        case ReplaceProduct(product_id=product):
            return f"by {product}"
        case Cap(most=most):
            return f"at {percent(most)}"


def _flat(value: object, place: str = "") -> list[tuple[str, str]]:
    """Limits and contracts have many fields: each by its name and value, those that say nothing left out."""
    if isinstance(value, Mapping):
        names = [name for name in value if place or name not in _NOT_DECIDED]
        return [each for name in names for each in _flat(value[name], f"{place} {name}".strip().replace("_", " "))]
    if isinstance(value, list):
        return [each for number, one in enumerate(value, 1) for each in _flat(one, f"{place} {number}")]
    return [] if value is None or value == "" else [(place, str(value))]
