"""Parent and child: a child stores only its differences, and follows its parent in everything else (M4, MD-3).

The effective allocation of a child is its parent's effective allocation with the child's differences applied in a
fixed order: drop, pin, tilt, replace, cap; then what is not pinned is rescaled pro rata so that all makes 1 again. So
the order in which a person entered them never matters. A difference that no longer applies is an exception on a
list; the rest of the child still follows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Literal, NewType

from trimtab.domain.asset_allocations import (
    AllocationId,
    AssetAllocation,
    InvalidProgramme,
    Product,
    ProductId,
    ProductSet,
)
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.money import ZERO
from trimtab.domain.securities import SecurityId

VariantId = NewType("VariantId", str)

DEEPEST = 8
"""Levels of variants above an allocation."""


class RescaleScope(StrEnum):
    """Who takes over the weight of a dropped class."""

    ALL = "ALL"  # every class that is left, pro rata
    GROUP = "GROUP"  # only classes of its group


@dataclass(frozen=True, slots=True)
class Drop:
    """The class is left out: the client holds it elsewhere, or does not want it (M4a)."""

    asset_class: str
    scope: RescaleScope = RescaleScope.ALL
    kind: Literal["DROP"] = "DROP"


@dataclass(frozen=True, slots=True)
class Pin:
    """The class has exactly this weight, whatever the parent does."""

    asset_class: str
    weight: Decimal
    kind: Literal["PIN"] = "PIN"


@dataclass(frozen=True, slots=True)
class Tilt:
    """The class has this much more (or less) than the parent gives it."""

    asset_class: str
    change: Decimal
    kind: Literal["TILT"] = "TILT"


@dataclass(frozen=True, slots=True)
class ReplaceProduct:
    """The class is invested in another approved product (M4b)."""

    asset_class: str
    product_id: ProductId
    kind: Literal["REPLACE_PRODUCT"] = "REPLACE_PRODUCT"


@dataclass(frozen=True, slots=True)
class Cap:
    """The class never has more than this weight."""

    asset_class: str
    most: Decimal
    kind: Literal["CAP"] = "CAP"


Difference = Drop | Pin | Tilt | ReplaceProduct | Cap


@dataclass(frozen=True, slots=True)
class Variant:
    """A customised child of an allocation or of another variant."""

    id: VariantId
    parent: AllocationId | VariantId
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class DifferenceException:
    """A difference that does not apply to today's parent, why, and what to do (never silent: MD-3)."""

    variant: VariantId
    difference: Difference
    reason: str


@dataclass(frozen=True, slots=True)
class Step:
    """What one ancestor made of a class's weight."""

    source: str  # allocation or variant
    what: str  # e.g. "tilted by 0.02"
    weight: Decimal


@dataclass(frozen=True, slots=True)
class Effective:
    """What a variant comes to today."""

    weights: Mapping[str, Decimal]
    cash_weight: Decimal
    groups: Mapping[str, str]
    product_set: str
    version: int  # of the allocation that it descends from
    products: Mapping[str, ProductId]  # classes with another product than the first of their list
    lineage: Mapping[str, tuple[Step, ...]]  # by class, oldest ancestor first (M4d)
    exceptions: tuple[DifferenceException, ...] = ()
    pinned: frozenset[str] = field(default_factory=frozenset)


class Family:
    """Allocations and the variants that descend from them. Effective allocations are worked out once each."""

    def __init__(
        self, allocations: Mapping[AllocationId, AssetAllocation], variants: Mapping[VariantId, Variant]
    ) -> None:
        self._allocations, self._variants = allocations, variants
        self._known: dict[str, Effective] = {}

    def effective(self, name: AllocationId | VariantId) -> Effective:
        """Raises InvalidProgramme for an unknown parent, a cycle, or more than `DEEPEST` levels."""
        chain: list[Variant] = []
        here: str = name
        while here not in self._known and here not in self._allocations:
            if here not in self._variants:
                raise InvalidProgramme(f"{name}: its ancestor {here} does not exist: name another parent")
            if any(each.id == here for each in chain):
                path = " > ".join([*(each.id for each in chain), here])
                raise InvalidProgramme(f"{name}: it descends from itself ({path}): name another parent")
            chain.append(self._variants[VariantId(here)])
            if len(chain) > DEEPEST:
                raise InvalidProgramme(f"{name}: more than {DEEPEST} levels of parents: descend from a higher one")
            here = chain[-1].parent
        found = self._known.get(here) or _of_allocation(self._allocations[AllocationId(here)])
        for variant in reversed(chain):
            found = apply(variant, found)
            self._known[variant.id] = found
        return found

    def descendants(self, name: AllocationId | VariantId) -> frozenset[VariantId]:
        """Every variant below `name`: whom a change of it reaches tonight (M4c)."""
        children: dict[str, list[VariantId]] = {}
        for variant in self._variants.values():
            children.setdefault(variant.parent, []).append(variant.id)
        reached: set[VariantId] = set()
        waiting = list(children.get(name, ()))
        while waiting:
            child = waiting.pop()
            if child not in reached:
                reached.add(child)
                waiting += children.get(child, ())
        return frozenset(reached)


def _of_allocation(allocation: AssetAllocation) -> Effective:
    source = f"{allocation.id} v{allocation.version}"
    return Effective(
        weights=allocation.weights,
        cash_weight=allocation.cash_weight,
        groups=allocation.groups,
        product_set=allocation.product_set,
        version=allocation.version,
        products={},
        lineage={name: (Step(source, "set", weight),) for name, weight in allocation.weights.items()},
    )


def apply(variant: Variant, parent: Effective) -> Effective:
    """The parent's effective allocation with the variant's differences, in the fixed order of MD-3."""
    draft = _Draft(variant, parent)
    for kind in (Drop, Pin, Tilt, ReplaceProduct, Cap):
        of_kind = [each for each in variant.differences if isinstance(each, kind)]
        for difference in sorted(of_kind, key=lambda each: each.asset_class):
            draft.apply(difference)
    draft.rescale()
    return draft.effective()


class _Draft:
    """The child's weights while its differences are applied."""

    def __init__(self, variant: Variant, parent: Effective) -> None:
        self._variant, self._parent = variant, parent
        self._weights = dict(parent.weights)
        self._products = dict(parent.products)
        self._lineage = {name: list(steps) for name, steps in parent.lineage.items()}
        self._exceptions: list[DifferenceException] = []
        self._pinned: set[str] = set()
        self._capped: dict[str, Decimal] = {}

    def apply(self, difference: Difference) -> None:
        name = difference.asset_class
        if name not in self._weights:
            gone = f"{name} is not in {self._variant.parent} any more: remove the difference, or add the class"
            self._exceptions.append(DifferenceException(self._variant.id, difference, gone))
            return
        match difference:
            case Drop(scope=scope):
                self._drop(difference, name, scope)
            case Pin(weight=weight):
                self._pinned.add(name)
                self._set(name, weight, f"pinned at {weight}")
            case Tilt(change=change):
                self._tilt(difference, name, change)
            case ReplaceProduct(product_id=product_id):
                self._products[name] = product_id
            case Cap(most=most):
                self._capped[name] = most

    def _drop(self, difference: Difference, name: str, scope: RescaleScope) -> None:
        freed, group = self._weights[name], self._parent.groups.get(name)
        in_group = [each for each in self._weights if each != name and self._parent.groups.get(each) == group]
        heirs = in_group if scope is RescaleScope.GROUP and group is not None else None
        if heirs is not None and sum((self._weights[each] for each in heirs), ZERO) == 0:
            nobody = f"no other class of {group} has weight to take over: drop {name} with the scope ALL"
            self._exceptions.append(DifferenceException(self._variant.id, difference, nobody))
            return
        del self._weights[name]
        self._lineage.pop(name, None)
        self._products.pop(name, None)
        if heirs is not None:
            self._hand_on(freed, heirs, f"took over its part of {name}")

    def _tilt(self, difference: Difference, name: str, change: Decimal) -> None:
        if name in self._pinned:
            both = f"{name} is pinned, so it cannot be tilted: remove one of the two"
            self._exceptions.append(DifferenceException(self._variant.id, difference, both))
        elif self._weights[name] + change < 0:
            below = f"{name} has {self._weights[name]}: a tilt of {change} would leave less than nothing"
            self._exceptions.append(DifferenceException(self._variant.id, difference, below))
        else:
            self._pinned.add(name)  # the tilt is meant in full: the others make room
            self._set(name, self._weights[name] + change, f"tilted by {change}")

    def rescale(self) -> None:
        """Classes that are not pinned, tilted or at their cap share what is left, pro rata, until no cap is broken."""
        for _ in range(len(self._capped) + 1):
            self._share_out()
            above = [name for name, most in self._capped.items() if self._weights.get(name, ZERO) > most]
            if not above:
                return
            for name in above:
                self._pinned.add(name)
                self._set(name, self._capped[name], f"capped at {self._capped[name]}")
        self._share_out()

    def _share_out(self) -> None:
        free = [name for name in self._weights if name not in self._pinned]
        fixed = sum((self._weights[name] for name in self._weights if name in self._pinned), ZERO)
        left = 1 - self._parent.cash_weight - fixed
        total = sum((self._weights[name] for name in free), ZERO)
        if left < 0 or (total == 0 and left > 0):
            raise InvalidProgramme(
                f"{self._variant.id}: its pinned, tilted and capped classes sum to {fixed}, "
                f"which leaves {left} for the others: change one of them"
            )
        if total != left:
            for name in free:
                self._set(name, self._weights[name] * left / total if total else ZERO, "rescaled")

    def _hand_on(self, freed: Decimal, heirs: list[str], what: str) -> None:
        total = sum((self._weights[each] for each in heirs), ZERO)
        for each in heirs:
            self._set(each, self._weights[each] + freed * self._weights[each] / total, what)

    def _set(self, name: str, weight: Decimal, what: str) -> None:
        if weight != self._weights[name] or what.startswith("pinned"):
            self._weights[name] = weight
            self._lineage[name].append(Step(self._variant.id, what, weight))

    def effective(self) -> Effective:
        return Effective(
            weights=self._weights,
            cash_weight=self._parent.cash_weight,
            groups={name: group for name, group in self._parent.groups.items() if name in self._weights},
            product_set=self._parent.product_set,
            version=self._parent.version,
            products=self._products,
            lineage={name: tuple(steps) for name, steps in self._lineage.items()},
            exceptions=(*self._parent.exceptions, *self._exceptions),
            pinned=frozenset(self._pinned),
        )


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a target weight comes from: its class, the product that stands for the class, and their weights."""

    asset_class: str
    class_weight: Decimal
    product_id: ProductId
    weight_in_product: Decimal


@dataclass(frozen=True, slots=True)
class TargetWeights:
    """Weights by security; with cash they make 1. A security that two products hold has two origins."""

    weights: Mapping[SecurityId, Decimal]
    cash_weight: Decimal
    origins: Mapping[SecurityId, tuple[Origin, ...]]


def target_weights(
    effective: Effective, products: ProductSet, models: Mapping[str, ModelPortfolio] | None = None
) -> TargetWeights:
    """target = sum over classes of allocation x product (MD-1). Raises InvalidProgramme without an approved product.

    A product that is a model has the model's weights, and the model's cash is cash of the account.
    """
    weights: dict[SecurityId, Decimal] = {}
    origins: dict[SecurityId, tuple[Origin, ...]] = {}
    cash = effective.cash_weight
    for asset_class, class_weight in sorted(effective.weights.items()):
        product = products.chosen(asset_class, effective.products.get(asset_class))
        model = _model_of(product, models or {}) if product.model_id else None
        cash += class_weight * model.cash if model is not None else ZERO
        for security_id, weight in (product.weights if model is None else model.weights).items():
            weights[security_id] = weights.get(security_id, ZERO) + class_weight * weight
            origin = Origin(asset_class, class_weight, product.id, weight)
            origins[security_id] = (*origins.get(security_id, ()), origin)
    return TargetWeights(weights, cash, origins)


def _model_of(product: Product, models: Mapping[str, ModelPortfolio]) -> ModelPortfolio:
    found = models.get(product.model_id)
    if found is None:
        raise InvalidProgramme(f"product {product.id}: model {product.model_id} is not published: publish it first")
    return found


def sleeves(effective: Effective, products: ProductSet) -> dict[str, Decimal]:
    """The weight of each published model in the account: the classes for which it stands, together."""
    found: dict[str, Decimal] = {}
    for asset_class, class_weight in effective.weights.items():
        model = products.chosen(asset_class, effective.products.get(asset_class)).model_id
        if model:
            found[model] = found.get(model, ZERO) + class_weight
    return found
